"""Heartbeats: from a thread that work cannot block."""

from __future__ import annotations

import re
import time

import pytest
import samples
from conftest import Launch, Orchestrator, Serve
from gated import Gated

from rzero_worker import protocol as p
from rzero_worker.dealer import Dealer

BATCH = samples.train([[3, 21, 0]], [1.0])


def test_the_first_one_comes_at_once_and_the_next_one_when_it_is_due(
    orchestrator: Orchestrator, launch: Launch
) -> None:
    launch("--connect", orchestrator.endpoint, "--backend", "mock")
    orchestrator.accept(heartbeat_seconds=3600.0)
    assert orchestrator.heartbeat() == p.Heartbeat(busy="", queued=0, progress=0)
    for _ in range(20):
        orchestrator.call("ping", p.PingParams())
    assert orchestrator.heartbeats == 1


def test_they_keep_their_interval(orchestrator: Orchestrator, serve: Serve) -> None:
    serve(Gated())
    orchestrator.accept(heartbeat_seconds=0.02)
    orchestrator.heartbeat()
    started = time.monotonic()
    for _ in range(5):
        orchestrator.heartbeat()
    assert (
        time.monotonic() - started >= 0.06
    )  # the first of the five may be late, so that the next seem early


def test_blocked_work_leaves_them_going_with_progress_standing_still(
    orchestrator: Orchestrator, serve: Serve
) -> None:
    backend = Gated()
    serve(backend)
    orchestrator.accept(heartbeat_seconds=0.01)
    orchestrator.call("load_model", samples.load())
    running = orchestrator.request("forward_backward", BATCH)
    for _ in range(2):
        orchestrator.request("forward", samples.forward([[1, 2]]))
    blocked = orchestrator.heartbeat_when(lambda beat: beat.busy == "forward_backward" and beat.queued == 2)
    for _ in range(10):
        assert orchestrator.heartbeat() == blocked
    backend.open()
    assert isinstance(orchestrator.answer_to(running), p.Response)
    idle = orchestrator.heartbeat_when(lambda beat: beat.busy == "" and beat.queued == 0)
    assert idle.progress > blocked.progress


def test_progress_grows_while_work_advances(orchestrator: Orchestrator, serve: Serve) -> None:
    backend = Gated()
    serve(backend)
    orchestrator.accept(heartbeat_seconds=0.01)
    orchestrator.call("load_model", samples.load())
    running = orchestrator.request("sample", samples.sample(n=5))
    last = orchestrator.heartbeat_when(lambda beat: beat.busy == "sample").progress
    for _ in range(4):
        backend.open()
        last = orchestrator.heartbeat_when(lambda beat, last=last: beat.progress > last).progress
    backend.open()
    assert isinstance(orchestrator.answer_to(running), p.Response)


def test_a_flood_of_messages_does_not_hold_them_back(
    orchestrator: Orchestrator, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    flood = 10_000
    receive = Dealer.receive

    def receive_more(dealer: Dealer) -> list[bytes] | None:
        nonlocal flood
        message = receive(dealer)
        if message is None and flood > 0:
            flood -= 1
            return [b"no", b"request"]
        return message

    monkeypatch.setattr(Dealer, "receive", receive_more)
    serve(Gated())
    orchestrator.accept()
    orchestrator.heartbeat()
    assert flood > 0


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e-9, 1e9])
def test_an_interval_that_makes_no_sense_is_not_welcome(
    orchestrator: Orchestrator, launch: Launch, seconds: float
) -> None:
    worker = launch("--connect", orchestrator.endpoint, "--backend", "mock")
    orchestrator.accept(heartbeat_seconds=seconds)
    assert worker.wait() == 69
    assert re.search(r"heartbeatSeconds: saw .*, allowed is 0.01 to 3600", worker.stderr)
