"""Key-value stores for decoding: rows of cached tokens that grow a token a step, are dropped and are joined.

`SlotStore` serves every model whose layers all attend to everything (Llama, Qwen, GPT-2, ...): keys and
values lie in arrays allocated once, row b's token at position t in slot [b, :, t]. Prompts of any length sit
side by side without padding, and new rows join while others are half done. `PaddedStore` serves the rest
(sliding windows, linear attention) through transformers' own cache, left-padded; rows join only when it is
empty.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicLayer

from rzero_worker.model import accepts_positions, projected_logits

PREFILL_TOKENS = 8192
"""Most tokens, padding included, in one forward pass over prompts; bounds its memory."""


class Store(Protocol):
    """Cached rows 0..B-1 of one model."""

    joins: ClassVar[bool]
    """Whether `append` works while rows are there."""

    def append(self, prompts: list[list[int]], source: list[int]) -> Tensor:
        """Add a row for each entry of `source`, an index into `prompts`, in ascending order.

        Each prompt is run once, however many rows start from it. Returns the new rows' next-token logits
        [len(source), vocabulary].
        """
        ...

    def step(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """Append tokens [B] at positions [B] (the row's tokens so far).

        Returns next-token logits [B, vocabulary].
        """
        ...

    def keep(self, kept: Tensor) -> None:
        """Make row kept[b] row b; rows not named are dropped."""
        ...


def make_store(model: PreTrainedModel, rows: int, tokens: int) -> Store:
    """The best store the model allows, for at most `rows` rows of `tokens` tokens."""
    layers = DynamicCache(config=model.config).layers
    # GPT-Neo's cache knows nothing of its local layers, which count from the last slot to the keys they see.
    local = "local" in getattr(model.config, "attention_layers", ())
    if all(type(layer) is DynamicLayer for layer in layers) and not local:
        return SlotStore(model, rows, tokens)
    return PaddedStore(model)


def _next_logits(
    model: PreTrainedModel, tokens: Tensor, mask: Tensor, positions: Tensor, cache: Cache
) -> Tensor:
    given = {"position_ids": positions[:, None]} if accepts_positions(model) else {}
    output = model(
        input_ids=tokens[:, None], attention_mask=mask, past_key_values=cache, use_cache=True, **given
    )
    return output.logits[:, -1]


class _SlotLayer(CacheLayerMixin):
    """One layer of a SlotStore, as the model's attention sees it during a decoding step."""

    is_sliding = False

    def __init__(self, store: SlotStore, keys: Tensor, values: Tensor) -> None:
        super().__init__()
        self.store, self.keys, self.values, self.is_initialized = store, keys, values, True

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing: the store allocates."""

    def update(self, key_states: Tensor, value_states: Tensor, *_args, **_kwargs) -> tuple[Tensor, Tensor]:
        """Write one token per row; return all slots in use."""
        store = self.store
        self.keys[store.row_ids, :, store.positions] = key_states[:, :, 0]
        self.values[store.row_ids, :, store.positions] = value_states[:, :, 0]
        return self.keys[: store.count, :, : store.width], self.values[: store.count, :, : store.width]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Keys that the mask covers, and the first of them."""
        return self.store.width, 0

    def get_seq_length(self) -> int:
        """Where the step's query stands: at the last slot, so the padding mask alone decides."""
        return self.store.width - 1

    def get_max_length(self) -> int:
        """-1: no bound that concerns the model."""
        return -1


class SlotStore:
    """Keys and values in arrays [rows, heads, tokens, size] per layer; a mask says which slots are filled.

    An unfilled slot holds zeros or old finite numbers, never NaN, so that its masked weight of 0 is safe.
    """

    joins: ClassVar[bool] = True

    def __init__(self, model: PreTrainedModel, rows: int, tokens: int) -> None:
        """Make an empty store; the arrays are allocated by the first `append`, which shows their shapes."""
        self._model, self._rows, self._tokens = model, rows, tokens
        self._layers: list[_SlotLayer] = []
        self._cache: Cache | None = None
        self.count = 0  # rows in use
        self.width = 0  # slots of the longest row, a token being added included
        self.row_ids = self.positions = torch.empty(0, dtype=torch.long)

    def append(self, prompts: list[list[int]], source: list[int]) -> Tensor:
        """See Store. Prompts are right-padded: causal attention keeps real tokens from seeing the padding."""
        logits: list[Tensor] = []
        at, last = 0, len(source)
        for first, chunk in _chunks(prompts):
            lengths = [len(prompt) for prompt in chunk]
            tokens = torch.zeros(len(chunk), max(lengths), dtype=torch.long)
            for row, prompt in enumerate(chunk):
                tokens[row, : len(prompt)] = torch.tensor(prompt)
            ends = torch.arange(len(chunk)) * max(lengths) + torch.tensor(lengths) - 1
            cache = DynamicCache(config=self._model.config)
            next_logits = projected_logits(self._model, tokens, ends, past_key_values=cache, use_cache=True)
            until = at
            while until < last and source[until] < first + len(chunk):
                until += 1
            local = torch.tensor(source[at:until], device=next_logits.device) - first
            self._write(cache, local, max(lengths))
            logits.append(next_logits[local])
            at = until
        return torch.cat(logits)

    def _write(self, cache: DynamicCache, source: Tensor, width: int) -> None:
        if self._cache is None:
            for layer in cache.layers:
                shapes = (
                    (self._rows, x.shape[1], self._tokens, x.shape[3]) for x in (layer.keys, layer.values)
                )
                self._layers.append(_SlotLayer(self, *(layer.keys.new_zeros(shape) for shape in shapes)))
            self._cache = Cache(layers=self._layers)
        rows = slice(self.count, self.count + len(source))
        for mine, theirs in zip(self._layers, cache.layers, strict=True):
            mine.keys[rows, :, :width] = theirs.keys[source]
            mine.values[rows, :, :width] = theirs.values[source]
        self.count += len(source)
        self.width = max(self.width, width)

    def step(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """See Store."""
        self.positions = positions
        self.width = int(positions.max()) + 1
        if len(self.row_ids) != self.count:
            self.row_ids = torch.arange(self.count, device=positions.device)
        mask = torch.arange(self.width, device=positions.device)[None, :] <= positions[:, None]
        return _next_logits(self._model, tokens, mask, positions, self._cache)

    def keep(self, kept: Tensor) -> None:
        """See Store. Rows that keep their number are not touched."""
        target = torch.arange(len(kept), device=kept.device)
        moved = kept != target
        source, target = kept[moved], target[moved]
        for layer in self._layers:
            for array in (layer.keys, layer.values):
                array[target, :, : self.width] = array[source, :, : self.width]
        self.count = len(kept)


class PaddedStore:
    """transformers' own cache for the model, prompts left-padded to one length."""

    joins: ClassVar[bool] = False

    def __init__(self, model: PreTrainedModel) -> None:
        """Make an empty store."""
        self._model = model
        self._cache = DynamicCache(config=model.config)
        self._mask = torch.empty(0)

    def append(self, prompts: list[list[int]], source: list[int]) -> Tensor:
        """See Store."""
        model, longest = self._model, max(map(len, prompts))
        tokens = torch.zeros(len(prompts), longest, dtype=torch.long)
        mask = torch.zeros(len(prompts), longest, dtype=torch.long)
        for row, prompt in enumerate(prompts):
            tokens[row, longest - len(prompt) :] = torch.tensor(prompt)
            mask[row, longest - len(prompt) :] = 1
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        given = {"position_ids": positions.to(model.device)} if accepts_positions(model) else {}
        self._cache = DynamicCache(config=model.config)
        ends = torch.arange(1, len(prompts) + 1) * longest - 1
        logits = projected_logits(
            model,
            tokens,
            ends,
            attention_mask=mask.to(model.device),
            past_key_values=self._cache,
            use_cache=True,
            **given,
        )
        rows = torch.tensor(source, device=model.device)
        self._cache.reorder_cache(rows)
        self._mask = mask.to(model.device)[rows]
        return logits[rows]

    def step(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """See Store."""
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(tokens), 1)], dim=1)
        return _next_logits(self._model, tokens, self._mask, positions, self._cache)

    def keep(self, kept: Tensor) -> None:
        """See Store."""
        self._cache.reorder_cache(kept)
        self._mask = self._mask[kept]


def _chunks(prompts: list[list[int]]) -> list[tuple[int, list[list[int]]]]:
    """Split prompts, sorted by length, into runs of at most PREFILL_TOKENS padded tokens (or one prompt)."""
    chunks: list[tuple[int, list[list[int]]]] = []
    for index, prompt in enumerate(prompts):
        if chunks and (len(chunks[-1][1]) + 1) * len(prompt) <= PREFILL_TOKENS:
            chunks[-1][1].append(prompt)
        else:
            chunks.append((index, [prompt]))
    return chunks
