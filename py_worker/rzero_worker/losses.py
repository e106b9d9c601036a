"""Token losses as pure functions of log-probs: no model, no optimiser, no state.

Notation: r = pi_new / pi_old of a token, A its sequence's advantage. Every tensor is [N], one entry per
trained token (positions with mask 0 are left out before), so sum(token loss * mask) is a plain sum.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from rzero_worker.draw import tempered

LOG_RATIO_BOUND = 20.0
"""Log-ratios are clamped to +-20 before exp, as verl does (core_algos.py), so a freak token stays finite."""

KL_BOUND = 10.0
"""The k3 estimate of one token is capped at 10, as verl does; beyond it the token adds no KL gradient."""


def token_logprobs(logits: Tensor, tokens: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    """Log-probs of given tokens under softmax(logits / temperature), and the entropies of those softmaxes.

    Args:
        logits: [N, vocabulary] of any float type; computed in float32.
        tokens: [N] int64, the token whose log-prob is wanted in each row.
        temperature: > 0, that of the sampling distribution.

    Returns:
        Log-probs [N] with gradient, and entropies [N] in nats, H = -sum_v p_v log p_v, without gradient.
    """
    log_softmax = torch.log_softmax(tempered(logits, temperature), dim=-1)
    with torch.no_grad():
        # entr(p) = -p log p is 0 at p = 0, where p * log p would be NaN (models that mask logits with -inf).
        entropy = torch.special.entr(log_softmax.exp()).sum(-1)
    return log_softmax.gather(-1, tokens.unsqueeze(-1)).squeeze(-1), entropy


def k3_kl(new: Tensor, ref: Tensor) -> Tensor:
    """The k3 estimate of KL(pi_new || pi_ref) per token: exp(d) - d - 1 with d = log pi_ref - log pi_new.

    Never negative, and unbiased for tokens drawn from pi_new (Schulman, "Approximating KL divergence",
    http://joschu.net/blog/kl-approx.html; the `low_var_kl` of verl and EasyR1, which the paper trains with).
    As there, d is clamped to +-20 and the estimate to 10.
    """
    d = (ref - new).clamp(-LOG_RATIO_BOUND, LOG_RATIO_BOUND)
    return (d.exp() - d - 1).clamp(max=KL_BOUND)


@dataclass(frozen=True)
class TokenLosses:
    """What `grpo` returns, each [N]; only `loss` carries a gradient."""

    loss: Tensor
    kl: Tensor  # k3 estimate; 0 without reference log-probs
    ratio: Tensor
    clipped: Tensor  # bool: a bound decides the token's policy term, which then has no gradient


def grpo(
    new: Tensor,
    old: Tensor | None,
    ref: Tensor | None,
    advantages: Tensor,
    *,
    clip_low: float,
    clip_high: float,
    dual_clip: float,
    kl_coef: float,
) -> TokenLosses:
    """The GRPO loss of each token: clipped policy term + kl_coef * k3.

    The policy term is max(-A r, -A clip(r, 1 - clip_low, 1 + clip_high)) (PPO, arXiv 1707.06347, eq. 7;
    GRPO, arXiv 2402.03300, eq. 3; separate bounds as in DAPO, arXiv 2503.14476, eq. 10). With
    dual_clip = c > 0, a token with A < 0 loses at most -A c (dual clip, arXiv 1912.09729, eq. 5); c must
    exceed 1 to make sense.

    Args:
        new: log-probs of the policy being trained, with gradient.
        old: log-probs of the policy that sampled; None: the policy's own, detached, so r is exactly 1 and the
            gradient that of the policy gradient, -A grad log pi.
        ref: log-probs of the reference policy; needed when kl_coef > 0.
        advantages: A of each token's sequence.
        clip_low: in [0, 1].
        clip_high: >= 0.
        dual_clip: c, or 0 for none.
        kl_coef: weight of the k3 term, >= 0.
    """
    old = new.detach() if old is None else old
    ratio = (new - old).clamp(-LOG_RATIO_BOUND, LOG_RATIO_BOUND).exp()
    free = -advantages * ratio
    bounded = -advantages * ratio.clamp(1 - clip_low, 1 + clip_high)
    policy = torch.maximum(free, bounded)
    clipped = bounded > free
    if dual_clip > 0:
        cap = torch.where(advantages < 0, -advantages * dual_clip, torch.inf)
        clipped = clipped | (policy > cap)
        policy = torch.minimum(policy, cap)
    if ref is None:
        kl = torch.zeros_like(new)
        loss = policy
    else:
        kl = k3_kl(new, ref)
        # A weight of 0 must give a gradient of exactly 0, also where kl itself is not finite.
        loss = policy + kl_coef * kl if kl_coef > 0 else policy
    return TokenLosses(loss, kl.detach(), ratio.detach(), clipped)
