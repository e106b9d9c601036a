"""The throughput bench: what it counts, against torch's own count of operations."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from train_step.throughput import Options, batch_of, config, make_trainer, measure, step_flops

OPTIONS = Options(model="nano", pack=4096, sequence=128, sequences=3, repeats=1, peak=0.01)


def test_operations_are_those_that_torch_counts() -> None:
    model = make_trainer(OPTIONS, torch.device("cpu")).model
    tokens = torch.zeros(1, 128, dtype=torch.long)
    with FlopCounterMode(display=False) as counter:
        model.set_attn_implementation("eager")
        model(input_ids=tokens).logits.sum().backward()
    # torch counts all pairs of tokens, and logits of the last one too.
    pairs = 3 * 2 * 4 * 4 * 16 * (128 * 128 - 128 * 129 / 2)
    last = 3 * 2 * 64 * 512
    assert step_flops("nano", 128, 1) + pairs + last == pytest.approx(counter.get_total_flops(), rel=1e-6)


def test_a_model_has_the_size_that_its_name_says() -> None:
    with torch.device("meta"):
        from transformers import Qwen3ForCausalLM

        # As published for Qwen3-0.6B: 0.6 billion, 0.44 of them not embeddings.
        model = Qwen3ForCausalLM(config("qwen3-0.6b", 4096))
    assert model.num_parameters() == 596_049_920
    assert model.num_parameters(exclude_embeddings=True) == pytest.approx(0.44e9, rel=0.01)


def test_what_is_reported() -> None:
    batch = batch_of(OPTIONS)
    assert len(batch.tokens) == 384 and batch.mask.sum() == 381
    found = measure(OPTIONS)
    assert found["tokens_per_second"] == pytest.approx(384 / found["seconds"])
    assert found["tflops"] == pytest.approx(step_flops("nano", 128, 3) / found["seconds"] / 1e12)
    assert found["mfu"] == pytest.approx(found["tflops"] / 0.01)
    assert found["parameters"] > 100_000
