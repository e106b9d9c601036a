"""Two ranks that sample from one model together, beside one process that has it alone; vLLM, on a CPU."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import conftest
import numpy as np
import pytest
import samples
import tiny_models
from conftest import TOKEN, Launch, Orchestrator, WorkerProcess
from group import start_group

from rzero_worker import protocol as p
from rzero_worker import wire
from rzero_worker.backends.torch import TorchBackend
from rzero_worker.context import Context
from rzero_worker.watch import BROKEN
from rzero_worker.wire import numpy_view

pytestmark = pytest.mark.skipif(find_spec("vllm") is None, reason="needs vLLM: npm run test:vllm")

PATIENCE = 120
ROLES = ("--backend", "vllm", "--roles", "sample")
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "rzero_worker")
CONVERSATIONS = [samples.conversation(text) for text in ("abc", "1+1=", "what is it?")]


@pytest.fixture(scope="module", autouse=True)
def patience() -> Iterator[None]:
    """Importing vLLM takes ten seconds, and several times that on a machine that is busy."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(conftest, "TIMEOUT_MS", 120_000)
        yield


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    # vLLM's attention on a CPU has no heads of 16.
    return tiny_models.save_folder(
        tmp_path_factory.mktemp("models") / "m", tiny_models.qwen3_config(head_dim=32)
    )


Pair = tuple[Orchestrator, Orchestrator]


@pytest.fixture(scope="module")
def pair(launch: Launch, source: str) -> Iterator[Pair]:
    """A worker of two ranks and one of one process, both with the model m."""
    both = Orchestrator(), Orchestrator()
    launch("--connect", both[0].endpoint, *ROLES, program=TORCHRUN, OMP_NUM_THREADS="1")
    launch("--connect", both[1].endpoint, *ROLES, OMP_NUM_THREADS="1")
    for peer, ranks in zip(both, ("2", None), strict=True):
        hello = peer.accept()
        assert (hello.capabilities, hello.rows, hello.devices) == ([p.Capability.SAMPLE], 256, [])
        assert hello.versions.get("ranks") == ranks
    described = [peer.call("load_model", samples.load(source=source, trainable=False)) for peer in both]
    assert described[0] == described[1]
    yield both
    for peer in both:
        peer.call("shutdown", p.ShutdownParams())
        peer.close()


def drawn(result: p.SampleResult) -> tuple[list[int], np.ndarray]:
    return numpy_view(result.tokens, "i4").tolist(), numpy_view(result.logprobs, "f4")


def require_alike(pair: Pair) -> list[list[int]]:
    """Draw from both, greedily and not; returns the tokens."""
    found = []
    for temperature in (0.0, 1.0):
        asked = samples.sample(CONVERSATIONS, n=4, temperature=temperature, max_tokens=24)
        (ours, scores), (alone, expected) = (drawn(peer.call("sample", asked)) for peer in pair)
        assert ours == alone
        np.testing.assert_allclose(scores, expected, atol=1e-4)
        found.append(ours)
    assert len(set(found[1])) > 10
    return found


def test_two_ranks_draw_what_one_process_draws_also_after_a_publication(
    pair: Pair, source: str, tmp_path: Path
) -> None:
    before = require_alike(pair)
    trainer = TorchBackend("cpu")
    trainer.load_model(samples.load(source=source))
    for version in (1, 2):
        trainer.forward_backward(samples.train([[5, 6, 7, 8], [9, 10, 11]], [1.0, -1.0], 2 * version - 1))
        trainer.optim_step(samples.step(2 * version))
        published = trainer.publish_weights(p.PublishWeightsParams(model_id="m")).proof
        path = str(tmp_path / str(version))
        trainer.save_checkpoint(p.SaveCheckpointParams(model_id="m", path=path, with_optimizer=False))
        for peer in pair:
            loaded = peer.call(
                "load_checkpoint", p.LoadCheckpointParams(model_id="m", path=path, weights_version=version)
            )
            assert loaded.weights_version == version
            assert loaded.proof.checksum == published.checksum
            probes = (numpy_view(proof.probe, "f4") for proof in (loaded.proof, published))
            np.testing.assert_allclose(*probes, atol=1e-4)
        after = require_alike(pair)
        assert after != before
        before = after
    scored = [peer.call("forward", samples.forward([[5, 6, 7, 8]])).logprobs for peer in pair]
    assert scored == [trainer.forward(samples.forward([[5, 6, 7, 8]]), Context()).logprobs] * 2


def test_requests_join_and_fail_alone_in_a_group_too(pair: Pair) -> None:
    group, alone = pair
    asked = samples.sample(CONVERSATIONS, n=2, max_tokens=8)
    expected = drawn(alone.call("sample", asked))
    long = group.request("sample", samples.sample(n=2000, max_tokens=60))
    short = group.request("sample", asked)
    stale = group.request("sample", samples.sample(weights_version=99))
    dropped = group.request("sample", samples.sample(n=2000, max_tokens=60))
    seen: list = []
    failure = group.answer_to(stale, seen)
    assert failure.error.code is p.ErrorCode.STALE_WEIGHTS
    answers = [message for message in seen if isinstance(message, p.Response)]
    answer = answers[0] if answers else group.answer_to(short, seen)
    assert answer.id == short
    ours = drawn(wire.decode(answer.result, p.SampleResult))
    assert ours[0] == expected[0]
    np.testing.assert_allclose(ours[1], expected[1], atol=1e-4)
    assert not [message for message in seen if getattr(message, "id", None) == long and is_answer(message)]
    for request_id in (long, dropped):
        group.request("cancel", p.CancelParams(id=request_id))
        assert group.answer_to(request_id).error.code is p.ErrorCode.CANCELLED
    assert group.failure_of("sample", samples.sample(model_id="x")).code is p.ErrorCode.UNKNOWN_MODEL
    assert drawn(group.call("sample", asked))[0] == expected[0]


def is_answer(message: object) -> bool:
    return isinstance(message, p.Response | p.Failure)


def test_a_group_sleeps_and_wakes(pair: Pair) -> None:
    group, _ = pair
    before = require_alike(pair)
    params = p.SleepParams(role=p.Capability.SAMPLE)
    assert group.call("sleep", params).freed_bytes > 2**20
    assert group.call("sleep", params).freed_bytes == 0
    assert require_alike(pair) == before


def test_the_models_of_a_group_take_turns(pair: Pair, source: str) -> None:
    group, _ = pair
    asked, slept = samples.sample(CONVERSATIONS, n=4), p.SleepParams(role=p.Capability.SAMPLE)
    of_other = samples.sample(CONVERSATIONS, n=4, model_id="other")
    before = drawn(group.call("sample", asked))[0]
    one = group.call("sleep", slept).freed_bytes
    group.call("load_model", samples.load("other", source, trainable=False))
    other = drawn(group.call("sample", of_other))[0]
    for _ in range(2):
        assert drawn(group.call("sample", asked))[0] == before
        assert drawn(group.call("sample", of_other))[0] == other
    assert group.call("sleep", slept).freed_bytes == one  # of two
    group.call("unload_model", p.UnloadModelParams(model_id="other"))
    assert drawn(group.call("sample", asked))[0] == before


def test_rank_0_alone_writes_a_checkpoint(pair: Pair, tmp_path: Path) -> None:
    group, _ = pair
    path = tmp_path / "c"
    saved = group.call(
        "save_checkpoint", p.SaveCheckpointParams(model_id="m", path=str(path), with_optimizer=False)
    )
    assert saved.bytes == sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    group.call(
        "load_checkpoint",
        p.LoadCheckpointParams(model_id="m", path=str(path), manifest_sha256=saved.manifest_sha256),
    )


def test_a_rank_that_is_lost_while_it_samples_ends_the_group(orchestrator: Orchestrator, source: str) -> None:
    os.environ["RZERO_TOKEN"] = TOKEN
    try:
        started = start_group(2, "-m", "rzero_worker", "--connect", orchestrator.endpoint, *ROLES)
    finally:
        del os.environ["RZERO_TOKEN"]
    try:
        orchestrator.accept()
        orchestrator.call("load_model", samples.load(source=source, trainable=False))
        orchestrator.request("sample", samples.sample(n=100_000, max_tokens=60))
        orchestrator._until(lambda message: isinstance(message, p.Progress))
        started[1].send_signal(signal.SIGKILL)
        errors = [process.communicate(timeout=PATIENCE)[1] for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [BROKEN, -signal.SIGKILL]
    assert "the group of 2 ranks ends: sample: rank 0 failed (" in errors[0]
    assert "rank 1 did not answer" in errors[0]


def test_a_model_that_cannot_be_cut_up_is_a_failure_and_the_group_lives(pair: Pair, tmp_path: Path) -> None:
    group, _ = pair
    odd = tiny_models.qwen3_config(head_dim=32, num_attention_heads=3, num_key_value_heads=1)
    load = samples.load("odd", tiny_models.save_folder(tmp_path / "odd", odd), trainable=False)
    error = group.failure_of("load_model", load)
    assert error.code is p.ErrorCode.MODEL_UNLOADABLE
    assert drawn(group.call("sample", samples.sample(temperature=0.0)))


def test_a_group_of_vllm_samples_and_does_nothing_else(launch: Launch) -> None:
    worker: WorkerProcess = launch(
        "--connect", "tcp://127.0.0.1:5", "--backend", "vllm", "--roles", "train", WORLD_SIZE="2"
    )
    assert worker.wait() == 2
    (line,) = worker.stderr.splitlines()
    assert "argument --roles: saw 'train', 2 ranks (WORLD_SIZE) of vllm allow sample" in line
