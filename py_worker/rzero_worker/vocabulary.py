"""From hidden states to log-probs of tokens, in chunks over the rows, so that memory does not grow with them.

A row of logits is as wide as the vocabulary: 151,936 for Qwen3, so that 16,384 tokens would take 10 GB in
float32, several times over in a backward pass. Only one chunk is ever there; the backward pass computes it
again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from rzero_worker.draw import COLDEST


@dataclass(frozen=True)
class Projection:
    """How a model makes logits of its last hidden states: soft_cap(scale * (W h + b))."""

    scale: float = 1.0  # Granite's 1 / logits_scaling, Cohere's logit_scale
    soft_cap: float | None = None  # c tanh(z / c), of the Gemma family

    def logits(self, hidden: Tensor, weight: Tensor, bias: Tensor | None, temperature: float) -> Tensor:
        """Logits [N, vocabulary] in float32, divided by the temperature."""
        logits = torch.nn.functional.linear(hidden, weight, bias).float()
        if self.soft_cap is not None:
            logits = torch.tanh(logits * (self.scale / self.soft_cap)) * self.soft_cap
        factor = (1.0 if self.soft_cap is not None else self.scale) / max(temperature, COLDEST)
        return logits if factor == 1 else logits * factor

    def slope(self, logits: Tensor, temperature: float) -> float | Tensor:
        """d `logits` / d (W h + b), at those logits."""
        temperature = max(temperature, COLDEST)
        slope = self.scale / temperature
        if self.soft_cap is None:
            return slope
        return slope * (1 - (logits * (temperature / self.soft_cap)).square())


def token_logprobs(
    hidden: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    tokens: Tensor,
    *,
    temperature: float,
    projection: Projection,
    elements: int,
) -> tuple[Tensor, Tensor]:
    """Log-probs of given tokens under softmax(logits / temperature), and the entropies of those softmaxes.

    Args:
        hidden: [N, H], what the output projection takes.
        weight: [vocabulary, H] of the output projection.
        bias: [vocabulary], or None.
        tokens: [N] int64, whose log-prob is wanted in each row.
        temperature: > 0, that of the sampling distribution.
        projection: what the model does to its logits besides.
        elements: most logits that are there at once, at least a row.

    Returns:
        Log-probs [N] with gradient, and entropies [N] in nats, H = -sum_v p_v log p_v, without; both float32.
    """
    rows = max(1, elements // weight.shape[0])
    return _TokenLogprobs.apply(hidden, weight, bias, tokens, temperature, projection, rows)


class _TokenLogprobs(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden, weight, bias, tokens, temperature, projection, rows):  # noqa: ANN205, D102
        logprobs, entropies, shares = [], [], None
        for h, t in zip(hidden.split(rows), tokens.split(rows), strict=True):
            logits = projection.logits(h, weight, bias, temperature)
            table = torch.log_softmax(logits, dim=-1)
            logprobs.append(table.gather(-1, t.unsqueeze(-1)).squeeze(-1))
            shares = torch.exp(table, out=logits)
            # Where a model masks a token with -inf, 0 * -inf would be NaN; the least float is as good there.
            entropies.append(-torch.linalg.vecdot(shares, table.clamp_(min=torch.finfo(table.dtype).min)))
        ctx.settings = temperature, projection, rows
        kind = hidden.device.type
        ctx.autocast = kind, torch.get_autocast_dtype(kind), torch.is_autocast_enabled(kind)
        # One chunk is kept, since it is there anyway. What a soft cap does to the slope needs the logits
        # themselves.
        ctx.kept = shares if len(hidden) <= rows and projection.soft_cap is None else None
        ctx.save_for_backward(hidden, weight, bias, tokens)
        empty = hidden.new_zeros(0, dtype=torch.float32)
        result = tuple(torch.cat(parts) if parts else empty for parts in (logprobs, entropies))
        ctx.mark_non_differentiable(result[1])
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slopes: Tensor, _entropy: Tensor):  # noqa: ANN205, D102
        # It is called outside of autocast; under it, the logits are those of the forward pass again, and the
        # products as fast.
        with torch.autocast(*ctx.autocast):
            return _TokenLogprobs._gradients(ctx, slopes)

    @staticmethod
    def _gradients(ctx: Any, slopes: Tensor) -> tuple[Tensor | None, ...]:
        hidden, weight, bias, tokens = ctx.saved_tensors
        kept, ctx.kept = ctx.kept, None  # used up below; a second pass would compute it again
        temperature, projection, rows = ctx.settings
        _, half, autocast = ctx.autocast
        wants_hidden, wants_weight, wants_bias = ctx.needs_input_grad[:3]
        grad_hidden = torch.empty_like(hidden) if wants_hidden else None
        grad_weight = torch.zeros_like(weight, dtype=torch.float32) if wants_weight else None
        grad_bias = torch.zeros_like(bias, dtype=torch.float32) if wants_bias else None
        for at in range(0, len(hidden), rows):
            part = slice(at, at + rows)
            h, t, g = hidden[part], tokens[part].unsqueeze(-1), slopes[part].unsqueeze(-1)
            if kept is None:
                logits = projection.logits(h, weight, bias, temperature)
                shares, slope = torch.softmax(logits, dim=-1), projection.slope(logits, temperature)
            else:
                shares, slope = kept, projection.scale / max(temperature, COLDEST)
            # d log p(t) / d z(v) = (v = t) - p(v)
            grad = shares.mul_(-g).scatter_add_(-1, t, g)
            if not (isinstance(slope, float) and slope == 1):
                grad *= slope
            if grad_bias is not None:
                grad_bias += grad.sum(0)
            grad = grad.to(half if autocast else h.dtype)
            if grad_hidden is not None:
                grad_hidden[part] = grad @ weight
            if grad_weight is not None and grad.dtype == h.dtype == grad_weight.dtype:
                grad_weight.addmm_(grad.t(), h)  # without a second table of the weight's size
            elif grad_weight is not None:
                grad_weight += grad.t() @ h
        return (
            grad_hidden,
            None if grad_weight is None else grad_weight.to(weight.dtype),
            None if grad_bias is None else grad_bias.to(bias.dtype),
            *(None,) * 4,
        )
