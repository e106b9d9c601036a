"""The tokenizer of the embedded base model: a word-level vocabulary of the domain's fixed strings and digits.

Every fixed string is one token, so a question step is three tokens (label, operator, operand) and a worked
step is three (label, tens, units). Decoding joins tokens without spaces: decode(encode(text)) == text in the
domain.
"""

from __future__ import annotations

import re

import text
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

PAD, EOS, UNK = "<pad>", "<|endoftext|>", "<unk>"
SPECIAL = (PAD, EOS, UNK, "<|system|>", "<|user|>", "<|assistant|>")
WORDS = (
    *(str(digit) for digit in range(10)),
    *text.STEP_LABELS,
    *text.PHRASES.values(),
    text.OPENING,
    text.WORKED_OPENING,
    text.FULL_STOP,
    text.BOX_OPEN,
    text.BOX_AFTER_STEPS,
    text.BOX_CLOSE,
    text.QUESTION_OPEN,
    text.QUESTION_CLOSE,
    text.CHALLENGER_SYSTEM,
    text.CHALLENGER_USER,
    text.SOLVER_SYSTEM,
)
VOCABULARY = (*SPECIAL, *WORDS)

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|' + message['role'] + '|>' + message['content'] -}}"
    "{%- if message['role'] == 'assistant' -%}{{- '<|endoftext|>' -}}{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)

CONTEXT_TOKENS = 256


def make_tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer with its chat template, ready to be saved beside the weights."""
    core = Tokenizer(models.WordLevel({word: index for index, word in enumerate(VOCABULARY)}, unk_token=UNK))
    longest_first = sorted(WORDS, key=len, reverse=True)
    core.pre_tokenizer = pre_tokenizers.Split(
        Regex("|".join(re.escape(word) for word in longest_first)), "isolated"
    )
    core.decoder = decoders.Fuse()
    core.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in SPECIAL])
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        eos_token=EOS,
        unk_token=UNK,
        padding_side="left",
        model_max_length=CONTEXT_TOKENS,
        clean_up_tokenization_spaces=False,
        chat_template=CHAT_TEMPLATE,
    )
