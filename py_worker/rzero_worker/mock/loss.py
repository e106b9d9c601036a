"""The GRPO loss of one token and its derivative, by hand. The formulas' sources are in losses.py."""

from __future__ import annotations

import math
from typing import NamedTuple

from rzero_worker.protocol import LossSpec

LOG_RATIO_BOUND = 20.0
KL_BOUND = 10.0


class TokenLoss(NamedTuple):
    """A token's loss, d loss / d new, and what is reported of it."""

    loss: float
    slope: float
    kl: float
    ratio: float
    clipped: bool


def grpo(new: float, old: float | None, ref: float | None, advantage: float, spec: LossSpec) -> TokenLoss:
    """Clipped policy term + klCoef * k3, of one token.

    Args:
        new: its log-prob under the policy being trained.
        old: under the policy that sampled it; None for `new` itself.
        ref: under the reference; None leaves the KL out.
        advantage: of its sequence.
        spec: the loss's coefficients.
    """
    log_ratio = 0.0 if old is None else new - old
    inside = abs(log_ratio) <= LOG_RATIO_BOUND
    ratio = math.exp(max(-LOG_RATIO_BOUND, min(LOG_RATIO_BOUND, log_ratio)))
    free = -advantage * ratio
    bounded = -advantage * max(1 - spec.clip_low, min(1 + spec.clip_high, ratio))
    policy, clipped = (bounded, True) if bounded > free else (free, False)
    if spec.dual_clip > 0 and advantage < 0 and policy > -advantage * spec.dual_clip:
        policy, clipped = -advantage * spec.dual_clip, True
    # d exp(new - old) / d new = ratio; a bound that decides the term leaves no slope.
    slope = 0.0 if clipped or not inside else -advantage * ratio
    if ref is None:
        return TokenLoss(policy, slope, 0.0, ratio, clipped)
    kl, kl_slope = _k3(ref - new)
    return TokenLoss(policy + spec.kl_coef * kl, slope + spec.kl_coef * kl_slope, kl, ratio, clipped)


def _k3(d: float) -> tuple[float, float]:
    """exp(d) - d - 1 and its derivative by new, 1 - exp(d), with d and the value bounded."""
    if abs(d) > LOG_RATIO_BOUND:
        bounded = math.copysign(LOG_RATIO_BOUND, d)
        return min(KL_BOUND, math.exp(bounded) - bounded - 1), 0.0
    kl = math.exp(d) - d - 1
    return (kl, 1 - math.exp(d)) if kl <= KL_BOUND else (KL_BOUND, 0.0)
