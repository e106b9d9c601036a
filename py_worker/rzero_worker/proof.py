"""Proof of publication: what the sampler's weights are, compared with what was trained.

A publication that fails in silence leaves a sampler that draws from old weights, and training goes on
off-policy without a word. The checksum tells whether the weights themselves arrived, the probe whether they
are what the sampler computes with.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from rzero_worker import pulse
from rzero_worker.draw import Distribution
from rzero_worker.errors import WorkerFailure
from rzero_worker.kv import make_store
from rzero_worker.probe import probe_tokens
from rzero_worker.protocol import ErrorCode, WeightsProof
from rzero_worker.ranks import ALONE, Ranks
from rzero_worker.scorer import Scorer
from rzero_worker.tensors import pieces
from rzero_worker.trainer import sequence_logprobs
from rzero_worker.wire import numpy_pack

CHUNK = 2**20
"""Weights that are rounded at once. What a CPU makes of so many stays in its caches; of more, it is slower.
"""

TOLERANCE = {torch.float32: (1e-3, 0.0), torch.bfloat16: (0.1, 0.02)}
"""How far log-probs of equal weights, computed in two ways, may be apart on average, by the sampler's type:
so far, or by this share of their mean. bfloat16 rounds logits above 16 to an eighth, and the probe is no
likely text.
"""


@dataclass(frozen=True)
class Proof:
    """What weights are: their checksum, and the log-probs [16] of the probe, float32, the first 0."""

    checksum: str
    probe: np.ndarray

    def message(self) -> WeightsProof:
        """As it goes over the wire."""
        return WeightsProof(checksum=self.checksum, probe=numpy_pack(self.probe, "f4"))


def require_same(sampler: Proof, trainer: Proof, dtype: torch.dtype) -> None:
    """Raise stale_weights, saying what differs, unless the sampler holds what was trained.

    `dtype` is the sampler's float type. Log-probs that are NaN on both sides are the same: a model that
    diverged was published all the same.
    """
    if sampler.checksum != trainer.checksum:
        raise _stale(f"the sampler's checksum is {sampler.checksum}, the trained weights' {trainer.checksum}")
    if np.array_equal(sampler.probe, trainer.probe, equal_nan=True):
        return
    apart = np.abs(sampler.probe - trainer.probe).mean()
    absolute, share = TOLERANCE[dtype]
    allowed = max(absolute, share * np.abs(trainer.probe).mean())
    if not apart <= allowed:
        raise _stale(
            f"log-probs of the probe under the sampler's weights and under the trained ones are {apart:.2g} "
            f"apart on average, allowed is {allowed:.2g}"
        )


def _stale(what: str) -> WorkerFailure:
    return WorkerFailure(ErrorCode.STALE_WEIGHTS, f"the trained weights did not arrive: {what}")


def checksum(model: PreTrainedModel, ranks: Ranks = ALONE) -> str:
    """Give the checksum of a model's parameters and persistent buffers."""
    return checksum_of(model.state_dict(keep_vars=True).values(), ranks)


@torch.no_grad()
def checksum_of(tensors: Iterable[Tensor], ranks: Ranks = ALONE) -> str:
    """Sum of all weights' bit patterns in bfloat16, as signed 16-bit integers, modulo 2^64; 16 hex digits.

    Equal weights have equal checksums on every device, also where an engine fuses, reorders or zero-pads
    tensors. A tensor that comes again, a tied one, counts once, and of one that is cut up over `ranks` each
    piece.
    """
    total = 0
    for tensor in pulse.each(pieces({id(tensor): tensor for tensor in tensors}.values(), ranks)):
        chunks = (chunk.to(torch.bfloat16).view(torch.int16) for chunk in tensor.flatten().split(CHUNK))
        # One answer a tensor: each is a wait for the device.
        total += int(sum(chunk.sum(dtype=torch.int64) for chunk in chunks))
    return f"{int(ranks.sum(np.array([total], np.int64))[0]) % 2**64:016x}"


def probe_of(model: PreTrainedModel) -> list[int]:
    """Tokens of the model's probe."""
    return probe_tokens(model.get_output_embeddings().weight.shape[0])


def scored(scorer: Scorer) -> np.ndarray:
    """Log-probs of the probe as `forward` computes them."""
    tokens = probe_of(scorer.model)
    return sequence_logprobs(scorer, np.asarray(tokens, np.int32), np.asarray([len(tokens)], np.int32), 1.0)


@torch.inference_mode()
def decoded(model: PreTrainedModel) -> np.ndarray:
    """Log-probs of the probe as `sample` computes them, through the same store.

    The first half are of prompts, each a token longer than the last; the longest one goes on token by token.
    """
    tokens = probe_of(model)
    prompts = [tokens[:length] for length in range(1, len(tokens) // 2 + 1)]
    store = make_store(model, rows=len(prompts))
    logits = [store.append(prompts, list(range(len(prompts))))]
    store.keep(torch.tensor([len(prompts) - 1], device=model.device))
    for position in range(len(prompts), len(tokens) - 1):
        token = torch.tensor(tokens[position : position + 1], device=model.device)
        logits.append(store.step(token, torch.full_like(token, position)))
    table = Distribution(temperature=1.0).log_softmax(torch.cat(logits))
    following = torch.tensor(tokens[1:], device=model.device).unsqueeze(1)
    return np.concatenate([[0.0], table.gather(1, following).squeeze(1).cpu().numpy()]).astype(np.float32)
