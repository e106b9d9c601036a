"""Bytes for tests of what reads the wire: the golden messages, and ways to spoil them."""

from __future__ import annotations

from pathlib import Path
from random import Random

FIXTURES = Path(__file__).resolve().parents[2] / "proto" / "fixtures"
GOLDEN = {
    f"{path.parent.name}/{path.stem}": path.read_bytes() for path in sorted(FIXTURES.glob("*/*.msgpack"))
}

HEADS = [
    bytes.fromhex(head)
    for head in (
        "ddffffffff",  # a list of 2^32-1
        "dd01ffffff",
        "dcffff",
        "dfffffffff",  # a map of 2^32-1
        "deffff",
        "dbffffffff",  # a string of 2^32-1 bytes
        "c6ffffffff",  # and bytes
        "c9ffffffff01",  # an extension
        "d6ff00000000",  # a timestamp
        "c1",
    )
]


def spoiled(random: Random, golden: list[bytes]) -> bytes:
    """One of the golden messages, or two, with something done to it."""
    data = bytearray(random.choice(golden))
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        at = random.randrange(len(data) + 1)
        match random.randrange(7):
            case 0 if at < len(data):
                data[at] ^= 1 << random.randrange(8)
            case 1:
                del data[at:]
            case 2:
                other = random.choice(golden)
                data[at:] = other[random.randrange(len(other) + 1) :]
            case 3:
                data[at:at] = random.randbytes(random.randrange(1, 9))
            case 4:
                head = random.choice(HEADS)
                data[at : at + len(head)] = head
            case 5:
                del data[at : at + random.randrange(1, 9)]
            case _ if at < len(data):
                data[at] = random.randrange(256)
    return bytes(data)
