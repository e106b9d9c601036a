"""Checkpoints: what others read from them, what a restored model does, and what is left after a failure."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import samples
import tiny_models
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from rzero_worker import checkpoint, manifest, rng
from rzero_worker.checkpoint import Content, Written
from rzero_worker.errors import WorkerFailure
from rzero_worker.trainer import Batch, Trainer

BUDGET = 4096
ADAM = samples.step(learning_rate=0.01, weight_decay=0.1, max_grad_norm=1.0).adam
LOSS = samples.loss()


def make_batch(seed: int) -> Batch:
    random = np.random.default_rng(seed)
    lengths = np.array([5, 9, 3], np.int32)
    mask = np.ones(lengths.sum(), bool)
    mask[np.cumsum(lengths) - lengths] = False
    return Batch(
        tokens=random.integers(0, tiny_models.VOCABULARY_SIZE, lengths.sum(), np.int32),
        lengths=lengths,
        mask=mask,
        advantages=np.array([1.0, -0.5, 2.0], np.float32),
    )


def make_trainer(steps: int = 2, config=None) -> Trainer:
    trainer = Trainer(tiny_models.make_model(config or tiny_models.qwen3_config()), BUDGET)
    train(trainer, range(steps))
    return trainer


def train(trainer: Trainer, seeds) -> None:
    for seed in seeds:
        trainer.forward_backward(make_batch(seed), LOSS, 7.0)
        trainer.optim_step(ADAM)


def save(path: Path, trainer: Trainer, with_optimizer: bool = True, **changes: Any) -> Written:
    content = Content(trainer.model)
    if with_optimizer:
        content = Content(trainer.model, trainer.optimizer_tensors(), rng.states())
    given = {"steps": trainer.steps, "weights_version": 7, **changes}
    return checkpoint.save(str(path), content, tiny_models.make_tokenizer(), **given)


def restore(trainer: Trainer, path: Path) -> None:
    content = checkpoint.load(str(path), trainer.model)
    trainer.restore(content.model, content.optimizer or {})


def weights(model) -> dict[str, bytes]:
    return {name: tensor.detach().numpy().tobytes() for name, tensor in model.state_dict().items()}


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def io_error_of(call: Callable[[], object], path: Path) -> str:
    with pytest.raises(WorkerFailure) as failure:
        call()
    assert failure.value.code == "io_error"
    assert repr(str(path)) in failure.value.message
    assert "\n" not in failure.value.message
    return failure.value.message


def failure_of_load(path: Path, like) -> str:
    return io_error_of(lambda: checkpoint.load(str(path), like), path)


@pytest.mark.parametrize(
    "config", [tiny_models.qwen3_config(), tiny_models.llama_config()], ids=["tied", "untied"]
)
def test_transformers_opens_it_with_the_same_weights(tmp_path: Path, config) -> None:
    trainer = make_trainer(config=config)
    written = save(tmp_path / "new" / "c", trainer)
    files = contents(tmp_path / "new" / "c")
    assert written.bytes == sum(map(len, files.values()))
    assert {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json"} < files.keys()
    assert json.loads(files["config.json"])["architectures"] == [type(trainer.model).__name__]
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "new" / "c", dtype="auto")
    assert weights(model) == weights(trainer.model)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "new" / "c")
    assert tokenizer.chat_template == tiny_models.CHAT_TEMPLATE
    assert tokenizer("ab c")["input_ids"] == [5, 6, tiny_models.make_tokenizer()(" ")["input_ids"][0], 7]


def test_beside_the_config_no_safetensors_but_weights(tmp_path: Path) -> None:
    # vLLM takes all of them for weights, and finds no parameter for a moment.
    save(tmp_path / "c", make_trainer())
    assert [file.name for file in (tmp_path / "c").glob("*.safetensors")] == ["model.safetensors"]
    assert sorted(file.name for file in (tmp_path / "c" / "training").iterdir()) == [
        "optimizer.safetensors",
        "rng.safetensors",
    ]


def test_many_weights_are_in_several_files_that_transformers_puts_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer()
    monkeypatch.setattr(checkpoint, "MAX_FILE_BYTES", 20_000)
    written = save(tmp_path / "c", trainer)
    index = json.loads((tmp_path / "c" / "model.safetensors.index.json").read_text())
    files = sorted(set(index["weight_map"].values()))
    assert len(files) > 2 and files[0] == f"model-00001-of-{len(files):05}.safetensors"
    assert files == sorted(file.name for file in (tmp_path / "c").glob("*.safetensors"))
    assert all((tmp_path / "c" / name).stat().st_size < 22_000 for name in files)
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "c", dtype="auto")
    assert weights(model) == weights(trainer.model)
    assert weights(checkpoint.load(str(tmp_path / "c"), trainer.model).model) == weights(trainer.model)
    assert set(files) < manifest.verify(str(tmp_path / "c"), written.manifest_sha256).files.keys()
    for name in files:
        file = tmp_path / "c" / name
        whole = file.read_bytes()
        file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert f"{name} is damaged" in io_error_of(
            lambda: manifest.verify(str(tmp_path / "c")), tmp_path / "c"
        )
        file.write_bytes(whole)


def test_who_may_read_the_config_may_read_the_weights(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        save(tmp_path / "c", make_trainer(1))
    finally:
        os.umask(before)
    paths = [tmp_path / "c", *(tmp_path / "c").rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_dir()} == {0o750}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_file()} == {0o640}


def test_the_optimiser_is_left_out_on_demand_and_nothing_is_ever_pickled(tmp_path: Path) -> None:
    save(tmp_path / "c", make_trainer(), with_optimizer=False)
    assert not (tmp_path / "c" / "training").exists()
    save(tmp_path / "d", make_trainer())
    for name in contents(tmp_path / "c").keys() | contents(tmp_path / "d").keys():
        assert Path(name).suffix in {".json", ".safetensors", ".jinja"}


def test_the_manifest_is_of_all_files_and_says_where_in_the_training(tmp_path: Path) -> None:
    written = save(tmp_path / "c", make_trainer(3), extras={"ledger.json": b"{}"})
    found = manifest.verify(str(tmp_path / "c"), written.manifest_sha256)
    assert (found.steps, found.weights_version) == (3, 7)
    assert found.files.keys() | {"manifest.json"} == contents(tmp_path / "c").keys()
    assert (tmp_path / "c" / "ledger.json").read_bytes() == b"{}"


def test_equal_models_give_equal_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        torch.manual_seed(3)
        save(tmp_path / name, make_trainer())
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_restored_trainer_goes_on_bit_by_bit_as_the_saved_one(tmp_path: Path) -> None:
    trainer = make_trainer(steps=2)
    save(tmp_path / "c", trainer)
    train(trainer, (2, 3))
    other = make_trainer(steps=1)
    other.forward_backward(make_batch(9), LOSS, 1.0)  # a gradient that must not survive
    restore(other, tmp_path / "c")
    assert other.steps == 2
    train(other, (2, 3))
    assert other.steps == 4
    assert weights(other.model) == weights(trainer.model)
    for name, tensor in trainer.optimizer_tensors().items():
        assert torch.equal(other.optimizer_tensors()[name], tensor)


def test_the_random_generator_goes_on_where_it_was(tmp_path: Path) -> None:
    trainer = make_trainer(1)
    torch.manual_seed(5)
    torch.rand(3)
    save(tmp_path / "c", trainer)
    expected = torch.rand(8)
    rng.restore(checkpoint.load(str(tmp_path / "c"), trainer.model).rng)
    assert torch.equal(torch.rand(8), expected)


def test_a_random_generator_of_another_machine(tmp_path: Path) -> None:
    trainer = make_trainer(1)
    save(tmp_path / "c", trainer)
    file = tmp_path / "c" / "training" / "rng.safetensors"
    here = load_file(file)["cpu"]
    # A GPU's, where there is none: left out.
    save_file({"cpu": here, "cuda": here.clone()}, file)
    if not torch.cuda.is_available():
        rng.restore(checkpoint.load(str(tmp_path / "c"), trainer.model).rng)
    save_file({"cpu": here[:-1].contiguous()}, file)
    assert "rng.safetensors that does not fit: cpu is [" in failure_of_load(tmp_path / "c", trainer.model)


def test_without_a_saved_optimiser_a_restored_one_is_fresh(tmp_path: Path) -> None:
    trainer = make_trainer(steps=2)
    save(tmp_path / "c", trainer, with_optimizer=False)
    assert manifest.verify(str(tmp_path / "c")).steps == 2
    restore(trainer, tmp_path / "c")
    fresh = Trainer(checkpoint.load(str(tmp_path / "c"), trainer.model).model, BUDGET)
    assert trainer.optimizer_tensors() == {}
    assert trainer.steps == 0
    for each in (trainer, fresh):
        train(each, (5,))
    assert weights(fresh.model) == weights(trainer.model)


def test_an_optimiser_without_a_step_is_saved_and_restored_as_fresh(tmp_path: Path) -> None:
    trainer = make_trainer(steps=0)
    save(tmp_path / "c", trainer)
    restore(trainer, tmp_path / "c")
    assert trainer.optimizer_tensors() == {}


@pytest.mark.parametrize("kind", ["folder", "file", "dangling link"])
def test_a_path_that_exists_is_left_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "c"
    if kind == "folder":
        path.mkdir()
    elif kind == "file":
        path.write_text("mine")
    else:
        path.symlink_to(tmp_path / "nowhere")
    assert "exists already" in io_error_of(lambda: save(path, make_trainer(0)), path)
    assert list(tmp_path.iterdir()) == [path]
    assert kind != "folder" or list(path.iterdir()) == []


def failing(nth: int, of: Callable) -> Callable:
    """The function, but its nth call (from 0) finds the disk full."""
    calls = iter(range(1_000_000))

    def fail(*args, **kwargs):
        if next(calls) == nth:
            raise OSError(28, "No space left on device")
        return of(*args, **kwargs)

    return fail


def syncs_of_a_save(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    synced: list[int] = []
    with monkeypatch.context() as patched:
        real = os.fsync
        patched.setattr(os, "fsync", lambda descriptor: (synced.append(descriptor), real(descriptor)))
        save(tmp_path / "counted", make_trainer(1))
    # Each file, the folder below and the whole, and the folder that it was put into.
    assert len(synced) == len(contents(tmp_path / "counted")) + 3
    return len(synced)


def test_what_need_not_be_durable_does_not_wait_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    )
    written = save(tmp_path / "new" / "c", make_trainer(1), durable=False)
    assert [Path(name).name for name in synced] == ["manifest.json"]
    manifest.verify(str(tmp_path / "new" / "c"), written.manifest_sha256)
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_a_failure_anywhere_leaves_nothing_and_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(1)
    syncs = syncs_of_a_save(tmp_path, monkeypatch)
    faults = [(os, "fsync", nth) for nth in range(syncs)]
    faults += [(checkpoint, "save_file", 0), (checkpoint, "save_file", 1)]
    faults += [(os, "rename", 0), (manifest, "write", 0)]
    for module, name, nth in faults:
        path = tmp_path / "new" / "c"
        with monkeypatch.context() as patched:
            patched.setattr(module, name, failing(nth, getattr(module, name)))
            message = io_error_of(lambda path=path: save(path, trainer), path)
        assert message.endswith("cannot be written: [Errno 28] No space left on device"), (name, nth)
        assert list((tmp_path / "new").iterdir()) == [], (name, nth)
    save(tmp_path / "new" / "c", trainer)
    manifest.verify(str(tmp_path / "new" / "c"))


def test_files_that_may_not_grow_are_an_io_error(tmp_path: Path) -> None:
    # As on a full disk, the system refuses to write.
    trainer = make_trainer(1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (100, 50_000, 150_000):
        path = tmp_path / "c"
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
        try:
            message = io_error_of(lambda path=path: save(path, trainer), path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert "File too large" in message
        assert list(tmp_path.iterdir()) == []


def killed(work: Callable[[], object]) -> None:
    """Do the work in a copy of this process, which must be killed by it."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)  # nothing of the tests' may run twice
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def killing(nth: int, of: Callable, after: bool) -> Callable:
    """The function, but the process dies just before or after its nth call (from 0)."""
    calls = iter(range(1_000_000))

    def call(*args, **kwargs):
        mine = next(calls) == nth
        result = None if mine and not after else of(*args, **kwargs)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return call


def test_a_writer_that_is_killed_leaves_the_whole_or_nothing_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(1)
    syncs = syncs_of_a_save(tmp_path, monkeypatch)
    deaths = [("rename", 0, False, False), ("rename", 0, True, True), ("fsync", syncs - 1, False, True)]
    deaths += [("fsync", nth, False, False) for nth in range(0, syncs - 1, 3)]
    for number, (name, nth, after, whole) in enumerate(deaths):
        folder = tmp_path / str(number)
        folder.mkdir()
        with monkeypatch.context() as patched:
            patched.setattr(os, name, killing(nth, getattr(os, name), after))
            killed(lambda folder=folder: save(folder / "c", trainer))
        left = list(folder.iterdir())
        if whole:
            assert left == [folder / "c"]
        else:
            # What the dead left behind is in nobody's way, and goes when somebody writes there again.
            (partial,) = left
            assert partial.name.startswith(".c.") and partial.name.endswith(".partial")
            save(folder / "c", trainer)
            assert list(folder.iterdir()) == [folder / "c"]
        manifest.verify(str(folder / "c"))
        assert weights(checkpoint.load(str(folder / "c"), trainer.model).model) == weights(trainer.model)


def test_a_parent_that_is_a_file_is_an_io_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "c"
    assert "cannot be written" in io_error_of(lambda: save(path, make_trainer(0)), path)


def test_what_is_not_a_checkpoint_says_what_is_missing(tmp_path: Path) -> None:
    model = tiny_models.make_model(tiny_models.qwen3_config())
    assert "does not exist" in failure_of_load(tmp_path / "none", model)
    (tmp_path / "file").write_text("")
    assert "is not a folder" in failure_of_load(tmp_path / "file", model)
    (tmp_path / "empty").mkdir()
    assert "config.json" in failure_of_load(tmp_path / "empty", model)


@pytest.mark.parametrize("name", ["model.safetensors", checkpoint.OPTIMIZER_FILE, checkpoint.RNG_FILE])
def test_a_truncated_file_is_an_io_error(tmp_path: Path, name: str) -> None:
    trainer = make_trainer(1)
    save(tmp_path / "c", trainer)
    file = tmp_path / "c" / name
    file.write_bytes(file.read_bytes()[:-100])
    failure_of_load(tmp_path / "c", trainer.model)


def test_a_checkpoint_of_another_model_names_the_first_difference(tmp_path: Path) -> None:
    save(tmp_path / "c", make_trainer(1))
    wider = tiny_models.make_model(tiny_models.qwen3_config(hidden_size=64))
    assert "of another model: lm_head.weight is [50, 32] there and [50, 64]" in failure_of_load(
        tmp_path / "c", wider
    )
    file = tmp_path / "c" / checkpoint.OPTIMIZER_FILE
    tensors = load_file(file)
    del tensors["exp_avg.model.norm.weight"]
    save_file(tensors, file)
    model = tiny_models.make_model(tiny_models.qwen3_config())
    assert "exp_avg.model.norm.weight is absent there" in failure_of_load(tmp_path / "c", model)
    assert torch.is_tensor(tensors["step.model.norm.weight"])
