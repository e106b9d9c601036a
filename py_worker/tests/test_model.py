"""A model's weights by their names in a checkpoint."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file

from rzero_worker.model import checkpoint_weights, load_model

EMBEDDED = Path(__file__).resolve().parents[1] / "embedded_base" / "model"


def test_tied_weights_have_each_of_their_names() -> None:
    model = load_model(str(EMBEDDED), torch.float32, torch.device("cpu"))
    weights, saved = checkpoint_weights(model), load_file(EMBEDDED / "model.safetensors")
    assert weights.keys() - saved.keys() == {"lm_head.weight"}
    assert all(torch.equal(weights[name], tensor) for name, tensor in saved.items())
    assert torch.equal(weights["lm_head.weight"], weights["model.embed_tokens.weight"])
