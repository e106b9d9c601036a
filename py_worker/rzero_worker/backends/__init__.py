"""The backends by name. Each is imported when it is asked for: one must not need another's libraries."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rzero_worker.backend import Backend
from rzero_worker.protocol import Capability

if TYPE_CHECKING:
    from rzero_worker.ranks import Ranks

NAMES = ("mock", "torch", "vllm")

SETUP = {"vllm": "npm run setup:vllm"}
"""What installs the libraries of a backend, where it is not `npm run setup`."""

GROUP_ROLES = {"torch": Capability.TRAIN, "vllm": Capability.SAMPLE}
"""What a group of ranks can do, by its backend."""


def create(name: str) -> Backend:
    """Make a backend. Raises ImportError when its libraries are not installed, KeyError for another name."""
    if name == "mock":
        from rzero_worker.backends.mock import MockBackend

        return MockBackend()
    if name == "torch":
        from rzero_worker.backends.torch import TorchBackend

        return TorchBackend()
    if name == "vllm":
        from rzero_worker.backends.vllm import VllmBackend

        return VllmBackend()
    raise KeyError(name)


def of_rank(name: str) -> Callable[[Ranks], Backend]:
    """Give what makes the backend of a rank of a group. Raises as `create` does."""
    if name == "torch":
        from rzero_worker.backends.sharded import ShardedBackend

        return ShardedBackend
    if name == "vllm":
        from rzero_worker.backends.vllm import VllmBackend

        return lambda ranks: VllmBackend(ranks=ranks)
    raise KeyError(name)
