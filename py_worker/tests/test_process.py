"""The worker process from its first word to its end: Hello, arguments, signals, exit codes."""

from __future__ import annotations

import re
import signal

import msgspec
import pytest
import samples
from conftest import TOKEN, Launch, Orchestrator, WorkerProcess

from rzero_worker import protocol as p
from rzero_worker import wire

WHOLE_LINE = re.compile(r"\d{4}-\d\d-\d\d \S+ [A-Z]+ rzero_worker\.\w+: .+")


def test_hello_says_who_and_what(orchestrator: Orchestrator, launch: Launch) -> None:
    worker = launch("--connect", orchestrator.endpoint, "--backend", "mock", "--worker-id", "w7")
    hello = orchestrator.accept()
    assert (hello.protocol_hash, hello.token, hello.worker_id) == (p.PROTOCOL_HASH, TOKEN, "w7")
    assert (hello.backend, hello.pid) == ("mock", worker.process.pid)
    assert hello.capabilities == [p.Capability.SAMPLE, p.Capability.TRAIN]
    assert hello.losses == list(p.Loss)
    assert "python" in hello.versions
    assert re.fullmatch(r"[0-9a-f]{32}", hello.instance_id)
    launch("--connect", orchestrator.endpoint, "--backend", "mock", "--worker-id", "w7")
    assert orchestrator.accept().instance_id != hello.instance_id


def test_devices_are_named_by_the_environment(orchestrator: Orchestrator, launch: Launch) -> None:
    arguments = ("--connect", orchestrator.endpoint, "--backend", "mock")
    launch(*arguments)
    assert orchestrator.accept().devices == []
    launch(*arguments, RZERO_DEVICES="node-1/gpu-0, node-1/gpu-1")
    assert orchestrator.accept().devices == ["node-1/gpu-0", "node-1/gpu-1"]
    worker = launch(*arguments, RZERO_DEVICES="gpu-0,,gpu-1")
    assert worker.wait() == 2
    assert "RZERO_DEVICES: saw 'gpu-0,,gpu-1', allowed are up to 1024 names" in worker.stderr


def test_shutdown_ends_running_and_waiting_work_and_exits_0(
    orchestrator: Orchestrator, worker: WorkerProcess
) -> None:
    orchestrator.call("load_model", samples.load())
    running, waiting = (orchestrator.request("sample", samples.LONG) for _ in range(2))
    shutdown = orchestrator.request("shutdown", p.ShutdownParams())
    answers = {}
    while len(answers) < 3:
        message = orchestrator.receive()
        if not isinstance(message, p.Progress):
            answers[message.id] = message
    assert isinstance(answers[shutdown], p.Response)
    for cancelled in (running, waiting):
        assert answers[cancelled].error.code is p.ErrorCode.CANCELLED
    assert worker.wait() == 0
    assert worker.stdout == ""
    for line in worker.stderr.splitlines():
        assert WHOLE_LINE.fullmatch(line)
    assert TOKEN not in worker.stderr


def test_refusal_is_one_line_and_exit_code_69(orchestrator: Orchestrator, launch: Launch) -> None:
    worker = launch("--connect", orchestrator.endpoint, "--backend", "mock")
    error = p.WorkerError(code=p.ErrorCode.UNAUTHORIZED, message="the token is not mine")
    orchestrator.accept(p.Refusal(error=error))
    assert worker.wait() == 69
    (line,) = worker.stderr.splitlines()
    assert f"refused by {orchestrator.endpoint}: unauthorized: the token is not mine" in line


def test_a_refusal_ends_a_worker_that_had_been_let_in(orchestrator: Orchestrator, launch: Launch) -> None:
    worker = launch("--connect", orchestrator.endpoint, "--backend", "mock")
    orchestrator.accept()
    error = p.WorkerError(code=p.ErrorCode.UNAUTHORIZED, message="the worker is given up")
    orchestrator.send_frames(wire.encode(p.Refusal(error=error)))
    assert worker.wait() == 69
    assert "unauthorized: the worker is given up" in worker.stderr


def test_a_welcome_with_another_protocol_hash_is_not_welcome(
    orchestrator: Orchestrator, launch: Launch
) -> None:
    worker = launch("--connect", orchestrator.endpoint, "--backend", "mock")
    orchestrator.accept(p.Welcome(protocol_hash="another", run="r", attempt=1, heartbeat_seconds=2.0))
    assert worker.wait() == 69
    assert "saw 'another'" in worker.stderr


@pytest.mark.parametrize(
    "answer",
    [
        msgspec.msgpack.encode({"kind": "Welcome", "protocolHash": "another", "pulse": 2.0}),
        msgspec.msgpack.encode({"kind": "Welcome", "protocolHash": p.PROTOCOL_HASH}),
        msgspec.msgpack.encode({"kind": "Welkom"}),
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xdd\xff\xff\xff\xff",
        b"",
    ],
)
def test_an_answer_to_hello_that_cannot_be_read_is_exit_code_69(
    orchestrator: Orchestrator, launch: Launch, answer: bytes
) -> None:
    worker = launch("--connect", orchestrator.endpoint, "--backend", "mock")
    orchestrator.accept(answer)
    assert worker.wait() == 69
    (line,) = worker.stderr.splitlines()
    assert f"{orchestrator.endpoint} answered Hello with no message of protocol" in line


def test_nobody_at_the_endpoint_is_exit_code_69(orchestrator: Orchestrator, launch: Launch) -> None:
    orchestrator.close()
    worker = launch("--connect", orchestrator.endpoint, "--backend", "mock", "--connect-timeout", "0.05")
    assert worker.wait() == 69
    (line,) = worker.stderr.splitlines()
    assert f"no welcome from {orchestrator.endpoint}" in line


def test_the_end_of_stdin_ends_the_worker_in_the_midst_of_work(
    orchestrator: Orchestrator, launch: Launch
) -> None:
    worker = launch("--connect", orchestrator.endpoint, "--backend", "mock", "--exit-with-stdin")
    orchestrator.accept()
    orchestrator.call("load_model", samples.load())
    orchestrator.request("sample", samples.LONG)
    assert isinstance(orchestrator.receive(), p.Progress)
    assert worker.process.stdin is not None
    worker.process.stdin.close()
    worker.process.stdin = None  # communicate() would flush it
    assert worker.wait() == 0
    assert "stdin ended" in worker.stderr


def test_sigterm_stops_in_order_and_other_stops_are_the_orchestrators(
    orchestrator: Orchestrator, worker: WorkerProcess
) -> None:
    orchestrator.call("load_model", samples.load())
    for number in (signal.SIGINT, signal.SIGUSR1):
        worker.process.send_signal(number)
        orchestrator.call("ping", p.PingParams())
    running = orchestrator.request("sample", samples.LONG)
    assert isinstance(orchestrator.receive(), p.Progress)
    worker.process.send_signal(signal.SIGTERM)
    answer = orchestrator.answer_to(running)
    assert isinstance(answer, p.Failure) and answer.error.code is p.ErrorCode.CANCELLED
    assert worker.wait() == 0


WEDGED = """
import sys, threading
from rzero_worker import __main__, backends, server
from rzero_worker.backends.mock import MockBackend

class Wedged(MockBackend):
    def load_model(self, params):
        threading.Event().wait()

server.GRACE = 0.2
backends.create = lambda name: Wedged()
sys.exit(__main__.main())
"""


@pytest.mark.parametrize("told", ["shutdown", "SIGTERM"])
def test_work_that_never_ends_does_not_keep_the_process(
    orchestrator: Orchestrator, launch: Launch, told: str
) -> None:
    worker = launch("--connect", orchestrator.endpoint, "--backend", "mock", program=("-c", WEDGED))
    orchestrator.accept()
    orchestrator.request("load_model", samples.load())
    while orchestrator.call("ping", p.PingParams()).busy != "load_model":
        pass  # it waits for the main thread; before that, it would be cancelled in order
    if told == "SIGTERM":
        worker.process.send_signal(signal.SIGTERM)
    else:
        orchestrator.call("shutdown", p.ShutdownParams())
    assert worker.wait() == 0
    assert "did not end" in worker.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--connect"),
        (("--connect", "tcp://127.0.0.1:5"), "--backend"),
        (("--connect", "tcp://127.0.0.1:5", "--backend", "other"), "'other'"),
        (("--connect", "tcp://192.0.2.1:5", "--backend", "mock"), "saw 'tcp://192.0.2.1:5', allowed is"),
        (
            ("--connect", "tcp://127.0.0.1:65536", "--backend", "mock"),
            "saw 'tcp://127.0.0.1:65536', allowed is",
        ),
        (("--connect", "127.0.0.1:5", "--backend", "mock"), "saw '127.0.0.1:5', allowed is"),
        (("--connect", "tcp://127.0.0.1:5", "--backend", "mock", "--connect-timeout", "nan"), "saw 'nan'"),
    ],
)
def test_bad_arguments_are_one_line_and_exit_code_2(
    launch: Launch, arguments: tuple[str, ...], said: str
) -> None:
    worker = launch(*arguments)
    assert worker.wait() == 2
    (line,) = worker.stderr.splitlines()
    assert said in line
    assert worker.stdout == ""


def test_no_token_is_one_line_and_exit_code_2(launch: Launch) -> None:
    worker = launch("--connect", "tcp://127.0.0.1:5", "--backend", "mock", RZERO_TOKEN="")
    assert worker.wait() == 2
    (line,) = worker.stderr.splitlines()
    assert "RZERO_TOKEN" in line


def test_version_names_the_protocol(launch: Launch) -> None:
    worker = launch("--version")
    assert worker.wait() == 0
    assert p.PROTOCOL_HASH[:12] in worker.stdout
