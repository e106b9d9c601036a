"""Weights & Biases."""

from contextlib import contextmanager
from typing import Any

from .errors import PackageMissing, Refused, Unavailable
from .points import Point
from .tracker import Identity


class Wandb:
    """A run of W&B, by the run's own id.

    Its client sends behind the scenes, so that a point that was handed over may yet be lost with the process.
    Points are therefore numbered, and W&B says how many it has when the run is opened again.
    """

    def __init__(self) -> None:
        """Raises PackageMissing."""
        try:
            import wandb
        except ImportError as error:
            raise PackageMissing("wandb", error) from error
        self._wandb = wandb
        self._run: Any = None

    def open(self, identity: Identity, config: dict[str, Any], sent: int) -> int:
        """As Tracker.open."""
        with self._translated():
            # What W&B would look at by itself is this process, not the run.
            settings = self._wandb.Settings(
                console="off", disable_git=True, disable_code=True, x_disable_stats=True, x_disable_meta=True
            )
            self._run = self._wandb.init(
                project=identity.project,
                entity=identity.entity or None,
                name=identity.name,
                id=identity.id,
                resume="allow",
                dir=identity.folder,
                settings=settings,
            )
            self._run.config.update(config, allow_val_change=True)
            self._run.define_metric("global_step", hidden=True)
            self._run.define_metric("*", step_metric="global_step")
            # Offline nobody knows what W&B has; what was written is in a file of this machine.
            return sent if self._run.offline else min(sent, self._run.step)

    def send(self, points: list[Point], first: int) -> None:
        """As Tracker.send."""
        with self._translated():
            for number, point in enumerate(points, start=first):
                place = {"global_step": point.step, "iteration": point.iteration}
                self._run.log({**place, **point.values}, step=number)

    def summarize(self, values: dict[str, float], step: int) -> None:
        """As Tracker.summarize."""
        with self._translated():
            self._run.summary.update(values)

    def close(self, status: str) -> None:
        """As Tracker.close."""
        with self._translated():
            self._run.finish(exit_code=1 if status == "failed" else 0)

    @contextmanager
    def _translated(self) -> Any:
        errors = self._wandb.errors
        try:
            yield
        except (errors.AuthenticationError, errors.UsageError) as error:
            hint = "set WANDB_API_KEY, or run `wandb login`; WANDB_MODE=offline needs neither"
            raise Refused(f"W&B does not let us in ({error}): {hint}") from error
        except Exception as error:
            if any(code in str(error) for code in ("401", "403", "PERMISSION")):
                raise Refused(f"W&B refuses the credentials ({error}): look at WANDB_API_KEY") from error
            raise Unavailable(
                f"W&B cannot be reached ({error}): WANDB_MODE=offline keeps it on disk"
            ) from error
