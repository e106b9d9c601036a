"""The feed of a group: rank 0's word on every rank. The ranks are threads here, and what they say a queue."""

from __future__ import annotations

import threading
from queue import SimpleQueue

import pytest
import samples
import torch

from rzero_worker import protocol as p
from rzero_worker.context import Context
from rzero_worker.errors import WorkerFailure
from rzero_worker.feed import Call, Feed
from rzero_worker.ranks import Ranks
from rzero_worker.shared_feed import SharedFeed


class Line(Ranks):
    """Two ranks, the first of which speaks into a queue."""

    def __init__(self, rank: int, said: SimpleQueue) -> None:
        super().__init__(rank, 2)
        self._said = said

    def broadcast(self, tensor: torch.Tensor) -> torch.Tensor:
        if self.first:
            self._said.put(tensor.clone())
            return tensor
        return tensor.copy_(self._said.get(timeout=10))


class Given(Feed):
    def __init__(self, *turns: list[Call]) -> None:
        self._turns = list(turns)
        self.rooms: list[int] = []

    def take(self, room: int) -> list[Call]:
        self.rooms.append(room)
        return self._turns.pop(0) if self._turns else []


def result(*tokens: int) -> p.SampleResult:
    empty = b""
    return p.SampleResult(
        weights_version=0,
        prompt_tokens=empty,
        prompt_lengths=empty,
        tokens=bytes(tokens),
        lengths=empty,
        logprobs=empty,
        texts=[],
        stop_reasons=[],
    )


@pytest.fixture
def feeds():
    """Make the feeds of both ranks, rank 0's over another one."""
    said: SimpleQueue = SimpleQueue()
    return lambda own: (SharedFeed(Line(0, said), own), SharedFeed(Line(1, said)))


def test_all_ranks_have_the_same_calls_and_rank_0_answers(feeds) -> None:
    ended: list = []
    asked = [samples.sample(n=n) for n in (1, 2, 3)]
    calls = [Call(params, Context(), ended.append) for params in asked]
    own = Given(calls[:2], [], calls[2:])
    first, second = feeds(own)
    for room, wanted in ((9, asked[:2]), (4, []), (0, asked[2:])):
        ours, theirs = first.take(room), second.take(room)
        assert [call.params for call in ours] == [call.params for call in theirs] == wanted
        for call, also in zip(ours, theirs, strict=True):
            call.answer(result(len(ended)))
            also.answer(result(len(ended) - 1))
    assert own.rooms == [9, 4, 0]
    assert ended == [result(0), result(1), result(2)]
    first.require_same()
    second.require_same()


def test_a_cancelled_call_is_cancelled_on_all_ranks_when_rank_0_tells_it(feeds) -> None:
    stop, ended = threading.Event(), []
    calls = [
        Call(samples.sample(), Context(None, event), ended.append) for event in (threading.Event(), stop)
    ]
    first, second = feeds(Given(calls))
    both = [feed.take(9) for feed in (first, second)]
    stop.set()
    assert [call.context.cancelled for ours in both for call in ours] == [False] * 4
    first.take(0)
    second.take(0)
    assert [[call.context.cancelled for call in ours] for ours in both] == [[False, True]] * 2
    for ours in both:
        ours[1].fail(WorkerFailure(p.ErrorCode.CANCELLED, "cancelled by the caller"))
        ours[0].answer(result(1))
    assert isinstance(ended[0], WorkerFailure)
    first.take(0)
    second.take(0)
    first.require_same()
    second.require_same()


@pytest.mark.parametrize("theirs", [result(2), WorkerFailure(p.ErrorCode.INTERNAL, "alone")])
def test_a_rank_that_finds_something_else_is_found_out(feeds, theirs: p.SampleResult | Exception) -> None:
    first, second = feeds(Given([Call(samples.sample(), Context(), lambda outcome: None)]))
    first.take(1)[0].answer(result(1))
    (call,) = second.take(1)
    call.fail(theirs) if isinstance(theirs, Exception) else call.answer(theirs)
    first.require_same()
    with pytest.raises(WorkerFailure, match="drew other tokens than rank 0"):
        second.require_same()
