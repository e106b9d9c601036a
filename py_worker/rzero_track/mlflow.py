"""MLflow."""

import time
from contextlib import contextmanager
from typing import Any

from .errors import PackageMissing, Refused, Unavailable
from .points import Point
from .tracker import Identity, flat

# MLflow gives runs ids of its own: this tag finds ours again.
_TAG = "rzero.run"
# What a request may hold.
_METRICS = 1000
_PARAMS = 100


class Mlflow:
    """A run of MLflow, found again by a tag with the run's id."""

    def __init__(self) -> None:
        """Raises PackageMissing."""
        try:
            from mlflow import MlflowClient, entities, exceptions
        except ImportError as error:
            raise PackageMissing("mlflow", error) from error
        self._entities = entities
        self._error = exceptions.MlflowException
        self._make_client = MlflowClient
        self._client: Any = None
        self._id = ""

    def open(self, identity: Identity, config: dict[str, Any], sent: int) -> int:
        """As Tracker.open."""
        with self._translated():
            self._client = self._make_client()
            experiment = self._client.get_experiment_by_name(identity.project)
            number = experiment and experiment.experiment_id
            number = number or self._client.create_experiment(identity.project)
            known = self._client.search_runs([number], f"tags.`{_TAG}` = '{identity.id}'", max_results=1)
            if known:
                self._id = known[0].info.run_id
                self._client.update_run(self._id, status="RUNNING")
                return sent
            made = self._client.create_run(number, run_name=identity.name, tags={_TAG: identity.id})
            self._id = made.info.run_id
            # Params are for ever: what changes while a run is under way is none of them.
            params = [self._entities.Param(name, str(value)) for name, value in flat(config).items()]
            for start in range(0, len(params), _PARAMS):
                self._client.log_batch(self._id, params=params[start : start + _PARAMS])
            return 0

    def send(self, points: list[Point], first: int) -> None:
        """As Tracker.send."""
        self._log([(tag, value, point.step) for point in points for tag, value in point.values.items()])

    def summarize(self, values: dict[str, float], step: int) -> None:
        """As Tracker.summarize."""
        self._log([(tag, value, step) for tag, value in values.items()])

    def close(self, status: str) -> None:
        """As Tracker.close."""
        ends = {"finished": "FINISHED", "failed": "FAILED", "running": None}
        with self._translated():
            end = ends.get(status, "KILLED")
            if end is not None:
                self._client.set_terminated(self._id, end)

    def _log(self, figures: list[tuple[str, float, int]]) -> None:
        now = int(time.time() * 1000)
        metrics = [self._entities.Metric(tag, value, now, step) for tag, value, step in figures]
        with self._translated():
            for start in range(0, len(metrics), _METRICS):
                self._client.log_batch(self._id, metrics=metrics[start : start + _METRICS])

    @contextmanager
    def _translated(self) -> Any:
        try:
            yield
        except self._error as error:
            if error.get_http_status_code() in (401, 403) or "error code 401" in str(error):
                hint = (
                    "look at MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
                )
                raise Refused(f"MLflow refuses the credentials ({error}): {hint}") from error
            raise Unavailable(f"MLflow cannot be reached ({error}): look at MLFLOW_TRACKING_URI") from error
        except Exception as error:
            raise Unavailable(f"MLflow cannot be reached ({error}): look at MLFLOW_TRACKING_URI") from error
