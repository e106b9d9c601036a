"""Weights in another form: every number rounded once, and adapters merged into what they lay over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tiny_models
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from rzero_worker import adapters
from rzero_worker.convert import BAD_DATA, convert, main
from rzero_worker.errors import WorkerFailure
from rzero_worker.model import load_model

CONFIGS = {"tied": tiny_models.qwen3_config(), "untied": tiny_models.llama_config()}
TOKENS = torch.tensor([[5, 9, 33, 7, 41, 12]])


@pytest.fixture(params=CONFIGS)
def source(request, tmp_path: Path) -> str:
    return tiny_models.save_folder(tmp_path / "source", CONFIGS[request.param])


def weights(folder: Path | str) -> dict[str, torch.Tensor]:
    return {name: t for file in Path(folder).glob("*.safetensors") for name, t in load_file(file).items()}


@torch.no_grad()
def logits(folder: Path | str) -> torch.Tensor:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)(TOKENS).logits


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_weights_are_rounded_as_torch_rounds_and_keep_their_names(source, dtype, tmp_path: Path) -> None:
    convert(source, tmp_path / "made", dtype)
    before, after = weights(source), weights(tmp_path / "made")
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        assert after[name].dtype == dtype
        assert torch.equal(after[name], tensor.to(dtype)), name
    config = json.loads((tmp_path / "made/config.json").read_text())
    assert config["dtype"] == str(dtype).removeprefix("torch.")
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "made", dtype="auto").dtype == dtype


def adapted(source: str, folder: Path) -> Path:
    """A folder of adapters over a source that change something, as a run leaves it."""
    model = adapters.attach(load_model(source, torch.float32, torch.device("cpu")), rank=4, alpha=8.0)
    torch.manual_seed(3)
    with torch.no_grad():
        for tensor in adapters.own_tensors(model).values():
            tensor.normal_(0, 0.2)
    model.save_pretrained(folder)
    return folder


def test_a_merged_model_says_what_base_and_adapters_say(source, tmp_path: Path) -> None:
    folder = adapted(source, tmp_path / "adapters")
    convert(str(folder), tmp_path / "made", torch.float32)
    assert weights(tmp_path / "made").keys() == weights(source).keys()
    assert not (tmp_path / "made/adapter_config.json").exists()
    assert (logits(source) - logits(folder)).abs().max() > 0.01  # they do change something
    assert (logits(tmp_path / "made") - logits(folder)).abs().max() <= 1e-5


def test_a_merged_model_is_rounded_after_the_sum(source, tmp_path: Path) -> None:
    folder = adapted(source, tmp_path / "adapters")
    convert(str(folder), tmp_path / "exact", torch.float32)
    convert(str(folder), tmp_path / "rounded", torch.bfloat16)
    exact, rounded = weights(tmp_path / "exact"), weights(tmp_path / "rounded")
    assert all(torch.equal(rounded[name], tensor.to(torch.bfloat16)) for name, tensor in exact.items())


def test_weights_that_overflow_are_refused_by_name(source, tmp_path: Path) -> None:
    file = Path(source) / "model.safetensors"
    tensors = load_file(file)
    name = "model.layers.0.mlp.up_proj.weight"
    tensors[name][0, 0] = 1e6
    save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(WorkerFailure, match=r"beyond the range of torch.float16: .*up_proj"):
        convert(source, tmp_path / "made", torch.float16)
    convert(source, tmp_path / "made", torch.bfloat16)


def test_the_command_says_what_is_wrong_in_one_line_of_json(tmp_path: Path, capsys) -> None:
    assert main([str(tmp_path / "absent"), str(tmp_path / "made"), "--dtype", "bfloat16"]) == BAD_DATA
    error = json.loads(capsys.readouterr().out.splitlines()[-1])["error"]
    assert error["code"] == "model_unloadable"
    assert "does not exist" in error["message"]
