"""What a checkpoint's folder holds, written down so that damage is found before anything is loaded.

`manifest.json` names every other file of the folder with its size and SHA-256. Its own SHA-256 therefore
stands for the whole folder: who was told it when the folder was written can tell whether that is unchanged.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sized
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from rzero_worker import pulse
from rzero_worker.errors import WorkerFailure, clipped
from rzero_worker.protocol import ErrorCode

MANIFEST_FILE = "manifest.json"
FORMAT = 1
HASH_THREADS = 8
"""Files that are read and hashed at once, at most: a core hashes slower than memory or a good disk reads."""

HASH_BYTES = 2**20
"""Of a file that are read and hashed at a time."""


@dataclass(frozen=True)
class Entry:
    """A file: its size in bytes and its SHA-256 in hex."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A checkpoint's files by name (with `/` below folders), and where in a training it was written.

    `steps` counts the optimiser steps that the model has taken; `weights_version` is its published weights'.
    """

    files: dict[str, Entry]
    steps: int
    weights_version: int


def write(folder: Path, steps: int, weights_version: int) -> str:
    """Describe all files of a folder in its manifest, durably; returns the manifest's SHA-256 in hex.

    Call it when everything else is written, before the folder gets its final name. Raises OSError.
    """
    paths = _files(folder)
    with _threads(paths) as pool:
        entries = pool.map(_describe, paths.values())
        files = {name: asdict(entry) for name, entry in zip(paths, entries, strict=True)}
    document = {"format": FORMAT, "files": files, "steps": steps, "weightsVersion": weights_version}
    text = json.dumps(document, indent=1, sort_keys=True) + "\n"
    with (folder / MANIFEST_FILE).open("wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(text.encode()).hexdigest()


def verify(path: str, sha256: str | None = None) -> Manifest:
    """Compare a checkpoint with its manifest, and that with the SHA-256 (hex) that it should have, if known.

    Raises WorkerFailure: `io_error` for a folder or manifest that is not there or cannot be read, and naming
    the first file, by its name, that is missing, damaged or not in the manifest.
    """
    folder = Path(path).expanduser()
    try:
        return _verify(folder, path, sha256)
    except OSError as error:
        raise io_error(path, f"cannot be read: {error}") from error


def io_error(path: str, problem: str, details: str | None = None) -> WorkerFailure:
    """Build the failure for a checkpoint's path; `problem` is the rest of the sentence."""
    return WorkerFailure(ErrorCode.IO_ERROR, f"path {path!r} {problem}", details)


def _verify(folder: Path, path: str, sha256: str | None) -> Manifest:
    if not folder.is_dir():
        raise io_error(path, "is not a folder" if folder.exists() else "does not exist")
    file = folder / MANIFEST_FILE
    if not file.is_file():
        raise io_error(
            path, f"lacks its manifest, {MANIFEST_FILE}: only what save_checkpoint wrote can be put back"
        )
    written = file.read_bytes()
    seen = hashlib.sha256(written).hexdigest()
    if sha256 is not None and seen != sha256.lower():
        raise io_error(
            path, f"is another checkpoint: the SHA-256 of {MANIFEST_FILE} is {seen}, asked for is {sha256}"
        )
    try:
        manifest = _parse(written)
    except (ValueError, KeyError, TypeError) as error:
        raise io_error(path, f"has no usable manifest: {MANIFEST_FILE}: {error!r}") from error
    there = _files(folder)
    names = sorted(manifest.files.keys() | there.keys())
    with _threads(names) as pool:
        # In the order of the names, whichever file is done first; after a problem no other file is begun.
        problems = pool.map(partial(_problem, manifest.files, there), names)
        problem = next(filter(None, problems), None)
        problems.close()
    if problem is not None:
        raise io_error(path, problem)
    return manifest


def _problem(listed: dict[str, Entry], there: dict[str, Path], name: str) -> str | None:
    """Say what is wrong with a file, the rest of a sentence that begins with the folder's path."""
    if name not in listed:
        return f"holds a file that its manifest does not list: {clipped(name)}"
    if name not in there:
        return f"lacks a file that its manifest lists: {clipped(name)}"
    wanted, found = listed[name], there[name].stat().st_size
    if found != wanted.bytes:
        return f"{name} is damaged: it has {found} bytes, the manifest says {wanted.bytes}"
    digest = _describe(there[name]).sha256
    if digest != wanted.sha256:
        return f"{name} is damaged: its SHA-256 is {digest}, the manifest says {wanted.sha256}"
    return None


def _threads(files: Sized) -> ThreadPoolExecutor:
    """Threads to hash so many files with; hashlib lets others run while it hashes."""
    return ThreadPoolExecutor(max(1, min(HASH_THREADS, os.cpu_count() or 1, len(files))))


def _parse(written: bytes) -> Manifest:
    document = json.loads(written)
    if document["format"] != FORMAT:
        raise ValueError(f"format: saw {document['format']!r}, allowed is {FORMAT}")
    files = {name: Entry(int(one["bytes"]), str(one["sha256"])) for name, one in document["files"].items()}
    return Manifest(files, int(document["steps"]), int(document["weightsVersion"]))


def _files(folder: Path) -> dict[str, Path]:
    """All files below a folder but its manifest, by name."""
    paths = sorted(path for path in folder.rglob("*") if not path.is_dir())
    return {path.relative_to(folder).as_posix(): path for path in paths if path != folder / MANIFEST_FILE}


def _describe(path: Path) -> Entry:
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        for block in pulse.each(iter(lambda: file.read(HASH_BYTES), b"")):
            digest.update(block)
        return Entry(file.tell(), digest.hexdigest())
