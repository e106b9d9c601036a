"""Key-value stores for decoding: rows of cached tokens that grow a token a step, are dropped and are joined.

`SharedStore` serves every model whose layers all attend to everything, with our attention (Llama, Qwen,
GPT-2, ...): a prompt's keys and values are there once for all its rows, and new rows join while others are
half done. `PaddedStore` serves the rest (sliding windows, linear or compressed attention) through
transformers' own cache, left-padded; rows join only when it is empty.
"""

from __future__ import annotations

from typing import ClassVar, Protocol
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicLayer

from rzero_worker.attention import IGNORED_MASK, NAME
from rzero_worker.decoding import Decoding, NotPackable
from rzero_worker.model import accepts_positions, projected_logits

PREFILL_TOKENS = 8192
"""Most tokens, padding included, in one forward pass over prompts; bounds its memory."""

BLOCK = 16
"""Tokens by which the arrays of rows' own tokens grow. Allocated at once for the longest sample, what is in
use would lie far apart, which makes reading it half as fast."""


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


def make_store(model: PreTrainedModel, rows: int) -> Store:
    """The best store the model allows, for at most `rows` rows."""
    layers = DynamicCache(config=model.config).layers
    if all(type(layer) is DynamicLayer for layer in layers) and _can_share(model):
        return SharedStore(model, rows)
    return PaddedStore(model)


_CAN_SHARE: WeakKeyDictionary[PreTrainedModel, bool] = WeakKeyDictionary()


def _can_share(model: PreTrainedModel) -> bool:
    """Whether a model has our attention and hands it all that sharing needs; tried once, with two tokens."""
    if model not in _CAN_SHARE:
        _CAN_SHARE[model] = model.config._attn_implementation == NAME and _shares(model)
    return _CAN_SHARE[model]


@torch.inference_mode()
def _shares(model: PreTrainedModel) -> bool:
    store, first = SharedStore(model, rows=1), torch.zeros(1, dtype=torch.long, device=model.device)
    store.append([[0]], [0])
    try:
        store.step(first, first + 1)
    except NotPackable:
        return False
    return True


def _next_logits(
    model: PreTrainedModel, tokens: Tensor, mask: Tensor, positions: Tensor, cache: Cache, **kwargs
) -> Tensor:
    given = {"position_ids": positions[:, None]} if accepts_positions(model) else {}
    output = model(
        input_ids=tokens[:, None],
        attention_mask=mask,
        past_key_values=cache,
        use_cache=True,
        **given,
        **kwargs,
    )
    return output.logits[:, -1]


class _SharedLayer(CacheLayerMixin):
    """One layer of a SharedStore, as the model's attention sees it during a decoding step."""

    is_sliding = False

    def __init__(self, store: SharedStore, rows: int, like: tuple[Tensor, Tensor]) -> None:
        super().__init__()
        self.store, self.is_initialized = store, True
        self.keys, self.values = (x.new_zeros(rows, x.shape[1], 0, x.shape[3]) for x in like)
        self.prompts = tuple(x[:0, :, :0] for x in like)

    def make_room(self) -> None:
        """Make the arrays larger, by blocks, where a row's new token would be beyond them."""
        missing = self.store.width - self.keys.shape[2]
        if missing > 0:
            more = (0, 0, 0, -(-missing // BLOCK) * BLOCK)
            self.keys, self.values = pad(self.keys, more), pad(self.values, more)

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing: the store allocates."""

    def update(self, key_states: Tensor, value_states: Tensor, *_args, **_kwargs) -> tuple[Tensor, Tensor]:
        """Write one token per row; return the rows' own tokens, and hand their prompts to the attention."""
        store = self.store
        self.make_room()
        for array, new in ((self.keys, key_states), (self.values, value_states)):
            array.view(-1, array.shape[3]).index_copy_(0, store.places(array), new.flatten(0, 2))
        own = tuple(array[: store.count, :, : store.width] for array in (self.keys, self.values))
        store.decoding.held = (*self.prompts, *own)
        return own

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Keys that a mask would cover, and the first of them; nobody makes one."""
        return self.store.width, 0

    def get_seq_length(self) -> int:
        """Tokens before the new one; rows differ, and are told their positions."""
        return self.store.width - 1

    def get_max_length(self) -> int:
        """-1: no bound that concerns the model."""
        return -1


class SharedStore:
    """Keys and values of prompts, once each, and of what rows have added to them.

    Prompts are right-padded arrays [prompts, heads, P, size] per layer, made anew when some come or go; rows'
    own tokens lie in [rows, heads, tokens, size], row b's t-th at [b, :, t]. What is not filled holds zeros
    or old finite numbers, never NaN, so that its weight of 0 is safe.
    """

    joins: ClassVar[bool] = True

    def __init__(self, model: PreTrainedModel, rows: int) -> None:
        """Make an empty store; the arrays are made by the first `append`, which shows their shapes."""
        self._model, self._rows = model, rows
        self._layers: list[_SharedLayer] = []
        self._prompt = torch.empty(0, dtype=torch.long, device=model.device)  # of each row
        self._lengths = torch.empty(0, dtype=torch.long, device=model.device)  # of each prompt
        self._own = torch.empty(0, dtype=torch.long, device=model.device)  # where each row's new token goes
        self.width = 0  # own tokens of the row that has most, the new one included
        self.decoding: Decoding

    @property
    def count(self) -> int:
        """Rows in use."""
        return len(self._prompt)

    def append(self, prompts: list[list[int]], source: list[int]) -> Tensor:
        """See Store. Prompts are right-padded: causal attention keeps real tokens from seeing the padding."""
        logits: list[Tensor] = []
        first = len(self._lengths)
        for _, chunk in _chunks(prompts):
            lengths = torch.tensor([len(prompt) for prompt in chunk])
            tokens = pad_sequence([torch.tensor(prompt) for prompt in chunk], batch_first=True)
            ends = torch.arange(len(chunk)) * tokens.shape[1] + lengths - 1
            cache = DynamicCache(config=self._model.config)
            logits.append(projected_logits(self._model, tokens, ends, past_key_values=cache, use_cache=True))
            self._add_prompts(cache, lengths.to(self._model.device))
        numbers = torch.tensor(source, device=self._model.device)
        self._place(torch.cat([self._prompt, numbers + first]))
        return torch.cat(logits)[numbers]

    def _add_prompts(self, cache: DynamicCache, lengths: Tensor) -> None:
        if not self._layers:
            self._layers = [
                _SharedLayer(self, self._rows, (layer.keys, layer.values)) for layer in cache.layers
            ]
        for mine, theirs in zip(self._layers, cache.layers, strict=True):
            added = (theirs.keys, theirs.values)
            mine.prompts = tuple(_stacked(*pair) for pair in zip(mine.prompts, added, strict=True))
        self._lengths = torch.cat([self._lengths, lengths])

    def _place(self, prompt: Tensor) -> None:
        """Set the prompts of all rows, and with them the rows' cells in the grid."""
        self._prompt = prompt
        rows_of = prompt.bincount(minlength=len(self._lengths))
        order = prompt.argsort(stable=True)
        number = torch.empty_like(prompt)
        rows = torch.arange(len(prompt), device=prompt.device)
        number[order] = rows - (rows_of.cumsum(0) - rows_of)[prompt[order]]
        slots = int(rows_of.max())
        self._cell = prompt * slots + number
        self._row = rows.new_zeros(len(rows_of) * slots).scatter_(0, self._cell, rows)
        self._prompt_bias = _bias(self._lengths, int(self._lengths.max()), self._model.dtype)

    def step(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """See Store."""
        self._own = positions - self._lengths[self._prompt]
        self.width = int(self._own.max()) + 1
        own_bias = _bias(self._own + 1, self.width, self._model.dtype)
        self.decoding = Decoding(self._cell, self._row, self._prompt_bias, own_bias)
        mask, cache = IGNORED_MASK.to(tokens.device), Cache(layers=self._layers)
        logits = _next_logits(self._model, tokens, mask, positions, cache, decoding=self.decoding)
        if self.decoding.held is not None:  # attention was not told, and has seen no prompt
            raise NotPackable("it keeps keyword arguments from its attention")
        return logits

    def places(self, array: Tensor) -> Tensor:
        """Where the rows' new tokens go in an array [rows, heads, tokens, size], its first three as one."""
        _, heads, tokens, _ = array.shape
        lines = torch.arange(self.count * heads, device=array.device).view(self.count, heads)
        return (lines * tokens + self._own[:, None]).flatten()

    def keep(self, kept: Tensor) -> None:
        """See Store. Rows that keep their number are not touched, and prompts without a row are let go of."""
        target = torch.arange(len(kept), device=kept.device)
        moved = kept != target
        source, target = kept[moved], target[moved]
        alive, prompt = self._prompt[kept].unique(return_inverse=True)
        if len(alive) < len(self._lengths):
            self._lengths = self._lengths[alive]
            longest = int(self._lengths.max()) if len(alive) else 0
            for layer in self._layers:
                layer.prompts = tuple(x[alive, :, :longest] for x in layer.prompts)
        for layer in self._layers:
            for array in (layer.keys, layer.values):
                array[target, :, : self.width] = array[source, :, : self.width]
        if len(kept):
            self._place(prompt)
        else:
            self._prompt = prompt


def _bias(lengths: Tensor, width: int, dtype: torch.dtype) -> Tensor:
    """0 for the first `lengths` of `width`, else -inf; [N, 1, width]."""
    beyond = torch.arange(width, device=lengths.device) >= lengths[:, None]
    return beyond.new_zeros(len(lengths), 1, width, dtype=dtype).masked_fill_(beyond[:, None], -torch.inf)


def _stacked(first: Tensor, second: Tensor) -> Tensor:
    """Arrays [N, heads, T, size] of two T one after the other, padded with zeros."""
    longest = max(first.shape[2], second.shape[2])
    return torch.cat([pad(x, (0, 0, 0, longest - x.shape[2])) for x in (first, second)])


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
