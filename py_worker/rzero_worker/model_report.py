"""What a model is and how it sees conversations, from its small files: no weight is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from huggingface_hub.repocard import metadata_load
from transformers import (
    AutoConfig,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from rzero_worker import adapters
from rzero_worker import protocol as p
from rzero_worker.errors import WorkerFailure
from rzero_worker.hub import ModelFiles, files_of, hub_failure, weight_types
from rzero_worker.model import (
    TOKENIZER_FILES,
    WEIGHT_FILES,
    context_length,
    empty_model_of,
    is_pickle,
    stop_ids,
    unloadable,
    wrong_with_architecture,
    wrong_with_weights,
)
from rzero_worker.protocol import Obstacle, ObstacleCode, Packing
from rzero_worker.scorer import packing_without_weights
from rzero_worker.tokenizer import TEMPLATE_ERRORS, decode_completion, encode, from_template, render

CARD = "README.md"

TEXTS = (
    "12 + 3 * (4 - 5) = 9, so x <= 0.5.",
    "the area is \\(\\frac{\\pi}{2}\\), that is \\boxed{\\frac{\\pi}{2}}",
    "x² ≤ √2, 数学, naïve",
    "  two spaces,\n\n\ta tab and a new line\n",
)
"""Texts that a tokenizer should give back as they were: ASCII, LaTeX, Unicode, white space."""

USER_TURN, REPLY = ("user", "6*7"), ("assistant", "6*7=42")
"""Turns that show what a chat template puts around one."""

Samples = Callable[[Sequence[str]], str | None]
"""Of the architectures that a config names: why they cannot be drawn from, None where they can."""


def inspect_model(params: p.InspectModelParams, cannot_sample: Samples) -> p.InspectModelResult:
    """Answer `inspect_model`.

    Args:
        params: those of the verb.
        cannot_sample: what the backend's sampler has against a model.

    Raises model_unloadable for a source that is no model at all, hub_unavailable, hub_forbidden.
    """
    source = adapters.base_of(params.source)
    try:
        files = files_of(source)
        if "config.json" not in files.sizes:
            raise unloadable(source, _without_config(source, files))
        return _report(source, files, params.conversations, cannot_sample)
    except WorkerFailure:
        raise
    except Exception as error:  # the cache may lack a file that only the hub has
        if (failure := hub_failure(source, error)) is not None:
            raise failure from error
        raise


def _without_config(source: str, files: ModelFiles) -> str:
    return "does not exist" if files.place == source and not files.sizes else "has no config.json"


def _report(
    source: str, files: ModelFiles, conversations: Sequence[p.Conversation], cannot_sample: Samples
) -> p.InspectModelResult:
    obstacles: list[Obstacle] = []

    def refuse(code: ObstacleCode, message: str) -> None:
        obstacles.append(Obstacle(code=code, message=message))

    config, model_type = _config(source, files, refuse)
    model = None if config is None else _model(config, refuse)
    if wrong := wrong_with_weights(files.sizes.keys(), files.read):
        refuse(wrong.code, f"it {wrong.problem}")
    tokenizer = _tokenizer(files, refuse)
    packing, reason = Packing.TRIED, "no such model can be made here"
    if model is not None:
        model.generation_config = _generation_config(files) or model.generation_config
        packing, reason = packing_without_weights(model)
        architectures = config.architectures or [type(model).__name__]
        if (against := cannot_sample(architectures)) is not None:
            refuse(ObstacleCode.NOT_SAMPLED, against)
    return p.InspectModelResult(
        model_type=model_type,
        architecture="" if model is None else type(model).__name__,
        parameters=0 if model is None else model.num_parameters(),
        tied=model is not None and model.get_output_embeddings() is not None and _is_tied(model),
        vocabulary_size=0 if model is None else model.get_input_embeddings().weight.shape[0],
        context_length=0 if model is None or tokenizer is None else context_length(model, tokenizer),
        weights=_weights(files),
        tokenizer=None if tokenizer is None else _describe(tokenizer, model),
        prompts=[] if tokenizer is None else [_prompt(tokenizer, one) for one in conversations],
        packing=packing,
        packing_reason=reason,
        obstacles=obstacles,
        licence=_licence(files),
    )


Refuse = Callable[[ObstacleCode, str], None]


def _config(source: str, files: ModelFiles, refuse: Refuse) -> tuple[PreTrainedConfig | None, str]:
    """The config, None where transformers has none of this kind, and the kind's name."""
    try:
        raw, _ = PreTrainedConfig.get_config_dict(files.place)
    except Exception as error:
        if (failure := hub_failure(source, error)) is not None:
            raise failure from error
        raise unloadable(source, "has a config.json that cannot be read", repr(error)) from error
    kind = str(raw.get("model_type", ""))
    if kind not in CONFIG_MAPPING:
        if "auto_map" in raw:
            named = ", ".join(sorted(str(value) for value in raw["auto_map"].values()))
            refuse(ObstacleCode.REMOTE_CODE, f"it needs code of its own ({named}), which is never run")
        else:
            known = f"transformers {_transformers_version()}"
            refuse(ObstacleCode.UNKNOWN_ARCHITECTURE, f"its model_type {kind!r} is none that {known} knows")
        return None, kind
    try:
        return AutoConfig.from_pretrained(files.place, trust_remote_code=False), kind
    except Exception as error:
        refuse(ObstacleCode.UNKNOWN_ARCHITECTURE, f"its config.json cannot be used: {_first_line(error)}")
        return None, kind


def _transformers_version() -> str:
    import transformers

    return transformers.__version__


def _model(config: PreTrainedConfig, refuse: Refuse) -> PreTrainedModel | None:
    try:
        model = empty_model_of(config)
    except Exception as error:
        problem = f"it is no causal language model: {_first_line(error)}"
        refuse(ObstacleCode.UNKNOWN_ARCHITECTURE, problem)
        return None
    if wrong := wrong_with_architecture(model):
        refuse(wrong.code, f"it {wrong.problem}")
    elif not isinstance(model.get_output_embeddings(), torch.nn.Linear):
        problem = f"it cannot be trained: the output projection of {type(model).__name__} is not linear"
        refuse(ObstacleCode.NOT_TRAINABLE, problem)
    return model


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _is_tied(model: PreTrainedModel) -> bool:
    return model.get_output_embeddings().weight is model.get_input_embeddings().weight


def _generation_config(files: ModelFiles) -> GenerationConfig | None:
    if "generation_config.json" not in files.sizes:
        return None
    return GenerationConfig.from_pretrained(files.place)


def _tokenizer(files: ModelFiles, refuse: Refuse) -> PreTrainedTokenizerBase | None:
    if not files.sizes.keys() & set(TOKENIZER_FILES):
        refuse(ObstacleCode.NO_TOKENIZER, "it lacks its tokenizer: there is no tokenizer.json")
        return None
    try:
        return AutoTokenizer.from_pretrained(files.place, trust_remote_code=False)
    except Exception as error:
        if (failure := hub_failure(files.place, error)) is not None:
            raise failure from error
        refuse(ObstacleCode.NO_TOKENIZER, f"it has no usable tokenizer: {_first_line(error)}")
        return None


def _weights(files: ModelFiles) -> p.WeightFiles:
    safe = [name for name in files.sizes if name.endswith(".safetensors") and name != adapters.WEIGHTS_FILE]
    pickles = [name for name in files.sizes if is_pickle(name)]
    # Some folders have the same weights twice, in parts and as one: those that are read count.
    read = [WEIGHT_FILES[0]] if WEIGHT_FILES[0] in safe else safe
    return p.WeightFiles(
        formats=[
            *([p.WeightFormat.SAFETENSORS] if safe else []),
            *([p.WeightFormat.PICKLE] if pickles else []),
        ],
        bytes=sum(files.sizes[name] for name in read or pickles),
        types=weight_types(files),
    )


def _describe(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel | None) -> p.Tokenizer:
    ends = {tokenizer.eos_token_id} - {None} if model is None else stop_ids(model, tokenizer)
    vocabulary = tokenizer.get_vocab()
    pad = tokenizer.pad_token_id
    return p.Tokenizer(
        name=type(tokenizer).__name__,
        size=max(vocabulary.values(), default=-1) + 1,
        template=None if tokenizer.chat_template is None else _template(tokenizer),
        eos=[_token(tokenizer, token) for token in sorted(ends)],
        pad=None if pad is None else _token(tokenizer, pad),
        changed=[
            p.RoundTrip(text=text, back=back) for text in TEXTS if (back := _back(tokenizer, text)) != text
        ],
    )


def _token(tokenizer: PreTrainedTokenizerBase, token: int) -> p.Token:
    """A token; one that the tokenizer does not know has no text."""
    try:
        text = tokenizer.convert_ids_to_tokens(token)
    except (IndexError, OverflowError, KeyError):
        text = None
    return p.Token(id=token, text=text or "")


def _back(tokenizer: PreTrainedTokenizerBase, text: str) -> str:
    return decode_completion(tokenizer, tokenizer(text, add_special_tokens=False)["input_ids"])


def _template(tokenizer: PreTrainedTokenizerBase) -> p.ChatTemplate:
    try:
        closed, opened = (from_template(tokenizer, [USER_TURN], opens_reply=opens) for opens in (False, True))
        cue = opened.removeprefix(closed) if opened.startswith(closed) else ""
    except TEMPLATE_ERRORS:
        cue = ""
    return p.ChatTemplate(cue=cue, end_of_turn=_end_of_turn(tokenizer))


def _end_of_turn(tokenizer: PreTrainedTokenizerBase) -> p.Token | None:
    """The first special token behind a reply."""
    try:
        _, _, tail = from_template(tokenizer, [USER_TURN, REPLY], opens_reply=False).rpartition(REPLY[1])
    except TEMPLATE_ERRORS:
        return None
    special = set(tokenizer.all_special_ids) | set(tokenizer.added_tokens_decoder)
    tokens: list[Any] = tokenizer(tail, add_special_tokens=False)["input_ids"]
    return next((_token(tokenizer, token) for token in tokens if token in special), None)


def _prompt(tokenizer: PreTrainedTokenizerBase, conversation: p.Conversation) -> p.RenderedPrompt:
    try:
        rendered = render(tokenizer, [(str(turn.role), turn.content) for turn in conversation.messages])
    except TEMPLATE_ERRORS as error:
        return p.RenderedPrompt(text="", tokens=0, merged=False, refused=_first_line(error))
    tokens = len(encode(tokenizer, rendered.text))
    return p.RenderedPrompt(text=rendered.text, tokens=tokens, merged=rendered.merged)


def _licence(files: ModelFiles) -> p.Licence:
    """What the card's front matter says: `license`, `license_name`, `license_link`, `base_model`."""
    said: dict[str, Any] = {}
    if CARD in files.sizes:
        try:
            said = metadata_load(files.path(CARD)) or {}
        except Exception:  # front matter of people: what cannot be read says nothing
            said = {}
    base = said.get("base_model") or []
    texts = [
        name for name in sorted(files.sizes) if name.upper().startswith(("LICENSE", "LICENCE", "COPYING"))
    ]
    licences = said.get("license") or ""
    return p.Licence(
        id=", ".join(map(str, licences)) if isinstance(licences, list) else str(licences),
        name=str(said.get("license_name") or ""),
        link=str(said.get("license_link") or ""),
        file=texts[0] if texts else "",
        base_models=[str(one) for one in (base if isinstance(base, list) else [base])],
    )
