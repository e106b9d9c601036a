"""A model's structure without its weights, and its weights by their names in a checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from rzero_worker.errors import WorkerFailure
from rzero_worker.model import (
    checkpoint_weights,
    context_length,
    load_model,
    load_structure,
    load_tokenizer,
    stop_ids,
    token_bytes,
)

EMBEDDED = Path(__file__).resolve().parents[1] / "embedded_base" / "model"


def test_the_structure_says_what_the_model_says() -> None:
    structure = load_structure(str(EMBEDDED), torch.float32)
    model, tokenizer = (
        load_model(str(EMBEDDED), torch.float32, torch.device("cpu")),
        load_tokenizer(str(EMBEDDED)),
    )
    assert all(parameter.is_meta for parameter in structure.parameters())
    for of in (
        type,
        token_bytes,
        lambda one: one.num_parameters(),
        lambda one: one.get_output_embeddings().weight.shape,
        lambda one: context_length(one, tokenizer),
        lambda one: stop_ids(one, tokenizer),
    ):
        assert of(structure) == of(model)


def test_a_structure_needs_its_config(tmp_path: Path) -> None:
    with pytest.raises(WorkerFailure, match=r"config\.json") as raised:
        load_structure(str(tmp_path), torch.float32)
    assert raised.value.code == "model_unloadable"


def test_tied_weights_have_each_of_their_names() -> None:
    model = load_model(str(EMBEDDED), torch.float32, torch.device("cpu"))
    weights, saved = checkpoint_weights(model), load_file(EMBEDDED / "model.safetensors")
    assert weights.keys() - saved.keys() == {"lm_head.weight"}
    assert all(torch.equal(weights[name], tensor) for name, tensor in saved.items())
    assert torch.equal(weights["lm_head.weight"], weights["model.embed_tokens.weight"])
