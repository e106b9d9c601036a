"""When a trainer may take its next step, and what it says of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from train_step import memory


class Turns:
    """The clock of one trainer's steps: `begin`, work, `stop`, and `report`.

    A trainer that owns its loop calls them from inside it, and waits there while others have their turn.
    """

    def __init__(self, asked: Iterator[object], answer: Callable[[dict], None]) -> None:
        """`asked` yields when a step is asked for; the first `answer` says that the trainer is ready."""
        self._asked = asked
        self._answer = answer
        self._begun: float | None = None
        self._seconds = 0.0
        self.base_bytes: int | None = None

    def begin(self) -> None:
        """Wait for the turn. SystemExit when there will be none."""
        if self._begun is None:
            memory.forget_peak()
            self.base_bytes = memory.resident()
            self._answer({"ready": True})
        if next(self._asked, None) is None:
            raise SystemExit(0)
        self._begun = time.perf_counter()

    def stop(self) -> None:
        """End the time that counts."""
        self._seconds = time.perf_counter() - self._begun

    def report(self, grad_norm: float) -> None:
        """Answer with the step's time and the gradient's norm before clipping."""
        self._answer({"seconds": self._seconds, "grad_norm": grad_norm})
