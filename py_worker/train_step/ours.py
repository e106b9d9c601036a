"""The worker's own trainer on the scripted rollouts."""

from __future__ import annotations

import numpy as np
import torch

from rzero_worker.protocol import Adam, Aggregation, KlEstimator, Loss, LossSpec
from rzero_worker.scorer import PACK_TOKENS
from rzero_worker.trainer import Batch, Trainer, sequence_logprobs
from train_step.fixture import Args, Fixture, Rollout
from train_step.movement import copies, movement
from train_step.turns import Turns


def run(fixture: Fixture, turns: Turns) -> float:
    """Take every step; returns the movement of the parameters."""
    args, model = fixture.args, fixture.model()
    torch.use_deterministic_algorithms(True)  # as in the worker
    torch.utils.deterministic.fill_uninitialized_memory = False
    trainer = Trainer(model, PACK_TOKENS["cpu"])
    before = copies(model)
    adam = Adam(
        learning_rate=args.lr,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        weight_decay=0.0,
        decay_vectors=True,
        max_grad_norm=1.0,
    )
    old = None
    for step, rollout in enumerate(fixture.steps()):
        turns.begin()
        if args.num_iterations > 1 and step % args.num_iterations == 0:
            tokens, lengths = concatenated(rollout)
            old = sequence_logprobs(trainer.scorer, tokens, lengths, 1.0)
        trainer.forward_backward(batch_of(rollout, old), loss_spec(args), normalizer(args, rollout))
        norm = trainer.optim_step(adam)
        turns.stop()
        turns.report(norm)
    return movement(model, before)


def concatenated(rollout: Rollout) -> tuple[np.ndarray, np.ndarray]:
    """All tokens in one array, and the length of each sequence."""
    pairs = list(zip(rollout.prompt_ids, rollout.completion_ids, strict=True))
    tokens = np.concatenate([np.array(ids, np.int32) for pair in pairs for ids in pair])
    return tokens, np.array([len(prompt) + len(completion) for prompt, completion in pairs], np.int32)


def batch_of(rollout: Rollout, old_logprobs: np.ndarray | None) -> Batch:
    """The rollout as the worker is sent it."""
    tokens, lengths = concatenated(rollout)
    runs = [len(ids) for pair in zip(rollout.prompt_ids, rollout.completion_ids, strict=True) for ids in pair]
    return Batch(
        tokens=tokens,
        lengths=lengths,
        mask=np.repeat(np.arange(len(runs)) % 2 == 1, runs),
        advantages=np.array(rollout.advantages, np.float32),
        old_logprobs=old_logprobs,
        ref_logprobs=None,
    )


def loss_spec(args: Args) -> LossSpec:
    """TRL's loss in the worker's words."""
    clip_low, clip_high = args.epsilon, args.highest
    match args.loss_type:
        case "dapo" | "bnpo" | "dr_grpo":
            name, aggregation = Loss.GRPO, Aggregation.TOKEN
        case "grpo":
            name, aggregation = Loss.GRPO, Aggregation.SEQUENCE
        case "cispo" if args.highest > 1:
            name, aggregation = Loss.CISPO, Aggregation.TOKEN
            clip_low, clip_high = 1.0, args.highest - 1  # TRL bounds the weight from above alone
        case "cispo":
            # A bound below 1, TRL's default, is the weight of every token that has not sunk below it.
            name, aggregation = Loss.POLICY_GRADIENT, Aggregation.TOKEN
        case other:
            raise ValueError(f"loss_type is {other!r}: it must be dapo, bnpo, grpo, dr_grpo or cispo")
    return LossSpec(
        name=name,
        aggregation=aggregation,
        clip_low=clip_low,
        clip_high=clip_high,
        dual_clip=0.0,
        kl_coef=0.0,
        kl_estimator=KlEstimator.K3,
        importance_cap=0.0,
        temperature=1.0,
    )


def normalizer(args: Args, rollout: Rollout) -> float:
    """What TRL divides the sum of the losses by."""
    sequences, tokens = len(rollout.completion_ids), sum(map(len, rollout.completion_ids))
    match args.loss_type:
        case "grpo":
            return sequences
        case "dr_grpo":
            return sequences * args.completion_len
        case "cispo":
            return tokens / min(args.highest, 1.0)
    return tokens
