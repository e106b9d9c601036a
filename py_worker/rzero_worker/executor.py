"""What is done with jobs on the main thread: params decoded, the backend called, answers packed and sent."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rzero_worker import manifest, pulse, wire
from rzero_worker import protocol as p
from rzero_worker.backend import Backend
from rzero_worker.context import Context
from rzero_worker.errors import WorkerFailure, invalid_request
from rzero_worker.feed import Outcome
from rzero_worker.job import Job, failed, params_of
from rzero_worker.job_feed import JobFeed
from rzero_worker.job_queue import JobQueue
from rzero_worker.ledger import LEDGER_FILE, Ledger, digest

log = logging.getLogger(__name__)

PROGRESS_INTERVAL = 0.1
"""Seconds between two progress messages of a request."""

SAMPLING, TRAINING = p.Capability.SAMPLE, p.Capability.TRAIN
NEEDS: dict[str, tuple[p.Capability, ...]] = {
    "load_model": (SAMPLING, TRAINING),
    "inspect_model": (),
    "unload_model": (SAMPLING, TRAINING),
    "sample": (SAMPLING,),
    "forward": (TRAINING,),
    "forward_backward": (TRAINING,),
    "optim_step": (TRAINING,),
    "publish_weights": (SAMPLING, TRAINING),
    "average_weights": (TRAINING,),
    "save_checkpoint": (TRAINING,),
    "load_checkpoint": (SAMPLING, TRAINING),
    "sleep": (),
    "wake": (),
}
"""The roles that must be awake for a verb."""


class Executor:
    """A backend, the ledgers of its models, and which of its roles sleep."""

    def __init__(
        self,
        backend: Backend,
        jobs: JobQueue,
        send: Callable[[int, p.Progress | p.Response | p.Failure], None],
    ) -> None:
        """Make an executor.

        Args:
            backend: what does the work.
            jobs: where those come from that join one that is executed.
            send: takes a session, and the progress or the answer of one of its requests.
        """
        self._backend = backend
        self._jobs = jobs
        self._send = send
        self._ledgers: dict[str, Ledger] = {}
        self._asleep: set[p.Capability] = set()
        self._unsettled: Callable[[], None] | None = None

    def execute(self, job: Job) -> None:
        """Execute a job and answer it. Raises nothing: whatever goes wrong is the answer.

        Jobs of `sample` that wait right behind another one for the same model may be taken in, and are
        answered too.
        """
        if job.verb.params is p.SampleParams:
            self._sample(job)
        else:
            self._end(job, lambda: self._answer(job))

    def _end(self, job: Job, work: Callable[[], bytes]) -> None:
        """Do what is left of a job and send its answer: the packed result, or why there is none."""
        answer: p.Response | p.Failure
        try:
            answer = p.Response(id=job.id, result=work())
        except Exception as error:  # whatever went wrong, the caller hears of it and the worker lives
            failure = self._failure_of(error)
            level = logging.INFO if failure.code is p.ErrorCode.CANCELLED else logging.WARNING
            log.log(level, "%s %d failed: %s: %s", job.verb.name, job.id, failure.code, failure.message)
            answer = failed(job.id, failure)
        pulse.beat()
        # Before it is sent: whoever has the answer may use the id again.
        self._jobs.done(job)
        self._send(job.session, answer)

    def forget(self) -> None:
        """Forget all models and what was answered for them. Raises what `unload_model` of a backend does."""
        self.settle()
        if self._ledgers:
            self._wake_for(p.VERBS["unload_model"])
        for model_id in list(self._ledgers):
            self._backend.unload_model(p.UnloadModelParams(model_id=model_id))
            del self._ledgers[model_id]
            pulse.beat()

    def settle(self) -> None:
        """Do what the answer need not wait for. To be called before the next job."""
        if self._unsettled is not None:
            self._unsettled()
            self._unsettled = None

    def _sample(self, job: Job) -> None:
        feed = JobFeed(
            job, self._jobs, self._context, lambda one, outcome: self._end(one, partial(_pack, outcome))
        )
        unended: Exception = RuntimeError("the backend left the call without an end")
        try:
            self._wake_for(job.verb)
            self._backend.sample_together(feed)
        except Exception as error:
            unended = error
        feed.fail_all(unended)

    def _answer(self, job: Job) -> bytes:
        params = params_of(job)
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
        if isinstance(params, p.SleepParams):
            return self._sleep(params)
        if isinstance(params, p.WakeParams):
            self._wake(params.role)
            return p.WakeResult()
        self._wake_for(job.verb)
        method = getattr(self._backend, job.verb.name)
        if isinstance(params, p.SaveCheckpointParams):
            ledger = self._ledgers.get(params.model_id) if params.with_optimizer else None
            return method(params, {} if ledger is None else {LEDGER_FILE: ledger.dump()})
        return method(params, self._context(job)) if job.verb.progress else method(params)

    def _sleep(self, params: p.SleepParams) -> p.SleepResult:
        if params.role in self._asleep:
            return p.SleepResult(freed_bytes=0)
        result = self._backend.sleep(params)
        self._asleep.add(params.role)
        return result

    def _wake_for(self, verb: p.Verb) -> None:
        for role in NEEDS[verb.name]:
            self._wake(role)

    def _wake(self, role: p.Capability) -> None:
        if role in self._asleep:
            self._backend.wake(p.WakeParams(role=role))
            self._asleep.discard(role)

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
            pulse.beat()
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


def _pack(outcome: Outcome) -> bytes:
    if isinstance(outcome, Exception):
        raise outcome
    return wire.encode(outcome)


def _assert_valid(answer: bytes, verb: p.Verb) -> None:
    try:
        wire.decode(answer, verb.result)
    except wire.ProtocolError as error:
        raise WorkerFailure(
            p.ErrorCode.INTERNAL, f"the result of {verb.name} is not valid: {error}"
        ) from error
