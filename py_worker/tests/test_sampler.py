"""Random numbers, draws, and the sampler against a plain loop without a cache."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest
import tiny_models
import torch
from transformers import Gemma2Config, GPT2Config, LlamaConfig, MistralConfig, Qwen3Config

from rzero_worker import kv
from rzero_worker.attention import use_own_attention
from rzero_worker.backend import Context
from rzero_worker.draw import Distribution, draw
from rzero_worker.errors import WorkerFailure
from rzero_worker.kv import PaddedStore, SharedStore, make_store
from rzero_worker.random import philox, token_uniforms
from rzero_worker.sampler import Sampler

CONTEXT = 96
SMALL = dict(vocab_size=tiny_models.VOCABULARY_SIZE, eos_token_id=1, pad_token_id=0, bos_token_id=None)


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        # The known answers for philox4x32-10 of the authors' Random123 library (kat_vectors).
        ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_philox_gives_the_published_words(counter, key, words) -> None:
    def arrays(values):
        return tuple(np.array([value], np.uint64) for value in values)

    assert [int(word[0]) for word in philox(arrays(counter), arrays(key))] == words


def test_a_uniform_depends_on_seed_sample_and_token_alone() -> None:
    seeds, samples = np.array([7, 7, 8, 2**32 - 1], np.uint32), np.array([0, 1, 0, 5])
    whole = token_uniforms(seeds, samples, 37)
    for row in range(4):
        alone = token_uniforms(seeds[row : row + 1], samples[row : row + 1], 10)
        assert np.array_equal(whole[row, :10], alone[0])
    assert (
        len(np.unique(whole)) == whole.size
    )  # 148 of 2^24 values: a repeat has chance 0.07 %, and this is fixed


def test_uniforms_are_uniform() -> None:
    # 40,000 of them: the mean's standard error is sqrt(1/12 / 40000) = 0.0014, each decile holds 4000 +- 60.
    values = token_uniforms(np.arange(100), np.arange(100) % 5, 400).ravel()
    assert 0 <= values.min() and values.max() < 1
    assert abs(values.mean() - 0.5) < 4 * 0.0014
    assert np.abs(np.histogram(values, 10, (0, 1))[0] - 4000).max() < 4 * 60


PROBABILITIES = torch.tensor([0.2, 0.5, 0.3])


@pytest.mark.parametrize(
    ("distribution", "kept"),
    [
        (Distribution(1.0), [0.2, 0.5, 0.3]),
        (Distribution(0.5), [0.04 / 0.38, 0.25 / 0.38, 0.09 / 0.38]),  # squares, over their sum
        (Distribution(1e-320), [0, 1, 0]),
        (Distribution(1e300), [1 / 3, 1 / 3, 1 / 3]),
        (Distribution(1.0, top_k=2), [0, 0.5 / 0.8, 0.3 / 0.8]),
        (Distribution(1.0, top_k=1), [0, 1, 0]),
        (Distribution(1.0, top_k=9), [0.2, 0.5, 0.3]),
        (Distribution(1.0, top_p=0.4), [0, 1, 0]),
        (Distribution(1.0, top_p=0.6), [0, 0.5 / 0.8, 0.3 / 0.8]),  # 0.5 falls short of 0.6, so 0.3 joins
        (Distribution(1.0, top_p=0.9), [0.2, 0.5, 0.3]),
        # top-k first: of (0.625, 0.375), 0.6 is reached by the first alone.
        (Distribution(1.0, top_p=0.6, top_k=2), [0, 1, 0]),
    ],
)
def test_the_processed_distribution(distribution: Distribution, kept: list[float]) -> None:
    logprobs = distribution.log_softmax(PROBABILITIES.log().unsqueeze(0))
    assert logprobs.exp()[0].tolist() == pytest.approx(kept, abs=1e-6)


def test_ties_at_the_kth_logit_keep_the_lower_token() -> None:
    assert Distribution(1.0, top_k=1).log_softmax(torch.zeros(1, 5)).exp().tolist() == [[1, 0, 0, 0, 0]]


def test_a_draw_inverts_the_distribution_function() -> None:
    # Cumulative: 0.2, 0.7, 1.
    uniforms = torch.tensor([0.0, 0.19, 0.21, 0.69, 0.71, 1 - 2**-24])
    tokens, logprobs = draw(PROBABILITIES.log().expand(6, 3), uniforms, Distribution(1.0))
    assert tokens.tolist() == [0, 0, 1, 1, 2, 2]
    assert logprobs.tolist() == pytest.approx(PROBABILITIES[tokens].log().tolist(), abs=1e-6)


def test_a_dropped_token_is_never_drawn() -> None:
    # Kept tokens in the middle: both ends of the uniform range border on tokens of probability 0.
    logits = torch.full((2, 1000), 0.0)
    logits[:, 300:310] = 1.0
    tokens, logprobs = draw(logits, torch.tensor([0.0, 1 - 2**-24]), Distribution(1.0, top_k=10))
    assert tokens.tolist() == [300, 309]
    assert logprobs.tolist() == pytest.approx([math.log(0.1)] * 2, abs=1e-5)


def test_greedy_takes_the_largest_logit_from_a_point_mass() -> None:
    tokens, logprobs = draw(PROBABILITIES.log().unsqueeze(0), torch.tensor([0.99]), Distribution(0.0))
    assert tokens.tolist() == [1] and logprobs.tolist() == [0.0]


# Models of every kind the stores tell apart: grouped heads, plain heads, learned positions, a sliding window
# shorter than the texts, and alternating windows with capped logits.
CONFIGS = {
    "qwen3": lambda: tiny_models.qwen3_config(),
    "llama": lambda: tiny_models.llama_config(),
    "gpt2": lambda: GPT2Config(n_embd=32, n_layer=2, n_head=2, n_positions=CONTEXT, **SMALL),
    "mistral": lambda: MistralConfig(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        sliding_window=6,
        max_position_embeddings=CONTEXT,
        **SMALL,
    ),
    "gemma2": lambda: Gemma2Config(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        sliding_window=6,
        final_logit_softcapping=4.0,
        max_position_embeddings=CONTEXT,
        **SMALL,
    ),
}
PROMPTS = [
    [5, 6, 7, 8, 9, 10, 11],
    [12, 13],
    [5, 6, 7, 8, 9, 10, 11],
    [20],
    [30, 31, 32, 33, 34, 35, 36, 37, 38],
]
STOPS = tuple(range(1, 50, 6))  # many, so that rows end at different times
SEEDS = np.array([1, 2, 3, 4, 2**32 - 5], np.uint32)


def make_model(kind: str) -> torch.nn.Module:
    model = tiny_models.make_model(CONFIGS[kind]())
    use_own_attention(model)
    return model


def run(
    model,
    prompts=PROMPTS,
    n=3,
    seeds=SEEDS,
    distribution=None,
    most=12,
    rows=4,
    stops=STOPS,
    **kwargs,
):
    sampler = Sampler(
        model, stops, kwargs.pop("context_length", CONTEXT), rows, kwargs.pop("max_tokens", 10**6)
    )
    return sampler.sample(
        prompts,
        n,
        seeds,
        distribution or Distribution(1.0),
        most,
        kwargs.pop("context", Context()),
        kwargs.pop("watch", None),
    )


@torch.no_grad()
def plain_sample(model, prompt, seed, j, distribution: Distribution, most: int, stops) -> tuple[list, list]:
    """One sample the slow way: the whole prefix through the model for every token, arithmetic in float64."""
    uniforms = token_uniforms(np.array([seed]), np.array([j]), most)[0]
    tokens, logprobs = [], []
    for t in range(most):
        logits = model(input_ids=torch.tensor([[*prompt, *tokens]]), use_cache=False).logits[0, -1].double()
        if distribution.temperature == 0:
            token, logprob = int(logits.argmax()), 0.0
        else:
            probabilities = torch.softmax(logits / distribution.temperature, -1).numpy()
            by_size = np.argsort(-probabilities, kind="stable")
            if distribution.top_k:
                by_size = by_size[: distribution.top_k]
            mass = np.cumsum(probabilities[by_size]) / probabilities[by_size].sum()
            by_size = by_size[: int(np.searchsorted(mass, distribution.top_p)) + 1]
            kept = np.zeros_like(probabilities)
            kept[by_size] = probabilities[by_size] / probabilities[by_size].sum()
            token = int(np.searchsorted(np.cumsum(kept), uniforms[t], side="right"))
            logprob = math.log(kept[token])
        tokens.append(token)
        logprobs.append(logprob)
        if token in stops:
            break
    return tokens, logprobs


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize(
    "distribution", [Distribution(1.0), Distribution(0.7, top_p=0.8, top_k=12), Distribution(0.0)], ids=str
)
def test_samples_are_those_of_a_plain_loop(kind: str, distribution: Distribution) -> None:
    model = make_model(kind)
    samples = run(model, distribution=distribution)
    lengths = set()
    for i, prompt in enumerate(PROMPTS):
        for j in range(3):
            tokens, logprobs = plain_sample(model, prompt, SEEDS[i], j, distribution, 12, STOPS)
            sample = samples[i * 3 + j]
            assert sample.tokens.tolist() == tokens
            np.testing.assert_allclose(sample.logprobs, logprobs, atol=2e-5)
            assert sample.stopped == (tokens[-1] in STOPS)
            lengths.add(len(tokens))
    if distribution.temperature > 0:
        assert len(lengths) > 2  # rows did leave at different times


def test_a_model_that_keeps_arguments_from_its_attention_shares_no_prompts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = make_model("qwen3")
    forward = type(model.model).forward

    def silent(self, *args, **kwargs):
        return forward(self, *args, **{name: kwargs[name] for name in kwargs if name != "decoding"})

    expected = run(make_model("qwen3"))
    monkeypatch.setattr(type(model.model), "forward", silent)
    assert isinstance(make_store(model, 2), PaddedStore)
    assert [s.tokens.tolist() for s in run(model)] == [s.tokens.tolist() for s in expected]


def test_prompts_are_held_as_long_as_a_row_needs_them() -> None:
    model = make_model("qwen3")
    store = make_store(model, 4)
    store.append([[5, 6, 7], [8]], [0, 0, 1])
    store.append([[9, 10]], [0])
    assert store._layers[0].prompts[0].shape[:3] == (3, 2, 3)  # prompts, key heads, tokens of the longest
    store.keep(torch.tensor([3, 2]))  # none of the first prompt
    assert store._layers[0].prompts[0].shape[:3] == (2, 2, 2)
    logits = store.step(torch.tensor([11, 12]), torch.tensor([2, 1]))
    expected = [model(torch.tensor([row])).logits[0, -1] for row in ([9, 10, 11], [8, 12])]
    torch.testing.assert_close(logits, torch.stack(expected), atol=1e-5, rtol=0)
    store.keep(torch.tensor([], dtype=torch.long))
    assert store._layers[0].prompts[0].shape[0] == 0 and store.append([[5]], [0]).shape == (
        1,
        logits.shape[1],
    )


def test_each_kind_of_model_gets_the_store_it_allows() -> None:
    stores = {kind: type(make_store(make_model(kind), 2)) for kind in CONFIGS}
    assert [kind for kind, store in stores.items() if store is SharedStore] == ["qwen3", "llama", "gpt2"]
    assert [kind for kind, store in stores.items() if store is PaddedStore] == ["mistral", "gemma2"]


@pytest.mark.parametrize("kind", ["qwen3", "gemma2"])
def test_samples_do_not_depend_on_batching_or_on_how_a_request_is_split(kind: str) -> None:
    model = make_model(kind)
    whole = run(model, rows=64)
    for other in (
        run(model, rows=1),
        run(model, rows=7),
        run(model, max_tokens=30),  # one row of 21 tokens
        [sample for i in range(5) for sample in run(model, PROMPTS[i : i + 1], seeds=SEEDS[i : i + 1])],
    ):
        assert [sample.tokens.tolist() for sample in other] == [sample.tokens.tolist() for sample in whole]
    backwards = run(model, PROMPTS[::-1], n=2, seeds=SEEDS[::-1])
    assert [s.tokens.tolist() for s in backwards[8:]] == [s.tokens.tolist() for s in whole[:2]]


def test_the_same_call_gives_the_same_bytes() -> None:
    model = make_model("qwen3")
    first, second = run(model), run(model)
    assert all(a.tokens.tobytes() == b.tokens.tobytes() for a, b in zip(first, second, strict=True))
    assert all(a.logprobs.tobytes() == b.logprobs.tobytes() for a, b in zip(first, second, strict=True))


def test_samples_of_a_prompt_differ_by_number_and_by_seed() -> None:
    samples = run(make_model("qwen3"), [[5, 6]] * 2, n=4, seeds=np.array([1, 2]), stops=())
    assert len({sample.tokens.tobytes() for sample in samples}) == 8


def test_each_distinct_prompt_is_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, model = [], make_model("qwen3")
    make_store(model, 1)  # which store it allows is tried now, not below
    original = kv.projected_logits

    def record(model, tokens, *args, **kwargs):
        seen.append(tuple(tokens.shape))
        return original(model, tokens, *args, **kwargs)

    monkeypatch.setattr(kv, "projected_logits", record)
    run(model, rows=64)
    assert seen == [(4, 9)]  # five prompts, two of them equal; the longest has 9 tokens


def test_long_prompt_lists_are_run_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model("qwen3")
    whole = run(model, rows=64)
    monkeypatch.setattr(kv, "PREFILL_TOKENS", 10)
    parts = run(model, rows=64)
    assert [sample.tokens.tolist() for sample in parts] == [sample.tokens.tolist() for sample in whole]


@pytest.mark.parametrize("kind", ["gpt2", "mistral"])
def test_the_context_length_bounds_prompt_and_completion(kind: str) -> None:
    # gpt2 has one learned position a token: one token too many would be an index error.
    prompts = [[5] * (CONTEXT - 3), [6] * (CONTEXT - 1), [7] * CONTEXT, [8] * (CONTEXT + 2), [9]]
    samples = run(make_model(kind), prompts, n=1, stops=(), most=CONTEXT * 2)
    assert [len(sample.tokens) for sample in samples] == [3, 1, 0, 0, CONTEXT - 1]
    assert not any(sample.stopped for sample in samples)


def test_no_prompts_no_samples() -> None:
    assert run(make_model("qwen3"), [], seeds=np.zeros(0, np.uint32)) == []


def test_progress_counts_finished_samples_up_to_all() -> None:
    seen: list[tuple[int, int]] = []
    run(make_model("qwen3"), context=Context(report=lambda done, total: seen.append((done, total))))
    assert {total for _, total in seen} == {15}
    counts = [done for done, _ in seen]
    assert counts == sorted(counts) and counts[-1] == 15


def test_a_cancelled_call_stops_between_two_tokens() -> None:
    cancelled = threading.Event()
    steps = []

    def report(done: int, total: int) -> None:
        steps.append(done)
        if len(steps) == 3:
            cancelled.set()

    with pytest.raises(WorkerFailure) as failure:
        run(make_model("qwen3"), stops=(), context=Context(report, cancelled))
    assert failure.value.code == "cancelled"
    assert len(steps) == 3


@pytest.mark.parametrize("kind", ["qwen3", "gemma2"])
def test_a_watch_sees_every_token_but_a_stop_token_and_ends_its_sample(kind: str) -> None:
    model = make_model(kind)
    free = run(model)
    seen: list[list[int]] = []

    def watch():
        mine: list[int] = []
        seen.append(mine)

        def completes(token: int) -> bool:
            mine.append(token)
            return len(mine) == 5

        return completes

    watched = run(model, watch=watch)
    for before, after in zip(free, watched, strict=True):
        assert after.tokens.tolist() == before.tokens[:5].tolist()
        np.testing.assert_allclose(after.logprobs, before.logprobs[:5], atol=2e-5)
        assert after.stopped == (before.stopped or len(before.tokens) >= 5)
    expected = [[token for token in sample.tokens.tolist() if token not in STOPS] for sample in watched]
    # A sample that begins with a stop token is asked about nothing.
    assert sorted(seen) == sorted(tokens for tokens in expected if tokens)
    assert any(len(tokens) < 5 for tokens in expected) and any(len(tokens) == 5 for tokens in expected)


def test_a_watch_that_ends_a_sample_at_its_last_token_stops_it() -> None:
    samples = run(make_model("qwen3"), stops=(), most=1, watch=lambda: lambda token: token % 2 == 0)
    assert [sample.stopped for sample in samples] == [int(sample.tokens[0]) % 2 == 0 for sample in samples]
    assert {len(sample.tokens) for sample in samples} == {1}
    assert {sample.stopped for sample in samples} == {True, False}


def test_llama_and_qwen_configs_of_the_tests_are_what_their_names_say() -> None:
    # Guards the coverage above: grouped heads in one, plain heads in the other.
    qwen, llama = tiny_models.qwen3_config(), tiny_models.llama_config()
    assert isinstance(qwen, Qwen3Config) and qwen.num_attention_heads > qwen.num_key_value_heads
    assert isinstance(llama, LlamaConfig) and llama.num_attention_heads == llama.num_key_value_heads
