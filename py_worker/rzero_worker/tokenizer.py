"""Text to tokens and back: conversations by the model's chat template, completions without stop token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from rzero_worker.errors import invalid_request
from rzero_worker.protocol import Conversation

Turns = Sequence[tuple[str, str]]
"""Role and content of each."""

TEMPLATE_ERRORS = (TemplateError, ValueError, TypeError)
"""What a chat template raises on what it does not take."""


@dataclass(frozen=True)
class Rendered:
    """A conversation as text."""

    text: str
    merged: bool = False  # the template takes no system turn: its text opens the first user turn


def encode_conversations(
    tokenizer: PreTrainedTokenizerBase, conversations: Sequence[Conversation]
) -> list[list[int]]:
    """Prompt tokens of each conversation, ready for the model to continue as the assistant.

    With a last turn by the assistant, its text is left open and the model continues it. Equal conversations
    are rendered once. Raises invalid_request where the chat template refuses a conversation or gives nothing.
    """
    keys = [tuple((str(m.role), m.content) for m in conversation.messages) for conversation in conversations]
    first = {key: index for index, key in reversed(list(enumerate(keys)))}
    tokens: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for key, index in first.items():
        try:
            tokens[key] = encode(tokenizer, render(tokenizer, key).text)
        except TEMPLATE_ERRORS as error:
            raise invalid_request(
                f"conversations[{index}]: the model's chat template refuses it: {error}"
            ) from error
        if not tokens[key]:
            raise invalid_request(
                f"conversations[{index}]: renders to no token, allowed is one token or more"
            )
    return [tokens[key] for key in keys]


def encode(tokenizer: PreTrainedTokenizerBase, rendered: str) -> list[int]:
    """Tokens of a rendered conversation."""
    # A chat template writes the special tokens itself; plain text gets the tokenizer's own.
    return tokenizer(rendered, add_special_tokens=tokenizer.chat_template is None)["input_ids"]


def render(tokenizer: PreTrainedTokenizerBase, turns: Turns) -> Rendered:
    """Lay out a conversation as the model is to see it. Raises one of TEMPLATE_ERRORS."""
    if tokenizer.chat_template is None:
        return Rendered(_plain(turns))
    try:
        return Rendered(from_template(tokenizer, turns))
    except TEMPLATE_ERRORS as error:
        if turns[0][0] == "system" and len(turns) > 1 and turns[1][0] == "user":
            # Some templates (Gemma's, say) know no system turn; its text then opens the first user turn.
            merged = (("user", f"{turns[0][1]}\n\n{turns[1][1]}"), *turns[2:])
            try:
                return Rendered(from_template(tokenizer, merged), merged=True)
            except TEMPLATE_ERRORS:
                pass
        raise error


def from_template(
    tokenizer: PreTrainedTokenizerBase, turns: Turns, *, opens_reply: bool | None = None
) -> str:
    """Give the chat template's text of turns, which raises one of TEMPLATE_ERRORS where it refuses them.

    Args:
        tokenizer: one with a template.
        turns: the conversation.
        opens_reply: whether the assistant's turn is opened behind them. None: it is, and a last turn by the
            assistant stays open.
    """
    continues = opens_reply is None and turns[-1][0] == "assistant"
    return tokenizer.apply_chat_template(
        [{"role": role, "content": content} for role, content in turns],
        tokenize=False,
        add_generation_prompt=not continues if opens_reply is None else opens_reply,
        continue_final_message=continues,
    )


def _plain(turns: Turns) -> str:
    """For models without a chat template: turns by name, a line each, as the paper's code does."""
    lines = [f"{role}: {content}" for role, content in turns]
    return "\n".join(lines if turns[-1][0] == "assistant" else [*lines, "assistant:"])


def decode_completions(tokenizer: PreTrainedTokenizerBase, completions: Sequence[np.ndarray]) -> list[str]:
    """Texts of completions whose stop token is cut off: no special tokens, spaces exactly as they decode."""
    # One by one: a list of lists that is empty, or holds empty ones, means something else to batch_decode.
    return [decode_completion(tokenizer, completion.tolist()) for completion in completions]


def decode_completion(tokenizer: PreTrainedTokenizerBase, tokens: list[int]) -> str:
    """Text of one completion, or of a part of it, as `decode_completions`."""
    return tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
