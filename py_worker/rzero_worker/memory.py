"""A full memory, of the GPU or the host, as the libraries tell of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from rzero_worker.errors import WorkerFailure
from rzero_worker.ranks import Ranks


def is_full(error: BaseException) -> bool:
    """Whether an exception says that memory could not be had."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def require_room(ranks: Ranks, what: str, wake: Callable[[], None], sleep: Callable[[], object]) -> None:
    """Wake something that may not find the memory: on all ranks of a group, or on none.

    Args:
        ranks: that all make this call.
        what: in the failure's words.
        wake: raises what `is_full` knows.
        sleep: undoes it; called on all ranks where it failed on one.

    Raises out_of_memory.
    """
    problem = ""
    try:
        wake()
    except Exception as error:
        if not is_full(error):
            raise
        problem = str(error) or type(error).__name__
    if ranks.sum(np.array([int(problem != "")]))[0] > 0:
        sleep()
        raise WorkerFailure("out_of_memory", f"not enough memory to wake {what}", problem)
