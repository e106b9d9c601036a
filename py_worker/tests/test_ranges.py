"""Ranges of fields: every bound of the table holds, and what is beyond it is named."""

from __future__ import annotations

import math
import sys
from array import array
from pathlib import Path
from typing import Any

import msgspec
import pytest
import samples
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from rzero_worker import protocol as p
from rzero_worker import wire
from rzero_worker.ranges import violations

FIXTURES = Path(__file__).parents[2] / "proto" / "fixtures"
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
FIELDS = [(kind, attribute) for kind, ranges in p.RANGES.items() for attribute in ranges]
LARGEST = {inspect.StrType: 2**24, inspect.ListType: 2**17, inspect.DictType: 2**17}
"""Nothing longer is walked through to see that it passes."""


def basic(kind: type[p.Base]) -> Any:
    name = "idle" if kind in (p.Heartbeat, p.PingResult) else "basic"
    return wire.decode((FIXTURES / kind.__name__ / f"{name}.msgpack").read_bytes(), kind)


def type_of(kind: type[p.Base], attribute: str) -> inspect.Type:
    fields = inspect.type_info(kind).fields  # type: ignore[attr-defined]
    found = next(field.type for field in fields if field.name == attribute)
    if isinstance(found, inspect.UnionType):
        found = next(option for option in found.types if not isinstance(option, inspect.NoneType))
    return found


def limits(allowed: p.Range, whole: bool) -> tuple[float, float]:
    """Smallest and largest value in a range, endless where it has no bound."""
    low, high = -math.inf, math.inf
    if allowed.ge is not None:
        low = allowed.ge
    elif allowed.gt is not None:
        low = allowed.gt + 1 if whole else math.nextafter(allowed.gt, math.inf)
    if allowed.le is not None:
        high = allowed.le
    elif allowed.lt is not None:
        high = allowed.lt - 1 if whole else math.nextafter(allowed.lt, -math.inf)
    return low, high


def edges(field: inspect.Type, allowed: p.Range, like: Any) -> tuple[list[Any], list[Any]]:
    """Values on the bounds of a range, and values just beyond them."""
    if allowed.packed is not None:
        return packed_edges(allowed)
    low, high = limits(allowed, whole=not isinstance(field, inspect.FloatType))
    if isinstance(field, inspect.FloatType):
        beyond = [math.nextafter(low, -math.inf), math.nextafter(high, math.inf)]
        return [x for x in (low, high) if math.isfinite(x)], [
            x for x in beyond if abs(x) < sys.float_info.max
        ]
    if not isinstance(field, inspect.IntType):
        low = max(low, 0)
    inside = [int(x) for x in (low, high) if math.isfinite(x)]
    outside = [int(x) for x in (low - 1, high + 1) if math.isfinite(x)]
    if isinstance(field, inspect.IntType):
        return inside, outside
    make = {
        inspect.StrType: lambda size: "x" * size,
        inspect.ListType: lambda size: [like[0] if like else "x"] * size,
        inspect.DictType: lambda size: {f"k{i}": "x" for i in range(size)},
    }[type(field)]
    return [make(x) for x in inside if x <= LARGEST[type(field)]], [make(x) for x in outside if x >= 0]


def packed_edges(allowed: p.Range) -> tuple[list[bytes], list[bytes]]:
    half = [] if allowed.packed == "B" else [b"abc"]
    if allowed.items is None:
        return [b""], half
    if allowed.packed == "f":
        return [b""], half + [wire.pack_f32s([0.0, bad]) for bad in (math.nan, math.inf, -math.inf)]
    pack, least, most = {
        "B": (wire.pack_u8s, 0, 255),
        "i": (wire.pack_i32s, -(2**31), 2**31 - 1),
    }[allowed.packed or ""]
    low, high = limits(allowed.items, whole=True)
    inside = [int(max(low, least)), int(min(high, most))]
    outside = [int(x) for x in (low - 1, high + 1) if least <= x <= most]
    return [b"", pack(inside)], half + [pack([inside[0], x]) for x in outside]


@pytest.mark.parametrize(("kind", "attribute"), FIELDS, ids=lambda part: getattr(part, "__name__", part))
def test_the_bounds_are_in_and_what_is_beyond_is_named(kind: type[p.Base], attribute: str) -> None:
    message = basic(kind)
    name = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))[attribute]
    field, allowed = type_of(kind, attribute), p.RANGES[kind][attribute]
    inside, outside = edges(field, allowed, getattr(message, attribute))
    assert len(inside) + len(outside) > 0
    for value in inside:
        assert list(violations(msgspec.structs.replace(message, **{attribute: value}))) == []
    for value in outside:
        problem = next(violations(msgspec.structs.replace(message, **{attribute: value})))
        assert problem.startswith((f"{kind.__name__}.{name}: saw ", f"{kind.__name__}.{name}["))


NUMBERS = [
    (kind, attribute)
    for kind, attribute in FIELDS
    if isinstance(type_of(kind, attribute), inspect.IntType | inspect.FloatType)
]


@given(st.sampled_from(NUMBERS), st.integers(-(2**53) + 1, 2**53 - 1) | st.integers(-3, 3) | FLOATS)
def test_a_number_passes_when_it_is_within_and_only_then(
    place: tuple[type[p.Base], str], value: float
) -> None:
    kind, attribute = place
    low, high = limits(p.RANGES[kind][attribute], whole=isinstance(type_of(kind, attribute), inspect.IntType))
    message = msgspec.structs.replace(basic(kind), **{attribute: value})
    assert (not list(violations(message))) == (low <= value <= high)


WORDS = st.integers(0, 2**32 - 1) | st.sampled_from(
    # zero and one as integers, then as floats: the largest, infinity, NaN; with and without the sign
    [word | sign for word in (0, 1, 0x7F7FFFFF, 0x7F800000, 0x7F800001) for sign in (0, 2**31)]
)
WITHIN = {
    "tokens": ("i", lambda item: item >= 0),
    "lengths": ("i", lambda item: item >= 1),
    "mask": ("B", lambda item: item <= 1),
    "advantages": ("f", math.isfinite),
}


@given(st.sampled_from(sorted(WITHIN)), st.lists(WORDS | st.integers(0, 3), max_size=8))
def test_a_packed_array_passes_when_every_item_is_within_and_only_then(name: str, words: list[int]) -> None:
    code, within = WITHIN[name]
    data = array("I", words).tobytes()
    problems = list(violations(msgspec.structs.replace(basic(p.TrainBatch), **{name: data})))
    places = [index for index, item in enumerate(array(code, data)) if not within(item)]
    assert [problem.split(":")[0] for problem in problems] == [f"TrainBatch.{name}[{i}]" for i in places]


def test_the_items_of_a_list_and_structs_in_structs_are_checked() -> None:
    params = samples.sample(
        conversations=[samples.conversation(), p.Conversation(messages=[])], top_p=0.0, stop=["x", ""]
    )
    assert list(violations(params)) == [
        "SampleParams.conversations[1].messages: saw 0 items, allowed is 1 to 4096 items",
        "SampleParams.sampling.topP: saw 0, allowed is above 0 and at most 1",
        "SampleParams.sampling.stop[1]: saw 0 bytes, allowed is 1 to 256 bytes",
    ]


def test_decoding_refuses_what_is_out_of_range() -> None:
    heartbeat = p.Heartbeat(busy="", queued=-1, progress=0)
    for decode in (wire.decode_envelope, lambda data: wire.decode(data, p.Heartbeat)):
        with pytest.raises(wire.ProtocolError, match=r"^Heartbeat\.queued: saw -1, allowed is 0 or more$"):
            decode(wire.encode(heartbeat))
