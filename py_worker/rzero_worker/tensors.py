"""Tensors that may be cut up over ranks, a piece on each, and what they are whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor, distribute_tensor
from transformers import PreTrainedModel

from rzero_worker import pulse
from rzero_worker.adapters import own_parameters
from rzero_worker.ranks import Ranks

AS_THEY_ARE: Mapping[str, torch.dtype] = MappingProxyType({})


@torch.no_grad()
def fill(target: PreTrainedModel, source: PreTrainedModel | None, ranks: Ranks) -> None:
    """Copy a model's own parameters, and buffers; rank 0 alone needs a source.

    It hands round one whole tensor at a time.
    """
    found = {} if source is None else dict(_tensors(source))
    for name, tensor in _tensors(target):
        fill_tensor(tensor, found.get(name), ranks)


def _tensors(model: PreTrainedModel) -> Iterator[tuple[str, Tensor]]:
    yield from own_parameters(model).items()
    yield from model.named_buffers()


@torch.no_grad()
def fill_tensor(target: Tensor, source: Tensor | None, ranks: Ranks) -> None:
    """Copy rank 0's source, a whole tensor, to a tensor of that shape that may be cut up."""
    if ranks.size == 1:
        whole = source.to(target.device, target.dtype)
    else:
        place = target.to_local().device if isinstance(target, DTensor) else target.device
        whole = torch.empty(target.shape, dtype=target.dtype, device=place)
        if source is not None:
            whole.copy_(source)
        ranks.broadcast(whole)
    target.copy_(as_held(whole, target))
    pulse.beat()


def as_held(tensor: Tensor, like: Tensor) -> Tensor:
    """Give a tensor as another one of its shape is held: whole, or this rank's piece of it."""
    if isinstance(like, DTensor):
        if isinstance(tensor, DTensor):
            return tensor
        # Every rank has it whole, and takes its own piece.
        return distribute_tensor(tensor, like.device_mesh, like.placements, src_data_rank=None)
    return whole_tensor(tensor)


def whole_tensor(tensor: Tensor) -> Tensor:
    """Give a tensor whole. All ranks must ask for it where it is cut up."""
    if not isinstance(tensor, DTensor):
        return tensor
    # Pieces that wait in the host's memory are gathered where the mesh is.
    return tensor.detach().to(tensor.device_mesh.device_type).full_tensor()


def whole_tensors(
    named: Iterable[tuple[str, Tensor]], ranks: Ranks, types: Mapping[str, torch.dtype] = AS_THEY_ARE
) -> dict[str, Tensor]:
    """Gather tensors that are cut up one by one into rank 0's host memory; the other ranks get none of them.

    Those that `types` names get that type, on the way: each rank rounds its piece, so that less is gathered.
    A tied tensor is one object under each of its names. Why not torch.distributed.checkpoint's writer for
    Hugging Face folders? There each rank writes its pieces and one rank puts them together afterwards, so all
    bytes are written twice, under the model's own names, not those of the checkpoint it came from. One rank
    that writes needs no more memory than it needed to load.
    """
    found: dict[int, Tensor | None] = {}
    result: dict[str, Tensor] = {}
    for name, tensor in named:
        if id(tensor) not in found:
            ranks.mark()
            whole = whole_tensor(tensor.detach().to(types.get(name, tensor.dtype)))
            is_new = isinstance(tensor, DTensor) or whole.dtype != tensor.dtype
            if not ranks.first:
                found[id(tensor)] = None  # it has helped to gather
            else:
                found[id(tensor)] = whole.cpu() if is_new else whole
        if ranks.first:
            result[name] = found[id(tensor)]
    return result


def model_tensors(model: PreTrainedModel) -> Iterator[tuple[str, Tensor]]:
    """Give parameters and persistent buffers under all their names, a tied one's as one object."""
    yield from model.state_dict(keep_vars=True).items()


def pieces(tensors: Iterable[Tensor], ranks: Ranks) -> Iterator[Tensor]:
    """Give this rank's pieces of tensors, so that all ranks together have each element once."""
    for tensor in tensors:
        if isinstance(tensor, DTensor):
            yield tensor.to_local()
        elif ranks.first:  # every rank holds the same
            yield tensor
