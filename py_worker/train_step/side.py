"""One trainer in a process of its own, which takes a step for each line of stdin.

Answers are JSON, a line each: that it is ready, each step, and at the end what the steps came to.

Usage: python -m train_step.side ours|trl|bare FIXTURE [THREADS]
"""

from __future__ import annotations

import json
import os
import platform
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import torch
import transformers

from train_step import memory
from train_step.fixture import read_fixture
from train_step.turns import Turns

SIDES = {"ours": "train_step.ours", "trl": "train_step.grpo_trainer", "bare": "train_step.bare"}


def main(name: str, folder: str, threads: str | None = None) -> None:
    """Run one side on a fixture."""
    # Trainers print; what they print is no answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(message: dict) -> None:
        print(json.dumps(message), file=answers, flush=True)

    fixture = read_fixture(Path(folder))
    count = int(threads or fixture.args.threads)
    torch.set_num_threads(count)
    transformers.utils.logging.disable_progress_bar()
    packages = ["torch", "transformers", *(["trl"] if name == "trl" else [])]
    turns = Turns(sys.stdin, answer)
    moved = import_module(SIDES[name]).run(fixture, turns)
    answer(
        {
            "param_delta_l2": moved,
            "base_bytes": turns.base_bytes,
            "peak_bytes": memory.peak(),
            "threads": count,
            "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
        }
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
