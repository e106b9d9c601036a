"""Attention of a decoding step over shared prompts is that of every row alone."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rzero_worker.attention import NotPackable, attend
from rzero_worker.decoding import Decoding

MODULE = torch.nn.Module()


def bias(lengths: list[int]) -> torch.Tensor:
    table = [[0.0 if at < length else -torch.inf for at in range(max(lengths))] for length in lengths]
    return torch.tensor(table, dtype=torch.float64).unsqueeze(1)


def decoding_of(prompt: list[int], lengths: list[int], own: list[int]) -> Decoding:
    """Rows as they lie, of these prompts, with as many tokens of their own."""
    slots = max(prompt.count(one) for one in prompt)
    cell = [one * slots + prompt[:row].count(one) for row, one in enumerate(prompt)]
    row = [cell.index(at) if at in cell else 0 for at in range(len(lengths) * slots)]
    return Decoding(torch.tensor(cell), torch.tensor(row), bias(lengths), bias(own))


@st.composite
def steps(draw) -> tuple[list[int], list[int], list[int]]:
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    prompt = draw(
        st.permutations([*range(len(lengths)), *draw(st.lists(st.integers(0, len(lengths) - 1), max_size=6))])
    )
    own = draw(st.lists(st.integers(1, 4), min_size=len(prompt), max_size=len(prompt)))
    return prompt, lengths, own


@settings(deadline=None)
@given(
    step=steps(),
    groups=st.sampled_from([1, 2]),
    share=st.sampled_from([1, 3]),
    scale=st.sampled_from([None, 0.3]),
)
def test_a_row_sees_its_prompt_and_its_own_tokens(step, groups: int, share: int, scale: float | None) -> None:
    prompt, lengths, own = step
    random = torch.Generator().manual_seed(0)

    def numbers(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=random)

    sizes = (4, 6)  # values may be wider than keys
    query = numbers(len(prompt), groups * share, 1, 4)
    prompts = [numbers(len(lengths), groups, max(lengths), size) for size in sizes]
    keys, values = (numbers(len(prompt), groups, max(own), size) for size in sizes)
    decoding = decoding_of(prompt, lengths, own)
    decoding.held = (*prompts, keys, values)
    out, _ = attend(MODULE, query, keys, values, None, decoding=decoding, scaling=scale)
    assert decoding.held is None
    for row, one in enumerate(prompt):
        k, v = (
            torch.cat([shared[one, :, : lengths[one]], mine[row, :, : own[row]]], dim=1).repeat_interleave(
                share, 0
            )
            for shared, mine in zip(prompts, (keys, values), strict=True)
        )
        weights = ((query[row] @ k.transpose(1, 2)) * (scale or 4**-0.5)).softmax(-1)
        # The softmax is taken in 32 bits, whatever the rest is in.
        torch.testing.assert_close(out[row, 0], (weights @ v)[:, 0], atol=1e-6, rtol=0)


def test_what_shared_prompts_cannot_have_is_said() -> None:
    keys, values = torch.randn(1, 1, 1, 4), torch.randn(1, 1, 1, 4)

    def step(**more) -> None:
        decoding = decoding_of([0], [1], [1])
        decoding.held = (keys.double(), values.double(), keys, values)
        given = dict(key=keys, value=values) | more
        attend(MODULE, torch.randn(1, 1, 1, 4), attention_mask=None, decoding=decoding, **given)

    for more, reason in (
        ({"position_bias": keys}, "its attention takes position_bias"),
        ({"sliding_window": 3}, "its attention has a window"),
        # As where a cache holds something that keys and values are made of.
        ({"key": keys * 2}, "its attention does not see just what its cache holds"),
    ):
        with pytest.raises(NotPackable, match=f"^{reason}$"):
            step(**more)
