"""Losses against numbers worked by hand, TRL's own, an independent version, and finite differences."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_models  # noqa: F401 - sets the threads
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rzero_worker import protocol as p
from rzero_worker.losses import KL_ESTIMATORS, POLICY_TERMS, Scored, TokenLosses, k1, k2, k3, token_losses

GOLDEN = json.loads((Path(__file__).parent / "golden" / "trl_losses.json").read_text())


def loss_spec(**changes) -> p.LossSpec:
    given = dict(
        name="grpo",
        aggregation="token",
        clip_low=0.2,
        clip_high=0.3,
        dual_clip=3.0,
        kl_coef=0.0,
        kl_estimator="k3",
        importance_cap=0.0,
        temperature=1.0,
    )
    given |= changes
    given["name"], given["aggregation"] = p.Loss(given["name"]), p.Aggregation(given["aggregation"])
    return p.LossSpec(**{**given, "kl_estimator": p.KlEstimator(given["kl_estimator"])})


def tensor(values, **kwargs) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, **kwargs)


def scored(new, advantages, *, old=None, ref=None, sample=None, lengths=None) -> Scored:
    """Tokens of sequences of these lengths, by default one; advantages are the tokens'."""
    old, ref, sample = (None if x is None else tensor(x) for x in (old, ref, sample))
    sequence = torch.tensor(np.repeat(np.arange(len(lengths)), lengths) if lengths else [0] * len(new))
    return Scored(tensor(new, requires_grad=True), old, ref, sample, tensor(advantages), sequence)


def slopes(tokens: Scored, losses: TokenLosses) -> list[float]:
    """The gradient of the sum of the losses."""
    (grad,) = torch.autograd.grad(losses.loss.sum(), tokens.new)
    return grad.tolist()


def approx(values) -> object:
    return pytest.approx(values, abs=1e-12)


def test_every_name_of_the_protocol_is_computed() -> None:
    assert POLICY_TERMS.keys() == set(p.Loss) and KL_ESTIMATORS.keys() == set(p.KlEstimator)


@pytest.mark.parametrize("advantage", [2.0, -0.5, 0.0])
@pytest.mark.parametrize("ratio", [0.1, 1.0, 7.0])
def test_the_policy_gradient_is_minus_a_log_pi_whatever_the_ratio(advantage: float, ratio: float) -> None:
    tokens = scored([-1.5], [advantage], old=[-1.5 - math.log(ratio)])
    losses = token_losses(tokens, loss_spec(name="policy_gradient"))
    assert losses.loss.item() == approx(advantage * 1.5)
    assert slopes(tokens, losses) == approx([-advantage])
    assert losses.ratio.item() == pytest.approx(ratio)
    assert not losses.clipped.any()


@pytest.mark.parametrize(
    ("advantage", "ratio", "dual_clip", "loss", "slope", "clipped"),
    [
        # Worked with bounds 0.8 and 1.3; the slope is d loss / d log pi_new.
        (2.0, 1.0, 3.0, -2.0, -2.0, False),
        (1.0, 1.5, 3.0, -1.3, 0.0, True),  # max(-1.5, -1.3)
        (1.0, 0.5, 3.0, -0.5, -0.5, False),  # max(-0.5, -0.8)
        (-1.0, 0.5, 3.0, 0.8, 0.0, True),  # max(0.5, 0.8)
        (-1.0, 2.0, 3.0, 2.0, 2.0, False),  # max(2, 1.3), below the cap of 3
        (-1.0, 4.0, 3.0, 3.0, 0.0, True),  # 4, capped at 3
        (-1.0, 4.0, 0.0, 4.0, 4.0, False),  # no cap
        (-2.0, 4.0, 3.0, 6.0, 0.0, True),  # 8, capped at 2 * 3
        (0.0, 4.0, 3.0, 0.0, 0.0, False),
    ],
)
def test_the_clipped_policy_term(advantage, ratio, dual_clip, loss, slope, clipped) -> None:
    tokens = scored([math.log(ratio) - 5], [advantage], old=[-5.0])
    losses = token_losses(tokens, loss_spec(dual_clip=dual_clip))
    assert losses.loss.item() == approx(loss)
    assert slopes(tokens, losses) == approx([slope])
    assert losses.clipped.item() is clipped
    assert losses.ratio.item() == pytest.approx(ratio)


def test_gspo_has_the_ratio_of_a_sequence_and_a_gradient_through_each_of_its_tokens() -> None:
    # Sequence 0: log-ratios ln 4, 0 and ln 2, so that s = (4 * 1 * 2)^(1/3) = 2, within 0.2 and 4.
    # Sequence 1: ln 9 and 0, s = 3. Each token has -A s, whose slope by each log-prob of the sequence is
    # -A s / length.
    old = [-1.0] * 5
    new = [math.log(4) - 1, -1.0, math.log(2) - 1, math.log(9) - 1, -1.0]
    tokens = scored(new, [1.5] * 3 + [-1.0] * 2, old=old, lengths=[3, 2])
    losses = token_losses(tokens, loss_spec(name="gspo", clip_low=0.8, clip_high=3.0, dual_clip=0.0))
    assert losses.ratio.tolist() == approx([2, 2, 2, 3, 3])
    assert losses.loss.tolist() == approx([-3, -3, -3, 3, 3])
    assert slopes(tokens, losses) == approx([-3, -3, -3, 3, 3])  # e.g. 3 tokens * -1.5 * 2 / 3
    assert not losses.clipped.any()
    # Its means over sequences, as the paper has them: -A s, with the slope divided among the tokens.
    losses = token_losses(
        tokens, loss_spec(name="gspo", clip_low=0.8, clip_high=3.0, dual_clip=0.0, aggregation="sequence")
    )
    assert losses.loss.tolist() == approx([-1, -1, -1, 1.5, 1.5])
    assert slopes(tokens, losses) == approx([-1, -1, -1, 1.5, 1.5])


def test_gspo_clips_whole_sequences() -> None:
    # s = 2 again, above 1.3: with A > 0 nothing is left, although the second token's own ratio is 1. With
    # A < 0 the pessimistic side is the free one, up to the dual clip.
    new, old = [math.log(4), 0.0, math.log(2)], [0.0] * 3
    for advantage, dual_clip, loss, slope, clipped in (
        (1.0, 0.0, -1.3, 0.0, True),
        (-1.0, 0.0, 2.0, 2.0, False),
        (-1.0, 1.5, 1.5, 0.0, True),
    ):
        tokens = scored(new, [advantage] * 3, old=old)
        losses = token_losses(tokens, loss_spec(name="gspo", dual_clip=dual_clip))
        assert losses.loss.tolist() == approx([loss] * 3)
        assert slopes(tokens, losses) == approx([slope] * 3)
        assert losses.clipped.tolist() == [clipped] * 3


@pytest.mark.parametrize(
    ("advantage", "ratio", "clip_low", "weight"),
    [
        (2.0, 1.0, 1.0, 1.0),
        (2.0, 5.0, 1.0, 1.3),
        (-1.0, 5.0, 1.0, 1.3),  # where grpo's term is free
        (-1.0, 0.1, 1.0, 0.1),  # no bound below, as in the paper
        (-1.0, 0.1, 0.2, 0.8),
        (0.0, 5.0, 0.2, 1.3),
    ],
)
def test_cispo_bounds_a_weight_and_keeps_the_gradient(advantage, ratio, clip_low, weight) -> None:
    tokens = scored([-2.0], [advantage], old=[-2.0 - math.log(ratio)])
    losses = token_losses(tokens, loss_spec(name="cispo", clip_low=clip_low))
    assert losses.loss.item() == approx(advantage * weight * 2)
    assert slopes(tokens, losses) == approx([-advantage * weight])
    assert losses.clipped.item() is (weight != ratio)
    assert losses.ratio.item() == pytest.approx(ratio)


@pytest.mark.parametrize("name", ["grpo", "gspo", "cispo", "policy_gradient"])
def test_on_its_own_samples_every_loss_has_the_policy_gradient(name: str) -> None:
    tokens = scored([-1.0, -2.0, -0.1], [0.5, 0.5, -1.5], lengths=[2, 1])
    losses = token_losses(tokens, loss_spec(name=name))
    assert losses.ratio.tolist() == [1.0, 1.0, 1.0]
    assert slopes(tokens, losses) == approx([-0.5, -0.5, 1.5])
    assert not losses.clipped.any()


D = math.log(2)


@pytest.mark.parametrize(
    ("estimator", "d", "kl", "slope"),
    [
        # d = log pi_ref - log pi_new; the slope is that by log pi_new, minus the one by d.
        (k1, 0.0, 0.0, 1.0),
        (k1, D, -D, 1.0),
        (k1, -3.0, 3.0, 1.0),
        (k2, 0.0, 0.0, 0.0),
        (k2, D, D * D / 2, -D),
        (k2, -3.0, 4.5, 3.0),
        (k3, 0.0, 0.0, 0.0),
        (k3, D, 2 - D - 1, -1.0),  # 1 - e^d
        (k3, -1.0, math.exp(-1), 1 - math.exp(-1)),
        (k3, 5.0, 10.0, 0.0),  # exp(5) - 6 = 142, capped
        (k3, -30.0, 10.0, 0.0),  # clamped to -20: 20 - 1 = 19, capped
        (k3, 1000.0, 10.0, 0.0),  # no overflow
    ],
)
def test_estimates_of_the_kl_divergence(estimator, d: float, kl: float, slope: float) -> None:
    new = tensor([-1.0], requires_grad=True)
    value = estimator(tensor([-1.0 + d]) - new)
    assert value.item() == approx(kl)
    assert torch.autograd.grad(value, new)[0].item() == approx(slope)


def test_estimates_are_of_the_divergence_from_the_policy_to_the_reference() -> None:
    # Exactly, over all tokens of two distributions: k1 and k3 are unbiased, and so is the gradient of k2.
    logits = tensor([0.3, -1.0, 0.8, 0.1], requires_grad=True)
    ref = torch.log_softmax(tensor([0.1, 0.2, -0.4, 0.5]), 0)
    new = torch.log_softmax(logits, 0)
    kl = (new.exp() * (new - ref)).sum()
    assert (new.exp() * k1(ref - new)).sum().item() == approx(kl.item())
    assert (new.exp() * k3(ref - new)).sum().item() == approx(kl.item())
    (exact,) = torch.autograd.grad(kl, logits, retain_graph=True)
    (on_average,) = torch.autograd.grad((new.exp().detach() * k2(ref - new)).sum(), logits)
    torch.testing.assert_close(on_average, exact, atol=1e-12, rtol=0)


@pytest.mark.parametrize(
    ("estimator", "kl", "slope"), [("k1", -D, 1), ("k2", D * D / 2, -D), ("k3", 1 - D, -1)]
)
def test_the_kl_term_is_weighted_and_reported_unweighted(estimator: str, kl: float, slope: float) -> None:
    tokens = scored([-1.0], [1.0], ref=[-1.0 + D])
    losses = token_losses(tokens, loss_spec(kl_coef=0.1, kl_estimator=estimator))
    assert losses.kl.item() == approx(kl)
    assert losses.loss.item() == approx(-1 + 0.1 * kl)
    assert slopes(tokens, losses) == approx([-1 + 0.1 * slope])


def test_a_kl_weight_of_zero_reports_the_kl_and_adds_nothing() -> None:
    tokens = scored([-1.0, -2.0], [1.0, 0.0], ref=[-1.0 + D, -math.inf])
    losses = token_losses(tokens, loss_spec(kl_estimator="k2"))
    assert losses.kl.tolist() == approx([D * D / 2, math.inf])
    assert losses.loss.tolist() == [-1.0, 0.0] and slopes(tokens, losses) == [-1.0, 0.0]


def test_importance_weights_are_truncated_and_only_the_policy_term_has_them() -> None:
    # pi_old / pi_sampler is 1.5, 2 and 1/2, capped at 1.8; the KL term, k2 of d = 1, is 1/2 everywhere, with
    # slope -1. The ratio pi_new / pi_old is 1, -A r is -2.
    old = [-1.0, -1.0, -1.0]
    sample = [-1 - math.log(1.5), -1 - math.log(2), -1 + math.log(2)]
    tokens = scored([-1.0] * 3, [2.0] * 3, old=old, ref=[0.0] * 3, sample=sample)
    losses = token_losses(tokens, loss_spec(kl_coef=0.1, kl_estimator="k2", importance_cap=1.8))
    assert losses.importance.tolist() == approx([1.5, 1.8, 0.5])
    assert losses.capped.tolist() == [False, True, False]
    assert losses.loss.tolist() == approx([-3 + 0.05, -3.6 + 0.05, -1 + 0.05])
    assert slopes(tokens, losses) == approx([-3 - 0.1, -3.6 - 0.1, -1 - 0.1])
    # k3 of log(pi_old / pi_sampler): r - log r - 1, of which the mean over the sampler's tokens is
    # KL(sampler || policy).
    assert losses.sampler_kl.tolist() == approx([0.5 - math.log(1.5), 1 - math.log(2), -0.5 + math.log(2)])


@pytest.mark.parametrize("name", ["grpo", "gspo", "cispo", "policy_gradient"])
def test_an_importance_weight_is_a_constant(name: str) -> None:
    # Without old log-probs the policy's own stand for them; were the weight not constant, the slope would be
    # another. pi_new / pi_sampler is 1.5.
    tokens = scored([-1.0], [2.0], sample=[-1 - math.log(1.5)])
    losses = token_losses(tokens, loss_spec(name=name, importance_cap=1.8))
    assert losses.importance.item() == approx(1.5)
    assert slopes(tokens, losses) == approx([-2 * 1.5])


def test_the_samplers_log_probs_alone_only_report() -> None:
    tokens = scored([-1.0], [2.0], sample=[-1 - math.log(1.5)])
    losses = token_losses(tokens, loss_spec())
    assert losses.sampler_kl.item() == approx(0.5 - math.log(1.5))
    assert losses.importance.item() == 1 and not losses.capped.any()
    assert slopes(tokens, losses) == [-2.0]
    without = token_losses(scored([-1.0], [2.0]), loss_spec())
    assert without.sampler_kl.item() == 0 and without.importance.item() == 1 and without.kl.item() == 0


def test_a_mean_over_a_sequence_is_of_its_trained_tokens_kl_and_all() -> None:
    new, advantages, ref = [-1.0, -2.0, -3.0, -0.5], [1.0, -2.0, -2.0, -2.0], [-1.0, -1.0, -3.0, 0.5]
    by_token, by_sequence = (
        token_losses(
            scored(new, advantages, ref=ref, lengths=[1, 3]), loss_spec(kl_coef=0.2, aggregation=way)
        )
        for way in ("token", "sequence")
    )
    shares = [1, 1 / 3, 1 / 3, 1 / 3]
    expected = [loss * share for loss, share in zip(by_token.loss.tolist(), shares, strict=True)]
    assert by_sequence.loss.tolist() == approx(expected)
    assert by_sequence.kl.tolist() == by_token.kl.tolist()  # reported of tokens


def test_log_ratios_beyond_twenty_stay_finite() -> None:
    for name in ("grpo", "gspo", "cispo", "policy_gradient"):
        tokens = scored(
            [-1.0, -900.0], [-1.0, 1.0], old=[-900.0, -1.0], sample=[-1.0, -900.0], lengths=[1, 1]
        )
        losses = token_losses(tokens, loss_spec(name=name, dual_clip=0.0, importance_cap=1e30))
        assert torch.isfinite(losses.loss).all() and np.isfinite(slopes(tokens, losses)).all()
        assert losses.ratio.tolist() == pytest.approx([math.exp(20), math.exp(-20)])
        assert losses.importance.tolist() == pytest.approx([math.exp(-20), math.exp(20)])


@pytest.mark.parametrize("case", GOLDEN["cases"].values(), ids=GOLDEN["cases"].keys())
def test_losses_and_gradients_are_those_of_trl(case: dict) -> None:
    assert GOLDEN["trl"] == "1.16.0"
    ours, lengths = dict(case["ours"]), GOLDEN["lengths"]
    normalizer = ours.pop("normalizer")
    tokens = scored(
        GOLDEN["new"],
        np.repeat(GOLDEN["advantages"], lengths),
        old=None if case["on_policy"] else GOLDEN["old"],
        ref=GOLDEN["ref"],
        sample=GOLDEN["sample"],
        lengths=lengths,
    )
    losses = token_losses(tokens, loss_spec(**ours))
    assert losses.loss.sum().item() / normalizer == approx(case["loss"])
    assert [slope / normalizer for slope in slopes(tokens, losses)] == approx(case["gradient"])
    if case["kl"] is not None:
        assert losses.kl.mean().item() == approx(case["kl"])
    if case["clip_fraction"] is not None:
        assert losses.clipped.double().mean().item() == approx(case["clip_fraction"])


def test_the_golden_cases_differ_from_each_other() -> None:
    # So each reaches what it is about: a bound that no ratio touches would prove nothing.
    gradients = [case["gradient"] for case in GOLDEN["cases"].values()]
    assert all(a != b for i, a in enumerate(gradients) for b in gradients[:i])


def one_by_one(tokens: Scored, spec: p.LossSpec) -> list[float]:
    """Losses written as cases instead of maxima, in plain numbers."""
    new, old, ref, sample, advantages = (
        x.tolist() for x in (tokens.new, tokens.old, tokens.ref, tokens.sample, tokens.advantages)
    )
    owner = tokens.sequence.tolist()
    result = []
    for i, advantage in enumerate(advantages):
        mine = [j for j, sequence in enumerate(owner) if sequence == owner[i]]
        log_ratio = new[i] - old[i]
        if spec.name is p.Loss.GSPO:
            log_ratio = sum(new[j] - old[j] for j in mine) / len(mine)
        ratio = math.exp(log_ratio)
        low, high = 1 - spec.clip_low, 1 + spec.clip_high
        if spec.name is p.Loss.POLICY_GRADIENT:
            loss = -advantage * new[i]
        elif spec.name is p.Loss.CISPO:
            loss = -advantage * min(max(ratio, low), high) * new[i]
        elif advantage >= 0:
            loss = -advantage * min(ratio, high)
        else:
            loss = -advantage * max(ratio, low)
            if spec.dual_clip > 0:
                loss = min(loss, -advantage * spec.dual_clip)
        if spec.importance_cap > 0:
            loss *= min(spec.importance_cap, math.exp(old[i] - sample[i]))
        d = ref[i] - new[i]
        kl = {"k1": -d, "k2": d * d / 2, "k3": min(10.0, math.exp(d) - d - 1)}[spec.kl_estimator]
        loss += spec.kl_coef * kl
        result.append(loss / len(mine) if spec.aggregation is p.Aggregation.SEQUENCE else loss)
    return result


def random_tokens(seed: int, lengths: list[int]) -> Scored:
    rng, count = np.random.default_rng(seed), sum(lengths)
    new, ref = rng.uniform(-6, 0, (2, count))
    old = new + rng.normal(0, 0.8, count)
    advantages = np.repeat(rng.normal(0, 1.5, len(lengths)), lengths)
    return scored(new, advantages, old=old, ref=ref, sample=old + rng.normal(0, 0.5, count), lengths=lengths)


SPECS = [
    loss_spec(name=name, aggregation=aggregation, kl_estimator=estimator, **more)
    for name, aggregation, estimator, more in (
        ("grpo", "token", "k3", dict(clip_high=0.28, dual_clip=1.5, kl_coef=0.05)),
        ("grpo", "sequence", "k1", dict(dual_clip=0.0, kl_coef=0.3, importance_cap=1.2)),
        ("gspo", "sequence", "k3", dict(clip_low=0.05, clip_high=0.1, dual_clip=0.0, kl_coef=0.05)),
        ("gspo", "token", "k2", dict(dual_clip=1.4, kl_coef=0.05, importance_cap=2.0)),
        ("cispo", "token", "k3", dict(clip_low=1.0, clip_high=0.5)),
        ("cispo", "sequence", "k2", dict(kl_coef=0.1, importance_cap=0.9)),
        ("policy_gradient", "token", "k3", dict(kl_coef=0.05)),
        ("policy_gradient", "sequence", "k1", dict(importance_cap=1.2)),
    )
]


def named(spec: p.LossSpec) -> str:
    return f"{spec.name}-{spec.aggregation}-{spec.kl_estimator}"


ALL_SPECS = pytest.mark.parametrize("spec", SPECS, ids=named)


@ALL_SPECS
def test_an_independent_version_agrees(spec: p.LossSpec) -> None:
    tokens = random_tokens(seed=3, lengths=[5, 1, 30, 2, 12] * 10)
    losses = token_losses(tokens, spec)
    np.testing.assert_allclose(losses.loss.tolist(), one_by_one(tokens, spec), rtol=1e-12, atol=1e-12)
    if spec.name is not p.Loss.POLICY_GRADIENT:
        assert 0 < losses.clipped.double().mean() < 1
    if spec.importance_cap > 0:
        assert 0 < losses.capped.double().mean() < 1


@ALL_SPECS
def test_gradients_agree_with_finite_differences(spec: p.LossSpec) -> None:
    tokens = random_tokens(seed=4, lengths=[3, 1, 7] * 12)
    # What is treated as a constant is held: the weights of CISPO.
    held = token_losses(tokens, spec).ratio
    low, high = 1 - spec.clip_low, 1 + spec.clip_high

    def losses(new: torch.Tensor) -> torch.Tensor:
        if spec.name is not p.Loss.CISPO:
            return token_losses(replace(tokens, new=new), spec).loss
        weighted = replace(tokens, new=new, advantages=tokens.advantages * held.clamp(low, high))
        return token_losses(weighted, replace_spec(spec, name=p.Loss.POLICY_GRADIENT)).loss

    # Finite differences mean nothing across a kink, so sequences with a token within 1e-3 of one stay out.
    d = tokens.ref - tokens.new.detach()
    kl = d.exp() - d - 1  # k3 without its cap
    bounds = [low, high, *([spec.dual_clip] if spec.dual_clip else [])]
    near = torch.stack([(held - bound).abs() < 1e-3 for bound in bounds]).any(0) | ((kl - 10).abs() < 0.05)
    owner = tokens.sequence
    kept = ~torch.isin(owner, owner[near])
    assert kept.double().mean() > 0.7
    (slope,) = torch.autograd.grad(token_losses(tokens, spec).loss.sum(), tokens.new)
    new, step = tokens.new.detach(), 1e-6
    for i in kept.nonzero().flatten().tolist():
        up, down = new.clone(), new.clone()
        up[i] += step
        down[i] -= step
        difference = (losses(up).sum() - losses(down).sum()).item() / (2 * step)
        assert slope[i].item() == pytest.approx(difference, abs=1e-6)


def replace_spec(spec: p.LossSpec, **changes) -> p.LossSpec:
    fields = {name: getattr(spec, name) for name in p.LossSpec.__struct_fields__}
    return p.LossSpec(**{**fields, **changes})


LOGPROBS = st.floats(-8, 0, width=32)
SEQUENCE = st.tuples(
    st.floats(-3, 3, width=32),
    st.lists(st.tuples(LOGPROBS, LOGPROBS, LOGPROBS, LOGPROBS), min_size=1, max_size=5),
)
SEQUENCES = st.lists(SEQUENCE, min_size=1, max_size=6)


def of_sequences(sequences, advantage_scale: float = 1.0) -> Scored:
    tokens = [token for _, rows in sequences for token in rows]
    new, old, ref, sample = zip(*tokens, strict=True)
    advantages = [advantage * advantage_scale for advantage, rows in sequences for _ in rows]
    lengths = [len(rows) for _, rows in sequences]
    return scored(new, advantages, old=old, ref=ref, sample=sample, lengths=lengths)


@ALL_SPECS
@settings(deadline=None, max_examples=40)
@given(SEQUENCES, st.data())
def test_splitting_a_batch_by_sequences_leaves_the_gradient(spec: p.LossSpec, sequences, data) -> None:
    cut = data.draw(st.integers(0, len(sequences)))
    parts = [of_sequences(part) for part in (sequences[:cut], sequences[cut:]) if part]
    whole = of_sequences(sequences)
    split = [slope for part in parts for slope in slopes(part, token_losses(part, spec))]
    assert slopes(whole, token_losses(whole, spec)) == approx(split)


@ALL_SPECS
@settings(deadline=None, max_examples=40)
@given(SEQUENCES)
def test_no_advantage_and_no_kl_weight_mean_no_gradient(spec: p.LossSpec, sequences) -> None:
    tokens = of_sequences(sequences, advantage_scale=0.0)
    losses = token_losses(tokens, replace_spec(spec, kl_coef=0.0))
    assert not any(slopes(tokens, losses)) and not losses.loss.any()


@settings(deadline=None)
@given(SEQUENCES, st.sampled_from(["grpo", "gspo"]))
def test_the_policy_term_never_promises_more_than_the_clip_allows(sequences, name: str) -> None:
    tokens = of_sequences(sequences)
    losses = token_losses(tokens, loss_spec(name=name))
    assert (losses.loss >= -tokens.advantages.abs() * 1.3 - 1e-9).all()
    assert (losses.loss <= tokens.advantages.abs() * 3.0 + 1e-9).all()
    assert (losses.kl >= -1e-12).all() and (losses.kl <= 10).all()


@ALL_SPECS
def test_only_the_loss_has_a_gradient(spec: p.LossSpec) -> None:
    losses = token_losses(random_tokens(seed=5, lengths=[2, 3]), spec)
    with_gradient = [name for name in TokenLosses.__dataclass_fields__ if getattr(losses, name).requires_grad]
    assert with_gradient == ["loss"]
