"""The state of torch's random generators, as tensors that a checkpoint can hold."""

from __future__ import annotations

import torch
from torch import Tensor


def states() -> dict[str, Tensor]:
    """Bytes (uint8) of the generators there are: `cpu`, and `cuda` for the present GPU's."""
    found = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        found["cuda"] = torch.cuda.get_rng_state()
    return found


def misfit(saved: dict[str, Tensor]) -> str | None:
    """Say which saved state is none of the generator of that name here; None: they can be restored."""
    for name, here in states().items():
        seen = saved.get(name, here)
        if (seen.dtype, seen.shape) != (here.dtype, here.shape):
            return (
                f"{name} is {list(seen.shape)} of {seen.dtype}, allowed is {list(here.shape)} of {here.dtype}"
            )
    return None


def restore(saved: dict[str, Tensor]) -> None:
    """Put back what `states` gave, here or on another machine; what has no generator here is left out."""
    if "cpu" in saved:
        torch.set_rng_state(saved["cpu"])
    if "cuda" in saved and torch.cuda.is_available():
        torch.cuda.set_rng_state(saved["cuda"])
