"""Faults on purpose, to test an orchestrator: a worker that dies, hangs or fails at a call that it is told.

    python -m rzero_worker --backend mock --fault kill@forward_backward:3 --fault slow@sample:1 ...

They lie around any backend; nothing else of the worker knows of them.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rzero_worker import protocol as p
from rzero_worker import pulse
from rzero_worker.backend import NO_FILES, Backend
from rzero_worker.context import Context
from rzero_worker.errors import BadVariable, WorkerFailure

log = logging.getLogger(__name__)

VARIABLE = "RZERO_FAULT"
"""Further specs, parted by `;`: for workers that an orchestrator under test starts."""

ONCE_VARIABLE = "RZERO_FAULT_ONCE"
"""A folder that remembers which faults have happened: who is started again has the same specs."""

FAILURES = {
    "oom": p.ErrorCode.OUT_OF_MEMORY,
    "nan": p.ErrorCode.NOT_FINITE,
    "io": p.ErrorCode.IO_ERROR,
}
"""Actions that answer with a failure, and change nothing."""

ACTIONS = {
    "kill": "SIGKILL before the call is done",
    "kill-after": "SIGKILL when it is done, before it is answered",
    "exit": "exit code 1 before it is done",
    "hang": "the call never ends; heartbeats go on, their progress stands still",
    "slow": "this call and all later ones take ten times as long, at least a second more; progress goes on",
    "stop": "SIGSTOP before it is done: nothing is heard until SIGCONT",
    **{name: f"it fails with {code}" for name, code in FAILURES.items()},
}
"""What may happen, and how it shows."""

VERBS = [verb.name for verb in p.VERBS.values() if not verb.control]

SLOWNESS = 10
LEAST_DELAY = 1.0
"""Seconds: ten times what the mock takes is nothing that anybody would wait for."""


@dataclass(frozen=True)
class Fault:
    """What happens at which call of a worker's life."""

    action: str
    verb: str  # "*": any that may have it
    nth: int  # from 1
    always: bool  # in every life; else in the first that comes to it

    @property
    def spec(self) -> str:
        """As `parse` reads it."""
        return f"{self.action}@{self.verb}:{self.nth}{':always' if self.always else ''}"

    def is_of(self, verb: str) -> bool:
        """Whether calls of a verb count."""
        if self.verb != "*":
            return self.verb == verb
        return self.action not in FAILURES or FAILURES[self.action] in p.VERBS[verb].errors


def parse(spec: str) -> Fault:
    """Read `ACTION@VERB:NTH` or `ACTION@VERB:NTH:always`. Raises ValueError saying what is allowed."""
    action, at, rest = spec.partition("@")
    verb, _, number = rest.partition(":")
    nth, colon, always = number.partition(":")
    if not at or not nth or (colon and always != "always"):
        raise ValueError(f"saw {spec!r}, allowed is ACTION@VERB:NTH or ACTION@VERB:NTH:always")
    if action not in ACTIONS:
        raise ValueError(f"saw {spec!r}, allowed before the @ is {', '.join(ACTIONS)}")
    if verb not in (*VERBS, "*"):
        raise ValueError(f"saw {spec!r}, allowed behind the @ is {', '.join(VERBS)}, or * for any")
    if not nth.isascii() or not nth.isdecimal() or int(nth) < 1:
        raise ValueError(f"saw {spec!r}, allowed behind the verb is a number from 1")
    if verb != "*" and action in FAILURES and FAILURES[action] not in p.VERBS[verb].errors:
        raise ValueError(f"saw {spec!r}, but {verb} never fails with {FAILURES[action]}")
    return Fault(action, verb, int(nth), bool(always))


def of_environment(environment: Mapping[str, str]) -> list[Fault]:
    """Read the specs in RZERO_FAULT. Raises BadVariable."""
    try:
        return [parse(spec) for spec in environment.get(VARIABLE, "").split(";") if spec]
    except ValueError as error:
        raise BadVariable(f"{VARIABLE}: {error}") from error


def memory_of_environment(environment: Mapping[str, str]) -> Path | None:
    """Give the folder that RZERO_FAULT_ONCE names, and make it; None without one. Raises BadVariable."""
    name = environment.get(ONCE_VARIABLE, "")
    if not name:
        return None
    try:
        Path(name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadVariable(f"{ONCE_VARIABLE}: saw {name!r}, allowed is a folder: {error}") from error
    return Path(name)


class FaultyBackend(Backend):
    """A backend with faults around its verbs. Calls of `sample` are done one after another."""

    def __init__(self, backend: Backend, faults: Sequence[Fault], once: Path | None = None) -> None:
        """Wrap a backend.

        Args:
            backend: what does the work.
            faults: counted apart from each other.
            once: the folder that remembers what has happened; None: every life is the first.
        """
        self._backend = backend
        self._calls = dict.fromkeys(faults, 0)
        self._once = once
        self._slow: set[str] = set()
        self.name, self.capabilities, self.losses = backend.name, backend.capabilities, backend.losses
        log.warning("faults on purpose: %s", ", ".join(fault.spec for fault in self._calls))

    def _do(self, verb: str, params: p.Base, *more: Any) -> Any:
        due = [fault for fault in self._calls if self._is_due(fault, verb)]
        for fault in due:
            log.warning("fault on purpose: %s", fault.spec)
            _BEFORE.get(fault.action, _nothing)(fault)
            if fault.action == "slow":
                self._slow.add(fault.verb)
        began = time.monotonic()
        result = getattr(self._backend, verb)(params, *more)
        if any(fault.action == "kill-after" for fault in due):
            _kill()
        if self._slow & {verb, "*"}:
            _linger((SLOWNESS - 1) * (time.monotonic() - began), *more)
        return result

    def _is_due(self, fault: Fault, verb: str) -> bool:
        if not fault.is_of(verb):
            return False
        self._calls[fault] += 1
        return self._calls[fault] == fault.nth and (fault.always or self._is_first(fault))

    def _is_first(self, fault: Fault) -> bool:
        """Whether it has not happened in an earlier life, nor in another worker's; from now on it has."""
        if self._once is None:
            return True
        try:
            (self._once / fault.spec).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    @property
    def devices(self) -> Sequence[str]:
        """See Backend."""
        return self._backend.devices

    @property
    def rows(self) -> int:
        """See Backend."""
        return self._backend.rows

    def offer(self, roles: Sequence[p.Capability]) -> None:
        """See Backend."""
        self._backend.offer(roles)

    def versions(self) -> dict[str, str]:
        """See Backend."""
        return self._backend.versions()

    def load_model(self, params: p.LoadModelParams) -> p.LoadModelResult:
        """See Backend."""
        return self._do("load_model", params)

    def inspect_model(self, params: p.InspectModelParams) -> p.InspectModelResult:
        """See Backend."""
        return self._do("inspect_model", params)

    def unload_model(self, params: p.UnloadModelParams) -> p.UnloadModelResult:
        """See Backend."""
        return self._do("unload_model", params)

    def sample(self, params: p.SampleParams, context: Context) -> p.SampleResult:
        """See Backend."""
        return self._do("sample", params, context)

    def forward(self, params: p.ForwardParams, context: Context) -> p.ForwardResult:
        """See Backend."""
        return self._do("forward", params, context)

    def forward_backward(self, params: p.ForwardBackwardParams) -> p.ForwardBackwardResult:
        """See Backend."""
        return self._do("forward_backward", params)

    def optim_step(self, params: p.OptimStepParams) -> p.OptimStepResult:
        """See Backend."""
        return self._do("optim_step", params)

    def publish_weights(self, params: p.PublishWeightsParams) -> p.PublishWeightsResult:
        """See Backend."""
        return self._do("publish_weights", params)

    def average_weights(self, params: p.AverageWeightsParams) -> p.AverageWeightsResult:
        """See Backend."""
        return self._do("average_weights", params)

    def save_checkpoint(
        self, params: p.SaveCheckpointParams, extras: Mapping[str, bytes] = NO_FILES
    ) -> p.SaveCheckpointResult:
        """See Backend."""
        return self._do("save_checkpoint", params, extras)

    def load_checkpoint(self, params: p.LoadCheckpointParams) -> p.LoadCheckpointResult:
        """See Backend."""
        return self._do("load_checkpoint", params)

    def sleep(self, params: p.SleepParams) -> p.SleepResult:
        """See Backend."""
        return self._do("sleep", params)

    def wake(self, params: p.WakeParams) -> p.WakeResult:
        """See Backend."""
        return self._do("wake", params)

    def failure_of(self, error: Exception) -> WorkerFailure | None:
        """See Backend."""
        return self._backend.failure_of(error)

    def stopping(self) -> None:
        """See Backend."""
        self._backend.stopping()

    def close(self) -> None:
        """See Backend."""
        self._backend.close()


def _nothing(fault: Fault) -> None:
    """Let the call begin."""


def _kill(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _stop(_: Fault) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _exit(fault: Fault) -> None:
    log.error("ending with exit code 1, as %s wants it", fault.spec)
    os._exit(1)


def _hang(_: Fault) -> None:
    threading.Event().wait()


def _fail(fault: Fault) -> None:
    raise WorkerFailure(FAILURES[fault.action], f"a fault on purpose: {fault.spec}; nothing was changed")


_BEFORE: dict[str, Callable[[Fault], None]] = {
    "kill": _kill,
    "exit": _exit,
    "hang": _hang,
    "stop": _stop,
    **dict.fromkeys(FAILURES, _fail),
}


def _linger(seconds: float, *more: Any) -> None:
    """Let time pass as a call does that makes progress, and may be cancelled where it can."""
    until = time.monotonic() + max(seconds, LEAST_DELAY)
    while time.monotonic() < until:
        time.sleep(0.05)
        pulse.beat()
        for one in more:
            if isinstance(one, Context):
                one.raise_if_cancelled()
