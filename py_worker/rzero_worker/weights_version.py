"""Versions of published weights: whether they are those asked for, and which one comes next."""

from __future__ import annotations

from rzero_worker.errors import WorkerFailure
from rzero_worker.protocol import ErrorCode


def require_version(present: int, asked: int | None) -> None:
    """Raise stale_weights unless the published weights are of the version asked for; None is any."""
    if asked not in (None, present):
        raise _stale(asked, f"{present}, that of the published weights")


def version_to_publish(present: int, asked: int | None) -> int:
    """Version that publishing leads to: the one asked for, None for one more.

    The present one means that nothing is to change, so that the call may be repeated. Raises stale_weights
    for one below it.
    """
    if asked is None:
        return present + 1
    if asked < present:
        raise _stale(asked, f"{present}, that of the published weights, or above")
    return asked


def _stale(asked: int, allowed: str) -> WorkerFailure:
    return WorkerFailure(ErrorCode.STALE_WEIGHTS, f"weightsVersion: saw {asked}, allowed is {allowed}")
