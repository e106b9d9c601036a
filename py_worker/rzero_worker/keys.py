"""CURVE keys in files: lines `public = "..."` and `secret = "..."`, each 40 characters of Z85.

With keys a connection is encrypted, and each side knows the other by its public key.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from pathlib import Path
from typing import NamedTuple

import zmq
from zmq.utils import z85

_LINE = re.compile(r'(public|secret)\s*=\s*"([^"]*)"\s*(?:#.*)?')
_MAX_FILE = 4096


class CurveKeys(NamedTuple):
    """What a worker needs to connect with CURVE, in Z85."""

    public: bytes
    secret: bytes
    server: bytes
    """The orchestrator's public key."""


class KeysError(Exception):
    """A key file that cannot be used. The message is one line and holds no secret."""


def read_keys(keys_file: Path, server_key_file: Path) -> CurveKeys:
    """Read a worker's own key pair and its orchestrator's public key.

    Raises:
        KeysError: a file is missing, readable by others though it holds a secret, or not of the form above;
            the two halves of the pair do not belong together; libzmq has no CURVE.
    """
    if not zmq.has("curve"):
        raise KeysError("libzmq was built without CURVE here: install pyzmq from its wheel, which has it")
    own = _read(keys_file, {"public", "secret"})
    server = _read(server_key_file, {"public"})
    if zmq.curve_public(own["secret"]) != own["public"]:
        raise KeysError(f"{keys_file}: the public key is not the one that belongs to the secret key")
    return CurveKeys(own["public"], own["secret"], server["public"])


def _read(path: Path, names: set[str]) -> dict[str, bytes]:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(_MAX_FILE + 1)[:_MAX_FILE].decode("ascii")
    except OSError as error:
        raise KeysError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise KeysError(f"{path}: not a key file: it holds characters that are not ASCII") from error
    if "secret" in names and mode & 0o077:
        raise KeysError(
            f"{path}: saw mode {mode:04o}, allowed is 0600, since it holds a secret: chmod 600 {path}"
        )
    keys: dict[str, bytes] = {}
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if line == "" or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None or match[1] in keys:
            raise KeysError(
                f'{path}: line {number}: allowed is one line public = "KEY" and one line secret = "KEY"'
            )
        keys[match[1]] = _key(match[2], f"{path}: {match[1]}")
    if missing := names - keys.keys():
        raise KeysError(f"{path}: {' and '.join(sorted(missing))}: missing")
    if keys.keys() - names:
        raise KeysError(f"{path}: saw a secret key, allowed is a public one alone")
    return keys


def _key(text: str, name: str) -> bytes:
    try:
        if len(text) == 40 and len(z85.decode(text.encode())) == 32:
            return text.encode()
    except (KeyError, ValueError, struct.error):
        pass
    raise KeysError(f"{name}: saw {len(text)} characters, allowed are 40 of Z85")
