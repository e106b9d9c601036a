"""The command line: `python -m rzero_worker --connect tcp://HOST:PORT --backend NAME`.

Exit codes: 0 stopped in order, 2 bad arguments, 69 no orchestrator or refused by it.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import signal
import socket
import sys
import threading
from importlib.metadata import PackageNotFoundError, version
from typing import NoReturn

from rzero_worker import backends
from rzero_worker.protocol import PROTOCOL_HASH
from rzero_worker.server import Server

TOKEN_VARIABLE = "RZERO_TOKEN"
ENDPOINT = re.compile(r"tcp://(127(?:\.\d{1,3}){3}|localhost|\[::1\]):(\d{1,5})")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line; --help has the rest."""
        self.exit(2, f"rzero-worker: error: {message}\n")


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
    if token == "":
        parser.error(f"the environment variable {TOKEN_VARIABLE} must hold the orchestrator's token")
    _start_log()
    # Libraries print to stdout what they like; it is nobody's channel here, so let it join the log.
    os.dup2(2, 1)
    try:
        backend = backends.create(options.backend)
    except ImportError as error:
        parser.error(f"--backend {options.backend} needs packages that are not installed: {error}")
    server = Server(backend, options.connect, token, options.worker_id, options.connect_timeout)
    # Ctrl-C in a terminal goes to the orchestrator too, which then stops its workers in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server.stop_at(signal.SIGTERM)
    if options.exit_with_stdin:
        threading.Thread(target=_watch_stdin, args=(server,), name="stdin", daemon=True).start()
    return server.run()


def _make_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="rzero-worker", description="Token work for rzero, over a socket.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=_version())
    parser.add_argument(
        "--connect",
        type=_endpoint,
        required=True,
        metavar="tcp://HOST:PORT",
        help="where the orchestrator listens",
    )
    parser.add_argument("--backend", choices=backends.NAMES, required=True, help="what does the work")
    parser.add_argument(
        "--worker-id",
        default=f"{socket.gethostname()}-{os.getpid()}",
        metavar="ID",
        help="name in the orchestrator's log (default: host name and process id)",
    )
    parser.add_argument(
        "--connect-timeout",
        type=_seconds,
        default=120.0,
        metavar="SECONDS",
        help="how long to dial an orchestrator that does not answer (default: 120)",
    )
    parser.add_argument(
        "--exit-with-stdin",
        action="store_true",
        help="stop when stdin ends, so as not to outlive who started this",
    )
    return parser


def _endpoint(text: str) -> str:
    match = ENDPOINT.fullmatch(text)
    if match is None or not 1 <= int(match[2]) <= 65535:
        raise argparse.ArgumentTypeError(
            f"saw {text!r}, allowed is tcp://HOST:PORT on this machine (127.0.0.1, localhost or [::1]): "
            "the connection is not encrypted, so tunnel it to reach another machine"
        )
    return text


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


def _version() -> str:
    try:
        number = version("rzero-worker")
    except PackageNotFoundError:  # run from its folder, not installed
        number = "from source"
    return f"rzero-worker {number} (protocol {PROTOCOL_HASH[:12]})"


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
