"""The mock: a small model, but a true one."""

from __future__ import annotations

import json
import math
import os
import re
from array import array
from collections import Counter
from pathlib import Path

import pytest
import samples
from hypothesis import given, settings
from hypothesis import strategies as st

from rzero_worker import manifest, wire
from rzero_worker import protocol as p
from rzero_worker.backend import Context
from rzero_worker.backends.mock import MockBackend, Model
from rzero_worker.errors import WorkerFailure
from rzero_worker.mock import language
from rzero_worker.mock.adam import AdamW
from rzero_worker.mock.language import ASSISTANT, END, FIRST_FRAGMENT, Language
from rzero_worker.mock.loss import Scored, sequence_losses
from rzero_worker.mock.policy import CONTEXT_LENGTH, Policy, stream, uniform

# Two words, equally likely at first and after each other; no noise.
TWO_WORDS = Language(
    {
        "groups": {"word": ["yes", "no"]},
        "leak": 0.01,
        "noise": 0.0,
        "contexts": [{"rows": {"<start>": {"word": 1}, "word": {"word": 0.5, "<end>": 0.5}}}],
    }
)
YES, NO = FIRST_FRAGMENT, FIRST_FRAGMENT + 1
EXERCISE = samples.conversation("Write one.", system="Put it between <question> and </question>.")


@pytest.fixture
def backend() -> MockBackend:
    made = MockBackend()
    made.load_model(samples.load())
    return made


def model_of(backend: MockBackend, model_id: str = "m") -> Model:
    return backend._models[model_id]


def completions(batch: p.SampleBatch) -> list[list[int]]:
    tokens = wire.unpack_i32s(batch.tokens)
    out, start = [], 0
    for length in wire.unpack_i32s(batch.lengths):
        out.append(list(tokens[start : start + length]))
        start += length
    return out


def sequences(batch: p.SampleBatch, n: int) -> tuple[list[list[int]], list[int]]:
    """Prompts with their completions, and the mask of the completions."""
    tokens, prompts, start = wire.unpack_i32s(batch.prompt_tokens), [], 0
    for length in wire.unpack_i32s(batch.prompt_lengths):
        prompts.append(list(tokens[start : start + length]))
        start += length
    pairs = [(prompts[index // n], reply) for index, reply in enumerate(completions(batch))]
    mask = [bit for prompt, reply in pairs for bit in [0] * len(prompt) + [1] * len(reply)]
    return [prompt + reply for prompt, reply in pairs], mask


# Text


@given(
    text=st.text(alphabet=st.characters(codec="utf-8")) | st.from_regex(r"(ba|b|<end>|}|é)*", fullmatch=True)
)
@pytest.mark.parametrize("name", language.names())
def test_decode_undoes_encode(name: str, text: str) -> None:
    spoken = language.load(name)
    assert spoken.decode(spoken.encode(text)) == text


@given(tokens=st.lists(st.integers(0, language.load("rzero").vocabulary - 1)))
def test_any_tokens_decode_to_text_that_can_be_sent(tokens: list[int]) -> None:
    language.load("rzero").decode(tokens).encode()


def test_conversation_layout() -> None:
    def turn(role: p.Role, content: str) -> p.Message:
        return p.Message(role=role, content=content)

    asked = [turn(p.Role.SYSTEM, "yes"), turn(p.Role.USER, "no")]
    assert list(TWO_WORDS.encode_conversation(asked)) == [1, YES, 2, NO, 3]
    begun = [*asked, turn(p.Role.ASSISTANT, "no")]
    assert list(TWO_WORDS.encode_conversation(begun)) == [1, YES, 2, NO, 3, NO]
    went_on = [*begun, turn(p.Role.USER, "yes")]
    assert list(TWO_WORDS.encode_conversation(went_on)) == [1, YES, 2, NO, 3, NO, END, 2, YES, 3]


def test_a_fragment_twice_is_no_language() -> None:
    with pytest.raises(ValueError, match="different"):
        Language({**TWO_WORDS.document, "groups": {"word": ["yes", "yes"]}})


# Distributions


def test_initial_probabilities_are_the_documents() -> None:
    policy = Policy(TWO_WORDS, TWO_WORDS.initial_rows(seed=0))
    context = policy.reply_context(array("i", [2, YES, ASSISTANT]))
    start = [math.exp(x) for x in policy.distribution(policy.state(context, ASSISTANT), 1.0)]
    # 22 tokens share 0.01 evenly; the group has the rest, half for each word.
    assert start[YES] == pytest.approx(0.99 / 2 + 0.01 / 22)
    assert start[END] == pytest.approx(0.01 / 22)
    assert sum(start) == pytest.approx(1)


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        # After a word: end 0.5, yes 0.25, no 0.25 (each less the leak).
        ({"top_k": 1}, {END: 1.0}),
        ({"top_k": 2}, {END: 2 / 3, YES: 1 / 3}),
        ({"top_p": 0.3}, {END: 1.0}),
        ({"top_p": 0.6}, {END: 2 / 3, YES: 1 / 3}),
        ({"top_p": 0.95}, {END: 1 / 2, YES: 1 / 4, NO: 1 / 4}),
        # top-k first: of the two that stay, the end has 2/3, which reaches 0.6.
        ({"top_k": 2, "top_p": 0.6}, {END: 1.0}),
        # Squared and made to sum to one: 4/6, 1/6, 1/6.
        ({"top_k": 3, "temperature": 0.5}, {END: 4 / 6, YES: 1 / 6, NO: 1 / 6}),
        ({"temperature": 0.0}, {END: 1.0}),
    ],
)
def test_top_k_and_top_p(changes: dict[str, float], kept: dict[int, float]) -> None:
    policy = Policy(TWO_WORDS, TWO_WORDS.initial_rows(seed=0))
    sampling = samples.sampling(max_tokens=1, **changes)
    prompt = array("i", [2, ASSISTANT, YES])
    drawn = Counter[int]()
    for index in range(600):
        (token,), (logprob,), _ = policy.sample(
            prompt, policy.reply_context(prompt), sampling, stream(0, index)
        )
        drawn[token] += 1
        assert math.exp(logprob) == pytest.approx(kept[token], abs=0.01)
    for token, probability in kept.items():
        # Five standard deviations of the share of 600 draws.
        assert drawn[token] / 600 == pytest.approx(probability, abs=5 * math.sqrt(0.25 / 600))


@given(seed=st.integers(0, 2**32 - 1), sample=st.integers(0, 10**6), counter=st.integers(0, 10**4))
def test_uniforms_are_in_range(seed: int, sample: int, counter: int) -> None:
    assert 0 <= uniform(stream(seed, sample), counter) < 1


def test_uniforms_are_uniform_and_apart() -> None:
    values = [uniform(stream(seed, j), t) for seed in range(10) for j in range(10) for t in range(10)]
    assert len(set(values)) == 1000
    # Mean 1/2 with standard deviation sqrt(1/12/1000) = 0.009; five of them.
    assert sum(values) / 1000 == pytest.approx(0.5, abs=0.046)


# Sampling


def test_a_sample_depends_on_its_seed_and_number_alone(backend: MockBackend) -> None:
    one, two, three = (samples.conversation(text) for text in ("one", "two", "three"))
    batch = samples.sample([one, two, three], n=4, seeds=[7, 8, 9])
    everything = completions(backend.sample(batch, Context()))
    alone = completions(backend.sample(samples.sample([two], n=2, seeds=[8]), Context()))
    assert alone == everything[4:6]
    assert len({tuple(tokens) for tokens in everything}) > 6


def test_a_batch_is_laid_out_as_the_protocol_says(backend: MockBackend) -> None:
    reported: list[tuple[int, int]] = []
    context = Context(lambda done, total: reported.append((done, total)))
    batch = backend.sample(samples.sample([samples.conversation(), EXERCISE], n=20, max_tokens=30), context)
    spoken = model_of(backend).policy.language
    replies = completions(batch)
    assert len(replies) == len(batch.texts) == len(batch.stop_reasons) == 40
    assert sum(map(len, replies)) == len(wire.unpack_f32s(batch.logprobs))
    assert len(wire.unpack_i32s(batch.prompt_lengths)) == 2
    assert set(batch.stop_reasons) == {p.StopReason.STOP, p.StopReason.LENGTH}
    for reply, text, reason in zip(replies, batch.texts, batch.stop_reasons, strict=True):
        assert text == spoken.decode(reply)
        assert (END in reply) == (reason is p.StopReason.STOP)
        assert END not in reply[:-1]
        assert reason is p.StopReason.STOP or len(reply) == 30
    assert reported == [(done, 40) for done in range(1, 41)]


@pytest.mark.parametrize("temperature", [0.3, 1.0, 1.7])
def test_forward_gives_the_log_probs_of_sampling(backend: MockBackend, temperature: float) -> None:
    asked = samples.sample([samples.conversation(), EXERCISE], n=5, temperature=temperature)
    batch = backend.sample(asked, Context())
    tokens, mask = sequences(batch, 5)
    forward = wire.unpack_f32s(backend.forward(samples.forward(tokens, temperature), Context()).logprobs)
    assert [x for x, bit in zip(forward, mask, strict=True) if bit] == list(wire.unpack_f32s(batch.logprobs))
    starts = [sum(map(len, tokens[:index])) for index in range(len(tokens))]
    assert [forward[start] for start in starts] == [0.0] * len(tokens)


def test_a_prefix_is_continued() -> None:
    backend = MockBackend()
    backend.load_model(samples.load(source="mock://rzero"))
    begun = samples.conversation("What is it?", system="Put the answer in a box.", prefix="\\boxed{")
    batch = backend.sample(samples.sample([begun], n=20), Context())
    assert sum(re.match(r"\d\d\}", text) is not None for text in batch.texts) >= 15


def test_a_reply_ends_where_the_context_does(backend: MockBackend) -> None:
    # 4090 other bytes, two digits each, and the tokens of two roles: 8182 of 8192.
    batch = backend.sample(samples.sample([samples.conversation("x" * 4090)], n=40, max_tokens=99), Context())
    assert max(map(len, completions(batch))) == 10


# In fragments, over two of them, of two halves of a byte, and what a half alone decodes to.
STOPS = [["ba"], ["imo", "ab"], list("0123456789:;<=>?"), ["\N{REPLACEMENT CHARACTER}"]]


@pytest.mark.parametrize("stop", STOPS, ids=repr)
def test_a_stop_string_ends_a_sample_with_the_token_that_completes_it(
    backend: MockBackend, stop: list[str]
) -> None:
    spoken = model_of(backend).policy.language
    # Hot, so that there are halves of bytes among the fragments.
    asked = {"n": 200, "max_tokens": 40, "temperature": 9.0}
    free = backend.sample(samples.sample(**asked), Context())
    bound = backend.sample(samples.sample(**asked, stop=stop), Context())
    stopped = 0
    for before, after, text, reason in zip(
        completions(free), completions(bound), bound.texts, bound.stop_reasons, strict=True
    ):
        counts = range(1, len(before) + 1)
        texts = (spoken.decode(before[:count]) for count in counts)
        ends = [any(string in text for string in stop) for text in texts]
        count = ends.index(True) + 1 if True in ends else len(before)
        assert after == before[:count]
        starts = [at for string in stop if (at := spoken.decode(after).find(string)) >= 0]
        assert text == spoken.decode(after)[: min(starts, default=None)]
        assert (reason is p.StopReason.STOP) == (True in ends or END in after)
        stopped += True in ends
    assert 0 < stopped < 200
    assert bound.logprobs != free.logprobs


def test_a_stop_string_that_the_last_token_completes_is_a_stop(backend: MockBackend) -> None:
    (text,) = backend.sample(samples.sample(max_tokens=3), Context()).texts
    batch = backend.sample(samples.sample(max_tokens=3, stop=[text[-1]]), Context())
    assert wire.unpack_i32s(batch.lengths).tolist() <= [3]
    assert (batch.texts, batch.stop_reasons) == ([text[: text.index(text[-1])]], [p.StopReason.STOP])


def test_ten_thousand_conversations(backend: MockBackend) -> None:
    asked = [samples.conversation(str(index)) for index in range(10_000)]
    batch = backend.sample(samples.sample(asked, max_tokens=4), Context())
    assert len(batch.texts) == len(wire.unpack_i32s(batch.prompt_lengths)) == 10_000
    (last,) = completions(backend.sample(samples.sample(asked[-1:], seeds=[9_999], max_tokens=4), Context()))
    assert completions(batch)[-1] == last


def test_a_sequence_as_long_as_the_context_and_no_longer(backend: MockBackend) -> None:
    full = [5] * CONTEXT_LENGTH
    values = wire.unpack_f32s(backend.forward(samples.forward([full]), Context()).logprobs)
    assert len(values) == CONTEXT_LENGTH and all(map(math.isfinite, values))
    assert backend.forward_backward(samples.train([full], [1.0])).tokens == CONTEXT_LENGTH - 1
    for call in (
        lambda: backend.forward(samples.forward([[*full, 5]]), Context()),
        lambda: backend.forward_backward(samples.train([[*full, 5]], [1.0])),
    ):
        with pytest.raises(WorkerFailure, match=f"saw {CONTEXT_LENGTH + 1}") as failure:
            call()
        assert failure.value.code is p.ErrorCode.INVALID_REQUEST


def test_nothing_to_work_on_is_no_error(backend: MockBackend) -> None:
    assert backend.sample(samples.sample([]), Context()).texts == []
    assert backend.forward(samples.forward([]), Context()).logprobs == b""
    result = backend.forward_backward(samples.train([], []))
    assert result == p.ForwardBackwardResult(
        loss=0.0,
        kl=0.0,
        entropy=0.0,
        clip_fraction=0.0,
        ratio_mean=1.0,
        importance_mean=1.0,
        importance_capped=0.0,
        sampler_kl=0.0,
        tokens=0,
    )


def test_the_language_of_the_loop_is_mostly_well_formed_and_divided() -> None:
    backend = MockBackend()
    backend.load_model(samples.load(source="mock://rzero"))
    written = backend.sample(samples.sample([EXERCISE], n=300), Context()).texts
    form = re.compile(r"<question>(.+)</question>\\boxed\{\d\d\}")
    exercises = [match[1] for text in written if (match := form.fullmatch(text))]
    assert 180 <= len(exercises) < 300
    assert len(set(exercises)) > 100
    asked = [samples.conversation(text, system="Put the answer in \\boxed{}.") for text in exercises[:100]]
    replies = backend.sample(samples.sample(asked, n=10), Context()).texts
    shares = []
    for index in range(100):
        boxed = [re.search(r"\\boxed\{(\d\d)\}", text) for text in replies[10 * index : 10 * index + 10]]
        votes = Counter(match[1] for match in boxed if match)
        shares.append(max(votes.values()) / 10)
    assert 20 <= sum(0.3 <= share <= 0.8 for share in shares) <= 90


# Loss and gradient


@pytest.mark.parametrize(
    ("new", "old", "ref", "advantage", "changes", "loss", "slope", "clipped"),
    [
        # No old log-probs: ratio 1, so the loss is -A and its slope too.
        (-1.0, None, None, 2.0, {}, -2.0, -2.0, False),
        # Ratio 1.1, inside [0.8, 1.3].
        (math.log(1.1), 0.0, None, 2.0, {}, -2.2, -2.2, False),
        # Ratio 1.5: a gain is cut at 1.3 ...
        (math.log(1.5), 0.0, None, 2.0, {}, -2.6, 0.0, True),
        # ... a loss is not, up to the dual bound.
        (math.log(1.5), 0.0, None, -2.0, {}, 3.0, 3.0, False),
        (math.log(4.0), 0.0, None, -2.0, {}, 6.0, 0.0, True),
        (math.log(4.0), 0.0, None, -2.0, {"dual_clip": 0.0}, 8.0, 8.0, False),
        # Ratio 0.5: for a negative advantage, the loss stays at 0.8.
        (math.log(0.5), 0.0, None, -2.0, {}, 1.6, 0.0, True),
        (math.log(0.5), 0.0, None, 2.0, {}, -1.0, -1.0, False),
        # k3 with d = log 2: 2 - log 2 - 1, slope 1 - 2; half of each.
        (-1.0, None, -1.0 + math.log(2), 0.0, {"kl_coef": 0.5}, 0.5 * (1 - math.log(2)), -0.5, False),
        # d = 3: exp(3) - 4 is above 10, so it counts 10 and has no slope.
        (-4.0, None, -1.0, 0.0, {"kl_coef": 0.5}, 5.0, 0.0, False),
        # d = -30 is taken as -20: exp(-20) + 20 - 1, again above 10.
        (-1.0, None, -31.0, 0.0, {"kl_coef": 0.5}, 5.0, 0.0, False),
        # A log-ratio of 30 is taken as 20; with a negative advantage, the dual bound holds.
        (-1.0, -31.0, None, -2.0, {}, 6.0, 0.0, True),
    ],
)
def test_grpo_by_hand(
    new: float,
    old: float | None,
    ref: float | None,
    advantage: float,
    changes: dict[str, float],
    loss: float,
    slope: float,
    clipped: bool,
) -> None:
    scored = Scored(new, new if old is None else old, ref)
    (token,) = sequence_losses([scored], advantage, samples.loss(**changes))
    assert (token.loss, token.slope) == pytest.approx((loss, slope))
    assert token.clipped is clipped


@pytest.mark.parametrize(
    ("name", "ratio", "advantage", "loss", "slope", "clipped"),
    [
        # CISPO: -A clip(r) new, where the clipped r is a constant, so that beyond a bound the slope stays.
        ("cispo", 1.1, 2.0, -2 * 1.1 * math.log(1.1), -2.2, False),
        ("cispo", 1.5, 2.0, -2 * 1.3 * math.log(1.5), -2.6, True),
        ("cispo", 1.5, -2.0, 2 * 1.3 * math.log(1.5), 2.6, True),
        ("cispo", 0.5, 2.0, -2 * 0.8 * math.log(0.5), -1.6, True),
        ("cispo", 0.5, -2.0, 2 * 0.8 * math.log(0.5), 1.6, True),
        # The dual bound means nothing to it.
        ("cispo", 4.0, -2.0, 2 * 1.3 * math.log(4), 2.6, True),
        # REINFORCE: -A new, whatever the ratio.
        ("policy_gradient", 1.5, 2.0, -2 * math.log(1.5), -2.0, False),
        ("policy_gradient", 4.0, -2.0, 2 * math.log(4), 2.0, False),
        # GSPO of one token is GRPO.
        ("gspo", 1.5, 2.0, -2.6, 0.0, True),
        ("gspo", 4.0, -2.0, 6.0, 0.0, True),
    ],
)
def test_other_losses_by_hand(
    name: str, ratio: float, advantage: float, loss: float, slope: float, clipped: bool
) -> None:
    spec = samples.loss(name=p.Loss(name))
    (token,) = sequence_losses([Scored(math.log(ratio), 0.0)], advantage, spec)
    assert (token.loss, token.slope, token.ratio) == pytest.approx((loss, slope, ratio))
    assert token.clipped is clipped


def test_gspo_has_one_ratio_a_sequence() -> None:
    # Log-ratios 0.3 and -0.1: s = exp(0.1), inside the bounds though the first token's own ratio is not.
    tokens = [Scored(-0.7, -1.0), Scored(-1.1, -1.0)]
    for aggregation, share in (("token", 1.0), ("sequence", 0.5)):
        spec = samples.loss(name=p.Loss.GSPO, aggregation=p.Aggregation(aggregation))
        losses = sequence_losses(tokens, 2.0, spec)
        for token in losses:
            assert token.ratio == pytest.approx(math.exp(0.1))
            assert token.loss == pytest.approx(share * -2 * math.exp(0.1))
            # Two terms, each with half a token's log-prob.
            assert token.slope == pytest.approx(share * -2 * math.exp(0.1))
            assert not token.clipped
    # The mean log-ratio is 0.3, above log 1.3: both tokens count as clipped, also the one inside.
    clipped = sequence_losses([Scored(-0.4, -1.0), Scored(-1.0, -1.0)], 2.0, samples.loss(name=p.Loss.GSPO))
    assert [(token.clipped, token.slope) for token in clipped] == [(True, 0.0)] * 2
    assert [token.loss for token in clipped] == pytest.approx([-2.6] * 2)


@pytest.mark.parametrize(
    ("estimator", "kl", "slope"),
    # d = log ref - log new = -0.5.
    [("k1", 0.5, 1.0), ("k2", 0.125, 0.5), ("k3", math.exp(-0.5) - 0.5, 1 - math.exp(-0.5))],
)
def test_kl_estimators_by_hand(estimator: str, kl: float, slope: float) -> None:
    spec = samples.loss(kl_coef=0.1, kl_estimator=p.KlEstimator(estimator))
    (token,) = sequence_losses([Scored(-1.0, -1.0, ref=-1.5)], 0.0, spec)
    assert (token.kl, token.loss, token.slope) == pytest.approx((kl, 0.1 * kl, 0.1 * slope))


def test_importance_weighs_the_policy_term_alone_and_is_truncated() -> None:
    spec = samples.loss(kl_coef=0.1, importance_cap=2.0)
    # policy / sampler is 1.5, and 4, of which 2 is left.
    tokens = [Scored(-1.0, -1.0, -1.5, -1.0 - math.log(1.5)), Scored(-1.0, -1.0, -1.5, -1.0 - math.log(4))]
    kl, kl_slope = 0.1 * (math.exp(-0.5) - 0.5), 0.1 * (1 - math.exp(-0.5))
    losses = sequence_losses(tokens, 2.0, spec)
    assert [token.loss for token in losses] == pytest.approx([-3.0 + kl, -4.0 + kl])
    assert [token.slope for token in losses] == pytest.approx([-3.0 + kl_slope, -4.0 + kl_slope])
    assert [(token.weight, token.capped) for token in losses] == [(pytest.approx(1.5), False), (2.0, True)]
    # k3 with d = log 1.5: 1.5 - log 1.5 - 1.
    assert losses[0].sampler_kl == pytest.approx(0.5 - math.log(1.5))
    # It is reported where nothing is weighed, too.
    unweighed = sequence_losses(tokens, 2.0, samples.loss())
    assert [(token.weight, token.capped) for token in unweighed] == [(1.0, False)] * 2
    assert [token.sampler_kl for token in unweighed] == [token.sampler_kl for token in losses]


def test_importance_is_of_each_token_in_gspo() -> None:
    spec = samples.loss(name=p.Loss.GSPO, importance_cap=9.0)
    tokens = [Scored(-1.0, -1.0, None, -1.0), Scored(-1.0, -1.0, None, -1.0 - math.log(3))]
    losses = sequence_losses(tokens, 2.0, spec)
    assert [token.loss for token in losses] == pytest.approx([-2.0, -6.0])
    assert [token.slope for token in losses] == pytest.approx([-4.0, -4.0])  # the mean of both


def test_aggregation_by_sequence_is_the_sum_of_means(backend: MockBackend) -> None:
    backend.load_model(samples.load("other"))
    data, advantages = [[3, 21, 22, 0], [2, 30], [5, 6]], [1.0, -0.5, 2.0]
    mask = [0, 1, 1, 1, 0, 1, 0, 0]  # of the last sequence, nothing is trained
    ref = [-1.0] * 8
    changes = {"ref": ref, "kl_coef": 0.1, "normalizer": 2.0}
    by_sequence = backend.forward_backward(
        samples.train(data, advantages, mask=mask, aggregation=p.Aggregation.SEQUENCE, **changes)
    )
    parts = [
        backend.forward_backward(
            samples.train(data[i : i + 1], advantages[i : i + 1], mask=part, model_id="other", **one)
        )
        for i, part, one in (
            (0, mask[:4], {**changes, "ref": ref[:4], "normalizer": 6.0}),
            (1, mask[4:6], {**changes, "ref": ref[:2], "normalizer": 2.0}),
        )
    ]
    assert by_sequence.loss == pytest.approx(sum(part.loss for part in parts))
    assert by_sequence.tokens == 4
    for index, row in model_of(backend, "other").gradient.items():
        assert model_of(backend).gradient[index] == pytest.approx(row, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    advantages=st.lists(st.floats(-2, 2), min_size=2, max_size=2),
    clip_low=st.floats(0.05, 0.9),
    clip_high=st.floats(0.05, 0.9),
    dual_clip=st.sampled_from([0.0, 1.5, 3.0]),
    kl_coef=st.sampled_from([0.0, 0.1, 1.0]),
    kl_estimator=st.sampled_from(list(p.KlEstimator)),
    importance_cap=st.sampled_from([0.0, 1.2, 4.0]),
    aggregation=st.sampled_from(list(p.Aggregation)),
    name=st.sampled_from([p.Loss.GRPO, p.Loss.GSPO, p.Loss.POLICY_GRADIENT]),
    temperature=st.floats(0.5, 2.0),
)
def test_gradient_is_the_slope_of_the_loss(
    data: st.DataObject,
    advantages: list[float],
    clip_low: float,
    clip_high: float,
    dual_clip: float,
    kl_coef: float,
    kl_estimator: p.KlEstimator,
    importance_cap: float,
    aggregation: p.Aggregation,
    name: p.Loss,
    temperature: float,
) -> None:
    """Of every loss but CISPO, whose ratio is a constant though the loss's value moves with it."""
    backend = MockBackend()
    backend.load_model(samples.load(seed=data.draw(st.integers(0, 99))))
    model = model_of(backend)
    batch = backend.sample(samples.sample(n=2, max_tokens=6), Context())
    tokens, mask = sequences(batch, 2)
    current = wire.unpack_f32s(backend.forward(samples.forward(tokens, temperature), Context()).logprobs)
    shift = st.lists(st.floats(-0.9, 0.9), min_size=len(mask), max_size=len(mask))
    old = [x + d for x, d in zip(current, data.draw(shift), strict=True)]
    ref = [x + d for x, d in zip(current, data.draw(shift), strict=True)]
    params = samples.train(
        tokens,
        advantages,
        mask=mask,
        old=old,
        ref=ref,
        sampled=[x + d for x, d in zip(current, data.draw(shift), strict=True)],
        name=name,
        aggregation=aggregation,
        kl_estimator=kl_estimator,
        importance_cap=importance_cap,
        normalizer=3.0,
        clip_low=clip_low,
        clip_high=clip_high,
        dual_clip=dual_clip,
        kl_coef=kl_coef,
        temperature=temperature,
    )
    backend.forward_backward(params)
    gradient = model.gradient
    rows = model.policy.rows
    visited = sorted(gradient)
    index = data.draw(st.sampled_from(visited))
    column = data.draw(st.integers(0, len(rows[index]) - 1))
    kept, losses = rows[index][column], []
    # A bound of the clip is a kink: steps on both sides of it would disagree, which is no error.
    step = 1e-5
    for value in (kept - step, kept, kept + step):
        rows[index][column] = value
        model.policy.changed()
        model.gradient = {}
        losses.append(backend.forward_backward(params).loss)
    left, right = (losses[1] - losses[0]) / step, (losses[2] - losses[1]) / step
    slope = gradient[index][column]
    assert min(left, right) - 1e-4 <= slope <= max(left, right) + 1e-4


def test_splitting_a_batch_leaves_the_gradient() -> None:
    backend = MockBackend()
    for model_id in ("whole", "split"):
        backend.load_model(samples.load(model_id))
    first, second = [3, 21, 22, 0], [2, 30, 3, 25, 25, 0]
    kwargs = {"normalizer": 7.0, "temperature": 0.9}
    backend.forward_backward(samples.train([first, second], [1.0, -0.5], model_id="whole", **kwargs))
    backend.forward_backward(samples.train([first], [1.0], model_id="split", **kwargs))
    backend.forward_backward(samples.train([second], [-0.5], model_id="split", **kwargs))
    whole, split = (model_of(backend, model_id).gradient for model_id in ("whole", "split"))
    assert whole.keys() == split.keys()
    for index, row in whole.items():
        assert split[index] == pytest.approx(row, abs=1e-12)


def test_advantage_moves_log_probs_its_way(backend: MockBackend) -> None:
    liked, disliked, ignored = [3, 21, 22, 0], [3, 23, 24, 0], [3, 25, 26, 0]

    def totals() -> list[float]:
        result = backend.forward(samples.forward([liked, disliked]), Context())
        values = wire.unpack_f32s(result.logprobs)
        return [sum(values[:4]), sum(values[4:])]

    before = totals()
    report = backend.forward_backward(samples.train([liked, disliked, ignored], [1.0, -1.0, 0.0]))
    assert (report.tokens, report.ratio_mean, report.clip_fraction, report.kl) == (9, 1.0, 0.0, 0.0)
    assert report.loss == 0.0
    assert 0 < report.entropy < math.log(34)
    backend.optim_step(samples.step())
    after = totals()
    assert after[0] > before[0]
    assert after[1] < before[1]


def test_adamw_by_hand() -> None:
    rows = [[1.0, -1.0], [2.0, 2.0]]
    adam = samples.step(learning_rate=0.1, weight_decay=0.5, epsilon=1e-8, max_grad_norm=1.0).adam
    optimizer = AdamW()
    # The norm of (3, -4) is 5, clipped to 1: (0.6, -0.8). In the first step m / sqrt(v) after correction is
    # the gradient's sign, so w = w * (1 - 0.1 * 0.5) - 0.1 * sign. The other row only decays.
    assert optimizer.step(rows, {0: [3.0, -4.0]}, adam) == 5.0
    assert rows[0] == pytest.approx([0.95 - 0.1, -0.95 + 0.1])
    assert rows[1] == pytest.approx([1.9, 1.9])
    # Without a gradient: m = 0.9 * 0.06 = 0.054, corrected by 1 - 0.81 to 0.2842; v = 0.999 * 0.00036,
    # corrected by 1 - 0.998001 to 0.1799, whose root is 0.4242; the step is 0.1 * 0.67.
    m, v = 0.9 * 0.1 * 0.6 / (1 - 0.9**2), 0.999 * 0.001 * 0.36 / (1 - 0.999**2)
    assert optimizer.step(rows, {}, adam) == 0.0
    assert rows[0][0] == pytest.approx(0.85 * 0.95 - 0.1 * m / math.sqrt(v))


# Weights


def test_sample_changes_only_when_weights_are_published(backend: MockBackend) -> None:
    request = samples.sample(n=10)
    before = backend.sample(request, Context())
    backend.forward_backward(samples.train([[3, 21, 22, 0]], [1.0]))
    backend.optim_step(samples.step(learning_rate=1.0))
    assert backend.sample(request, Context()) == before
    published = backend.publish_weights(p.PublishWeightsParams(model_id="m"))
    after = backend.sample(request, Context())
    assert (before.weights_version, published.weights_version, after.weights_version) == (0, 1, 1)
    assert after.texts != before.texts


def test_weights_have_the_version_that_was_asked_for(backend: MockBackend, tmp_path: Path) -> None:
    def publish(version: int | None) -> int:
        params = p.PublishWeightsParams(model_id="m", weights_version=version)
        return backend.publish_weights(params).weights_version

    assert backend.sample(samples.sample(weights_version=0), Context()).weights_version == 0
    assert publish(7) == 7
    published = model_of(backend).published
    training(backend)
    assert publish(7) == 7
    assert model_of(backend).published is published  # repeated, it copies nothing
    with pytest.raises(WorkerFailure, match="saw 6") as failure:
        publish(6)
    assert failure.value.code is p.ErrorCode.STALE_WEIGHTS
    assert publish(None) == 8
    with pytest.raises(WorkerFailure, match="saw 7.*8") as failure:
        backend.sample(samples.sample(weights_version=7), Context())
    assert failure.value.code is p.ErrorCode.STALE_WEIGHTS
    backend.save_checkpoint(save(tmp_path / "c"))
    for asked, version in ((3, 3), (None, 4), (0, 0)):
        params = p.LoadCheckpointParams(model_id="m", path=str(tmp_path / "c"), weights_version=asked)
        assert backend.load_checkpoint(params).weights_version == version
        assert backend.sample(samples.sample(weights_version=version), Context()).weights_version == version


def average(share: float, model_id: str = "m", towards: str = "other") -> p.AverageWeightsParams:
    return p.AverageWeightsParams(model_id=model_id, towards=towards, share=share)


def test_an_average_moves_every_weight_by_its_share(backend: MockBackend) -> None:
    backend.load_model(samples.load("other", seed=9, trainable=False))
    before = [row.copy() for row in model_of(backend).policy.rows]
    towards = [row.copy() for row in model_of(backend, "other").policy.rows]
    published = model_of(backend).published
    assert backend.average_weights(average(0.25)).weights_version == 0
    for row, old, goal in zip(model_of(backend).policy.rows, before, towards, strict=True):
        assert row == pytest.approx([0.75 * a + 0.25 * b for a, b in zip(old, goal, strict=True)])
    assert model_of(backend, "other").policy.rows == towards
    assert model_of(backend).published is published
    # A frozen model's weights are the published ones, too.
    assert backend.average_weights(average(1.0, "other", "m")).weights_version == 1
    frozen = model_of(backend, "other")
    assert frozen.published.rows == frozen.policy.rows


def proof_of(backend: MockBackend) -> p.WeightsProof:
    """Prove the weights that are published already."""
    version = model_of(backend).version
    return backend.publish_weights(p.PublishWeightsParams(model_id="m", weights_version=version)).proof


def test_the_proof_is_of_the_published_weights(backend: MockBackend, tmp_path: Path) -> None:
    before = proof_of(backend)
    vocabulary = model_of(backend).policy.language.vocabulary
    tokens = [7919 * (index + 1) % vocabulary for index in range(16)]
    assert before.probe == backend.forward(samples.forward([tokens]), Context()).logprobs
    training(backend)
    assert proof_of(backend) == before
    after = backend.publish_weights(p.PublishWeightsParams(model_id="m")).proof
    assert after.checksum != before.checksum
    assert after.probe != before.probe
    backend.save_checkpoint(save(tmp_path / "c"))
    training(backend)
    loaded = backend.load_checkpoint(p.LoadCheckpointParams(model_id="m", path=str(tmp_path / "c")))
    assert loaded.proof == after


def test_one_weight_more_or_less_is_another_checksum(backend: MockBackend) -> None:
    before = proof_of(backend)
    row = model_of(backend).policy.rows[0]
    row[0] = math.nextafter(row[0], math.inf)
    after = backend.publish_weights(p.PublishWeightsParams(model_id="m")).proof
    assert after.checksum != before.checksum


def test_adapters_are_refused_and_the_rest_of_training_has_no_effect() -> None:
    def training_with(rank: int) -> p.Training:
        return p.Training(pack_tokens=64, recompute=True, offload=True, lora_rank=rank, lora_alpha=32.0)

    backend = MockBackend()
    with pytest.raises(WorkerFailure) as failure:
        backend.load_model(samples.load(training=training_with(8)))
    assert failure.value.code is p.ErrorCode.INVALID_REQUEST
    assert failure.value.message == "training.loraRank: saw 8, allowed is 0: this worker has no adapters"
    backend.load_model(samples.load(training=training_with(0)))
    trained = training(backend)
    backend.load_model(samples.load())
    assert training(backend) == trained


# What is not finite


def test_a_loss_that_is_not_finite_changes_nothing_and_names_its_sequences(backend: MockBackend) -> None:
    backend.forward_backward(samples.train([[3, 21, 0]], [1.0]))
    before = json.dumps(model_of(backend).gradient)
    data = [[3, 21, 0], [3, 22, 0], [3, 23, 0], [3, 24, 0]]
    with pytest.raises(WorkerFailure, match=r"the loss of sequence 1, 3 is not finite") as failure:
        backend.forward_backward(samples.train(data, [0.0, 3e38, 1e-20, -3e38], normalizer=1e-280))
    assert failure.value.code is p.ErrorCode.NOT_FINITE
    assert json.dumps(model_of(backend).gradient) == before


def test_a_sum_that_is_not_finite_changes_nothing(backend: MockBackend) -> None:
    wide = [3, *[21] * 50, 0]
    with pytest.raises(WorkerFailure, match="sequences 0 to 1 is not finite") as failure:
        backend.forward_backward(samples.train([wide, wide], [1.0, 1.0], normalizer=1e-307))
    assert failure.value.code is p.ErrorCode.NOT_FINITE
    assert model_of(backend).gradient == {}


def test_a_step_on_a_gradient_that_is_too_large_drops_it(backend: MockBackend) -> None:
    before = json.dumps(model_of(backend).policy.rows)
    backend.forward_backward(samples.train([[3, 21, 0]], [1.0], normalizer=1e-200))
    with pytest.raises(WorkerFailure, match="norm of the gradient") as failure:
        backend.optim_step(samples.step())
    assert failure.value.code is p.ErrorCode.NOT_FINITE
    assert json.dumps(model_of(backend).policy.rows) == before
    assert model_of(backend).optimizer.steps == 0
    assert backend.optim_step(samples.step()).grad_norm == 0


def test_models_of_two_languages_have_no_average(backend: MockBackend) -> None:
    backend.load_model(samples.load("other", source="mock://rzero"))
    before = json.dumps(model_of(backend).policy.rows)
    with pytest.raises(WorkerFailure, match="'other'.*'m'") as failure:
        backend.average_weights(average(0.5))
    assert failure.value.code is p.ErrorCode.INVALID_REQUEST
    assert json.dumps(model_of(backend).policy.rows) == before


def test_models_are_apart(backend: MockBackend) -> None:
    backend.load_model(samples.load("other"))
    before = json.dumps(model_of(backend, "other").policy.rows)
    backend.forward_backward(samples.train([[3, 21, 0]], [1.0]))
    backend.optim_step(samples.step(weight_decay=0.1))
    assert json.dumps(model_of(backend, "other").policy.rows) == before
    backend.unload_model(p.UnloadModelParams(model_id="m"))
    with pytest.raises(WorkerFailure, match="'m'"):
        backend.forward(samples.forward([[1]]), Context())
    backend.sample(samples.sample(model_id="other"), Context())


def test_cancel_ends_a_call(backend: MockBackend) -> None:
    import threading

    cancelled = threading.Event()
    context = Context(lambda done, total: cancelled.set(), cancelled)
    with pytest.raises(WorkerFailure) as failure:
        backend.sample(samples.sample(n=100), context)
    assert failure.value.code is p.ErrorCode.CANCELLED


# Files


def save(path: Path, with_optimizer: bool = True) -> p.SaveCheckpointParams:
    return p.SaveCheckpointParams(model_id="m", path=str(path), with_optimizer=with_optimizer)


def training(backend: MockBackend, rate: float = 0.1) -> list[list[float]]:
    """One step; returns the rows after it."""
    backend.forward_backward(samples.train([[3, 21, 22, 0]], [1.0]))
    backend.optim_step(samples.step(learning_rate=rate, weight_decay=0.01))
    return [row.copy() for row in model_of(backend).policy.rows]


def test_saved_training_goes_on_as_if_never_interrupted(backend: MockBackend, tmp_path: Path) -> None:
    training(backend)
    path = tmp_path / "new" / "checkpoint"
    result = backend.save_checkpoint(save(path))
    assert result.bytes == sum(file.stat().st_size for file in path.iterdir())
    assert sorted(file.name for file in path.iterdir()) == [
        "config.json",
        "manifest.json",
        "optimizer.json",
        "weights.json",
    ]
    saved = manifest.verify(str(path), result.manifest_sha256)
    assert (saved.steps, saved.weights_version) == (1, 0)
    uninterrupted = training(backend)
    backend.forward_backward(samples.train([[3, 30, 0]], [1.0]))  # a gradient that loading forgets
    loaded = backend.load_checkpoint(p.LoadCheckpointParams(model_id="m", path=str(path)))
    assert (loaded.weights_version, loaded.steps) == (1, 1)
    assert training(backend) == uninterrupted


def test_without_the_optimizer_it_starts_fresh(backend: MockBackend, tmp_path: Path) -> None:
    training(backend)
    backend.save_checkpoint(save(tmp_path / "c", with_optimizer=False))
    uninterrupted = training(backend)
    loaded = backend.load_checkpoint(p.LoadCheckpointParams(model_id="m", path=str(tmp_path / "c")))
    assert loaded.steps == model_of(backend).optimizer.steps == 0
    assert training(backend) != uninterrupted


def test_a_saved_folder_is_a_source(backend: MockBackend, tmp_path: Path) -> None:
    rows = training(backend)
    backend.save_checkpoint(save(tmp_path / "c"))
    result = backend.load_model(samples.load("again", source=str(tmp_path / "c"), seed=5))
    assert result.weights_version == 0
    assert model_of(backend, "again").policy.rows == rows


def test_a_path_that_exists_is_left_alone(backend: MockBackend, tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    with pytest.raises(WorkerFailure, match="exists") as failure:
        backend.save_checkpoint(save(tmp_path / "c"))
    assert failure.value.code is p.ErrorCode.IO_ERROR
    assert list((tmp_path / "c").iterdir()) == []


def test_a_failed_write_leaves_nothing(
    backend: MockBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(WorkerFailure, match="No space left") as failure:
        backend.save_checkpoint(save(tmp_path / "c"))
    assert failure.value.code is p.ErrorCode.IO_ERROR
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("weights.json", None, "weights.json is missing"),
        ("weights.json", "{", "not JSON"),
        ("weights.json", '{"rows": [[1.0]]}', "finite numbers"),
        ("weights.json", '{"rows": []}', "0 rows"),
        ("weights.json", "[]", "TypeError"),
        ("config.json", None, "config.json is missing"),
        ("config.json", '{"format": "other"}', "format is not"),
        ("config.json", '{"format": "rzero-mock-1", "language": {}}', "groups"),
        ("optimizer.json", '{"steps": 1, "first": {"0": [1]}, "second": {}}', "finite numbers"),
        ("optimizer.json", '{"steps": 1}', "first"),
    ],
)
def test_a_damaged_folder_is_refused_and_changes_nothing(
    backend: MockBackend, tmp_path: Path, name: str, content: str | None, said: str
) -> None:
    path = tmp_path / "c"
    backend.save_checkpoint(save(path))
    (path / name).unlink()
    if content is not None:
        (path / name).write_text(content)
    before = model_of(backend).policy.rows
    with pytest.raises(WorkerFailure, match=said) as failure:
        backend.load_checkpoint(p.LoadCheckpointParams(model_id="m", path=str(path)))
    assert failure.value.code is p.ErrorCode.IO_ERROR
    assert model_of(backend).policy.rows is before
    with pytest.raises(WorkerFailure, match=said) as failure:
        backend.load_model(samples.load(source=str(path)))
    assert failure.value.code is p.ErrorCode.MODEL_UNLOADABLE
    assert model_of(backend).policy.rows is before


def test_a_checkpoint_of_another_language_is_refused(backend: MockBackend, tmp_path: Path) -> None:
    backend.load_model(samples.load("m", source="mock://rzero"))
    backend.save_checkpoint(save(tmp_path / "c"))
    backend.load_model(samples.load())
    with pytest.raises(WorkerFailure, match="another language") as failure:
        backend.load_checkpoint(p.LoadCheckpointParams(model_id="m", path=str(tmp_path / "c")))
    assert failure.value.code is p.ErrorCode.IO_ERROR


def test_the_seed_decides_a_fresh_model() -> None:
    spoken = language.load("babble")
    assert spoken.initial_rows(1) == spoken.initial_rows(1) != spoken.initial_rows(2)
