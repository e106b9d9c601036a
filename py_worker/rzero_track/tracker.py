"""What all trackers have in common."""

from dataclasses import dataclass
from typing import Any, Protocol

from .points import Point


@dataclass(frozen=True)
class Identity:
    """What a tracker knows a run by."""

    # The run's UUID: all attempts at it, and all processes that send, are one run of the tracker's.
    id: str
    project: str
    name: str
    # User or team; "" for the tracker's own choice.
    entity: str
    # Folder that the tracker may keep files in.
    folder: str


class Tracker(Protocol):
    """One tracker's client. Every method raises Unavailable, Refused or PackageMissing."""

    def open(self, identity: Identity, config: dict[str, Any], sent: int) -> int:
        """Begin the run there, or go on with it.

        `sent` is how many points it should have. Returns how many of them it has for sure: the others are
        sent again.
        """

    def send(self, points: list[Point], first: int) -> None:
        """Show some points, the `first` of which is the how manieth of the run, from 0."""

    def summarize(self, values: dict[str, float], step: int) -> None:
        """Show what the run came to; it may be told so again."""

    def close(self, status: str) -> None:
        """Wait until all has arrived. `status` is that of run.json."""


def flat(config: dict[str, Any], group: str = "") -> dict[str, Any]:
    """A configuration by the whole names of its options: `solver.steps`."""
    options: dict[str, Any] = {}
    for name, value in config.items():
        whole = f"{group}{name}"
        options |= flat(value, f"{whole}.") if isinstance(value, dict) else {whole: value}
    return options
