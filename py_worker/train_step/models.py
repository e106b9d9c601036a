"""Random models of a few sizes, with the same weights wherever they are made."""

from __future__ import annotations

import numpy as np
import torch
from transformers import PreTrainedModel, Qwen3Config, Qwen3ForCausalLM

PAD, EOS, UNKNOWN = range(3)
SPECIAL_TOKENS = 3

SIZES = {
    "nano": {"hidden": 64, "ffn": 192, "layers": 2, "heads": 4, "kv": 2, "head": 16, "vocabulary": 512},
    "tiny": {"hidden": 256, "ffn": 768, "layers": 4, "heads": 8, "kv": 4, "head": 32, "vocabulary": 2048},
    "small": {"hidden": 512, "ffn": 1536, "layers": 8, "heads": 8, "kv": 4, "head": 64, "vocabulary": 8192},
}
"""0.1, 3.7 and 29 million parameters."""


def make_model(name: str, seed: int) -> PreTrainedModel:
    """A Qwen3 with tied embeddings; matrices are N(0, 0.02), norms 1.

    The weights are numpy's: its RandomState draws the same numbers in every version, which neither torch nor
    the order in which transformers initialises a model promises.
    """
    size = SIZES[name]
    model = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=size["vocabulary"],
            hidden_size=size["hidden"],
            intermediate_size=size["ffn"],
            num_hidden_layers=size["layers"],
            num_attention_heads=size["heads"],
            num_key_value_heads=size["kv"],
            head_dim=size["head"],
            max_position_embeddings=4096,
            tie_word_embeddings=True,
            pad_token_id=PAD,
            eos_token_id=EOS,
            bos_token_id=None,
        )
    ).float()
    random = np.random.RandomState(seed)
    with torch.no_grad():
        for _, parameter in sorted(model.named_parameters()):
            if parameter.dim() == 1:
                parameter.fill_(1.0)
            else:
                parameter.copy_(torch.from_numpy(random.normal(0, 0.02, tuple(parameter.shape))))
    return model
