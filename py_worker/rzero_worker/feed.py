"""Requests of `sample` that are worked on together: how a backend gets them, and answers them one by one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from rzero_worker import protocol as p
from rzero_worker.context import Context

Outcome = p.SampleResult | Exception
"""What becomes of a call: its result, or why there is none."""


class Call:
    """One request of `sample`. Whoever works on it ends it, once: by an answer or a failure."""

    def __init__(self, params: p.SampleParams, context: Context, end: Callable[[Outcome], None]) -> None:
        """Make a call that tells `end` what becomes of it."""
        self.params = params
        self.context = context
        self._end = end

    def answer(self, result: p.SampleResult) -> None:
        """End it well."""
        self._end(result)

    def fail(self, error: Exception) -> None:
        """End it by a failure, which the others do not hear of."""
        self._end(error)


class Feed(ABC):
    """Calls for one model, in the order in which they came."""

    @abstractmethod
    def take(self, room: int) -> list[Call]:
        """Take calls that wait, as many as it needs for `room` samples; none if none waits.

        While calls are worked on it is to be asked again and again, also without room: whether a call is
        cancelled is news that may come by this way.
        """


class _One(Feed):
    """A feed of a call that nobody else waits beside."""

    def __init__(self, params: p.SampleParams, context: Context) -> None:
        self.outcome: Outcome = RuntimeError("the call was not ended")
        self._calls = [Call(params, context, self._end)]

    def take(self, room: int) -> list[Call]:
        taken, self._calls = self._calls, []
        return taken

    def _end(self, outcome: Outcome) -> None:
        self.outcome = outcome


def alone(work: Callable[[Feed], None], params: p.SampleParams, context: Context) -> p.SampleResult:
    """Have one call worked on by what works on feeds. Returns its result, raises its failure."""
    feed = _One(params, context)
    work(feed)
    if isinstance(feed.outcome, Exception):
        raise feed.outcome
    return feed.outcome
