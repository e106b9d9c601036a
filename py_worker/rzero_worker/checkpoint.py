"""Checkpoints: Hugging Face folders, there whole or not at all, with what training needs below `training/`.

That is a folder of its own because vLLM takes every safetensors file beside the config for weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from rzero_worker import manifest, pulse, rng
from rzero_worker.adapters import has_adapters, is_adapters, own_parameters, own_tensors, read, twin
from rzero_worker.adapters import load as load_adapters
from rzero_worker.backend import NO_FILES
from rzero_worker.draft import draft, sync
from rzero_worker.errors import WorkerFailure
from rzero_worker.manifest import io_error
from rzero_worker.model import load_model

OPTIMIZER_FILE = "training/optimizer.safetensors"
RNG_FILE = "training/rng.safetensors"
SYNC_THREADS = 4
MAX_FILE_BYTES = 2**30
"""Of a file of weights, unless a single tensor is larger: several files are hashed at once."""


@dataclass(frozen=True)
class Content:
    """What a checkpoint holds: a model and, of one that is trained, what makes training go on as before."""

    model: PreTrainedModel
    optimizer: dict[str, Tensor] | None = None  # `Trainer.optimizer_tensors`; None: not saved
    rng: dict[str, Tensor] = field(default_factory=dict)  # `rng.states`; saved with the optimiser
    # The state dict to write instead of the model's own: one that is cut up whole, or in other float types.
    weights: dict[str, Tensor] | None = None


@dataclass(frozen=True)
class Written:
    """What a written checkpoint is known by: all its bytes, and the SHA-256 of its manifest in hex."""

    bytes: int
    manifest_sha256: str


def save(
    path: str,
    content: Content,
    tokenizer: PreTrainedTokenizerBase,
    *,
    steps: int,
    weights_version: int,
    extras: Mapping[str, bytes] = NO_FILES,
    durable: bool = True,
) -> Written:
    """Write a folder that AutoModelForCausalLM, vLLM and lm-eval open.

    It is written beside `path` and renamed, so a crash leaves no half of it there (draft.py).

    Args:
        path: must not exist; the folders above it are made.
        content: what to write.
        tokenizer: the model's.
        steps: that the optimiser has taken, for the manifest.
        weights_version: of the published weights, for the manifest.
        extras: further files, by name.
        durable: whether to wait for the disk. Else a power failure, though no crash of a process, may leave
            a part under `path`, which `manifest.verify` refuses.

    Raises io_error.
    """
    try:
        with draft(Path(path).expanduser().absolute(), durable) as place:
            _write(place, content, tokenizer, extras)
            return _settle(place, steps, weights_version, durable)
    except (OSError, SafetensorError, ValueError) as error:  # ValueError: a generation config with a fault
        raise io_error(path, f"cannot be written: {error}", repr(error)) from error


def _write(
    folder: Path, content: Content, tokenizer: PreTrainedTokenizerBase, extras: Mapping[str, bytes]
) -> None:
    content.model.save_pretrained(folder, state_dict=content.weights, max_shard_size=MAX_FILE_BYTES)
    tokenizer.save_pretrained(folder)
    if content.optimizer is not None:
        for name, tensors in ((OPTIMIZER_FILE, content.optimizer), (RNG_FILE, content.rng)):
            (folder / name).parent.mkdir(exist_ok=True)
            contiguous = {key: tensor.contiguous() for key, tensor in sorted(tensors.items())}
            save_file(contiguous, folder / name, metadata={"format": "pt"})
    for name, data in extras.items():
        (folder / name).write_bytes(data)
    # safetensors gives its files to nobody but their owner, whatever the umask.
    mode = (folder / "tokenizer_config.json").stat().st_mode
    for file in folder.rglob("*.safetensors"):
        file.chmod(mode)


def _settle(folder: Path, steps: int, weights_version: int, durable: bool) -> Written:
    """Make what is in a folder durable, if it is to be, and describe it in its manifest.

    The disk takes the files while they are hashed, so that the slower of the two is all that it costs.
    """
    paths = sorted(folder.rglob("*")) if durable else []
    with ThreadPoolExecutor(SYNC_THREADS) as pool:
        synced = [pool.submit(sync, [path]) for path in paths]
        digest = manifest.write(folder, steps, weights_version)
        for one in synced:
            one.result()
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Written(size, digest)


def load(path: str, like: PreTrainedModel, dtype: torch.dtype = torch.float32) -> Content:
    """Read a folder made by `save`: the model, of `dtype` on the CPU, and what was saved of its training.

    Everything is read and compared with the names and shapes of `like` before anything is returned, so a
    caller that got an answer can copy without failing. That the files are those that were written is for
    `manifest.verify` to say, before. Raises io_error.
    """
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise io_error(path, "is not a folder" if folder.exists() else "does not exist")
    try:
        model = _read_model(str(folder), like, dtype)
        optimizer, generators = (
            _read_tensors(file) if (file := folder / name).is_file() else None
            for name in (OPTIMIZER_FILE, RNG_FILE)
        )
    except WorkerFailure as failure:
        raise io_error(path, f"is not a checkpoint: {failure.message}", failure.details) from failure
    except (OSError, SafetensorError) as error:
        raise io_error(path, f"cannot be read: {error}", repr(error)) from error
    expected = {name: tensor.shape for name, tensor in own_tensors(like).items()}
    found = {name: tensor.shape for name, tensor in own_tensors(model).items()}
    if has_adapters(model) and not has_adapters(like):
        expected = found  # that they fit has been checked
    if wrong := _differing(expected, found):
        problem = f"is of another model: {_difference(wrong[0], expected, found)}"
        raise io_error(path, problem, "\n".join(wrong))
    if optimizer:
        parameters = {name: parameter.shape for name, parameter in own_parameters(like).items()}
        kinds = ("exp_avg", "exp_avg_sq")
        shapes = {f"{kind}.{name}": shape for name, shape in parameters.items() for kind in kinds}
        shapes |= {f"step.{name}": torch.Size([]) for name in parameters}
        saved = {name: tensor.shape for name, tensor in optimizer.items()}
        if wrong := _differing(shapes, saved):
            raise io_error(path, f"has another model's optimiser: {_difference(wrong[0], shapes, saved)}")
    if problem := rng.misfit(generators or {}):
        raise io_error(path, f"has a {RNG_FILE} that does not fit: {problem}")
    return Content(model, optimizer, generators or {})


def _read_tensors(file: Path) -> dict[str, Tensor]:
    with safe_open(file, framework="pt") as tensors:
        return {name: tensors.get_tensor(name) for name in pulse.each(tensors.offset_keys())}


def _read_model(source: str, like: PreTrainedModel, dtype: torch.dtype) -> PreTrainedModel:
    """A model of the folder's weights. Adapters are float32, and share the tensors of `like` or its base."""
    if not is_adapters(source):
        return load_model(source, dtype, torch.device("cpu"))
    if not has_adapters(like):
        return load_adapters(source, like)
    model = twin(like)
    read(source, model)
    return model


def _differing(expected: dict[str, torch.Size], found: dict[str, torch.Size]) -> list[str]:
    return sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))


def _difference(name: str, expected: dict[str, torch.Size], found: dict[str, torch.Size]) -> str:
    def shape(of: dict[str, torch.Size]) -> str:
        return str(list(of[name])) if name in of else "absent"

    return f"{name} is {shape(found)} there and {shape(expected)} in the loaded model"
