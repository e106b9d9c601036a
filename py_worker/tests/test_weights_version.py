"""Versions of published weights."""

from __future__ import annotations

import pytest

from rzero_worker.errors import WorkerFailure
from rzero_worker.weights_version import require_version, version_to_publish


def test_any_version_and_the_present_one_pass() -> None:
    require_version(3, None)
    require_version(3, 3)


@pytest.mark.parametrize("asked", [0, 2, 4])
def test_another_version_is_stale_and_both_are_named(asked: int) -> None:
    with pytest.raises(WorkerFailure) as failure:
        require_version(3, asked)
    assert failure.value.code == "stale_weights"
    assert (
        failure.value.message == f"weightsVersion: saw {asked}, allowed is 3, that of the published weights"
    )


@pytest.mark.parametrize(("asked", "version"), [(None, 4), (3, 3), (4, 4), (90, 90)])
def test_publishing_goes_up_or_stays(asked: int | None, version: int) -> None:
    assert version_to_publish(3, asked) == version


def test_publishing_below_is_stale() -> None:
    with pytest.raises(WorkerFailure) as failure:
        version_to_publish(3, 2)
    assert failure.value.code == "stale_weights"
    assert "saw 2" in failure.value.message and "3, that of the published weights" in failure.value.message
