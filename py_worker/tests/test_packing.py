"""Packs and rectangles, worked by hand and for any sequences.

Tokens are numbered such that each tells its place in its sequence: what a position of a pack is fed, and what
its output shall predict, can then be compared without a model.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rzero_worker.packing import Pack, make_packs, make_rectangles, sequence_of_token

Make = Callable[[np.ndarray, np.ndarray, np.ndarray, int], list[Pack]]
MAKERS = pytest.mark.parametrize("make", [make_packs, make_rectangles])

# Two sequences of the prompt 10 11 and one of its own; the middle one is trained at its last two tokens, the
# last one with a hole.
TOKENS = np.array([10, 11, 12, 13, 14, 10, 11, 22, 23, 30, 31, 32, 33], np.int32)
LENGTHS = np.array([5, 4, 4], np.int32)
MASK = np.array([0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 1, 0, 1], bool)


def only(packs: list[Pack]) -> Pack:
    (pack,) = packs
    return pack


def test_a_pack_worked_by_hand() -> None:
    pack = only(make_packs(TOKENS, LENGTHS, MASK, 100))
    # The prompt and 12 (which predicts 13; nothing is asked of 13 and 14), the other's 22, then 30 31 32.
    assert pack.tokens.tolist() == [[10, 11, 12, 22, 30, 31, 32]]
    assert pack.layout.lengths == (2, 1, 1, 3) and pack.layout.prefixes == (-1, 0, 0, -1)
    assert pack.layout.positions.tolist() == [[0, 1, 2, 2, 0, 1, 2]]
    assert pack.targets.tolist() == [12, 13, 22, 23, 31, 33]
    assert pack.outputs.tolist() == [1, 2, 1, 3, 4, 6]
    assert pack.source.tolist() == [2, 3, 7, 8, 10, 12]
    assert pack.sequences.tolist() == [0, 1, 2]
    assert pack.tokens.dtype == pack.targets.dtype == np.int64
    assert str(pack) == "7 tokens of 3 sequences, 6 of them trained"


def test_a_rectangle_worked_by_hand() -> None:
    rectangle = only(make_rectangles(TOKENS, LENGTHS, MASK, 100))
    assert rectangle.tokens.tolist() == [[10, 11, 12], [10, 11, 22], [30, 31, 32]]
    assert rectangle.layout is None
    assert rectangle.targets.tolist() == [12, 13, 22, 23, 31, 33]
    assert rectangle.outputs.tolist() == [1, 2, 4, 5, 6, 8]
    assert rectangle.source.tolist() == [2, 3, 7, 8, 10, 12]
    assert rectangle.sequences.tolist() == [0, 1, 2]


def test_shorter_rows_are_padded_on_the_right() -> None:
    rectangle = only(
        make_rectangles(np.array([5, 6, 7, 8, 9]), np.array([2, 3]), np.array([0, 1, 0, 0, 1]), 9)
    )
    assert rectangle.tokens.tolist() == [[7, 8], [5, 0]]
    assert rectangle.targets.tolist() == [9, 6] and rectangle.outputs.tolist() == [1, 2]
    assert rectangle.sequences.tolist() == [1, 0]


def test_the_sequences_of_a_prompt_that_do_not_fit_together_each_have_it() -> None:
    packs = make_packs(TOKENS, LENGTHS, MASK, 3)
    assert [pack.tokens.tolist() for pack in packs] == [[[10, 11, 12]], [[10, 11, 22]], [[30, 31, 32]]]
    assert all(pack.layout.prefixes == (-1,) for pack in packs)
    # With room for one more token they do.
    assert [pack.tokens.tolist() for pack in make_packs(TOKENS, LENGTHS, MASK, 4)] == [
        [[10, 11, 12, 22]],
        [[30, 31, 32]],
    ]


def test_a_sequence_with_one_trained_token_behind_a_shared_prompt_has_no_run_of_its_own() -> None:
    tokens = np.array([10, 11, 12, 10, 11, 13, 10, 11, 14])
    mask = np.array([0, 0, 1] * 3, bool)
    pack = only(make_packs(tokens, np.array([3, 3, 3]), mask, 100))
    assert pack.tokens.tolist() == [[10, 11]] and pack.layout.lengths == (2,)
    assert pack.targets.tolist() == [12, 13, 14] and pack.outputs.tolist() == [1, 1, 1]


def test_equal_sequences_share_a_prompt_and_no_more() -> None:
    # Each has an advantage of its own, and its tokens are trained with it.
    pack = only(make_packs(np.array([10, 11, 12, 13] * 2), np.array([4, 4]), np.array([0, 0, 1, 1] * 2), 100))
    assert pack.tokens.tolist() == [[10, 11, 12, 12]]
    assert pack.layout.lengths == (2, 1, 1) and pack.layout.prefixes == (-1, 0, 0)
    assert pack.outputs.tolist() == [1, 2, 1, 3] and pack.targets.tolist() == [12, 13] * 2


def test_a_prompt_that_begins_as_another_does_is_another() -> None:
    pack = only(
        make_packs(np.array([1, 2, 3, 1, 2, 4, 5]), np.array([3, 4]), np.array([0, 1, 1, 0, 0, 1, 1]), 9)
    )
    assert pack.layout.prefixes == (-1, -1)


@MAKERS
def test_nothing_to_train_needs_no_pack(make: Make) -> None:
    assert make(TOKENS, LENGTHS, np.zeros_like(MASK), 100) == []
    none = np.zeros(0, np.int32)
    assert make(none, none, none.astype(bool), 100) == []


def test_what_is_alone_too_large_says_which_sequence_it_is() -> None:
    packs = make_packs(TOKENS, LENGTHS, MASK, 1)
    assert [str(pack) for pack in packs] == [
        "3 tokens of sequence 0, 2 of them trained",
        "3 tokens of sequence 1, 2 of them trained",
        "3 tokens of sequence 2, 2 of them trained",
    ]


BASE = 1000


@st.composite
def sequences(draw) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sequences of a few prompts. A token is its place in its sequence, plus BASE times a number that differs
    from sequence to sequence; a prompt's tokens have the prompt's number instead."""
    tokens: list[int] = []
    lengths, mask = [], []
    for number in range(draw(st.integers(0, 8))):
        prompt = draw(st.integers(0, 3))  # 0: of its own
        before = (1, 4, 2, 4)[prompt]
        wanted = draw(st.lists(st.booleans(), max_size=8))
        alone = BASE * (10 + number)
        tokens += [(BASE * prompt if prompt else alone) + at for at in range(before)]
        tokens += [alone + before + at for at in range(len(wanted))]
        # The target behind the prompt is mostly there, or prompts would seldom be shared.
        if wanted and draw(st.integers(0, 3)):
            wanted[0] = True
        lengths.append(before + len(wanted))
        mask += [False] * before + wanted
    return np.array(tokens, np.int32), np.array(lengths, np.int32), np.array(mask, bool)


@MAKERS
@settings(deadline=None)
@given(sequences(), st.integers(1, 40))
def test_every_target_is_predicted_once_by_the_token_before_it_in_its_sequence(
    make: Make, batch, budget
) -> None:
    tokens, lengths, mask = batch
    packs = make(tokens, lengths, mask, budget)
    covered = np.concatenate([np.zeros(0, int), *(pack.source for pack in packs)])
    assert sorted(covered) == np.flatnonzero(mask).tolist()
    owner = sequence_of_token(lengths)
    for pack in packs:
        assert pack.targets.tolist() == tokens[pack.source].tolist()
        assert pack.tokens.flatten()[pack.outputs].tolist() == tokens[pack.source - 1].tolist()
        assert set(pack.sequences) == set(owner[pack.source])
        assert len(pack.sequences) == 1 or pack.tokens.size <= budget


@settings(deadline=None)
@given(sequences(), st.integers(1, 40))
def test_what_a_token_of_a_pack_sees_is_its_sequence_up_to_it(batch, budget) -> None:
    tokens, lengths, mask = batch
    starts = np.cumsum(lengths) - lengths
    owner = sequence_of_token(lengths)
    for pack in make_packs(tokens, lengths, mask, budget):
        runs = np.split(pack.tokens[0], np.cumsum(pack.layout.lengths)[:-1])
        ends = np.cumsum(pack.layout.lengths)
        assert min(pack.layout.lengths) > 0
        # Places in their sequences, as the tokens themselves say.
        assert pack.layout.positions[0].tolist() == (pack.tokens[0] % BASE).tolist()
        for output, source in zip(pack.outputs, pack.source, strict=True):
            run = int(np.searchsorted(ends, output, side="right"))
            prefix = pack.layout.prefixes[run]
            before = runs[prefix] if prefix >= 0 else runs[run][:0]
            seen = [*before, *runs[run][: output - (ends[run] - len(runs[run])) + 1]]
            assert seen == tokens[starts[owner[source]] : source].tolist()


@settings(deadline=None)
@given(sequences())
def test_with_room_for_all_every_prompt_is_there_once(batch) -> None:
    tokens, lengths, mask = batch
    parts = [part for part in split(tokens, lengths, mask) if part[1].any()]
    prompts = {part[: wanted.argmax()].tobytes(): wanted.argmax() for part, wanted in parts}
    own = sum(np.flatnonzero(wanted)[-1] - wanted.argmax() for _, wanted in parts)
    packs = make_packs(tokens, lengths, mask, 10**6)
    assert sum(pack.tokens.size for pack in packs) == sum(prompts.values()) + own
    assert len(packs) == bool(parts)


@settings(deadline=None)
@given(sequences(), st.integers(1, 40))
def test_packs_are_never_more_than_the_sequences_one_by_one(batch, budget) -> None:
    needed = [np.flatnonzero(wanted)[-1] for _, wanted in split(*batch) if wanted.any()]
    assert sum(pack.tokens.size for pack in make_packs(*batch, budget)) <= sum(needed)


def split(tokens: np.ndarray, lengths: np.ndarray, mask: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Tokens and mask of each sequence."""
    ends = np.cumsum(lengths)[:-1]
    return list(zip(np.split(tokens, ends), np.split(mask, ends), strict=True)) if len(lengths) else []


@MAKERS
@settings(deadline=None)
@given(sequences(), st.integers(1, 40))
def test_the_same_sequences_give_the_same_packs_and_what_is_too_large_comes_first(
    make, batch, budget
) -> None:
    once, again = make(*batch, budget), make(*batch, budget)
    assert [(a.tokens.tobytes(), a.layout, a.source.tobytes()) for a in once] == [
        (b.tokens.tobytes(), b.layout, b.source.tobytes()) for b in again
    ]
    sizes = [pack.tokens.size for pack in once]
    assert max(sizes, default=0) <= max([budget, *sizes[:1]])
