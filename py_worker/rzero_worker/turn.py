"""The engines of a worker take turns, so that each has all the memory that there is for keys and values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from rzero_worker.memory import require_room
from rzero_worker.ranks import Ranks


class Sleeper(Protocol):
    """What takes turns: an engine (engine.py)."""

    def sleep(self) -> int:
        """Let go of the device's memory; returns how many bytes that were, as far as it is known."""

    def wake(self) -> None:
        """Take it back. Where it is not there, raise and sleep on."""

    def close(self) -> None:
        """End, awake."""


S = TypeVar("S", bound=Sleeper)


class Turn:
    """Which engine of a worker is awake: one, or none."""

    def __init__(self, ranks: Ranks) -> None:
        """Begin without engines.

        Args:
            ranks: a group, whose ranks all make the same calls: all wake an engine, or none does.
        """
        self._ranks = ranks
        self._awake: Sleeper | None = None

    def start(self, make: Callable[[], S]) -> S:
        """Start an engine while all others sleep. Raises what `make` does; then none is awake."""
        self.end()
        engine = make()
        self._awake = engine
        return engine

    def of(self, engine: S) -> S:
        """Give an engine that is awake, and no other is. Raises out_of_memory where it cannot wake."""
        if engine is not self._awake:
            self.end()
            what = "a model that is sampled from"
            require_room(self._ranks, what, engine.wake, engine.sleep)
            self._awake = engine
        return engine

    def close(self, engine: Sleeper) -> None:
        """End an engine for good. The others sleep."""
        self.of(engine).close()
        self._awake = None

    def end(self) -> int:
        """Put whichever is awake to sleep; returns the bytes of its `sleep`."""
        freed = 0 if self._awake is None else self._awake.sleep()
        self._awake = None
        return freed
