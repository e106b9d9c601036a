"""Whole optimiser steps are those of TRL's GRPOTrainer, whose numbers were taken once.

`npm run bench -- train-step --make-golden py_worker/tests/train_step_golden.json` takes them again.
"""

from __future__ import annotations

import json
from itertools import repeat
from pathlib import Path

import pytest
import torch

from train_step import ours
from train_step.fixture import Args, read_fixture, write_fixture
from train_step.turns import Turns

# As the worker does.
torch.set_num_threads(1)

GOLDEN = json.loads((Path(__file__).parent / "train_step_golden.json").read_text())
CASES = {f"{case['args']['loss_type']} x {case['args']['num_iterations']}": case for case in GOLDEN["cases"]}


@pytest.mark.parametrize("name", CASES)
def test_steps_are_those_of_trl(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    write_fixture(tmp_path, Args(**case["args"]))
    answers: list[dict] = []
    moved = ours.run(read_fixture(tmp_path), Turns(repeat("step"), answers.append))
    norms = [answer["grad_norm"] for answer in answers[1:]]  # the first says that it is ready
    assert norms == pytest.approx(case["grad_norms"], rel=1e-4)
    assert moved == pytest.approx(case["param_delta_l2"], rel=1e-3)


def test_the_golden_numbers_tell_the_losses_apart() -> None:
    # Norms that any loss would give would prove nothing.
    assert {name.split()[0] for name in CASES} == {"dapo", "grpo", "dr_grpo", "cispo"}
    # On its own samples CISPO is DAPO; with two steps on a rollout all differ.
    last = [case["grad_norms"][-1] for name, case in CASES.items() if name.endswith("x 2")]
    assert min(abs(a - b) / a for i, a in enumerate(last) for b in last[:i]) > 1e-3
