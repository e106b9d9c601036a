"""Micro-batches: sequences of any length cut into right-padded rectangles of like length.

Right padding needs no attention mask: with causal attention a real token never sees what comes after it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Limits:
    """What one micro-batch may hold; a single sequence is always allowed."""

    tokens: int  # padded tokens: bounds the activations
    targets: int  # log-probs asked for: bounds the vocabulary-wide rows


@dataclass(frozen=True)
class MicroBatch:
    """A rectangle of sequences and where in it log-probs are asked for."""

    tokens: np.ndarray  # int64 [B, T], right-padded with 0
    positions: np.ndarray  # int64 [N], flat (b * T + t), whose output predicts the target
    targets: np.ndarray  # int64 [N], the tokens predicted
    source: np.ndarray  # int64 [N], where each target lies in the concatenated sequences
    sequences: np.ndarray  # int64 [B], which sequences these are


def sequence_of_token(lengths: np.ndarray) -> np.ndarray:
    """The number of the sequence that each token of the concatenation belongs to."""
    return np.repeat(np.arange(len(lengths)), lengths)


def micro_batches(
    tokens: np.ndarray, lengths: np.ndarray, mask: np.ndarray, limits: Limits
) -> list[MicroBatch]:
    """Cut concatenated sequences into micro-batches, longest first, so that the largest one fails early.

    Args:
        tokens: concatenated sequences.
        lengths: [sequences], their sum is len(tokens).
        mask: aligned with tokens; true where a log-prob is wanted, never at a sequence's first token.
        limits: what a micro-batch may hold.

    Returns:
        Micro-batches that cover every masked token once. Sequences without one are left out, and each
        sequence ends before its last masked token, whose own output nobody asks for.
    """
    starts = np.cumsum(lengths) - lengths
    wanted = np.flatnonzero(mask)
    owner = sequence_of_token(lengths)[wanted]
    counts = np.bincount(owner, minlength=len(lengths))
    needed = np.zeros(len(lengths), np.int64)  # tokens to feed
    np.maximum.at(needed, owner, wanted - starts[owner])
    order = np.argsort(-needed, kind="stable")
    groups: list[list[int]] = []
    targets = 0
    for sequence in order[counts[order] > 0]:
        targets += counts[sequence]
        width = needed[groups[-1][0]] if groups else 0
        if not groups or (len(groups[-1]) + 1) * width > limits.tokens or targets > limits.targets:
            groups.append([])
            targets = counts[sequence]
        groups[-1].append(int(sequence))
    first_wanted = np.cumsum(counts) - counts
    return [_rectangle(tokens, starts, needed, wanted, first_wanted, counts, group) for group in groups]


def _rectangle(tokens, starts, needed, wanted, first_wanted, counts, group: list[int]) -> MicroBatch:
    width = int(needed[group[0]])
    padded = np.zeros((len(group), width), np.int64)
    positions, source = [], []
    for row, sequence in enumerate(group):
        start, length = starts[sequence], needed[sequence]
        padded[row, :length] = tokens[start : start + length]
        at = wanted[first_wanted[sequence] : first_wanted[sequence] + counts[sequence]]
        source.append(at)
        positions.append(row * width + at - start - 1)  # the output one before a token predicts it
    source = np.concatenate(source)
    return MicroBatch(
        padded,
        np.concatenate(positions),
        tokens[source].astype(np.int64),
        source,
        np.asarray(group, np.int64),
    )
