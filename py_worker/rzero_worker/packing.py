"""Packs: sequences of any length laid side by side up to a budget of tokens, each shared prompt once.

What cannot be packed (see `scorer.py`) is cut into right-padded rectangles of like length instead. Right
padding needs no attention mask: with causal attention a real token never sees what comes after it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rzero_worker.attention import Layout


@dataclass(frozen=True)
class Pack:
    """Tokens of one forward pass, and where in it log-probs are asked for."""

    tokens: np.ndarray  # int64 [1, T] with a layout, else [B, T], right-padded with 0
    layout: Layout | None
    outputs: np.ndarray  # int64 [N], the flat position (b * T + t) whose output predicts the target
    targets: np.ndarray  # int64 [N], the tokens predicted
    source: np.ndarray  # int64 [N], where each target lies in the concatenated sequences
    sequences: np.ndarray  # int64, which sequences these are

    def __str__(self) -> str:
        """Say how large it is, for messages."""
        count = len(self.sequences)
        what = f"sequence {self.sequences[0]}" if count == 1 else f"{count} sequences"
        return f"{self.tokens.size} tokens of {what}, {len(self.targets)} of them trained"


def idle_pack(packed: bool) -> Pack:
    """A pack of one token that asks for nothing, so that its gradient is zero: for a rank without work."""
    none = np.zeros(0, np.int64)
    layout = Layout((1,), (-1,)) if packed else None
    return Pack(np.zeros((1, 1), np.int64), layout, none, none, none, none)


def share_budget(packs: list[Pack], budget: int, ranks: int) -> int:
    """Find the budget at which packs, made under a larger one, are to be cut anew to be shared by ranks.

    Few packs would leave ranks idle. In as many rounds as need be, each rank gets its share, and a tenth
    more, since pieces do not divide evenly. A single sequence is not cut, and needs its prompt.
    """
    total = sum(pack.tokens.size for pack in packs)
    turns = ranks * max(1, -(-total // (budget * ranks)))
    return max(1, min(budget, -(-total * 11 // (turns * 10))))


def sequence_of_token(lengths: np.ndarray) -> np.ndarray:
    """The number of the sequence that each token of the concatenation belongs to."""
    return np.repeat(np.arange(len(lengths)), lengths)


@dataclass(frozen=True)
class _Sequence:
    """One sequence with at least one target."""

    number: int
    start: int  # in the concatenation
    wanted: np.ndarray  # int64, where its targets lie in the concatenation

    @property
    def prompt(self) -> int:
        """Tokens before the first target."""
        return int(self.wanted[0]) - self.start

    @property
    def needed(self) -> int:
        """Tokens to compute: all before the last target, whose own output nobody asks for."""
        return int(self.wanted[-1]) - self.start


def _with_targets(lengths: np.ndarray, mask: np.ndarray) -> list[_Sequence]:
    starts = np.cumsum(lengths) - lengths
    wanted = np.flatnonzero(mask)
    bounds = np.searchsorted(wanted, starts[1:])
    parts = enumerate(np.split(wanted, bounds))
    return [_Sequence(number, int(starts[number]), part) for number, part in parts if len(part) > 0]


def make_packs(tokens: np.ndarray, lengths: np.ndarray, mask: np.ndarray, budget: int) -> list[Pack]:
    """Pack concatenated sequences, the largest pieces first, so that what is too large fails early.

    Sequences whose tokens before their first target are the same share a prompt. They go into one pack if
    they fit, else into several, each with the prompt.

    Args:
        tokens: concatenated sequences.
        lengths: [sequences], their sum is len(tokens).
        mask: aligned with tokens; true where a log-prob is wanted, never at a sequence's first token.
        budget: most tokens of a pack; a single sequence may have more.

    Returns:
        Packs that cover every masked token once. Sequences without one are left out.
    """
    groups: dict[bytes, list[_Sequence]] = {}
    for sequence in _with_targets(lengths, mask):
        prompt = tokens[sequence.start : sequence.start + sequence.prompt]
        groups.setdefault(prompt.tobytes(), []).append(sequence)
    pieces = [piece for group in groups.values() for piece in _pieces(group, budget)]
    bins: list[tuple[int, list[list[_Sequence]]]] = []
    for piece in sorted(pieces, key=_size, reverse=True):  # first fit, decreasing
        size = _size(piece)
        at = next((i for i, (used, _) in enumerate(bins) if used + size <= budget), len(bins))
        if at == len(bins):
            bins.append((0, []))
        used, held = bins[at]
        bins[at] = (used + size, [*held, piece])
    return [_pack(tokens, held) for _, held in bins]


def _size(piece: list[_Sequence]) -> int:
    prompt = piece[0].prompt
    return prompt + sum(sequence.needed - prompt for sequence in piece)


def _pieces(group: list[_Sequence], budget: int) -> list[list[_Sequence]]:
    """Cut the sequences of one prompt into pieces that fit, the longest first."""
    pieces: list[list[_Sequence]] = []
    used = 0
    for sequence in sorted(group, key=lambda one: one.needed, reverse=True):
        used += sequence.needed - sequence.prompt
        if not pieces or used > budget:
            pieces.append([])
            used = sequence.needed
        pieces[-1].append(sequence)
    return pieces


def _pack(tokens: np.ndarray, pieces: list[list[_Sequence]]) -> Pack:
    runs: list[np.ndarray] = []
    prefixes: list[int] = []
    outputs: list[np.ndarray] = []
    used = 0

    def add(start: int, stop: int, prefix: int) -> int:
        """Append a run, unless it is empty; give the place of its first token less `start`."""
        nonlocal used
        if stop > start:
            runs.append(tokens[start:stop])
            prefixes.append(prefix)
        used += stop - start
        return used - stop

    sequences = [sequence for piece in pieces for sequence in piece]
    for piece in pieces:
        if len(piece) == 1:
            (one,) = piece
            outputs.append(one.wanted - 1 + add(one.start, one.start + one.needed, -1))
            continue
        first = piece[0]
        shift_prompt = add(first.start, first.start + first.prompt, -1) + first.start
        prefix = len(runs) - 1
        for one in piece:
            shift = add(one.start + one.prompt, one.start + one.needed, prefix)
            # The first target is predicted by the prompt's last token, the others by tokens of the sequence's
            # own run.
            outputs.append(np.concatenate([[shift_prompt + one.prompt - 1], one.wanted[1:] - 1 + shift]))
    source = np.concatenate([sequence.wanted for sequence in sequences])
    return Pack(
        tokens=np.concatenate(runs).astype(np.int64)[None],
        layout=Layout(tuple(map(len, runs)), tuple(prefixes)),
        outputs=np.concatenate(outputs),
        targets=tokens[source].astype(np.int64),
        source=source,
        sequences=np.array([sequence.number for sequence in sequences]),
    )


def make_rectangles(tokens: np.ndarray, lengths: np.ndarray, mask: np.ndarray, budget: int) -> list[Pack]:
    """Cut concatenated sequences into rectangles of like length, longest first; see `make_packs`."""
    rectangles: list[list[_Sequence]] = []
    for sequence in sorted(_with_targets(lengths, mask), key=lambda one: one.needed, reverse=True):
        if not rectangles or (len(rectangles[-1]) + 1) * rectangles[-1][0].needed > budget:
            rectangles.append([])
        rectangles[-1].append(sequence)
    return [_rectangle(tokens, sequences) for sequences in rectangles]


def _rectangle(tokens: np.ndarray, sequences: list[_Sequence]) -> Pack:
    width = sequences[0].needed
    padded = np.zeros((len(sequences), width), np.int64)
    for row, one in enumerate(sequences):
        padded[row, : one.needed] = tokens[one.start : one.start + one.needed]
    source = np.concatenate([one.wanted for one in sequences])
    outputs = [row * width + one.wanted - one.start - 1 for row, one in enumerate(sequences)]
    numbers = np.array([one.number for one in sequences])
    return Pack(padded, None, np.concatenate(outputs), tokens[source].astype(np.int64), source, numbers)
