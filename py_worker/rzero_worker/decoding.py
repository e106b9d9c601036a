"""Attention of a decoding step: a new token a row, over the keys of the row's prompt and over its own."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


class NotPackable(Exception):  # noqa: N818 - says what is so, and is no failure of a call
    """A model asks for something that our attention does not do for packed sequences or shared prompts."""


@dataclass
class Decoding:
    """Where the rows 0..B-1 of a step find what they see.

    A prompt is there once, however many rows go on from it: its rows are queries of one product with its
    keys, and their weights of one with its values (Hydragen, arXiv 2402.05099). To that end rows lie in a
    grid [prompts, slots]; of cells without a row nothing is read. One softmax goes over the scores of both
    parts, so the result is that of all keys side by side, but for rounding.
    """

    cell: Tensor
    """Each row's place in the grid, [B]: its prompt times `slots`, and its number among the prompt's rows."""
    row: Tensor
    """The row of each cell, [prompts * slots]; any row where there is none."""
    prompt_bias: Tensor
    """Added to scores with prompts, [prompts, 1, P]: 0 for their tokens, -inf for padding."""
    own_bias: Tensor
    """The same for rows' own tokens, [B, 1, T]."""
    held: tuple[Tensor, Tensor, Tensor, Tensor] | None = None
    """What the cache of the layer that attends next holds, and puts here: keys and values of the prompts,
    [prompts, key heads, P, D], and the rows' own, as the layer is given them."""

    def attend(self, query: Tensor, keys: Tensor, values: Tensor, scale: float | None) -> Tensor:
        """Attention of one layer.

        Args:
            query: [B, heads, 1, D].
            keys: the rows' own, the new one included, [B, key heads, T, D]; key heads divide the heads.
            values: [B, key heads, T, D'].
            scale: of the scores; None: 1 / sqrt(D).

        Returns:
            [B, 1, heads, D'].

        Raises NotPackable when the layer has made something else of its keys or values, as it would have to
        of the prompt's.
        """
        held, self.held = self.held, None
        if held is None or keys is not held[2] or values is not held[3]:
            raise NotPackable("its attention does not see just what its cache holds")
        prompt_keys, prompt_values, _, _ = held
        rows, groups, width, size = keys.shape
        q = query.reshape(rows, groups, -1, size)  # heads that share a key head are queries of it
        scale = size**-0.5 if scale is None else scale
        prompt_scores = self._to_rows(_scores(self._to_grid(q), prompt_keys, self.prompt_bias, scale))
        scores = torch.cat([prompt_scores, _scores(q, keys, self.own_bias, scale)], dim=-1)
        weights = scores.softmax(-1, dtype=torch.float32).to(values.dtype)
        prompt_weights, own_weights = weights.split([scores.shape[-1] - width, width], dim=-1)
        out = self._to_rows(_product(self._to_grid(prompt_weights), prompt_values))
        return (out + _product(own_weights, values)).reshape(rows, 1, query.shape[1], -1)

    def _to_grid(self, x: Tensor) -> Tensor:
        """[B, key heads, queries, N] of rows as [prompts, key heads, slots * queries, N]."""
        grid = x.index_select(0, self.row).unflatten(0, (len(self.prompt_bias), -1))
        return grid.transpose(1, 2).flatten(2, 3)

    def _to_rows(self, x: Tensor) -> Tensor:
        """Undo `_to_grid`."""
        slots = len(self.row) // len(self.prompt_bias)
        return x.unflatten(2, (slots, -1)).transpose(1, 2).flatten(0, 1).index_select(0, self.cell)


def _scores(queries: Tensor, keys: Tensor, bias: Tensor, scale: float) -> Tensor:
    """Scaled products [N, key heads, queries, keys], with what is added to them."""
    count, groups, _, _ = queries.shape
    flat = torch.baddbmm(
        bias.repeat_interleave(groups, 0) if groups > 1 else bias,
        queries.flatten(0, 1),
        keys.flatten(0, 1).transpose(1, 2),
        alpha=scale,
    )
    return flat.unflatten(0, (count, groups))


def _product(weights: Tensor, values: Tensor) -> Tensor:
    """Weighted values [N, key heads, queries, D']."""
    return torch.bmm(weights.flatten(0, 1), values.flatten(0, 1)).unflatten(0, weights.shape[:2])
