"""Loading a causal language model from a Hugging Face folder or name, and running it for chosen positions."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Collection
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.core_model_loading import revert_weight_conversion

from rzero_worker.errors import WorkerFailure
from rzero_worker.hub import hub_failure
from rzero_worker.protocol import ObstacleCode

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "tekken.json",
)
WEIGHT_FILES = ("model.safetensors", "model.safetensors.index.json")
PICKLED_STATES = ("training_args", "optimizer", "scheduler", "rng_state", "tokenizer")
"""What files that are pickles but no weights of a model begin with."""


def unloadable(source: str, problem: str, details: str | None = None) -> WorkerFailure:
    """Build the failure for a source that is not a usable model; `problem` is the rest of the sentence."""
    return WorkerFailure("model_unloadable", f"source {source!r} {problem}", details)


def locate(source: str) -> str:
    """The folder's path, or the name as it is for the hub. Refuses a folder that lacks a file, naming it.

    transformers' own messages for these cases speak of the hub, even for a folder.
    """
    folder = Path(source).expanduser()
    if not folder.is_dir():
        looks_like_a_path = folder.is_absolute() or source.startswith((".", "~")) or source.count("/") > 1
        if folder.exists() or looks_like_a_path:
            raise unloadable(source, "is not a folder" if folder.exists() else "does not exist")
        return source
    if not (folder / "config.json").is_file():
        raise unloadable(source, "lacks its config: there is no config.json in the folder")
    names = {file.name for file in folder.iterdir() if file.is_file()}
    if wrong := wrong_with_weights(names, lambda name: (folder / name).read_text("utf-8")):
        raise unloadable(source, wrong.problem, wrong.details)
    if not names.intersection(TOKENIZER_FILES):
        raise unloadable(source, "lacks its tokenizer: there is no tokenizer.json in the folder")
    return str(folder)


def is_pickle(name: str) -> bool:
    """Whether a file holds weights that can run code when they are read."""
    return name.endswith((".bin", ".pt", ".pth", ".ckpt")) and not name.startswith(PICKLED_STATES)


class Wrong(NamedTuple):
    """What is wrong with a model's files; `problem` is the rest of a sentence about it."""

    code: ObstacleCode
    problem: str
    details: str | None = None


def wrong_with_weights(names: Collection[str], read: Callable[[str], str]) -> Wrong | None:
    """Say what is wrong with the files of a model's weights, by the names of all its files."""
    if WEIGHT_FILES[0] in names:
        return None
    index = WEIGHT_FILES[1]
    if index not in names:
        if pickles := sorted(filter(is_pickle, names)):
            problem = (
                f"has its weights as pickles alone ({pickles[0]}): they can run code, and are never read"
            )
            return Wrong(ObstacleCode.PICKLES, problem, "\n".join(pickles))
        return Wrong(ObstacleCode.NO_WEIGHTS, f"lacks its weights: there is no {' or '.join(WEIGHT_FILES)}")
    try:
        shards = sorted(set(json.loads(read(index))["weight_map"].values()))
    except (ValueError, KeyError, AttributeError) as error:
        return Wrong(ObstacleCode.NO_WEIGHTS, f"has a broken {index}", repr(error))
    if missing := [name for name in shards if name not in names]:
        problem = f"lacks weights: there is no {missing[0]}"
        return Wrong(ObstacleCode.NO_WEIGHTS, problem, "\n".join(missing))
    return None


def load_model(source: str, dtype: torch.dtype, device: torch.device) -> PreTrainedModel:
    """Load a model in eval mode, so that no dropout ever makes two log-probs of one token differ.

    Only safetensors are read (no pickle) and no code of the source runs. Raises model_unloadable.
    """
    located = locate(source)
    try:
        model, info = AutoModelForCausalLM.from_pretrained(
            located, dtype=dtype, use_safetensors=True, trust_remote_code=False, output_loading_info=True
        )
    except (torch.OutOfMemoryError, MemoryError):
        raise
    except Exception as error:  # safetensors, json and torch raise their own kinds on broken files
        raise unloadable_after(error, source, "cannot be loaded as a causal language model") from error
    # transformers only warns when tensors are missing or of another shape, and fills in random numbers.
    if wrong := sorted(info["missing_keys"]) + sorted(str(key[0]) for key in info["mismatched_keys"]):
        raise unloadable(source, f"has weights that do not fit its config.json: {wrong[0]}", "\n".join(wrong))
    if wrong := wrong_with_architecture(model):
        raise unloadable(source, wrong.problem)
    return model.to(device).eval().requires_grad_(False)


def wrong_with_architecture(model: PreTrainedModel) -> Wrong | None:
    """Say what a model lacks without which the worker would not fail but be wrong or slow."""
    name = type(model).__name__
    # An argument that a model does not know it often swallows.
    if "past_key_values" not in _forward_parameters(type(model)):
        return Wrong(ObstacleCode.NOT_SAMPLED, f"cannot be sampled: {name} takes no past_key_values")
    if model.get_output_embeddings() is None:
        return Wrong(ObstacleCode.NOT_TRAINABLE, f"cannot be trained: {name} names no output projection")
    return None


def empty_model(source: str) -> PreTrainedModel:
    """Make a model of a source that `load_model` could load, float32, its weights on the meta device."""
    return empty_model_of(AutoConfig.from_pretrained(locate(source), trust_remote_code=False))


def empty_model_of(config: PreTrainedConfig) -> PreTrainedModel:
    """Make the causal language model of a config, float32, its weights on the meta device."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    return model.eval().requires_grad_(False)


def loaded_types(model: PreTrainedModel, dtype: torch.dtype) -> dict[str, torch.dtype]:
    """Give the float types that a model's parameters have where `load_model` loads it in `dtype`, by name.

    There are models some of whose parameters stay float32: what decides between experts, for example.
    """
    kept = model._keep_in_fp32_modules_strict or ()
    return {
        name: torch.float32 if any(fnmatch(name, f"*{part}*") for part in kept) else dtype
        for name, parameter in model.named_parameters(remove_duplicate=False)
        if parameter.is_floating_point()
    }


def checkpoint_weights(model: PreTrainedModel) -> dict[str, Tensor]:
    """Weights by the names that a checkpoint gives them, a tied one under each of its names."""
    return revert_weight_conversion(model, model.state_dict())


def load_tokenizer(source: str) -> PreTrainedTokenizerBase:
    """Load the tokenizer that lies with a model. Raises model_unloadable."""
    located = locate(source)
    try:
        return AutoTokenizer.from_pretrained(located, trust_remote_code=False)
    except Exception as error:
        raise unloadable_after(error, source, "has no usable tokenizer") from error


def unloadable_after(error: Exception, source: str, problem: str) -> WorkerFailure:
    """Build the failure for a source that a library refused; `problem` is the rest of the sentence."""
    if not Path(source).expanduser().is_dir():
        if (failure := hub_failure(source, error)) is not None:
            return failure
        problem = "is no folder here, and as a name on the Hugging Face hub it cannot be loaded"
    first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return unloadable(source, f"{problem}: {first_line}", repr(error))


def context_length(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """Most tokens, prompt and completion together: the lesser of what config and tokenizer say."""
    config = model.config.get_text_config()
    names = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
    said = [value for name in names if isinstance(value := getattr(config, name, None), int) and value > 0]
    # A tokenizer that knows no limit says 1e30.
    return min([*said[:1], tokenizer.model_max_length, 2**31 - 1])


def stop_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """Tokens that end a completion: every end-of-sequence id of generation config, config and tokenizer."""
    found: set[int] = set()
    for value in (
        getattr(model.generation_config, "eos_token_id", None),
        getattr(model.config.get_text_config(), "eos_token_id", None),
        tokenizer.eos_token_id,
    ):
        found.update(value if isinstance(value, (list, tuple)) else [value])
    return {token for token in found if token is not None}


def token_bytes(model: PreTrainedModel) -> int:
    """Bytes that one token's keys and values take in a cache, over all layers."""
    config = model.config.get_text_config()
    heads = config.num_attention_heads
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    shared = getattr(config, "num_key_value_heads", None) or heads
    return 2 * config.num_hidden_layers * shared * size * model.dtype.itemsize


@cache
def _forward_parameters(kind: type) -> frozenset[str]:
    return frozenset(inspect.signature(kind.forward).parameters)


def accepts_positions(model: PreTrainedModel) -> bool:
    """Whether the model's forward takes position_ids (models with ALiBi derive them from the mask)."""
    return "position_ids" in _forward_parameters(type(model))


def projected_logits(model: PreTrainedModel, tokens: Tensor, positions: Tensor, **kwargs: Any) -> Tensor:
    """Run the model over tokens [B, T]; return logits [N, vocabulary] at flat positions [N] (b * T + t) only.

    The hidden states are narrowed on their way into the output projection, so the vocabulary-wide rows of
    other positions are never computed, and what a model does to its logits (scales, soft caps) still happens.
    """
    device = model.device
    tokens, positions = tokens.to(device), positions.to(device)
    head = model.get_output_embeddings()

    def narrow(_module: torch.nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (args[0].flatten(0, 1).index_select(0, positions).unsqueeze(0), *args[1:])

    hook = head.register_forward_pre_hook(narrow)
    try:
        return model(input_ids=tokens, **kwargs).logits.squeeze(0)
    finally:
        hook.remove()
