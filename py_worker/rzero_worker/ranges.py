"""Ranges of fields, by the table that proto/protocol.yml gives. What relates two fields is in checks.py."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from functools import cache
from typing import Any

from rzero_worker.protocol import RANGES, Base, Range

_UNBOUND = Range()
_NATURAL = Range(ge=0)


def violations(message: Base) -> Iterator[str]:
    """Say what in a message is out of range: `Sampling.topP: saw 0, allowed is above 0 and at most 1`."""
    return _of_struct(message, type(message).__name__)


def _of_struct(message: Base, path: str) -> Iterator[str]:
    ranges = RANGES.get(type(message), {})
    kind = type(message)
    for attribute, name in zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True):
        value = getattr(message, attribute)
        if value is not None:  # an optional field that is absent
            yield from _of_value(value, ranges.get(attribute, _UNBOUND), f"{path}.{name}")


def _of_value(value: Any, allowed: Range, path: str) -> Iterator[str]:
    if isinstance(value, Base):
        yield from _of_struct(value, path)
    elif allowed.packed is not None:
        yield from _of_packed(value, allowed, allowed.packed, path)
    elif isinstance(value, list):
        yield from _of_number(len(value), allowed, path, " items")
        if allowed.items is not None or (value and isinstance(value[0], Base)):
            for index, item in enumerate(value):
                yield from _of_value(item, allowed.items or _UNBOUND, f"{path}[{index}]")
    elif isinstance(value, dict):
        yield from _of_number(len(value), allowed, path, " items")
        for key, item in value.items():
            yield from _of_value(item, allowed.items or _UNBOUND, f'{path}["{key}"]')
    elif isinstance(value, str):
        if allowed is not _UNBOUND:
            yield from _of_number(len(value.encode()), allowed, path, " bytes")
    elif isinstance(value, int | float):
        yield from _of_number(value, allowed, path)


def _of_packed(data: bytes, allowed: Range, typecode: str, path: str) -> Iterator[str]:
    size = array(typecode).itemsize
    if len(data) % size:
        yield f"{path}: saw {len(data)} bytes, expected a multiple of {size}"
        return
    yield from _of_number(len(data) // size, allowed, path, " items")
    if allowed.items is not None and not _are_within(data, typecode, allowed.items):
        for index, item in enumerate(array(typecode, data)):
            if not (math.isfinite(item) and _is_within(item, allowed.items)):
                yield f"{path}[{index}]: saw {_shown(item)}, allowed is {_in_words(allowed.items)}"


def _of_number(value: float, allowed: Range, path: str, unit: str = "") -> Iterator[str]:
    if not _is_within(value, allowed):
        yield f"{path}: saw {_shown(value)}{unit}, allowed is {_in_words(allowed)}{unit}"


def _are_within(data: bytes, typecode: str, allowed: Range) -> bool:
    """Whether all items are, without a step of Python for each: arrays are long."""
    if typecode == "B":
        return not data.translate(None, _bytes_within(allowed))
    top = data[3::4]  # of each item the byte with its sign, and for a float 7 of the 8 bits of its exponent
    if typecode == "i" and allowed == _NATURAL:
        return top.isascii()
    # The exponent of NaN and the infinities has all bits set.
    if typecode == "f" and allowed == _UNBOUND and b"\x7f" not in top and b"\xff" not in top:
        return True
    items = array(typecode, data)
    if typecode == "f" and not all(map(math.isfinite, items)):
        return False
    return not items or (_is_within(min(items), allowed) and _is_within(max(items), allowed))


@cache
def _bytes_within(allowed: Range) -> bytes:
    return bytes(byte for byte in range(256) if _is_within(byte, allowed))


def _is_within(value: float, allowed: Range) -> bool:
    return (
        (allowed.gt is None or value > allowed.gt)
        and (allowed.ge is None or value >= allowed.ge)
        and (allowed.lt is None or value < allowed.lt)
        and (allowed.le is None or value <= allowed.le)
    )


def _in_words(allowed: Range) -> str:
    """Say a range as ts/protocol/ranges.ts does: `1 or more`, `0 to 1`, `above 0 and at most 1`."""
    bounds = (allowed.gt, allowed.ge, allowed.lt, allowed.le)
    gt, ge, lt, le = (None if bound is None else _shown(bound) for bound in bounds)
    if ge is not None and le is not None:
        return ge if ge == le else f"{ge} to {le}"
    words = (gt and f"above {gt}", ge and f"{ge} or more", lt and f"below {lt}", le and f"at most {le}")
    return " and ".join(filter(None, words)) or "a finite number"


def _shown(value: float) -> str:
    return repr(value).removesuffix(".0")
