"""Token losses by name, as pure functions of log-probs: no model, no optimiser, no state.

Notation: r = pi_new / pi_old of a token, A its sequence's advantage. Every tensor is [N], one entry a trained
token (positions with mask 0 are left out before), so that the sum over tokens is a plain sum. Named recipes
differ in what that sum is divided by, which is the caller's matter:

| recipe | loss | aggregation | normalizer |
| GRPO, arXiv 2402.03300 | grpo | sequence | sequences |
| DAPO, arXiv 2503.14476 | grpo | token | trained tokens |
| Dr.GRPO, arXiv 2503.20783 | grpo | token | sequences * most tokens of a sample, a constant |
| GSPO, arXiv 2507.18071 | gspo | sequence | sequences |
| CISPO, arXiv 2506.13585 | cispo | token | trained tokens |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from rzero_worker.protocol import Aggregation, KlEstimator, Loss, LossSpec

LOG_RATIO_BOUND = 20.0
"""Log-ratios are clamped to +-20 before exp, as verl does (core_algos.py), so a freak token stays finite."""

KL_BOUND = 10.0
"""The k3 estimate of one token is capped at 10, as verl does; beyond it the token adds no KL gradient."""


@dataclass(frozen=True)
class Scored:
    """Trained tokens with what their loss depends on, each [N]; whole sequences only."""

    new: Tensor  # log-probs of the policy being trained, with gradient
    old: Tensor | None  # of the policy whose ratio is taken; None: `new` itself, so that r is exactly 1
    ref: Tensor | None  # of the reference policy; needed where kl_coef > 0
    sample: Tensor | None  # as the sampler reported them; needed where importance_cap > 0
    advantages: Tensor
    sequence: Tensor  # int64, the number of the token's sequence, from 0

    def sequence_mean(self, values: Tensor) -> Tensor:
        """Mean of [N] values over the trained tokens of each token's sequence, [N]."""
        sums = values.new_zeros(self._counts.shape).index_add(0, self.sequence, values)
        return (sums / self._counts)[self.sequence]

    @property
    def sequence_share(self) -> Tensor:
        """One over the number of trained tokens of each token's sequence, [N]."""
        return (1 / self._counts)[self.sequence]

    @property
    def _counts(self) -> Tensor:
        # A sequence of which no token is here has no count that anyone asks for; 1 keeps it finite.
        return torch.bincount(self.sequence).clamp(min=1).to(self.new.dtype)


class PolicyTerm(NamedTuple):
    """The policy's part of a loss, each [N]; only `loss` carries a gradient."""

    loss: Tensor
    ratio: Tensor
    clipped: Tensor  # bool: a bound decides the term


def _bounded_exp(log_ratio: Tensor) -> Tensor:
    return log_ratio.clamp(-LOG_RATIO_BOUND, LOG_RATIO_BOUND).exp()


def _log_ratio(tokens: Scored) -> Tensor:
    return tokens.new - (tokens.new.detach() if tokens.old is None else tokens.old)


def policy_gradient(tokens: Scored, spec: LossSpec) -> PolicyTerm:
    """REINFORCE: -A log pi_new (Williams 1992; arXiv 1604.06778, eq. 2). The ratio is only reported."""
    ratio = _bounded_exp(_log_ratio(tokens).detach())
    return PolicyTerm(-tokens.advantages * tokens.new, ratio, torch.zeros_like(ratio, dtype=torch.bool))


def grpo(tokens: Scored, spec: LossSpec) -> PolicyTerm:
    """max(-A r, -A clip(r, 1 - clip_low, 1 + clip_high)), at most -A dual_clip where A < 0.

    PPO, arXiv 1707.06347, eq. 7; GRPO, arXiv 2402.03300, eq. 3; bounds of their own as in DAPO, arXiv
    2503.14476, eq. 10; the dual clip of arXiv 1912.09729, eq. 5, which must exceed 1 to make sense, 0 for
    none.
    """
    return _clipped(_bounded_exp(_log_ratio(tokens)), tokens.advantages, spec)


def gspo(tokens: Scored, spec: LossSpec) -> PolicyTerm:
    """`grpo` with the ratio of whole sequences, s = exp(mean over the sequence of log r).

    GSPO, arXiv 2507.18071, eq. 5-7.
    """
    return _clipped(_bounded_exp(tokens.sequence_mean(_log_ratio(tokens))), tokens.advantages, spec)


def _clipped(ratio: Tensor, advantages: Tensor, spec: LossSpec) -> PolicyTerm:
    free = -advantages * ratio
    bounded = -advantages * ratio.clamp(1 - spec.clip_low, 1 + spec.clip_high)
    loss = torch.maximum(free, bounded)
    clipped = bounded > free
    if spec.dual_clip > 0:
        cap = torch.where(advantages < 0, -advantages * spec.dual_clip, torch.inf)
        clipped = clipped | (loss > cap)
        loss = torch.minimum(loss, cap)
    return PolicyTerm(loss, ratio.detach(), clipped)


def cispo(tokens: Scored, spec: LossSpec) -> PolicyTerm:
    """-A sg(clip(r, 1 - clip_low, 1 + clip_high)) log pi_new, where sg stops the gradient.

    The clip bounds a weight, and no token loses its gradient (MiniMax-M1, arXiv 2506.13585, eq. 4-5).
    clip_low 1 leaves the lower bound out, as they do.
    """
    ratio = _bounded_exp(_log_ratio(tokens).detach())
    weight = ratio.clamp(1 - spec.clip_low, 1 + spec.clip_high)
    return PolicyTerm(-tokens.advantages * weight * tokens.new, ratio, weight != ratio)


POLICY_TERMS: dict[Loss, Callable[[Scored, LossSpec], PolicyTerm]] = {
    Loss.POLICY_GRADIENT: policy_gradient,
    Loss.GRPO: grpo,
    Loss.GSPO: gspo,
    Loss.CISPO: cispo,
}
"""What each name of the protocol computes."""


def k1(d: Tensor) -> Tensor:
    """-d, d = log pi_ref - log pi_new: unbiased as an estimate of KL(pi_new || pi_ref), of high variance."""
    return -d


def k2(d: Tensor) -> Tensor:
    """d^2 / 2: biased, of low variance; its gradient is that of the KL on average."""
    return d.square() / 2


def k3(d: Tensor) -> Tensor:
    """exp(d) - d - 1: never negative, unbiased, of low variance (verl's `low_var_kl`, which the paper trains
    with).

    As in verl, d is clamped to +-20 and the estimate to 10.
    """
    d = d.clamp(-LOG_RATIO_BOUND, LOG_RATIO_BOUND)
    return (d.exp() - d - 1).clamp(max=KL_BOUND)


KL_ESTIMATORS: dict[KlEstimator, Callable[[Tensor], Tensor]] = {
    KlEstimator.K1: k1,
    KlEstimator.K2: k2,
    KlEstimator.K3: k3,
}
"""Estimates of a KL divergence from tokens drawn from pi_new (Schulman, http://joschu.net/blog/kl-approx.html)."""


@dataclass(frozen=True)
class TokenLosses:
    """The loss of each trained token and what is reported of it, each [N]; only `loss` carries a gradient."""

    loss: Tensor  # what is summed over tokens
    kl: Tensor  # to the reference, by the estimator of the loss; 0 without reference log-probs
    ratio: Tensor
    clipped: Tensor  # bool
    importance: Tensor  # weight of the policy term
    capped: Tensor  # bool: that weight was truncated
    sampler_kl: Tensor  # k3 estimate of KL(sampler || policy); 0 without the sampler's log-probs


def token_losses(tokens: Scored, spec: LossSpec) -> TokenLosses:
    """Importance weight * policy term + kl_coef * KL estimate, by the sequence's length where asked for.

    The weight is min(pi_old / pi_sampler, importance_cap), without gradient: truncated importance sampling of
    tokens that another engine drew (Ionides 2008; as in verl's `rollout_is`, there token by token too). It
    corrects the policy term; the KL term is left as it is.
    """
    term = POLICY_TERMS[spec.name](tokens, spec)
    zeros = torch.zeros_like(tokens.advantages)
    loss, importance, capped, sampler_kl = term.loss, zeros + 1, zeros.bool(), zeros
    if tokens.sample is not None:
        d = (tokens.new.detach() if tokens.old is None else tokens.old) - tokens.sample
        sampler_kl = k3(d)
        if spec.importance_cap > 0:
            free = _bounded_exp(d)
            importance, capped = free.clamp(max=spec.importance_cap), free > spec.importance_cap
            loss = loss * importance
    kl = zeros
    if tokens.ref is not None:
        kl = KL_ESTIMATORS[spec.kl_estimator](tokens.ref - tokens.new)
        # A weight of 0 must give a gradient of exactly 0, also where kl itself is not finite.
        loss = loss + spec.kl_coef * kl if spec.kl_coef > 0 else loss
    if spec.aggregation is Aggregation.SEQUENCE:
        loss = loss * tokens.sequence_share
    return TokenLosses(loss, kl.detach(), term.ratio, term.clipped, importance, capped, sampler_kl)
