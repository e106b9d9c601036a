"""Text to tokens and back: conversations by the model's chat template, completions without stop token."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from rzero_worker.errors import invalid_request
from rzero_worker.protocol import Conversation


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
        text = _render(tokenizer, key, index)
        # A chat template writes the special tokens itself; plain text gets the tokenizer's own.
        tokens[key] = tokenizer(text, add_special_tokens=tokenizer.chat_template is None)["input_ids"]
        if not tokens[key]:
            raise invalid_request(
                f"conversations[{index}]: renders to no token, allowed is one token or more"
            )
    return [tokens[key] for key in keys]


def _render(tokenizer: PreTrainedTokenizerBase, turns: tuple[tuple[str, str], ...], index: int) -> str:
    if tokenizer.chat_template is None:
        return _plain(turns)
    try:
        return _from_template(tokenizer, turns)
    except (TemplateError, ValueError, TypeError) as error:
        if turns[0][0] == "system" and len(turns) > 1 and turns[1][0] == "user":
            # Some templates (Gemma's, say) know no system turn; its text then opens the first user turn.
            merged = (("user", f"{turns[0][1]}\n\n{turns[1][1]}"), *turns[2:])
            try:
                return _from_template(tokenizer, merged)
            except (TemplateError, ValueError, TypeError):
                pass
        raise invalid_request(
            f"conversations[{index}]: the model's chat template refuses it: {error}"
        ) from error


def _from_template(tokenizer: PreTrainedTokenizerBase, turns: Sequence[tuple[str, str]]) -> str:
    continues = turns[-1][0] == "assistant"
    return tokenizer.apply_chat_template(
        [{"role": role, "content": content} for role, content in turns],
        tokenize=False,
        add_generation_prompt=not continues,
        continue_final_message=continues,
    )


def _plain(turns: Sequence[tuple[str, str]]) -> str:
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
