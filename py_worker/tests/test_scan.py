"""The check in front of the msgpack decoder."""

from __future__ import annotations

import tracemalloc
from random import Random
from typing import Any

import msgspec
import pytest
from frames import GOLDEN, HEADS, spoiled
from hypothesis import given
from hypothesis import strategies as st

from rzero_worker import wire
from rzero_worker.errors import ProtocolError
from rzero_worker.scan import CHUNK, ScanLimits, scan

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | TEXT
    | st.binary(max_size=300),
    lambda inner: (
        st.lists(inner, max_size=20)
        | st.dictionaries(TEXT.filter(lambda key: key != "__proto__"), inner, max_size=20)
    ),
)


def accepts(data: bytes) -> bool:
    try:
        scan(data, "bytes")
    except ProtocolError:
        return False
    return True


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_messages_pass(name: str) -> None:
    scan(GOLDEN[name], name)


@given(VALUES)
def test_whatever_can_be_packed_passes_and_nothing_shorter_or_longer(value: Any) -> None:
    data = msgspec.msgpack.encode(value)
    scan(data, "value")
    assert not accepts(data[:-1])
    assert not accepts(data + b"\xc0")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "byte 0 of 0: 1 bytes announced, 0 left"),
        ("c0c0", "byte 1 of 2: 1 bytes after the value"),
        ("cb00", "byte 0 of 2: 8 bytes announced, 1 left"),
        ("92c0", "byte 0 of 2: 2 values announced, 1 bytes left"),
        ("92cd0001", "byte 4 of 4: 1 bytes announced, 0 left"),
        ("ddffffffff", "byte 0 of 5: 4294967295 values announced, 0 bytes left"),
        ("dfffffffff", "byte 0 of 5: 8589934590 values announced, 0 bytes left"),
        ("dd01", "byte 0 of 2: 4 bytes announced, 1 left"),
        ("a261", "byte 0 of 2: 2 bytes announced, 1 left"),
        ("d9", "byte 0 of 1: 1 bytes announced, 0 left"),
        ("c5000100ff", "byte 4 of 5: 1 bytes after the value"),
        ("c6ffffffff00", "byte 0 of 6: 4294967295 bytes announced, 1 left"),
        ("91c1", "byte 1 of 2: the byte 0xc1"),
        ("91d6ff00000000", "byte 1 of 7: an extension type (0xd6)"),
        ("c70100ff", "byte 0 of 4: an extension type (0xc7)"),
        ("810102", "byte 1 of 3: a map key that is not a string"),
        ("81c4016102", "byte 1 of 5: a map key that is not a string"),
        ("81a161", "byte 3 of 3: 1 bytes announced, 0 left"),
        ("82a16101a16102", "byte 4 of 7: the key 'a' a second time"),
        ("82a16101d9016102", "byte 4 of 8: the key 'a' a second time"),
        ("81a95f5f70726f746f5f5f01", 'byte 1 of 12: the key "__proto__"'),
        ("91a1ff", "byte 1 of 3: text that is not UTF-8"),
        ("a3eda080", "byte 0 of 4: text that is not UTF-8"),
        ("81a1ff01", "byte 1 of 4: text that is not UTF-8"),
        ("a1c3", "byte 0 of 2: text that is not UTF-8"),
    ],
)
def test_errors_name_the_byte_and_the_problem(data: str, said: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        scan(bytes.fromhex(data), "params")
    assert str(refused.value) == f"params: malformed msgpack at {said}"


def test_the_same_key_in_two_maps_is_no_repeat() -> None:
    scan(msgspec.msgpack.encode([{"a": {"a": 1}}, {"a": 2}]), "maps")


def test_limits_are_inclusive() -> None:
    limits = ScanLimits(bytes=20, depth=3, values=6)
    for fits, over, said in (
        ("a0", "c412" + "00" * 19, "longer than the allowed 20 bytes"),
        ("c412" + "00" * 18, "c413" + "00" * 19, "longer than the allowed 20 bytes"),
        ("919190", "91919190", "nested deeper than 3"),
        ("9501020304c0", "960102030405c0", "more than 6 values"),
        ("9281a1610100", "9281a16101920102", "more than 6 values"),
    ):
        scan(bytes.fromhex(fits), "fits", limits)
        with pytest.raises(ProtocolError, match=said):
            scan(bytes.fromhex(over), "over", limits)


def test_depth_and_number_of_values_are_limited() -> None:
    scan(b"\x91" * 63 + b"\x90", "deep")
    with pytest.raises(ProtocolError, match="byte 64 of 65: nested deeper than 64"):
        scan(b"\x91" * 64 + b"\x90", "deeper")
    with pytest.raises(ProtocolError, match="more than 4194304 values"):
        scan(b"\xdd\x00\x40\x00\x00" + b"\xc0" * 2**22, "many")


@pytest.mark.parametrize("character", ["é", "€", "😀"])
def test_long_texts_are_checked_across_the_parts_they_are_read_in(character: str) -> None:
    for shift in range(4):
        text = "a" * (CHUNK - shift) + character + "b" * CHUNK
        data = msgspec.msgpack.encode(text)
        scan(data, "text")
        cut = bytearray(data)
        cut[5 + CHUNK - shift + len(character.encode()) - 1] = ord("x")
        assert not accepts(bytes(cut))


@given(st.integers(0, 2**32))
def test_spoiled_messages_raise_nothing_but_protocol_errors(seed: int) -> None:
    data = spoiled(Random(seed), list(GOLDEN.values()))
    for read in (wire.decode_envelope, wire.request_id, lambda d: wire.decode(d, wire.Base)):
        try:
            read(data)
        except ProtocolError as error:
            assert len(str(error)) < 1000


@given(st.binary(max_size=100) | st.integers(0, 2**32).map(lambda s: spoiled(Random(s), [*GOLDEN.values()])))
def test_the_decoder_builds_what_the_scan_accepts(data: bytes) -> None:
    if not accepts(data):
        return
    tracemalloc.start()
    try:
        value = msgspec.msgpack.decode(data)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    again = msgspec.msgpack.encode(value)
    assert msgspec.msgpack.encode(msgspec.msgpack.decode(again)) == again


@pytest.mark.parametrize("head", HEADS, ids=bytes.hex)
def test_announced_sizes_take_no_memory(head: bytes) -> None:
    frames = [head, b"\x91" + head, b"\x81\xa1a" + head, b"\x9f" + head + bytes(1000)]
    tracemalloc.start()
    try:
        for frame in frames:
            assert not accepts(frame)
            assert wire.request_id(frame) is None
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_the_id_of_a_bad_request_is_read_without_building_the_rest() -> None:
    rest = msgspec.msgpack.encode([[] for _ in range(30_000)])
    head = b"\x83\xa4kind\xa7Request\xa2id\x07\xa4rest"
    tracemalloc.start()
    try:
        assert wire.request_id(head + rest) == 7
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    for other in (b"\x82\xa4kind\xa8Response\xa2id\x07", b"\x82\xa4kind\xa7Request\xa2id\xff", b"\x07"):
        assert wire.request_id(other) is None
