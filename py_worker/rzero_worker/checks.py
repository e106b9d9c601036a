"""Ranges and array lengths of requests: what types cannot say and every backend would have to check.

Each check raises `invalid_request` naming the wire field, the value seen and what is allowed.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from typing import Any

from rzero_worker import protocol as p
from rzero_worker.errors import invalid_request
from rzero_worker.wire import unpack_f32s, unpack_i32s, unpack_u8s, unpack_u32s

STOP_STRINGS = 16
"""Most stop strings of a request."""

STOP_BYTES = 256
"""Most bytes of a stop string, in UTF-8."""


def check(params: p.Base) -> None:
    """Check a verb's decoded params; a verb without ranges passes."""
    checker = _CHECKS.get(type(params))
    if checker is not None:
        checker(params)


def _require(ok: bool, field: str, seen: Any, allowed: str) -> None:
    if not ok:
        raise invalid_request(f"{field}: saw {seen!r}, allowed is {allowed}")


def _load_model(params: p.LoadModelParams) -> None:
    _require(params.model_id != "", "modelId", params.model_id, "a name that is not empty")
    _require(params.source != "", "source", params.source, "a folder or a name that is not empty")
    _require(params.seed >= 0, "seed", params.seed, "0 or more")


def _sample(params: p.SampleParams) -> None:
    sampling = params.sampling
    _require(params.n >= 1, "n", params.n, "1 or more")
    _require(sampling.temperature >= 0, "sampling.temperature", sampling.temperature, "0 or more")
    _require(0 < sampling.top_p <= 1, "sampling.topP", sampling.top_p, "above 0 and at most 1")
    _require(sampling.top_k >= 0, "sampling.topK", sampling.top_k, "0 (off) or more")
    _require(sampling.max_tokens >= 1, "sampling.maxTokens", sampling.max_tokens, "1 or more")
    _check_stop(sampling.stop or [])
    _check_version(params)
    seeds = len(unpack_u32s(params.seeds, "seeds"))
    wanted = len(params.conversations)
    _require(seeds == wanted, "seeds", f"{seeds} seeds", f"one a conversation, {wanted}")
    for index, conversation in enumerate(params.conversations):
        _require(
            len(conversation.messages) > 0, f"conversations[{index}].messages", [], "one message or more"
        )


def _forward(params: p.ForwardParams) -> None:
    _require(params.temperature > 0, "temperature", params.temperature, "above 0")
    _check_sequences(params.tokens, params.lengths, "")


def _forward_backward(params: p.ForwardBackwardParams) -> None:
    batch, loss = params.batch, params.loss
    _require(params.seq >= 0, "seq", params.seq, "0 or more")
    _require(params.normalizer > 0, "normalizer", params.normalizer, "above 0")
    _require(0 <= loss.clip_low <= 1, "loss.clipLow", loss.clip_low, "0 to 1")
    _require(loss.clip_high >= 0, "loss.clipHigh", loss.clip_high, "0 or more")
    _require(loss.dual_clip == 0 or loss.dual_clip > 1, "loss.dualClip", loss.dual_clip, "0 (off) or above 1")
    _require(loss.kl_coef >= 0, "loss.klCoef", loss.kl_coef, "0 or more")
    _require(loss.temperature > 0, "loss.temperature", loss.temperature, "above 0")
    _require(
        loss.kl_coef == 0 or batch.ref_logprobs is not None,
        "batch.refLogprobs",
        None,
        f"an array, since loss.klCoef is {loss.kl_coef}",
    )
    tokens, lengths = _check_sequences(batch.tokens, batch.lengths, "batch.")
    mask = unpack_u8s(batch.mask, "batch.mask")
    _check_aligned(mask, len(tokens), "batch.mask")
    _require(max(mask, default=0) <= 1, "batch.mask", max(mask, default=0), "0 or 1")
    start = 0
    for index, length in enumerate(lengths):
        _require(
            mask[start] == 0, f"batch.mask at the first token of sequence {index}", 1, "0: it has no log-prob"
        )
        start += length
    advantages = unpack_f32s(batch.advantages, "batch.advantages")
    _require(
        len(advantages) == len(lengths),
        "batch.advantages",
        f"{len(advantages)} values",
        f"one a sequence, {len(lengths)}",
    )
    _check_finite(advantages, "batch.advantages")
    for name, packed in (("oldLogprobs", batch.old_logprobs), ("refLogprobs", batch.ref_logprobs)):
        if packed is not None:
            values = unpack_f32s(packed, f"batch.{name}")
            _check_aligned(values, len(tokens), f"batch.{name}")
            _check_finite(values, f"batch.{name}")


def _optim_step(params: p.OptimStepParams) -> None:
    adam = params.adam
    _require(params.seq >= 0, "seq", params.seq, "0 or more")
    _require(adam.learning_rate >= 0, "adam.learningRate", adam.learning_rate, "0 or more")
    _require(0 <= adam.beta1 < 1, "adam.beta1", adam.beta1, "0 or more and below 1")
    _require(0 <= adam.beta2 < 1, "adam.beta2", adam.beta2, "0 or more and below 1")
    _require(adam.epsilon > 0, "adam.epsilon", adam.epsilon, "above 0")
    _require(adam.weight_decay >= 0, "adam.weightDecay", adam.weight_decay, "0 or more")
    _require(adam.max_grad_norm >= 0, "adam.maxGradNorm", adam.max_grad_norm, "0 (off) or more")


def _check_stop(strings: list[str]) -> None:
    _require(
        len(strings) <= STOP_STRINGS, "sampling.stop", f"{len(strings)} strings", f"{STOP_STRINGS} at most"
    )
    for index, size in enumerate(len(string.encode()) for string in strings):
        _require(
            1 <= size <= STOP_BYTES,
            f"sampling.stop[{index}]",
            f"{size} bytes",
            f"1 to {STOP_BYTES} bytes of UTF-8",
        )


def _check_version(params: p.SampleParams | p.PublishWeightsParams | p.LoadCheckpointParams) -> None:
    version = params.weights_version
    _require(version is None or version >= 0, "weightsVersion", version, "0 or more")


def _check_sequences(packed_tokens: bytes, packed_lengths: bytes, prefix: str) -> tuple[array, array]:
    tokens = unpack_i32s(packed_tokens, f"{prefix}tokens")
    lengths = unpack_i32s(packed_lengths, f"{prefix}lengths")
    shortest = min(lengths, default=1)
    _require(shortest >= 1, f"{prefix}lengths", shortest, "1 or more each")
    total = sum(lengths)
    _require(
        total == len(tokens), f"{prefix}lengths", f"a sum of {total}", f"the number of tokens, {len(tokens)}"
    )
    smallest = min(tokens, default=0)
    _require(smallest >= 0, f"{prefix}tokens", smallest, "0 or more each")
    return tokens, lengths


def _check_aligned(values: array, tokens: int, field: str) -> None:
    _require(len(values) == tokens, field, f"{len(values)} values", f"one a token, {tokens}")


def _check_finite(values: array, field: str) -> None:
    if not all(map(math.isfinite, values)):
        bad = next(value for value in values if not math.isfinite(value))
        raise invalid_request(f"{field}: saw {bad}, allowed are finite numbers")


_CHECKS: dict[type[p.Base], Callable[[Any], None]] = {
    p.LoadModelParams: _load_model,
    p.SampleParams: _sample,
    p.ForwardParams: _forward,
    p.ForwardBackwardParams: _forward_backward,
    p.OptimStepParams: _optim_step,
    p.PublishWeightsParams: _check_version,
    p.LoadCheckpointParams: _check_version,
}
