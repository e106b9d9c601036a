"""The check in front of the msgpack decoder: the structure of a message, without building any of it.

The twin of ts/worker/scan.ts: both accept the same bytes.
"""

from __future__ import annotations

from codecs import utf_8_decode
from typing import NamedTuple

from rzero_worker.errors import ProtocolError, clipped
from rzero_worker.protocol import MESSAGE_BYTES, MESSAGE_DEPTH, MESSAGE_VALUES


class ScanLimits(NamedTuple):
    """What a message may be at most; each is far above what the protocol needs."""

    bytes: int = MESSAGE_BYTES
    """Length of the whole message."""
    depth: int = MESSAGE_DEPTH
    """Maps and lists inside each other."""
    values: int = MESSAGE_VALUES
    """Values of all kinds together, map keys included: bounds what the decoder can be made to allocate."""


SCAN_LIMITS = ScanLimits()

CHUNK = 2**16
"""Bytes of a text that are checked at a time: the check makes a copy of them."""


def _whole_sizes() -> list[int]:
    sizes = [0] * 256
    for first in (*range(0x80), *range(0xE0, 0x100), 0xC0, 0xC2, 0xC3):  # small integers, nil, booleans
        sizes[first] = 1
    for exponent in range(4):  # unsigned and signed integers of 1, 2, 4 and 8 bytes
        sizes[0xCC + exponent] = sizes[0xD0 + exponent] = 1 + 2**exponent
    sizes[0xCA], sizes[0xCB] = 5, 9  # float32, float64
    return sizes


_SIZES = _whole_sizes()
"""Bytes that a value has by its first byte; 0 where more has to be read, or nothing is allowed."""


class _Malformed(Exception):
    def __init__(self, offset: int, problem: str) -> None:
        super().__init__(offset, problem)
        self.offset, self.problem = offset, problem


def scan(message: bytes, name: str, limits: ScanLimits = SCAN_LIMITS) -> None:
    """Walk over one msgpack message and refuse what the decoder should never see.

    That is: counts beyond the bytes that are there, nesting beyond the limit, extension types, the unused
    byte 0xc1, keys that are no strings, come twice or are `__proto__`, text that is not UTF-8, and anything
    after the first value. Takes time and memory linear in the length, whatever the message announces.

    Raises:
        ProtocolError: with `name` in front and the offset of the value in the message.
    """
    try:
        if len(message) > limits.bytes:
            raise _Malformed(0, f"longer than the allowed {limits.bytes} bytes")
        _walk(message, limits)
    except _Malformed as error:
        raise ProtocolError(
            f"{name}: malformed msgpack at byte {error.offset} of {len(message)}: {error.problem}"
        ) from None


def _walk(message: bytes, limits: ScanLimits) -> None:
    end = len(message)
    offset = 0
    values = 1
    # Of the innermost map or list: how many items are to come, and a map's keys so far. The message itself is
    # the only item of a list around it.
    remaining: int = 1
    keys: set[bytes] | None = None
    outer: list[tuple[int, set[bytes] | None]] = []
    while True:
        while not remaining:
            if not outer:
                if offset != end:
                    raise _Malformed(offset, f"{end - offset} bytes after the value")
                return
            remaining, keys = outer.pop()
        remaining -= 1
        if keys is not None:
            offset = _walk_key(message, offset, end, keys)
        if offset >= end:
            raise _cut(offset, 1, 0)
        first = message[offset]
        size = _SIZES[first]
        if size:
            if offset + size > end:
                raise _cut(offset, size - 1, end - offset - 1)
            offset += size
        elif 0xA0 <= first <= 0xBF or 0xD9 <= first <= 0xDB:
            offset = _text(message, offset, end)[1]
        elif 0xC4 <= first <= 0xC6:
            offset = _body(message, offset, end, 1 << (first - 0xC4))[1]
        else:
            is_map, count, start = _items(message, offset, end)
            if len(outer) >= limits.depth:
                raise _Malformed(offset, f"nested deeper than {limits.depth}")
            announced = 2 * count if is_map else count
            if announced > end - start:  # each takes a byte at least
                raise _Malformed(offset, f"{announced} values announced, {end - start} bytes left")
            values += announced
            if values > limits.values:
                raise _Malformed(offset, f"more than {limits.values} values")
            outer.append((remaining, keys))
            remaining, keys = count, set() if is_map else None
            offset = start


def _walk_key(message: bytes, offset: int, end: int, keys: set[bytes]) -> int:
    if offset >= end:
        raise _cut(offset, 1, 0)
    if not (0xA0 <= message[offset] <= 0xBF or 0xD9 <= message[offset] <= 0xDB):
        raise _Malformed(offset, "a map key that is not a string")
    start, stop = _text(message, offset, end)
    key = message[start:stop]
    if key in keys:
        raise _Malformed(offset, f"the key {clipped(key.decode())} a second time")
    if key == b"__proto__":
        raise _Malformed(offset, 'the key "__proto__"')
    keys.add(key)
    return stop


def _text(message: bytes, offset: int, end: int) -> tuple[int, int]:
    """Where the text of the string at `offset` starts and stops, which is UTF-8."""
    first = message[offset]
    if first <= 0xBF:
        start = offset + 1
        stop = start + (first & 0x1F)
        if stop > end:
            raise _cut(offset, stop - start, end - start)
    else:
        start, stop = _body(message, offset, end, 1 << (first - 0xD9))
    at = start
    while at < stop:
        part = message[at : min(stop, at + CHUNK)]
        if part.isascii():
            at += len(part)
        else:
            at += _utf8_length(part, offset, at + len(part) == stop)
    return start, stop


def _utf8_length(part: bytes, offset: int, final: bool) -> int:
    """Bytes of a part of a text that are whole characters."""
    try:
        return utf_8_decode(part, "strict", final)[1]
    except UnicodeDecodeError:
        raise _Malformed(offset, "text that is not UTF-8") from None


def _items(message: bytes, offset: int, end: int) -> tuple[bool, int, int]:
    """Of the map or list at `offset`: whether it is a map, its number of items, and where they start."""
    first = message[offset]
    if first <= 0x9F:
        return first <= 0x8F, first & 0x0F, offset + 1
    if first < 0xDC:
        raise _Malformed(offset, "the byte 0xc1" if first == 0xC1 else f"an extension type ({first:#x})")
    width = 4 if first % 2 else 2
    return first >= 0xDE, _length(message, offset, end, width), offset + 1 + width


def _body(message: bytes, offset: int, end: int, width: int) -> tuple[int, int]:
    """Where the bytes of the value at `offset` start and stop, by a length of `width` bytes."""
    start = offset + 1 + width
    stop = start + _length(message, offset, end, width)
    if stop > end:
        raise _cut(offset, stop - start, end - start)
    return start, stop


def _length(message: bytes, offset: int, end: int, width: int) -> int:
    if offset + 1 + width > end:
        raise _cut(offset, width, end - offset - 1)
    return int.from_bytes(message[offset + 1 : offset + 1 + width], "big")


def _cut(offset: int, announced: int, left: int) -> _Malformed:
    return _Malformed(offset, f"{announced} bytes announced, {left} left")
