"""The worker's life: requests in, work in order, answers out.

The connection's thread takes requests and answers the control verbs itself, so that they are answered while
a long call runs. The main thread executes the other verbs one at a time, first come, first served; requests
of `sample` may be worked on together.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import threading
from collections.abc import Sequence

import msgspec

from rzero_worker import machine, pulse, wire
from rzero_worker import protocol as p
from rzero_worker.backend import Backend
from rzero_worker.checks import check
from rzero_worker.connection import Connection
from rzero_worker.errors import WorkerFailure, clipped, invalid_request
from rzero_worker.executor import Executor
from rzero_worker.job import Job, cancelled, failed
from rzero_worker.job_queue import JobQueue
from rzero_worker.keys import CurveKeys

log = logging.getLogger(__name__)

GRACE = float(p.SHUTDOWN_SECONDS)
"""Seconds that running work gets to end when the worker stops; after that the process ends around it."""

ROLES = {
    "sample": p.Capability.SAMPLE,
    "forward_backward": p.Capability.TRAIN,
    "optim_step": p.Capability.TRAIN,
}
"""The role that a worker must offer to execute a verb; the other verbs belong to every role."""


class Server:
    """One worker process: a backend behind a connection."""

    def __init__(
        self,
        backend: Backend,
        endpoint: str,
        token: str,
        worker_id: str,
        connect_timeout: float = 120.0,
        *,
        roles: Sequence[str] | None = None,
        devices: Sequence[str] | None = None,
        keys: CurveKeys | None = None,
    ) -> None:
        """Prepare a worker; `run` connects it.

        Args:
            backend: what executes the work verbs.
            endpoint: where the orchestrator listens, tcp://HOST:PORT or ipc:///PATH.
            token: the secret that proves this worker is the orchestrator's; "" where CURVE proves it.
            worker_id: the name the orchestrator knows it by.
            connect_timeout: seconds to keep dialling an orchestrator that does not answer.
            roles: what this worker offers, of the backend's capabilities; None: all of them.
            devices: names of those whose memory this worker uses; None: as the backend sees them.
            keys: CURVE keys; None for a connection in the clear.
        """
        self._backend = backend
        self._roles = [p.Capability(name) for name in (backend.capabilities if roles is None else roles)]
        hello = p.Hello(
            protocol_hash=p.PROTOCOL_HASH,
            token=token,
            worker_id=worker_id,
            instance_id=secrets.token_hex(16),
            backend=backend.name,
            capabilities=self._roles,
            losses=[p.Loss(name) for name in backend.losses],
            versions={name: str(number) for name, number in backend.versions().items()},
            pid=os.getpid(),
            devices=list(backend.devices if devices is None else devices),
            rows=backend.rows,
        )
        backend.offer(self._roles)
        self._connection = Connection(endpoint, hello, self, connect_timeout, keys)
        self._jobs = JobQueue()
        self._executor = Executor(backend, self._jobs, self._connection.send)
        self._at_signal: signal.Signals | None = None
        # Below: the connection thread's.
        self._watchdog: threading.Timer | None = None
        self._last_id = -1
        self._last_session = 0
        self._inspections: list[tuple[int, int]] = []
        self._exit_code: int | None = None

    def run(self) -> int:
        """Serve until told to stop. Returns the exit code: 0, or 69 when there is nobody to serve."""
        self._connection.start()
        while (job := self._jobs.take()) is not None:
            if isinstance(job, Job):
                self._executor.execute(job)
            else:
                self._forget()
            self._executor.settle()
        if self._at_signal is not None:
            signal.signal(self._at_signal, signal.SIG_IGN)  # what it asks for is being done
            signal.set_wakeup_fd(-1)
        self._connection.close()
        self._backend.close()
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog.join()
        return self._exit_code or 0

    def _forget(self) -> None:
        try:
            self._executor.forget()
        except Exception:
            # What was another's must not be worked on, and its memory is not ours to have.
            log.exception("the models of another orchestrator cannot be forgotten, ending")
            os._exit(1)

    # Requests and control, on the connection's thread

    def on_request(self, session: int, request: p.Request) -> None:
        """Queue a work verb, answer a control verb."""
        if session != self._last_session:
            self._last_session, self._last_id = session, -1
        if self._jobs.has(session, request.id):  # a failure under this id would answer the first request
            log.warning("dropped a request: its id %d is still in use", request.id)
            return
        try:
            if request.id <= self._last_id:
                raise invalid_request(f"id: saw {request.id}, allowed is above {self._last_id}")
            self._last_id = request.id
            verb = self._verb_of(request)
            if verb.control:
                self._control(session, request, verb)
            else:
                self._jobs.put(Job(session, request, verb))
        except (WorkerFailure, wire.ProtocolError) as error:
            failure = error if isinstance(error, WorkerFailure) else invalid_request(str(error))
            log.warning("%s %d refused: %s", clipped(request.verb), request.id, failure.message)
            self._connection.send(session, failed(request.id, failure))

    def _verb_of(self, request: p.Request) -> p.Verb:
        verb = p.VERBS.get(request.verb)
        if verb is None:
            raise invalid_request(f"verb: saw {clipped(request.verb)}, allowed are {', '.join(p.VERBS)}")
        role = ROLES.get(verb.name)
        if role is not None and role not in self._roles:
            raise invalid_request(
                f"verb: {verb.name} needs the role {role}, this worker offers {', '.join(self._roles)}"
            )
        return verb

    def _control(self, session: int, request: p.Request, verb: p.Verb) -> None:
        params = wire.decode(request.params, verb.params)
        check(params)
        result: p.Base
        if isinstance(params, p.InspectMachineParams):
            self._inspect(session, request)
            return
        if isinstance(params, p.CancelParams):
            result = self._cancel(session, params)
        elif isinstance(params, p.PingParams):
            beat = self.heartbeat()
            result = p.PingResult(busy=beat.busy, progress=beat.progress)
        else:
            result = p.ShutdownResult()
        self._connection.send(session, p.Response(id=request.id, result=wire.encode(result)))
        if isinstance(params, p.ShutdownParams):
            self.stop(0, "told to shut down")

    def _cancel(self, session: int, params: p.CancelParams) -> p.CancelResult:
        found, waited = self._jobs.cancel(session, params.id)
        if waited is not None:
            self._connection.send(session, cancelled(waited.id))
        return p.CancelResult(found=found)

    def _inspect(self, session: int, request: p.Request) -> None:
        """Look at the machine on a thread of its own: nvidia-smi, or a file system, may take its time.

        Who asks meanwhile gets the same answer.
        """
        self._inspections.append((session, request.id))
        if len(self._inspections) == 1:
            threading.Thread(target=self._look, name="inspection", daemon=True).start()

    def _look(self) -> None:
        facts = machine.inspect()
        self._connection.call(lambda: self._answer_inspections(facts))

    def _answer_inspections(self, facts: machine.Facts) -> None:
        asked, self._inspections = self._inspections, []
        result = wire.encode(msgspec.convert(facts, p.Machine))
        for session, request_id in asked:
            self._connection.send(session, p.Response(id=request_id, result=result))

    def heartbeat(self) -> p.Heartbeat:
        """What runs, how much waits, and a number that grows with the work."""
        running = self._jobs.running
        return p.Heartbeat(
            busy=running[0].verb.name if running else "",
            queued=len(self._jobs),
            progress=pulse.beats(),
        )

    def on_lost(self) -> None:
        """End the work of a session that is over. A gradient verb that runs is finished, for the ledger."""
        self._jobs.cancel_all()

    def on_new_orchestrator(self) -> None:
        """End all work, and forget all models before any request of the new orchestrator has its turn."""
        self._jobs.begin_anew()

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
        if self._exit_code is not None:
            return
        self._exit_code = exit_code
        log.log(logging.ERROR if exit_code else logging.INFO, "stopping: %s", reason)
        self._watchdog = threading.Timer(GRACE, _end_process, (exit_code,))
        self._watchdog.daemon = True
        self._watchdog.start()
        self._backend.stopping()
        for job in self._jobs.cancel_all(close=True):
            self._connection.send(job.session, cancelled(job.id))


def _end_process(exit_code: int) -> None:
    log.error("running work did not end in %g s, ending without it", GRACE)
    os._exit(exit_code)
