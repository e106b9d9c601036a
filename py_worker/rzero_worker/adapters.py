"""Low-rank adapters (LoRA, arXiv 2106.09685) over a base model whose weights several models share.

Each model is a tree of modules of its own over the base's tensors: two roles, what they publish and their KL
anchor together hold the base's weights once. So nothing has to be switched from one adapter to another, and
every model is used as one without adapters is. peft, which transformers loads adapters with too, is imported
where it is needed: it takes seconds.
"""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from types import ModuleType

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import PreTrainedModel

from rzero_worker.errors import WorkerFailure
from rzero_worker.model import unloadable, unloadable_after

CONFIG_FILE, WEIGHTS_FILE = "adapter_config.json", "adapter_model.safetensors"
PREFIX = "base_model.model."
"""What peft puts before the names of a file's weights."""

MARK = ".lora_"
"""In the name of every weight of an adapter, and in no other."""


def _peft() -> ModuleType:
    try:
        import peft
    except ImportError as error:
        problem = f"adapters need the package peft, which is not installed ({error}): run `npm run setup`"
        raise WorkerFailure("invalid_request", problem) from error
    return peft


def has_adapters(model: PreTrainedModel) -> bool:
    """Whether a model was made by `attach`."""
    return getattr(model, "_hf_peft_config_loaded", False)


def own_tensors(model: PreTrainedModel) -> dict[str, Tensor]:
    """What belongs to a model alone, by name: its adapters, or all parameters and persistent buffers."""
    tensors = model.state_dict()
    if not has_adapters(model):
        return tensors
    return {name: tensor for name, tensor in tensors.items() if MARK in name}


def base_of(source: str) -> str:
    """Give the source of the base model of a folder of adapters; of any other source, the source itself.

    Raises model_unloadable.
    """
    if not is_adapters(source):
        return source
    try:
        text = (Path(source).expanduser() / CONFIG_FILE).read_text()
        base = json.loads(text)["base_model_name_or_path"]
    except (OSError, ValueError, KeyError) as error:
        raise unloadable(source, f"has a broken {CONFIG_FILE}", repr(error)) from error
    if not isinstance(base, str):
        raise unloadable(source, f"does not say in its {CONFIG_FILE} whose adapters they are")
    return base


def attach(base: PreTrainedModel, rank: int, alpha: float) -> PreTrainedModel:
    """Make a model of the base's tensors with fresh adapters on every linear layer but the output projection.

    Fresh ones change nothing: B is 0, and A is drawn from torch's global generator. They are float32 and
    weigh alpha / rank; only they are trainable.
    """
    peft = _peft()
    shared = {id(tensor): tensor for tensor in (*base.parameters(), *base.buffers())}
    model = deepcopy(base, shared).requires_grad_(False)
    # As long as this model is held, whoever asks for its base finds it. In a tuple, it is no part of it.
    model.over = (base,)
    config = peft.LoraConfig(
        r=rank, lora_alpha=alpha, target_modules="all-linear", lora_dropout=0.0, task_type="CAUSAL_LM"
    )
    model.add_adapter(config)
    for name, parameter in model.named_parameters():
        if MARK in name:
            parameter.data = parameter.data.float()
    return model.eval()


def is_adapters(source: str) -> bool:
    """Whether a source is a folder of adapters."""
    return (Path(source).expanduser() / CONFIG_FILE).is_file()


def own_parameters(model: PreTrainedModel) -> dict[str, Tensor]:
    """What of a model can be trained, by name: its adapters, or all parameters, a tied one once."""
    whole = not has_adapters(model)
    return {name: parameter for name, parameter in model.named_parameters() if whole or MARK in name}


def load(source: str, base: PreTrainedModel) -> PreTrainedModel:
    """Make a model of the base's tensors with the adapters of a folder; only they are trainable.

    Raises model_unloadable for adapters that are not LoRA on just those layers, and for broken files.
    """
    peft = _peft()
    try:
        config = peft.LoraConfig.from_pretrained(str(Path(source).expanduser()))
    except (OSError, ValueError, TypeError) as error:
        raise unloadable_after(error, source, "has no usable adapters") from error
    # Each of these makes something else of the same tensors.
    others = ("use_rslora", "use_dora", "rank_pattern", "alpha_pattern", "lora_bias", "fan_in_fan_out")
    if found := [name for name in others if getattr(config, name, False)]:
        raise unloadable(
            source, f"has adapters of a kind that is not known here: {found[0]} in {CONFIG_FILE}"
        )
    model = attach(base, config.r, config.lora_alpha)
    read(source, model)
    return model


@torch.no_grad()
def read(source: str, model: PreTrainedModel) -> None:
    """Set a model's adapters to those of a folder. Raises model_unloadable if they do not fit."""
    try:
        saved = load_file(Path(source).expanduser() / WEIGHTS_FILE)
    except (OSError, SafetensorError) as error:
        raise unloadable_after(error, source, "has no usable adapters") from error
    weights = {name.removeprefix(PREFIX): tensor for name, tensor in saved.items()}
    own = {name.replace(".default.", "."): tensor for name, tensor in own_tensors(model).items()}
    if wrong := sorted(
        name
        for name in own.keys() | weights.keys()
        if name not in own or name not in weights or own[name].shape != weights[name].shape
    ):
        raise unloadable(source, f"has adapters that do not fit its base model: {wrong[0]}", "\n".join(wrong))
    for name, tensor in own.items():
        tensor.copy_(weights[name])


def twin(model: PreTrainedModel) -> PreTrainedModel:
    """Make another model of the same base with equal adapters of its own; nothing is trainable."""
    shared = {id(tensor): tensor for name, tensor in model.named_parameters() if MARK not in name}
    shared |= {id(other): other for other in (*model.buffers(), *model.over)}
    return deepcopy(model, shared).requires_grad_(False)


@torch.no_grad()
def merged(model: PreTrainedModel) -> PreTrainedModel:
    """Make a model without adapters, of W + alpha / rank * B A in the base's float type.

    What no adapter changes is shared. A model that has no adapters is given as it is.
    """
    if not has_adapters(model):
        return model
    peft = _peft()
    shared = {id(other): other for other in (*model.parameters(), *model.buffers(), *model.over)}
    plain = deepcopy(model, shared)
    for name, module in list(plain.named_modules()):
        if isinstance(module, peft.tuners.lora.LoraLayer):
            layer = module.get_base_layer()
            delta = module.get_delta_weight("default")
            layer.weight = torch.nn.Parameter(
                (layer.weight.float() + delta.float()).to(layer.weight.dtype), requires_grad=False
            )
            plain.set_submodule(name, layer)
    plain._hf_peft_config_loaded = False
    del plain.peft_config, plain.over
    return plain
