"""What vLLM is asked for and what becomes of its answers; vLLM itself is not needed here."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rzero_worker.engine_request import plan, probe_of, sample_of, sampling_arguments
from rzero_worker.errors import WorkerFailure
from rzero_worker.protocol import Sampling
from rzero_worker.random import sample_seeds

SEEDS = st.integers(0, 2**32 - 1)
PROMPT = st.lists(st.integers(0, 99), min_size=1, max_size=12)


@given(st.lists(st.tuples(PROMPT, SEEDS), max_size=6), st.integers(1, 5), st.integers(1, 9))
def test_a_request_depends_on_its_prompt_seed_and_number_alone(rows, n, most) -> None:
    context_length = 10
    prompts, seeds = [prompt for prompt, _ in rows], np.array([seed for _, seed in rows], np.uint32)
    whole = {request.index: request for request in plan(prompts, n, seeds, most, context_length)}
    for i, (prompt, seed) in enumerate(rows):
        # Alone, and with one sample more.
        alone = plan([prompt], n + 1, np.array([seed], np.uint32), most, context_length)
        asked = [(whole[i * n + j].seed, whole[i * n + j].most) for j in range(n) if i * n + j in whole]
        assert asked == [(request.seed, request.most) for request in alone[: len(asked)]]
        assert (len(asked) == n) == (len(prompt) < context_length)
        for request in alone:
            assert 1 <= request.most <= most and len(prompt) + request.most <= context_length


@given(st.lists(st.tuples(SEEDS, st.integers(0, 2**32 - 1)), unique=True, min_size=1, max_size=50))
def test_seeds_of_samples_differ_and_fit_a_generator(pairs) -> None:
    seeds, samples = np.array(pairs, np.uint64).T
    drawn = sample_seeds(seeds, samples)
    assert len(set(drawn.tolist())) == len(pairs)  # by chance equal: 1225 pairs of 2^63
    assert drawn.min() >= 0


def test_the_bits_of_seeds_are_even() -> None:
    # 10,000 seeds: half of them have a bit set, give or take 5 standard errors of 50.
    seeds = sample_seeds(np.arange(100).repeat(100), np.tile(np.arange(100), 100))
    counts = [int(((seeds >> bit) & 1).sum()) for bit in range(63)]
    assert max(abs(count - 5000) for count in counts) < 250


@given(
    st.floats(0, 10),
    st.floats(0.01, 1),
    st.integers(0, 100),
    st.none() | st.lists(st.text(min_size=1, max_size=5), max_size=3),
)
def test_sampling_as_asked(temperature, top_p, top_k, stop) -> None:
    asked = Sampling(temperature=temperature, top_p=top_p, top_k=top_k, max_tokens=5, stop=stop)
    arguments = sampling_arguments(asked, {7, 3})
    assert arguments["stop_token_ids"] == [3, 7]
    assert arguments["ignore_eos"]
    assert arguments["stop"] == (stop or [])
    # Text is what stop strings are looked for in; nothing else needs it.
    assert arguments["detokenize"] == bool(stop)
    if arguments["temperature"] == 0:
        assert temperature < 1e-5
        assert (arguments["top_p"], arguments["top_k"], arguments["logprobs"]) == (1, 0, None)
    else:
        drawn_from = tuple(arguments[name] for name in ("temperature", "top_p", "top_k", "logprobs"))
        assert drawn_from == (temperature, top_p, top_k, 0)


def test_samples_as_answered() -> None:
    drawn = sample_of((5, 1), [-0.5, -0.25], "stop")
    assert drawn.tokens.dtype == np.int32 and drawn.logprobs.dtype == np.float32
    assert (drawn.tokens.tolist(), drawn.logprobs.tolist(), drawn.stopped) == ([5, 1], [-0.5, -0.25], True)


def test_a_greedy_sample_has_the_log_probs_of_a_point_mass() -> None:
    greedy = sample_of([5, 6, 7], None, "length")
    assert (greedy.logprobs.tolist(), greedy.stopped) == ([0, 0, 0], False)


@pytest.mark.parametrize("reason", ["abort", "error", None])
def test_a_sample_that_vllm_gave_up_is_a_failure(reason) -> None:
    with pytest.raises(WorkerFailure, match="vLLM") as raised:
        sample_of([5], [-1.0], reason)
    assert raised.value.code == "internal"


def test_a_prompts_log_probs_begin_with_the_token_that_has_none() -> None:
    found = probe_of([5, 6, 7], [-0.5, -2.0])
    assert found.dtype == np.float32
    assert found.tolist() == [0.0, -0.5, -2.0]
    for missing in (None, [-0.5], [-0.5, -2.0, -1.0]):
        with pytest.raises(WorkerFailure, match="for a prompt of 3 tokens") as failure:
            probe_of([5, 6, 7], missing)
        assert failure.value.code == "internal"
