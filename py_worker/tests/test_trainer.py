"""Gradients, AdamW steps and log-probs against plain versions: loops over sequences and tokens."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import tiny_models
import torch
from transformers import GPT2Config, OPTConfig

from rzero_worker import protocol as p
from rzero_worker.errors import WorkerFailure
from rzero_worker.scorer import Scorer
from rzero_worker.trainer import Batch, Metrics, Trainer, sequence_logprobs

WIDE = 10**6
NARROW = 1  # a sequence at a time
CONFIGS = {"qwen3": tiny_models.qwen3_config, "llama": tiny_models.llama_config}
LOSS = p.LossSpec(
    name=p.Loss.GRPO,
    aggregation=p.Aggregation.TOKEN,
    clip_low=0.2,
    clip_high=0.3,
    dual_clip=3.0,
    kl_coef=0.05,
    kl_estimator=p.KlEstimator.K3,
    importance_cap=1.5,
    temperature=0.8,
)
ADAM = p.Adam(
    learning_rate=0.01,
    beta1=0.9,
    beta2=0.95,
    epsilon=1e-8,
    weight_decay=0.1,
    decay_vectors=True,
    max_grad_norm=0.5,
)
LENGTHS = np.array([9, 4, 2, 12, 9], np.int32)


def make_batch(seed: int = 0) -> Batch:
    """Five sequences, trained in parts, one not at all; log-probs scattered around plausible ones. 0 and 4
    share a prompt of three tokens, 1 and 3 one of two."""
    rng = np.random.default_rng(seed)
    total = int(LENGTHS.sum())
    mask = np.zeros(total, bool)
    mask[[3, 4, 5, 6, 7, 8, 11, 12, 17, 19, 20, 22]] = True  # sequences 0, 1 and 3; 2 has none
    mask[30:33] = True  # sequence 4: all but its last tokens
    tokens = rng.integers(5, tiny_models.VOCABULARY_SIZE, total).astype(np.int32)
    tokens[27:30], tokens[15:17] = tokens[0:3], tokens[9:11]
    old = rng.uniform(-6, -2, total).astype(np.float32)
    return Batch(
        tokens=tokens,
        lengths=LENGTHS,
        mask=mask,
        advantages=rng.normal(0, 1, len(LENGTHS)).astype(np.float32),
        old_logprobs=old,
        ref_logprobs=rng.uniform(-6, -2, total).astype(np.float32),
        sample_logprobs=old + rng.normal(0, 0.5, total).astype(np.float32),
    )


def on_policy(batch: Batch, advantages: list[float] | None = None) -> Batch:
    """The batch without others' log-probs."""
    given = batch.advantages if advantages is None else np.array(advantages, np.float32)
    return Batch(batch.tokens, batch.lengths, batch.mask, given)


def changed(spec: p.LossSpec, **changes) -> p.LossSpec:
    return p.LossSpec(**{**{name: getattr(spec, name) for name in spec.__struct_fields__}, **changes})


OWN = changed(LOSS, kl_coef=0.0, importance_cap=0.0)
"""A loss that needs nobody else's log-probs."""


def make_trainer(kind: str = "qwen3", budget: int = WIDE) -> Trainer:
    return Trainer(tiny_models.make_model(CONFIGS[kind]()), budget)


def gradient(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: parameter.grad.clone() for name, parameter in trainer.model.named_parameters()}


def weights(trainer: Trainer) -> dict[str, bytes]:
    return {name: w.detach().numpy().tobytes() for name, w in trainer.model.named_parameters()}


ROUNDING = 2e-6
"""How far two orders of summation are apart in float32: some 16 last bits of the largest entry."""


def assert_close(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor], tolerance: float) -> None:
    """Compare gradients; the tolerance is relative to the largest entry of all, if that is above 1."""
    assert a.keys() == b.keys()
    atol = tolerance * max(1.0, *(tensor.abs().max().item() for tensor in b.values()))
    for name in a:
        torch.testing.assert_close(
            a[name], b[name], atol=atol, rtol=0, msg=lambda text, n=name: f"{n}: {text}"
        )


def plain(model, batch: Batch, spec: p.LossSpec, normalizer: float) -> tuple[torch.Tensor, Metrics]:
    """The loss of GRPO by a loop over sequences and tokens, full logits, no padding; returned with its
    graph."""
    starts = np.cumsum(batch.lengths) - batch.lengths
    losses, rows = [], []
    for start, length, advantage in zip(starts, batch.lengths, batch.advantages.tolist(), strict=True):
        row = torch.from_numpy(batch.tokens[start : start + length]).long()
        logits = model(input_ids=row.unsqueeze(0), use_cache=False).logits[0] / spec.temperature
        trained = [t for t in range(1, length) if batch.mask[start + t]]
        for t in trained:
            at = start + t
            distribution = torch.distributions.Categorical(logits=logits[t - 1])
            new = distribution.log_prob(row[t])
            old = new.detach() if batch.old_logprobs is None else float(batch.old_logprobs[at])
            ratio = torch.exp(new - old)
            low, high = 1 - spec.clip_low, 1 + spec.clip_high
            if advantage >= 0:
                policy = -advantage * torch.clamp(ratio, max=high)
                clipped = ratio.item() > high and advantage > 0
            else:
                policy = -advantage * torch.clamp(ratio, low, spec.dual_clip)
                clipped = not low <= ratio.item() <= spec.dual_clip
            importance, sampler_kl = 1.0, 0.0
            if batch.sample_logprobs is not None:
                apart = float(old) - float(batch.sample_logprobs[at])
                sampler_kl = min(10.0, math.exp(apart) - apart - 1)
                importance = math.exp(apart) if spec.importance_cap > 0 else 1.0
            capped = importance > spec.importance_cap > 0
            weight = spec.importance_cap if capped else importance
            d = (new.detach() if batch.ref_logprobs is None else batch.ref_logprobs[at].item()) - new
            kl = torch.clamp(torch.exp(d) - d - 1, max=10.0)
            share = 1 / len(trained) if spec.aggregation is p.Aggregation.SEQUENCE else 1
            losses.append((policy * weight + spec.kl_coef * kl) * share)
            entropy = distribution.entropy().item()
            rows.append((kl.item(), entropy, clipped, ratio.item(), weight, capped, sampler_kl))
    loss = sum(losses) / normalizer
    return loss, Metrics(loss.item(), *np.mean(rows, axis=0).tolist(), len(losses))


def assert_metrics(ours: Metrics, theirs: Metrics) -> None:
    assert ours.tokens == theirs.tokens
    for name in Metrics.__dataclass_fields__:
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), abs=1e-5), name


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("budget", [WIDE, NARROW, 20])
@pytest.mark.parametrize(
    ("batch", "spec"),
    [
        (make_batch(), LOSS),
        (make_batch(), changed(LOSS, aggregation=p.Aggregation.SEQUENCE, importance_cap=0.0)),
        (replace(make_batch(), old_logprobs=None, sample_logprobs=None), changed(LOSS, importance_cap=0.0)),
        (on_policy(make_batch()), OWN),
    ],
    ids=["off policy", "means of sequences", "on policy", "nothing given"],
)
def test_loss_metrics_and_gradient_are_those_of_a_plain_version(kind, budget, batch, spec) -> None:
    trainer = make_trainer(kind, budget)
    ours = trainer.forward_backward(batch, spec, 7.0)
    model = tiny_models.make_model(CONFIGS[kind]())
    loss, theirs = plain(model, batch, spec, 7.0)
    loss.backward()
    assert_metrics(ours, theirs)
    assert_close(gradient(trainer), {name: q.grad for name, q in model.named_parameters()}, 1e-5)
    if batch.old_logprobs is not None:  # the batch reaches the bounds
        assert 0 < theirs.clip_fraction < 1
        assert 0 < theirs.importance_capped < 1 or spec.importance_cap == 0


def test_numbers_of_a_fixed_model_and_batch_stay() -> None:
    # Pinned from this configuration; the test above ties the same computation to an independent one.
    trainer = make_trainer()
    metrics = trainer.forward_backward(make_batch(), LOSS, 7.0)
    norm = trainer.optim_step(ADAM)
    logprobs = sequence_logprobs(trainer.scorer, make_batch().tokens, LENGTHS, 0.8)
    seen = [metrics.loss, metrics.kl, metrics.entropy, norm, *logprobs[:5].tolist()]
    assert seen == pytest.approx(PINNED, abs=1e-5)


PINNED = [2.478081, 3.700117, 3.021916, 12.761192, 0.0, -4.130836, -4.84532, -8.577829, -5.244258]


@pytest.mark.parametrize("spec", [OWN, changed(OWN, name=p.Loss.GSPO, aggregation=p.Aggregation.SEQUENCE)])
def test_gradients_do_not_depend_on_what_shares_a_pack_or_a_prompt(spec: p.LossSpec) -> None:
    # Eight sequences of two prompts of ten tokens. Together they take 2 * 10 + 8 * 4; 24 make the groups fall
    # apart; 1 leaves every sequence alone, with a prompt of its own.
    rng = np.random.default_rng(0)
    prompts = rng.integers(5, 50, (2, 10)).repeat(4, 0)
    tokens = np.concatenate([prompts, rng.integers(5, 50, (8, 5))], axis=1).astype(np.int32).flatten()
    mask = np.tile(np.arange(15) >= 10, 8)
    old = np.full(len(tokens), -3.0, np.float32)
    batch = Batch(tokens, np.full(8, 15, np.int32), mask, rng.normal(0, 1, 8).astype(np.float32), old)
    grads, packs = [], []
    for budget in (WIDE, 24, NARROW):
        trainer = make_trainer(budget=budget)
        packs.append(len(trainer.scorer.make_packs(tokens, batch.lengths, mask)))
        trainer.forward_backward(batch, spec, 8.0)
        grads.append(gradient(trainer))
    assert packs == [1, 4, 8]
    assert_close(grads[0], grads[1], ROUNDING)
    assert_close(grads[0], grads[2], ROUNDING)


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
        decay = adam.weight_decay if adam.decay_vectors or weight.ndim > 1 else 0.0
        weight -= adam.learning_rate * (unbiased[0] / (np.sqrt(unbiased[1]) + adam.epsilon) + decay * weight)


@pytest.mark.parametrize("decay_vectors", [True, False])
@pytest.mark.parametrize("max_grad_norm", [0.0, 0.5, 1e6])
def test_steps_are_those_of_a_plain_adamw(max_grad_norm: float, decay_vectors: bool) -> None:
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
            decay_vectors=decay_vectors,
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
        batch.sample_logprobs[cut],
    )


@pytest.mark.parametrize("aggregation", p.Aggregation)
def test_splitting_a_batch_leaves_the_gradient_and_adds_up_the_loss(aggregation: p.Aggregation) -> None:
    spec = changed(LOSS, aggregation=aggregation)
    batch, whole, split = make_batch(), make_trainer(), make_trainer()
    once = whole.forward_backward(batch, spec, 7.0)
    parts = [split.forward_backward(part(batch, a, b), spec, 7.0) for a, b in ((0, 2), (2, 3), (3, 5))]
    assert sum(metrics.loss for metrics in parts) == pytest.approx(once.loss, abs=1e-6)
    assert_close(gradient(whole), gradient(split), ROUNDING)


def test_the_same_calls_give_the_same_bytes() -> None:
    def history() -> dict[str, bytes]:
        trainer = make_trainer(budget=20)
        for seed in range(3):
            trainer.forward_backward(make_batch(seed), LOSS, 7.0)
            trainer.optim_step(ADAM)
        return weights(trainer)

    assert history() == history()


def test_no_advantage_and_no_kl_weight_mean_no_gradient() -> None:
    trainer = make_trainer()
    metrics = trainer.forward_backward(on_policy(make_batch(), [0.0] * 5), OWN, 1.0)
    assert metrics.loss == 0 and metrics.kl == 0 and metrics.ratio_mean == 1 and metrics.entropy > 1
    assert all(torch.count_nonzero(grad) == 0 for grad in gradient(trainer).values())


def test_a_batch_without_trained_tokens_does_nothing() -> None:
    trainer, batch = make_trainer(), make_batch()
    batch = replace(batch, mask=np.zeros_like(batch.mask))
    assert trainer.forward_backward(batch, LOSS, 1.0) == Metrics(
        ratio_mean=1.0, importance_mean=1.0, tokens=0
    )
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


def fail_after(trainer: Trainer, monkeypatch: pytest.MonkeyPatch, packs: int, error: BaseException) -> None:
    """Let the gradient of a pack fail, after so many that did not; once."""
    done = []
    original = trainer.scorer.forward

    def forward(*args):
        logprobs, entropies = original(*args)
        done.append(1)
        if len(done) == packs + 1:
            logprobs.register_hook(lambda grad: (_ for _ in ()).throw(error))
        return logprobs, entropies

    monkeypatch.setattr(trainer.scorer, "forward", forward)


class Interruption(BaseException):
    """What is no error of the computation, such as a signal's exception."""


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (ZeroDivisionError("a bug"), ZeroDivisionError),
        (Interruption(), Interruption),
        (MemoryError(), WorkerFailure),
    ],
)
def test_a_call_that_fails_half_way_leaves_the_gradient(monkeypatch, error, seen) -> None:
    trainer, fresh = make_trainer(budget=NARROW), make_trainer(budget=NARROW)
    for each in (trainer, fresh):
        each.forward_backward(make_batch(1), LOSS, 7.0)
    before = gradient(trainer)
    fail_after(trainer, monkeypatch, 2, error)
    with pytest.raises(seen):
        trainer.forward_backward(make_batch(2), LOSS, 7.0)
    assert all(torch.equal(before[name], grad) for name, grad in gradient(trainer).items())
    for each in (trainer, fresh):
        each.forward_backward(make_batch(2), LOSS, 7.0)
        each.optim_step(ADAM)
    assert weights(trainer) == weights(fresh)


HUGE = 3e38


@pytest.mark.parametrize(
    ("advantages", "old", "message"),
    [
        # Finite in the batch, infinite times a ratio of 2.
        ([1.0, 1.0, 1.0, -HUGE, 1.0], -0.7, "sequences 3: the loss of a token is inf"),
        ([-HUGE, 1.0, 1.0, -HUGE, 1.0], -0.7, "sequences 0, 3: the loss of a token is inf"),
        # Every token's loss is finite, and what becomes of it on its way to the weights is not.
        ([1.0, 1.0, 1.0, HUGE, 1.0], None, "sequences 3: the gradient's norm is"),
        ([1.0, -HUGE, 1.0, 1.0, HUGE], None, "sequences 1, 4: the gradient's norm is"),
    ],
)
@pytest.mark.parametrize("earlier", [False, True])
def test_what_is_not_finite_names_its_sequences_and_changes_nothing(
    advantages, old, message, earlier
) -> None:
    trainer, fresh = make_trainer(), make_trainer()
    batch = on_policy(make_batch(), advantages)
    if old is not None:
        logprobs = sequence_logprobs(fresh.scorer, batch.tokens, batch.lengths, OWN.temperature)
        batch = replace(batch, old_logprobs=logprobs + np.float32(old))
    if earlier:
        for each in (trainer, fresh):
            each.forward_backward(make_batch(1), LOSS, 7.0)
    with pytest.raises(WorkerFailure, match="no gradient was added") as failure:
        trainer.forward_backward(batch, changed(OWN, dual_clip=0.0), 1.0)
    assert failure.value.code == "not_finite"
    assert failure.value.message.startswith(message)
    if not earlier:
        assert all(parameter.grad is None for parameter in trainer.model.parameters())
    for each in (trainer, fresh):
        each.forward_backward(make_batch(2), LOSS, 7.0)
        each.optim_step(ADAM)
    assert weights(trainer) == weights(fresh)


def test_a_gradient_that_overflows_only_in_sum_names_no_sequence() -> None:
    # Its norm is finite up to the root of the largest float32, 1.8e19. Two equal sequences: twice the norm.
    trainer = make_trainer()
    one = part(make_batch(), 0, 1)
    alone = on_policy(one, [1.0])
    trainer.forward_backward(alone, OWN, 1.0)
    factor = 1.3e19 / trainer.optim_step(changed_adam(learning_rate=0.0))
    trainer.forward_backward(on_policy(one, [factor]), OWN, 1.0)
    twice = Batch(
        np.tile(one.tokens, 2), np.tile(one.lengths, 2), np.tile(one.mask, 2), np.full(2, factor, np.float32)
    )
    with pytest.raises(WorkerFailure, match="^sequences none alone: the gradient's norm is inf"):
        trainer.forward_backward(twice, OWN, 1.0)


def changed_adam(**changes) -> p.Adam:
    return p.Adam(**{**{name: getattr(ADAM, name) for name in ADAM.__struct_fields__}, **changes})


def test_a_step_on_a_gradient_that_is_not_finite_is_not_taken() -> None:
    trainer, fresh = make_trainer(), make_trainer()
    for each in (trainer, fresh):
        each.forward_backward(make_batch(), LOSS, 7.0)
        each.optim_step(ADAM)
    for value in (torch.inf, torch.nan):
        trainer.forward_backward(make_batch(1), LOSS, 7.0)
        next(trainer.model.parameters()).grad[0, 0] = value
        with pytest.raises(WorkerFailure, match=f"norm is {value}") as failure:
            trainer.optim_step(ADAM)
        assert failure.value.code == "not_finite"
    # Weights and moments are as before, and that gradient is gone.
    for each in (trainer, fresh):
        each.forward_backward(make_batch(2), LOSS, 7.0)
        each.optim_step(ADAM)
    assert weights(trainer) == weights(fresh)


def limit_memory(monkeypatch: pytest.MonkeyPatch, tokens: int) -> list[int]:
    """Let packs of more tokens run out of memory; give the sizes that were tried."""
    tried: list[int] = []
    original = Scorer.forward

    def forward(self, pack, temperature):
        tried.append(pack.tokens.size)
        if pack.tokens.size > tokens:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return original(self, pack, temperature)

    monkeypatch.setattr(Scorer, "forward", forward)
    return tried


def until_done(call: Callable[[], object]) -> list[WorkerFailure]:
    """Ask again as long as memory is short; give the failures."""
    failures: list[WorkerFailure] = []
    for _ in range(9):
        try:
            call()
            return failures
        except WorkerFailure as failure:
            failures.append(failure)
    raise failures[-1]


def test_a_full_memory_says_what_was_too_much_and_asking_again_computes_less_at_once(monkeypatch) -> None:
    whole = make_trainer()
    metrics = whole.forward_backward(make_batch(), LOSS, 7.0)
    trainer = make_trainer()
    tried = limit_memory(monkeypatch, 12)
    before = None

    def ask() -> None:
        assert all(parameter.grad is before for parameter in trainer.model.parameters())
        assert_metrics(trainer.forward_backward(make_batch(), LOSS, 7.0), metrics)

    failures = until_done(ask)
    # The pack has 3 + (5 + 2) + 2 + (1 + 5) tokens: each prompt, and what follows it in its two sequences up
    # to the token before the last target.
    assert [failure.code for failure in failures] == ["out_of_memory"]
    expected = "18 tokens of 4 sequences, 15 of them trained are too much; at most 9 from now on"
    assert failures[0].message == expected
    assert failures[0].details == "CUDA out of memory. Tried to allocate 2.00 GiB."
    assert max(tried[1:]) <= 9
    assert_close(gradient(whole), gradient(trainer), ROUNDING)


def test_a_sequence_that_is_too_large_alone_says_so_and_costs_the_others_nothing(monkeypatch) -> None:
    trainer, batch = make_trainer(), make_batch()
    limit_memory(monkeypatch, 7)
    failures = []
    for _ in range(9):
        with pytest.raises(WorkerFailure) as failure:
            trainer.forward_backward(batch, LOSS, 7.0)
        failures.append(failure.value.message)
    # Sequence 0 is computed up to its last token but one.
    assert failures[-1] == "8 tokens of sequence 0, 6 of them trained is too much even alone"
    # However often it is tried, packs do not become smaller than what was too large asks for.
    assert trainer.scorer.budget == 4
    assert trainer.forward_backward(part(batch, 1, 5), LOSS, 7.0).tokens == 9


def test_log_probs_too_are_computed_with_less_at_once_when_memory_is_full(monkeypatch) -> None:
    batch, trainer = make_batch(), make_trainer()
    expected = sequence_logprobs(trainer.scorer, batch.tokens, batch.lengths, 0.8)
    limit_memory(monkeypatch, 12)
    found = []
    failures = until_done(
        lambda: found.append(sequence_logprobs(trainer.scorer, batch.tokens, batch.lengths, 0.8))
    )
    assert {failure.code for failure in failures} == {"out_of_memory"}
    np.testing.assert_allclose(found[0], expected, atol=1e-5)


DROPOUT = {
    "qwen3": tiny_models.qwen3_config(attention_dropout=0.5),
    "gpt2": GPT2Config(
        vocab_size=tiny_models.VOCABULARY_SIZE,
        n_embd=32,
        n_layer=2,
        n_head=2,
        n_positions=96,
        resid_pdrop=0.5,
        bos_token_id=None,
        eos_token_id=1,
    ),
    # Its layers drop out themselves, not through a module.
    "opt": OPTConfig(
        vocab_size=tiny_models.VOCABULARY_SIZE,
        hidden_size=32,
        ffn_dim=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=96,
        word_embed_proj_dim=32,
        dropout=0.5,
    ),
}


@pytest.mark.parametrize("kind", DROPOUT)
def test_recomputing_activations_changes_no_gradient_and_brings_no_dropout(kind: str) -> None:
    stored = Trainer(tiny_models.make_model(DROPOUT[kind]), WIDE)
    recomputed = Trainer(tiny_models.make_model(DROPOUT[kind]), WIDE, recompute=True)
    assert recomputed.model.is_gradient_checkpointing
    calls, errors = watch_layers(recomputed)
    for seed in range(2):
        for trainer in (stored, recomputed):
            trainer.forward_backward(make_batch(seed), LOSS, 7.0)
        assert len(calls) == 2 * 2  # each of two layers, forward and again backward
        calls.clear()
        # A pack that fails in a layer leaves it as it was.
        errors.append(ZeroDivisionError())
        with pytest.raises(ZeroDivisionError):
            recomputed.forward_backward(make_batch(), LOSS, 7.0)
        calls.clear()
    assert_close(gradient(stored), gradient(recomputed), ROUNDING)


def watch_layers(trainer: Trainer) -> tuple[list[int], list[Exception]]:
    """Note each run of a block of the model in the first list, and let it raise what is in the second."""
    calls: list[int] = []
    errors: list[Exception] = []

    def before(*_args) -> None:
        calls.append(1)
        if errors:
            raise errors.pop()

    for module in trainer.model.modules():
        if isinstance(module, torch.nn.ModuleList):
            for layer in module:
                layer.register_forward_pre_hook(before)
    return calls, errors


@pytest.mark.parametrize("budget", [WIDE, NARROW])
def test_log_probs_of_given_tokens(budget: int) -> None:
    model, batch, done = tiny_models.make_model(tiny_models.qwen3_config()), make_batch(), []
    ours = sequence_logprobs(Scorer(model, budget), batch.tokens, batch.lengths, 0.8, after_pack=done.append)
    start = 0
    for length in batch.lengths:
        row = torch.from_numpy(batch.tokens[start : start + length]).long()
        with torch.no_grad():
            table = torch.log_softmax(model(input_ids=row.unsqueeze(0)).logits[0] / 0.8, -1)
        expected = [0.0] + [table[t - 1, row[t]].item() for t in range(1, length)]
        assert ours[start : start + length].tolist() == pytest.approx(expected, abs=1e-5)
        start += length
    assert done == ([5] if budget is WIDE else [1, 2, 3, 4, 5])


def test_log_probs_are_computed_where_they_are_wanted_and_are_those_of_all() -> None:
    scorer, batch, done = Scorer(tiny_models.make_model(tiny_models.qwen3_config()), WIDE), make_batch(), []
    all_of_them = sequence_logprobs(scorer, batch.tokens, batch.lengths, 0.8)
    ours = sequence_logprobs(scorer, batch.tokens, batch.lengths, 0.8, batch.mask, done.append)
    np.testing.assert_allclose(ours, all_of_them * batch.mask, atol=1e-5)
    assert (ours[~batch.mask] == 0).all()
    assert done == [5]  # sequence 2, of which nothing is wanted, is done before anything is computed


def test_a_sequence_of_one_token_has_no_log_prob() -> None:
    scorer = Scorer(tiny_models.make_model(tiny_models.qwen3_config()), WIDE)
    assert sequence_logprobs(scorer, np.array([7], np.int32), np.array([1]), 1.0).tolist() == [0.0]


def test_more_advantage_makes_a_sequence_likelier() -> None:
    trainer, batch = make_trainer(), on_policy(make_batch(), [1, -1, 0, 1, -1])

    def sums() -> np.ndarray:
        logprobs = sequence_logprobs(trainer.scorer, batch.tokens, batch.lengths, 1.0) * batch.mask
        return np.add.reduceat(logprobs, np.cumsum(batch.lengths) - batch.lengths)

    before = sums()
    trainer.forward_backward(batch, OWN, float(batch.mask.sum()))
    trainer.optim_step(changed_adam(learning_rate=1e-3, weight_decay=0.0, max_grad_norm=0.0))
    assert (np.sign(sums() - before) == np.sign(batch.advantages)).all()
