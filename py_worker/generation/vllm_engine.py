"""vLLM, as the backend `vllm` calls it. It tells log-probs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from generation.ours import drawn
from generation.requests import Drawn, Requests
from rzero_worker.context import Context
from rzero_worker.drawing import Drawing
from rzero_worker.engine import Engine
from rzero_worker.engine_request import EngineRequest, sampling_arguments
from rzero_worker.feed import Call
from rzero_worker.model import checkpoint_weights, context_length, load_model, load_tokenizer, token_bytes
from rzero_worker.protocol import SampleParams, Sampling
from rzero_worker.random import sample_seeds
from rzero_worker.ranks import ALONE


def make(requests: Requests) -> Callable[[int], Drawn]:
    """Start an engine; returns what draws all samples of a round."""
    model, tokenizer = (
        load_model(requests.source, torch.float32, torch.device("cpu")),
        load_tokenizer(requests.source),
    )
    longest, size = context_length(model, tokenizer), token_bytes(model)
    engine = Engine(requests.source, checkpoint_weights(model), longest, size, cuda=False, ranks=ALONE)
    asked = Sampling(temperature=1.0, top_p=requests.top_p, top_k=0, max_tokens=requests.most)
    arguments = sampling_arguments(asked, requests.stop_ids)
    params = SampleParams(model_id="m", conversations=[], n=requests.samples, seeds=b"", sampling=asked)

    def draw(turn: int) -> Drawn:
        index = np.arange(len(requests.limits))
        seeds = sample_seeds(turn * len(index) + index, np.zeros_like(index)).tolist()
        asked_for = [
            EngineRequest(i, requests.prompts[i // requests.samples], seed, most)
            for i, (seed, most) in enumerate(zip(seeds, requests.limits, strict=True))
        ]
        outcomes: list = []
        call = Call(params, Context(), outcomes.append)
        waiting = [Drawing(call, asked_for, arguments, len(index), finish=lambda samples: samples)]

        def take(_room: int) -> list[Drawing]:
            taken = waiting[:]
            waiting.clear()
            return taken

        engine.draw(take)
        (outcome,) = outcomes
        if isinstance(outcome, Exception):
            raise outcome
        return drawn(outcome)

    return draw
