"""A model cut into shards, a piece of every parameter on each rank: torch's FSDP2, `fully_shard`.

A layer's parameters are gathered when it is about to compute and freed after it; its gradients are summed
over the ranks and cut up again. So a rank holds its share of weights, gradients and moments, and one layer.
On GPUs layers compute in bfloat16, over float32 weights, gradients and sums: there is no autocast.
"""

from __future__ import annotations

import torch
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import (
    CPUOffloadPolicy,
    MixedPrecisionPolicy,
    OffloadPolicy,
    fully_shard,
)
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer

from rzero_worker.model import empty_model, load_model
from rzero_worker.ranks import Ranks
from rzero_worker.scorer import Scorer, Traits
from rzero_worker.tensors import fill


def load_sharded(
    source: str,
    budget: int,
    ranks: Ranks,
    device: torch.device,
    *,
    offload: bool = False,
    compute: torch.dtype | None = None,
) -> Scorer:
    """Load a model in eval mode so that each rank holds its share of it in float32, none of it trainable.

    Rank 0 alone reads the files, into the host's memory, tries what the model can do, and hands out the
    parameters one by one: it needs room for a whole copy in float32, the others for their share.

    Args:
        source: as for `load_model`.
        budget: most tokens of a pack.
        ranks: all of them make this call.
        device: what computes.
        offload: parameters, gradients and what the optimiser makes of them are kept in the host's memory.
        compute: float type; by default bfloat16 on CUDA and float32 on a CPU.

    Raises model_unloadable, on all ranks alike.
    """

    def read() -> tuple[PreTrainedModel, Traits]:
        whole = load_model(source, torch.float32, torch.device("cpu"))
        return whole, Traits.of(whole)

    whole, traits = ranks.first_does(read) or (None, None)
    traits = Traits.unpack(ranks.broadcast_bytes(None if traits is None else traits.pack()))
    model = empty_model(source)
    if whole is not None:
        model.generation_config = whole.generation_config
    scorer = Scorer(model, budget, traits, ranks, device)
    _shard(scorer, device, offload, compute)
    fill(model, whole, ranks)
    return scorer.eval()


def _shard(scorer: Scorer, device: torch.device, offload: bool, compute: torch.dtype | None) -> None:
    """Cut up a model without weights, and make room for each rank's share of them."""
    default = torch.bfloat16 if device.type == "cuda" else torch.float32
    how = {
        "mesh": init_device_mesh(device.type, (scorer.ranks.size,)),
        "mp_policy": MixedPrecisionPolicy(param_dtype=compute or default, reduce_dtype=torch.float32),
        "offload_policy": CPUOffloadPolicy() if offload and device.type == "cuda" else OffloadPolicy(),
    }
    parts = [*_layers(scorer.model), scorer]
    # What is in no layer, embeddings and output projection, is gathered as long as the scorer computes: it
    # takes the projection's weights itself.
    for part in parts:
        fully_shard(part, **how)
        # The caller's normalizer is that of the whole batch, so gradients are summed, not averaged. A plain
        # sum is what every library has.
        part.set_gradient_divide_factor(1.0)
        part.set_force_sum_reduction_for_comms(True)
        # Experts that no token of one rank went to may have had some on another.
        part.set_reduce_scatter_unused_params(True)
        part.register_forward_pre_hook(lambda *_: scorer.ranks.mark(), prepend=True)
    scorer.to_empty(device="cpu" if offload else device)
    for module in scorer.modules():  # no parameters: they compute where they lie
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, buffer.to(device))


def _layers(model: PreTrainedModel) -> list[torch.nn.Module]:
    """Decoder layers, as transformers knows them."""
    names = set(getattr(model, "_no_split_modules", None) or ())
    return [
        module
        for module in model.modules()
        if isinstance(module, GradientCheckpointingLayer) or type(module).__name__ in names
    ]
