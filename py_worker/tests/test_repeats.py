"""The ledger behind the gradient verbs, and what survives a lost connection."""

from __future__ import annotations

from pathlib import Path

import samples
from conftest import Orchestrator, Serve, WorkerProcess
from gated import Gated

from rzero_worker import manifest
from rzero_worker import protocol as p


def test_a_repeat_is_answered_from_the_ledger_and_done_once(
    orchestrator: Orchestrator, worker: WorkerProcess
) -> None:
    for model_id in ("m", "once"):
        orchestrator.call("load_model", samples.load(model_id))
    batch = samples.train([[3, 21, 22, 0]], [1.0], seq=1)
    answers = [orchestrator.answer_to(orchestrator.request("forward_backward", batch)) for _ in range(3)]
    assert len({answer.result for answer in answers}) == 1
    orchestrator.call("forward_backward", samples.train([[3, 21, 22, 0]], [1.0], seq=1, model_id="once"))
    norms = [
        orchestrator.call("optim_step", samples.step(2, model_id)).grad_norm for model_id in ("m", "once")
    ]
    assert norms[0] == norms[1] > 0
    stepped = orchestrator.call("forward", samples.forward([[3, 21, 22, 0]]))
    assert orchestrator.call("optim_step", samples.step(2)).grad_norm == norms[0]
    assert orchestrator.call("forward", samples.forward([[3, 21, 22, 0]])) == stepped


def test_a_changed_repeat_is_a_conflict_until_the_model_is_loaded_again(
    orchestrator: Orchestrator, worker: WorkerProcess
) -> None:
    orchestrator.call("load_model", samples.load())
    orchestrator.call("optim_step", samples.step(7))
    for verb, params in (
        ("optim_step", samples.step(7, learning_rate=0.5)),
        ("forward_backward", samples.train([[1, 2]], [1.0], seq=7)),
        ("optim_step", samples.step(6)),
    ):
        assert orchestrator.failure_of(verb, params).code is p.ErrorCode.SEQUENCE_CONFLICT
    orchestrator.call("load_model", samples.load())
    orchestrator.call("optim_step", samples.step(7, learning_rate=0.5))


def test_a_request_that_failed_may_be_mended_under_its_seq(
    orchestrator: Orchestrator, worker: WorkerProcess
) -> None:
    orchestrator.call("load_model", samples.load())
    bad, good = (samples.train([[1, 2]], [1.0], seq=1, normalizer=n) for n in (0.0, 1.0))
    assert orchestrator.failure_of("forward_backward", bad).code is p.ErrorCode.INVALID_REQUEST
    assert orchestrator.call("forward_backward", good).tokens == 1


def test_a_checkpoint_keeps_the_ledger(
    orchestrator: Orchestrator, worker: WorkerProcess, tmp_path: Path
) -> None:
    orchestrator.call("load_model", samples.load())
    orchestrator.call("forward_backward", samples.train([[3, 21, 0]], [1.0], seq=1))
    norm = orchestrator.call("optim_step", samples.step(2)).grad_norm
    saved = orchestrator.call("save_checkpoint", save(tmp_path / "with", with_optimizer=True))
    orchestrator.call("save_checkpoint", save(tmp_path / "without", with_optimizer=False))
    assert not (tmp_path / "without" / "ledger.json").exists()
    stepped = orchestrator.call("forward", samples.forward([[3, 21, 22, 0]]))
    orchestrator.call("forward_backward", samples.train([[3, 22, 0]], [1.0], seq=3))
    orchestrator.call("optim_step", samples.step(4))
    # What came after the save is forgotten; what came before it is not done again.
    loaded = orchestrator.call("load_checkpoint", load(tmp_path / "with", saved.manifest_sha256))
    assert loaded.steps == 1
    assert orchestrator.call("optim_step", samples.step(2)).grad_norm == norm > 0
    assert orchestrator.call("forward", samples.forward([[3, 21, 22, 0]])) == stepped
    changed = orchestrator.failure_of("optim_step", samples.step(2, learning_rate=0.5))
    assert changed.code is p.ErrorCode.SEQUENCE_CONFLICT
    assert orchestrator.call("optim_step", samples.step(3)).grad_norm == 0
    # Where none was saved, the record goes on.
    orchestrator.call("load_checkpoint", load(tmp_path / "without"))
    assert orchestrator.failure_of("optim_step", samples.step(1)).code is p.ErrorCode.SEQUENCE_CONFLICT
    assert orchestrator.call("optim_step", samples.step(3)).grad_norm == 0


def test_a_checkpoint_that_was_changed_is_not_loaded(
    orchestrator: Orchestrator, worker: WorkerProcess, tmp_path: Path
) -> None:
    orchestrator.call("load_model", samples.load())
    orchestrator.call("save_checkpoint", save(tmp_path / "c", with_optimizer=True))
    orchestrator.call("optim_step", samples.step(1))
    other = orchestrator.failure_of("load_checkpoint", load(tmp_path / "c", "0" * 64))
    assert (other.code, "is another checkpoint" in other.message) == (p.ErrorCode.IO_ERROR, True)
    (tmp_path / "c" / "ledger.json").write_text('{"format": 1, "highest": 9, "answers": []}')
    damaged = orchestrator.failure_of("load_checkpoint", load(tmp_path / "c"))
    assert (damaged.code, "ledger.json is damaged" in damaged.message) == (p.ErrorCode.IO_ERROR, True)
    # A manifest can be right and the ledger nonsense all the same.
    (tmp_path / "c" / "ledger.json").write_text("{}")
    manifest.write(tmp_path / "c", 0, 0)
    nonsense = orchestrator.failure_of("load_checkpoint", load(tmp_path / "c"))
    assert (nonsense.code, "no usable ledger.json" in nonsense.message) == (p.ErrorCode.IO_ERROR, True)
    assert orchestrator.failure_of("optim_step", samples.step(0)).code is p.ErrorCode.SEQUENCE_CONFLICT
    orchestrator.call("optim_step", samples.step(2))


def save(path: Path, with_optimizer: bool) -> p.SaveCheckpointParams:
    return p.SaveCheckpointParams(model_id="m", path=str(path), with_optimizer=with_optimizer)


def load(path: Path, sha256: str | None = None) -> p.LoadCheckpointParams:
    return p.LoadCheckpointParams(model_id="m", path=str(path), manifest_sha256=sha256)


def test_a_lost_connection_is_dialled_again_with_models_and_ledger_in_place(
    orchestrator: Orchestrator, worker: WorkerProcess
) -> None:
    orchestrator.call("load_model", samples.load())
    orchestrator.call("forward_backward", samples.train([[3, 21, 0]], [1.0], seq=1))
    norm = orchestrator.call("optim_step", samples.step(2)).grad_norm
    orchestrator.request("sample", samples.LONG)
    orchestrator.request("optim_step", samples.step(3))
    assert isinstance(orchestrator.receive(), p.Progress)
    orchestrator.close()
    again = Orchestrator(orchestrator.endpoint)
    try:
        again.accept()
        assert again.call("optim_step", samples.step(2)).grad_norm == norm
        # The step that waited when the line broke was never done.
        assert again.call("optim_step", samples.step(3, learning_rate=0.5)).grad_norm == 0
        again.call("shutdown", p.ShutdownParams())
    finally:
        again.close()
    assert worker.wait() == 0


def test_a_gradient_that_runs_when_the_line_breaks_is_done_once_and_its_answer_kept(
    orchestrator: Orchestrator, serve: Serve
) -> None:
    backend = Gated()
    serve(backend)
    hello = orchestrator.accept(heartbeat_seconds=0.01)
    orchestrator.call("load_model", samples.load())
    batch = samples.train([[3, 21, 0]], [1.0], seq=1)
    orchestrator.request("forward_backward", batch)
    orchestrator.request("forward_backward", samples.train([[3, 21, 0]], [1.0], seq=2))
    orchestrator.heartbeat_when(lambda beat: beat.busy == "forward_backward" and beat.queued == 1)
    orchestrator.close()
    again = Orchestrator(orchestrator.endpoint)
    try:
        assert again.accept(heartbeat_seconds=0.01) == hello
        beat = again.heartbeat()
        assert (beat.busy, beat.queued) == ("forward_backward", 0)
        repeated = again.request("forward_backward", batch)
        again.heartbeat_when(lambda beat: beat.queued == 1)
        # A request of the old connection is none of this one's, whatever its id.
        assert not again.call("cancel", p.CancelParams(id=repeated + 1)).found
        backend.open()
        assert isinstance(again.answer_to(repeated), p.Response)
        assert backend.gradients == 1
        backend.open()
        again.call("forward_backward", samples.train([[3, 21, 0]], [1.0], seq=2))
        assert backend.gradients == 2
    finally:
        again.close()
