"""Checkpoints: Hugging Face folders, there whole or not at all, with the optimiser beside the weights."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rzero_worker.errors import WorkerFailure
from rzero_worker.model import load_model

OPTIMIZER_FILE = "optimizer.safetensors"


def io_error(path: str | Path, problem: str, details: str | None = None) -> WorkerFailure:
    """Build the failure for an unusable checkpoint path; `problem` is the rest of the sentence."""
    return WorkerFailure("io_error", f"path {str(path)!r} {problem}", details)


def save(
    path: str,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    optimizer_tensors: dict[str, Tensor] | None,
) -> int:
    """Write a folder that AutoModelForCausalLM and vLLM open; return its size in bytes.

    It is written beside `path` under a temporary name, synced, then renamed, so a crash leaves no half of it
    under `path`. `optimizer_tensors` None leaves the optimiser out. Raises io_error; `path` must not exist.
    """
    target = Path(path).expanduser().absolute()
    if os.path.lexists(target):
        raise io_error(path, "exists already; a checkpoint is written to a new folder")
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        partial.mkdir(parents=True)
        model.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        if optimizer_tensors is not None:
            tensors = {name: tensor.contiguous() for name, tensor in sorted(optimizer_tensors.items())}
            save_file(tensors, partial / OPTIMIZER_FILE, metadata={"format": "pt"})
        size = sum(_sync(file) for file in sorted(partial.rglob("*")) if file.is_file())
        _sync(partial)
        partial.rename(target)
        _sync(target.parent)
    except (OSError, SafetensorError, ValueError) as error:  # ValueError: a generation config with a fault
        raise io_error(path, f"cannot be written: {error}", repr(error)) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return size


def _sync(path: Path) -> int:
    """Make a file or folder durable; return its size in bytes."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)


def load(path: str, like: PreTrainedModel) -> tuple[PreTrainedModel, dict[str, Tensor]]:
    """Read a folder made by `save`: the model, in float32 on the CPU, and the optimiser's tensors (or none).

    Everything is read and compared with the names and shapes of `like` before anything is returned, so a
    caller that got an answer can copy without failing. Raises io_error.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise io_error(path, "is not a folder" if folder.exists() else "does not exist")
    try:
        model = load_model(str(folder), torch.float32, torch.device("cpu"))
        file = folder / OPTIMIZER_FILE
        optimizer_tensors = load_file(file) if file.is_file() else {}
    except WorkerFailure as failure:
        raise io_error(path, f"is not a checkpoint: {failure.message}", failure.details) from failure
    except (OSError, SafetensorError) as error:
        raise io_error(path, f"cannot be read: {error}", repr(error)) from error
    expected = {name: tensor.shape for name, tensor in like.state_dict().items()}
    found = {name: tensor.shape for name, tensor in model.state_dict().items()}
    if wrong := sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    ):
        raise io_error(
            path, f"is of another model: {_difference(wrong[0], expected, found)}", "\n".join(wrong)
        )
    parameters = {name: parameter.shape for name, parameter in like.named_parameters()}
    shapes = {
        f"{kind}.{name}": shape for name, shape in parameters.items() for kind in ("exp_avg", "exp_avg_sq")
    }
    shapes |= {f"step.{name}": torch.Size([]) for name in parameters}
    saved = {name: tensor.shape for name, tensor in optimizer_tensors.items()}
    if optimizer_tensors and (
        wrong := sorted(name for name in shapes.keys() | saved.keys() if shapes.get(name) != saved.get(name))
    ):
        raise io_error(path, f"has another model's optimiser: {_difference(wrong[0], shapes, saved)}")
    return model, optimizer_tensors


def _difference(name: str, expected: dict[str, torch.Size], found: dict[str, torch.Size]) -> str:
    def shape(of: dict[str, torch.Size]) -> str:
        return str(list(of[name])) if name in of else "absent"

    return f"{name} is {shape(found)} there and {shape(expected)} in the loaded model"
