"""A disk that fails, and a process that dies, at any call that a writer makes of the file system."""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CALLS = [(os, "mkdir"), (os, "open"), (os, "fsync"), (os, "rename"), (io, "open"), (builtins, "open")]


@contextmanager
def meddled(at: Callable[[int, str, Callable[[], Any]], Any]) -> Iterator[None]:
    """Have `at` make the calls: it gets a call's number, its name, and what makes it."""
    numbers = iter(range(1_000_000))

    def wrapped(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **kwargs: at(next(numbers), name, lambda: real(*args, **kwargs))

    with pytest.MonkeyPatch.context() as patch:
        for module, name in CALLS:
            patch.setattr(module, name, wrapped(name, getattr(module, name)))
        yield


def calls_of(work: Callable[[], object]) -> list[str]:
    """The calls that a writer makes, by name."""
    seen: list[str] = []

    def note(_: int, name: str, call: Callable[[], Any]) -> Any:
        seen.append(name)
        return call()

    with meddled(note):
        work()
    return seen


def failing(nth: int, code: int = errno.ENOSPC) -> Any:
    """The nth call (from 0) fails."""

    def fail(number: int, _: str, call: Callable[[], Any]) -> Any:
        if number == nth:
            raise OSError(code, os.strerror(code))
        return call()

    return meddled(fail)


def killed_at(nth: int, after: bool, work: Callable[[], object]) -> None:
    """Do the work in a copy of this process, which dies just before or after its nth call (from 0)."""

    def die(number: int, _: str, call: Callable[[], Any]) -> Any:
        result = None if number == nth and not after else call()
        if number == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    child = os.fork()
    if child == 0:
        try:
            with meddled(die):
                work()
        finally:
            os._exit(0)  # nothing of the tests' may run twice
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
