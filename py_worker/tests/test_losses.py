"""Losses against numbers worked by hand, an independent numpy version, and finite differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rzero_worker.losses import TokenLosses, grpo, k3_kl, token_logprobs

BOUNDS = dict(clip_low=0.2, clip_high=0.3, dual_clip=3.0, kl_coef=0.0)
LOGPROBS = st.floats(-8, 0, width=32)
ADVANTAGES = st.floats(-3, 3, width=32)


def tensor(values, **kwargs) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64, **kwargs)


def test_log_probs_and_entropy_of_a_known_softmax() -> None:
    # softmax(0, ln 3) = (1/4, 3/4); its entropy is 1/4 ln 4 + 3/4 ln 4/3 = 0.346574 + 0.215762.
    logits = torch.tensor([[0.0, math.log(3)]] * 2)
    logprobs, entropy = token_logprobs(logits, torch.tensor([0, 1]), 1.0)
    assert logprobs.tolist() == pytest.approx([math.log(1 / 4), math.log(3 / 4)], abs=1e-6)
    assert entropy.tolist() == pytest.approx([0.562335, 0.562335], abs=1e-6)


def test_logits_are_divided_by_the_temperature() -> None:
    hot, _ = token_logprobs(torch.tensor([[0.0, 2 * math.log(3)]]), torch.tensor([1]), 2.0)
    assert hot.item() == pytest.approx(math.log(3 / 4), abs=1e-6)
    coldest, _ = token_logprobs(torch.tensor([[20.0, 19.0]]), torch.tensor([0]), 1e-320)
    assert coldest.item() == 0


def test_a_token_of_no_probability_leaves_the_entropy_finite() -> None:
    _, entropy = token_logprobs(torch.tensor([[0.0, 0.0, -torch.inf]]), torch.tensor([0]), 1.0)
    assert entropy.item() == pytest.approx(math.log(2), abs=1e-6)


@pytest.mark.parametrize(
    ("ref_minus_new", "kl"),
    [
        (0.0, 0.0),
        (math.log(2), 2 - math.log(2) - 1),
        (-1.0, math.exp(-1) + 1 - 1),
        (5.0, 10.0),  # exp(5) - 6 = 142, capped
        (-30.0, 10.0),  # clamped to -20: 20 - 1 = 19, capped
        (1000.0, 10.0),  # no overflow
    ],
)
def test_k3(ref_minus_new: float, kl: float) -> None:
    assert k3_kl(tensor([-1.0]), tensor([-1.0 + ref_minus_new])).item() == pytest.approx(kl, abs=1e-12)


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
    new = tensor([math.log(ratio) - 5], requires_grad=True)
    result = grpo(new, tensor([-5.0]), None, tensor([advantage]), **{**BOUNDS, "dual_clip": dual_clip})
    result.loss.sum().backward()
    assert result.loss.item() == pytest.approx(loss, abs=1e-12)
    assert new.grad.item() == pytest.approx(slope, abs=1e-12)
    assert result.clipped.item() is clipped
    assert result.ratio.item() == pytest.approx(ratio)


def test_without_old_log_probs_the_ratio_is_one_and_the_gradient_the_policy_gradient() -> None:
    new = tensor([-1.0, -2.0, -0.1], requires_grad=True)
    advantages = tensor([0.5, -1.5, 0.0])
    result = grpo(new, None, None, advantages, **BOUNDS)
    result.loss.sum().backward()
    assert result.ratio.tolist() == [1.0, 1.0, 1.0]
    assert new.grad.tolist() == [-0.5, 1.5, 0.0]
    assert not result.clipped.any()


def test_the_kl_term_is_weighted_and_reported_unweighted() -> None:
    # d = ln 2: k3 = 0.306853, d k3 / d new = 1 - exp(d) = -1; with A = 1 and r = 1 the policy slope is -1.
    new = tensor([-1.0], requires_grad=True)
    result = grpo(new, None, tensor([-1.0 + math.log(2)]), tensor([1.0]), **{**BOUNDS, "kl_coef": 0.1})
    result.loss.sum().backward()
    assert result.kl.item() == pytest.approx(1 - math.log(2))
    assert result.loss.item() == pytest.approx(-1 + 0.1 * (1 - math.log(2)))
    assert new.grad.item() == pytest.approx(-1 - 0.1)


def numpy_grpo(new, old, ref, advantage, clip_low, clip_high, dual_clip, kl_coef) -> float:
    """One token's loss, written as cases instead of maxima."""
    ratio = math.exp(min(20.0, max(-20.0, new - old)))
    if advantage >= 0:
        policy = -advantage * min(ratio, 1 + clip_high)
    else:
        policy = -advantage * max(ratio, 1 - clip_low)
        if dual_clip > 0:
            policy = min(policy, -advantage * dual_clip)
    d = min(20.0, max(-20.0, ref - new))
    return policy + kl_coef * min(10.0, math.exp(d) - d - 1)


def random_tokens(seed: int, count: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    new, ref = rng.uniform(-6, 0, (2, count))
    return new, new + rng.normal(0, 0.8, count), ref, rng.normal(0, 1.5, count)


def test_an_independent_version_agrees() -> None:
    values = random_tokens(seed=3, count=500)
    for dual_clip in (0.0, 1.5):
        spec = dict(clip_low=0.2, clip_high=0.28, dual_clip=dual_clip, kl_coef=0.05)
        ours = grpo(*(tensor(v) for v in values), **spec).loss.numpy()
        theirs = np.array([numpy_grpo(*token, **spec) for token in zip(*values, strict=True)])
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_gradients_agree_with_finite_differences() -> None:
    new, old, ref, advantages = (tensor(v) for v in random_tokens(seed=4, count=200))
    spec = dict(clip_low=0.2, clip_high=0.28, dual_clip=1.5, kl_coef=0.05)
    # Finite differences mean nothing across a kink, so tokens within 1e-3 of one stay out.
    log_ratio, k3 = new - old, (ref - new).exp() - (ref - new) - 1
    kinks = torch.stack([(log_ratio - math.log(bound)).abs() for bound in (0.8, 1.28, 1.5)])
    smooth = (kinks > 1e-3).all(0) & ((k3 - 10).abs() > 0.1)
    assert smooth.sum() > 150
    new, old, ref, advantages = (v[smooth] for v in (new, old, ref, advantages))
    assert torch.autograd.gradcheck(
        lambda x: grpo(x, old, ref, advantages, **spec).loss, new.requires_grad_(True), eps=1e-6, atol=1e-6
    )


TOKENS = st.lists(st.tuples(LOGPROBS, LOGPROBS, LOGPROBS, ADVANTAGES), min_size=2, max_size=12)


def gradient(tokens, **changes) -> tuple[torch.Tensor, TokenLosses]:
    new, old, ref, advantages = (tensor(column) for column in zip(*tokens, strict=True))
    result = grpo(new.requires_grad_(True), old, ref, advantages, **{**BOUNDS, "kl_coef": 0.1, **changes})
    result.loss.sum().backward()
    return new.grad, result


@settings(deadline=None)
@given(TOKENS, st.data())
def test_splitting_a_batch_leaves_the_gradient_of_the_sum(tokens, data) -> None:
    cut = data.draw(st.integers(1, len(tokens) - 1))
    whole, _ = gradient(tokens)
    parts = [gradient(part)[0] for part in (tokens[:cut], tokens[cut:])]
    assert torch.equal(whole, torch.cat(parts))


@settings(deadline=None)
@given(TOKENS)
def test_no_advantage_and_no_kl_weight_mean_no_gradient(tokens) -> None:
    still, _ = gradient([(new, old, ref, 0.0) for new, old, ref, _ in tokens], kl_coef=0.0)
    assert torch.count_nonzero(still) == 0


@settings(deadline=None)
@given(TOKENS)
def test_the_policy_term_never_promises_more_than_the_clip_allows(tokens) -> None:
    _, result = gradient(tokens, kl_coef=0.0)
    advantages = tensor([token[3] for token in tokens])
    assert (result.loss >= -advantages.abs() * 1.3 - 1e-9).all()
    assert (result.loss <= advantages.abs() * 3.0 + 1e-9).all()
    assert (result.kl >= -1e-12).all() and (result.kl <= 10).all()
