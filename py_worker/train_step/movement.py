"""How far a model's parameters have gone."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def copies(model: torch.nn.Module) -> list[Tensor]:
    """The parameters as they are now."""
    return [parameter.detach().clone() for parameter in model.parameters()]


def movement(model: torch.nn.Module, before: list[Tensor]) -> float:
    """L2 norm of all changes together."""
    pairs = zip(model.parameters(), before, strict=True)
    return math.sqrt(sum((now.detach().double() - old.double()).square().sum().item() for now, old in pairs))
