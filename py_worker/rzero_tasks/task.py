"""One task of Reasoning Gym at one size and seed, which give the same items each time."""

from __future__ import annotations

import difflib
import signal
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE = 10
"""Seconds that a task gets to score one answer."""


class TaskFailure(Exception):  # noqa: N818 - named after what it is
    """Why there are no items; one line for people. Codes: unavailable, unknown_task."""

    def __init__(self, code: str, message: str) -> None:
        """Make a failure."""
        super().__init__(message)
        self.code = code
        self.message = message


class Task:
    """Items and their scores."""

    def __init__(self, name: str, size: int, seed: int) -> None:
        """Open a task. Raises TaskFailure where there is no such task, or no Reasoning Gym."""
        try:
            import reasoning_gym
            from reasoning_gym.factory import DATASETS
        except ImportError as error:
            problem = f"Reasoning Gym cannot be imported ({error})"
            raise TaskFailure("unavailable", f"{problem}: run `npm run setup:tasks` once") from None
        if name not in DATASETS:
            near = difflib.get_close_matches(name, DATASETS, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            message = f"Reasoning Gym has no task {name}{hint}: there are {', '.join(sorted(DATASETS))}"
            raise TaskFailure("unknown_task", message)
        try:
            self._dataset = reasoning_gym.create_dataset(name, size=size, seed=seed)
        except Exception as error:  # a task's own, which may want options that we do not have
            message = f"Reasoning Gym does not make {name} of size and seed alone: {error}"
            raise TaskFailure("unknown_task", message) from None
        self._size = size
        try:
            self.version = version("reasoning-gym")
        except PackageNotFoundError:
            self.version = "of unknown version"

    def items(self) -> Iterator[dict[str, str]]:
        """Give question and answer of each; a task that knows no single answer says so with a blank."""
        for index in range(self._size):
            entry = self._dataset[index]
            answer = entry["answer"]
            yield {"question": entry["question"], "answer": "" if answer is None else str(answer)}

    def score(self, index: int, answer: str) -> float | None:
        """Score an answer to an item: 0 to 1; None where the task fails at it or takes too long."""
        try:
            scored = _within(PATIENCE, lambda: self._dataset.score_answer(answer, self._dataset[index]))
            return float(scored)
        except Exception:  # a task's own, on what nobody foresaw in an answer
            return None


def _within(seconds: int, work: Callable[[], T]) -> T:
    """Do something, and give up on it where it takes longer; without alarms (Windows), wait."""
    if not hasattr(signal, "SIGALRM"):
        return work()

    def late(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        return work()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
