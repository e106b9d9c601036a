"""Twenty thousand bad messages into a real worker: it lives, answers, and its memory stays."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from random import Random

import msgspec
from conftest import Launch, Orchestrator
from frames import GOLDEN, HEADS, spoiled

from rzero_worker import protocol as p
from rzero_worker import wire

FRAMES = 20_000
AT_A_TIME = 500
MAX_GROWTH = 64 * 2**20

OBEYED = re.compile("shutdown|refusal", re.IGNORECASE)
"""Messages that end a worker."""

GOLDEN_PARAMS = {
    verb.name: [data for name, data in GOLDEN.items() if name.startswith(f"{verb.params.__name__}/")]
    for verb in p.VERBS.values()
    if not OBEYED.search(verb.name)
}


class Fuzzer:
    """Messages that a worker should never get, the same ones for a seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._golden = [data for name, data in GOLDEN.items() if not OBEYED.search(name)]
        self._id = 0

    def message(self) -> list[bytes]:
        """Frames of one message."""
        kinds = (
            self._garbage,
            self._spoiled,
            self._deep,
            self._announced,
            self._bad_params,
            self._unknown_verb,
        )
        if self._random.random() < 0.05:
            return [self._random.choice(kinds)() for _ in range(self._random.randrange(2, 5))]
        return [self._random.choice(kinds)()]

    def _garbage(self) -> bytes:
        return self._random.randbytes(self._random.randrange(300))

    def _spoiled(self) -> bytes:
        return spoiled(self._random, self._golden)

    def _deep(self) -> bytes:
        opening = self._random.choice((b"\x91", b"\x81\xa1a", b"\xdc\x00\x01", b"\xdf\x00\x00\x00\x01\xa1k"))
        return opening * self._random.choice((60, 64, 65, 1000, 20_000)) + b"\xc0"

    def _announced(self) -> bytes:
        head = self._random.choice(HEADS)
        return self._random.choice((b"", b"\x82\xa4kind", b"\x91", b"\xdc\xff\xff")) + head + self._garbage()

    def _bad_params(self) -> bytes:
        verb = self._random.choice(list(GOLDEN_PARAMS))
        params = self._random.choice((self._garbage, self._deep, self._announced))()
        if self._random.random() < 0.5:
            params = spoiled(self._random, GOLDEN_PARAMS[verb])
        return self._request(verb, params)

    def _unknown_verb(self) -> bytes:
        letters = "".join(map(chr, self._random.choices(range(1, 0x800), k=self._random.randrange(40))))
        return self._request(letters, b"\x80")

    def _request(self, verb: str, params: bytes) -> bytes:
        # Now and then an id that was used before, or one that is not allowed.
        self._id += self._random.choice((0, 1, 1, 1))
        known = {"kind": "Request", "id": self._random.choice((self._id, self._id, self._id, -1, 0))}
        return msgspec.msgpack.encode({**known, "verb": verb, "params": params})


def resident_bytes(pid: int) -> int:
    """Memory of a process, where the kernel tells; elsewhere 0, so that only the memory goes unchecked."""
    if sys.platform != "linux":
        return 0
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


def test_bad_messages_leave_the_worker_alive_and_small(orchestrator: Orchestrator, launch: Launch) -> None:
    worker = launch("--connect", orchestrator.endpoint, "--backend", "mock", stderr=subprocess.DEVNULL)
    orchestrator.accept(heartbeat_seconds=0.1)
    orchestrator.call("ping", p.PingParams())
    before = resident_bytes(worker.process.pid)
    fuzzer = Fuzzer(20_26)
    answers = 0
    for sent in range(FRAMES):
        orchestrator.send_frames(*fuzzer.message())
        if sent % AT_A_TIME == AT_A_TIME - 1:
            # An id of its own kind, so that it is not one of the fuzzer's. It may be too low by now.
            mark = 2**40 + sent
            orchestrator.send(p.Request(id=mark, verb="ping", params=b"\x80"))
            seen: list[object] = []
            orchestrator.answer_to(mark, seen)
            answers += len(seen)
    assert answers > FRAMES / 10  # else it was not much of a fuzzer
    assert resident_bytes(worker.process.pid) - before < MAX_GROWTH
    orchestrator.close()
    again = Orchestrator(orchestrator.endpoint)
    try:
        again.accept()
        assert again.call("ping", p.PingParams()).busy == ""
        again.call("shutdown", p.ShutdownParams())
    finally:
        again.close()
    assert worker.wait() == 0


def test_the_fuzzer_is_the_same_every_time() -> None:
    one, other = Fuzzer(7), Fuzzer(7)
    assert [one.message() for _ in range(500)] == [other.message() for _ in range(500)]
    kept = [frame for _ in range(500) for frame in one.message() if not _refused(frame)]
    assert kept  # envelopes that are right, so that their params are looked at


def _refused(frame: bytes) -> bool:
    try:
        wire.decode_envelope(frame)
    except wire.ProtocolError:
        return True
    return False
