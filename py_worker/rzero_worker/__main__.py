"""The command line: `python -m rzero_worker --connect tcp://HOST:PORT --backend NAME`.

Under torchrun it is one rank of a group that holds models together, to train (torch) or to sample (vllm):
rank 0 is the worker, the others follow.

Exit codes: 0 stopped in order, 2 bad arguments, 69 no orchestrator or refused by it, 70 a broken group.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

from rzero_worker import backends, endpoint, faults
from rzero_worker.backend import Backend
from rzero_worker.errors import BadVariable
from rzero_worker.keys import CurveKeys, KeysError, read_keys
from rzero_worker.protocol import PROTOCOL_HASH, Capability
from rzero_worker.server import Server

TOKEN_VARIABLE = "RZERO_TOKEN"

DEVICES_VARIABLE = "RZERO_DEVICES"
"""Names of the worker's devices, by which others know that they share one; a variable, so that whoever starts
several workers, an orchestrator too, says it to all of them alike."""

T = TypeVar("T")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line; --help has the rest."""
        self.exit(2, f"rzero-worker: error: {message}\n")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print the version. Looked up here alone: it takes a fifth of a worker's start."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("rzero-worker")
        except PackageNotFoundError:  # run from its folder, not installed
            number = "from source"
        print(f"rzero-worker {number} (protocol {PROTOCOL_HASH[:12]})")
        parser.exit()


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Keep a record, traceback included, on one line: whoever reads the log reads it line by line."""
        return super().format(record).replace("\r", "\\r").replace("\n", "\\n")


def main(arguments: list[str] | None = None) -> int:
    """Run a worker; returns its exit code."""
    parser = _make_parser()
    options = parser.parse_args(arguments)
    # Taken out of the environment so that no child process inherits it.
    token = os.environ.pop(TOKEN_VARIABLE, "")
    grouped = int(os.environ.get("WORLD_SIZE", "1")) > 1
    keys = None
    if not grouped or os.environ.get("RANK") == "0":  # the others connect to nobody, and need no secret
        keys = _keys(parser, options)
        if keys is None and token == "":
            parser.error(f"the environment variable {TOKEN_VARIABLE} must hold the orchestrator's token")
    try:
        options.fault += faults.of_environment(os.environ)
        options.fault_memory = faults.memory_of_environment(os.environ)
    except BadVariable as error:
        parser.error(str(error))
    _start_log()
    # Libraries print to stdout what they like; it is nobody's channel here, so let it join the log.
    os.dup2(2, 1)
    if grouped:
        return _run_rank(parser, options, token, keys)
    backend = _create(parser, options.backend, lambda: backends.create(options.backend))
    for role in options.roles or ():
        if role not in backend.capabilities:
            offered = ", ".join(backend.capabilities)
            parser.error(f"argument --roles: saw {role!r}, backend {options.backend} allows {offered}")
    return _serve(parser, backend, options, token, keys)


def _create(parser: argparse.ArgumentParser, name: str, make: Callable[[], T]) -> T:
    try:
        return make()
    except ImportError as error:
        setup = backends.SETUP.get(name, "npm run setup")
        parser.error(f"--backend {name} needs packages that are not installed ({error}): run `{setup}`")
    except BadVariable as error:
        parser.error(str(error))


def _run_rank(
    parser: argparse.ArgumentParser, options: argparse.Namespace, token: str, keys: CurveKeys | None
) -> int:
    """Be one rank of a group, as torchrun has put it into the environment."""
    count = os.environ["WORLD_SIZE"]
    role = backends.GROUP_ROLES.get(options.backend)
    if role is None:
        allowed = " or ".join(backends.GROUP_ROLES)
        parser.error(
            f"argument --backend: saw {options.backend!r}, {count} ranks (WORLD_SIZE) allow {allowed}"
        )
    if (options.roles or [role]) != [role]:
        roles = ",".join(options.roles)
        parser.error(
            f"argument --roles: saw {roles!r}, {count} ranks (WORLD_SIZE) of {options.backend} allow {role}"
        )
    options.roles = [role]
    # A store that is gone is an error that is caught; torch would also print its stack.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    make = _create(parser, options.backend, lambda: backends.of_rank(options.backend))
    # Like a backend's, these libraries are not everybody's.
    from rzero_worker.followers import Leader, follow
    from rzero_worker.ranks import join
    from rzero_worker.watch import Watch

    _leave_stops_to_the_orchestrator()
    ranks, store = join(options.collective_timeout)
    watch = Watch(ranks, store, options.collective_timeout)
    backend = _create(parser, options.backend, lambda: make(ranks))
    if ranks.first:
        return _serve(parser, Leader(backend, ranks, watch), options, token, keys)
    watch.end_soon_at(signal.SIGTERM)
    return follow(backend, ranks, watch)


def _leave_stops_to_the_orchestrator() -> None:
    """Ignore what the orchestrator is sent too, which then ends its step and stops its workers in order.

    Ctrl-C goes to all processes of a terminal; a scheduler's warning (SIGUSR1) may go to all of a job.
    """
    for number in (signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)


def _serve(
    parser: argparse.ArgumentParser,
    backend: Backend,
    options: argparse.Namespace,
    token: str,
    keys: CurveKeys | None,
) -> int:
    devices = _devices(parser)
    if options.fault:
        backend = faults.FaultyBackend(backend, options.fault, options.fault_memory)
    server = Server(
        backend,
        options.connect,
        token,
        options.worker_id,
        options.connect_timeout,
        roles=options.roles,
        devices=devices,
        keys=keys,
    )
    _leave_stops_to_the_orchestrator()
    server.stop_at(signal.SIGTERM)
    if options.exit_with_stdin:
        threading.Thread(target=_watch_stdin, args=(server,), name="stdin", daemon=True).start()
    return server.run()


def _devices(parser: argparse.ArgumentParser) -> list[str] | None:
    """Read the names that the environment gives to the worker's devices; None where it gives none."""
    text = os.environ.get(DEVICES_VARIABLE, "")
    if text == "":
        return None
    names = [name.strip() for name in text.split(",")]
    if len(names) > 1024 or not all(1 <= len(name.encode()) <= 256 for name in names):
        parser.error(f"{DEVICES_VARIABLE}: saw {text[:80]!r}, allowed are up to 1024 names, parted by commas")
    return names


def _make_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="rzero-worker", description="Token work for rzero, over a socket.", allow_abbrev=False
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and end")
    parser.add_argument(
        "--connect",
        type=_endpoint,
        required=True,
        metavar="ENDPOINT",
        help="where the orchestrator listens: tcp://HOST:PORT or ipc:///PATH",
    )
    parser.add_argument("--backend", choices=backends.NAMES, required=True, help="what does the work")
    parser.add_argument(
        "--worker-id",
        default=f"{socket.gethostname()}-{os.getpid()}",
        metavar="ID",
        help="name in the orchestrator's log (default: host name and process id)",
    )
    parser.add_argument(
        "--roles",
        type=_roles,
        metavar="ROLE,...",
        help=f"what to offer, of {','.join(Capability)} (default: all that the backend can)",
    )
    parser.add_argument(
        "--keys", type=Path, metavar="FILE", help="this worker's CURVE key pair, in a file of mode 0600"
    )
    parser.add_argument(
        "--server-key", type=Path, metavar="FILE", help="the orchestrator's public CURVE key, in a file"
    )
    parser.add_argument(
        "--connect-timeout",
        type=_seconds,
        default=120.0,
        metavar="SECONDS",
        help="how long to dial an orchestrator that does not answer (default: 120)",
    )
    parser.add_argument(
        "--collective-timeout",
        type=_seconds,
        default=600.0,
        metavar="SECONDS",
        help="under torchrun, how long the ranks may wait for one of them (default: 600)",
    )
    parser.add_argument(
        "--exit-with-stdin",
        action="store_true",
        help="stop when stdin ends, so as not to outlive who started this",
    )
    parser.add_argument(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="ACTION@VERB:NTH[:always]",
        help="to test an orchestrator: what goes wrong at the NTH call of a VERB (* for any) in this "
        f"process's life. ACTION is {', '.join(faults.ACTIONS)}. May be given several times, and in "
        f"{faults.VARIABLE}, with ; between. Who starts the worker again gives it the same faults: with a "
        f"folder in {faults.ONCE_VARIABLE} each happens in one life alone, unless it ends in :always",
    )
    return parser


def _endpoint(text: str) -> str:
    try:
        endpoint.is_local(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _fault(text: str) -> faults.Fault:
    try:
        return faults.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _roles(text: str) -> list[str]:
    names = text.split(",")
    if not set(names) <= set(Capability) or len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"saw {text!r}, allowed is a list of {', '.join(Capability)}")
    return names


def _keys(parser: argparse.ArgumentParser, options: argparse.Namespace) -> CurveKeys | None:
    """Read the keys, which an endpoint beyond this machine needs."""
    given = [option for option in (options.keys, options.server_key) if option is not None]
    if len(given) == 1:
        parser.error("--keys and --server-key go together: give both, or neither")
    if given:
        try:
            return read_keys(options.keys, options.server_key)
        except KeysError as error:
            parser.error(str(error))
    if not endpoint.is_local(options.connect):
        parser.error(
            f"argument --connect: saw {options.connect!r}, allowed is this machine (127.0.0.1, localhost, "
            "[::1] or ipc:///PATH), since nothing is encrypted without --keys and --server-key: give both"
        )
    return None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise argparse.ArgumentTypeError(
            f"saw {text!r}, allowed is a number of seconds above 0 and below 1e6"
        )
    return seconds


def _start_log() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def _watch_stdin(server: Server) -> None:
    try:
        while os.read(0, 65536):
            pass
    except OSError:  # closed before we started
        pass
    server.request_stop("stdin ended")


if __name__ == "__main__":
    sys.exit(main())
