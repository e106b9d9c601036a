"""What trackers show of a line of metrics.jsonl.

ts/trackers/points.ts does the same, and test/fixtures/trackers.json holds both to it.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# Fields that say where a line belongs and are no figures.
_PLACE = {"kind", "iteration", "phase", "step"}


@dataclass(frozen=True)
class Point:
    """Figures of one moment of a run."""

    # Names the line that it comes from; a line that was made again has the same.
    key: str
    # Optimisation steps of both roles before it, over all iterations: the axis that never goes back.
    step: int
    iteration: int
    # By tag: `solver/kl`. All are finite.
    values: dict[str, float]


def phase_steps(config: dict[str, Any], lines: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Optimisation steps that each phase which trains has at most.

    They are what the configuration says, or more where a fork shares longer phases with another run.
    """
    steps = {phase: config[phase]["steps"] for phase in ("challenger", "solver")}
    for line in lines:
        if line["kind"] == "step" and line["phase"] in steps:
            steps[line["phase"]] = max(steps[line["phase"]], line["step"])
    return steps


def point_of(line: dict[str, Any], steps: dict[str, int]) -> Point | None:
    """The figures of a line; None where it has none."""
    kind, phase = line["kind"], line.get("phase")
    if kind not in ("step", "phase"):
        return None
    # The figures of a phase that trains are those of its last step, which are there already.
    whole = kind == "step" or phase not in steps
    values = {
        f"{phase}/{name}": value
        for name, value in line.items()
        if name not in _PLACE and (whole or name == "seconds") and _is_finite(value)
    }
    if not values:
        return None
    challenger, solver = steps["challenger"], steps["solver"]
    before = (line["iteration"] - 1) * (challenger + solver)
    begun = challenger if phase == "solver" else 0
    ends = {
        "challenger": challenger,
        "questions": challenger,
        "solver": solver,
        "evaluation": challenger + solver,
    }
    step = before + begun + (line["step"] if kind == "step" else ends[phase])
    key = f"{line['iteration']}/{phase}/{line['step'] if kind == 'step' else 'end'}"
    return Point(key, step, line["iteration"], values)


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
