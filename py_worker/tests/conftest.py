"""An orchestrator for tests: the other end of the worker's socket, in this process; and workers for it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import zmq
from gated import Gated

from rzero_worker import protocol as p
from rzero_worker import wire
from rzero_worker.backend import Backend
from rzero_worker.server import Server

PACKAGE_FOLDER = Path(__file__).resolve().parents[1]
TOKEN = "a secret of the test"
TIMEOUT_MS = 30_000
"""Far above what anything here takes: it turns a hang into an error."""


def welcome(run: str = "a run", attempt: int = 1, heartbeat_seconds: float = 2.0) -> p.Welcome:
    return p.Welcome(
        protocol_hash=p.PROTOCOL_HASH, run=run, attempt=attempt, heartbeat_seconds=heartbeat_seconds
    )


class Orchestrator:
    """A bound ROUTER, and the worker that connected to it last."""

    def __init__(
        self,
        endpoint: str = "tcp://127.0.0.1:*",
        prepare: Callable[[zmq.Socket], None] = lambda socket: None,
    ) -> None:
        # A context of its own: `term` returns when the port is free again.
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.RCVTIMEO, TIMEOUT_MS)
        self.socket.setsockopt(zmq.LINGER, 0)
        # What is dropped at a full queue would look like an answer that never came.
        self.socket.setsockopt(zmq.SNDHWM, 0)
        self.socket.setsockopt(zmq.RCVHWM, 0)
        prepare(self.socket)
        self.socket.bind(endpoint)
        self.endpoint = self.socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self._peer = b""
        self._last_id = 0
        self.heartbeats = 0

    def accept(
        self,
        answer: p.Base | bytes | None = None,
        heartbeat_seconds: float = 2.0,
        run: str = "a run",
        attempt: int = 1,
    ) -> p.Hello:
        """Wait for a worker's Hello and answer it."""
        hello = self.receive()
        assert isinstance(hello, p.Hello)
        if answer is None:
            answer = welcome(run, attempt, heartbeat_seconds)
        self.send_frames(answer if isinstance(answer, bytes) else wire.encode(answer))
        return hello

    def send(self, message: p.Base) -> None:
        self.send_frames(wire.encode(message))

    def send_frames(self, *frames: bytes) -> None:
        self.socket.send_multipart([self._peer, *frames])

    def receive(self) -> Any:
        """Wait for the next message that is no heartbeat."""
        return self._until(lambda message: not isinstance(message, p.Heartbeat))

    def heartbeat(self) -> p.Heartbeat:
        """Wait for the next heartbeat. Another message that comes before it is an error."""
        message = self._receive()
        assert isinstance(message, p.Heartbeat), message
        return message

    def heartbeat_when(self, holds: Callable[[p.Heartbeat], bool]) -> p.Heartbeat:
        """Wait for a heartbeat of which `holds` is true; other messages that come before it are lost."""
        return self._until(lambda message: isinstance(message, p.Heartbeat) and holds(message))

    def _until(self, wanted: Callable[[Any], bool], seen: list[Any] | None = None) -> Any:
        deadline = time.monotonic() + TIMEOUT_MS / 1000
        while time.monotonic() < deadline:
            message = self._receive()
            if wanted(message):
                return message
            if seen is not None and not isinstance(message, p.Heartbeat):
                seen.append(message)
        raise TimeoutError("many messages, but not the one that was waited for")

    def _receive(self) -> Any:
        self._peer, frame = self.socket.recv_multipart()
        message = wire.decode_envelope(frame)
        self.heartbeats += isinstance(message, p.Heartbeat)
        return message

    def request(self, verb: str, params: p.Base | bytes) -> int:
        """Send a request and return its id, without waiting."""
        self._last_id += 1
        packed = params if isinstance(params, bytes) else wire.encode(params)
        self.send(p.Request(id=self._last_id, verb=verb, params=packed))
        return self._last_id

    def answer_to(self, request_id: int, seen: list[Any] | None = None) -> p.Response | p.Failure:
        """Wait for one request's answer; what comes before it goes to `seen`."""
        return self._until(
            lambda message: isinstance(message, p.Response | p.Failure) and message.id == request_id, seen
        )

    def call(self, verb: str, params: p.Base) -> Any:
        """Make a call that must succeed, and return its decoded result."""
        answer = self.answer_to(self.request(verb, params))
        assert isinstance(answer, p.Response), answer
        return wire.decode(answer.result, p.VERBS[verb].result)

    def failure_of(self, verb: str, params: p.Base | bytes) -> p.WorkerError:
        """Make a call that must fail."""
        answer = self.answer_to(self.request(verb, params))
        assert isinstance(answer, p.Failure), answer
        return answer.error

    def close(self) -> None:
        self.socket.close()
        self.context.term()


@dataclass
class WorkerProcess:
    """A worker as a child process."""

    process: subprocess.Popen[bytes]
    _output: tuple[bytes, bytes] | None = field(default=None)

    def wait(self) -> int:
        """Wait for its end and return the exit code."""
        if self._output is None:
            self._output = self.process.communicate(timeout=TIMEOUT_MS / 1000)
        return self.process.returncode

    @property
    def stdout(self) -> str:
        self.wait()
        assert self._output is not None
        return self._output[0].decode()

    @property
    def stderr(self) -> str:
        self.wait()
        assert self._output is not None
        return self._output[1].decode()


Launch = Callable[..., WorkerProcess]


@pytest.fixture(scope="module")
def launch() -> Iterator[Launch]:
    """Start `python -m rzero_worker ARGUMENTS...`, or another `program`; kills what is left at the end."""
    started: list[WorkerProcess] = []

    def start(
        *arguments: str,
        program: tuple[str, ...] = ("-m", "rzero_worker"),
        stderr: int = subprocess.PIPE,
        **env: str,
    ) -> WorkerProcess:
        process = subprocess.Popen(
            [sys.executable, *program, *arguments],
            cwd=PACKAGE_FOLDER,
            env={**os.environ, "RZERO_TOKEN": TOKEN, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
        started.append(WorkerProcess(process))
        return started[-1]

    yield start
    for worker in started:
        if worker.process.poll() is None:
            worker.process.kill()
        worker.wait()


@pytest.fixture
def orchestrator() -> Iterator[Orchestrator]:
    bound = Orchestrator()
    yield bound
    if not bound.socket.closed:
        bound.close()


Serve = Callable[..., Server]


@pytest.fixture
def serve(orchestrator: Orchestrator) -> Iterator[Serve]:
    """Run a backend's server in this process; it connects to `orchestrator` and stops with the test."""
    started: list[tuple[Server, Backend, threading.Thread]] = []

    def start(backend: Backend, **options: Any) -> Server:
        server = Server(backend, orchestrator.endpoint, TOKEN, "served", **options)
        thread = threading.Thread(target=server.run)
        thread.start()
        started.append((server, backend, thread))
        return server

    yield start
    for server, backend, thread in started:
        if isinstance(backend, Gated):  # a test that failed may have left it waiting
            backend.open(1000)
        server.request_stop("the test is over")
        thread.join()
    # The timer that ends a wedged process must not outlive a server that stopped in order.
    assert [timer for timer in threading.enumerate() if isinstance(timer, threading.Timer)] == []


@pytest.fixture
def worker(orchestrator: Orchestrator, launch: Launch) -> WorkerProcess:
    """A welcomed worker with the mock behind it."""
    started = launch("--connect", orchestrator.endpoint, "--backend", "mock")
    orchestrator.accept()
    return started
