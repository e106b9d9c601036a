"""Who sleeps and who is woken: the executor's part of it."""

from __future__ import annotations

import pytest
import samples
from conftest import Orchestrator, Serve

from rzero_worker import executor
from rzero_worker import protocol as p
from rzero_worker.backends.mock import MockBackend
from rzero_worker.errors import WorkerFailure

SAMPLE, TRAIN = p.Capability.SAMPLE, p.Capability.TRAIN


class Sleeper(MockBackend):
    """The mock, with something to free, and a memory that may be full."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        self.full = False

    def sleep(self, params: p.SleepParams) -> p.SleepResult:
        self.heard.append(f"sleep {params.role}")
        return p.SleepResult(freed_bytes=7)

    def wake(self, params: p.WakeParams) -> p.WakeResult:
        if self.full:
            raise WorkerFailure(p.ErrorCode.OUT_OF_MEMORY, "another has it")
        self.heard.append(f"wake {params.role}")
        return p.WakeResult()


@pytest.fixture
def backend() -> Sleeper:
    return Sleeper()


@pytest.fixture
def peer(orchestrator: Orchestrator, serve: Serve, backend: Sleeper) -> Orchestrator:
    serve(backend)
    orchestrator.accept()
    orchestrator.call("load_model", samples.load())
    return orchestrator


def sleep(peer: Orchestrator, role: p.Capability) -> int:
    return peer.call("sleep", p.SleepParams(role=role)).freed_bytes


def test_a_role_sleeps_and_wakes_once(peer: Orchestrator, backend: Sleeper) -> None:
    peer.call("wake", p.WakeParams(role=TRAIN))
    assert [sleep(peer, TRAIN), sleep(peer, TRAIN), sleep(peer, SAMPLE)] == [7, 0, 7]
    for _ in range(2):
        peer.call("wake", p.WakeParams(role=TRAIN))
    assert backend.heard == ["sleep train", "sleep sample", "wake train"]


@pytest.mark.parametrize(
    ("verb", "params", "woken"),
    [
        ("sample", samples.sample(), [SAMPLE]),
        ("forward", samples.forward([[1, 2]]), [TRAIN]),
        ("forward_backward", samples.train([[3, 21, 0]], [1.0]), [TRAIN]),
        ("optim_step", samples.step(1), [TRAIN]),
        ("publish_weights", p.PublishWeightsParams(model_id="m"), [SAMPLE, TRAIN]),
        ("unload_model", p.UnloadModelParams(model_id="m"), [SAMPLE, TRAIN]),
        ("ping", p.PingParams(), []),
    ],
)
def test_a_verb_wakes_what_it_needs(
    peer: Orchestrator, backend: Sleeper, verb: str, params: p.Base, woken: list[p.Capability]
) -> None:
    for role in (SAMPLE, TRAIN):
        sleep(peer, role)
    backend.heard.clear()
    for _ in range(2 if verb in ("sample", "forward") else 1):
        peer.call(verb, params)
    assert backend.heard == [f"wake {role}" for role in woken]


def test_a_role_that_cannot_wake_sleeps_on_and_says_so(peer: Orchestrator, backend: Sleeper) -> None:
    sleep(peer, SAMPLE)
    backend.full = True
    for verb, params in (("wake", p.WakeParams(role=SAMPLE)), ("sample", samples.sample())):
        assert peer.failure_of(verb, params).code is p.ErrorCode.OUT_OF_MEMORY
    peer.call("forward", samples.forward([[1, 2]]))
    backend.full = False
    peer.call("sample", samples.sample())
    assert backend.heard == ["sleep sample", "wake sample"]


def test_every_work_verb_has_a_place_in_the_table() -> None:
    assert executor.NEEDS.keys() == {name for name, verb in p.VERBS.items() if not verb.control}
