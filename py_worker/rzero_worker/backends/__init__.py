"""The backends by name. Each is imported when it is asked for: one must not need another's libraries."""

from __future__ import annotations

from rzero_worker.backend import Backend

NAMES = ("mock", "torch", "vllm")

SETUP = {"vllm": "npm run setup:vllm"}
"""What installs the libraries of a backend, where it is not `npm run setup`."""


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
