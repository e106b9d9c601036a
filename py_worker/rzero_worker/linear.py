"""Linear layers through oneDNN, where no gradient is wanted of them.

On a CPU, PyTorch gives float32 products to MKL, which keeps to AVX2 on processors that are not Intel's.
oneDNN, which comes with PyTorch as well, uses AVX-512 there: twice the speed, for the same weights in place.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import linear

WORTH = 2**20
"""Multiplications from which oneDNN is the faster one; below, its overhead of 7 µs is more than it saves."""


class Linear(torch.nn.Linear):
    """torch's own, but for how it is computed without gradients, in float32, on a CPU."""

    def forward(self, x: Tensor) -> Tensor:
        """See torch.nn.Linear."""
        if (
            torch.is_grad_enabled()
            or x.numel() * self.out_features < WORTH
            or x.dtype is not torch.float32
            or self.weight.dtype is not torch.float32
            or not self.weight.is_cpu
            or torch.is_autocast_enabled("cpu")
        ):
            return linear(x, self.weight, self.bias)
        return torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")


def use_onednn(model: torch.nn.Module) -> None:
    """Make torch's linear layers of a model ours, where PyTorch has oneDNN. Weights stay where they are."""
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return
    for module in model.modules():
        if type(module) is torch.nn.Linear:
            module.__class__ = Linear
