"""What makes a gradient verb safe to repeat: its answer is kept under its `seq`.

A caller that lost an answer cannot know whether the step was taken. It sends the same request again, and the
ledger answers instead of the backend, so that a step is never applied twice.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import OrderedDict

from rzero_worker.errors import WorkerFailure
from rzero_worker.protocol import ANSWERS_KEPT, ErrorCode

LEDGER_FILE = "ledger.json"
"""A ledger beside a model in its checkpoint."""

FORMAT = 1


def digest(verb: str, params: bytes) -> bytes:
    """SHA-256 of a request as it came over the wire, the identity of a payload."""
    digest = hashlib.sha256(verb.encode() + b"\0")
    digest.update(params)
    return digest.digest()


class Ledger:
    """The answers to one model's gradient verbs, newest `capacity` of them."""

    def __init__(self, capacity: int = ANSWERS_KEPT) -> None:
        """Make an empty ledger: any seq may come first."""
        self._capacity = capacity
        self._answers: OrderedDict[int, tuple[bytes, bytes]] = OrderedDict()
        self._highest = -1

    def is_new(self, seq: int) -> bool:
        """Tell whether nothing is known of a seq, so that its payload need not be looked at."""
        return seq > self._highest

    def find(self, seq: int, payload: bytes) -> bytes | None:
        """Return the stored answer to a repeat, or None for a new seq, which may be executed.

        Args:
            seq: the request's number; a new one must be above all recorded ones.
            payload: the request's `digest`.

        Raises:
            WorkerFailure: `sequence_conflict`, if seq was used with another payload or is too old to know.
        """
        if self.is_new(seq):
            return None
        known = self._answers.get(seq)
        if known is None:
            raise WorkerFailure(
                ErrorCode.SEQUENCE_CONFLICT,
                f"seq: saw {seq}, allowed is above {self._highest}, or a repeat of the last {self._capacity}",
            )
        if known[0] != payload:
            raise WorkerFailure(
                ErrorCode.SEQUENCE_CONFLICT, f"seq: saw {seq} again, with a payload other than the first time"
            )
        return known[1]

    def record(self, seq: int, payload: bytes, answer: bytes) -> None:
        """Keep the packed answer to an executed request; the oldest one makes room."""
        self._answers[seq] = (payload, answer)
        self._highest = max(self._highest, seq)
        if len(self._answers) > self._capacity:
            self._answers.popitem(last=False)

    def dump(self) -> bytes:
        """Write the ledger down, as `LEDGER_FILE` holds it."""
        answers = [
            {"seq": seq, "digest": payload.hex(), "answer": base64.b64encode(answer).decode()}
            for seq, (payload, answer) in self._answers.items()
        ]
        return json.dumps({"format": FORMAT, "highest": self._highest, "answers": answers}).encode()

    @classmethod
    def parse(cls, written: bytes, capacity: int = ANSWERS_KEPT) -> Ledger:
        """Read what `dump` wrote. Raises ValueError saying what is wrong."""
        ledger = cls(capacity)
        try:
            document = json.loads(written)
            if document["format"] != FORMAT:
                raise ValueError(f"format: saw {document['format']!r}, allowed is {FORMAT}")
            for one in document["answers"]:
                answer = base64.b64decode(one["answer"], validate=True)
                ledger.record(int(one["seq"]), bytes.fromhex(one["digest"]), answer)
            ledger._highest = max(ledger._highest, int(document["highest"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"it has another structure: {error!r}") from error
        return ledger
