"""What tensors of a device hold, put into the host's memory and taken back, under the tensors.

A tensor stays the object that it was, and so do its views: its storage is emptied, and filled again. So an
optimiser knows its parameters, and FSDP the pieces that it gathers, as before.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, UntypedStorage
from torch.distributed.tensor import DTensor

from rzero_worker import pulse


class Offload:
    """Storages of a device that are empty, and what was in them."""

    def __init__(self, device: torch.device) -> None:
        """Begin with none; tensors on other devices than this type of one are left where they are."""
        self._type = device.type
        self._held: dict[int, tuple[UntypedStorage, Tensor]] = {}

    def put(self, tensors: Iterable[Tensor], kept: Iterable[Tensor] = ()) -> int:
        """Empty the storages of tensors, but for those that others, which are kept, lie in too.

        Returns how many bytes they had. Where the host has no room, nothing is put away, and what torch
        raises is raised.
        """
        stay = self._storages(kept)
        put: dict[int, UntypedStorage] = {}
        try:
            for key, storage in self._storages(tensors).items():
                if key in stay or storage.nbytes() == 0 or not storage.resizable():
                    continue  # one that is not resizable is a file's, mapped into the host's memory
                # Pinned, so that the way back is as fast as it can be.
                host = torch.empty(storage.nbytes(), dtype=torch.uint8, pin_memory=self._type == "cuda")
                host.untyped_storage().copy_(storage)
                self._held[key], put[key] = (storage, host), storage
                storage.resize_(0)
                pulse.beat()
        except Exception:
            self._fill(put)
            raise
        return sum(len(self._held[key][1]) for key in put)

    def take_back(self, tensors: Iterable[Tensor]) -> None:
        """Fill the storages of tensors. Where the device has no room torch raises, and all stay empty."""
        self._fill({key: storage for key, storage in self._storages(tensors).items() if key in self._held})

    def _fill(self, storages: dict[int, UntypedStorage]) -> None:
        try:
            for key, storage in storages.items():
                host = self._held[key][1]
                storage.resize_(len(host))
                storage.copy_(host.untyped_storage())
                pulse.beat()
        except Exception:
            for storage in storages.values():
                storage.resize_(0)
            raise
        for key in storages:
            del self._held[key]

    def _storages(self, tensors: Iterable[Tensor]) -> dict[int, UntypedStorage]:
        """Give the storages on the device, each once, by what they are known by as long as they live."""
        local = (tensor.to_local() if isinstance(tensor, DTensor) else tensor for tensor in tensors)
        storages = (tensor.untyped_storage() for tensor in local if tensor.device.type == self._type)
        return {storage._cdata: storage for storage in storages}
