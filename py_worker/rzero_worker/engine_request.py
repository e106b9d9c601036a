"""What vLLM is asked for one sample, and the sample in its answer. Knows vLLM's words, not its code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rzero_worker.errors import WorkerFailure
from rzero_worker.protocol import ErrorCode, Sampling
from rzero_worker.random import sample_seeds
from rzero_worker.sampler import Sample

GREEDY_BELOW = 1e-5
"""Temperatures below it are greedy in vLLM's sampler. The distribution is a point mass there in 32 bits."""

EMPTY = Sample(np.zeros(0, np.int32), np.zeros(0, np.float32), False)
"""What a prompt that fills the context gets."""


@dataclass(frozen=True)
class EngineRequest:
    """One sample to be drawn."""

    index: int  # which sample of the call
    prompt: Sequence[int]
    seed: int  # of the sample's own generator, 0 <= seed < 2^63
    most: int  # tokens, 1 or more


def plan(
    prompts: Sequence[Sequence[int]], n: int, seeds: np.ndarray, most: int, context_length: int
) -> list[EngineRequest]:
    """Requests for n samples of each prompt; sample j of prompt i has index i * n + j.

    Args:
        prompts: token ids, one token or more each.
        n: samples a prompt.
        seeds: [prompts] of 32-bit seeds.
        most: tokens a sample may have.
        context_length: tokens of prompt and sample together; a prompt that fills it gets no request.
    """
    rows = np.repeat(np.asarray(seeds), n)
    generators = sample_seeds(rows, np.arange(len(rows)) % n).tolist()
    limits = [min(most, context_length - len(prompt)) for prompt in prompts]
    return [
        EngineRequest(index, prompts[index // n], seed, limits[index // n])
        for index, seed in enumerate(generators)
        if limits[index // n] > 0
    ]


def sampling_arguments(asked: Sampling, stop_ids: Iterable[int]) -> dict[str, Any]:
    """Arguments of vLLM's SamplingParams, less those that differ from sample to sample.

    vLLM's own end-of-sequence tokens are off: `stop_ids` has all that end a sample.
    """
    greedy = asked.temperature < GREEDY_BELOW
    return {
        "temperature": 0.0 if greedy else asked.temperature,
        "top_p": 1.0 if greedy else asked.top_p,
        "top_k": 0 if greedy else asked.top_k,
        "stop": list(asked.stop or ()),
        "stop_token_ids": sorted(stop_ids),
        "ignore_eos": True,
        "detokenize": bool(asked.stop),
        # 0 is the drawn token's alone. When greedy, what vLLM tells is not the point mass drawn from.
        "logprobs": None if greedy else 0,
        "flat_logprobs": True,
    }


PROBE_ARGUMENTS = {
    "temperature": 1.0,
    "max_tokens": 1,  # it must draw one
    "prompt_logprobs": 0,  # the prompt's own tokens' alone, of the plain softmax, whatever the sampling
    "flat_logprobs": True,
    "ignore_eos": True,
    "detokenize": False,
}
"""Arguments of vLLM's SamplingParams for the log-probs of a prompt."""


def probe_of(tokens: Sequence[int], logprobs: Sequence[float] | None) -> np.ndarray:
    """Make the log-probs of a prompt, float32, of vLLM's answer, which leaves the first token out; it gets 0.

    Raises internal when some are missing.
    """
    found = [] if logprobs is None else list(logprobs)
    if len(found) != len(tokens) - 1:
        raise WorkerFailure(
            ErrorCode.INTERNAL, f"vLLM gave {len(found)} log-probs for a prompt of {len(tokens)} tokens"
        )
    return np.asarray([0.0, *found], np.float32)


def sample_of(tokens: Sequence[int], logprobs: Sequence[float] | None, finish_reason: str | None) -> Sample:
    """Make a sample of vLLM's answer; without log-probs it was greedy, and they are 0.

    Raises internal when vLLM ended it for a reason of its own.
    """
    if finish_reason not in ("stop", "length"):
        raise WorkerFailure(ErrorCode.INTERNAL, f"vLLM ended a sample with {finish_reason!r}")
    scores = np.zeros(len(tokens)) if logprobs is None else np.asarray(logprobs)
    return Sample(np.asarray(tokens, np.int32), scores.astype(np.float32), finish_reason == "stop")
