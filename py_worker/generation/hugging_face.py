"""transformers' `generate`: prompts left-padded, a cache, every row a sample, plain or with log-probs.

It cannot end a row before the others but pads it, and knows one limit for all rows, so what it draws of a
sample beyond its own limit does not count.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, GenerationConfig, PreTrainedModel

from generation.requests import Drawn, Requests

PAD = 0
"""Any token: those padded with it are masked, or come after the end."""


def make(requests: Requests, logprobs: bool = False) -> Callable[[int], Drawn]:
    """Load the model; returns what draws all samples of a round."""
    model = AutoModelForCausalLM.from_pretrained(requests.source, dtype="float32").eval()
    model.generation_config = GenerationConfig()  # what the source's own says is not asked for
    prompts = [prompt for prompt in requests.prompts for _ in range(requests.samples)]
    batches = [
        (prompts[first : first + requests.rows], requests.limits[first : first + requests.rows])
        for first in range(0, len(prompts), requests.rows)
    ]

    def draw(turn: int) -> Drawn:
        torch.manual_seed(turn)
        parts = [_draw_batch(model, *batch, requests, logprobs) for batch in batches]
        tokens = sum(count for count, _ in parts)
        return Drawn(tokens, sum(total for _, total in parts) / tokens if logprobs else None)

    return draw


make_with_logprobs = partial(make, logprobs=True)


@torch.inference_mode()
def _draw_batch(
    model: PreTrainedModel, prompts: list[list[int]], limits: list[int], requests: Requests, logprobs: bool
) -> tuple[int, float]:
    """Tokens of all samples, and the sum of their log-probs."""
    width, most = max(map(len, prompts)), max(limits)
    tokens = torch.tensor([[PAD] * (width - len(prompt)) + prompt for prompt in prompts])
    starts = torch.tensor([width - len(prompt) for prompt in prompts])
    output = model.generate(
        input_ids=tokens,
        attention_mask=(torch.arange(width) >= starts[:, None]).long(),
        do_sample=True,
        temperature=1.0,
        top_k=0,
        top_p=requests.top_p,
        max_new_tokens=most,
        use_cache=True,
        eos_token_id=requests.stop_ids or None,
        pad_token_id=PAD,
        return_dict_in_generate=True,
        output_scores=logprobs,
    )
    drawn = output.sequences[:, width:]
    counts = _lengths(drawn, requests.stop_ids).minimum(torch.tensor(limits))
    if not logprobs:
        return int(counts.sum()), 0.0
    scored = model.compute_transition_scores(output.sequences, output.scores, normalize_logits=True)
    wanted = torch.arange(drawn.shape[1]) < counts[:, None]
    return int(counts.sum()), float(scored[wanted].double().sum())


def _lengths(drawn: Tensor, stop_ids: list[int]) -> Tensor:
    """Tokens [rows] up to the first that ends a sample, itself included; all where there is none."""
    ends = torch.isin(drawn, torch.tensor(stop_ids, dtype=torch.long))
    return torch.where(ends.any(1), ends.int().argmax(1) + 1, drawn.shape[1])
