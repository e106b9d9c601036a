"""Conversations to tokens and completions to text."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_models

from rzero_worker.errors import WorkerFailure
from rzero_worker.protocol import Conversation, Message, Role
from rzero_worker.tokenizer import decode_completions, encode_conversations

NO_SYSTEM = (
    "{%- if messages[0]['role'] == 'system' -%}{{ raise_exception('no system role') }}{%- endif -%}"
    + tiny_models.CHAT_TEMPLATE
)
REFUSES_ALL = "{{ raise_exception('no') }}"


def conversation(*turns: tuple[str, str]) -> Conversation:
    return Conversation(messages=[Message(role=Role(role), content=content) for role, content in turns])


def rendered(*turns: tuple[str, str], template: str | None = tiny_models.CHAT_TEMPLATE) -> str:
    tokenizer = tiny_models.make_tokenizer(template)
    (tokens,) = encode_conversations(tokenizer, [conversation(*turns)])
    return tokenizer.decode(tokens)


@pytest.mark.parametrize(
    ("turns", "text"),
    [
        ([("user", "hi")], "<user>hi<assistant>"),
        ([("system", "be"), ("user", "hi")], "<system>be<user>hi<assistant>"),
        ([("user", "a"), ("assistant", "b"), ("user", "c")], "<user>a<assistant>b<eos><user>c<assistant>"),
        # A last turn by the assistant stays open: no end of turn, no new one.
        ([("user", "hi"), ("assistant", "so ")], "<user>hi<assistant>so "),
        ([("user", "hi"), ("assistant", "")], "<user>hi<assistant>"),
        # The prefix also stands earlier in the conversation.
        ([("user", "so"), ("assistant", "so")], "<user>so<assistant>so"),
    ],
)
def test_a_conversation_becomes_a_prompt(turns, text) -> None:
    assert rendered(*turns) == text


def test_tokens_are_those_of_the_vocabulary_without_extra_special_tokens() -> None:
    (tokens,) = encode_conversations(tiny_models.make_tokenizer(), [conversation(("user", "ab"))])
    assert tokens == [3, 5, 6, 4]


def test_equal_conversations_get_equal_prompts_in_the_order_asked() -> None:
    turns = [("user", "a"), ("user", "b"), ("user", "a")]
    first, second, third = encode_conversations(
        tiny_models.make_tokenizer(), [conversation(turn) for turn in turns]
    )
    assert first == third == [3, 5, 4] and second == [3, 6, 4]


def test_a_template_without_system_turns_gets_their_text_in_the_first_user_turn() -> None:
    assert rendered(("system", "be"), ("user", "hi"), template=NO_SYSTEM) == "<user>be\n\nhi<assistant>"


def test_without_a_template_turns_are_lines() -> None:
    turns = (("system", "be"), ("user", "hi"))
    # The test tokenizer knows no colon and gives <pad> for it.
    assert rendered(*turns, template=None).replace("<pad>", ":") == "system: be\nuser: hi\nassistant:"
    assert rendered(*turns, ("assistant", "so"), template=None).endswith("\nassistant<pad> so")


def test_a_refused_conversation_is_named() -> None:
    tokenizer = tiny_models.make_tokenizer(REFUSES_ALL)
    with pytest.raises(
        WorkerFailure, match=r"conversations\[0\]: the model's chat template refuses it: no"
    ) as failure:
        encode_conversations(tokenizer, [conversation(("user", "hi"))])
    assert failure.value.code == "invalid_request"


def test_a_conversation_that_renders_to_nothing_is_refused() -> None:
    with pytest.raises(WorkerFailure, match="renders to no token") as failure:
        encode_conversations(tiny_models.make_tokenizer("{{ '' }}"), [conversation(("user", "hi"))])
    assert failure.value.code == "invalid_request"


def test_texts_keep_their_spaces_and_lose_special_tokens() -> None:
    tokenizer = tiny_models.make_tokenizer()
    tokens = tokenizer("a , b ?<assistant> c.", add_special_tokens=False)["input_ids"]
    completions = [np.array(tokens, np.int32), np.zeros(0, np.int32)]
    assert decode_completions(tokenizer, completions) == ["a , b ? c.", ""]
    assert decode_completions(tokenizer, []) == []
