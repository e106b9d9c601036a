"""`python -m rzero_worker.convert SOURCE FOLDER --dtype DTYPE`: a model's weights in another form.

The source is a model of all weights, or a folder of adapters, which are merged into their base. Into the
folder go config, generation config and safetensors; a tokenizer needs no conversion. On failure the last
line of stdout says why, as JSON, and the exit code is 65, or 74 where the disk is to blame.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import PreTrainedModel

from rzero_worker import adapters
from rzero_worker.errors import WorkerFailure
from rzero_worker.model import load_model, loaded_types, unloadable
from rzero_worker.protocol import ErrorCode

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
SHARD_SIZE = "5GB"
"""Of a file of weights at most, as on the hub."""

BAD_DATA, IO = 65, 74


def convert(source: str, folder: Path, dtype: torch.dtype) -> None:
    """Write a source's model, whole and in a float type, as a Hugging Face folder without a tokenizer.

    Every weight is rounded once, to nearest even, as torch does: adapters are merged in float32.

    Args:
        source: a Hugging Face folder, of all weights or of adapters.
        folder: where to write; it may hold other files.
        dtype: of the weights, but those that the architecture keeps in float32.

    Raises WorkerFailure: model_unloadable for a source that is no such model, or whose weights overflow
    the float type; io_error.
    """
    model = _rounded(_whole(source), source, dtype)
    try:
        model.save_pretrained(folder, max_shard_size=SHARD_SIZE)
        # safetensors gives its files to nobody but their owner, whatever the umask.
        mode = (folder / "config.json").stat().st_mode
        for file in folder.glob("*.safetensors"):
            file.chmod(mode)
    except (OSError, SafetensorError) as error:
        raise WorkerFailure(
            ErrorCode.IO_ERROR, f"folder {str(folder)!r} cannot be written: {error}"
        ) from error


def _whole(source: str) -> PreTrainedModel:
    """A float32 model of all weights on the CPU."""
    model = load_model(adapters.base_of(source), torch.float32, torch.device("cpu"))
    return adapters.merged(adapters.load(source, model)) if adapters.is_adapters(source) else model


def _rounded(model: PreTrainedModel, source: str, dtype: torch.dtype) -> PreTrainedModel:
    types = loaded_types(model, dtype)
    # Tied weights are one parameter by two names, and stay so.
    for name, parameter in model.named_parameters():
        if not parameter.is_floating_point():
            continue
        rounded = parameter.data.to(types[name])
        if bool((parameter.data.isfinite() & ~rounded.isfinite()).any()):
            raise unloadable(
                source, f"has weights beyond the range of {dtype}: {name}; bfloat16 has the range of float32"
            )
        parameter.data = rounded
    return model


def main(arguments: list[str] | None = None) -> int:
    """Run one command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="rzero_worker.convert", description=__doc__)
    parser.add_argument("source")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dtype", choices=DTYPES, required=True)
    options = parser.parse_args(arguments)
    try:
        convert(options.source, options.folder, DTYPES[options.dtype])
    except WorkerFailure as failure:
        print(json.dumps({"error": {"code": failure.code, "message": failure.message}}), flush=True)
        return IO if failure.code == ErrorCode.IO_ERROR else BAD_DATA
    return 0


if __name__ == "__main__":
    sys.exit(main())
