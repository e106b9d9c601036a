"""The worker's life: requests in, work in order, answers out.

The connection's thread takes requests and answers the control verbs itself, so that they are answered while
a long call runs. The main thread executes the other verbs one at a time, first come, first served.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import threading
import time
import traceback
from queue import SimpleQueue

from rzero_worker import protocol as p
from rzero_worker import wire
from rzero_worker.backend import Backend, Context
from rzero_worker.checks import check
from rzero_worker.connection import Connection
from rzero_worker.errors import WorkerFailure, invalid_request
from rzero_worker.job import Job, cancelled, failed
from rzero_worker.ledger import Ledger, digest

log = logging.getLogger(__name__)

PROGRESS_INTERVAL = 0.1
"""Seconds between two progress messages of a request."""

GRACE = float(p.SHUTDOWN_SECONDS)
"""Seconds that running work gets to end when the worker stops; after that the process ends around it."""


class Server:
    """One worker process: a backend behind a connection."""

    def __init__(
        self, backend: Backend, endpoint: str, token: str, worker_id: str, connect_timeout: float = 120.0
    ) -> None:
        """Prepare a worker; `run` connects it.

        Args:
            backend: what executes the work verbs.
            endpoint: where the orchestrator listens, tcp://HOST:PORT.
            token: the secret that proves this worker is the orchestrator's.
            worker_id: the name the orchestrator knows it by.
            connect_timeout: seconds to keep dialling an orchestrator that does not answer.
        """
        self._backend = backend
        hello = p.Hello(
            protocol_hash=p.PROTOCOL_HASH,
            token=token,
            worker_id=worker_id,
            instance_id=secrets.token_hex(16),
            backend=backend.name,
            capabilities=[p.Capability(name) for name in backend.capabilities],
            losses=[p.Loss(name) for name in backend.losses],
            versions={name: str(number) for name, number in backend.versions().items()},
            pid=os.getpid(),
        )
        self._connection = Connection(endpoint, hello, self, connect_timeout)
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._ledgers: dict[str, Ledger] = {}
        self._at_signal: signal.Signals | None = None
        self._watchdog: threading.Timer | None = None
        # Below: shared by both threads, under the lock.
        self._lock = threading.Lock()
        self._jobs: dict[int, Job] = {}
        self._running: Job | None = None
        self._last_id = -1
        self._last_session = 0
        self._work_done = 0
        self._exit_code: int | None = None

    def run(self) -> int:
        """Serve until told to stop. Returns the exit code: 0, or 69 when there is nobody to serve."""
        self._connection.start()
        while True:
            job = self._queue.get()
            if job is None:
                break
            with self._lock:
                if self._jobs.get(job.id) is not job:
                    continue  # cancelled while it waited, and answered
                self._running = job
            message = self._execute(job)
            with self._lock:
                self._running = None
                self._work_done += 1
                wanted = self._jobs.get(job.id) is job  # else its session is over
                if wanted:
                    del self._jobs[job.id]
            if wanted:
                self._connection.send(job.session, message)
        if self._at_signal is not None:
            signal.signal(self._at_signal, signal.SIG_IGN)  # what it asks for is being done
            signal.set_wakeup_fd(-1)
        self._connection.close()
        self._backend.close()
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog.join()
        return self._exit_code or 0

    # Work, on the main thread

    def _execute(self, job: Job) -> p.Response | p.Failure:
        try:
            return p.Response(id=job.id, result=self._answer(job))
        except Exception as error:  # whatever went wrong, the caller hears of it and the worker lives
            failure = self._failure_of(error)
        level = logging.INFO if failure.code is p.ErrorCode.CANCELLED else logging.WARNING
        log.log(level, "%s %d failed: %s: %s", job.verb.name, job.id, failure.code, failure.message)
        return failed(job.id, failure)

    def _answer(self, job: Job) -> bytes:
        params = wire.decode(job.params, job.verb.params)
        check(params)
        ledger, payload = None, b""
        if isinstance(params, p.ForwardBackwardParams | p.OptimStepParams):
            ledger = self._ledgers.get(params.model_id)
        if ledger is not None:
            payload = digest(job.verb.name, job.params)
            known = ledger.find(params.seq, payload)
            if known is not None:
                log.info("%s %d repeats seq %d, answered from the ledger", job.verb.name, job.id, params.seq)
                return known
        method = getattr(self._backend, job.verb.name)
        result = method(params, self._context(job)) if job.verb.progress else method(params)
        answer = wire.encode(result)
        if not job.verb.progress:  # small answers: find out here, not at the caller, that one is NaN, say
            _assert_valid(answer, job.verb)
        if ledger is not None:
            ledger.record(params.seq, payload, answer)
        elif isinstance(params, p.LoadModelParams):
            self._ledgers[params.model_id] = Ledger()
        elif isinstance(params, p.UnloadModelParams):
            self._ledgers.pop(params.model_id, None)
        return answer

    def _context(self, job: Job) -> Context:
        highest, due = -1, 0.0

        def report(done: int, total: int) -> None:
            nonlocal highest, due
            if done <= highest:
                return
            self._work_done += done - max(highest, 0)
            highest = done
            now = time.monotonic()
            if now >= due or done >= total:
                due = now + PROGRESS_INTERVAL
                self._connection.send(job.session, p.Progress(id=job.id, done=done, total=total))

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

    # Requests and control, on the connection's thread

    def on_request(self, session: int, request: p.Request) -> None:
        """Queue a work verb, answer a control verb."""
        verb = p.VERBS.get(request.verb)
        with self._lock:
            if session != self._last_session:
                self._last_session, self._last_id = session, -1
            known_id, in_order = request.id in self._jobs, request.id > self._last_id
            self._last_id = max(self._last_id, request.id)
        if known_id:  # a failure under this id would answer the first request
            log.warning("dropped a request: its id %d is still in use", request.id)
        elif not in_order:
            self._fail(
                session, request, invalid_request(f"id: saw {request.id}, allowed is above {self._last_id}")
            )
        elif verb is None:
            allowed = ", ".join(p.VERBS)
            self._fail(
                session, request, invalid_request(f"verb: saw {request.verb!r}, allowed are {allowed}")
            )
        elif verb.control:
            self._control(session, request, verb)
        else:
            self._enqueue(Job(session, request, verb))

    def _enqueue(self, job: Job) -> None:
        with self._lock:
            stopping = self._exit_code is not None
            if not stopping:
                self._jobs[job.id] = job
        if stopping:
            self._connection.send(job.session, cancelled(job.id))
        else:
            self._queue.put(job)

    def _control(self, session: int, request: p.Request, verb: p.Verb) -> None:
        handlers = {"ping": self._ping, "cancel": self._cancel, "shutdown": self._shutdown}
        try:
            result = handlers[verb.name](wire.decode(request.params, verb.params))
            self._connection.send(session, p.Response(id=request.id, result=wire.encode(result)))
        except wire.ProtocolError as error:
            self._fail(session, request, invalid_request(str(error)))
            return
        if verb.name == "shutdown":
            self.stop(0, "told to shut down")

    def _ping(self, params: p.PingParams) -> p.PingResult:
        running = self._running
        return p.PingResult(busy=running.verb.name if running is not None else "", progress=self._work_done)

    def _cancel(self, params: p.CancelParams) -> p.CancelResult:
        with self._lock:
            job = self._jobs.get(params.id)
            if job is None:
                return p.CancelResult(found=False)
            self._end_job(job)
        return p.CancelResult(found=True)

    def _shutdown(self, params: p.ShutdownParams) -> p.ShutdownResult:
        return p.ShutdownResult()

    def _end_job(self, job: Job) -> None:
        """Tell a running job to end, or answer a waiting one. Called with the lock held."""
        job.cancelled.set()
        if job is not self._running:
            del self._jobs[job.id]
            self._connection.send(job.session, cancelled(job.id))

    def _fail(self, session: int, request: p.Request, failure: WorkerFailure) -> None:
        log.warning("%s %d refused: %s", request.verb, request.id, failure.message)
        self._connection.send(session, failed(request.id, failure))

    def on_lost(self) -> None:
        """End the work of a session that is over. A gradient verb that runs is finished, for the ledger."""
        with self._lock:
            for job in list(self._jobs.values()):
                self._end_job(job)
            self._jobs.clear()

    def request_stop(self, reason: str) -> None:
        """Stop in order, exit code 0. For other threads."""
        self._connection.call(lambda: self.stop(0, reason))

    def stop_at(self, number: signal.Signals) -> None:
        """Stop in order at a signal, also in the midst of a long call, when Python runs no handlers."""
        self._at_signal = number
        signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._connection.wakeup_fd, warn_on_full_buffer=False)

    def stop(self, exit_code: int, reason: str) -> None:
        """Cancel all work and let the main thread finish; after GRACE seconds the process ends anyway."""
        with self._lock:
            if self._exit_code is not None:
                return
            self._exit_code = exit_code
            for job in list(self._jobs.values()):
                self._end_job(job)
        log.log(logging.ERROR if exit_code else logging.INFO, "stopping: %s", reason)
        self._watchdog = threading.Timer(GRACE, _end_process, (exit_code,))
        self._watchdog.daemon = True
        self._watchdog.start()
        self._queue.put(None)


def _assert_valid(answer: bytes, verb: p.Verb) -> None:
    try:
        wire.decode(answer, verb.result)
    except wire.ProtocolError as error:
        raise WorkerFailure(
            p.ErrorCode.INTERNAL, f"the result of {verb.name} is not valid: {error}"
        ) from error


def _end_process(exit_code: int) -> None:
    log.error("running work did not end in %g s, ending without it", GRACE)
    os._exit(exit_code)
