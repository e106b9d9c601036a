"""Golden messages: what TypeScript sends is what Python reads, byte for byte, and the other way round."""

import json
import math
from pathlib import Path

import msgspec
import pytest

from rzero_worker import protocol, wire

FIXTURES = Path(__file__).parents[2] / "proto" / "fixtures"
PACKERS = {"$u8s": wire.pack_u8s, "$i32s": wire.pack_i32s, "$u32s": wire.pack_u32s, "$f32s": wire.pack_f32s}

TYPES = {cls.__name__: cls for cls in protocol.Base.__subclasses__()}
CASES = sorted((path.parent.name, path.stem) for path in FIXTURES.glob("*/*.json"))


def from_json(value):
    """The plain value that a fixture's JSON stands for: packed arrays and bytes become bytes."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    for key, inner in value.items():
        if key == "$bytes":
            return bytes.fromhex(inner)
        if key in PACKERS:
            return PACKERS[key]([float(x) if key == "$f32s" else x for x in inner])
    return {key: from_json(item) for key, item in value.items()}


def test_every_type_has_a_fixture_and_every_fixture_a_type():
    assert {path.name for path in FIXTURES.iterdir() if path.is_dir()} == set(TYPES)
    assert {name for name, _ in CASES} == set(TYPES)
    assert len(TYPES) > 30


@pytest.mark.parametrize(("type_name", "case"), CASES, ids=lambda part: part)
def test_golden(type_name, case):
    folder = FIXTURES / type_name
    golden = (folder / f"{case}.msgpack").read_bytes()
    plain = from_json(json.loads((folder / f"{case}.json").read_text("utf-8")))
    kind = TYPES[type_name]

    decoded = wire.decode(golden, kind)
    assert decoded == msgspec.convert(plain, kind)
    assert wire.encode(decoded) == golden
    # converted from the JSON, not from the golden bytes
    assert wire.encode(msgspec.convert(plain, kind)) == golden
    # the raw decoder sees the wire names and the plain values
    assert msgspec.msgpack.decode(golden) == plain
    if issubclass(kind, protocol.Envelope):
        envelope = wire.decode_envelope(golden)
        assert type(envelope) is kind and envelope == decoded
        assert golden[1:6] == b"\xa4kind"


REFUSED = json.loads((FIXTURES / "refused.json").read_text("utf-8"))


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case['type']}: {case['why']}")
def test_refused_as_in_typescript(case):
    data = bytes.fromhex(case["hex"])
    with pytest.raises(wire.ProtocolError) as info:
        if case["type"] == "Envelope":
            wire.decode_envelope(data)
        else:
            wire.decode(data, TYPES[case["type"]])
    assert info.value.code == protocol.ErrorCode.INVALID_REQUEST
    if "says" in case:
        assert str(info.value) == case["says"]


def test_errors_name_the_path_the_value_and_what_is_allowed():
    data = msgspec.msgpack.encode({"messages": [{"role": "boss", "content": ""}]})
    with pytest.raises(wire.ProtocolError, match=r"Conversation: .*'boss'.*\$\.messages\[0\]\.role"):
        wire.decode(data, protocol.Conversation)


def test_verbs_table():
    assert list(protocol.VERBS)[:3] == ["load_model", "inspect_model", "unload_model"]
    for name, verb in protocol.VERBS.items():
        assert verb.name == name
        assert issubclass(verb.params, protocol.Base) and issubclass(verb.result, protocol.Base)
        assert all(isinstance(code, protocol.ErrorCode) for code in verb.errors)
    control = {name for name, verb in protocol.VERBS.items() if verb.control}
    assert control == {"ping", "inspect_machine", "cancel", "shutdown"}
    assert {name for name, verb in protocol.VERBS.items() if verb.progress} == {"sample", "forward"}
    assert protocol.VERBS["sample"].result is protocol.SampleBatch


def test_the_hash_is_the_one_of_typescript():
    generated = (FIXTURES.parents[1] / "ts" / "protocol" / "generated.ts").read_text("utf-8")
    assert f"PROTOCOL_HASH = '{protocol.PROTOCOL_HASH}'" in generated


def test_absent_optionals_are_left_out_and_nil_reads_as_absent():
    error = protocol.WorkerError(code=protocol.ErrorCode.INTERNAL, message="m")
    assert msgspec.msgpack.decode(wire.encode(error)) == {"code": "internal", "message": "m"}
    with_nil = msgspec.msgpack.encode({"code": "internal", "message": "m", "details": None})
    assert wire.decode(with_nil, protocol.WorkerError) == error


def test_encode_refuses_what_cannot_be_text():
    with pytest.raises(wire.ProtocolError, match="Message"):
        wire.encode(protocol.Message(role=protocol.Role.USER, content="a\ud800"))


@pytest.mark.parametrize(
    ("pack", "unpack", "values"),
    [
        (wire.pack_u8s, wire.unpack_u8s, [0, 1, 255]),
        (wire.pack_i32s, wire.unpack_i32s, [-(2**31), -1, 0, 2**31 - 1]),
        (wire.pack_u32s, wire.unpack_u32s, [0, 2**32 - 1]),
        (wire.pack_f32s, wire.unpack_f32s, [0.0, -0.5, math.inf, -math.inf]),
    ],
)
def test_packed_arrays_round_trip(pack, unpack, values):
    assert unpack(pack(values)).tolist() == values
    assert unpack(pack(iter(values))).tolist() == values
    assert unpack(b"").tolist() == []


def test_packed_arrays_are_little_endian():
    assert wire.pack_i32s([1, -2]) == b"\x01\x00\x00\x00\xfe\xff\xff\xff"
    assert wire.pack_f32s([1.0]) == b"\x00\x00\x80\x3f"
    assert math.isnan(wire.unpack_f32s(wire.pack_f32s([math.nan]))[0])


@pytest.mark.parametrize("unpack", [wire.unpack_i32s, wire.unpack_u32s, wire.unpack_f32s])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_part_of_an_item_is_refused(unpack, size):
    with pytest.raises(wire.ProtocolError, match=f"batch.tokens: saw {size} bytes, expected a multiple of 4"):
        unpack(bytes(size), "batch.tokens")


@pytest.mark.parametrize(
    ("pack", "value"),
    [
        (wire.pack_u8s, -1),
        (wire.pack_u8s, 256),
        (wire.pack_i32s, 2**31),
        (wire.pack_i32s, 1.5),
        (wire.pack_u32s, -1),
        (wire.pack_u32s, 2**32),
        (wire.pack_f32s, "x"),
    ],
)
def test_values_that_do_not_fit_are_refused(pack, value):
    with pytest.raises(wire.ProtocolError, match="mask"):
        pack([value], "mask")


def test_numpy_views_share_memory_and_cannot_be_written():
    np = pytest.importorskip("numpy", reason="numpy is optional: the mock worker runs without it")
    data = wire.pack_i32s([1, 2, 3])
    view = wire.numpy_view(data, "i4")
    assert view.tolist() == [1, 2, 3]
    assert np.shares_memory(view, np.frombuffer(data, dtype="u1"))
    assert not view.flags.writeable
    with pytest.raises(wire.ProtocolError, match="lengths: saw 5 bytes"):
        wire.numpy_view(bytes(5), "i4", "lengths")
    transposed = np.arange(6, dtype=np.int64).reshape(2, 3).T
    assert wire.unpack_i32s(wire.numpy_pack(transposed, "i4")).tolist() == [0, 3, 1, 4, 2, 5]
    assert wire.unpack_f32s(wire.numpy_pack(np.array([0.5], dtype=np.float64), "f4")).tolist() == [0.5]
