"""Attention for models of transformers: over packed sequences to train on, and over rows of a cache to
decode.

A pack is one row of tokens, [1, T], without padding. It consists of runs; a run's tokens see each other
causally and, where the run has a prefix, all tokens of that earlier run. So a prompt that several completions
share is one run, there once, and gradients through it add up by themselves. The model hands the pack's
`Layout` through to `attend`, as one of the keyword arguments of its forward pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import torch
from torch import Tensor
from torch.nn.attention.varlen import varlen_attn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from rzero_worker.decoding import Decoding, NotPackable

NAME = "rzero"

MASK_ELEMENTS = 2**18
"""Most queries times keys of one masked product: bounds its mask, and the work beyond the diagonal."""

IGNORED_MASK = torch.ones(1, 1, 1, 1, dtype=torch.bool)
"""Given with a layout or a decoding: transformers passes a four-dimensional mask on, and makes none."""


@dataclass(frozen=True)
class Layout:
    """Where the sequences of a pack lie."""

    lengths: tuple[int, ...]
    """Tokens of each run, at least 1, in the order in which they lie."""
    prefixes: tuple[int, ...]
    """The run before each run in its sequence, an earlier one that has no prefix itself; -1 for none."""
    windows: list[int | None] = field(default_factory=list)
    """The sliding windows that layers asked for, in order: `attend` adds to it."""
    _on_device: dict[torch.device, tuple[Tensor | None, Tensor, Tensor]] = field(default_factory=dict)

    @cached_property
    def positions(self) -> Tensor:
        """Positions [1, T] of the tokens in their sequences."""
        return torch.cat([torch.arange(n) + first for first, n in self._spans()]).unsqueeze(0)

    def _spans(self) -> Iterable[tuple[int, int]]:
        """Give position of the first token, and tokens, of each run."""
        for length, prefix in zip(self.lengths, self.prefixes, strict=True):
            yield (self.lengths[prefix] if prefix >= 0 else 0), length

    @cached_property
    def longest(self) -> int:
        """Most keys that a token sees."""
        return max(first + length for first, length in self._spans())

    def on(self, device: torch.device) -> tuple[Tensor | None, Tensor, Tensor]:
        """Give `keys`, and where queries and keys of the runs begin and end, int32 [runs + 1]; made once."""
        if device not in self._on_device:
            ends = torch.tensor([[length, first + length] for first, length in self._spans()]).cumsum(0)
            queries, keys = torch.nn.functional.pad(ends.t(), (1, 0)).to(device, torch.int32).contiguous()
            index = self.keys()
            self._on_device[device] = (None if index is None else index.to(device), queries, keys)
        return self._on_device[device]

    def keys(self) -> Tensor | None:
        """The token of each key when the runs' keys lie side by side, [K]; None: all in order."""
        if all(prefix < 0 for prefix in self.prefixes):
            return None
        runs = torch.arange(sum(self.lengths)).split(self.lengths)
        seen = (
            (runs[prefix], run) if prefix >= 0 else (run,)
            for run, prefix in zip(runs, self.prefixes, strict=True)
        )
        return torch.cat([part for parts in seen for part in parts])


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    layout: Layout | None = None,
    decoding: Decoding | None = None,
    **kwargs,
) -> tuple[Tensor, None]:
    """Attention as transformers' `sdpa`; packed where there is a layout, over shared prompts in a decoding.

    Args:
        module: the layer.
        query: [B, heads, T, D].
        key: [B, key heads, keys, D]; a divisor of the heads.
        value: [B, key heads, keys, D'].
        attention_mask: of `sdpa`; not looked at where there is a layout or a decoding.
        layout: of a pack; B is 1 then and all have T tokens.
        decoding: of a step; keys and values are the rows' own then.
        **kwargs: what the model adds: scaling, sliding_window, dropout and others.

    Returns:
        [B, T, heads, D'].

    Raises NotPackable for a pack or a decoding, and a model whose attention has more to it than scale and, in
    a pack, window.
    """
    if layout is not None:
        return _packed(query, key, value, layout, **kwargs), None
    if decoding is not None:
        _refuse_more(kwargs)
        if kwargs.get("sliding_window") is not None:
            raise NotPackable("its attention has a window")
        return decoding.attend(query, key, value, kwargs.get("scaling")), None
    batch, heads, length, size = query.shape
    if length > 1 or kwargs.get("position_bias") is not None or kwargs.get("dropout"):
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    # A decoding step. With a mask, `sdpa` would write out each key head heads / key heads times, every step
    # and layer; as query positions of their key head, the heads that share it need no copy.
    groups = key.shape[1]
    out = scaled_dot_product_attention(
        query.view(batch, groups, heads // groups, size),
        key,
        value,
        attention_mask,
        scale=kwargs.get("scaling"),
    )
    return out.reshape(batch, 1, heads, -1), None


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)


def use_own_attention(model: PreTrainedModel) -> bool:
    """Switch a model that runs on transformers' `sdpa` to `attend`; tell whether it runs on it now.

    One that caps its attention's scores, as Gemma 2 does, is switched to `eager`: `sdpa` leaves the cap out.
    """
    if getattr(model.config.get_text_config(), "attn_logit_softcapping", None) is not None:
        model.set_attn_implementation("eager")
    if model.config._attn_implementation == "sdpa" and model._supports_attention_backend:
        model.set_attn_implementation(NAME)
    return model.config._attn_implementation == NAME


HARMLESS = {
    "scaling",
    "sliding_window",
    "dropout",
    "is_causal",
    "position_ids",
    "use_cache",
    "output_attentions",
    "output_router_logits",
}
"""Keyword arguments of an attention that need no more than `_packed` does."""


def _refuse_more(kwargs: dict) -> None:
    if more := sorted(name for name, given in kwargs.items() if given is not None and name not in HARMLESS):
        raise NotPackable(f"its attention takes {more[0]}")
    if kwargs.get("dropout") or kwargs.get("is_causal") is False:
        raise NotPackable("its attention is not causal, or drops out")


def _packed(query: Tensor, key: Tensor, value: Tensor, layout: Layout, **kwargs) -> Tensor:
    _refuse_more(kwargs)
    window = kwargs.get("sliding_window")
    layout.windows.append(window)
    window = window if window is not None and window < layout.longest else None
    scale = kwargs.get("scaling")
    q, k, v = (x.squeeze(0) for x in (query, key, value))  # [heads, T, D]
    if q.device.type != "meta" and torch.is_autocast_enabled(q.device.type):
        # Rotary positions and norms of heads make queries and keys float32 under autocast, which casts the
        # arguments of torch's own attention functions, but not those of `varlen_attn`.
        q, k, v = (x.to(torch.get_autocast_dtype(q.device.type)) for x in (q, k, v))
    return (_flash if _has_kernel(q, v) else _run_by_run)(q, k, v, layout, window, scale)


def _has_kernel(q: Tensor, v: Tensor) -> bool:
    """Whether `varlen_attn` takes such heads: it pads none, unlike torch's other attention functions."""
    size = q.shape[-1]
    half = q.dtype in (torch.bfloat16, torch.float16)
    return q.is_cuda and half and size == v.shape[-1] and size % 8 == 0 and size <= 256


def _flash(
    q: Tensor, k: Tensor, v: Tensor, layout: Layout, window: int | None, scale: float | None
) -> Tensor:
    """All runs in one kernel. A run's last query is on a level with the last of its keys."""
    q, k, v = (x.transpose(0, 1) for x in (q, k, v))  # [T, heads, D]
    index, begin_q, begin_k = layout.on(q.device)
    if index is not None:
        k, v = k.index_select(0, index), v.index_select(0, index)
    return varlen_attn(
        q, k, v, begin_q, begin_k, max(layout.lengths), layout.longest,
        scale=scale,
        window_size=(-1 if window is None else window - 1, 0),
        enable_gqa=q.shape[1] != k.shape[1],
    ).unsqueeze(0)  # fmt: skip


def _run_by_run(
    q: Tensor, k: Tensor, v: Tensor, layout: Layout, window: int | None, scale: float | None
) -> Tensor:
    """Exact on every device, in every float type.

    A product for each run costs no more than one for all: on a CPU, it is the arithmetic that takes the time.
    """
    groups, heads = k.shape[0], q.shape[0]
    # Split at once: the gradient of a slice is as large as the whole, that of all parts of a split together
    # is it.
    queries, keys, values = (x.split(layout.lengths, dim=1) for x in (q, k, v))
    outputs = []
    for run, prefix in enumerate(layout.prefixes):
        k, v, before = keys[run], values[run], 0
        if prefix >= 0:
            k, v = (torch.cat([x[prefix], x[run]], dim=1) for x in (keys, values))
            before = layout.lengths[prefix]
        first = before
        for q in queries[run].split(max(1, MASK_ELEMENTS // k.shape[1]), dim=1):
            rows = q.shape[1]
            start, last = 0 if window is None else max(0, first - window + 1), first + rows
            # Heads that share a key head become further queries of it, so no key is written out twice.
            folded = q.reshape(1, groups, heads // groups * rows, -1)
            mask = _mask(rows, last - start, window, heads // groups, q.dtype, q.device)
            # A slice of all of it would still be copied in the backward pass.
            seen = [x if last - start == x.shape[1] else x[:, start:last] for x in (k, v)]
            out = scaled_dot_product_attention(folded, *(x[None] for x in seen), mask, scale=scale)
            outputs.append(out.view(heads, rows, -1).transpose(0, 1))
            first = last
    return torch.cat(outputs).unsqueeze(0)


@lru_cache(maxsize=64)
@torch.inference_mode(False)  # or the first caller's mode would decide whether later ones can train
def _mask(
    rows: int, keys: int, window: int | None, copies: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """What is added to scores, 0 or -inf, [copies * rows, keys]; the last row is level with the last key."""
    seen = torch.ones(rows, keys, dtype=torch.bool, device=device).tril(keys - rows)
    if window is not None:
        seen = seen.triu(keys - rows - window + 1)
    return (
        torch.zeros(rows, keys, dtype=dtype, device=device).masked_fill(~seen, -torch.inf).repeat(copies, 1)
    )
