"""Two ranks that train one model together, over gloo on the CPU, beside one process that trains it alone."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
import samples
import tiny_models
import torch
from conftest import TOKEN, Launch, Orchestrator, WorkerProcess
from group import start_group
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, BloomConfig, Qwen3MoeConfig

from rzero_worker import protocol as p
from rzero_worker.backend import Context
from rzero_worker.backends.torch import TorchBackend
from rzero_worker.packing import idle_pack, make_packs, share_budget
from rzero_worker.ranks import ALONE, Ranks
from rzero_worker.watch import BROKEN, _told

PATIENCE = 120
"""Seconds, far above what a group takes: it turns a hang into an error."""

CONFIGS = {
    "qwen3, tied": tiny_models.qwen3_config,
    "llama, untied": tiny_models.llama_config,
    "qwen3, of experts": lambda: Qwen3MoeConfig(
        vocab_size=tiny_models.VOCABULARY_SIZE,
        hidden_size=32,
        intermediate_size=48,
        moe_intermediate_size=16,
        num_experts=6,
        num_experts_per_tok=2,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        max_position_embeddings=96,
        bos_token_id=None,
        eos_token_id=tiny_models.EOS_ID,
        pad_token_id=0,
    ),
    "bloom, padded": lambda: BloomConfig(
        vocab_size=tiny_models.VOCABULARY_SIZE,
        hidden_size=32,
        n_layer=2,
        n_head=4,
        bos_token_id=None,
        eos_token_id=tiny_models.EOS_ID,
        pad_token_id=0,
    ),
}
SEQUENCES = [[5, 6, 7, 8, 9], [10, 11, 12], [5, 6, 7, 20, 21, 22, 23], [30, 31, 32, 33]]
ADVANTAGES = [1.0, -1.0, 0.5, -0.3]


# Numbers


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    place = tmp_path_factory.mktemp("models")
    return {
        name: tiny_models.save_folder(place / str(at), make())
        for at, (name, make) in enumerate(CONFIGS.items())
    }


@pytest.fixture(scope="module")
def numbers(folders: dict[str, str]) -> list[dict]:
    """What each rank found; see rank_numbers.py."""
    started = start_group(2, "rank_numbers.py", *folders.values())
    ends = [process.communicate(timeout=PATIENCE) for process in started]
    assert [process.returncode for process in started] == [0, 0], ends
    return [json.loads(out.splitlines()[-1]) for out, _ in ends]


@pytest.mark.parametrize("at", range(len(CONFIGS)), ids=CONFIGS)
def test_two_ranks_train_as_one_process_does(numbers: list[dict], at: int) -> None:
    for step in numbers[0]["train"][at]:
        assert step["packed"] == (list(CONFIGS)[at] != "bloom, padded")
        assert step["gradients"] < 1e-5
        assert step["weights"] < 1e-5
        assert step["logprobs"] < 1e-5
        assert step["norms"][0] == pytest.approx(step["norms"][1], rel=1e-5)
        assert step["norms"][0] > 1  # there is something to compare
        for ours, alone in step["metrics"]:
            assert ours["tokens"] == alone["tokens"] > 40
            assert ours == pytest.approx(alone, abs=1e-5)


def test_rank_0_alone_gets_gathered_weights_in_the_type_that_was_asked_for(numbers: list[dict]) -> None:
    found = numbers[0]["gathered"]
    assert (found["had"], found["wrong"]) == (found["names"], 0)


def test_all_ranks_know_the_same(numbers: list[dict]) -> None:
    assert numbers[0] == numbers[1]


def test_a_failure_names_the_sequences_and_leaves_the_gradient(numbers: list[dict]) -> None:
    (code, message), left, (other_code, _), left_then, budget, together = numbers[0]["fail"]["said"]
    assert (code, left) == ("not_finite", 0)
    assert message.startswith("sequences 5: the loss of a token is ")
    assert (other_code, left_then) == ("out_of_memory", 0)
    assert budget < 40  # and the same on all ranks, or the next call would hang
    assert together < 1e-5  # of that call, and the one before the failures
    assert numbers[0]["fail"]["norm_after_step"] == 0


def test_a_rank_without_work_adds_nothing(numbers: list[dict]) -> None:
    little = numbers[0]["little"]
    ours, alone = little["metrics"]
    assert ours == pytest.approx(alone, abs=1e-6) and ours["tokens"] > 5
    assert little["gradients"] < 1e-6
    assert little["none"]["tokens"] == 0 and little["none"]["ratio_mean"] == 1


def test_layers_may_compute_in_bfloat16_over_float32_weights(numbers: list[dict]) -> None:
    whole, halved = numbers[0]["halved"]["float32"], numbers[0]["halved"]["bfloat16"]
    assert halved[0] == pytest.approx(whole[0], rel=0.05) and halved[0] != whole[0]
    assert halved[1] == pytest.approx(whole[1], rel=0.05)
    assert halved[2] == ["torch.float32"]


def test_a_rank_holds_its_share(numbers: list[dict]) -> None:
    held = [found["held"] for found in numbers]
    for what in ("parameters", "gradients", "moments"):
        shares = [of[what] for of in held]
        assert sum(shares) == held[0]["all"] and max(shares) <= 0.51 * held[0]["all"]


# Shares of a batch


@pytest.mark.parametrize(("ranks", "budget"), [(2, 1000), (4, 64), (3, 20)])
def test_packs_are_cut_so_that_every_rank_has_as_much_to_do(ranks: int, budget: int) -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(5, 20, 60)
    tokens = np.arange(lengths.sum())
    mask = np.ones(len(tokens), bool)
    mask[np.cumsum(lengths) - lengths] = False
    whole = make_packs(tokens, lengths, mask, budget)
    packs = make_packs(tokens, lengths, mask, share_budget(whole, budget, ranks))
    packs.sort(key=lambda pack: pack.tokens.size, reverse=True)
    assert sorted(np.concatenate([pack.source for pack in packs])) == np.flatnonzero(mask).tolist()
    assert max(pack.tokens.size for pack in packs) <= budget
    idle = idle_pack(True)
    turns = [Ranks(rank, ranks).rounds(packs, idle) for rank in range(ranks)]
    assert len({len(turn) for turn in turns}) == 1
    # What all wait for is the largest pack of a round: not much more than a perfect share.
    waited = sum(max(pack.tokens.size for pack in together) for _, together in turns[0])
    assert waited <= 1.35 * sum(pack.tokens.size for pack in packs) / ranks
    own = [pack for turn in turns for pack, _ in turn if pack is not idle]
    assert sorted(map(id, own)) == sorted(map(id, packs))


def test_one_process_takes_every_pack() -> None:
    assert ALONE.rounds([1, 2, 3], 0) == [(1, [1]), (2, [2]), (3, [3])]


# The worker under torchrun


def torchrun(orchestrator: Orchestrator, launch: Launch, *arguments: str) -> WorkerProcess:
    command = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "rzero_worker")
    given = ("--connect", orchestrator.endpoint, "--backend", "torch", "--roles", "train", *arguments)
    return launch(*given, program=command, OMP_NUM_THREADS="1")


def forward(sequences: list[list[int]]) -> p.ForwardParams:
    return samples.forward(sequences, temperature=0.8)


def train_on_both(orchestrator: Orchestrator, alone: TorchBackend, seq: int) -> None:
    """A gradient and a step, in the group and in this process; their norms are the same."""
    batch, step = samples.train(SEQUENCES, ADVANTAGES, seq=seq), samples.step(seq=seq + 1, epsilon=1e-4)
    ours, theirs = orchestrator.call("forward_backward", batch), alone.forward_backward(batch)
    assert ours.tokens == theirs.tokens and ours.entropy == pytest.approx(theirs.entropy, abs=1e-5)
    norm = orchestrator.call("optim_step", step).grad_norm
    assert norm == pytest.approx(alone.optim_step(step).grad_norm, rel=1e-5)


def logprobs_of_both(orchestrator: Orchestrator, alone: TorchBackend) -> list[np.ndarray]:
    asked = forward(SEQUENCES)
    answers = orchestrator.call("forward", asked), alone.forward(asked, Context())
    return [np.frombuffer(answer.logprobs, "<f4") for answer in answers]


@pytest.fixture(scope="module")
def group(launch: Launch) -> Iterator[tuple[Orchestrator, WorkerProcess]]:
    """A worker of two ranks that has been welcomed."""
    bound = Orchestrator()
    worker = torchrun(bound, launch)
    hello = bound.accept()
    assert hello.capabilities == [p.Capability.TRAIN]
    assert hello.versions["ranks"] == "2"
    yield bound, worker
    bound.close()


def test_a_checkpoint_goes_from_two_ranks_to_one_process_and_back(
    group: tuple[Orchestrator, WorkerProcess], folders: dict[str, str], tmp_path: Path
) -> None:
    orchestrator, _ = group
    alone = TorchBackend("cpu")
    load = samples.load(source=folders["qwen3, tied"])
    assert orchestrator.call("load_model", load) == alone.load_model(load)
    train_on_both(orchestrator, alone, 1)
    published = orchestrator.call("publish_weights", p.PublishWeightsParams(model_id="m"))
    assert published.weights_version == 1

    # From two to one: what another model would do with the folder, and the optimiser with it.
    path = str(tmp_path / "two")
    saved = orchestrator.call(
        "save_checkpoint", p.SaveCheckpointParams(model_id="m", path=path, with_optimizer=True)
    )
    files = [file for file in Path(path).rglob("*") if file.is_file()]
    assert saved.bytes == sum(file.stat().st_size for file in files)
    assert {file.suffix for file in files} <= {".json", ".safetensors", ".jinja"}  # no pickle
    opened = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    for name, tensor in opened.named_parameters():
        here = alone._models["m"].trained.get_parameter(name)
        torch.testing.assert_close(tensor, here, atol=1e-5, rtol=0, check_device=False)
    loaded = alone.load_checkpoint(p.LoadCheckpointParams(model_id="m", path=path))
    assert (loaded.steps, loaded.proof.checksum) == (1, published.proof.checksum)
    train_on_both(orchestrator, alone, 3)

    # From one to two, into a model that has been trained on other things.
    path = str(tmp_path / "one")
    alone.save_checkpoint(p.SaveCheckpointParams(model_id="m", path=path, with_optimizer=True))
    orchestrator.call("forward_backward", samples.train(SEQUENCES[:1], [9.0], seq=5))
    orchestrator.call("optim_step", samples.step(seq=6))
    loaded = orchestrator.call("load_checkpoint", p.LoadCheckpointParams(model_id="m", path=path))
    assert (loaded.steps, loaded.weights_version) == (2, 2)
    train_on_both(orchestrator, alone, 7)
    ours, theirs = logprobs_of_both(orchestrator, alone)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    path = str(tmp_path / "again")
    orchestrator.call("save_checkpoint", p.SaveCheckpointParams(model_id="m", path=path, with_optimizer=True))
    moments = load_file(Path(path) / "training" / "optimizer.safetensors")
    for name, tensor in alone._models["m"].trainer.optimizer_tensors().items():
        torch.testing.assert_close(moments[name], tensor, atol=1e-6, rtol=1e-3)


def test_a_frozen_model_follows_a_trained_one(
    group: tuple[Orchestrator, WorkerProcess], folders: dict[str, str], tmp_path: Path
) -> None:
    orchestrator, _ = group
    alone = TorchBackend("cpu")
    source = folders["llama, untied"]
    average = p.AverageWeightsParams(model_id="m", towards="t", share=0.25)
    for name, trainable in (("t", True), ("m", False)):
        load = samples.load(name, source=source, trainable=trainable)
        assert orchestrator.call("load_model", load) == alone.load_model(load)
    batch, step = samples.train(SEQUENCES, ADVANTAGES, model_id="t"), samples.step(2, "t", epsilon=1e-4)
    orchestrator.call("forward_backward", batch)
    orchestrator.call("optim_step", step)
    alone.forward_backward(batch)
    alone.optim_step(step)
    before = logprobs_of_both(orchestrator, alone)
    assert orchestrator.call("average_weights", average) == alone.average_weights(average)
    after = logprobs_of_both(orchestrator, alone)
    assert np.abs(before[0] - after[0]).max() > 1e-2
    for ours, theirs in (before, after):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    # A frozen one takes a checkpoint too.
    path = str(tmp_path / "t")
    orchestrator.call(
        "save_checkpoint", p.SaveCheckpointParams(model_id="t", path=path, with_optimizer=False)
    )
    for call in (
        lambda verb, params: orchestrator.call(verb, params),
        lambda verb, params: getattr(alone, verb)(params),
    ):
        assert call("load_checkpoint", p.LoadCheckpointParams(model_id="m", path=path)).weights_version == 2
    ours, theirs = logprobs_of_both(orchestrator, alone)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    for name in ("t", "m"):
        orchestrator.call("unload_model", p.UnloadModelParams(model_id=name))


def test_failures_that_all_ranks_meet_are_answers(
    group: tuple[Orchestrator, WorkerProcess], folders: dict[str, str], tmp_path: Path
) -> None:
    orchestrator, _ = group
    orchestrator.call("load_model", samples.load(source=folders["qwen3, tied"]))
    nowhere = str(tmp_path / "nowhere")
    for verb, params, code in (
        ("load_model", samples.load("x", source=nowhere), p.ErrorCode.MODEL_UNLOADABLE),
        ("optim_step", samples.step(1, "x"), p.ErrorCode.UNKNOWN_MODEL),
        ("forward", forward([[5, 10_000]]), p.ErrorCode.INVALID_REQUEST),
        ("sample", samples.sample(), p.ErrorCode.INVALID_REQUEST),
        (
            "load_model",
            samples.load(
                "x",
                source=folders["qwen3, tied"],
                training=p.Training(
                    pack_tokens=0, recompute=False, offload=False, lora_rank=8, lora_alpha=1.0
                ),
            ),
            p.ErrorCode.INVALID_REQUEST,
        ),
        ("load_checkpoint", p.LoadCheckpointParams(model_id="m", path=nowhere), p.ErrorCode.IO_ERROR),
        (
            "save_checkpoint",
            p.SaveCheckpointParams(model_id="m", path=str(tmp_path), with_optimizer=True),
            p.ErrorCode.IO_ERROR,
        ),
        (
            "forward_backward",
            samples.train(SEQUENCES, [3e38] * 4, seq=1, normalizer=1e-30),
            p.ErrorCode.NOT_FINITE,
        ),
    ):
        assert orchestrator.failure_of(verb, params).code is code, verb
    assert orchestrator.call("optim_step", samples.step(seq=2)).grad_norm == 0


def test_all_ranks_stop_at_the_same_pack_when_a_call_is_cancelled(
    group: tuple[Orchestrator, WorkerProcess], folders: dict[str, str]
) -> None:
    orchestrator, _ = group
    how = p.Training(pack_tokens=16, recompute=False, offload=False, lora_rank=0, lora_alpha=1.0)
    orchestrator.call("load_model", samples.load(source=folders["qwen3, tied"], training=how))
    many = forward([[5 + i % 40, *range(5, 20)] for i in range(4000)])
    seen: list[p.Progress] = []
    running = orchestrator.request("forward", many)
    message = orchestrator.receive()
    while not isinstance(message, p.Progress):
        message = orchestrator.receive()
    assert orchestrator.call("ping", p.PingParams()).busy == "forward"
    assert orchestrator.call("cancel", p.CancelParams(id=running)).found
    answer = orchestrator.answer_to(running, seen)
    assert isinstance(answer, p.Failure) and answer.error.code is p.ErrorCode.CANCELLED
    assert all(a.done < b.done <= 4000 for a, b in pairwise([message, *seen]))
    orchestrator.call("forward", forward(SEQUENCES))


def test_shutdown_ends_all_ranks_with_exit_code_0(group: tuple[Orchestrator, WorkerProcess]) -> None:
    orchestrator, worker = group
    orchestrator.call("shutdown", p.ShutdownParams())
    assert worker.wait() == 0
    assert "ERROR" not in worker.stderr and "Traceback" not in worker.stderr
    assert worker.stdout == ""


# A group of one, as a GPU is one


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_group_of_one_trains_publishes_and_saves_as_a_whole_model(
    folders: dict[str, str], tmp_path: Path, kind: str
) -> None:
    whole, cut = TorchBackend("cpu"), TorchBackend("cpu", sharded=True)
    both = (whole, cut)
    try:
        load = samples.load(source=folders[kind])
        assert whole.load_model(load) == cut.load_model(load)
        assert cut._models["m"].trainer.scorer.is_sharded
        for seq in (1, 3):
            results = [b.forward_backward(samples.train(SEQUENCES, ADVANTAGES, seq=seq)) for b in both]
            assert results[0] == results[1]
            norms = [b.optim_step(samples.step(seq=seq + 1, max_grad_norm=1.0)).grad_norm for b in both]
            assert norms[1] == pytest.approx(norms[0], rel=1e-6)
        published = [b.publish_weights(p.PublishWeightsParams(model_id="m")) for b in both]
        assert published[0] == published[1]
        asked = samples.sample(temperature=1.0, max_tokens=8)
        assert whole.sample(asked, Context()).tokens == cut.sample(asked, Context()).tokens
        for saver, loader in (both, (cut, whole)):
            path = str(tmp_path / str(saver is cut))
            saver.save_checkpoint(p.SaveCheckpointParams(model_id="m", path=path, with_optimizer=True))
            loaded = loader.load_checkpoint(p.LoadCheckpointParams(model_id="m", path=path))
            assert (loaded.steps, loaded.proof) == (2, published[0].proof)
        # A frozen one, whole in both, and the trained one, each moved towards the other.
        frozen = samples.load("f", source=folders[kind], trainable=False)
        for b in both:
            b.load_model(frozen)
            for model_id, towards in (("f", "m"), ("m", "f")):
                b.average_weights(p.AverageWeightsParams(model_id=model_id, towards=towards, share=0.5))
        for model_id in ("f", "m"):
            params = msgspec.structs.replace(forward(SEQUENCES), model_id=model_id)
            ours, theirs = (np.frombuffer(b.forward(params, Context()).logprobs, "<f4") for b in both)
            np.testing.assert_allclose(ours, theirs, atol=1e-5)
    finally:
        torch.distributed.destroy_process_group()


# Groups that break


def start_worker(orchestrator: Orchestrator, fault: str, timeout: str, file: Path) -> list:
    """Two ranks without torchrun, which would end the others for us."""
    os.environ["RZERO_TOKEN"], os.environ["RZERO_TEST_FILE"] = TOKEN, str(file)
    try:
        given = ("--connect", orchestrator.endpoint, "--backend", "torch", "--collective-timeout", timeout)
        return start_group(2, "rank_faults.py", fault, *given)
    finally:
        del os.environ["RZERO_TOKEN"], os.environ["RZERO_TEST_FILE"]


def ends(started: list) -> tuple[list[int], list[str]]:
    """Exit codes, and what rank 0 said of the group."""
    errors = [process.communicate(timeout=PATIENCE)[1] for process in started]
    return [process.returncode for process in started], [
        line.partition("rzero_worker.watch: ")[2]
        for line in errors[0].splitlines()
        if " watch: " in line or "watch:" in line
    ]


@pytest.mark.parametrize(
    ("fault", "timeout", "said"),
    [
        ("hang", "3", "optim_step: rank 1 late by 3 s"),
        ("alone", "60", "optim_step: rank 0 did not answer, rank 1 failed (out_of_memory: not enough memory"),
        ("die", "40", "optim_step: rank 0 failed ("),
    ],
)
def test_a_rank_that_is_lost_ends_the_group_and_is_named(
    orchestrator: Orchestrator, folders: dict[str, str], tmp_path: Path, fault: str, timeout: str, said: str
) -> None:
    started = start_worker(orchestrator, fault, timeout, tmp_path / "pid")
    try:
        orchestrator.accept()
        orchestrator.call("load_model", samples.load(source=folders["qwen3, tied"]))
        orchestrator.call("forward_backward", samples.train(SEQUENCES, ADVANTAGES))
        orchestrator.request("optim_step", samples.step())
        if fault == "die":
            while not (tmp_path / "pid").exists():
                orchestrator.call("ping", p.PingParams())
            started[1].send_signal(signal.SIGKILL)
        codes, lines = ends(started)
    finally:
        for process in started:
            process.kill()
    assert codes == [BROKEN, -signal.SIGKILL if fault == "die" else BROKEN]
    assert lines == [line for line in lines if line.startswith(f"the group of 2 ranks ends: {said}")]
    assert len(lines) == 1
    assert fault != "die" or lines[0].endswith("rank 1 did not answer")


def test_torchrun_ends_a_group_whose_rank_is_killed_while_nothing_is_asked(
    orchestrator: Orchestrator, launch: Launch
) -> None:
    worker = torchrun(orchestrator, launch)
    first = orchestrator.accept().pid
    launcher = worker.process.pid
    ranks = map(int, Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split())
    os.kill(next(rank for rank in ranks if rank != first), signal.SIGKILL)
    assert worker.wait() == 1
    assert "the group ends: rank 1 did not end in order" in worker.stderr


def test_what_the_ranks_said_is_told_together() -> None:
    assert _told(["", None, "", "internal: x"]) == (
        "ranks 0, 2 did well, rank 1 did not answer, rank 3 failed (internal: x)"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--backend", "mock"), "argument --backend: saw 'mock', 2 ranks (WORLD_SIZE) allow torch or vllm"),
        (
            ("--backend", "torch", "--roles", "sample,train"),
            "argument --roles: saw 'sample,train', 2 ranks (WORLD_SIZE) of torch allow train",
        ),
        (("--backend", "torch", "--collective-timeout", "0"), "argument --collective-timeout: saw '0'"),
    ],
)
def test_what_a_group_cannot_do_is_one_line(launch: Launch, arguments: tuple[str, ...], said: str) -> None:
    worker = launch("--connect", "tcp://127.0.0.1:5", *arguments, WORLD_SIZE="2")
    assert worker.wait() == 2
    (line,) = worker.stderr.splitlines()
    assert said in line
