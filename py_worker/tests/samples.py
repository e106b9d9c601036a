"""Params for tests, with defaults for what a test does not care about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rzero_worker import protocol as p
from rzero_worker import wire


def load(model_id: str = "m", source: str = "mock://babble", **changes: Any) -> p.LoadModelParams:
    return p.LoadModelParams(
        **{"model_id": model_id, "source": source, "trainable": True, "seed": 1, **changes}
    )


def conversation(
    user: str = "Say something.", system: str | None = None, prefix: str | None = None
) -> p.Conversation:
    turns = [(p.Role.SYSTEM, system), (p.Role.USER, user), (p.Role.ASSISTANT, prefix)]
    return p.Conversation(messages=[p.Message(role=r, content=text) for r, text in turns if text is not None])


def sampling(**changes: Any) -> p.Sampling:
    return p.Sampling(**{"temperature": 1.0, "top_p": 1.0, "top_k": 0, "max_tokens": 20, **changes})


def sample(
    conversations: Sequence[p.Conversation] | None = None,
    n: int = 1,
    seeds: Sequence[int] | None = None,
    model_id: str = "m",
    weights_version: int | None = None,
    **changes: Any,
) -> p.SampleParams:
    conversations = [conversation()] if conversations is None else list(conversations)
    return p.SampleParams(
        model_id=model_id,
        conversations=conversations,
        n=n,
        seeds=wire.pack_u32s(range(len(conversations)) if seeds is None else seeds),
        sampling=sampling(**changes),
        weights_version=weights_version,
    )


LONG = sample(n=10_000_000)
"""Minutes of work for the mock."""


def forward(
    sequences: Sequence[Sequence[int]], temperature: float = 1.0, model_id: str = "m"
) -> p.ForwardParams:
    return p.ForwardParams(
        model_id=model_id,
        tokens=wire.pack_i32s(token for sequence in sequences for token in sequence),
        lengths=wire.pack_i32s(map(len, sequences)),
        temperature=temperature,
    )


def loss(**changes: Any) -> p.LossSpec:
    return p.LossSpec(
        **{
            "name": p.Loss.GRPO,
            "aggregation": p.Aggregation.TOKEN,
            "clip_low": 0.2,
            "clip_high": 0.3,
            "dual_clip": 3.0,
            "kl_coef": 0.0,
            "kl_estimator": p.KlEstimator.K3,
            "importance_cap": 0.0,
            "temperature": 1.0,
            **changes,
        }
    )


def train(
    sequences: Sequence[Sequence[int]],
    advantages: Sequence[float],
    seq: int = 1,
    mask: Sequence[int] | None = None,
    old: Sequence[float] | None = None,
    ref: Sequence[float] | None = None,
    sampled: Sequence[float] | None = None,
    normalizer: float = 1.0,
    model_id: str = "m",
    **changes: Any,
) -> p.ForwardBackwardParams:
    """Train on all tokens but the first of each sequence, or where `mask` is 1."""
    if mask is None:
        mask = [int(index > 0) for sequence in sequences for index in range(len(sequence))]
    return p.ForwardBackwardParams(
        model_id=model_id,
        seq=seq,
        batch=p.TrainBatch(
            tokens=wire.pack_i32s(token for sequence in sequences for token in sequence),
            lengths=wire.pack_i32s(map(len, sequences)),
            mask=wire.pack_u8s(mask),
            advantages=wire.pack_f32s(advantages),
            old_logprobs=None if old is None else wire.pack_f32s(old),
            ref_logprobs=None if ref is None else wire.pack_f32s(ref),
            sample_logprobs=None if sampled is None else wire.pack_f32s(sampled),
        ),
        loss=loss(**changes),
        normalizer=normalizer,
    )


def step(seq: int = 2, model_id: str = "m", **changes: Any) -> p.OptimStepParams:
    adam = {
        "learning_rate": 0.01,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "weight_decay": 0.0,
        "decay_vectors": True,
        "max_grad_norm": 0.0,
        **changes,
    }
    return p.OptimStepParams(model_id=model_id, seq=seq, adam=p.Adam(**adam))
