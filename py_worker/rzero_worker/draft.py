"""A new folder, there whole or not at all: it is written beside its place, then gets its name."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rzero_worker import pulse


@contextmanager
def draft(target: Path, durable: bool = True) -> Iterator[Path]:
    """Give a folder to write into, which gets its place when the block ends well, and is removed if not.

    A writer that was killed leaves its draft behind; the next who writes to the same place removes it. Of two
    who write to one place at once the first one's draft is taken away, and it fails.

    Args:
        target: must not exist; the folders above it are made.
        durable: whether the folder and those above it are synced, so that it outlasts a power failure once it
            is there. What is in it is synced by who writes it.

    Raises OSError.
    """
    if os.path.lexists(target):
        raise FileExistsError("it exists already; a checkpoint is written to a new folder")
    created = [folder for folder in target.parents if not folder.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(target)
    place = _name_beside(target)
    done = False
    try:
        place.mkdir()
        yield place
        if durable:
            sync([place])
        place.rename(target)
        done = True
        if durable:
            sync([target.parent, *(folder.parent for folder in created)])
    except BaseException:
        if done:
            _take_away(target, target)
        else:
            shutil.rmtree(place, ignore_errors=True)
        raise


def sync(paths: Iterable[Path]) -> None:
    """Make files or folders durable, the entries of a folder but not what they name. Raises OSError."""
    for path in pulse.each(paths):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _name_beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}.partial")


def _remove_leftovers(target: Path) -> None:
    name = re.compile(rf"\.{re.escape(target.name)}\.\d+\.[0-9a-f]{{8}}\.partial")
    for path in list(target.parent.iterdir()):
        if name.fullmatch(path.name):
            _take_away(path, target)


def _take_away(path: Path, target: Path) -> None:
    """Remove what has its place, or may get it from its writer: by another name, so no half ever has it."""
    doomed = _name_beside(target)
    with suppress(OSError):  # somebody else did; or it cannot be, and is in nobody's way
        path.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)
