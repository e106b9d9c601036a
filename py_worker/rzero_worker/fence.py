"""Whom a worker obeys: of the orchestrators of one run, the latest that has welcomed it.

An orchestrator that was thought dead may live on: stopped, cut off, or on a machine that came back. What it
asks for then would be done to models that are another's. So each orchestrator of a run has a number,
`attempt`, above that of all before it, and a worker that has met a higher one does not obey (a fencing token:
M. Kleppmann, How to do distributed locking, 2016).
"""

from __future__ import annotations

from typing import Literal

Meeting = Literal["known", "new", "superseded"]
"""What an orchestrator is to a worker: the one it works for, its next one, or one of the past."""


class Fence:
    """The run that a worker works for, and its highest attempt so far."""

    def __init__(self) -> None:
        """Work for nobody: whoever comes first is `known`, since nothing is there to be forgotten."""
        self._run: str | None = None
        self._attempt = 0

    def meet(self, run: str, attempt: int) -> Meeting:
        """Judge who says Welcome, and remember it unless it is `superseded`."""
        if run == self._run and attempt < self._attempt:
            return "superseded"
        known = self._run is None or (run, attempt) == (self._run, self._attempt)
        self._run, self._attempt = run, attempt
        return "known" if known else "new"

    @property
    def attempt(self) -> int:
        """The highest attempt of the run that it works for."""
        return self._attempt
