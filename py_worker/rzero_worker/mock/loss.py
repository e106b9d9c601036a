"""The losses of one sequence and their derivatives, by hand. Formulas and sources are in proto/README.md."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rzero_worker.protocol import Aggregation, KlEstimator, Loss, LossSpec

LOG_RATIO_BOUND = 20.0
KL_BOUND = 10.0


class Scored(NamedTuple):
    """A trained token's log-probs: of the policy being trained, as it was, of the reference, of the sampler.

    `old` is `new` where the batch has none; `ref` and `sampler` are None where it has none.
    """

    new: float
    old: float
    ref: float | None = None
    sampler: float | None = None


class TokenLoss(NamedTuple):
    """What a token adds to the loss, d (the sequence's loss) / d (its `new`), and what is reported of it."""

    loss: float
    slope: float
    kl: float
    ratio: float
    clipped: bool
    weight: float
    capped: bool
    sampler_kl: float


class _Term(NamedTuple):
    """A policy term, its derivative by the log-ratio, the ratio, and whether a bound decides the term."""

    value: float
    slope: float
    ratio: float
    clipped: bool


def sequence_losses(tokens: Sequence[Scored], advantage: float, spec: LossSpec) -> list[TokenLoss]:
    """Give the losses of a sequence's trained tokens; with aggregation `sequence` they sum to their mean."""
    count = len(tokens)
    term = _TERMS[spec.name]
    log_ratios = [token.new - token.old for token in tokens]
    if spec.name is Loss.GSPO:
        log_ratios = [math.fsum(log_ratios) / count] * count
    terms = [
        term(token.new, log_ratio, advantage, spec)
        for token, log_ratio in zip(tokens, log_ratios, strict=True)
    ]
    importance = [_importance(token, spec.importance_cap) for token in tokens]
    slopes = [one.slope * weight for one, (weight, _) in zip(terms, importance, strict=True)]
    if spec.name is Loss.GSPO:  # each token's log-prob is in every token's term, as one of `count`
        slopes = [math.fsum(slopes) / count] * count
    share = 1 / count if spec.aggregation is Aggregation.SEQUENCE and count else 1.0
    losses = []
    for token, one, slope, (weight, capped) in zip(tokens, terms, slopes, importance, strict=True):
        kl, kl_slope = (0.0, 0.0) if token.ref is None else _KL[spec.kl_estimator](token.ref - token.new)
        loss = weight * one.value
        if spec.kl_coef > 0:
            loss, slope = loss + spec.kl_coef * kl, slope + spec.kl_coef * kl_slope
        sampler_kl = 0.0 if token.sampler is None else _k3(token.old - token.sampler)[0]
        losses.append(
            TokenLoss(share * loss, share * slope, kl, one.ratio, one.clipped, weight, capped, sampler_kl)
        )
    return losses


def _policy_gradient(new: float, log_ratio: float, advantage: float, spec: LossSpec) -> _Term:
    return _Term(-advantage * new, -advantage, _ratio(log_ratio), False)


def _clipped(new: float, log_ratio: float, advantage: float, spec: LossSpec) -> _Term:
    ratio = _ratio(log_ratio)
    free = -advantage * ratio
    bounded = -advantage * _clip(ratio, spec)
    value, clipped = (bounded, True) if bounded > free else (free, False)
    if spec.dual_clip > 0 and advantage < 0 and value > -advantage * spec.dual_clip:
        value, clipped = -advantage * spec.dual_clip, True
    # d exp(x) / dx = ratio; a bound that decides the term leaves no slope.
    inside = abs(log_ratio) <= LOG_RATIO_BOUND
    return _Term(value, free if inside and not clipped else 0.0, ratio, clipped)


def _cispo(new: float, log_ratio: float, advantage: float, spec: LossSpec) -> _Term:
    ratio = _ratio(log_ratio)
    weight = _clip(ratio, spec)  # a constant, so it bounds the gradient and never ends it
    return _Term(-advantage * weight * new, -advantage * weight, ratio, weight != ratio)


_TERMS: dict[Loss, Callable[[float, float, float, LossSpec], _Term]] = {
    Loss.POLICY_GRADIENT: _policy_gradient,
    Loss.GRPO: _clipped,
    Loss.GSPO: _clipped,
    Loss.CISPO: _cispo,
}


def _importance(token: Scored, cap: float) -> tuple[float, bool]:
    """Weigh a token by policy / sampler, at most `cap`, and tell whether that was truncated; cap 0 is off."""
    if token.sampler is None or cap == 0:
        return 1.0, False
    weight = _ratio(token.old - token.sampler)
    return (cap, True) if weight > cap else (weight, False)


def _k1(d: float) -> tuple[float, float]:
    return -d, 1.0


def _k2(d: float) -> tuple[float, float]:
    return d * d / 2, -d


def _k3(d: float) -> tuple[float, float]:
    """exp(d) - d - 1 and its derivative by new, 1 - exp(d), with d and the value bounded."""
    if abs(d) > LOG_RATIO_BOUND:
        bounded = math.copysign(LOG_RATIO_BOUND, d)
        return min(KL_BOUND, math.exp(bounded) - bounded - 1), 0.0
    kl = math.exp(d) - d - 1
    return (kl, 1 - math.exp(d)) if kl <= KL_BOUND else (KL_BOUND, 0.0)


_KL: dict[KlEstimator, Callable[[float], tuple[float, float]]] = {
    KlEstimator.K1: _k1,
    KlEstimator.K2: _k2,
    KlEstimator.K3: _k3,
}
"""Estimates of KL(policy || reference) and their derivatives by new, of d = reference - new."""


def _ratio(log_ratio: float) -> float:
    return math.exp(max(-LOG_RATIO_BOUND, min(LOG_RATIO_BOUND, log_ratio)))


def _clip(ratio: float, spec: LossSpec) -> float:
    return max(1 - spec.clip_low, min(1 + spec.clip_high, ratio))
