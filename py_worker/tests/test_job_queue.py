"""The queue of jobs: order, bounds, and who answers a job that was cancelled."""

from __future__ import annotations

import threading

import pytest
import samples
from conftest import Orchestrator, Serve
from gated import Gated
from hypothesis import given
from hypothesis import strategies as st

from rzero_worker import job_queue
from rzero_worker import protocol as p
from rzero_worker.errors import WorkerFailure
from rzero_worker.job import Job
from rzero_worker.job_queue import Forget, JobQueue


def job(request_id: int, size: int = 0, session: int = 1) -> Job:
    request = p.Request(id=request_id, verb="sample", params=bytes(size))
    return Job(session, request, p.VERBS["sample"])


def test_first_come_first_served() -> None:
    queue = JobQueue()
    jobs = [job(number) for number in range(3)]
    for one in jobs:
        queue.put(one)
    for waiting, one in zip((2, 1, 0), jobs, strict=True):
        assert queue.take() is one
        assert (queue.running, len(queue)) == ((one,), waiting)
        queue.done(one)
        assert queue.running == ()


def test_what_comes_after_a_new_beginning_waits_until_all_is_forgotten() -> None:
    queue = JobQueue()
    old, waiting, new = jobs = [job(number) for number in range(3)]
    queue.put(old)
    assert queue.take() is old
    queue.put(waiting)
    queue.begin_anew()
    queue.put(new)
    assert (old.cancelled.is_set(), len(queue)) == (True, 1)
    assert queue.next is None and not queue.take_also(new)
    assert isinstance(queue.take(), Forget)
    assert queue.take_also(new)
    assert jobs == [old, waiting, *queue.running[1:]]


def test_a_job_may_run_beside_another_if_it_is_the_next_one() -> None:
    queue = JobQueue()
    first, second, third = jobs = [job(number) for number in range(3)]
    for one in jobs:
        queue.put(one)
    assert queue.take() is first
    assert not queue.take_also(third)
    assert queue.next is second and queue.take_also(second)
    assert (queue.running, queue.next, len(queue)) == ((first, second), third, 1)
    queue.done(first)
    assert queue.cancel(1, 1) == (True, None)
    assert second.cancelled.is_set() and not first.cancelled.is_set()
    assert queue.cancel_all() == [third]
    assert queue.next is None and not queue.take_also(third)


def test_take_waits_for_a_job_and_for_the_end() -> None:
    queue = JobQueue()
    taken: list[Job | None] = []

    def take_all() -> None:
        while (one := queue.take()) is not None:
            taken.append(one)

    thread = threading.Thread(target=take_all)
    thread.start()
    only = job(1)
    queue.put(only)
    while queue.running != (only,):
        pass
    assert queue.cancel_all(close=True) == []
    thread.join()
    assert taken == [only]
    assert only.cancelled.is_set()
    with pytest.raises(WorkerFailure, match="stopping") as refused:
        queue.put(job(2))
    assert refused.value.code is p.ErrorCode.CANCELLED


def test_cancel_takes_a_waiting_job_and_tells_a_running_one() -> None:
    queue = JobQueue()
    running, waiting = job(1), job(2)
    queue.put(running)
    queue.put(waiting)
    assert queue.take() is running
    assert queue.cancel(1, 2) == (True, waiting)
    assert queue.cancel(1, 2) == (False, None)
    assert queue.cancel(2, 1) == (False, None)  # another session's
    assert not running.cancelled.is_set()
    assert queue.cancel(1, 1) == (True, None)
    assert running.cancelled.is_set()


@given(
    st.lists(st.one_of(st.integers(0, 40), st.sampled_from(["take", "cancel", "cancel_all"])), max_size=60)
)
def test_it_never_holds_more_than_its_bounds(actions: list[int | str]) -> None:
    queue = JobQueue(max_jobs=5, max_bytes=60)
    waiting: list[Job] = []
    for number, action in enumerate(actions):
        if isinstance(action, int):
            fits = len(waiting) < 5 and sum(len(one.params) for one in waiting) + action <= 60
            one = job(number, action)
            if fits:
                queue.put(one)
                waiting.append(one)
            else:
                with pytest.raises(WorkerFailure, match="queue: ") as refused:
                    queue.put(one)
                assert refused.value.code is p.ErrorCode.INVALID_REQUEST
        elif action == "cancel_all":
            assert queue.cancel_all() == waiting
            waiting = []
        elif waiting and action == "take":
            assert queue.take() is waiting.pop(0)
        elif waiting:
            last = waiting.pop()
            assert queue.cancel(last.session, last.id) == (True, last)
        assert len(queue) == len(waiting)


def test_a_worker_refuses_what_it_cannot_keep_and_goes_on(
    orchestrator: Orchestrator, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_queue.JobQueue.__init__, "__defaults__", (3, 10_000))
    backend = Gated()
    serve(backend)
    orchestrator.accept(heartbeat_seconds=0.01)
    orchestrator.call("load_model", samples.load())
    running = orchestrator.request("forward_backward", samples.train([[3, 21, 0]], [1.0]))
    orchestrator.heartbeat_when(lambda beat: beat.busy == "forward_backward")
    assert "saw 10,001 bytes" in orchestrator.failure_of("forward", bytes(10_001)).message
    waiting = [orchestrator.request("forward", samples.forward([[1, 2]])) for _ in range(3)]
    error = orchestrator.failure_of("forward", samples.forward([[1, 2]]))
    assert error.code is p.ErrorCode.INVALID_REQUEST
    assert error.message == "queue: 3 requests wait already, more are not allowed"
    backend.open()
    for request_id in (running, *waiting):
        assert isinstance(orchestrator.answer_to(request_id), p.Response)
