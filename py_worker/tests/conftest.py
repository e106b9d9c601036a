"""An orchestrator for tests: the other end of the worker's socket, in this process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import zmq

from rzero_worker import protocol as p
from rzero_worker import wire

PACKAGE_FOLDER = Path(__file__).resolve().parents[1]
TOKEN = "a secret of the test"
TIMEOUT_MS = 30_000
"""Far above what anything here takes: it turns a hang into an error."""


class Orchestrator:
    """A ROUTER bound to a port, and the worker that connected to it last."""

    def __init__(self, port: int | None = None) -> None:
        # A context of its own: `term` returns when the port is free again.
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.RCVTIMEO, TIMEOUT_MS)
        self.socket.setsockopt(zmq.LINGER, 0)
        if port is None:
            self.port = self.socket.bind_to_random_port("tcp://127.0.0.1")
        else:
            self.socket.bind(f"tcp://127.0.0.1:{port}")
            self.port = port
        self.endpoint = f"tcp://127.0.0.1:{self.port}"
        self._peer = b""
        self._last_id = 0

    def accept(self, welcome: p.Base | None = None) -> p.Hello:
        """Wait for a worker's Hello and answer it."""
        hello = self.receive()
        assert isinstance(hello, p.Hello)
        self.send(welcome or p.Welcome(protocol_hash=p.PROTOCOL_HASH, heartbeat_seconds=2.0))
        return hello

    def send(self, message: p.Base) -> None:
        self.send_frames(wire.encode(message))

    def send_frames(self, *frames: bytes) -> None:
        self.socket.send_multipart([self._peer, *frames])

    def receive(self) -> Any:
        """Wait for the next message that is no heartbeat."""
        while isinstance(message := self._receive(), p.Heartbeat):
            pass
        return message

    def heartbeat(self) -> p.Heartbeat:
        """Wait for the next heartbeat; what comes before it is lost."""
        while not isinstance(message := self._receive(), p.Heartbeat):
            pass
        return message

    def _receive(self) -> Any:
        self._peer, frame = self.socket.recv_multipart()
        return wire.decode_envelope(frame)

    def request(self, verb: str, params: p.Base | bytes) -> int:
        """Send a request and return its id, without waiting."""
        self._last_id += 1
        packed = params if isinstance(params, bytes) else wire.encode(params)
        self.send(p.Request(id=self._last_id, verb=verb, params=packed))
        return self._last_id

    def answer_to(self, request_id: int, seen: list[Any] | None = None) -> p.Response | p.Failure:
        """Wait for one request's answer; what comes before it goes to `seen`."""
        while True:
            message = self.receive()
            if isinstance(message, p.Response | p.Failure) and message.id == request_id:
                return message
            if seen is not None:
                seen.append(message)

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
        *arguments: str, program: tuple[str, ...] = ("-m", "rzero_worker"), **env: str
    ) -> WorkerProcess:
        process = subprocess.Popen(
            [sys.executable, *program, *arguments],
            cwd=PACKAGE_FOLDER,
            env={**os.environ, "RZERO_TOKEN": TOKEN, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
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


@pytest.fixture
def worker(orchestrator: Orchestrator, launch: Launch) -> WorkerProcess:
    """A welcomed worker with the mock behind it."""
    started = launch("--connect", orchestrator.endpoint, "--backend", "mock")
    orchestrator.accept()
    return started
