"""A fixture: a model and scripted rollouts in a folder, from which every trainer takes the same steps.

`init` is a Hugging Face folder without a tokenizer. `rollouts.json` is

    {"args": {...}, "pad_token_id": n, "steps": [
      {"prompt_ids": [[...]], "completion_ids": [[...]], "rewards": [...], "advantages": [...]}]}

where the lists of a step have one entry a sequence, and sequences of one prompt are together.

Usage: python -m train_step.fixture FOLDER ARGS, where ARGS is JSON with the fields of `Args`.
"""

from __future__ import annotations

import json
import statistics
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from random import Random

from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.utils.logging import disable_progress_bar

from train_step.models import PAD, SIZES, SPECIAL_TOKENS, make_model


@dataclass(frozen=True)
class Args:
    """What a fixture is made from and trained with."""

    preset: str  # of the model
    prompts: int  # a step
    group: int  # completions of a prompt
    prompt_len: int
    completion_len: int  # the longest
    steps: int  # optimiser steps
    loss_type: str  # as TRL names it
    jitter: float = 0.0  # completion lengths are uniform in [1 - jitter, 1] x completion_len
    num_iterations: int = 1  # steps on each rollout
    lr: float = 1e-4
    threads: int = 1
    seed: int = 0
    epsilon: float = 0.2  # how far the ratio may go; TRL's default
    epsilon_high: float | None = None  # upwards, where that is another one

    @property
    def highest(self) -> float:
        """How far the ratio may go upwards: to 1 + this, but with CISPO to this itself, as TRL has it."""
        return self.epsilon if self.epsilon_high is None else self.epsilon_high


@dataclass(frozen=True)
class Rollout:
    """What one step is trained on; lists have one entry a sequence."""

    prompt_ids: list[list[int]]
    completion_ids: list[list[int]]
    rewards: list[float]
    advantages: list[float]


@dataclass(frozen=True)
class Fixture:
    """A folder, read."""

    folder: Path
    args: Args
    pad: int
    rollouts: list[Rollout]

    def model(self) -> PreTrainedModel:
        """The model to begin with, in eval mode."""
        return AutoModelForCausalLM.from_pretrained(self.folder / "init", dtype="float32").eval()

    def steps(self) -> list[Rollout]:
        """The rollout of each optimiser step."""
        return [self.rollouts[step // self.args.num_iterations] for step in range(self.args.steps)]


def draw_rollouts(args: Args) -> list[Rollout]:
    """Tokens at random, and rewards that differ in every group of more than one."""
    random = Random(args.seed)
    vocabulary = SIZES[args.preset]["vocabulary"]

    def whole(low: int, high: int) -> int:
        # Of all that Random has, only random() is promised to stay as it is.
        return low + int(random.random() * (high - low + 1))

    def text(length: int) -> list[int]:
        return [whole(SPECIAL_TOKENS, vocabulary - 1) for _ in range(length)]

    shortest = max(2, int(args.completion_len * (1 - args.jitter)))
    rollouts = []
    for _ in range(-(-args.steps // args.num_iterations)):
        rollout = Rollout([], [], [], [])
        for _ in range(args.prompts):
            prompt = text(args.prompt_len)
            rewards = [float(k % 3 == 0) for k in range(args.group)]
            mean, deviation = statistics.fmean(rewards), statistics.stdev(rewards)
            rollout.prompt_ids.extend([prompt] * args.group)
            rollout.completion_ids.extend(
                text(whole(shortest, args.completion_len)) for _ in range(args.group)
            )
            rollout.rewards.extend(rewards)
            rollout.advantages.extend((reward - mean) / (deviation + 1e-4) for reward in rewards)  # TRL's
        rollouts.append(rollout)
    return rollouts


def write_fixture(folder: Path, args: Args) -> None:
    """Make a model and rollouts from a seed, and write both."""
    disable_progress_bar()
    make_model(args.preset, args.seed).save_pretrained(folder / "init")
    steps = [asdict(rollout) for rollout in draw_rollouts(args)]
    text = json.dumps({"args": asdict(args), "pad_token_id": PAD, "steps": steps})
    (folder / "rollouts.json").write_text(text)


def read_fixture(folder: Path) -> Fixture:
    """Read a folder; arguments that are not ours are left out."""
    content = json.loads((folder / "rollouts.json").read_text())
    known = {field.name for field in fields(Args)}
    args = Args(**{name: value for name, value in content["args"].items() if name in known})
    return Fixture(folder, args, content["pad_token_id"], [Rollout(**step) for step in content["steps"]])


if __name__ == "__main__":
    write_fixture(Path(sys.argv[1]), Args(**json.loads(sys.argv[2])))
