"""The step in plain PyTorch: one padded rectangle, logits of completions alone, no entropy."""

from __future__ import annotations

import torch

from train_step.fixture import Fixture, Rollout
from train_step.movement import copies, movement
from train_step.turns import Turns


def run(fixture: Fixture, turns: Turns) -> float:
    """Take every step; returns the movement of the parameters."""
    args = fixture.args
    if args.num_iterations != 1:
        raise ValueError("the plain step knows one iteration a rollout only")
    model = fixture.model()
    before = copies(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.0, fused=True)
    for rollout in fixture.steps():
        turns.begin()
        loss_of(model, rollout, fixture).backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        turns.stop()
        turns.report(norm.item())
    return movement(model, before)


def loss_of(model: torch.nn.Module, rollout: Rollout, fixture: Fixture) -> torch.Tensor:
    """The loss where the policy is the sampler: every ratio is 1, no bound is reached."""
    args, lengths = fixture.args, torch.tensor([len(ids) for ids in rollout.completion_ids])
    width = int(lengths.max())
    tokens = torch.tensor(
        [
            prompt + completion + [fixture.pad] * (width - len(completion))
            for prompt, completion in zip(rollout.prompt_ids, rollout.completion_ids, strict=True)
        ]
    )
    mask = torch.arange(width) < lengths[:, None]
    attention = torch.cat([torch.ones(len(tokens), tokens.shape[1] - width, dtype=torch.bool), mask], dim=1)
    logits = model(
        input_ids=tokens, attention_mask=attention.long(), logits_to_keep=width + 1, use_cache=False
    ).logits[:, :-1]
    logprobs = logits.gather(-1, tokens[:, -width:, None]).squeeze(-1) - logits.logsumexp(-1)
    advantages = torch.tensor(rollout.advantages)[:, None]
    if args.loss_type == "cispo":
        losses = -advantages * logprobs * min(1.0, args.highest)
    else:
        ratio = (logprobs - logprobs.detach()).exp()
        bounded = ratio.clamp(1 - args.epsilon, 1 + args.highest)
        losses = -torch.min(advantages * ratio, advantages * bounded)
    if args.loss_type == "grpo":
        return ((losses * mask).sum(-1) / lengths).mean()
    total = (losses * mask).sum()
    return total / (len(tokens) * args.completion_len) if args.loss_type == "dr_grpo" else total / mask.sum()
