"""Attention over packs, against a loop over queries that looks at each one's keys; exact in float64."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import tiny_models  # noqa: F401 - sets the threads
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rzero_worker import attention
from rzero_worker.attention import Layout, NotPackable, attend

HEADS, SIZE = 4, 8
PROMPTS = Layout((3, 2, 4, 1, 5, 2), (-1, 0, 0, 0, -1, 4))
"""A prompt with three completions, one of them a single token, and another with one."""


def states(layout: Layout, groups: int, dtype=torch.float64, seed: int = 0) -> list[torch.Tensor]:
    """Random queries [1, heads, T, D], keys and values [1, groups, T, D], and slopes of the output."""
    generator, length = torch.Generator().manual_seed(seed), sum(layout.lengths)
    shapes = [(1, HEADS, length, SIZE), *[(1, groups, length, SIZE)] * 2, (1, length, HEADS, SIZE)]
    return [torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype) for shape in shapes]


def seen(layout: Layout, window: int | None) -> list[list[int]]:
    """Which tokens each token of a pack sees, by the words of the module's head."""
    starts = [sum(layout.lengths[:run]) for run in range(len(layout.lengths))]
    result = []
    for start, length, prefix in zip(starts, layout.lengths, layout.prefixes, strict=True):
        before = [] if prefix < 0 else list(range(starts[prefix], starts[prefix] + layout.lengths[prefix]))
        for token in range(start, start + length):
            keys = [*before, *range(start, token + 1)]
            result.append(keys if window is None else keys[-window:])
    return result


def plain(query, key, value, layout: Layout, window: int | None, scale: float | None) -> torch.Tensor:
    """Softmax attention, a query and a head at a time."""
    copies = query.shape[1] // key.shape[1]
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    rows = []
    for token, keys in enumerate(seen(layout, window)):
        for head in range(query.shape[1]):
            k, v = (x[0, head // copies, keys] for x in (key, value))
            rows.append(torch.softmax(k @ query[0, head, token] * scale, 0) @ v)
    return torch.stack(rows).view(1, sum(layout.lengths), query.shape[1], -1)


def results(compute, query, key, value, slopes) -> list[torch.Tensor]:
    """The output and the gradients of queries, keys and values."""
    leaves = [x.clone().requires_grad_() for x in (query, key, value)]
    output = compute(*leaves)
    return [output, *torch.autograd.grad(output, leaves, slopes)]


def packed(layout: Layout, window: int | None = None, scale: float | None = None):
    def compute(query, key, value):
        fresh = Layout(layout.lengths, layout.prefixes)
        given = {"scaling": scale, "sliding_window": window, "layout": fresh}
        output, weights = attend(torch.nn.Module(), query, key, value, None, **given)
        assert weights is None and fresh.windows == [window]
        return output

    return compute


@st.composite
def layouts(draw) -> Layout:
    lengths = draw(st.lists(st.integers(1, 6), min_size=1, max_size=6))
    prefixes: list[int] = []
    for run in range(len(lengths)):
        roots = [other for other in range(run) if prefixes[other] < 0]
        prefixes.append(draw(st.sampled_from([-1, *roots])))
    return Layout(tuple(lengths), tuple(prefixes))


CASES = dict(
    layout=layouts(),
    groups=st.sampled_from([1, 2, 4]),
    window=st.sampled_from([None, 1, 2, 3, 5, 100]),
    scale=st.sampled_from([None, 0.3]),
)


def test_which_tokens_see_which_worked_by_hand() -> None:
    layout = Layout((2, 2, 1, 1), (-1, 0, 0, -1))
    assert seen(layout, None) == [[0], [0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 1, 4], [5]]
    assert seen(layout, 2) == [[0], [0, 1], [1, 2], [2, 3], [1, 4], [5]]
    assert layout.positions.tolist() == [[0, 1, 2, 3, 2, 0]]
    assert layout.longest == 4
    index, begin_q, begin_k = layout.on(torch.device("cpu"))
    assert index.tolist() == [0, 1, 0, 1, 2, 3, 0, 1, 4, 5]
    assert begin_q.tolist() == [0, 2, 4, 5, 6] and begin_k.tolist() == [0, 2, 6, 9, 10]
    assert begin_q.dtype == begin_k.dtype == torch.int32
    assert Layout((2, 3), (-1, -1)).on(torch.device("cpu"))[0] is None


@settings(deadline=None)
@given(**CASES, elements=st.sampled_from([1, 7, 20, 2**18]))
def test_each_query_sees_its_prefix_and_its_run_up_to_itself(layout, groups, window, scale, elements) -> None:
    inputs = states(layout, groups)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "MASK_ELEMENTS", elements)
        ours = results(packed(layout, window, scale), *inputs)
    theirs = results(lambda *qkv: plain(*qkv, layout, window, scale), *inputs)
    for mine, exact in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, exact, atol=1e-10, rtol=0)


@pytest.mark.parametrize("window", [None, 2, 4])
def test_a_sequence_in_a_pack_is_the_sequence_alone(window: int | None) -> None:
    # Run 2 with its prefix, run 0, is one causal sequence for torch's own attention.
    query, key, value, _ = states(PROMPTS, groups=2)
    output = packed(PROMPTS, window)(query, key, value)
    mine = [0, 1, 2, 5, 6, 7, 8]
    mask = torch.ones(7, 7, dtype=torch.bool).tril()
    mask = mask if window is None else mask.triu(1 - window)
    alone = torch.nn.functional.scaled_dot_product_attention(
        query[:, :, mine], key[:, :, mine], value[:, :, mine], mask, enable_gqa=True
    )
    torch.testing.assert_close(output[:, mine], alone.transpose(1, 2), atol=1e-10, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_float_types(dtype: torch.dtype) -> None:
    inputs = states(PROMPTS, 2, dtype)
    ours = results(packed(PROMPTS, 3), *inputs)
    theirs = results(lambda *qkv: plain(*qkv, PROMPTS, 3, None), *(x.double() for x in inputs))
    for mine, exact in zip(ours, theirs, strict=True):
        assert mine.dtype == dtype
        atol = 1e-5 if dtype == torch.float32 else 0.05
        torch.testing.assert_close(mine.double(), exact, atol=atol, rtol=0)


def test_values_may_be_wider_than_keys() -> None:
    query, key, value, _ = states(PROMPTS, 2)
    wide = torch.cat([value, 2 * value], -1)
    narrow, both = (packed(PROMPTS, 3)(query, key, v) for v in (value, wide))
    torch.testing.assert_close(both, torch.cat([narrow, 2 * narrow], -1))


def reference_varlen_attn(
    query, key, value, begin_q, begin_k, max_q, max_k, *, scale, window_size, enable_gqa
) -> torch.Tensor:
    """What torch's documentation of `varlen_attn` says, a run at a time: a run's last query is on a level
    with its last key, and sees `window_size` = (left, right) tokens beside its own, -1 for all."""
    assert query.shape[1] == key.shape[1] or enable_gqa
    left, right = window_size
    outputs = []
    for run in range(len(begin_q) - 1):
        q = query[begin_q[run] : begin_q[run + 1]].transpose(0, 1)
        k, v = (x[begin_k[run] : begin_k[run + 1]].transpose(0, 1) for x in (key, value))
        k, v = (x.repeat_interleave(len(q) // len(x), 0) for x in (k, v))
        rows, keys = q.shape[1], k.shape[1]
        assert rows <= max_q and keys <= max_k
        distance = torch.arange(rows)[:, None] + keys - rows - torch.arange(keys)  # how far back a key is
        hidden = ((distance > left) & (left >= 0)) | ((-distance > right) & (right >= 0))
        scores = q @ k.transpose(1, 2) * scale
        outputs.append((torch.softmax(scores.masked_fill(hidden, -torch.inf), -1) @ v).transpose(0, 1))
    return torch.cat(outputs)


@settings(deadline=None)
@given(**CASES)
def test_one_kernel_for_all_runs_is_given_what_it_needs(layout, groups, window, scale) -> None:
    # The kernel itself needs a GPU. Its arguments, and what is gathered for it, do not.
    inputs, scale = states(layout, groups), scale or 0.5
    window = window if window is not None and window < layout.longest else None

    def compute(function):
        return lambda *qkv: function(*(x.squeeze(0) for x in qkv), layout, window, scale)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "varlen_attn", reference_varlen_attn)
        flash = results(compute(attention._flash), *inputs)
    for one, other in zip(flash, results(compute(attention._run_by_run), *inputs), strict=True):
        torch.testing.assert_close(one, other, atol=1e-10, rtol=0)


@pytest.mark.parametrize(
    ("device", "dtype", "sizes", "taken"),
    [
        ("cuda", torch.bfloat16, (64, 64), True),
        ("cuda", torch.float16, (256, 256), True),
        ("cuda", torch.float32, (64, 64), False),
        ("cuda", torch.bfloat16, (100, 100), False),  # OpenLLaMA-3B's; the kernel wants a multiple of 8
        ("cuda", torch.bfloat16, (264, 264), False),
        ("cuda", torch.bfloat16, (64, 128), False),
        ("cpu", torch.bfloat16, (64, 64), False),
    ],
)
def test_the_kernel_is_asked_for_what_it_has(device, dtype, sizes, taken) -> None:
    q, v = (
        SimpleNamespace(is_cuda=device == "cuda", dtype=dtype, shape=torch.Size((HEADS, 9, size)))
        for size in sizes
    )
    assert attention._has_kernel(q, v) is taken


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"softcap": 50.0}, "softcap"),
        ({"s_aux": torch.zeros(HEADS)}, "s_aux"),
        ({"position_bias": torch.zeros(1)}, "position_bias"),
        ({"is_causal": False}, "not causal"),
        ({"dropout": 0.1}, "drops out"),
    ],
)
def test_what_a_pack_cannot_have_is_said(more: dict, reason: str) -> None:
    query, key, value, _ = states(PROMPTS, 2)
    with pytest.raises(NotPackable, match=reason):
        attend(torch.nn.Module(), query, key, value, None, layout=PROMPTS, **more)


def test_what_a_model_says_but_does_not_mean_is_no_hindrance() -> None:
    query, key, value, _ = states(PROMPTS, 2)
    said = dict(softcap=None, s_aux=None, dropout=0.0, is_causal=True, position_ids=torch.zeros(1))
    layout = Layout(PROMPTS.lengths, PROMPTS.prefixes)
    output, _ = attend(torch.nn.Module(), query, key, value, None, layout=layout, **said)
    torch.testing.assert_close(output, packed(PROMPTS)(query, key, value))


def test_a_mask_that_was_made_without_autograd_serves_with_it() -> None:
    attention._mask.cache_clear()
    query, key, value, slopes = states(PROMPTS, 2)
    with torch.inference_mode():
        packed(PROMPTS, 3)(query, key, value)
    again = results(packed(PROMPTS, 3), query, key, value, slopes)
    assert attention._mask.cache_info().hits > 0
    attention._mask.cache_clear()
    for one, other in zip(again, results(packed(PROMPTS, 3), query, key, value, slopes), strict=True):
        assert torch.equal(one, other)
