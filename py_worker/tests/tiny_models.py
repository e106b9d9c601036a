"""Tiny random models with a small tokenizer, as Hugging Face folders, for tests of the torch backend."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    LlamaConfig,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    Qwen3Config,
)

# As the worker does; two threads that share a core with other tests wait for each other.
torch.set_num_threads(1)

PAD, EOS = "<pad>", "<eos>"
SPECIAL = (PAD, EOS, "<system>", "<user>", "<assistant>")
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789+-*=.,? \n"
VOCABULARY_SIZE = len(SPECIAL) + len(CHARACTERS)
EOS_ID = 1
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<' + message['role'] + '>' + message['content'] -}}"
    "{%- if message['role'] == 'assistant' -%}{{- '<eos>' -}}{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<assistant>' -}}{%- endif -%}"
)


def make_tokenizer(chat_template: str | None = CHAT_TEMPLATE) -> PreTrainedTokenizerFast:
    """A tokenizer with one token per character, ids in the order of SPECIAL and CHARACTERS."""
    core = Tokenizer(
        models.WordLevel({word: i for i, word in enumerate((*SPECIAL, *CHARACTERS))}, unk_token=PAD)
    )
    core.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    core.decoder = decoders.Fuse()
    core.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in SPECIAL])
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        eos_token=EOS,
        clean_up_tokenization_spaces=False,
        chat_template=chat_template,
    )


def qwen3_config(**changes) -> Qwen3Config:
    """Two layers, grouped heads, tied embeddings; 20k parameters."""
    given = dict(
        vocab_size=VOCABULARY_SIZE,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        tie_word_embeddings=True,
        max_position_embeddings=96,
        eos_token_id=EOS_ID,
        pad_token_id=0,
        bos_token_id=None,
    )
    return Qwen3Config(**{**given, **changes})


def llama_config(**changes) -> LlamaConfig:
    """Two layers, one key head per head, untied embeddings."""
    given = dict(
        vocab_size=VOCABULARY_SIZE,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=96,
        eos_token_id=EOS_ID,
        pad_token_id=0,
        bos_token_id=None,
    )
    return LlamaConfig(**{**given, **changes})


SMALL = dict(
    vocab_size=VOCABULARY_SIZE,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=96,
    eos_token_id=EOS_ID,
    pad_token_id=0,
    bos_token_id=None,
)
"""Two layers with grouped heads, by the names that most configs have for them."""


def any_config(model_type: str, **changes) -> PreTrainedConfig:
    """`SMALL`, as far as the architecture knows its names."""
    return AutoConfig.for_model(model_type, **{**SMALL, **changes})


def make_model(config: PreTrainedConfig, seed: int = 0, spread: float = 0.2, vectors: float = 0.0):
    """A random model in eval mode. `spread`, the weights' standard deviation, is larger than usual, so that
    the distributions are far from uniform and depend on the whole prefix. `vectors` is how far biases and the
    weights of norms are from what they begin with."""
    rng = np.random.default_rng(seed)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.copy_(torch.from_numpy(rng.normal(0, spread, tuple(parameter.shape))))
            elif vectors:
                parameter.add_(torch.from_numpy(rng.normal(0, vectors, tuple(parameter.shape))))
    return model


def save_folder(
    path: Path,
    config: PreTrainedConfig | None = None,
    seed: int = 0,
    chat_template: str | None = CHAT_TEMPLATE,
    **generation,
) -> str:
    """Save a random model with the tokenizer and changes to its generation config; return the folder's
    name."""
    model = make_model(config or qwen3_config(), seed)
    model.generation_config.update(**generation)
    model.save_pretrained(path)
    make_tokenizer(chat_template).save_pretrained(path)
    return str(path)
