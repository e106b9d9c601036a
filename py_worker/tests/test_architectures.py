"""What has to hold for a model of any architecture, on tiny random ones of many."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import tiny_models
import torch
from test_trainer import LOSS, OWN, WIDE, assert_metrics, changed_adam, make_batch, on_policy, plain
from tiny_models import SMALL, any_config
from transformers import GPT2Config, PreTrainedConfig

from rzero_worker import attention, scorer
from rzero_worker.backend import Context
from rzero_worker.draw import Distribution
from rzero_worker.sampler import Sampler
from rzero_worker.scorer import Scorer
from rzero_worker.trainer import Trainer, sequence_logprobs
from rzero_worker.vocabulary import Projection

WINDOW = 3
"""A sliding window that is shorter than the sequences, and as long as their prompts."""

EXPERTS = dict(num_experts_per_tok=2, num_experts=4, num_local_experts=4, moe_intermediate_size=16)


@dataclass(frozen=True)
class Architecture:
    config: Callable[[], PreTrainedConfig]
    reason: str | None = None  # why it cannot be packed
    projection: Projection = Projection()


def one(model_type: str, reason: str | None = None, projection: Projection = Projection(), **changes):  # noqa: B008
    return Architecture(lambda: any_config(model_type, **changes), reason, projection)


ARCHITECTURES = {
    "qwen3": Architecture(tiny_models.qwen3_config),
    "qwen3, untied": Architecture(lambda: tiny_models.qwen3_config(tie_word_embeddings=False)),
    "qwen2": one("qwen2"),
    "llama": Architecture(tiny_models.llama_config),
    "llama, tied": one("llama", tie_word_embeddings=True),
    "gemma": one("gemma", head_dim=8),
    # Of its attention's soft cap the packed attention knows nothing.
    "gemma2": one(
        "gemma2",
        "its attention is eager",
        Projection(soft_cap=4.0),
        head_dim=8,
        sliding_window=WINDOW,
        attn_logit_softcapping=1.0,
        final_logit_softcapping=4.0,
    ),
    "gemma3": one(
        "gemma3_text", head_dim=8, sliding_window=WINDOW, layer_types=["sliding_attention", "full_attention"]
    ),
    "mistral": one("mistral", head_dim=8, sliding_window=WINDOW),
    "phi": one("phi"),
    "phi3": one("phi3"),
    "phi3, with a window": one("phi3", sliding_window=WINDOW),
    "qwen3_moe": one("qwen3_moe", head_dim=8, **EXPERTS),
    "mixtral": one("mixtral", **EXPERTS),
    "glm4": one("glm4", head_dim=8),
    "olmo3": one("olmo3", sliding_window=WINDOW),
    "gpt2": Architecture(
        lambda: GPT2Config(
            vocab_size=tiny_models.VOCABULARY_SIZE,
            n_embd=32,
            n_layer=2,
            n_head=2,
            n_positions=96,
            eos_token_id=1,
            bos_token_id=None,
        )
    ),
    "opt": one("opt", ffn_dim=48, word_embed_proj_dim=32),
    "gpt_neox": one("gpt_neox"),
    "cohere": one("cohere", projection=Projection(scale=0.25), logit_scale=0.25),
    "cohere2": one("cohere2", projection=Projection(scale=0.25), logit_scale=0.25, sliding_window=WINDOW),
    "granite": one("granite", projection=Projection(scale=0.25), logits_scaling=4.0),
    "hyperclovax": one("hyperclovax", projection=Projection(scale=4.0), logits_scaling=4.0),
    "deepseek_v3": one(  # keys and values of two sizes
        "deepseek_v3",
        num_key_value_heads=4,
        n_routed_experts=4,
        num_experts_per_tok=2,
        moe_intermediate_size=16,
        q_lora_rank=8,
        kv_lora_rank=8,
        qk_rope_head_dim=4,
        qk_nope_head_dim=4,
        v_head_dim=6,
        n_group=1,
        topk_group=1,
        first_k_dense_replace=1,
    ),
    "bloom": one("bloom", "it takes no position_ids", n_layer=2, n_head=4),
    "gpt_neo": one(
        "gpt_neo",
        "its attention is eager",
        num_layers=2,
        num_heads=4,
        attention_types=[[["global", "local"], 1]],
        window_size=WINDOW,
    ),
    "falcon": one("falcon", "its attention is sdpa", alibi=False),
    # A model of pictures and text, whose config has the text's inside.
    "gemma3, wrapped": one(
        "gemma3",
        text_config=dict(SMALL, head_dim=8, sliding_window=WINDOW),
        vision_config=dict(
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            image_size=16,
            patch_size=8,
        ),
        mm_tokens_per_image=4,
        image_token_index=49,
        boi_token_index=48,
        eoi_token_index=47,
    ),
    # Sinks, which are a key that belongs to no token.
    "gpt_oss": one("gpt_oss", "its attention is eager", head_dim=8, sliding_window=WINDOW, **EXPERTS),
    "llama4": one(
        "llama4_text",
        "it has layers of kind chunked_attention",
        head_dim=8,
        num_local_experts=2,
        intermediate_size_mlp=16,
        attention_chunk_size=WINDOW,
    ),
    # Layers whose state runs on from one sequence of a pack to the next.
    "qwen3_next": one(
        "qwen3_next",
        "it has layers of kind linear_attention",
        head_dim=8,
        layer_types=["linear_attention", "full_attention"],
        linear_num_key_heads=2,
        linear_num_value_heads=2,
        linear_key_head_dim=8,
        linear_value_head_dim=8,
        shared_expert_intermediate_size=16,
        num_experts=4,
        num_experts_per_tok=2,
        moe_intermediate_size=16,
    ),
    "lfm2": one("lfm2", "it has layers of kind conv", layer_types=["conv", "full_attention"]),
    "falcon_h1": one(
        "falcon_h1",
        "it has layers of kind hybrid",
        Projection(scale=0.5),
        lm_head_multiplier=0.5,
        mamba_d_ssm=32,
        mamba_n_heads=4,
        mamba_d_head=8,
        mamba_d_state=8,
        mamba_n_groups=1,
        mamba_chunk_size=8,
    ),
}
EACH = pytest.mark.parametrize("name", ARCHITECTURES)


def of(name: str) -> Architecture:
    return ARCHITECTURES[name]


@cache
def _original(name: str) -> torch.nn.Module:
    return tiny_models.make_model(of(name).config(), vectors=0.1)


def make_model(name: str) -> torch.nn.Module:
    return copy.deepcopy(_original(name))


def reference(name: str) -> torch.nn.Module:
    """The model with the attention that its authors wrote out."""
    model = make_model(name)
    model.set_attn_implementation("eager")
    return model


def grads(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {
        name: parameter.grad for name, parameter in model.named_parameters() if parameter.grad is not None
    }


def assert_same_gradient(ours: torch.nn.Module, theirs: torch.nn.Module) -> None:
    mine, others = grads(ours), grads(theirs)
    assert mine.keys() == others.keys()
    atol = 1e-5 * max(grad.abs().max().item() for grad in others.values())
    for name, grad in others.items():
        torch.testing.assert_close(
            mine[name], grad, atol=atol, rtol=0, msg=lambda text, n=name: f"{n}: {text}"
        )


@EACH
def test_what_cannot_be_packed_says_why_once(name: str, caplog: pytest.LogCaptureFixture) -> None:
    reason, model = of(name).reason, make_model(name)
    scorer._say_padded.cache_clear()
    with caplog.at_level(logging.WARNING, "rzero_worker.scorer"):
        for trainer in (Trainer(model, WIDE), Trainer(make_model(name), WIDE)):
            trainer.forward_backward(make_batch(), LOSS, 7.0)
    assert trainer.scorer.packs == (reason is None)
    kind = type(model).__name__
    said = f"{kind} cannot be packed exactly ({reason}): sequences are padded instead"
    warnings = [record.getMessage() for record in caplog.records if record.name == "rzero_worker.scorer"]
    assert warnings == ([] if reason is None else [said])
    assert trainer.scorer.projection == of(name).projection


@pytest.mark.parametrize(
    ("name", "packs"),
    [
        (name, packs)
        for name, of in ARCHITECTURES.items()
        for packs in (True, False)
        if not (packs and of.reason)
    ],
)
def test_packed_or_padded_the_gradient_is_that_of_the_sequences_one_by_one(name: str, packs: bool) -> None:
    batch, trainer, theirs = make_batch(), Trainer(make_model(name), WIDE), reference(name)
    trainer.scorer.packs = packs
    metrics = trainer.forward_backward(batch, LOSS, 7.0)
    loss, expected = plain(theirs, batch, LOSS, 7.0)
    loss.backward()
    assert_metrics(metrics, expected)
    assert_same_gradient(trainer.model, theirs)


@EACH
def test_a_step_makes_what_had_an_advantage_likelier(name: str) -> None:
    trainer, batch = Trainer(make_model(name), WIDE), on_policy(make_batch(), [1, -1, 0, 1, -1])

    def sums() -> np.ndarray:
        logprobs = sequence_logprobs(trainer.scorer, batch.tokens, batch.lengths, 1.0) * batch.mask
        return np.add.reduceat(logprobs, np.cumsum(batch.lengths) - batch.lengths)

    before = sums()
    trainer.forward_backward(batch, OWN, float(batch.mask.sum()))
    trainer.optim_step(changed_adam(learning_rate=3e-4, weight_decay=0.0))
    assert (np.sign(sums() - before) == np.sign(batch.advantages)).all()


@EACH
def test_samples_have_the_log_probs_that_the_scorer_gives_them(name: str) -> None:
    trainer = Trainer(make_model(name), WIDE)  # as published: the same kind of model, with the same attention
    prompts, temperature = [[5, 6, 7, 8, 9], [10, 11], [12] * 8], 0.9
    samples = Sampler(trainer.model, range(1, 50, 6), 96, max_rows=4, max_tokens=10**6).sample(
        prompts, 3, np.array([1, 2, 3], np.uint32), Distribution(temperature), 10, Context()
    )
    whole = [[*prompts[i // 3], *sample.tokens.tolist()] for i, sample in enumerate(samples)]
    lengths = np.array([len(sequence) for sequence in whole], np.int32)
    tokens = np.concatenate(whole).astype(np.int32)
    scored = np.split(
        sequence_logprobs(trainer.scorer, tokens, lengths, temperature), np.cumsum(lengths)[:-1]
    )
    for sample, logprobs in zip(samples, scored, strict=True):
        np.testing.assert_allclose(logprobs[-len(sample.tokens) :], sample.logprobs, atol=1e-4)
    assert len({len(sample.tokens) for sample in samples}) > 2  # they end at different times


@EACH
def test_a_frozen_model_in_bfloat16_is_as_packable_and_as_scaled(name: str) -> None:
    exact, half = Scorer(make_model(name), WIDE), Scorer(make_model(name).bfloat16(), WIDE)
    assert (half.packs, half.projection) == (exact.packs, exact.projection)
    batch = make_batch()
    logprobs, expected = (sequence_logprobs(s, batch.tokens, batch.lengths, 1.0) for s in (half, exact))
    # A hundredth of each logit, of 8 or so.
    assert np.sqrt(np.mean((logprobs - expected) ** 2)) < 0.15


@pytest.mark.parametrize("name", [name for name, of in ARCHITECTURES.items() if of.reason is None])
def test_under_autocast_packed_attention_is_computed_in_half_precision(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on CUDA. What is not in half precision, the kernel for packs there does not take.
    exact, half = (Trainer(make_model(name), WIDE) for _ in range(2))
    exact.forward_backward(make_batch(), LOSS, 7.0)
    seen: set[torch.dtype] = set()
    original = attention._run_by_run

    def spy(q, k, v, *args):
        seen.update((q.dtype, k.dtype, v.dtype))
        return original(q, k, v, *args)

    monkeypatch.setattr(attention, "_run_by_run", spy)
    monkeypatch.setattr(half.scorer, "_precision", lambda: torch.autocast("cpu", torch.bfloat16))
    half.forward_backward(make_batch(), LOSS, 7.0)
    assert seen == {torch.bfloat16}
    a, b = (torch.cat([grad.flatten() for grad in grads(each.model).values()]) for each in (exact, half))
    assert torch.nn.functional.cosine_similarity(a, b, dim=0) > 0.99


def test_a_step_with_recomputed_activations_is_the_same_for_every_architecture_that_can() -> None:
    done = []
    for name in ARCHITECTURES:
        trainers = [Trainer(make_model(name), WIDE, recompute) for recompute in (False, True)]
        for trainer in trainers:
            trainer.forward_backward(make_batch(), LOSS, 7.0)
        assert_same_gradient(trainers[1].model, trainers[0].model)
        if trainers[1].model.is_gradient_checkpointing:
            done.append(name)
    assert done == list(ARCHITECTURES)
