"""Requests of `sample` that are worked on together: which ones join, and how each one ends."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue

import pytest
import samples
from conftest import Orchestrator, Serve

from rzero_worker import protocol as p
from rzero_worker.backends.mock import MockBackend
from rzero_worker.context import Context
from rzero_worker.errors import WorkerFailure
from rzero_worker.feed import Call, Feed, alone

Turn = Callable[[Feed, list[Call]], None]


class Joining(MockBackend):
    """The mock, which works on feeds turn by turn, as it is told; a feed is done when a turn is None."""

    def __init__(self) -> None:
        super().__init__()
        self.turns: SimpleQueue[Turn | None] = SimpleQueue()

    def sample_together(self, feed: Feed) -> None:
        calls: list[Call] = []
        while (turn := self.turns.get()) is not None:
            turn(feed, calls)

    def sample_as_ever(self, call: Call) -> None:
        call.answer(self.sample(call.params, call.context))


@pytest.fixture
def backend() -> Joining:
    return Joining()


@pytest.fixture
def peer(orchestrator: Orchestrator, serve: Serve, backend: Joining) -> Orchestrator:
    """With the models m and other loaded."""
    serve(backend)
    orchestrator.accept(heartbeat_seconds=0.01)
    for name in ("m", "other"):
        orchestrator.call("load_model", samples.load(name))
    return orchestrator


def waits(peer: Orchestrator, count: int) -> None:
    peer.heartbeat_when(lambda beat: beat.queued == count)


def take(room: int) -> Turn:
    return lambda feed, calls: calls.extend(feed.take(room))


def test_samples_that_wait_right_behind_join_and_are_answered_in_any_order(
    peer: Orchestrator, backend: Joining
) -> None:
    ids = [peer.request("sample", samples.sample(n=n)) for n in (1, 2, 3)]
    waits(peer, 2)
    backend.turns.put(take(2))  # the first, and the second because there is room for one sample more
    waits(peer, 1)
    backend.turns.put(take(0))
    waits(peer, 1)
    backend.turns.put(lambda feed, calls: backend.sample_as_ever(calls.pop(1)))
    seen: list = []
    assert len(peer.answer_to(ids[1], seen).result) > 0
    assert not [message for message in seen if isinstance(message, p.Response)]
    backend.turns.put(take(9))
    for at in (1, 0):
        backend.turns.put(lambda feed, calls, at=at: backend.sample_as_ever(calls.pop(at)))
    for request_id in (ids[2], ids[0]):
        assert isinstance(peer.answer_to(request_id), p.Response)
    backend.turns.put(None)
    assert peer.call("ping", p.PingParams()) is not None
    peer.heartbeat_when(lambda beat: beat.busy == "")


@pytest.mark.parametrize(
    ("verb", "params"),
    [
        ("forward", samples.forward([[1, 2]])),
        ("sample", samples.sample(model_id="other")),
        ("sample", samples.sample(seeds=[1, 2])),  # as many as conversations are allowed
    ],
)
def test_what_is_no_sample_of_the_model_keeps_its_place(
    peer: Orchestrator, backend: Joining, verb: str, params: p.Base
) -> None:
    first = peer.request("sample", samples.sample())
    between = peer.request(verb, params)
    last = peer.request("sample", samples.sample())
    waits(peer, 2)
    backend.turns.put(take(100))
    backend.turns.put(lambda feed, calls: backend.sample_as_ever(calls.pop()))
    assert isinstance(peer.answer_to(first), p.Response)
    waits(peer, 2)
    backend.turns.put(None)
    feeds = 2 if verb == "sample" else 1  # each sample has one of its own
    for _ in range(feeds):
        backend.turns.put(take(100))
        backend.turns.put(lambda feed, calls: [backend.sample_as_ever(call) for call in calls])
        backend.turns.put(None)
    answers = verb == "forward" or params.model_id == "other"
    assert isinstance(peer.answer_to(between), p.Response if answers else p.Failure)
    assert isinstance(peer.answer_to(last), p.Response)


def test_each_is_cancelled_alone_and_what_is_raised_fails_all_that_are_left(
    peer: Orchestrator, backend: Joining
) -> None:
    def leave_cancelled(feed: Feed, calls: list[Call]) -> None:
        for call in list(calls):
            try:
                call.context.raise_if_cancelled()
            except WorkerFailure as failure:
                calls.remove(call)
                call.fail(failure)

    def break_down(feed: Feed, calls: list[Call]) -> None:
        raise MemoryError("too much")

    first, second, third = (peer.request("sample", samples.sample()) for _ in range(3))
    waits(peer, 2)
    backend.turns.put(take(2))
    waits(peer, 1)
    assert peer.call("cancel", p.CancelParams(id=second)).found
    peer.request("cancel", p.CancelParams(id=third))  # it waits still
    assert peer.answer_to(third).error.code is p.ErrorCode.CANCELLED
    backend.turns.put(leave_cancelled)
    assert peer.answer_to(second).error.code is p.ErrorCode.CANCELLED
    late = peer.request("sample", samples.sample())
    waits(peer, 1)
    backend.turns.put(take(1))
    backend.turns.put(break_down)
    for request_id in (first, late):
        assert peer.answer_to(request_id).error.code is p.ErrorCode.OUT_OF_MEMORY
    assert peer.call("forward", samples.forward([[1, 2]])) is not None


def test_a_call_that_a_backend_forgets_is_a_failure(peer: Orchestrator, backend: Joining) -> None:
    request_id = peer.request("sample", samples.sample())
    backend.turns.put(take(1))
    backend.turns.put(None)
    assert peer.answer_to(request_id).error.code is p.ErrorCode.INTERNAL


def test_alone_is_one_call_of_a_feed() -> None:
    backend = MockBackend()
    backend.load_model(samples.load())
    asked = samples.sample(n=3)
    assert alone(backend.sample_together, asked, Context()) == backend.sample(asked, Context())
    with pytest.raises(WorkerFailure, match="no model is loaded"):
        alone(backend.sample_together, samples.sample(model_id="x"), Context())
