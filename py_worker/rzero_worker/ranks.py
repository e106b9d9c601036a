"""The processes that hold one model together, each a rank of torchrun's; most often there is but one.

They talk over gloo, on the CPU, in plain tensors: nothing is pickled. How a model is cut up over them is said
in sharding.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from rzero_worker import pulse, wire
from rzero_worker.errors import WorkerFailure
from rzero_worker.protocol import WorkerError

T = TypeVar("T")

ALLOWANCE = 60.0
"""Seconds that a collective may take beyond the time at which the watch (watch.py) ends the group: it is the
watch who knows which rank is late."""


class Ranks:
    """One process's view of its group. All ranks must make the same calls in the same order."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        """Make a view; `join` makes that of a real group."""
        self.rank = rank
        self.size = size
        self.steps = 0
        """Grows while work is done, alike on all ranks. Other threads may read it."""

    @property
    def first(self) -> bool:
        """Whether this is rank 0, which is the one that the orchestrator knows."""
        return self.rank == 0

    def mark(self) -> None:
        """Say that work goes on, before waiting for others: so who has not said it is late. See watch.py."""
        self.steps += 1
        pulse.beat()

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Sum arrays of one shape and number type over the ranks; all get the same."""
        if self.size == 1:
            return values
        self.mark()
        tensor = torch.from_numpy(np.array(values))
        dist.all_reduce(tensor)
        return tensor.numpy()

    def broadcast(self, tensor: Tensor) -> Tensor:
        """Overwrite a tensor, of the same shape and type on all ranks, with rank 0's."""
        if self.size > 1:
            self.mark()
            dist.broadcast(tensor, 0)
        return tensor

    def broadcast_bytes(self, data: bytes | None = None) -> bytes:
        """Give all ranks the bytes that rank 0 gives."""
        if self.size == 1:
            return data or b""
        length = int(self.broadcast(torch.tensor(len(data or b""))))
        if length == 0:
            return b""
        if self.first:
            buffer = torch.frombuffer(bytearray(data or b""), dtype=torch.uint8)
        else:
            buffer = torch.empty(length, dtype=torch.uint8)
        return self.broadcast(buffer).numpy().tobytes()

    def gather(self, words: Sequence[str]) -> list[str]:
        """Put the words of all ranks together, each once. A rank's have 1,024 bytes at most."""
        if self.size == 1:
            return list(words)
        self.mark()
        own = "\n".join(words).encode().ljust(1024, b"\n")
        tensors = [torch.empty(1024, dtype=torch.uint8) for _ in range(self.size)]
        dist.all_gather(tensors, torch.frombuffer(bytearray(own), dtype=torch.uint8))
        texts = [tensor.numpy().tobytes().decode() for tensor in tensors]
        return list(dict.fromkeys(word for text in texts for word in text.split("\n") if word))

    def first_does(self, work: Callable[[], T]) -> T | None:
        """Let rank 0 work alone while the others wait. Returns its result there, None elsewhere.

        A WorkerFailure that it raises is raised on all ranks. What else it raises ends the group.
        """
        if not self.first:
            if said := self.broadcast_bytes():
                error = wire.decode(said, WorkerError)
                raise WorkerFailure(error.code, error.message, error.details)
            return None
        try:
            result = work()
        except WorkerFailure as failure:
            error = WorkerError(code=failure.code, message=failure.message, details=failure.details)
            self.broadcast_bytes(wire.encode(error))
            raise
        self.broadcast_bytes()
        return result

    def rounds(self, items: Sequence[T], idle: T) -> list[tuple[T, Sequence[T]]]:
        """Share out items: for each round this rank's own one, and all of it. `idle` fills the last round."""
        chunks = [items[at : at + self.size] for at in range(0, len(items), self.size)]
        return [(chunk[self.rank] if self.rank < len(chunk) else idle, chunk) for chunk in chunks]


ALONE = Ranks()


def be_alone() -> Ranks:
    """Make a group of this process alone, unless there is one: what cuts up models for groups needs one."""
    if not dist.is_initialized():
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        dist.init_process_group(backend, store=dist.HashStore(), rank=0, world_size=1)
    return ALONE


def join(timeout: float) -> tuple[Ranks, dist.Store]:
    """Join the group that torchrun's environment tells of: RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT.

    A rank has the GPU of its LOCAL_RANK, where there are GPUs: NCCL is for what lies there, gloo for others.

    Args:
        timeout: seconds that the ranks get to come together, and a collective to be done (see ALLOWANCE).

    Returns:
        This process's view of the group, and a store of the group's for words beside the collectives.
    """
    patience = timedelta(seconds=timeout)
    store, rank, size = next(dist.rendezvous("env://", timeout=patience))
    store.set_timeout(patience)
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
        store=dist.PrefixStore("group", store),
        rank=rank,
        world_size=size,
        timeout=patience + timedelta(seconds=ALLOWANCE),
    )
    return Ranks(rank, size), dist.PrefixStore("words", store)
