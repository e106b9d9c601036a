"""Whom a worker obeys: the orchestrator it knows, a later one, another run's, never an earlier one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import samples
from conftest import Launch, Orchestrator, Serve, WorkerProcess
from gated import Gated
from hypothesis import given
from hypothesis import strategies as st

from rzero_worker import protocol as p
from rzero_worker.fence import Fence


@given(attempts=st.lists(st.integers(0, 2**53 - 1), min_size=1))
def test_the_highest_attempt_of_a_run_is_obeyed(attempts: list[int]) -> None:
    fence, highest = Fence(), attempts[0]
    assert fence.meet("a", highest) == "known"
    for attempt in attempts:
        wanted = "superseded" if attempt < highest else "known" if attempt == highest else "new"
        assert fence.meet("a", attempt) == wanted
        highest = max(highest, attempt)
        assert fence.attempt == highest


def test_another_run_is_new_whatever_its_attempt() -> None:
    fence = Fence()
    fence.meet("a", 7)
    assert fence.meet("b", 0) == "new"
    assert fence.meet("b", 0) == "known"
    assert fence.meet("a", 7) == "new"


@contextmanager
def successor(before: Orchestrator, **who: str | float) -> Iterator[Orchestrator]:
    """Where `before` was, another orchestrator."""
    before.close()
    after = Orchestrator(before.endpoint)
    try:
        after.accept(**who)
        yield after
    finally:
        after.close()


@pytest.mark.parametrize("who", [{"attempt": 2}, {"run": "another", "attempt": 0}])
def test_a_gradient_that_runs_at_the_handover_is_finished_and_forgotten(
    orchestrator: Orchestrator, serve: Serve, who: dict[str, str | int]
) -> None:
    backend = Gated()
    serve(backend)
    orchestrator.accept(heartbeat_seconds=0.01)
    for model_id in ("m", "other"):
        orchestrator.call("load_model", samples.load(model_id))
    batch = samples.train([[3, 21, 0]], [1.0], seq=1)
    orchestrator.request("forward_backward", batch)
    orchestrator.request("forward_backward", samples.train([[3, 21, 0]], [1.0], seq=2))
    orchestrator.heartbeat_when(lambda beat: beat.busy == "forward_backward" and beat.queued == 1)
    with successor(orchestrator, heartbeat_seconds=0.01, **who) as again:
        repeated = again.request("forward_backward", batch)
        assert again.heartbeat_when(lambda beat: beat.queued == 1).busy == "forward_backward"
        backend.open(2)  # the repeat is no repeat any more, so it comes as far as the gate
        answer = again.answer_to(repeated)
        assert isinstance(answer, p.Failure) and answer.error.code is p.ErrorCode.UNKNOWN_MODEL
        assert again.failure_of("unload_model", p.UnloadModelParams(model_id="other")).code == "unknown_model"
        assert backend.gradients == 2
        again.call("load_model", samples.load())
        backend.open()
        # A record of the first orchestrator's would answer this, or call it a conflict.
        again.call("forward_backward", samples.train([[3, 22, 0]], [1.0], seq=1))
        assert backend.gradients == 3


def test_models_are_forgotten_without_being_asked_for_and_also_by_roles_that_sleep(
    orchestrator: Orchestrator, serve: Serve
) -> None:
    backend = Gated()
    serve(backend)
    orchestrator.accept()
    orchestrator.call("load_model", samples.load())
    orchestrator.call("sleep", p.SleepParams(role=p.Capability.TRAIN))
    with successor(orchestrator, attempt=2, heartbeat_seconds=0.01) as again:
        again.heartbeat_when(lambda beat: not backend.models)
        again.call("load_model", samples.load())
        with successor(again, attempt=2) as once_more:
            once_more.call("unload_model", p.UnloadModelParams(model_id="m"))


def test_a_superseded_orchestrator_is_not_obeyed(orchestrator: Orchestrator, launch: Launch) -> None:
    worker = launch("--connect", orchestrator.endpoint, "--backend", "mock", "--connect-timeout", "1")
    orchestrator.accept(attempt=3)
    orchestrator.call("load_model", samples.load())
    with successor(orchestrator, attempt=2) as late:
        late.request("shutdown", p.ShutdownParams())
        # Nothing but Hellos comes, each on a connection of its own, until its patience ends.
        for _ in range(3):
            late.accept(attempt=2)
        assert worker.wait() == 69
        assert late.heartbeats == 0
    why = "attempt 2 of run 'a run' was superseded by attempt 3"
    assert [why in line for line in worker.stderr.splitlines()].count(True) == 2
    assert "does not obey" in worker.stderr
    assert f"no welcome from {orchestrator.endpoint} in 1 s: {why}" in worker.stderr


def test_what_a_superseded_orchestrator_met_is_as_it_was(
    orchestrator: Orchestrator, worker: WorkerProcess
) -> None:
    with successor(orchestrator, attempt=5) as latest:
        latest.call("load_model", samples.load())
        norm = latest.call("optim_step", samples.step(2))
        with successor(latest, attempt=4) as late:
            late.request("unload_model", p.UnloadModelParams(model_id="m"))
            assert isinstance(late.receive(), p.Hello)
            with successor(late, attempt=5) as again:
                assert again.call("optim_step", samples.step(2)) == norm
                code = again.failure_of("optim_step", samples.step(2, learning_rate=0.5)).code
                assert code is p.ErrorCode.SEQUENCE_CONFLICT


class Stubborn(Gated):
    """Does not unload."""

    def unload_model(self, params: p.UnloadModelParams) -> p.UnloadModelResult:
        raise RuntimeError("it will not go")


STUBBORN = """
import sys
sys.path.insert(0, "tests")
from test_fence import Stubborn
from rzero_worker import __main__, backends
backends.create = lambda name: Stubborn()
sys.exit(__main__.main())
"""


def test_a_worker_that_cannot_forget_ends(orchestrator: Orchestrator, launch: Launch) -> None:
    worker = launch("--connect", orchestrator.endpoint, "--backend", "mock", program=("-c", STUBBORN))
    orchestrator.accept()
    orchestrator.call("load_model", samples.load())
    with successor(orchestrator, attempt=2):
        assert worker.wait() == 1
    assert "the models of another orchestrator cannot be forgotten" in worker.stderr
