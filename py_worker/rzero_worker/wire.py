"""Packing: messages to and from msgpack, packed arrays to and from arrays. Knows no verb and no socket."""

import sys
from array import array
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import msgspec

from .errors import CLIP, ProtocolError
from .protocol import Base, Envelope
from .ranges import violations
from .scan import scan

if TYPE_CHECKING:
    import numpy as np

if sys.byteorder != "little":
    raise ImportError("rzero_worker needs a little-endian host: packed arrays are little-endian")

T = TypeVar("T", bound=Base)

_ENVELOPE = msgspec.msgpack.Decoder(Envelope)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_ENCODER = msgspec.msgpack.Encoder()


def encode(message: Base) -> bytes:
    """Pack one message: a map in the field order of protocol.yml, absent optionals left out."""
    try:
        return _ENCODER.encode(message)
    except (TypeError, ValueError, OverflowError) as error:  # a lone surrogate, an int beyond 64 bits, ...
        raise ProtocolError(f"{type(message).__name__}: {error}") from error


def decode(data: bytes, kind: type[T]) -> T:
    """Unpack one message of the given class; refuses unknown, missing, mistyped and out-of-range fields."""
    scan(data, kind.__name__)
    try:
        message = msgspec.msgpack.decode(data, type=kind)
    except _UNREADABLE as error:
        raise _unreadable(kind.__name__, error) from error
    return _in_range(message)


def decode_envelope(data: bytes) -> Envelope:
    """Unpack a frame: whichever envelope its ``kind`` names."""
    scan(data, "envelope")
    try:
        message = _ENVELOPE.decode(data)
    except _UNREADABLE as error:
        raise _unreadable("envelope", error) from error
    return _in_range(message)


class _RequestHead(msgspec.Struct):
    """What a request still says when its rest is not valid. The decoder builds no other field."""

    kind: Literal["Request"]
    id: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


def request_id(data: bytes) -> int | None:
    """Read the id of a frame that `decode_envelope` refused; None if it is no request or has no valid id."""
    try:
        scan(data, "envelope")
        return msgspec.msgpack.decode(data, type=_RequestHead).id
    except (ProtocolError, *_UNREADABLE):
        return None


def _unreadable(name: str, error: Exception) -> ProtocolError:
    return ProtocolError(f"{name}: {str(error)[: 2 * CLIP]}")


def _in_range(message: T) -> T:
    for violation in violations(message):
        raise ProtocolError(violation)
    return message


# array typecodes whose item sizes the C standard leaves open but every supported host shares
_ITEM_SIZES = {"B": 1, "i": 4, "I": 4, "f": 4}
for _code, _size in _ITEM_SIZES.items():
    if array(_code).itemsize != _size:
        raise ImportError(f"array('{_code}') has {array(_code).itemsize} bytes an item here, not {_size}")


def _unpack(data: bytes, typecode: str, name: str) -> array:
    size = _ITEM_SIZES[typecode]
    if len(data) % size:
        raise ProtocolError(f"{name}: saw {len(data)} bytes, expected a multiple of {size}")
    items = array(typecode)
    items.frombytes(data)
    return items


def _pack(items: Iterable[float], typecode: str, name: str) -> bytes:
    try:
        return array(typecode, items).tobytes()
    except (OverflowError, TypeError) as error:
        raise ProtocolError(f"{name}: {error}") from error


def unpack_u8s(data: bytes, name: str = "u8s") -> array:
    """Bytes to ``array('B')``. ``name`` is for the error message, here and below."""
    return _unpack(data, "B", name)


def unpack_i32s(data: bytes, name: str = "i32s") -> array:
    """Bytes to ``array('i')``."""
    return _unpack(data, "i", name)


def unpack_u32s(data: bytes, name: str = "u32s") -> array:
    """Bytes to ``array('I')``."""
    return _unpack(data, "I", name)


def unpack_f32s(data: bytes, name: str = "f32s") -> array:
    """Bytes to ``array('f')``."""
    return _unpack(data, "f", name)


def pack_u8s(items: Iterable[int], name: str = "u8s") -> bytes:
    """Integers in 0..255 to bytes; a value outside is a ``ProtocolError``."""
    return _pack(items, "B", name)


def pack_i32s(items: Iterable[int], name: str = "i32s") -> bytes:
    """Signed 32-bit integers to bytes."""
    return _pack(items, "i", name)


def pack_u32s(items: Iterable[int], name: str = "u32s") -> bytes:
    """Unsigned 32-bit integers to bytes."""
    return _pack(items, "I", name)


def pack_f32s(items: Iterable[float], name: str = "f32s") -> bytes:
    """Numbers, rounded to float32, to bytes; NaN and infinities pass."""
    return _pack(items, "f", name)


def numpy_view(data: bytes, dtype: str, name: str = "array") -> "np.ndarray":
    """Bytes as a read-only numpy array over the same memory; dtype is one of u1, i4, u4, f4."""
    import numpy as np  # optional: the mock worker runs without it

    kind = np.dtype(f"<{dtype}")
    if len(data) % kind.itemsize:
        raise ProtocolError(f"{name}: saw {len(data)} bytes, expected a multiple of {kind.itemsize}")
    return np.frombuffer(data, dtype=kind)


def numpy_pack(items: "np.ndarray", dtype: str) -> bytes:
    """A numpy array of any layout as packed bytes of dtype (u1, i4, u4, f4), in C order."""
    import numpy as np

    return np.ascontiguousarray(items, dtype=np.dtype(f"<{dtype}")).tobytes()
