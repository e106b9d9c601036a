"""Log-probs in chunks of the output projection, against one softmax over all logits in float64."""

from __future__ import annotations

import math

import pytest
import tiny_models  # noqa: F401 - sets the threads
import torch
from torch.distributions import Categorical
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakTensorKeyDictionary

from rzero_worker.vocabulary import Projection, token_logprobs

VOCABULARY, WIDTH, ROWS = 23, 7, 11
PROJECTIONS = {
    "plain": Projection(),
    "scaled": Projection(scale=0.25),
    "capped": Projection(soft_cap=4.0),
    "scaled and capped": Projection(scale=3.0, soft_cap=4.0),
}


def problem(rows: int = ROWS, vocabulary: int = VOCABULARY) -> tuple[torch.Tensor, ...]:
    """Hidden states, weight, bias, tokens, and a slope for each row's log-prob."""
    generator = torch.Generator().manual_seed(1)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator)

    tokens = torch.randint(vocabulary, (rows,), generator=generator)
    return normal(rows, WIDTH), normal(vocabulary, WIDTH), normal(vocabulary), tokens, normal(rows)


def plain(hidden, weight, bias, tokens, temperature: float, projection: Projection):
    """All at once, as torch's distributions have it."""
    logits = projection.scale * (hidden @ weight.t() + (0 if bias is None else bias))
    if projection.soft_cap is not None:
        logits = projection.soft_cap * torch.tanh(logits / projection.soft_cap)
    distribution = Categorical(logits=logits / temperature)
    return distribution.log_prob(tokens), distribution.entropy()


def assert_as_plain(hidden, weight, bias, tokens, slopes, temperature=1.0, projection=None, elements=1):
    projection = projection or Projection()
    given = [None if x is None else x.clone().requires_grad_() for x in (hidden, weight, bias)]
    exact = [None if x is None else x.double().requires_grad_() for x in (hidden, weight, bias)]
    logprobs, entropies = token_logprobs(
        *given, tokens, temperature=temperature, projection=projection, elements=elements
    )
    expected, expected_entropies = plain(*exact, tokens, temperature, projection)
    assert logprobs.dtype == entropies.dtype == torch.float32
    torch.testing.assert_close(logprobs.double(), expected, atol=2e-5, rtol=0)
    torch.testing.assert_close(entropies.double(), expected_entropies, atol=2e-5, rtol=0)
    assert not entropies.requires_grad
    (logprobs * slopes).sum().backward()
    (expected * slopes).sum().backward()
    for mine, theirs in zip(given, exact, strict=True):
        if mine is not None:
            torch.testing.assert_close(mine.grad.double(), theirs.grad, atol=5e-5, rtol=0)


def test_a_softmax_worked_by_hand() -> None:
    # softmax(0, ln 3) = (1/4, 3/4); its entropy is 1/4 ln 4 + 3/4 ln 4/3 = 0.346574 + 0.215762.
    hidden = torch.tensor([[1.0], [1.0]], requires_grad=True)
    weight = torch.tensor([[0.0], [math.log(3)]])
    logprobs, entropies = token_logprobs(
        hidden, weight, None, torch.tensor([0, 1]), temperature=1.0, projection=Projection(), elements=2
    )
    assert logprobs.tolist() == pytest.approx([math.log(1 / 4), math.log(3 / 4)], abs=1e-6)
    assert entropies.tolist() == pytest.approx([0.562335, 0.562335], abs=1e-6)
    # d log p(t) / d z = 1(t) - p, and only the second logit depends on the hidden state, by ln 3.
    logprobs.sum().backward()
    assert hidden.grad.flatten().tolist() == pytest.approx([-3 / 4 * math.log(3), 1 / 4 * math.log(3)])


@pytest.mark.parametrize("elements", [1, VOCABULARY, 4 * VOCABULARY + 1, ROWS * VOCABULARY, 10**6])
@pytest.mark.parametrize("projection", PROJECTIONS.values(), ids=PROJECTIONS.keys())
@pytest.mark.parametrize("temperature", [1.0, 0.6, 1.7])
def test_log_probs_entropies_and_gradients_of_any_chunks(elements, projection, temperature) -> None:
    hidden, weight, bias, tokens, slopes = problem()
    for offset in (bias, None):
        assert_as_plain(hidden, weight, offset, tokens, slopes, temperature, projection, elements)


def test_the_coldest_softmax_is_a_point_mass() -> None:
    logprobs, entropies = token_logprobs(
        torch.ones(1, 1), torch.tensor([[20.0], [19.0]]), None, torch.tensor([0]),
        temperature=1e-320, projection=Projection(), elements=2,
    )  # fmt: skip
    assert logprobs.item() == 0 and entropies.item() == 0


@pytest.mark.parametrize("elements", [1, 10**6])
def test_a_token_that_the_model_masks_changes_nothing(elements: int) -> None:
    hidden, weight, bias, tokens, slopes = problem()
    masked = bias.clone()
    masked[-3:] = -torch.inf
    tokens = tokens % (VOCABULARY - 3)
    grads = []
    for count, offset in ((VOCABULARY, masked), (VOCABULARY - 3, bias[:-3])):
        given = [x.clone().requires_grad_() for x in (hidden, weight[:count], offset)]
        logprobs, entropies = token_logprobs(
            *given, tokens, temperature=0.7, projection=Projection(), elements=elements
        )
        (logprobs * slopes).sum().backward()
        grads.append([logprobs, entropies, *(x.grad[: VOCABULARY - 3] for x in given)])
        assert all(torch.count_nonzero(x.grad[VOCABULARY - 3 :]) == 0 for x in given[1:])
    torch.testing.assert_close(*grads)


@pytest.mark.parametrize("elements", [1, 10**6])
def test_no_rows_no_log_probs_and_a_zero_gradient(elements: int) -> None:
    _, weight, bias, _, _ = problem()
    given = [x.requires_grad_() for x in (torch.zeros(0, WIDTH), weight, bias)]
    logprobs, entropies = token_logprobs(
        *given, torch.zeros(0, dtype=torch.long), temperature=1.0, projection=Projection(), elements=elements
    )
    assert logprobs.shape == entropies.shape == (0,)
    logprobs.sum().backward()
    assert given[0].grad.shape == (0, WIDTH)
    assert all(torch.count_nonzero(x.grad) == 0 for x in given[1:])


@pytest.mark.parametrize("trained", [0, 1, 2])
@pytest.mark.parametrize("elements", [1, 10**6])
def test_what_is_frozen_gets_no_gradient_and_takes_none_away(trained: int, elements: int) -> None:
    *inputs, tokens, slopes = problem()

    def grads(*wanted: int) -> list[torch.Tensor | None]:
        given = [x.clone().requires_grad_(i in wanted) for i, x in enumerate(inputs)]
        logprobs, _ = token_logprobs(
            *given, tokens, temperature=1.0, projection=Projection(), elements=elements
        )
        (logprobs * slopes).sum().backward()
        return [x.grad for x in given]

    alone = grads(trained)
    assert [grad is None for grad in alone] == [i != trained for i in range(3)]
    assert torch.equal(alone[trained], grads(0, 1, 2)[trained])


@pytest.mark.parametrize("projection", PROJECTIONS.values(), ids=PROJECTIONS.keys())
@pytest.mark.parametrize("elements", [1, 10**6])
def test_a_second_pass_backward_gives_the_same(elements: int, projection: Projection) -> None:
    hidden, weight, bias, tokens, slopes = problem()
    hidden.requires_grad_()
    logprobs, _ = token_logprobs(
        hidden, weight, bias, tokens, temperature=0.8, projection=projection, elements=elements
    )
    (first,) = torch.autograd.grad(logprobs, hidden, slopes, retain_graph=True)
    (second,) = torch.autograd.grad(logprobs, hidden, slopes)
    torch.testing.assert_close(first, second, atol=1e-6, rtol=0)


def test_a_gradient_of_the_gradient_is_refused_and_not_wrong() -> None:
    hidden, weight, bias, tokens, slopes = problem()
    hidden.requires_grad_()
    logprobs, _ = token_logprobs(
        hidden, weight, bias, tokens, temperature=1.0, projection=Projection(), elements=1
    )
    (grad,) = torch.autograd.grad(logprobs, hidden, slopes.requires_grad_(), create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        grad.sum().backward()


@pytest.mark.parametrize("elements", [VOCABULARY, 10**6])
def test_half_precision_models_have_log_probs_in_float32(elements: int) -> None:
    hidden, weight, bias, tokens, slopes = problem()
    halves = [x.bfloat16().requires_grad_() for x in (hidden, weight, bias)]
    logprobs, entropies = token_logprobs(
        *halves, tokens, temperature=1.0, projection=Projection(), elements=elements
    )
    exact = [x.detach().double().requires_grad_() for x in halves]
    expected, expected_entropies = plain(*exact, tokens, 1.0, Projection())
    assert logprobs.dtype == entropies.dtype == torch.float32
    # A logit of up to 16 in bfloat16 is off by at most 2^-5, and as much again in the normaliser.
    torch.testing.assert_close(logprobs.double(), expected, atol=2**-4, rtol=0)
    torch.testing.assert_close(entropies.double(), expected_entropies, atol=2**-3, rtol=0)
    (logprobs * slopes).sum().backward()
    (expected * slopes).sum().backward()
    for mine, theirs in zip(halves, exact, strict=True):
        assert mine.grad.dtype == torch.bfloat16
        torch.testing.assert_close(mine.grad.double(), theirs.grad, atol=0.1, rtol=0.05)


def test_backward_computes_the_logits_again_as_autocast_computed_them() -> None:
    # As on CUDA: the forward pass runs under autocast, the backward pass is called outside of it. One chunk
    # is kept from the forward pass, several are computed again, and the gradient is the same.
    hidden, weight, _, tokens, slopes = problem()
    grads = []
    for elements in (10**6, VOCABULARY):
        given = hidden.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16):
            logprobs, _ = token_logprobs(
                given, weight, None, tokens, temperature=0.7, projection=Projection(), elements=elements
            )
        (logprobs * slopes).sum().backward()
        assert given.grad.dtype == torch.float32
        grads.append(given.grad)
    torch.testing.assert_close(*grads, atol=1e-6, rtol=0)


class Memory(TorchDispatchMode):
    """The most bytes that tensors took at once, of those made while it is on."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._alive = WeakTensorKeyDictionary()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for made in tree_leaves(result):
            if isinstance(made, torch.Tensor):
                self._alive[made] = True
        storages = (tensor.untyped_storage() for tensor in self._alive)
        self.peak = max(self.peak, sum({s.data_ptr(): s.nbytes() for s in storages}.values()))
        return result


def test_memory_is_that_of_a_chunk_however_many_rows() -> None:
    vocabulary, chunk = 2000, 8

    def peak(rows: int, compute) -> int:
        hidden, weight, bias, tokens, _ = problem(rows, vocabulary)
        given = [x.requires_grad_() for x in (hidden, weight, bias)]
        with Memory() as memory:
            compute(*given, tokens, 0.7, Projection())[0].sum().backward()
        return memory.peak

    def ours(hidden, weight, bias, tokens, temperature, projection):
        return token_logprobs(
            hidden, weight, bias, tokens,
            temperature=temperature, projection=projection, elements=chunk * vocabulary,
        )  # fmt: skip

    assert peak(256, plain) > 10 * peak(16, plain)  # it is a measure
    linear = 4 * (256 - 16) * (WIDTH + 16)  # what each row has of its own: a gradient and a few numbers
    assert peak(256, ours) < peak(16, ours) + linear
    assert peak(16, ours) > 4 * chunk * vocabulary
