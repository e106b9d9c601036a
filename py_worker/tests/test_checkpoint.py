"""Checkpoints: what others read from them, what a restored model does, and what is left after a failure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny_models
import torch
from safetensors.torch import load_file, save_file
from test_trainer import ADAM, LOSS, WIDE, make_batch
from transformers import AutoModelForCausalLM, AutoTokenizer

from rzero_worker import checkpoint
from rzero_worker.errors import WorkerFailure
from rzero_worker.trainer import Trainer


def make_trainer(steps: int = 2, config=None) -> Trainer:
    trainer = Trainer(tiny_models.make_model(config or tiny_models.qwen3_config()), WIDE)
    train(trainer, range(steps))
    return trainer


def train(trainer: Trainer, seeds) -> None:
    for seed in seeds:
        trainer.forward_backward(make_batch(seed), LOSS, 7.0)
        trainer.optim_step(ADAM)


def save(path: Path, trainer: Trainer, with_optimizer: bool = True) -> int:
    tensors = trainer.optimizer_tensors() if with_optimizer else None
    return checkpoint.save(str(path), trainer.model, tiny_models.make_tokenizer(), tensors)


def weights(model) -> dict[str, bytes]:
    return {name: tensor.detach().numpy().tobytes() for name, tensor in model.state_dict().items()}


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def failure_of_load(path: Path, like) -> WorkerFailure:
    with pytest.raises(WorkerFailure) as failure:
        checkpoint.load(str(path), like)
    assert failure.value.code == "io_error"
    assert str(path) in failure.value.message
    return failure.value


@pytest.mark.parametrize(
    "config", [tiny_models.qwen3_config(), tiny_models.llama_config()], ids=["tied", "untied"]
)
def test_transformers_opens_it_with_the_same_weights(tmp_path: Path, config) -> None:
    trainer = make_trainer(config=config)
    size = save(tmp_path / "new" / "c", trainer)
    files = contents(tmp_path / "new" / "c")
    assert size == sum(map(len, files.values()))
    assert {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json"} < files.keys()
    assert "optimizer.safetensors" in files
    assert json.loads(files["config.json"])["architectures"] == [type(trainer.model).__name__]
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "new" / "c", dtype="auto")
    assert weights(model) == weights(trainer.model)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "new" / "c")
    assert tokenizer.chat_template == tiny_models.CHAT_TEMPLATE
    assert tokenizer("ab c")["input_ids"] == [5, 6, tiny_models.make_tokenizer()(" ")["input_ids"][0], 7]


def test_the_optimiser_is_left_out_on_demand_and_nothing_is_ever_pickled(tmp_path: Path) -> None:
    save(tmp_path / "c", make_trainer(), with_optimizer=False)
    assert not (tmp_path / "c" / "optimizer.safetensors").exists()
    assert {file.suffix for file in (tmp_path / "c").iterdir()} <= {".json", ".safetensors", ".jinja"}


def test_equal_models_give_equal_files(tmp_path: Path) -> None:
    save(tmp_path / "a", make_trainer())
    save(tmp_path / "b", make_trainer())
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_restored_trainer_goes_on_bit_by_bit_as_the_saved_one(tmp_path: Path) -> None:
    trainer = make_trainer(steps=2)
    save(tmp_path / "c", trainer)
    train(trainer, (2, 3))
    other = make_trainer(steps=1)
    other.forward_backward(make_batch(9), LOSS, 1.0)  # a gradient that must not survive
    other.restore(*checkpoint.load(str(tmp_path / "c"), other.model))
    train(other, (2, 3))
    assert weights(other.model) == weights(trainer.model)


def test_without_a_saved_optimiser_a_restored_one_is_fresh(tmp_path: Path) -> None:
    trainer = make_trainer(steps=2)
    save(tmp_path / "c", trainer, with_optimizer=False)
    trainer.restore(*checkpoint.load(str(tmp_path / "c"), trainer.model))
    fresh = Trainer(checkpoint.load(str(tmp_path / "c"), trainer.model)[0], WIDE)
    assert trainer.optimizer_tensors() == {}
    for each in (trainer, fresh):
        train(each, (5,))
    assert weights(fresh.model) == weights(trainer.model)


def test_an_optimiser_without_a_step_is_saved_and_restored_as_fresh(tmp_path: Path) -> None:
    trainer = make_trainer(steps=0)
    save(tmp_path / "c", trainer)
    trainer.restore(*checkpoint.load(str(tmp_path / "c"), trainer.model))
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
    with pytest.raises(WorkerFailure, match="exists already") as failure:
        save(path, make_trainer(0))
    assert failure.value.code == "io_error"
    assert list(tmp_path.iterdir()) == [path]
    assert kind != "folder" or list(path.iterdir()) == []


def test_a_failure_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", fail)
    with pytest.raises(WorkerFailure, match="No space left on device") as failure:
        save(tmp_path / "c", make_trainer(1))
    assert failure.value.code == "io_error"
    assert list(tmp_path.iterdir()) == []


def test_a_parent_that_is_a_file_is_an_io_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkerFailure, match="cannot be written") as failure:
        save(tmp_path / "file" / "c", make_trainer(0))
    assert failure.value.code == "io_error"


def test_what_is_not_a_checkpoint_says_what_is_missing(tmp_path: Path) -> None:
    model = tiny_models.make_model(tiny_models.qwen3_config())
    assert "does not exist" in failure_of_load(tmp_path / "none", model).message
    (tmp_path / "file").write_text("")
    assert "is not a folder" in failure_of_load(tmp_path / "file", model).message
    (tmp_path / "empty").mkdir()
    assert "config.json" in failure_of_load(tmp_path / "empty", model).message


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors"])
def test_a_truncated_file_is_an_io_error(tmp_path: Path, name: str) -> None:
    trainer = make_trainer(1)
    save(tmp_path / "c", trainer)
    file = tmp_path / "c" / name
    file.write_bytes(file.read_bytes()[:-100])
    failure_of_load(tmp_path / "c", trainer.model)


def test_a_checkpoint_of_another_model_names_the_first_difference(tmp_path: Path) -> None:
    save(tmp_path / "c", make_trainer(1))
    wider = tiny_models.make_model(tiny_models.qwen3_config(hidden_size=64))
    assert (
        "of another model: lm_head.weight is [50, 32] there and [50, 64]"
        in failure_of_load(tmp_path / "c", wider).message
    )
    file = tmp_path / "c" / "optimizer.safetensors"
    tensors = load_file(file)
    del tensors["exp_avg.model.norm.weight"]
    save_file(tensors, file)
    model = tiny_models.make_model(tiny_models.qwen3_config())
    assert "exp_avg.model.norm.weight is absent there" in failure_of_load(tmp_path / "c", model).message
    assert torch.is_tensor(tensors["step.model.norm.weight"])
