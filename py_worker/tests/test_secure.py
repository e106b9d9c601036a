"""Connections beyond the clear: CURVE, and where a worker without keys may connect to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
from conftest import TOKEN, Launch, Orchestrator, WorkerProcess
from zmq.auth.thread import ThreadAuthenticator

from rzero_worker import protocol as p


def write_keys(path: Path, public: bytes, secret: bytes | None = None) -> str:
    lines = [f'public = "{public.decode()}"\n']
    if secret is not None:
        lines.append(f'secret = "{secret.decode()}"\n')
    path.write_text("".join(lines), "ascii")
    path.chmod(0o600)
    return str(path)


class Site:
    """An orchestrator with CURVE that knows one worker."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.refusals = 0
        """Attempts that are turned away before the worker is known."""
        self.public, self._secret = zmq.curve_keypair()
        self.known, secret = zmq.curve_keypair()
        self.keys = write_keys(folder / "worker.key", self.known, secret)
        self.server_key = write_keys(folder / "orchestrator.pub", self.public)
        self.orchestrator = Orchestrator(prepare=self._prepare)

    def _prepare(self, socket: zmq.Socket) -> None:
        self._zap = ThreadAuthenticator(socket.context)
        self._zap.start()
        self._zap.configure_curve_callback("rzero", self)
        socket.curve_server = True
        socket.curve_secretkey = self._secret
        socket.zap_domain = b"rzero"

    def callback(self, domain: str, key: bytes) -> bool:
        """For the authenticator: whether a worker with this key is let in."""
        self.refusals -= 1
        return key == self.known and self.refusals < 0

    def close(self) -> None:
        self._zap.stop()
        self.orchestrator.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.close()


def connect(launch: Launch, endpoint: str, *more: str, token: str = "") -> WorkerProcess:
    return launch("--connect", endpoint, "--backend", "mock", *more, RZERO_TOKEN=token)


def test_the_right_keys_get_in_without_a_token(site: Site, launch: Launch) -> None:
    keys = ("--keys", site.keys, "--server-key", site.server_key)
    worker = connect(launch, site.orchestrator.endpoint, *keys)
    assert site.orchestrator.accept().token == ""
    assert site.orchestrator.heartbeat().busy == ""
    site.orchestrator.call("shutdown", p.ShutdownParams())
    assert worker.wait() == 0


def test_a_token_is_sent_along_if_there_is_one(site: Site, launch: Launch) -> None:
    keys = ("--keys", site.keys, "--server-key", site.server_key)
    connect(launch, site.orchestrator.endpoint, *keys, token=TOKEN)
    assert site.orchestrator.accept().token == TOKEN


SOON = ("--connect-timeout", "0.6")


def expect_no_welcome(worker: WorkerProcess, *said: str) -> None:
    assert worker.wait() == 69
    (line,) = worker.stderr.splitlines()
    for part in ("no welcome from tcp://127.0.0.1:", *said):
        assert part in line


def test_the_key_of_another_orchestrator_gets_nowhere(site: Site, launch: Launch) -> None:
    other = write_keys(site.folder / "other.pub", zmq.curve_keypair()[0])
    worker = connect(launch, site.orchestrator.endpoint, "--keys", site.keys, "--server-key", other, *SOON)
    expect_no_welcome(worker, "is the key in --server-key that orchestrator's")
    assert site.orchestrator.socket.poll(0) == 0


def test_a_worker_that_the_orchestrator_does_not_know_gets_nowhere(site: Site, launch: Launch) -> None:
    stranger = write_keys(site.folder / "stranger.key", *zmq.curve_keypair())
    worker = connect(
        launch, site.orchestrator.endpoint, "--keys", stranger, "--server-key", site.server_key, *SOON
    )
    expect_no_welcome(worker, "does it know the public key in --keys")
    assert site.orchestrator.socket.poll(0) == 0


def test_a_worker_may_be_made_known_after_it_began_to_dial(site: Site, launch: Launch) -> None:
    site.refusals = 2
    connect(launch, site.orchestrator.endpoint, "--keys", site.keys, "--server-key", site.server_key)
    assert site.orchestrator.accept().backend == "mock"
    assert site.refusals == -1


def test_a_worker_with_keys_never_speaks_in_the_clear(
    site: Site, orchestrator: Orchestrator, launch: Launch
) -> None:
    keys = ("--keys", site.keys, "--server-key", site.server_key)
    worker = connect(launch, orchestrator.endpoint, *keys, *SOON)
    expect_no_welcome(worker, "was it told to use CURVE?")
    assert orchestrator.socket.poll(0) == 0


def test_a_worker_without_keys_gets_nowhere_either(site: Site, launch: Launch) -> None:
    worker = connect(launch, site.orchestrator.endpoint, *SOON, token=TOKEN)
    expect_no_welcome(worker, "does it want --keys and --server-key?")
    assert site.orchestrator.socket.poll(0) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--keys", "KEYS"), "--keys and --server-key go together"),
        (("--server-key", "SERVER"), "--keys and --server-key go together"),
        (("--keys", "KEYS", "--server-key", "KEYS"), "saw a secret key, allowed is a public one alone"),
        (("--keys", "none", "--server-key", "SERVER"), "none: cannot be read: No such file"),
        ((), "allowed is this machine (127.0.0.1, localhost, [::1] or ipc:///PATH)"),
    ],
)
def test_keys_that_cannot_be_used_are_one_line_and_exit_code_2(
    site: Site, launch: Launch, arguments: tuple[str, ...], said: str
) -> None:
    files = {"KEYS": site.keys, "SERVER": site.server_key}
    worker = connect(launch, "tcp://192.0.2.1:5", *(files.get(word, word) for word in arguments), token=TOKEN)
    assert worker.wait() == 2
    (line,) = worker.stderr.splitlines()
    assert said in line


def test_nobody_at_the_endpoint_is_not_the_keys_fault(
    site: Site, orchestrator: Orchestrator, launch: Launch
) -> None:
    orchestrator.close()
    keys = ("--keys", site.keys, "--server-key", site.server_key)
    worker = connect(launch, orchestrator.endpoint, *keys, *SOON)
    expect_no_welcome(worker)
    assert "--server-key" not in worker.stderr


def test_another_machine_may_be_dialled_with_keys(site: Site, launch: Launch) -> None:
    # 0.0.0.0 is no loopback address by name, but is answered here.
    endpoint = site.orchestrator.endpoint.replace("127.0.0.1", "0.0.0.0")
    connect(launch, endpoint, "--keys", site.keys, "--server-key", site.server_key)
    assert site.orchestrator.accept().backend == "mock"


@pytest.mark.parametrize("kind", ["ipc", "ipv6"])
def test_this_machine_has_other_addresses(kind: str, tmp_path: Path, launch: Launch) -> None:
    if kind == "ipc":
        orchestrator = Orchestrator(f"ipc://{tmp_path}/s")
    else:
        try:
            orchestrator = Orchestrator("tcp://[::1]:*", lambda socket: socket.setsockopt(zmq.IPV6, 1))
        except zmq.ZMQError as error:
            pytest.skip(f"IPv6 is off on this machine: {error}")
    try:
        connect(launch, orchestrator.endpoint, token=TOKEN)
        assert orchestrator.accept().token == TOKEN
    finally:
        orchestrator.close()
