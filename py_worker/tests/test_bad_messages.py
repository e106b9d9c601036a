"""Messages that are no requests, and requests that cannot be granted: the worker survives them all."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
import samples
from conftest import Launch, Orchestrator, WorkerProcess, welcome
from hypothesis import given, settings
from hypothesis import strategies as st

from rzero_worker import protocol as p
from rzero_worker import wire


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
        (wire.encode(welcome())[:-1],),
        (wire.encode(p.Progress(id=1, done=1, total=1)),),
        # The answer to Hello, when it has been answered.
        (wire.encode(welcome(heartbeat_seconds=0.0)),),
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
        ("f" * 2**20, b"\x80", "invalid_request", "Request.verb: saw 1048576 bytes"),
        ("ping", b"\xc1", "invalid_request", "PingParams: malformed msgpack at byte 0 of 1: the byte 0xc1"),
        ("ping", b"\x81\xda\x80\x00" + b"k" * 2**15 + b"\xc0", "invalid_request", "unknown field `kkk"),
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
    assert len(error.message) < 1000


def test_an_id_must_be_new(orchestrator: Orchestrator, worker: WorkerProcess) -> None:
    orchestrator.send(p.Request(id=5, verb="load_model", params=wire.encode(samples.load())))
    assert isinstance(orchestrator.answer_to(5), p.Response)
    orchestrator.send(p.Request(id=5, verb="ping", params=b"\x80"))
    answer = orchestrator.answer_to(5)
    assert isinstance(answer, p.Failure) and answer.error.code is p.ErrorCode.INVALID_REQUEST
    assert "saw 5, allowed is above 5" in answer.error.message
