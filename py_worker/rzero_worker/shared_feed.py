"""The feed of a group: rank 0 takes calls, and the others get the same ones at the same places."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import torch

from rzero_worker import protocol as p
from rzero_worker import wire
from rzero_worker.context import Context
from rzero_worker.errors import WorkerFailure
from rzero_worker.feed import Call, Feed, Outcome
from rzero_worker.ranks import Ranks


class _Context(Context):
    """A call's context on every rank: cancelled when rank 0 has told all of it."""

    def __init__(self, own: Context | None) -> None:
        """Make a context; rank 0's own one hears of the progress."""
        super().__init__()
        self.own = own
        self.told = False

    def progress(self, done: int, total: int) -> None:
        """See Context."""
        if self.own is not None:
            self.own.progress(done, total)

    @property
    def cancelled(self) -> bool:
        """As in Context."""
        return self.told


class SharedFeed(Feed):
    """Calls by their number. All ranks ask for them at the same places, and answer them; rank 0's count."""

    def __init__(self, ranks: Ranks, own: Feed | None = None) -> None:
        """Begin with no call; rank 0 has a feed of its own."""
        self._ranks = ranks
        self._own = own
        self._count = 0
        self._open: dict[int, _Context] = {}
        self._digest = 0

    def take(self, room: int) -> list[Call]:
        """See Feed. What rank 0 tells is one message, empty while nothing is new."""
        if self._own is None:
            return self._heard(self._ranks.broadcast_bytes())
        stopped = [number for number, one in self._open.items() if one.own.cancelled and not one.told]
        calls = self._own.take(room)
        bodies = [wire.encode(call.params) for call in calls]
        message = b""
        if stopped or calls:
            head = [len(stopped), *stopped, len(bodies), *map(len, bodies)]
            message = b"".join([np.array([len(head), *head], "<i8").tobytes(), *bodies])
        self._ranks.broadcast_bytes(message)
        self._stop(stopped)
        return [self._opened(call.params, call) for call in calls]

    def _heard(self, message: bytes) -> list[Call]:
        if not message:
            return []
        (length,) = np.frombuffer(message, "<i8", 1)
        head = np.frombuffer(message, "<i8", length, 8).tolist()
        stopped, sizes = head[1 : 1 + head[0]], head[2 + head[0] :]
        self._stop(stopped)
        ends = np.cumsum([8 + 8 * length, *sizes]).tolist()
        bodies = (message[start:end] for start, end in zip(ends, ends[1:], strict=False))
        return [self._opened(wire.decode(body, p.SampleParams)) for body in bodies]

    def _stop(self, numbers: list[int]) -> None:
        for number in numbers:
            self._open[number].told = True

    def _opened(self, params: p.SampleParams, own: Call | None = None) -> Call:
        number = self._count
        self._count += 1

        def end(outcome: Outcome) -> None:
            del self._open[number]
            found = outcome.tokens if isinstance(outcome, p.SampleResult) else type(outcome).__name__.encode()
            self._digest = crc32(found, self._digest ^ number)
            if own is None:
                return
            if isinstance(outcome, Exception):
                own.fail(outcome)
            else:
                own.answer(outcome)

        context = self._open[number] = _Context(None if own is None else own.context)
        return Call(params, context, end)

    def require_same(self) -> None:
        """Raise internal on a rank that has answered other tokens than rank 0: it computes something else."""
        if int(self._ranks.broadcast(torch.tensor(self._digest))) != self._digest:
            raise WorkerFailure(p.ErrorCode.INTERNAL, "it drew other tokens than rank 0")
