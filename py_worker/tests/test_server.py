"""The worker process over real sockets, with the mock behind it."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator

import msgspec
import pytest
import samples
from conftest import TOKEN, Launch, Orchestrator, WorkerProcess
from hypothesis import given, settings
from hypothesis import strategies as st

from rzero_worker import protocol as p
from rzero_worker import wire
from rzero_worker.backends.mock import MockBackend
from rzero_worker.errors import WorkerFailure
from rzero_worker.server import Server

LONG = samples.sample(n=10_000_000)
"""Minutes of work for the mock."""

WHOLE_LINE = re.compile(r"\d{4}-\d\d-\d\d \S+ [A-Z]+ rzero_worker\.\w+: .+")


# Beginning and end


def test_hello_says_who_and_what(orchestrator: Orchestrator, launch: Launch) -> None:
    worker = launch("--connect", orchestrator.endpoint, "--backend", "mock", "--worker-id", "w7")
    hello = orchestrator.accept()
    assert (hello.protocol_hash, hello.token, hello.worker_id) == (p.PROTOCOL_HASH, TOKEN, "w7")
    assert (hello.backend, hello.pid) == ("mock", worker.process.pid)
    assert hello.capabilities == [p.Capability.SAMPLE, p.Capability.TRAIN]
    assert hello.losses == [p.Loss.GRPO]
    assert "python" in hello.versions


def test_shutdown_ends_running_and_waiting_work_and_exits_0(
    orchestrator: Orchestrator, worker: WorkerProcess
) -> None:
    orchestrator.call("load_model", samples.load())
    running, waiting = (orchestrator.request("sample", LONG) for _ in range(2))
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
    assert "unauthorized: the token is not mine" in line


def test_a_welcome_with_another_protocol_hash_is_not_welcome(
    orchestrator: Orchestrator, launch: Launch
) -> None:
    worker = launch("--connect", orchestrator.endpoint, "--backend", "mock")
    orchestrator.accept(p.Welcome(protocol_hash="another", heartbeat_seconds=2.0))
    assert worker.wait() == 69
    assert "saw 'another'" in worker.stderr


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
    orchestrator.request("sample", LONG)
    assert isinstance(orchestrator.receive(), p.Progress)
    assert worker.process.stdin is not None
    worker.process.stdin.close()
    worker.process.stdin = None  # communicate() would flush it
    assert worker.wait() == 0
    assert "stdin ended" in worker.stderr


def test_sigterm_stops_in_order_and_sigint_is_the_orchestrators(
    orchestrator: Orchestrator, worker: WorkerProcess
) -> None:
    orchestrator.call("load_model", samples.load())
    worker.process.send_signal(signal.SIGINT)
    orchestrator.call("ping", p.PingParams())
    running = orchestrator.request("sample", LONG)
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


def test_work_that_never_ends_does_not_keep_the_process(orchestrator: Orchestrator, launch: Launch) -> None:
    worker = launch("--connect", orchestrator.endpoint, "--backend", "mock", program=("-c", WEDGED))
    orchestrator.accept()
    orchestrator.request("load_model", samples.load())
    while orchestrator.call("ping", p.PingParams()).busy != "load_model":
        pass  # it waits for the main thread; before that, it would be cancelled in order
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


# Control verbs during work


def test_ping_and_progress_during_a_long_call(orchestrator: Orchestrator, worker: WorkerProcess) -> None:
    idle = orchestrator.call("ping", p.PingParams())
    assert (idle.busy, idle.progress) == ("", 0)
    orchestrator.call("load_model", samples.load())
    running = orchestrator.request("sample", LONG)
    seen: list[p.Progress] = []
    while len(seen) < 3:
        seen.append(orchestrator.receive())
    ping = orchestrator.answer_to(orchestrator.request("ping", p.PingParams()), seen)
    assert isinstance(ping, p.Response)
    state = wire.decode(ping.result, p.PingResult)
    assert state.busy == "sample"
    assert state.progress >= seen[2].done
    assert [message.id for message in seen] == [running] * len(seen)
    assert {message.total for message in seen} == {LONG.n}
    done = [message.done for message in seen]
    assert done == sorted(set(done))


def test_cancel_ends_the_running_call_and_the_next_one_starts(
    orchestrator: Orchestrator, worker: WorkerProcess
) -> None:
    orchestrator.call("load_model", samples.load())
    running = orchestrator.request("sample", LONG)
    following = orchestrator.request("sample", samples.sample())
    assert isinstance(orchestrator.receive(), p.Progress)
    assert orchestrator.call("cancel", p.CancelParams(id=running)).found
    answer = orchestrator.answer_to(running)
    assert isinstance(answer, p.Failure) and answer.error.code is p.ErrorCode.CANCELLED
    assert isinstance(orchestrator.answer_to(following), p.Response)


def test_cancel_ends_a_waiting_call_at_once(orchestrator: Orchestrator, worker: WorkerProcess) -> None:
    orchestrator.call("load_model", samples.load())
    orchestrator.request("sample", LONG)
    waiting = orchestrator.request("optim_step", samples.step())
    cancel = orchestrator.request("cancel", p.CancelParams(id=waiting))
    answer = orchestrator.answer_to(waiting)
    assert isinstance(answer, p.Failure) and answer.error.code is p.ErrorCode.CANCELLED
    assert isinstance(orchestrator.answer_to(cancel), p.Response)


def test_cancel_of_a_call_that_is_over_finds_nothing(
    orchestrator: Orchestrator, worker: WorkerProcess
) -> None:
    over = orchestrator.request("load_model", samples.load())
    orchestrator.answer_to(over)
    for request_id in (over, 12345):
        assert not orchestrator.call("cancel", p.CancelParams(id=request_id)).found


# Bad messages


@pytest.fixture(scope="module")
def shared(launch: Launch) -> Iterator[Orchestrator]:
    """One worker for the tests that send it nonsense: it must survive them all."""
    orchestrator = Orchestrator()
    launch("--connect", orchestrator.endpoint, "--backend", "mock")
    orchestrator.accept()
    orchestrator.call("load_model", samples.load("frozen", trainable=False))
    orchestrator.call("load_model", samples.load())
    yield orchestrator
    orchestrator.close()


@pytest.mark.parametrize(
    "frames",
    [
        (b"",),
        (b"\xc1",),
        (b"\xdd\x01\xff\xff\xff",),  # an array of 33 million, of which nothing follows
        (b"\x91" * 5000,),
        (b"\x81\xa4kind\xa7Request",),
        (b"\x81\xa4kind\xa5Other",),
        (wire.encode(p.Welcome(protocol_hash=p.PROTOCOL_HASH, heartbeat_seconds=2.0))[:-1],),
        (wire.encode(p.Progress(id=1, done=1, total=1)),),
        (wire.encode(p.Request(id=1, verb="ping", params=b"\x80")), b"one frame too many"),
    ],
)
def test_a_frame_that_is_no_request_is_dropped(shared: Orchestrator, frames: tuple[bytes, ...]) -> None:
    shared.send_frames(*frames)
    request_id = shared.request("ping", p.PingParams())
    assert isinstance(message := shared.receive(), p.Response)
    assert message.id == request_id


@settings(max_examples=50, deadline=None)
@given(frame=st.binary(max_size=200))
def test_any_bytes_leave_the_worker_alive(shared: Orchestrator, frame: bytes) -> None:
    shared.send_frames(frame)
    shared.call("ping", p.PingParams())


def test_a_request_with_a_field_too_many_is_answered(shared: Orchestrator) -> None:
    shared.send_frames(
        msgspec.msgpack.encode({"kind": "Request", "id": 10**6, "verb": "ping", "params": b"\x80", "more": 1})
    )
    answer = shared.receive()
    assert (answer.id, answer.error.code) == (10**6, p.ErrorCode.INVALID_REQUEST)
    assert "more" in answer.error.message


@pytest.mark.parametrize(
    ("verb", "params", "code", "said"),
    [
        ("fly", b"\x80", "invalid_request", "verb: saw 'fly', allowed are load_model, "),
        ("ping", b"\xc1", "invalid_request", "PingParams"),
        ("cancel", b"\x80", "invalid_request", "id"),
        ("sample", b"", "invalid_request", "SampleParams"),
        ("publish_weights", msgspec.msgpack.encode({"modelId": "m", "x": 1}), "invalid_request", "`x`"),
        ("publish_weights", msgspec.msgpack.encode({"modelId": 3}), "invalid_request", "modelId"),
        ("sample", samples.sample(n=0), "invalid_request", "SampleParams.n: saw 0, allowed is 1 to 16777216"),
        ("load_model", samples.load(source="mock://no"), "model_unloadable", "mock://rzero"),
        ("load_model", samples.load(source="no/such/folder"), "model_unloadable", "not a folder"),
        ("sample", samples.sample(model_id="other"), "unknown_model", "'other'"),
        ("unload_model", p.UnloadModelParams(model_id="other"), "unknown_model", "'other'"),
        ("optim_step", samples.step(model_id="other"), "unknown_model", "'other'"),
        ("optim_step", samples.step(model_id="frozen"), "not_trainable", "'frozen'"),
        ("forward_backward", samples.train([[1, 2]], [1.0], model_id="frozen"), "not_trainable", "'frozen'"),
        ("forward", samples.forward([[1, 99]]), "invalid_request", "tokens: saw 99, allowed are 0 to 33"),
    ],
)
def test_a_bad_request_is_answered_by_its_code(
    shared: Orchestrator, verb: str, params: p.Base | bytes, code: str, said: str
) -> None:
    error = shared.failure_of(verb, params)
    assert error.code == code
    assert said in error.message
    assert "\n" not in error.message


def test_an_id_must_be_new(orchestrator: Orchestrator, worker: WorkerProcess) -> None:
    orchestrator.send(p.Request(id=5, verb="load_model", params=wire.encode(samples.load())))
    assert isinstance(orchestrator.answer_to(5), p.Response)
    orchestrator.send(p.Request(id=5, verb="ping", params=b"\x80"))
    answer = orchestrator.answer_to(5)
    assert isinstance(answer, p.Failure) and answer.error.code is p.ErrorCode.INVALID_REQUEST
    assert "saw 5, allowed is above 5" in answer.error.message


# The ledger behind the gradient verbs


def test_a_repeat_is_answered_from_the_ledger_and_done_once(
    orchestrator: Orchestrator, worker: WorkerProcess
) -> None:
    for model_id in ("m", "once"):
        orchestrator.call("load_model", samples.load(model_id))
    batch = samples.train([[3, 21, 22, 0]], [1.0], seq=1)
    answers = [orchestrator.answer_to(orchestrator.request("forward_backward", batch)) for _ in range(3)]
    assert len({answer.result for answer in answers}) == 1
    orchestrator.call("forward_backward", samples.train([[3, 21, 22, 0]], [1.0], seq=1, model_id="once"))
    norms = [
        orchestrator.call("optim_step", samples.step(2, model_id)).grad_norm for model_id in ("m", "once")
    ]
    assert norms[0] == norms[1] > 0
    stepped = orchestrator.call("forward", samples.forward([[3, 21, 22, 0]]))
    assert orchestrator.call("optim_step", samples.step(2)).grad_norm == norms[0]
    assert orchestrator.call("forward", samples.forward([[3, 21, 22, 0]])) == stepped


def test_a_changed_repeat_is_a_conflict_until_the_model_is_loaded_again(
    orchestrator: Orchestrator, worker: WorkerProcess
) -> None:
    orchestrator.call("load_model", samples.load())
    orchestrator.call("optim_step", samples.step(7))
    for verb, params in (
        ("optim_step", samples.step(7, learning_rate=0.5)),
        ("forward_backward", samples.train([[1, 2]], [1.0], seq=7)),
        ("optim_step", samples.step(6)),
    ):
        assert orchestrator.failure_of(verb, params).code is p.ErrorCode.SEQUENCE_CONFLICT
    orchestrator.call("load_model", samples.load())
    orchestrator.call("optim_step", samples.step(7, learning_rate=0.5))


def test_a_request_that_failed_may_be_mended_under_its_seq(
    orchestrator: Orchestrator, worker: WorkerProcess
) -> None:
    orchestrator.call("load_model", samples.load())
    bad, good = (samples.train([[1, 2]], [1.0], seq=1, normalizer=n) for n in (0.0, 1.0))
    assert orchestrator.failure_of("forward_backward", bad).code is p.ErrorCode.INVALID_REQUEST
    assert orchestrator.call("forward_backward", good).tokens == 1


def test_a_lost_connection_is_dialled_again_with_models_and_ledger_in_place(
    orchestrator: Orchestrator, worker: WorkerProcess
) -> None:
    orchestrator.call("load_model", samples.load())
    orchestrator.call("forward_backward", samples.train([[3, 21, 0]], [1.0], seq=1))
    norm = orchestrator.call("optim_step", samples.step(2)).grad_norm
    orchestrator.request("sample", LONG)
    orchestrator.request("optim_step", samples.step(3))
    assert isinstance(orchestrator.receive(), p.Progress)
    orchestrator.close()
    again = Orchestrator(orchestrator.port)
    try:
        again.accept()
        assert again.call("optim_step", samples.step(2)).grad_norm == norm
        # The step that waited when the line broke was never done.
        assert again.call("optim_step", samples.step(3, learning_rate=0.5)).grad_norm == 0
        again.call("shutdown", p.ShutdownParams())
    finally:
        again.close()
    assert worker.wait() == 0


# Failures of a backend, on a server in this process


class Faulty(MockBackend):
    """Fails as the source says."""

    def load_model(self, params: p.LoadModelParams) -> p.LoadModelResult:
        match params.source:
            case "memory":
                raise MemoryError("no room")
            case "library":
                raise LookupError("a library's word for a full memory")
            case "bug":
                raise ZeroDivisionError("a\nb")
            case "bytes":
                wire.pack_u8s([256], "field")
        result = super().load_model(samples.load(params.model_id))
        return msgspec.structs.replace(result, parameters=2**60)

    def optim_step(self, params: p.OptimStepParams) -> p.OptimStepResult:
        return p.OptimStepResult(grad_norm=float("nan"))

    def failure_of(self, error: Exception) -> WorkerFailure | None:
        if isinstance(error, LookupError):
            return WorkerFailure("out_of_memory", "the device is full")
        return None


@pytest.fixture
def faulty(orchestrator: Orchestrator) -> Iterator[Orchestrator]:
    server = Server(Faulty(), orchestrator.endpoint, TOKEN, "faulty")
    thread = threading.Thread(target=server.run)
    thread.start()
    orchestrator.accept()
    yield orchestrator
    orchestrator.call("shutdown", p.ShutdownParams())
    thread.join()
    # The timer that ends a wedged process must not outlive a server that stopped in order.
    assert [timer for timer in threading.enumerate() if isinstance(timer, threading.Timer)] == []


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("memory", "out_of_memory", "no room"),
        ("library", "out_of_memory", "the device is full"),
        ("bytes", "invalid_request", "field"),
        ("bug", "internal", "ZeroDivisionError: a"),
        ("unsafe integer", "internal", "the result of load_model is not valid"),
    ],
)
def test_exceptions_become_codes(faulty: Orchestrator, source: str, code: str, said: str) -> None:
    error = faulty.failure_of("load_model", samples.load(source=source))
    assert error.code == code
    assert said in error.message
    assert (error.details is not None and "Traceback" in error.details) == (source == "bug")


def test_a_result_that_is_not_a_number_is_a_failure(faulty: Orchestrator) -> None:
    assert faulty.failure_of("optim_step", samples.step()).code is p.ErrorCode.INTERNAL
