"""Control verbs: answered while a long call runs."""

from __future__ import annotations

import samples
from conftest import Orchestrator, WorkerProcess

from rzero_worker import protocol as p
from rzero_worker import wire


def test_ping_and_progress_during_a_long_call(orchestrator: Orchestrator, worker: WorkerProcess) -> None:
    idle = orchestrator.call("ping", p.PingParams())
    assert idle.busy == ""
    orchestrator.call("load_model", samples.load())
    running = orchestrator.request("sample", samples.LONG)
    seen: list[p.Progress] = []
    while len(seen) < 3:
        seen.append(orchestrator.receive())
    ping = orchestrator.answer_to(orchestrator.request("ping", p.PingParams()), seen)
    assert isinstance(ping, p.Response)
    state = wire.decode(ping.result, p.PingResult)
    assert state.busy == "sample"
    assert state.progress >= idle.progress + len(seen)
    assert [message.id for message in seen] == [running] * len(seen)
    assert {message.total for message in seen} == {samples.LONG.n}
    done = [message.done for message in seen]
    assert done == sorted(set(done))


def test_cancel_ends_the_running_call_and_the_next_one_starts(
    orchestrator: Orchestrator, worker: WorkerProcess
) -> None:
    orchestrator.call("load_model", samples.load())
    running = orchestrator.request("sample", samples.LONG)
    following = orchestrator.request("sample", samples.sample())
    assert isinstance(orchestrator.receive(), p.Progress)
    assert orchestrator.call("cancel", p.CancelParams(id=running)).found
    answer = orchestrator.answer_to(running)
    assert isinstance(answer, p.Failure) and answer.error.code is p.ErrorCode.CANCELLED
    assert isinstance(orchestrator.answer_to(following), p.Response)


def test_cancel_ends_a_waiting_call_at_once(orchestrator: Orchestrator, worker: WorkerProcess) -> None:
    orchestrator.call("load_model", samples.load())
    orchestrator.request("sample", samples.LONG)
    waiting = orchestrator.request("optim_step", samples.step())
    cancel = orchestrator.request("cancel", p.CancelParams(id=waiting))
    answer = orchestrator.answer_to(waiting)
    assert isinstance(answer, p.Failure) and answer.error.code is p.ErrorCode.CANCELLED
    assert isinstance(orchestrator.answer_to(cancel), p.Response)


def test_cancel_of_a_call_that_is_over_finds_nothing(
    orchestrator: Orchestrator, worker: WorkerProcess
) -> None:
    over = orchestrator.request("load_model", samples.load())
    orchestrator.answer_to(over)
    for request_id in (over, 12345):
        assert not orchestrator.call("cancel", p.CancelParams(id=request_id)).found
