"""TRL's GRPOTrainer on the scripted rollouts. It owns its loop, so it waits for its turn in a callback.

What is not its default, and why: `bf16` and `gradient_checkpointing` are on unless told otherwise; the
optimiser's options are those of the other trainers.
"""

from __future__ import annotations

import os
import tempfile

os.environ.update(
    HF_HUB_OFFLINE="1",
    HF_DATASETS_OFFLINE="1",
    TOKENIZERS_PARALLELISM="false",
    TRL_EXPERIMENTAL_SILENCE="1",  # of rollout_func
    CUDA_VISIBLE_DEVICES="",
)

from datasets import Dataset  # noqa: E402
from tokenizers import Tokenizer, models  # noqa: E402
from transformers import PreTrainedTokenizerFast, TrainerCallback  # noqa: E402
from trl import GRPOConfig, GRPOTrainer  # noqa: E402

from train_step.fixture import Fixture  # noqa: E402
from train_step.movement import copies, movement  # noqa: E402
from train_step.turns import Turns  # noqa: E402


class TakeTurns(TrainerCallback):
    """A step from before its rollout to after the optimiser; what TRL logs of it comes later and is free."""

    def __init__(self, turns: Turns) -> None:
        """Wait for these turns."""
        self._turns = turns

    def on_step_begin(self, *_, **__) -> None:
        """See TrainerCallback."""
        self._turns.begin()

    def on_step_end(self, *_, **__) -> None:
        """See TrainerCallback."""
        self._turns.stop()

    def on_log(self, *_, logs: dict, **__) -> None:
        """See TrainerCallback. The last logs are of the whole training and have no gradient."""
        if "grad_norm" in logs:
            self._turns.report(logs["grad_norm"])


def make_tokenizer(vocabulary: int, pad: int) -> PreTrainedTokenizerFast:
    """A word for each token: TRL decodes completions, and encodes nothing here."""
    words = {f"t{token}": token for token in range(vocabulary)}
    core = Tokenizer(models.WordLevel(words, unk_token="t2"))
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token=f"t{pad}", eos_token="t1", unk_token="t2", padding_side="left"
    )


def run(fixture: Fixture, turns: Turns) -> float:
    """Take every step; returns the movement of the parameters."""
    args, model = fixture.args, fixture.model()
    rollouts = iter(fixture.rollouts)

    def scripted(_prompts, _trainer) -> dict:
        rollout = next(rollouts)
        return {
            "prompt_ids": rollout.prompt_ids,
            "completion_ids": rollout.completion_ids,
            "logprobs": [[0.0] * len(ids) for ids in rollout.completion_ids],  # read with vLLM only
            "scripted_rewards": rollout.rewards,
        }

    def reward(scripted_rewards: list[float], **_) -> list[float]:
        return scripted_rewards

    with tempfile.TemporaryDirectory() as folder:
        trainer = GRPOTrainer(
            model=model,
            reward_funcs=reward,
            processing_class=make_tokenizer(model.config.vocab_size, fixture.pad),
            train_dataset=Dataset.from_list([{"prompt": "t3"}] * (args.prompts * args.steps)),
            rollout_func=scripted,
            callbacks=[TakeTurns(turns)],
            args=GRPOConfig(
                output_dir=folder,
                use_cpu=True,
                bf16=False,
                gradient_checkpointing=False,
                per_device_train_batch_size=args.prompts * args.group,
                num_generations=args.group,
                num_iterations=args.num_iterations,
                max_completion_length=args.completion_len,
                max_steps=args.steps,
                loss_type=args.loss_type,
                epsilon=args.epsilon,
                epsilon_high=args.epsilon_high,
                beta=0.0,
                learning_rate=args.lr,
                lr_scheduler_type="constant",
                weight_decay=0.0,
                max_grad_norm=1.0,
                logging_steps=1,
                report_to="none",
                save_strategy="no",
                disable_tqdm=True,
                dataloader_pin_memory=False,
                seed=args.seed,
            ),
        )
        before = copies(model)
        trainer.train()
    return movement(model, before)
