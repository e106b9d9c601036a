"""A run's folder as the orchestrator leaves it, small."""

import json
from pathlib import Path

RUN = "0a1b2c3d-0000-4000-8000-000000000000"
CONFIG = {
    "seed": 1,
    "challenger": {"steps": 2},
    "solver": {"steps": 3},
    "worker": {"backend": "mock", "keys": "/private", "listen": "tcp://10.0.0.1:5"},
}


def step(number: int, loss: float = 0.5, iteration: int = 1, phase: str = "challenger") -> dict:
    return {"kind": "step", "iteration": iteration, "phase": phase, "step": number, "loss": loss}


def make_run(folder: Path, lines: list[dict], status: str = "running", config: dict = CONFIG) -> Path:
    (folder / "journal").mkdir(parents=True)
    entries = [{"attempt": {"number": 1, "run": RUN}}, {"entry": {"type": "run", "config": config}}]
    # As JSON.stringify writes it.
    text = "".join(json.dumps({"seq": 1, **one}, separators=(",", ":")) + "\n" for one in entries)
    (folder / "journal" / "0001.jsonl").write_text(text)
    write_metrics(folder, lines)
    beat(folder, 1)
    finish(folder, status)
    return folder


def write_metrics(folder: Path, lines: list[dict], torn: str = "") -> None:
    """As the orchestrator makes it anew: whole, under another name first."""
    text = "".join(json.dumps(line) + "\n" for line in lines) + torn
    (folder / "metrics.tmp").write_text(text)
    (folder / "metrics.tmp").replace(folder / "metrics.jsonl")


def beat(folder: Path, number: int, released: bool = False) -> None:
    (folder / "lease.json").write_text(json.dumps({"attempt": 1, "beat": number, "released": released}))


def finish(folder: Path, status: str) -> None:
    if status == "finished":
        score, gain = {"value": 75.5}, {"figure": {"value": 2.5}}
        scores = {"greedy": score, "mean": score}
        last = {"scores": scores, "gain": {"greedy": gain, "mean": gain, "majority": None}}
        (folder / "summary.json").write_text(json.dumps({"evaluations": [{}, last]}))
    (folder / "run.json").write_text(json.dumps({"status": status}))
