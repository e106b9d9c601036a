"""Trackio."""

from contextlib import contextmanager
from typing import Any

from .errors import PackageMissing, Refused, Unavailable
from .points import Point
from .tracker import Identity


class Trackio:
    """A run of Trackio, found again by its name, which therefore ends in the beginning of the run's id.

    Without TRACKIO_SERVER_URL or TRACKIO_SPACE_ID it is a database on this machine.
    """

    def __init__(self) -> None:
        """Raises PackageMissing."""
        try:
            import trackio
        except ImportError as error:
            raise PackageMissing("trackio", error) from error
        self._trackio = trackio
        self._run: Any = None

    def open(self, identity: Identity, config: dict[str, Any], sent: int) -> int:
        """As Tracker.open."""
        with self._translated():
            self._run = self._trackio.init(
                project=identity.project,
                name=f"{identity.name}-{identity.id[:8]}",
                config=config,
                resume="allow",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )
        return sent

    def send(self, points: list[Point], first: int) -> None:
        """As Tracker.send."""
        with self._translated():
            for point in points:
                self._run.log({"iteration": point.iteration, **point.values}, step=point.step)

    def summarize(self, values: dict[str, float], step: int) -> None:
        """As Tracker.summarize."""
        with self._translated():
            self._run.log(values, step=step)

    def close(self, status: str) -> None:
        """As Tracker.close."""
        with self._translated():
            self._run.finish()

    @contextmanager
    def _translated(self) -> Any:
        try:
            yield
        except Exception as error:
            if any(word in str(error) for word in ("token", "401", "403")):
                raise Refused(
                    f"Trackio refuses the credentials ({error}): look at TRACKIO_WRITE_TOKEN"
                ) from error
            where = "look at TRACKIO_SERVER_URL and TRACKIO_SPACE_ID"
            raise Unavailable(f"Trackio cannot be reached ({error}): {where}") from error
