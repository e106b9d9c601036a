"""Micro-batches, gradients and AdamW steps against plain versions: loops over sequences and tokens."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tiny_models
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rzero_worker.batches import Limits, micro_batches
from transformers import GPT2Config

from rzero_worker import protocol as p
from rzero_worker import trainer as trainer_module
from rzero_worker.errors import WorkerFailure
from rzero_worker.trainer import Batch, Metrics, Trainer, sequence_logprobs

WIDE = Limits(tokens=10**6, targets=10**6)
NARROW = Limits(tokens=1, targets=1)  # a sequence at a time
CONFIGS = {"qwen3": tiny_models.qwen3_config, "llama": tiny_models.llama_config}
LOSS = p.LossSpec(name=p.Loss.GRPO, clip_low=0.2, clip_high=0.3, dual_clip=3.0, kl_coef=0.05, temperature=0.8)
ADAM = p.Adam(learning_rate=0.01, beta1=0.9, beta2=0.95, epsilon=1e-8, weight_decay=0.1, max_grad_norm=0.5)
LENGTHS = np.array([9, 4, 2, 12, 9], np.int32)


def make_batch(seed: int = 0) -> Batch:
    """Five sequences, trained in parts, one not at all; log-probs scattered around plausible ones."""
    rng = np.random.default_rng(seed)
    total = int(LENGTHS.sum())
    mask = np.zeros(total, bool)
    mask[[3, 4, 5, 6, 7, 8, 11, 12, 17, 19, 20, 22]] = True  # sequences 0, 1 and 3; 2 has none
    mask[30:33] = True  # sequence 4: all but its last tokens
    return Batch(
        tokens=rng.integers(5, tiny_models.VOCABULARY_SIZE, total).astype(np.int32),
        lengths=LENGTHS,
        mask=mask,
        advantages=rng.normal(0, 1, len(LENGTHS)).astype(np.float32),
        old_logprobs=rng.uniform(-6, -2, total).astype(np.float32),
        ref_logprobs=rng.uniform(-6, -2, total).astype(np.float32),
    )


def make_trainer(kind: str = "qwen3", limits: Limits = WIDE) -> Trainer:
    return Trainer(tiny_models.make_model(CONFIGS[kind]()), limits)


def gradient(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: parameter.grad.clone() for name, parameter in trainer.model.named_parameters()}


def assert_close(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor], tolerance: float) -> None:
    assert a.keys() == b.keys()
    for name in a:
        torch.testing.assert_close(
            a[name], b[name], atol=tolerance, rtol=0, msg=lambda text, n=name: f"{n}: {text}"
        )


def test_a_micro_batch_worked_by_hand() -> None:
    # Two sequences: 10 11 12 13 with 12 and 13 trained, 20 21 22 with 21 trained.
    tokens, lengths = np.array([10, 11, 12, 13, 20, 21, 22]), np.array([4, 3])
    mask = np.array([0, 0, 1, 1, 0, 1, 0], bool)
    (micro,) = micro_batches(tokens, lengths, mask, WIDE)
    # Fed up to the token before the last trained one: 10 11 12, and 20.
    assert micro.tokens.tolist() == [[10, 11, 12], [20, 0, 0]]
    assert micro.positions.tolist() == [1, 2, 3]
    assert micro.targets.tolist() == [12, 13, 21]
    assert micro.source.tolist() == [2, 3, 5]
    assert micro.sequences.tolist() == [0, 1]


@st.composite
def sequences(draw) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lengths = np.array(draw(st.lists(st.integers(1, 9), min_size=1, max_size=8)))
    mask = np.array(draw(st.lists(st.booleans(), min_size=int(lengths.sum()), max_size=int(lengths.sum()))))
    mask[np.cumsum(lengths) - lengths] = False
    return 100 + np.arange(lengths.sum()), lengths, mask


@settings(deadline=None)
@given(sequences(), st.integers(1, 30), st.integers(1, 10))
def test_micro_batches_cover_each_trained_token_once_within_limits(
    batch, tokens_limit, targets_limit
) -> None:
    tokens, lengths, mask = batch
    micros = micro_batches(tokens, lengths, mask, Limits(tokens_limit, targets_limit))
    covered = np.concatenate([micro.source for micro in micros]) if micros else np.zeros(0, int)
    assert sorted(covered) == np.flatnonzero(mask).tolist()
    for micro in micros:
        assert len(micro.tokens) == 1 or micro.tokens.size <= tokens_limit
        assert len(micro.tokens) == 1 or len(micro.targets) <= targets_limit
        assert micro.targets.tolist() == tokens[micro.source].tolist()
        # Tokens are numbered, so the one fed at a position is the target's number less one.
        assert micro.tokens.flatten()[micro.positions].tolist() == (micro.targets - 1).tolist()


def plain(model, batch: Batch, spec: p.LossSpec, normalizer: float) -> tuple[torch.Tensor, Metrics]:
    """The loss by a loop over sequences and tokens, full logits, no padding; returned with its graph."""
    starts = np.cumsum(batch.lengths) - batch.lengths
    losses, kls, entropies, clips, ratios = [], [], [], [], []
    for start, length, advantage in zip(starts, batch.lengths, batch.advantages.tolist(), strict=True):
        row = torch.from_numpy(batch.tokens[start : start + length]).long()
        logits = model(input_ids=row.unsqueeze(0), use_cache=False).logits[0] / spec.temperature
        for t in range(1, length):
            at = start + t
            if not batch.mask[at]:
                continue
            distribution = torch.distributions.Categorical(logits=logits[t - 1])
            new = distribution.log_prob(row[t])
            old = new.detach() if batch.old_logprobs is None else float(batch.old_logprobs[at])
            ratio = torch.exp(new - old)
            low, high = 1 - spec.clip_low, 1 + spec.clip_high
            if advantage >= 0:
                policy = -advantage * torch.clamp(ratio, max=high)
                clips.append(ratio.item() > high and advantage > 0)
            else:
                policy = -advantage * torch.clamp(ratio, low, spec.dual_clip)
                clips.append(not low <= ratio.item() <= spec.dual_clip)
            d = (new.detach() if batch.ref_logprobs is None else batch.ref_logprobs[at].item()) - new
            kl = torch.clamp(torch.exp(d) - d - 1, max=10.0)
            losses.append(policy + spec.kl_coef * kl)
            kls.append(kl.item())
            entropies.append(distribution.entropy().item())
            ratios.append(ratio.item())
    loss = sum(losses) / normalizer
    means = (float(np.mean(values)) for values in (kls, entropies, clips, ratios))
    return loss, Metrics(loss.item(), *means, len(losses))


def assert_metrics(ours: Metrics, theirs: Metrics) -> None:
    assert ours.tokens == theirs.tokens
    for name in ("loss", "kl", "entropy", "clip_fraction", "ratio_mean"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), abs=1e-5), name


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("limits", [WIDE, NARROW, Limits(20, 6)], ids=str)
@pytest.mark.parametrize("on_policy", [False, True])
def test_loss_metrics_and_gradient_are_those_of_a_plain_version(kind, limits, on_policy) -> None:
    batch = make_batch()
    if on_policy:
        batch = Batch(batch.tokens, batch.lengths, batch.mask, batch.advantages, None, batch.ref_logprobs)
    trainer = make_trainer(kind, limits)
    ours = trainer.forward_backward(batch, LOSS, 7.0)
    model = tiny_models.make_model(CONFIGS[kind]())
    loss, theirs = plain(model, batch, LOSS, 7.0)
    loss.backward()
    assert_metrics(ours, theirs)
    assert_close(gradient(trainer), {name: q.grad for name, q in model.named_parameters()}, 1e-5)
    assert theirs.clip_fraction > 0 or on_policy  # the batch reaches the bounds


def test_numbers_of_a_fixed_model_and_batch_stay() -> None:
    # Pinned from this configuration; the test above ties the same computation to an independent one.
    trainer = make_trainer()
    metrics = trainer.forward_backward(make_batch(), LOSS, 7.0)
    norm = trainer.optim_step(ADAM)
    logprobs = sequence_logprobs(trainer.model, make_batch().tokens, LENGTHS, 0.8, WIDE)
    seen = [metrics.loss, metrics.kl, metrics.entropy, norm, *logprobs[:5].tolist()]
    assert seen == pytest.approx(PINNED, abs=1e-5)


PINNED = [0.495559, 4.735282, 2.973957, 3.119342, 0.000000, -4.212569, -3.553866, -5.402781, -3.993514]


def plain_adamw(weights, grads, moments, step: int, adam: p.Adam) -> None:
    """One AdamW step in numpy, in place, after clipping by global norm (arXiv 1711.05101, algorithm 2)."""
    norm = math.sqrt(sum(float((grad.astype(np.float64) ** 2).sum()) for grad in grads.values()))
    scale = min(1.0, adam.max_grad_norm / norm) if adam.max_grad_norm > 0 else 1.0
    for name, weight in weights.items():
        grad = grads[name] * scale
        first, second = moments.setdefault(name, (np.zeros_like(grad), np.zeros_like(grad)))
        first[:] = adam.beta1 * first + (1 - adam.beta1) * grad
        second[:] = adam.beta2 * second + (1 - adam.beta2) * grad**2
        unbiased = first / (1 - adam.beta1**step), second / (1 - adam.beta2**step)
        weight -= adam.learning_rate * (
            unbiased[0] / (np.sqrt(unbiased[1]) + adam.epsilon) + adam.weight_decay * weight
        )


@pytest.mark.parametrize("max_grad_norm", [0.0, 0.5, 1e6])
def test_steps_are_those_of_a_plain_adamw(max_grad_norm: float) -> None:
    trainer = make_trainer()
    weights = {n: q.detach().double().numpy().copy() for n, q in trainer.model.named_parameters()}
    moments: dict = {}
    for step in (1, 2, 3):
        # Every coefficient may change from step to step.
        adam = p.Adam(
            learning_rate=0.01 / step,
            beta1=0.9,
            beta2=0.95 - 0.01 * step,
            epsilon=1e-6,
            weight_decay=0.1 * step,
            max_grad_norm=max_grad_norm,
        )
        trainer.forward_backward(make_batch(seed=step), LOSS, 7.0)
        grads = {name: grad.double().numpy() for name, grad in gradient(trainer).items()}
        norm = trainer.optim_step(adam)
        assert norm == pytest.approx(math.sqrt(sum((grad**2).sum() for grad in grads.values())), rel=1e-5)
        plain_adamw(weights, grads, moments, step, adam)
    for name, parameter in trainer.model.named_parameters():
        np.testing.assert_allclose(parameter.detach().numpy(), weights[name], atol=1e-5, err_msg=name)


def part(batch: Batch, first: int, last: int) -> Batch:
    """Sequences first..last-1 of a batch."""
    ends = np.concatenate([[0], np.cumsum(batch.lengths)])
    cut = slice(ends[first], ends[last])
    return Batch(
        batch.tokens[cut],
        batch.lengths[first:last],
        batch.mask[cut],
        batch.advantages[first:last],
        batch.old_logprobs[cut],
        batch.ref_logprobs[cut],
    )


def test_splitting_a_batch_leaves_the_gradient_and_adds_up_the_loss() -> None:
    batch, whole, split = make_batch(), make_trainer(), make_trainer()
    once = whole.forward_backward(batch, LOSS, 7.0)
    parts = [split.forward_backward(part(batch, a, b), LOSS, 7.0) for a, b in ((0, 2), (2, 3), (3, 5))]
    assert sum(metrics.loss for metrics in parts) == pytest.approx(once.loss, abs=1e-6)
    assert_close(gradient(whole), gradient(split), 1e-6)


def test_the_same_calls_give_the_same_bytes() -> None:
    def weights() -> list[bytes]:
        trainer = make_trainer(limits=Limits(20, 6))
        for seed in range(3):
            trainer.forward_backward(make_batch(seed), LOSS, 7.0)
            trainer.optim_step(ADAM)
        return [parameter.detach().numpy().tobytes() for parameter in trainer.model.parameters()]

    assert weights() == weights()


def test_no_advantage_and_no_kl_weight_mean_no_gradient() -> None:
    trainer, batch = make_trainer(), make_batch()
    batch = Batch(batch.tokens, batch.lengths, batch.mask, np.zeros(5, np.float32), None, None)
    spec = p.LossSpec(
        name=p.Loss.GRPO, clip_low=0.2, clip_high=0.2, dual_clip=0.0, kl_coef=0.0, temperature=1.0
    )
    metrics = trainer.forward_backward(batch, spec, 1.0)
    assert metrics.loss == 0 and metrics.kl == 0 and metrics.ratio_mean == 1 and metrics.entropy > 1
    assert all(torch.count_nonzero(grad) == 0 for grad in gradient(trainer).values())


def test_a_batch_without_trained_tokens_does_nothing() -> None:
    trainer, batch = make_trainer(), make_batch()
    batch = Batch(batch.tokens, batch.lengths, np.zeros_like(batch.mask), batch.advantages, None, None)
    assert trainer.forward_backward(batch, LOSS, 1.0) == Metrics(0.0, 0.0, 0.0, 0.0, 1.0, 0)
    assert all(parameter.grad is None for parameter in trainer.model.parameters())


def test_the_gradient_is_zero_after_a_step() -> None:
    trainer = make_trainer()
    trainer.forward_backward(make_batch(), LOSS, 7.0)
    assert trainer.optim_step(ADAM) > 0
    assert trainer.optim_step(ADAM) == 0


def test_a_step_without_a_gradient_still_decays_the_weights() -> None:
    trainer = make_trainer()
    before = [parameter.detach().clone() for parameter in trainer.model.parameters()]
    trainer.optim_step(ADAM)
    for old, new in zip(before, trainer.model.parameters(), strict=True):
        torch.testing.assert_close(new.detach(), old * (1 - 0.01 * 0.1))


def test_a_call_that_fails_half_way_leaves_the_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = make_trainer(limits=NARROW)
    trainer.forward_backward(make_batch(1), LOSS, 7.0)
    before, calls = gradient(trainer), []

    def fail_later(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise MemoryError
        return original(*args, **kwargs)

    original = trainer_module.grpo
    monkeypatch.setattr(trainer_module, "grpo", fail_later)
    with pytest.raises(MemoryError):
        trainer.forward_backward(make_batch(2), LOSS, 7.0)
    assert len(calls) == 3
    assert all(torch.equal(before[name], grad) for name, grad in gradient(trainer).items())


def test_a_loss_or_gradient_that_is_not_finite_fails_and_changes_nothing() -> None:
    trainer, batch = make_trainer(), make_batch()
    too_large = Batch(batch.tokens, batch.lengths, batch.mask, np.full(5, 3e38, np.float32), None, None)
    with pytest.raises(WorkerFailure, match="not finite"):
        trainer.forward_backward(too_large, LOSS, 1e-3)
    assert all(parameter.grad is None for parameter in trainer.model.parameters())
    next(trainer.model.parameters()).grad = torch.full_like(next(trainer.model.parameters()), torch.inf)
    before = [parameter.detach().clone() for parameter in trainer.model.parameters()]
    with pytest.raises(WorkerFailure, match="norm is inf"):
        trainer.optim_step(ADAM)
    assert all(torch.equal(a, b) for a, b in zip(before, trainer.model.parameters(), strict=True))


def test_recomputing_activations_changes_no_gradient_and_brings_no_dropout() -> None:
    configs = [
        tiny_models.qwen3_config(attention_dropout=0.5),
        GPT2Config(
            vocab_size=tiny_models.VOCABULARY_SIZE,
            n_embd=32,
            n_layer=2,
            n_head=2,
            n_positions=96,
            resid_pdrop=0.5,
        ),
    ]
    for config in configs:
        stored = Trainer(tiny_models.make_model(config), WIDE)
        recomputed = Trainer(tiny_models.make_model(config), WIDE, checkpoint_activations=True)
        assert recomputed.model.is_gradient_checkpointing
        for trainer in (stored, recomputed):
            trainer.forward_backward(make_batch(), LOSS, 7.0)
        assert_close(gradient(stored), gradient(recomputed), 1e-6)


@pytest.mark.parametrize("limits", [WIDE, NARROW], ids=str)
def test_log_probs_of_given_tokens(limits: Limits) -> None:
    model, batch, done = tiny_models.make_model(tiny_models.qwen3_config()), make_batch(), []
    ours = sequence_logprobs(model, batch.tokens, batch.lengths, 0.8, limits, done.append)
    start = 0
    for length in batch.lengths:
        row = torch.from_numpy(batch.tokens[start : start + length]).long()
        with torch.no_grad():
            table = torch.log_softmax(model(input_ids=row.unsqueeze(0)).logits[0] / 0.8, -1)
        expected = [0.0] + [table[t - 1, row[t]].item() for t in range(1, length)]
        assert ours[start : start + length].tolist() == pytest.approx(expected, abs=1e-5)
        start += length
    assert done == ([5] if limits is WIDE else [1, 2, 3, 4, 5])


def test_a_sequence_of_one_token_has_no_log_prob() -> None:
    model = tiny_models.make_model(tiny_models.qwen3_config())
    assert sequence_logprobs(model, np.array([7], np.int32), np.array([1]), 1.0, WIDE).tolist() == [0.0]


def test_more_advantage_makes_a_sequence_likelier() -> None:
    trainer, batch = make_trainer(), make_batch()
    batch = Batch(
        batch.tokens, batch.lengths, batch.mask, np.array([1, -1, 0, 1, -1], np.float32), None, None
    )

    def sums() -> np.ndarray:
        logprobs = sequence_logprobs(trainer.model, batch.tokens, batch.lengths, 1.0, WIDE) * batch.mask
        return np.add.reduceat(logprobs, np.cumsum(batch.lengths) - batch.lengths)

    before = sums()
    trainer.forward_backward(batch, LOSS, float(batch.mask.sum()))
    trainer.optim_step(
        p.Adam(learning_rate=1e-3, beta1=0.9, beta2=0.99, epsilon=1e-8, weight_decay=0.0, max_grad_norm=0.0)
    )
    assert (np.sign(sums() - before) == np.sign(batch.advantages)).all()
