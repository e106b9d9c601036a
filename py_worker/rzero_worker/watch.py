"""A thread that knows how far each rank of a group is, and ends the group when one of them is lost.

A collective waits for all ranks, so one that hangs or dies leaves the others waiting, rank 0 too, and whoever
waits cannot tell for whom. So the ranks speak beside the collectives, by words in the store of the group:

- `call/N`: the verb that rank 0 has begun as its Nth; the others wait for it. "" is the end.
- `done/N/RANK`: how that ended for a rank: "" for well, else a failure's code and message.
- `beat/RANK`: a number that grows as long as the process lives, and its count of steps.
- `stopping`, `left/RANK`: rank 0 stops, and has but a few seconds left; a rank has ended in order.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import torch.distributed as dist

from rzero_worker.protocol import SHUTDOWN_SECONDS
from rzero_worker.ranks import Ranks

log = logging.getLogger(__name__)

BROKEN = 70
"""Exit code of a process whose group is broken."""

LAST_WORDS = 5.0
"""Seconds that the other ranks get to say how a call ended, when it failed for one of them."""

BEAT = 1.0
"""Most seconds between two looks at the others."""

FOREVER = timedelta(days=365)


class Watch:
    """One rank's part in it. The methods are the main thread's."""

    def __init__(self, ranks: Ranks, store: dist.Store, timeout: float) -> None:
        """Begin to watch.

        Args:
            ranks: of this process.
            store: where the words are.
            timeout: seconds in which a rank must make a step while there is work, and give a sign of life.
        """
        self._ranks = ranks
        self._store = store
        self._timeout = timeout
        self._calls = 0
        self._running: tuple[int, str] | None = None
        self._over = threading.Event()
        # A store that waits for one thread answers no other.
        store.set_timeout(FOREVER)
        self._own_store = store.clone()
        self._signals, written = socket.socketpair()
        self._signals.setblocking(False)
        written.setblocking(False)
        self._written = written
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    # Rank 0

    def announce(self, verb: str) -> int:
        """Tell the others what is done next; returns the call's number."""
        self._calls += 1
        self._ranks.mark()
        if verb:
            self._running = self._calls, verb
        self._store.set(f"call/{self._calls}", verb)
        return self._calls

    def require_agreement(self, call: int) -> None:
        """Wait until the call is done on all ranks. Where it ended in different ways, the group ends."""
        ends = [self._store.get(f"done/{call}/{rank}").decode() for rank in range(self._ranks.size)]
        if len({end.split(":")[0] for end in ends}) > 1:
            self._break(f"{self._verb}: {_told(ends)}")
        self._running = None
        for key in (f"call/{call}", *(f"done/{call}/{rank}" for rank in range(self._ranks.size))):
            self._store.delete_key(key)

    def stopping(self) -> None:
        """Tell the others that this process ends soon, whatever they do. For any thread."""
        with suppress(dist.DistError):  # who has the store is gone: the others see that too
            self._own_store.clone().set("stopping", "")

    def dismiss(self) -> None:
        """Tell the others to end, and wait until they have."""
        left = {rank: f"left/{rank}" for rank in range(1, self._ranks.size)}
        try:
            self.announce("")
            with suppress(dist.DistStoreError):  # not within that time
                self._store.wait(list(left.values()), timedelta(seconds=SHUTDOWN_SECONDS / 2))
            if late := [rank for rank, key in left.items() if not self._store.check([key])]:
                log.error("the group ends: %s did not end in order", _ranks(late))
        except dist.DistError as error:
            log.error("who started the group is gone (%s)", str(error).splitlines()[0])
        self.close()

    # The others

    def next_call(self) -> tuple[int, str]:
        """Wait for what rank 0 does next."""
        self._calls += 1
        verb = self._store.get(f"call/{self._calls}").decode()
        self._ranks.mark()
        return self._calls, verb

    def leave(self) -> None:
        """End in order."""
        self.close()
        with suppress(dist.DistError):  # rank 0 did not wait
            self._store.set(f"left/{self._ranks.rank}", "")

    def end_soon_at(self, number: signal.Signals) -> None:
        """At a signal, end if rank 0 has not ended this process in order by then."""
        signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._written.fileno(), warn_on_full_buffer=False)

    # All

    def settle(self, call: int, end: str = "") -> None:
        """Say how a call ended here: well, or by the failure `CODE: MESSAGE`."""
        self._ranks.mark()
        self._store.set(f"done/{call}/{self._ranks.rank}", end)

    def close(self) -> None:
        """Watch no more."""
        self._over.set()
        self._thread.join()
        if not self._ranks.first:
            signal.set_wakeup_fd(-1)
        self._signals.close()
        self._written.close()

    # The thread

    def _run(self) -> None:
        look = self._oversee() if self._ranks.first else self._obey()
        beats = 0
        while not self._over.wait(min(BEAT, self._timeout / 10)):
            try:
                beats += 1
                self._own_store.set(f"beat/{self._ranks.rank}", f"{beats} {self._ranks.steps}")
                next(look)
            except dist.DistError as error:
                # Whoever started us has the store, or rank 0 has. It may go a moment before we do.
                if not self._over.wait(LAST_WORDS):
                    self._break(f"who started it is gone ({str(error).splitlines()[0]})")

    def _oversee(self):  # noqa: ANN202
        """Look at all ranks, once for each `next`."""
        size = self._ranks.size
        heard = [(time.monotonic(), "")] * size
        steps, moved, failed_since, running = [0] * size, time.monotonic(), None, None
        while True:
            now = time.monotonic()
            for rank in range(size):
                beat = self._said(f"beat/{rank}") or ""
                if beat != heard[rank][1]:
                    heard[rank] = now, beat
                    count = int(beat.split()[1])
                    moved = moved if count == steps[rank] else now
                    steps[rank] = count
            if self._running != running:
                running, moved, failed_since = self._running, now, None
            if silent := [rank for rank in range(size) if now - heard[rank][0] > self._timeout]:
                self._break(f"{self._verb}: {_ranks(silent)} gave no sign of life for {self._timeout:g} s")
            if running is not None:
                ends = [self._said(f"done/{running[0]}/{rank}") for rank in range(size)]
                missing = [rank for rank in range(size) if ends[rank] is None]
                if missing and any(ends):
                    failed_since = failed_since or now
                    if now - failed_since > min(LAST_WORDS, self._timeout):
                        self._break(f"{running[1]}: {_told(ends)}")
                elif missing and now - moved > self._timeout:
                    least = min(steps[rank] for rank in missing)
                    late = [rank for rank in missing if steps[rank] == least]
                    everyone = ", as all of them" if len(late) == size else ""
                    self._break(f"{running[1]}: {_ranks(late)} late by {self._timeout:g} s{everyone}")
            yield

    def _obey(self):  # noqa: ANN202
        """See whether this rank is to end, once for each `next`."""
        until, code = None, BROKEN
        while True:
            try:
                told = bool(self._signals.recv(1))
            except BlockingIOError:
                told = False
            if self._own_store.check(["stopping"]):
                told, code = True, 0
            if told and until is None:
                until = time.monotonic() + SHUTDOWN_SECONDS
            if until is not None and time.monotonic() > until:
                log.error("rank %d ends: it was told to stop, and is not done", self._ranks.rank)
                _exit(code)
            yield

    def _said(self, key: str) -> str | None:
        return self._own_store.get(key).decode() if self._own_store.check([key]) else None

    @property
    def _verb(self) -> str:
        return self._running[1] if self._running is not None else "between calls"

    def _break(self, why: str) -> None:
        log.error("the group of %d ranks ends: %s", self._ranks.size, why)
        _exit(BROKEN)


def _exit(code: int) -> None:
    logging.shutdown()
    os._exit(code)


def _ranks(ranks: Sequence[int]) -> str:
    return f"rank{'s' if len(ranks) > 1 else ''} {', '.join(map(str, ranks))}"


def _told(ends: Sequence[str | None]) -> str:
    """Say how a call ended for each rank, those together for whom it ended alike."""
    groups: dict[str, list[int]] = {}
    for rank, end in enumerate(ends):
        what = "did not answer" if end is None else "did well" if not end else f"failed ({end})"
        groups.setdefault(what, []).append(rank)
    return ", ".join(f"{_ranks(ranks)} {what}" for what, ranks in groups.items())
