"""A full memory, of the GPU or the host, as the libraries tell of it."""

from __future__ import annotations

import torch


def is_full(error: BaseException) -> bool:
    """Whether an exception says that memory could not be had."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
