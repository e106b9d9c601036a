"""What one field of a request allows another to be. What a field alone may be is checked by ranges.py.

Each check raises `invalid_request` naming the wire field, the value seen and what is allowed.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

from rzero_worker import protocol as p
from rzero_worker.errors import invalid_request
from rzero_worker.wire import unpack_f32s, unpack_i32s, unpack_u8s, unpack_u32s


def check(params: p.Base) -> None:
    """Check a verb's decoded params; a verb whose fields stand alone passes."""
    checker = _CHECKS.get(type(params))
    if checker is not None:
        checker(params)


def _require(ok: bool, field: str, seen: Any, allowed: str) -> None:
    if not ok:
        raise invalid_request(f"{field}: saw {seen!r}, allowed is {allowed}")


def _sample(params: p.SampleParams) -> None:
    seeds = len(unpack_u32s(params.seeds, "seeds"))
    wanted = len(params.conversations)
    _require(seeds == wanted, "seeds", f"{seeds} seeds", f"one a conversation, {wanted}")


def _forward(params: p.ForwardParams) -> None:
    tokens, lengths = _check_sequences(params.tokens, params.lengths, "")
    if params.mask is not None:
        _check_mask(unpack_u8s(params.mask, "mask"), len(tokens), lengths, "mask")


def _forward_backward(params: p.ForwardBackwardParams) -> None:
    batch, loss = params.batch, params.loss
    _require(loss.dual_clip == 0 or loss.dual_clip > 1, "loss.dualClip", loss.dual_clip, "0 (off) or above 1")
    _require(
        loss.kl_coef == 0 or batch.ref_logprobs is not None,
        "batch.refLogprobs",
        None,
        f"an array, since loss.klCoef is {loss.kl_coef}",
    )
    _require(
        loss.importance_cap == 0 or batch.sample_logprobs is not None,
        "batch.sampleLogprobs",
        None,
        f"an array, since loss.importanceCap is {loss.importance_cap}",
    )
    tokens, lengths = _check_sequences(batch.tokens, batch.lengths, "batch.")
    _check_mask(unpack_u8s(batch.mask, "batch.mask"), len(tokens), lengths, "batch.mask")
    _check_count(unpack_f32s(batch.advantages), len(lengths), "batch.advantages", "sequence")
    for name, packed in (
        ("oldLogprobs", batch.old_logprobs),
        ("refLogprobs", batch.ref_logprobs),
        ("sampleLogprobs", batch.sample_logprobs),
    ):
        if packed is not None:
            _check_count(unpack_f32s(packed), len(tokens), f"batch.{name}", "token")


def _check_mask(mask: array, tokens: int, lengths: array, field: str) -> None:
    _check_count(mask, tokens, field, "token")
    start = 0
    for index, length in enumerate(lengths):
        problem = f"{field} at the first token of sequence {index}"
        _require(mask[start] == 0, problem, 1, "0: it has no log-prob")
        start += length


def _check_sequences(packed_tokens: bytes, packed_lengths: bytes, prefix: str) -> tuple[array, array]:
    tokens = unpack_i32s(packed_tokens, f"{prefix}tokens")
    lengths = unpack_i32s(packed_lengths, f"{prefix}lengths")
    total = sum(lengths)
    _require(
        total == len(tokens), f"{prefix}lengths", f"a sum of {total}", f"the number of tokens, {len(tokens)}"
    )
    return tokens, lengths


def _check_count(values: array, count: int, field: str, of: str) -> None:
    _require(len(values) == count, field, f"{len(values)} values", f"one a {of}, {count}")


_CHECKS: dict[type[p.Base], Callable[[Any], None]] = {
    p.SampleParams: _sample,
    p.ForwardParams: _forward,
    p.ForwardBackwardParams: _forward_backward,
}
