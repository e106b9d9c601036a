"""Where an orchestrator listens: which endpoints there are, and which of them stay on this machine."""

from __future__ import annotations

import re
import socket

ALLOWED = "tcp://HOST:PORT or ipc:///PATH"

_TCP = re.compile(r"tcp://(?:\[([0-9A-Fa-f:.]+)(?:%[\w.-]+)?\]|(\w[\w.-]{0,252})):(\d{1,5})", re.ASCII)
_MAX_PATH = 107
"""Bytes of a Unix socket's path."""


def is_local(endpoint: str) -> bool:
    """Whether an endpoint is on this machine: ipc, or tcp to 127.0.0.0/8, localhost or [::1].

    Raises:
        ValueError: not an endpoint of a form that is allowed.
    """
    if endpoint.startswith("ipc:///"):
        if "\0" in endpoint or not 1 < len(endpoint.removeprefix("ipc://").encode()) <= _MAX_PATH:
            raise ValueError(
                f"saw {endpoint!r}, allowed is ipc:///PATH with a path of at most {_MAX_PATH} bytes"
            )
        return True
    match = _TCP.fullmatch(endpoint)
    if match is None or not 1 <= int(match[3]) <= 65535:
        raise ValueError(f"saw {endpoint!r}, allowed is {ALLOWED} with a port from 1 to 65535")
    if match[1] is not None:
        address = _address(socket.AF_INET6, match[1])
        if address is None:
            raise ValueError(f"saw {endpoint!r}, allowed between the brackets is an IPv6 address")
        return address == bytes(15) + b"\1"
    address = _address(socket.AF_INET, match[2])
    return match[2].lower() == "localhost" or (address is not None and address[0] == 127)


def _address(family: socket.AddressFamily, host: str) -> bytes | None:
    try:
        return socket.inet_pton(family, host)
    except OSError:
        return None
