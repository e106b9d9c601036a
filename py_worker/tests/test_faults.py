"""Faults on purpose: each does what its name says, at the call it is told, and in one life only."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import samples
from conftest import Launch, Orchestrator, WorkerProcess

from rzero_worker import faults
from rzero_worker import protocol as p
from rzero_worker.backends.mock import MockBackend
from rzero_worker.context import Context
from rzero_worker.errors import BadVariable, WorkerFailure
from rzero_worker.faults import Fault, FaultyBackend


@pytest.mark.parametrize("spec", ["kill@forward_backward:3", "nan@*:1:always", "kill-after@optim_step:12"])
def test_a_spec_is_read_as_it_is_written(spec: str) -> None:
    assert faults.parse(spec).spec == spec


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("kill", "allowed is ACTION@VERB:NTH"),
        ("kill@sample", "allowed is ACTION@VERB:NTH"),
        ("kill@sample:1:ever", "allowed is ACTION@VERB:NTH"),
        ("kill@sample:1:", "allowed is ACTION@VERB:NTH"),
        ("explode@sample:1", "allowed before the @ is kill, kill-after, exit,"),
        ("kill@ping:1", "allowed behind the @ is load_model,"),
        ("kill@sample:0", "allowed behind the verb is a number from 1"),
        ("kill@sample:-1", "allowed behind the verb is a number from 1"),
        ("kill@sample:x", "allowed behind the verb is a number from 1"),
        ("nan@sample:1", "sample never fails with not_finite"),
    ],
)
def test_a_bad_spec_is_one_line_and_exit_code_2(
    orchestrator: Orchestrator, launch: Launch, spec: str, said: str
) -> None:
    with pytest.raises(ValueError, match="saw ") as error:
        faults.parse(spec)
    assert said in str(error.value) and repr(spec) in str(error.value)
    with pytest.raises(BadVariable, match="RZERO_FAULT: saw "):
        faults.of_environment({"RZERO_FAULT": f"kill@sample:1;{spec}"})
    if spec in ("kill", "nan@sample:1"):
        arguments = ("--connect", orchestrator.endpoint, "--backend", "mock")
        for worker in (launch(*arguments, "--fault", spec), launch(*arguments, RZERO_FAULT=spec)):
            assert worker.wait() == 2
            (line,) = worker.stderr.splitlines()
            assert said in line


def test_variables_hold_several_specs_and_a_folder_that_is_made(tmp_path: Path) -> None:
    assert faults.of_environment({}) == faults.of_environment({"RZERO_FAULT": ""}) == []
    two = faults.of_environment({"RZERO_FAULT": "kill@sample:2;slow@*:1:always;"})
    assert two == [Fault("kill", "sample", 2, False), Fault("slow", "*", 1, True)]
    assert faults.memory_of_environment({}) is None
    folder = tmp_path / "a" / "b"
    assert faults.memory_of_environment({"RZERO_FAULT_ONCE": str(folder)}) == folder
    assert folder.is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(BadVariable, match="RZERO_FAULT_ONCE: saw .*file', allowed is a folder"):
        faults.memory_of_environment({"RZERO_FAULT_ONCE": str(tmp_path / "file")})


def faulty(*specs: str, once: Path | None = None) -> FaultyBackend:
    backend = FaultyBackend(MockBackend(), [faults.parse(spec) for spec in specs], once)
    backend.load_model(samples.load())
    return backend


BATCH = samples.train([[3, 21, 22, 0]], [1.0], seq=1)


def code_of(backend: FaultyBackend) -> str | None:
    try:
        backend.forward_backward(BATCH)
    except WorkerFailure as failure:
        return failure.code
    return None


def test_a_failure_comes_at_its_call_and_changes_nothing() -> None:
    backend, plain = faulty("oom@forward_backward:2", "nan@forward_backward:3"), faulty()
    assert [code_of(backend) for _ in range(4)] == [None, "out_of_memory", "not_finite", None]
    assert [code_of(plain) for _ in range(2)] == [None, None]
    step = samples.step(2)
    assert backend.optim_step(step) == plain.optim_step(step)


def test_any_verb_counts_where_it_may_fail_so(tmp_path: Path) -> None:
    backend = faulty("io@*:1", "nan@*:2")  # neither counts load_model
    assert code_of(backend) is None
    with pytest.raises(WorkerFailure, match="a fault on purpose: nan@") as failure:
        backend.optim_step(samples.step(2))
    assert failure.value.code == "not_finite"
    params = p.SaveCheckpointParams(model_id="m", path=str(tmp_path / "c"), with_optimizer=True)
    with pytest.raises(WorkerFailure, match="io@"):
        backend.save_checkpoint(params)
    assert list(tmp_path.iterdir()) == []
    backend.save_checkpoint(params)


def test_what_happened_in_one_life_does_not_happen_in_the_next(tmp_path: Path) -> None:
    specs = ("oom@forward_backward:1", "nan@forward_backward:2:always")
    lives = [faulty(*specs, once=tmp_path) for _ in range(3)]
    first, *others = [[code_of(life) for _ in range(3)] for life in lives]
    assert first == ["out_of_memory", "not_finite", None]
    assert others == [[None, "not_finite", None]] * 2
    assert [marker.name for marker in tmp_path.iterdir()] == [specs[0]]


def test_what_is_slow_stays_so_makes_progress_and_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "LEAST_DELAY", 0.01)
    waited: list[float] = []
    monkeypatch.setattr(faults.time, "sleep", waited.append)
    backend = faulty("slow@forward:2")
    params = samples.forward([[3, 21, 22, 0]])
    answers, waits = [], []
    for _ in range(3):
        answers.append(backend.forward(params, Context()))
        waits.append(len(waited))
    assert waits[0] == 0 < waits[1] < waits[2]
    assert answers[0] == answers[1] == answers[2]

    class Cancelled(Context):
        def raise_if_cancelled(self) -> None:
            if len(waited) > waits[2]:
                raise WorkerFailure("cancelled", "cancelled by the caller")

    with pytest.raises(WorkerFailure, match="cancelled"):
        backend.forward(params, Cancelled())


Start = tuple[Orchestrator, WorkerProcess]


def start(orchestrator: Orchestrator, launch: Launch, spec: str, **env: str) -> WorkerProcess:
    worker = launch("--connect", orchestrator.endpoint, "--backend", "mock", "--fault", spec, **env)
    orchestrator.accept(heartbeat_seconds=0.01)
    orchestrator.call("load_model", samples.load())
    return worker


@pytest.mark.parametrize(
    ("action", "code"), [("kill", -signal.SIGKILL), ("kill-after", -signal.SIGKILL), ("exit", 1)]
)
def test_a_death_comes_at_its_call_and_once(
    orchestrator: Orchestrator, launch: Launch, tmp_path: Path, action: str, code: int
) -> None:
    spec = f"{action}@save_checkpoint:2"
    for life in range(2):
        worker = start(orchestrator, launch, spec, RZERO_FAULT_ONCE=str(tmp_path / "once"))
        for number in (1, 2):
            path = tmp_path / f"{life}-{number}"
            params = p.SaveCheckpointParams(model_id="m", path=str(path), with_optimizer=True)
            if (life, number) == (0, 2):
                orchestrator.request("save_checkpoint", params)
                assert worker.wait() == code
                assert f"fault on purpose: {spec}" in worker.stderr
                assert path.exists() == (action == "kill-after")
            else:
                orchestrator.call("save_checkpoint", params)


def test_who_hangs_sends_heartbeats_without_progress_and_can_be_ended(
    orchestrator: Orchestrator, launch: Launch
) -> None:
    worker = start(orchestrator, launch, "hang@forward:1")
    orchestrator.request("forward", samples.forward([[3, 21, 22, 0]]))
    beats = [orchestrator.heartbeat_when(lambda beat: beat.busy == "forward") for _ in range(10)]
    assert len({beat.progress for beat in beats}) == 1
    worker.process.kill()


def test_who_is_stopped_says_nothing_and_goes_on_later(orchestrator: Orchestrator, launch: Launch) -> None:
    worker = start(orchestrator, launch, "stop@forward:1")
    asked = orchestrator.request("forward", samples.forward([[3, 21, 22, 0]]))
    _, status = os.waitpid(worker.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    worker.process.send_signal(signal.SIGCONT)
    assert isinstance(orchestrator.answer_to(asked), p.Response)


def test_faults_lie_around_calls_of_sample_that_would_be_done_together(
    orchestrator: Orchestrator, launch: Launch
) -> None:
    start(orchestrator, launch, "oom@sample:2")
    asked = [orchestrator.request("sample", samples.sample()) for _ in range(3)]
    answers = [orchestrator.answer_to(one) for one in asked]
    assert [isinstance(answer, p.Failure) for answer in answers] == [False, True, False]
