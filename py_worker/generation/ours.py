"""The worker's own sampler, as the backend `torch` calls it. It tells log-probs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from generation.requests import Drawn, Requests
from rzero_worker.backend import Context
from rzero_worker.draw import Distribution
from rzero_worker.loader import Loader
from rzero_worker.model import context_length, load_tokenizer, token_bytes
from rzero_worker.sampler import Sample, Sampler, Watch


def make(requests: Requests) -> Callable[[int], Drawn]:
    """Load the model; returns what draws all samples of a round."""
    torch.use_deterministic_algorithms(True)  # as in the worker
    torch.utils.deterministic.fill_uninitialized_memory = False
    model = Loader(torch.device("cpu")).frozen(requests.source)
    sampler = Sampler(
        model,
        requests.stop_ids,
        context_length(model, load_tokenizer(requests.source)),
        max_rows=requests.rows,
        max_tokens=2**30 // token_bytes(model),
    )

    def draw(turn: int) -> Drawn:
        limits = iter(requests.limits)
        samples = sampler.sample(
            requests.prompts,
            requests.samples,
            seeds=turn * len(requests.prompts) + np.arange(len(requests.prompts)),
            distribution=Distribution(1.0, requests.top_p),
            most=requests.most,
            context=Context(),
            # A call has one limit for all; samples that end earlier are made to as by stop strings.
            watch=None if min(requests.limits) == requests.most else lambda: _after(next(limits)),
        )
        return drawn(samples)

    return draw


def _after(limit: int) -> Watch:
    """What ends a sample with its `limit`-th token."""
    seen = 0

    def count(_token: int) -> bool:
        nonlocal seen
        seen += 1
        return seen == limit

    return count


def drawn(samples: list[Sample]) -> Drawn:
    """What samples come to."""
    logprobs = np.concatenate([sample.logprobs for sample in samples])
    return Drawn(len(logprobs), float(logprobs.mean(dtype=np.float64)))
