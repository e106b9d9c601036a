"""The jobs of a worker in order of arrival: those that wait and those that run."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from rzero_worker.errors import WorkerFailure, invalid_request
from rzero_worker.job import Job
from rzero_worker.protocol import ErrorCode

MAX_JOBS = 1024
"""Jobs that may wait."""

MAX_BYTES = 2**31
"""Bytes of packed params that may wait: two messages of the greatest size."""


class Forget:
    """What stands between the requests of two orchestrators: all models go before the later ones' turn."""


class JobQueue:
    """First come, first served, of bounded length. Any thread may call any method.

    A job that is cancelled while it waits leaves the queue, and its caller is the one who answers it; a job
    that runs is only told, and is answered by whoever runs it.
    """

    def __init__(self, max_jobs: int = MAX_JOBS, max_bytes: int = MAX_BYTES) -> None:
        """Make an empty, open queue."""
        self._max_jobs = max_jobs
        self._max_bytes = max_bytes
        self._changed = threading.Condition()  # may be entered again by who is in it
        self._waiting: dict[tuple[int, int], Job] = {}
        self._bytes = 0
        self._running: dict[tuple[int, int], Job] = {}
        self._forgets = False
        self._closed = False

    def __len__(self) -> int:
        """Jobs that wait."""
        return len(self._waiting)

    @property
    def running(self) -> Sequence[Job]:
        """The jobs that were taken and are not done."""
        with self._changed:
            return tuple(self._running.values())

    def put(self, job: Job) -> None:
        """Add a job behind the others.

        Raises:
            WorkerFailure: `invalid_request` if too much waits already, `cancelled` if the queue is closed.
        """
        with self._changed:
            if self._closed:
                raise WorkerFailure(ErrorCode.CANCELLED, "the worker is stopping")
            if len(self._waiting) >= self._max_jobs:
                raise invalid_request(
                    f"queue: {self._max_jobs:,} requests wait already, more are not allowed"
                )
            size = self._bytes + len(job.params)
            if size > self._max_bytes:
                raise invalid_request(
                    f"queue: saw {size:,} bytes of waiting params, allowed are {self._max_bytes:,}"
                )
            self._waiting[job.session, job.id] = job
            self._bytes = size
            self._changed.notify()

    def take(self) -> Job | Forget | None:
        """Wait for a job and let it run; None when the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._forgets or self._waiting or self._closed)
            if self._forgets:
                self._forgets = False
                return Forget()
            return self._take() if self._waiting else None

    @property
    def next(self) -> Job | None:
        """The job that `take` would give; None if it would give none."""
        with self._changed:
            return None if self._forgets else next(iter(self._waiting.values()), None)

    def take_also(self, job: Job) -> bool:
        """Let a job run beside those that do, if it is still the next one."""
        with self._changed:
            return self.next is job and self._take() is job

    def done(self, job: Job) -> None:
        """The job runs no more."""
        with self._changed:
            self._running.pop((job.session, job.id), None)

    def has(self, session: int, request_id: int) -> bool:
        """Whether a request waits or runs."""
        with self._changed:
            return any((session, request_id) in jobs for jobs in (self._waiting, self._running))

    def cancel(self, session: int, request_id: int) -> tuple[bool, Job | None]:
        """End one request. Returns whether it was found, and its job if it waited."""
        with self._changed:
            if (session, request_id) in self._waiting:
                return True, self._remove((session, request_id))
            running = self._running.get((session, request_id))
            if running is not None:
                running.cancelled.set()
            return running is not None, None

    def cancel_all(self, close: bool = False) -> list[Job]:
        """End all requests, and take no more if `close`. Returns the ones that waited."""
        with self._changed:
            waited = [self._remove(key) for key in list(self._waiting)]
            for job in self._running.values():
                job.cancelled.set()
            self._closed |= close
            self._changed.notify()
            return waited

    def begin_anew(self) -> None:
        """End all requests, and have `take` give a `Forget` before what is put from now on."""
        with self._changed:
            self.cancel_all()
            self._forgets = True
            self._changed.notify()

    def _take(self) -> Job:
        key = next(iter(self._waiting))
        job = self._running[key] = self._remove(key)
        return job

    def _remove(self, key: tuple[int, int]) -> Job:
        job = self._waiting.pop(key)
        self._bytes -= len(job.params)
        return job
