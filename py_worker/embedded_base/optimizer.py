"""The optimizer of base training: orthogonalised momentum (Muon) for matrices, AdamW for the rest.

AdamW alone needs several times as many updates before the look-up by label forms.
"""

from __future__ import annotations

import torch
from torch import nn

MOMENTUM = 0.95
WEIGHT_DECAY = 0.01
CLIP_NORM = 1.0


def orthogonalised(matrix: torch.Tensor) -> torch.Tensor:
    """The nearest (semi-)orthogonal matrix, roughly: five steps of the quintic Newton-Schulz iteration."""
    rows, columns = matrix.shape
    x = matrix.T if rows > columns else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.T if rows > columns else x


class Optimizer:
    """Muon for the matrices but the embedding, AdamW for everything else.

    Muon is Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024): momentum whose
    direction is orthogonalised, so that every singular direction of a matrix moves alike.
    """

    def __init__(self, model: nn.Module, matrix_rate: float, other_rate: float) -> None:
        """Take the parameters of a model; the rates are those at factor 1."""
        named = list(model.named_parameters())
        self.parameters = [weights for _, weights in named]
        self.matrices = [w for name, w in named if w.dim() == 2 and "embed" not in name]
        self.momenta = [torch.zeros_like(w) for w in self.matrices]
        self.matrix_rate = matrix_rate
        self.other_rate = other_rate
        others = [w for name, w in named if w.dim() != 2 or "embed" in name]
        self.adam = torch.optim.AdamW(others, lr=other_rate, betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY)

    @torch.no_grad()
    def step(self, factor: float) -> None:
        """One update with both learning rates times `factor`; clears the gradients."""
        nn.utils.clip_grad_norm_(self.parameters, CLIP_NORM)
        for group in self.adam.param_groups:
            group["lr"] = self.other_rate * factor
        self.adam.step()
        for weights, momentum in zip(self.matrices, self.momenta, strict=True):
            momentum.mul_(MOMENTUM).add_(weights.grad)
            direction = orthogonalised(weights.grad + MOMENTUM * momentum)
            rate = self.matrix_rate * factor
            weights.mul_(1 - rate * WEIGHT_DECAY)
            weights.add_(direction, alpha=-rate * max(1.0, weights.shape[0] / weights.shape[1]) ** 0.5)
        for weights in self.parameters:
            weights.grad = None
