"""A run's folder, as far as it tells what to send."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import NoRun

# Where private keys lie, and where workers dial in, is nobody's business.
_WITHHELD = ("keys", "listen")


class Run:
    """Reads a run that may be going on: nothing of it is ever locked or changed."""

    def __init__(self, folder: Path):
        """Raises NoRun where the folder holds none."""
        self.folder = folder
        header = self._header()
        if header is None:
            raise NoRun(f"{folder} is not a run folder: it has no journal, or none that was begun")
        # A UUID that all attempts at the run have.
        self.id: str = header["attempt"]["run"]

    def config(self) -> dict[str, Any]:
        """What the run was asked to do last, without what is private."""
        found = None
        for segment in self._segments():
            for line in _whole_lines(segment):
                if b'"entry":{"type":"run"' in line:
                    found = json.loads(line)["entry"]["config"]
        if found is None:
            raise NoRun(f"run {self.folder} was lost before its configuration was on record")
        worker = {name: value for name, value in found["worker"].items() if name not in _WITHHELD}
        return {**found, "worker": worker}

    def summary(self) -> dict[str, float]:
        """Scores of the last Solver, and its gain over the base, in percent; none while the run goes on."""
        document = self._document("summary.json")
        if document is None:
            return {}
        last = document["evaluations"][-1]
        names = ("greedy", "mean", "majority")
        scores = {f"summary/{name}": last["scores"].get(name) for name in names}
        gains = {f"summary/gain_{name}": (last["gain"] or {}).get(name) for name in names}
        figures = {name: score and score["value"] for name, score in scores.items()}
        figures |= {name: gain and gain["figure"]["value"] for name, gain in gains.items()}
        return {name: float(value) for name, value in figures.items() if value is not None}

    def status(self) -> str:
        """As run.json has it: `running`, `finished`, `stopped`, `preempted` or `failed`."""
        return (self._document("run.json") or {"status": "running"})["status"]

    def sign_of_life(self) -> str | None:
        """What changes for as long as somebody has the run; None where it was given back."""
        lease = self._document("lease.json")
        return None if lease is None or lease["released"] else f"{lease['attempt']}/{lease['beat']}"

    def _document(self, name: str) -> Any:
        try:
            return json.loads((self.folder / name).read_bytes())
        except (OSError, ValueError):
            return None

    def _segments(self) -> list[Path]:
        return sorted((self.folder / "journal").glob("*.jsonl"))

    def _header(self) -> Any:
        for segment in self._segments():
            for line in _whole_lines(segment):
                return json.loads(line)
        return None


def _whole_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield line
