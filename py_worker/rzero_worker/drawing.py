"""One call of `sample` while its samples are drawn, in any order and beside those of other calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rzero_worker import protocol as p
from rzero_worker.engine_request import EMPTY, EngineRequest
from rzero_worker.feed import Call
from rzero_worker.sampler import Sample


class Drawing:
    """What a call wants of the engine, and what it has got so far."""

    def __init__(
        self,
        call: Call,
        requests: Sequence[EngineRequest],
        arguments: dict[str, Any],
        total: int,
        finish: Callable[[list[Sample]], p.SampleResult],
    ) -> None:
        """Begin a drawing.

        Args:
            call: ended by this object.
            requests: what is to be drawn.
            arguments: from `sampling_arguments`.
            total: samples of the call; those without a request are empty.
            finish: makes the call's result of all its samples, in order.
        """
        self.requests = requests
        self.arguments = arguments
        self._call = call
        self._samples = [EMPTY] * total
        self._left = len(requests)
        self._finish = finish

    @property
    def done(self) -> bool:
        """Whether it has all samples."""
        return self._left == 0

    def add(self, index: int, sample: Sample) -> None:
        """Take a sample; the last one answers the call."""
        self._samples[index] = sample
        self._left -= 1
        self._call.context.progress(len(self._samples) - self._left, len(self._samples))
        if self.done:
            self.answer()

    def answer(self) -> None:
        """Answer the call."""
        self._call.answer(self._finish(self._samples))

    def fail(self, error: Exception) -> None:
        """End the call by a failure."""
        self._call.fail(error)

    def raise_if_cancelled(self) -> None:
        """Raise cancelled if the caller no longer wants it."""
        self._call.context.raise_if_cancelled()
