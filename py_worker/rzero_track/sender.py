"""Sends what a tracker has not got of a run yet."""

from collections.abc import Callable
from typing import Protocol

from .errors import Unavailable
from .life import Life
from .points import Point, phase_steps, point_of
from .run import Run
from .sent import Sent
from .tail import Tail
from .tracker import Identity, Tracker

# Between two looks at a run that goes on.
POLL_SECONDS = 1.0
# The longest wait before a tracker that cannot be reached is tried again.
LONGEST_SECONDS = 60.0
# A run that is over waits so long for a tracker that cannot be reached.
PATIENCE_SECONDS = 300.0
# Points that are sent before it is noted that they were.
BATCH = 100


class Clock(Protocol):
    """Time as the sender needs it; tests have their own."""

    def now(self) -> float:
        """Monotonic seconds."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Sender:
    """Sends a run's points, each once, and what it came to."""

    def __init__(
        self,
        run: Run,
        identity: Identity,
        sent: Sent,
        make: Callable[[], Tracker],
        clock: Clock,
        say: Callable[[str], None],
    ):
        """`make` gives a tracker's client, not opened yet; `say` is told what people may want to know."""
        self._run = run
        self._identity = identity
        self._sent = sent
        self._make = make
        self._clock = clock
        self._say = say
        self._config = run.config()
        self._tail = Tail(run.folder / "metrics.jsonl")
        lines = self._tail.lines()
        self._steps = phase_steps(self._config, lines)
        self._points: dict[str, Point] = {}
        self._take(lines)

    def once(self) -> int:
        """Send what there is. Returns how many points; raises what the tracker raises."""
        tracker = self._open()
        count = self._send(tracker)
        self._end(tracker)
        return count

    def follow(self, life: Life) -> None:
        """Send until the run is over.

        A tracker that cannot be reached is tried again, until PATIENCE_SECONDS after the run's end: then
        this raises Unavailable.
        """
        wait = POLL_SECONDS
        ended: float | None = None
        tracker: Tracker | None = None
        while True:
            # Asked first: what is read after its end is all there is.
            over = life.is_over()
            if over and ended is None:
                ended = self._clock.now()
            self._take(self._tail.lines())
            try:
                tracker = tracker or self._open()
                self._send(tracker)
                if over:
                    self._end(tracker)
                    return
                wait = POLL_SECONDS
            except Unavailable as error:
                if ended is not None and self._clock.now() - ended > PATIENCE_SECONDS:
                    raise
                if wait == POLL_SECONDS:
                    self._say(f"{error}; it is tried again")
                tracker = None
                wait = min(2 * wait, LONGEST_SECONDS)
            self._clock.sleep(wait)

    def _take(self, lines: list) -> None:
        for line in lines:
            point = point_of(line, self._steps)
            # A step that is made again is drawn from what is on record, so what was sent of it stands.
            if point is not None:
                self._points.setdefault(point.key, point)

    def _open(self) -> Tracker:
        tracker = self._make()
        known = len(self._sent.keys)
        has = tracker.open(self._identity, self._config, known)
        if has < known:
            self._sent.cut(has)
        return tracker

    def _send(self, tracker: Tracker) -> int:
        before = set(self._sent.keys)
        points = [point for key, point in self._points.items() if key not in before]
        points.sort(key=lambda point: point.step)
        for start in range(0, len(points), BATCH):
            batch = points[start : start + BATCH]
            tracker.send(batch, len(self._sent.keys))
            self._sent.add([point.key for point in batch])
        return len(points)

    def _end(self, tracker: Tracker) -> None:
        status = self._run.status()
        summary = self._run.summary() if status == "finished" else {}
        # MLflow and Trackio have no place for it but among the points: there it is sent once.
        if summary and "summary" not in self._sent.keys:
            tracker.summarize(summary, max((point.step for point in self._points.values()), default=0))
            self._sent.add(["summary"])
        tracker.close(status)
