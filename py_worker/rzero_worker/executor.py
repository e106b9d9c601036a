"""What is done with a job on the main thread: its params decoded, the backend called, the answer packed."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from rzero_worker import manifest, wire
from rzero_worker import protocol as p
from rzero_worker.backend import Backend, Context
from rzero_worker.checks import check
from rzero_worker.errors import WorkerFailure, invalid_request
from rzero_worker.job import Job, failed
from rzero_worker.ledger import LEDGER_FILE, Ledger, digest

log = logging.getLogger(__name__)

PROGRESS_INTERVAL = 0.1
"""Seconds between two progress messages of a request."""


class Executor:
    """A backend, and the ledgers of its models."""

    def __init__(self, backend: Backend, send: Callable[[int, p.Progress], None]) -> None:
        """Make an executor; `send` takes a session and the progress of one of its requests."""
        self._backend = backend
        self._send = send
        self._ledgers: dict[str, Ledger] = {}
        self.progress = 0
        """Grows while work is done. Other threads may read it."""
        self._unsettled: Callable[[], None] | None = None

    def execute(self, job: Job) -> p.Response | p.Failure:
        """Execute one job and build its answer. Raises nothing: whatever goes wrong is the answer."""
        try:
            return p.Response(id=job.id, result=self._answer(job))
        except Exception as error:  # whatever went wrong, the caller hears of it and the worker lives
            failure = self._failure_of(error)
        finally:
            self.progress += 1
        level = logging.INFO if failure.code is p.ErrorCode.CANCELLED else logging.WARNING
        log.log(level, "%s %d failed: %s: %s", job.verb.name, job.id, failure.code, failure.message)
        return failed(job.id, failure)

    def settle(self) -> None:
        """Do what the answer need not wait for. To be called before the next job."""
        if self._unsettled is not None:
            self._unsettled()
            self._unsettled = None

    def _answer(self, job: Job) -> bytes:
        params = wire.decode(job.params, job.verb.params)
        check(params)
        ledger = None
        if isinstance(params, p.ForwardBackwardParams | p.OptimStepParams):
            ledger = self._ledgers.get(params.model_id)
        if ledger is not None and not ledger.is_new(params.seq):
            known = ledger.find(params.seq, digest(job.verb.name, job.params))
            if known is not None:
                log.info("%s %d repeats seq %d, answered from the ledger", job.verb.name, job.id, params.seq)
                return known
        restored = self._saved_ledger(params) if isinstance(params, p.LoadCheckpointParams) else None
        result = self._call(job, params)
        answer = wire.encode(result)
        if not job.verb.progress:  # small answers: find out here, not at the caller, that one is NaN, say
            _assert_valid(answer, job.verb)
        if ledger is not None:
            # The digest of a large batch takes as long as all the rest of its way.
            self._unsettled = lambda: ledger.record(params.seq, digest(job.verb.name, job.params), answer)
        elif isinstance(params, p.LoadModelParams):
            self._ledgers[params.model_id] = Ledger()
        elif isinstance(params, p.UnloadModelParams):
            self._ledgers.pop(params.model_id, None)
        elif isinstance(params, p.LoadCheckpointParams) and restored is not None:
            self._ledgers[params.model_id] = restored
        return answer

    def _call(self, job: Job, params: p.Base) -> p.Base:
        method = getattr(self._backend, job.verb.name)
        if isinstance(params, p.SaveCheckpointParams):
            ledger = self._ledgers.get(params.model_id) if params.with_optimizer else None
            return method(params, {} if ledger is None else {LEDGER_FILE: ledger.dump()})
        return method(params, self._context(job)) if job.verb.progress else method(params)

    def _saved_ledger(self, params: p.LoadCheckpointParams) -> Ledger | None:
        """Compare a checkpoint with its manifest, before the backend sees it, and read its ledger, if any."""
        if params.model_id not in self._ledgers:
            return None  # the backend does not know the model either, and says so
        saved = manifest.verify(params.path, params.manifest_sha256)
        if LEDGER_FILE not in saved.files:
            return None
        try:
            return Ledger.parse((Path(params.path).expanduser() / LEDGER_FILE).read_bytes())
        except (OSError, ValueError) as error:
            raise manifest.io_error(params.path, f"has no usable {LEDGER_FILE}: {error}") from error

    def _context(self, job: Job) -> Context:
        highest, due = -1, 0.0

        def report(done: int, total: int) -> None:
            nonlocal highest, due
            if done <= highest:
                return
            self.progress += done - max(highest, 0)
            highest = done
            now = time.monotonic()
            if now >= due or done >= total:
                due = now + PROGRESS_INTERVAL
                self._send(job.session, p.Progress(id=job.id, done=done, total=total))

        return Context(report, job.cancelled)

    def _failure_of(self, error: Exception) -> WorkerFailure:
        if isinstance(error, WorkerFailure):
            return error
        if isinstance(error, wire.ProtocolError):
            return invalid_request(str(error))
        known = self._backend.failure_of(error)
        if known is not None:
            return known
        if isinstance(error, MemoryError):
            return WorkerFailure(p.ErrorCode.OUT_OF_MEMORY, f"out of memory: {error}")
        details = "".join(traceback.format_exception(error))
        return WorkerFailure(p.ErrorCode.INTERNAL, f"{type(error).__name__}: {error}", details)


def _assert_valid(answer: bytes, verb: p.Verb) -> None:
    try:
        wire.decode(answer, verb.result)
    except wire.ProtocolError as error:
        raise WorkerFailure(
            p.ErrorCode.INTERNAL, f"the result of {verb.name} is not valid: {error}"
        ) from error
