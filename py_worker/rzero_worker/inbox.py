"""What other threads, and signals, want one thread to do."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Callable
from queue import Empty, SimpleQueue


class Inbox:
    """Functions to be called by the thread that owns this. A byte through a socket pair wakes its poll."""

    def __init__(self, on_signal: Callable[[signal.Signals], None]) -> None:
        """Make an empty inbox; `on_signal` is called for a signal whose number came through `wakeup_fd`."""
        self._on_signal = on_signal
        self._functions: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.readable, self._wake = socket.socketpair()
        self._wake.setblocking(False)

    @property
    def wakeup_fd(self) -> int:
        """For signal.set_wakeup_fd."""
        return self._wake.fileno()

    def put(self, function: Callable[[], None]) -> None:
        """Have the owner call a function. Any thread, and signal handlers."""
        self._functions.put(function)
        with contextlib.suppress(OSError):  # full: it has bytes enough to wake the thread; closed: it is over
            self._wake.send(b"\0")

    def drain(self, seconds: float | None = None) -> None:
        """Call what is there, once `readable` is or so many seconds are over. For the owner."""
        self.readable.settimeout(seconds)
        with contextlib.suppress(TimeoutError):
            number = max(self.readable.recv(4096))
            if number:
                self._on_signal(signal.Signals(number))
        while True:
            try:
                function = self._functions.get_nowait()
            except Empty:
                return
            function()

    def close(self) -> None:
        """Free the sockets; functions that are put now are never called."""
        self.readable.close()
        self._wake.close()
