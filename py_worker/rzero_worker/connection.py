"""The connection to the orchestrator: one thread that owns a ZeroMQ DEALER. Knows envelopes, not verbs.

Every connection is a new socket with a new Hello, so nothing of an old one (a request half done, an answer
nobody waits for) reaches a new one: what is sent names the session it belongs to.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from math import inf
from typing import Protocol

import zmq

from rzero_worker import wire
from rzero_worker.dealer import Dealer, End
from rzero_worker.errors import clipped, invalid_request
from rzero_worker.fence import Fence
from rzero_worker.inbox import Inbox
from rzero_worker.job import failed
from rzero_worker.keys import CurveKeys
from rzero_worker.protocol import (
    PROTOCOL_HASH,
    Envelope,
    Failure,
    Heartbeat,
    Hello,
    Progress,
    Refusal,
    Request,
    Response,
    Welcome,
)

log = logging.getLogger(__name__)

LINGER_MS = 2000
RETRY_SECONDS = 0.2
MESSAGES_A_TURN = 64
"""Messages handled before the thread looks at its other duties again, so that a flood does not keep it."""

EXIT_UNAVAILABLE = 69
"""EX_UNAVAILABLE of sysexits.h: no orchestrator, or one that does not want this worker."""


class Owner(Protocol):
    """Who is told what happens. All calls come from the connection's thread."""

    def on_request(self, session: int, request: Request) -> None:
        """A request came in."""

    def on_lost(self) -> None:
        """The session ended; its requests will never be answered."""

    def on_new_orchestrator(self) -> None:
        """Requests are another orchestrator's from now on, who has no claim on what was done for the last."""

    def heartbeat(self) -> Heartbeat:
        """What the worker does at the moment. Must not wait."""

    def stop(self, exit_code: int, reason: str) -> None:
        """The process shall end."""


class Connection:
    """Dials the orchestrator, says Hello, carries messages; dials again when the line breaks."""

    def __init__(
        self,
        endpoint: str,
        hello: Hello,
        owner: Owner,
        connect_timeout: float,
        keys: CurveKeys | None = None,
    ) -> None:
        """Prepare; nothing is opened before `start`.

        Args:
            endpoint: where the orchestrator listens, tcp://HOST:PORT or ipc:///PATH.
            hello: the first message of every session.
            owner: who handles requests.
            connect_timeout: seconds that a session may take to be welcomed.
            keys: CURVE keys; None for a connection in the clear.
        """
        self._endpoint = endpoint
        self._hello = wire.encode(hello)
        self._owner = owner
        self._connect_timeout = connect_timeout
        self._keys = keys
        self._inbox = Inbox(lambda number: owner.stop(0, number.name))
        self._context = zmq.Context()
        self._thread = threading.Thread(target=self._run, name="connection", daemon=True)
        self._session = 0
        self._welcomed = False
        self._fence = Fence()
        self._fenced: str | None = None  # why the last who said Welcome is not obeyed
        self._closing = False
        self._turned_away: End | None = None
        self._deadline = time.monotonic() + connect_timeout
        self._heartbeat_interval = inf
        self._heartbeat_due = inf

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def send(self, session: int, message: Response | Failure | Progress) -> None:
        """Send a message in a session, or drop it if that is over. Any thread; messages keep their order."""
        frame = wire.encode(message)
        self.call(lambda: self._send(session, frame))

    def call(self, function: Callable[[], None]) -> None:
        """Have the connection's thread call a function. Any thread, and signal handlers."""
        self._inbox.put(function)

    @property
    def wakeup_fd(self) -> int:
        """For signal.set_wakeup_fd: a signal's number written here stops the worker."""
        return self._inbox.wakeup_fd

    def close(self) -> None:
        """Send what was given to `send` before, for at most LINGER_MS, and end the thread."""
        self.call(self._close)
        self._thread.join()
        self._context.term()
        self._inbox.close()

    def _close(self) -> None:
        self._closing = True

    def _run(self) -> None:
        try:
            while not self._closing:
                self._session += 1
                self._welcomed = False
                self._hang_up = False
                self._dealer = Dealer(self._context, self._endpoint, self._keys)
                try:
                    self._serve_session()
                finally:
                    self._dealer.close(LINGER_MS if self._closing and self._welcomed else 0)
                if self._welcomed:
                    self._deadline = time.monotonic() + self._connect_timeout
                else:
                    self._inbox.drain(RETRY_SECONDS)
        except Exception:
            log.exception("the connection's thread failed")
            self._owner.stop(1, "internal error in the connection")

    def _serve_session(self) -> None:
        self._dealer.send(self._hello)
        poller = zmq.Poller()
        for source in (self._dealer.socket, self._dealer.monitor, self._inbox.readable):
            poller.register(source, zmq.POLLIN)
        while not self._closing:
            ready = dict(poller.poll(self._poll_timeout()))
            if self._inbox.readable.fileno() in ready:
                self._inbox.drain()
            if self._dealer.socket in ready:
                self._receive_some(MESSAGES_A_TURN)
            if self._dealer.monitor in ready and self._ended():
                return
            self._keep_time()
            if self._hang_up:
                return

    def _poll_timeout(self) -> int | None:
        due = self._heartbeat_due if self._welcomed else self._deadline
        if due == inf:
            return None
        return max(0, int((due - time.monotonic()) * 1000) + 1)

    def _keep_time(self) -> None:
        now = time.monotonic()
        if self._welcomed and now >= self._heartbeat_due:
            self._heartbeat_due = now + self._heartbeat_interval
            self._send(self._session, wire.encode(self._owner.heartbeat()))
        elif not self._welcomed and now >= self._deadline:
            self._deadline = inf
            self._leave(
                f"no welcome from {self._endpoint} in {self._connect_timeout:g} s{self._likely_cause()}"
            )

    def _likely_cause(self) -> str:
        if self._fenced is not None:
            return f": {self._fenced}"
        if self._turned_away and self._keys is not None:
            return (
                ": is the key in --server-key that orchestrator's, does it know the public key in --keys, "
                "and was it told to use CURVE?"
            )
        if self._turned_away == "handshake":
            return ": the ZeroMQ handshake failed: does it want --keys and --server-key?"
        return ""

    def _send(self, session: int, frame: bytes) -> None:
        if session == self._session and self._welcomed:
            self._dealer.send(frame)

    def _receive_some(self, most: float) -> None:
        while most > 0 and not self._closing:
            frames = self._dealer.receive()
            if frames is None:
                return
            most -= 1
            if len(frames) == 1:
                self._receive(frames[0])
            else:
                log.warning("dropped a message of %d frames, expected one", len(frames))

    def _receive(self, frame: bytes) -> None:
        if self._hang_up:
            return
        try:
            message = wire.decode_envelope(frame)
        except wire.ProtocolError as error:
            if self._welcomed:
                self._refuse_frame(frame, error)
            else:
                self._leave(
                    f"{self._endpoint} answered Hello with no message of protocol {PROTOCOL_HASH[:12]}, so "
                    f"it speaks another one; both sides must come from the same proto/protocol.yml ({error})"
                )
            return
        if isinstance(message, Refusal):  # not let in, or given up: nobody will ask anything of it any more
            error = message.error
            self._leave(f"refused by {self._endpoint}: {error.code}: {error.message}")
        elif not self._welcomed:
            self._on_answer(message)
        elif isinstance(message, Request):
            self._owner.on_request(self._session, message)
        else:
            log.warning("dropped a %s that makes no sense here", type(message).__name__)

    def _on_answer(self, message: Envelope) -> None:
        """Take the answer to Hello."""
        match message:
            case Welcome(protocol_hash=seen) if seen != PROTOCOL_HASH:
                self._leave(f"protocol hash: saw {clipped(seen)}, allowed is {PROTOCOL_HASH!r}")
            case Welcome():
                self._on_welcome(message)
            case _:
                log.warning("dropped a %s before the answer to Hello", type(message).__name__)

    def _on_welcome(self, welcome: Welcome) -> None:
        meeting = self._fence.meet(welcome.run, welcome.attempt)
        if meeting == "superseded":
            reason = (
                f"attempt {welcome.attempt} of run {clipped(welcome.run)} was superseded by "
                f"attempt {self._fence.attempt}"
            )
            if reason != self._fenced:  # it is dialled again and again, and may well say the same
                log.warning("does not obey %s: %s", self._endpoint, reason)
            self._fenced, self._hang_up = reason, True
            return
        self._fenced = None
        if meeting == "new":
            log.warning(
                "another orchestrator, attempt %d of run %s: forgetting all models",
                welcome.attempt,
                clipped(welcome.run),
            )
            self._owner.on_new_orchestrator()
        self._welcomed = True
        self._heartbeat_interval, self._heartbeat_due = welcome.heartbeat_seconds, 0.0
        log.info("connected to %s", self._endpoint)

    def _leave(self, reason: str) -> None:
        self._owner.stop(EXIT_UNAVAILABLE, reason)

    def _refuse_frame(self, frame: bytes, error: wire.ProtocolError) -> None:
        """Answer a malformed request if its id can be read, so that its caller does not wait for ever."""
        request_id = wire.request_id(frame)
        log.warning("%s a bad frame: %s", "dropped" if request_id is None else "answered", error)
        if request_id is not None:
            self._send(self._session, wire.encode(failed(request_id, invalid_request(str(error)))))

    def _ended(self) -> bool:
        """Whether the session is over. ZeroMQ would connect again by itself, but without a Hello."""
        end = self._dealer.end()
        if end is None:
            return False
        self._receive_some(inf)  # what came in before the end, such as a refusal
        if not self._welcomed:
            self._turned_away = end
        elif not self._closing:
            log.warning("lost %s, connecting again", self._endpoint)
            self._owner.on_lost()
        return True
