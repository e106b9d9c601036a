"""A backend that works when it is told to."""

from __future__ import annotations

import threading
from collections.abc import Collection

from rzero_worker import protocol as p
from rzero_worker.backend import Context
from rzero_worker.backends.mock import MockBackend


class Gated(MockBackend):
    """The mock, with a gate in front of gradients and of each sample. One `open` lets one of them through."""

    def __init__(self) -> None:
        super().__init__()
        self._gate = threading.Semaphore(0)
        self.gradients = 0

    @property
    def models(self) -> Collection[str]:
        """Names of those that are loaded."""
        return self._models.keys()

    def open(self, times: int = 1) -> None:
        self._gate.release(times)

    def forward_backward(self, params: p.ForwardBackwardParams) -> p.ForwardBackwardResult:
        self._gate.acquire()
        self.gradients += 1
        return super().forward_backward(params)

    def sample(self, params: p.SampleParams, context: Context) -> p.SampleResult:
        for done in range(params.n):
            while not self._gate.acquire(timeout=0.01):
                context.raise_if_cancelled()
            context.progress(done + 1, params.n)
        return super().sample(params, Context())
