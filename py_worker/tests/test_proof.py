"""Proofs of publication: what they depend on, what they do not, and what a difference says."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import tiny_models
import torch
from transformers import GPT2Config, MistralConfig, PreTrainedConfig

from rzero_worker import proof
from rzero_worker.attention import use_own_attention
from rzero_worker.errors import WorkerFailure
from rzero_worker.proof import Proof
from rzero_worker.protocol import ErrorCode
from rzero_worker.scorer import Scorer

ZEROS = np.zeros(16, np.float32)


def windowed_config() -> MistralConfig:
    """With a sliding window, whose keys and values another store holds."""
    return MistralConfig(
        vocab_size=tiny_models.VOCABULARY_SIZE,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=96,
        sliding_window=5,
        eos_token_id=tiny_models.EOS_ID,
    )


def gpt2_config() -> GPT2Config:
    return GPT2Config(
        vocab_size=tiny_models.VOCABULARY_SIZE,
        n_positions=96,
        n_embd=32,
        n_layer=2,
        n_head=2,
        eos_token_id=tiny_models.EOS_ID,
    )


CONFIGS = {
    "tied": tiny_models.qwen3_config(),
    "untied": tiny_models.llama_config(),
    "windowed": windowed_config(),
    "gpt2": gpt2_config(),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_scoring_and_sampling_agree_on_the_probe(config: PreTrainedConfig) -> None:
    model = tiny_models.make_model(config)
    scored, decoded = proof.scored(Scorer(model, 4096)), proof.decoded(model)
    assert scored.dtype == decoded.dtype == np.float32
    assert scored.shape == decoded.shape == (16,)
    assert scored[0] == decoded[0] == 0
    np.testing.assert_allclose(decoded, scored, atol=1e-5)
    tokens = torch.tensor([[7919 * (i + 1) % tiny_models.VOCABULARY_SIZE for i in range(16)]])
    with torch.no_grad():
        table = tiny_models.make_model(config)(tokens).logits.log_softmax(-1)[0]
    np.testing.assert_allclose(decoded[1:], table[:-1].gather(1, tokens[0, 1:, None])[:, 0], atol=1e-5)
    proof.require_same(Proof("a", decoded), Proof("a", scored), torch.float32)


def test_the_checksum_is_the_sum_of_bits_in_bfloat16() -> None:
    model = tiny_models.make_model(tiny_models.qwen3_config())
    # The embeddings are tied, and parameters() has them once.
    bits = [parameter.detach().bfloat16().view(torch.int16) for parameter in model.parameters()]
    total = sum(value for tensor in bits for value in tensor.flatten().tolist())
    assert proof.checksum(model) == f"{total % 2**64:016x}"


def test_a_checksum_by_hand() -> None:
    class Two(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = torch.nn.Parameter(torch.tensor([1.0, 2.0]))  # 0x3f80, 0x4000
            self.register_buffer("b", torch.tensor([-1.0, 0.0, 1.0 + 2**-9]))  # 0xbf80, 0, 0x3f80 as rounded
            self.register_buffer("c", torch.tensor([3.0]), persistent=False)

    # 0xbf80 is -0x4080 as a signed number.
    assert proof.checksum(Two()) == f"{0x3F80 + 0x4000 - 0x4080 + 0x3F80:016x}"


def test_fusing_reordering_padding_and_chunks_do_not_change_a_checksum(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = tiny_models.make_model(tiny_models.llama_config())
    before = proof.checksum(model)
    monkeypatch.setattr(proof, "CHUNK", 7)
    assert proof.checksum(model) == before

    class Fused(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            parts = [tensor.detach().flatten() for tensor in reversed(list(model.parameters()))]
            self.all = torch.nn.Parameter(torch.cat([*parts, torch.zeros(100)]).bfloat16())

    assert proof.checksum(Fused()) == before


def test_a_checksum_is_of_rounded_weights_and_tells_one_bit_of_them() -> None:
    model = tiny_models.make_model(tiny_models.qwen3_config())
    before = proof.checksum(model)
    assert proof.checksum(deepcopy(model).bfloat16()) == before
    assert proof.checksum(deepcopy(model).bfloat16().float()) == before
    weight = model.model.layers[1].mlp.down_proj.weight
    with torch.no_grad():
        weight[3, 4] = weight[3, 4].bfloat16().float()
        assert proof.checksum(model) == before
        weight[3, 4] *= 1 + 2**-7
    assert proof.checksum(model) != before


def test_proving_leaves_a_model_as_it_was() -> None:
    model = tiny_models.make_model(tiny_models.qwen3_config())
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    use_own_attention(model)
    assert np.array_equal(proof.decoded(model), proof.decoded(model))
    proof.checksum(model)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("spread", [0.2, 0.5])
def test_bfloat16_is_within_its_tolerance_also_where_logits_are_large(spread: float) -> None:
    config = tiny_models.qwen3_config(hidden_size=256, intermediate_size=512, num_hidden_layers=6)
    model = tiny_models.make_model(config, spread=spread)
    scorer = Scorer(model, 4096)
    with torch.autocast("cpu", torch.bfloat16):
        trained = Proof(proof.checksum(model), proof.scored(scorer))
    published = model.bfloat16()
    proof.require_same(Proof(proof.checksum(published), proof.decoded(published)), trained, torch.bfloat16)


def stale(sampler: Proof, trainer: Proof, dtype: torch.dtype = torch.float32) -> str:
    with pytest.raises(WorkerFailure) as failure:
        proof.require_same(sampler, trainer, dtype)
    assert failure.value.code is ErrorCode.STALE_WEIGHTS
    return failure.value.message


def test_a_difference_is_named() -> None:
    assert stale(Proof("1", ZEROS), Proof("2", ZEROS)) == (
        "the trained weights did not arrive: the sampler's checksum is 1, the trained weights' 2"
    )
    message = stale(Proof("1", ZEROS - 0.25), Proof("1", ZEROS))
    assert message.endswith("are 0.25 apart on average, allowed is 0.001")


@pytest.mark.parametrize(
    ("dtype", "logprob", "allowed"),
    [
        (torch.float32, -1.0, 1e-3),
        (torch.float32, -100.0, 1e-3),
        (torch.bfloat16, -1.0, 0.1),
        (torch.bfloat16, -100.0, 2.0),
    ],
)
def test_how_far_apart_log_probs_may_be(dtype: torch.dtype, logprob: float, allowed: float) -> None:
    trained = Proof("1", ZEROS + np.float32(logprob))
    for sign in (1, -1):
        proof.require_same(Proof("1", trained.probe + np.float32(sign * 0.98 * allowed)), trained, dtype)
        stale(Proof("1", trained.probe + np.float32(sign * 1.02 * allowed)), trained, dtype)


def test_nan_is_the_same_on_both_sides_only() -> None:
    diverged = Proof("1", ZEROS * np.nan)
    proof.require_same(diverged, diverged, torch.float32)
    assert "nan apart" in stale(diverged, Proof("1", ZEROS))
    assert "nan apart" in stale(Proof("1", ZEROS), diverged)
