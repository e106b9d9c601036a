"""How far this process is with its work: a number that grows with each piece of it that is done.

Heartbeats carry it, so whoever waits can tell a long call, which moves it, from one that hangs, which does
not. A piece is small beside any patience: a tensor read or copied, a mebibyte hashed, a pack computed, a step
of all samples. What the number is means nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

_lock = threading.Lock()
_beats = 0


def beat() -> None:
    """Say that a piece of work is done. Any thread; cheap beside any piece worth the name."""
    global _beats
    with _lock:  # two threads that add at once could take the number back
        _beats += 1


def beats() -> int:
    """Give the number. Any thread."""
    return _beats


def each(items: Iterable[T]) -> Iterator[T]:
    """Give what is worked on one after another: asking for the next one says that the last is done."""
    for item in items:
        yield item
        beat()
