"""The connection to the orchestrator: one thread that owns a ZeroMQ DEALER. Knows envelopes, not verbs.

Every connection is a new socket with a new Hello, so nothing of an old one (a request half done, an answer
nobody waits for) reaches a new one: what is sent names the session it belongs to.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import socket as sockets
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Protocol

import msgspec
import zmq
from zmq.utils.monitor import recv_monitor_message

from rzero_worker import wire
from rzero_worker.errors import invalid_request
from rzero_worker.protocol import (
    MESSAGE_BYTES,
    PROTOCOL_HASH,
    Failure,
    Hello,
    Progress,
    Refusal,
    Request,
    Response,
    Welcome,
    WorkerError,
)

log = logging.getLogger(__name__)

LINGER_MS = 2000
RETRY_SECONDS = 0.2

EXIT_UNAVAILABLE = 69
"""EX_UNAVAILABLE of sysexits.h: no orchestrator, or one that does not want this worker."""


class Owner(Protocol):
    """Who is told what happens. All calls come from the connection's thread."""

    def on_request(self, session: int, request: Request) -> None:
        """A request came in."""

    def on_lost(self) -> None:
        """The session ended; its requests will never be answered."""

    def stop(self, exit_code: int, reason: str) -> None:
        """The process shall end."""


class Connection:
    """Dials the orchestrator, says Hello, carries messages; dials again when the line breaks."""

    def __init__(self, endpoint: str, hello: Hello, owner: Owner, connect_timeout: float) -> None:
        """Prepare; nothing is opened before `start`.

        Args:
            endpoint: where the orchestrator listens, tcp://HOST:PORT.
            hello: the first message of every session.
            owner: who handles requests.
            connect_timeout: seconds that a session may take to be welcomed.
        """
        self._endpoint = endpoint
        self._hello = wire.encode(hello)
        self._owner = owner
        self._connect_timeout = connect_timeout
        # What other threads want done here; a byte through the socket pair wakes the poll.
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._wake_read, self._wake_write = sockets.socketpair()
        self._wake_write.setblocking(False)
        self._context = zmq.Context()
        self._thread = threading.Thread(target=self._run, name="connection", daemon=True)
        self._session = 0
        self._welcomed = False
        self._deadline = time.monotonic() + connect_timeout
        self._closing = False

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
        with contextlib.suppress(OSError):  # full: it has bytes enough to wake the thread; closed: it is over
            self._wake_write.send(b"\0")

    @property
    def wakeup_fd(self) -> int:
        """For signal.set_wakeup_fd: a signal's number written here stops the worker."""
        return self._wake_write.fileno()

    def close(self) -> None:
        """Send what was given to `send` before, for at most LINGER_MS, and end the thread."""
        self.call(self._close)
        self._thread.join()
        self._context.term()
        self._wake_read.close()
        self._wake_write.close()

    def _close(self) -> None:
        self._closing = True

    def _run(self) -> None:
        try:
            while not self._closing:
                self._serve_session()
                if self._welcomed:
                    self._deadline = time.monotonic() + self._connect_timeout
                else:
                    self._await_call(RETRY_SECONDS)
        except Exception:
            log.exception("the connection's thread failed")
            self._owner.stop(1, "internal error in the connection")

    def _serve_session(self) -> None:
        self._session += 1
        self._welcomed = False
        self._socket = self._context.socket(zmq.DEALER)
        monitor = self._socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        try:
            self._set_options()
            self._socket.connect(self._endpoint)
            self._socket.send(self._hello)
            poller = zmq.Poller()
            for source in (self._socket, monitor, self._wake_read):
                poller.register(source, zmq.POLLIN)
            while not self._closing:
                ready = dict(poller.poll(self._poll_timeout()))
                if self._wake_read.fileno() in ready:
                    self._drain_inbox()
                if self._socket in ready:
                    self._drain_socket()
                if monitor in ready and self._hears_disconnect(monitor):
                    return  # ZeroMQ would connect again by itself, but without a Hello
                if not self._welcomed and time.monotonic() >= self._deadline:
                    self._owner.stop(
                        EXIT_UNAVAILABLE, f"no welcome from {self._endpoint} in {self._connect_timeout:g} s"
                    )
                    self._deadline = float("inf")
        finally:
            self._socket.disable_monitor()
            monitor.close(0)
            self._socket.close(LINGER_MS if self._closing and self._welcomed else 0)

    def _set_options(self) -> None:
        self._socket.setsockopt(zmq.MAXMSGSIZE, MESSAGE_BYTES)
        # One caller waits for its answers, so the queue is bounded by what it asked for; a bound of ours
        # could only make this thread block.
        self._socket.setsockopt(zmq.SNDHWM, 0)
        self._socket.setsockopt(zmq.RECONNECT_IVL, 100)
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, 2000)
        # The kernel answers keep-alives also for a suspended process, ZMTP heartbeats wait for it: a dead
        # peer is found, and an orchestrator stopped with Ctrl-Z keeps its worker.
        self._socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
        self._socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 30)
        self._socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, 10)
        self._socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, 3)

    def _poll_timeout(self) -> int | None:
        if self._welcomed or self._deadline == float("inf"):
            return None
        return max(0, int((self._deadline - time.monotonic()) * 1000) + 1)

    def _await_call(self, seconds: float) -> None:
        self._wake_read.settimeout(seconds)
        self._drain_inbox()
        self._wake_read.settimeout(None)

    def _drain_inbox(self) -> None:
        with contextlib.suppress(TimeoutError):
            number = max(self._wake_read.recv(4096))
            if number:
                self._owner.stop(0, signal.Signals(number).name)
        while True:
            try:
                function = self._inbox.get_nowait()
            except Empty:
                return
            function()

    def _send(self, session: int, frame: bytes) -> None:
        if session == self._session and self._welcomed:
            self._socket.send(frame, copy=False)

    def _drain_socket(self) -> None:
        while not self._closing:
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            if len(frames) == 1:
                self._receive(frames[0])
            else:
                log.warning("dropped a message of %d frames, expected one", len(frames))

    def _receive(self, frame: bytes) -> None:
        try:
            message = wire.decode_envelope(frame)
        except wire.ProtocolError as error:
            self._refuse_frame(frame, error)
            return
        match message:
            case Request() if self._welcomed:
                self._owner.on_request(self._session, message)
            case Welcome() if message.protocol_hash != PROTOCOL_HASH:
                self._owner.stop(
                    EXIT_UNAVAILABLE,
                    f"protocol hash: saw {message.protocol_hash!r}, allowed is {PROTOCOL_HASH!r}",
                )
            case Welcome():
                self._welcomed = True
                log.info("connected to %s", self._endpoint)
            case Refusal():
                error = message.error
                self._owner.stop(
                    EXIT_UNAVAILABLE, f"refused by {self._endpoint}: {error.code}: {error.message}"
                )
            case _:
                log.warning("dropped a %s that makes no sense here", type(message).__name__)

    def _refuse_frame(self, frame: bytes, error: wire.ProtocolError) -> None:
        """Answer a malformed request if its id can be read, so that its caller does not wait for ever."""
        request_id = _id_of(frame)
        log.warning("%s a bad frame: %s", "dropped" if request_id is None else "answered", error)
        if request_id is not None:
            failure = invalid_request(str(error))
            self._send(
                self._session,
                wire.encode(
                    Failure(id=request_id, error=WorkerError(code=failure.code, message=failure.message))
                ),
            )

    def _hears_disconnect(self, monitor: zmq.Socket) -> bool:
        if recv_monitor_message(monitor)["event"] != zmq.EVENT_DISCONNECTED:
            return False  # the monitor's own end
        self._drain_socket()  # what came in before the end, such as a refusal
        if self._welcomed and not self._closing:
            log.warning("lost %s, connecting again", self._endpoint)
            self._owner.on_lost()
        return True


def _id_of(frame: bytes) -> int | None:
    try:
        message = msgspec.msgpack.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(message, dict) or message.get("kind") != "Request":
        return None
    request_id = message.get("id")
    return request_id if type(request_id) is int and 0 <= request_id < 2**53 else None
