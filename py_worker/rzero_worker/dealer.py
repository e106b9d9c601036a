"""One ZeroMQ DEALER, connected once: its options, its CURVE keys, and how it hears that the line broke."""

from __future__ import annotations

import struct
from typing import Literal

import zmq

from rzero_worker.keys import CurveKeys
from rzero_worker.scan import SCAN_LIMITS

RECEIVE_QUEUE = 64
"""Messages that ZeroMQ reads ahead; while they are not taken, the sender's own queue has to hold the rest."""

End = Literal["lost", "handshake"]
"""How a line ends: it broke, or the two sides never agreed on how to secure it."""

_HANDSHAKE_FAILED = (
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)


class Dealer:
    """A socket of one thread. ZeroMQ would connect again by itself; the owner closes it at its first end."""

    def __init__(self, context: zmq.Context, endpoint: str, keys: CurveKeys | None = None) -> None:
        """Connect, in the background.

        Args:
            context: who owns the socket.
            endpoint: where the other side listens, as `endpoint.py` allows it.
            keys: CURVE keys; None for a connection in the clear.
        """
        self.socket = context.socket(zmq.DEALER)
        self.monitor = self.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED | _HANDSHAKE_FAILED)
        try:
            _set_options(self.socket)
            if endpoint.startswith("tcp://["):
                self.socket.setsockopt(zmq.IPV6, 1)
            if keys is not None:
                self.socket.curve_publickey, self.socket.curve_secretkey, self.socket.curve_serverkey = keys
            self.socket.connect(endpoint)
        except BaseException:
            self.close(0)
            raise

    def send(self, frame: bytes) -> None:
        """Queue a message of one frame. It is lost if the line broke, of which `end` tells later."""
        try:
            self.socket.send(frame, zmq.NOBLOCK, copy=False)
        except zmq.Again:
            pass

    def receive(self) -> list[bytes] | None:
        """Take the frames of the next message, if there is one."""
        try:
            return self.socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return None

    def end(self) -> End | None:
        """Read one message of the monitor: how the line ended, or None if that was not it."""
        event, _value = struct.unpack("=Hi", self.monitor.recv_multipart()[0])
        if event == zmq.EVENT_DISCONNECTED:
            return "lost"
        return "handshake" if event & _HANDSHAKE_FAILED else None

    def close(self, linger_ms: int) -> None:
        """Close, with so many milliseconds for what is still to be sent."""
        self.socket.disable_monitor()
        self.monitor.close(0)
        self.socket.close(linger_ms)


def _set_options(socket: zmq.Socket) -> None:
    socket.setsockopt(zmq.MAXMSGSIZE, SCAN_LIMITS.bytes)
    socket.setsockopt(zmq.RCVHWM, RECEIVE_QUEUE)
    # One caller waits for its answers, so the queue is bounded by what it asked for; a bound of ours
    # could only make its thread block.
    socket.setsockopt(zmq.SNDHWM, 0)
    socket.setsockopt(zmq.RECONNECT_IVL, 100)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 2000)
    # The kernel answers keep-alives also for a suspended process, ZMTP heartbeats wait for it: a dead
    # peer is found, and an orchestrator stopped with Ctrl-Z keeps its worker.
    socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
    socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, 30)
    socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, 10)
    socket.setsockopt(zmq.TCP_KEEPALIVE_CNT, 3)
