"""Drawing tokens: logits and uniforms in, tokens and their log-probs out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

COLDEST = 1e-30
"""Dividing float32 logits by less may overflow; the softmax is a point mass here already, or a tie."""


def tempered(logits: Tensor, temperature: float) -> Tensor:
    """Logits of any float type, divided by a temperature above 0, in float32."""
    return logits.float() / max(temperature, COLDEST)


@dataclass(frozen=True)
class Distribution:
    """How logits become the distribution that is drawn from (the Sampling struct, less its token limit)."""

    temperature: float  # 0 is greedy; else logits are divided by it
    top_p: float = 1.0  # in (0, 1]; 1 is off
    top_k: int = 0  # 0 is off

    def log_softmax(self, logits: Tensor) -> Tensor:
        """Log-probs [B, vocabulary] in float32 after temperature, then top-k, then top-p, each renormalised.

        top-k keeps the k largest logits; on a tie at the k-th the lower token ids stay. top-p keeps the
        fewest tokens whose mass reaches top_p, most probable first (nucleus sampling, arXiv 1904.09751).
        What is dropped has log-prob -inf.
        """
        scaled = tempered(logits, self.temperature)
        narrowed_k = 0 < self.top_k < logits.shape[-1]
        if not narrowed_k and self.top_p >= 1:
            return torch.log_softmax(scaled, -1)
        # A stable sort makes ties break by token id, so the kept set does not depend on the sort's internals.
        ordered, order = torch.sort(scaled, dim=-1, descending=True, stable=True)
        if narrowed_k:
            ordered[:, self.top_k :] = -torch.inf
        if self.top_p < 1:
            mass = ordered.softmax(-1)
            ordered = ordered.masked_fill(mass.cumsum(-1) - mass >= self.top_p, -torch.inf)
        return torch.log_softmax(torch.empty_like(scaled).scatter_(-1, order, ordered), -1)


def draw(logits: Tensor, uniforms: Tensor, distribution: Distribution) -> tuple[Tensor, Tensor]:
    """One token per row by inverting the distribution function at the row's uniform; greedy at temperature 0.

    Args:
        logits: [B, vocabulary].
        uniforms: [B] float32 in [0, 1).
        distribution: what to make of the logits.

    Returns:
        Tokens [B] int64 and their log-probs [B] float32 under the processed distribution (0 when greedy:
        a point mass). Never a token of probability 0.
    """
    if distribution.temperature == 0:
        tokens = logits.argmax(-1)
        return tokens, torch.zeros(len(tokens), dtype=torch.float32, device=logits.device)
    logprobs = distribution.log_softmax(logits)
    cumulative = logprobs.exp().cumsum(-1)
    total = cumulative[:, -1]
    # Rounding may bring u * total up to total itself; just below it, the search ends on a token with mass.
    target = torch.minimum(uniforms * total, torch.nextafter(total, torch.zeros_like(total)))
    tokens = torch.searchsorted(cumulative, target.unsqueeze(-1), right=True).squeeze(-1)
    return tokens, logprobs.gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
