"""One request of a work verb, from its arrival to its answer."""

from __future__ import annotations

import threading
from typing import Any

from rzero_worker import protocol as p
from rzero_worker import wire
from rzero_worker.checks import check
from rzero_worker.errors import WorkerFailure


class Job:
    """A request that waits or runs. Whoever takes it out of the queue answers it, so once."""

    def __init__(self, session: int, request: p.Request, verb: p.Verb) -> None:
        """Make a job for a request of a work verb."""
        self.session = session
        self.id = request.id
        self.verb = verb
        self.params = request.params
        self.cancelled = threading.Event()


def params_of(job: Job) -> Any:
    """Decode and check a job's params, which are of its verb's type. Raises ProtocolError, WorkerFailure."""
    params = wire.decode(job.params, job.verb.params)
    check(params)
    return params


def failed(request_id: int, cause: WorkerFailure) -> p.Failure:
    """Build the answer to a request that failed."""
    error = p.WorkerError(code=cause.code, message=cause.message, details=cause.details)
    return p.Failure(id=request_id, error=error)


def cancelled(request_id: int) -> p.Failure:
    """Build the answer to a request that was cancelled while it waited."""
    return failed(request_id, WorkerFailure(p.ErrorCode.CANCELLED, "cancelled before it began"))
