"""Whether a run goes on."""

from collections.abc import Callable

from .run import Run

# An orchestrator gives a sign of life every five seconds; one that gave none for so long is gone.
STILL_SECONDS = 60.0


class Life:
    """Looks at a run again and again."""

    def __init__(self, run: Run, now: Callable[[], float]):
        """`now` gives monotonic seconds."""
        self._run = run
        self._now = now
        self._sign = run.sign_of_life()
        self._since = now()

    def is_over(self) -> bool:
        """Whether nobody adds to the run any more: it has ended, or whoever had it is gone."""
        if self._run.status() != "running":
            return True
        sign = self._run.sign_of_life()
        if sign != self._sign:
            self._sign, self._since = sign, self._now()
        return sign is None or self._now() - self._since > STILL_SECONDS
