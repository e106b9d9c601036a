"""A language of the mock: its vocabulary, its tokenizer and chat layout, and how likely what follows what.

A language is a JSON document (languages/*.json, or the config of a saved model). Text is cut into the
longest fragments it knows; any other byte becomes two hexadecimal digits, so every text has tokens.
"""

from __future__ import annotations

import json
import math
import re
from array import array
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any
from zlib import crc32

from rzero_worker.protocol import Message, Role

END, SYSTEM, USER, ASSISTANT = range(4)
FIRST_DIGIT = 4
FIRST_FRAGMENT = FIRST_DIGIT + 16
END_TEXT, CUE = "<end>", f"<{Role.ASSISTANT}>"
ROLE_TOKENS = {Role.SYSTEM: SYSTEM, Role.USER: USER, Role.ASSISTANT: ASSISTANT}

Rows = list[list[float]]


class Language:
    """A vocabulary with its contexts.

    Attributes:
        vocabulary: number of tokens: end, three roles, 16 digits of bytes, then the fragments.
        kinds: what a token is to the one after it: itself, but all digits are one kind.
        contexts: number of contexts; 0 holds until a reply begins, the others are reply contexts, `buckets`
            for each grammar of the document.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        """Read a document; raises KeyError, TypeError or ValueError where it is no language."""
        self.document = document
        groups: dict[str, list[str]] = document["groups"]
        self._groups: dict[str, list[int]] = {"<end>": [END], "<start>": [ASSISTANT]}
        self._fragments: list[str] = []
        for name, fragments in groups.items():
            start = FIRST_FRAGMENT + len(self._fragments)
            self._groups[name] = list(range(start, start + len(fragments)))
            self._fragments += fragments
        if "" in self._fragments or len(set(self._fragments)) < len(self._fragments):
            raise ValueError("fragments must be different from each other and not empty")
        self._token_of = {text: FIRST_FRAGMENT + index for index, text in enumerate(self._fragments)}
        longest_first = sorted(self._fragments, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))
        self.vocabulary = FIRST_FRAGMENT + len(self._fragments)
        self.kinds = FIRST_DIGIT + 1 + len(self._fragments)
        self.kind_of = [
            token if token < FIRST_DIGIT else max(FIRST_DIGIT, token - FIRST_FRAGMENT + FIRST_DIGIT + 1)
            for token in range(self.vocabulary)
        ]
        self._grammars: list[dict[str, Any]] = document["contexts"]
        self._markers = [self._token_of.get(grammar.get("marker")) for grammar in self._grammars]
        self._buckets = max(grammar.get("opinions", {}).get("buckets", 1) for grammar in self._grammars)
        self.contexts = 1 + len(self._grammars) * self._buckets

    def encode(self, text: str) -> list[int]:
        """Cut a text into tokens; `decode` gives it back."""
        tokens: list[int] = []
        position = 0
        for match in self._pattern.finditer(text):
            tokens += _digits(text[position : match.start()])
            tokens.append(self._token_of[match.group()])
            position = match.end()
        return tokens + _digits(text[position:])

    def decode(self, tokens: Iterable[int]) -> str:
        """Join tokens to text. Roles and the end have none; digits that make no character give U+FFFD."""
        out = bytearray()
        high: int | None = None
        for token in tokens:
            if FIRST_DIGIT <= token < FIRST_FRAGMENT:
                digit = token - FIRST_DIGIT
                if high is None:
                    high = digit
                else:
                    out.append(16 * high + digit)
                    high = None
                continue
            if high is not None:
                out.append(0xFF)  # half a byte: no UTF-8
                high = None
            if token >= FIRST_FRAGMENT:
                out += self._fragments[token - FIRST_FRAGMENT].encode()
        if high is not None:
            out.append(0xFF)
        return out.decode(errors="replace")

    def encode_conversation(self, messages: Sequence[Message]) -> array:
        """Lay out turns as `<role> content`, and open the reply unless a last turn by the assistant has."""
        tokens = array("i")
        for index, message in enumerate(messages):
            tokens.append(ROLE_TOKENS[message.role])
            tokens.extend(self.encode(message.content))
            if message.role is Role.ASSISTANT and index < len(messages) - 1:
                tokens.append(END)
        if messages[-1].role is not Role.ASSISTANT:
            tokens.append(ASSISTANT)
        return tokens

    def render(self, messages: Sequence[Message]) -> str:
        """Write out what `encode_conversation` encodes, its special tokens in angle brackets."""
        text = ""
        for index, message in enumerate(messages):
            ends = message.role is Role.ASSISTANT and index < len(messages) - 1
            text += f"<{message.role}>{message.content}" + (END_TEXT if ends else "")
        return text if messages[-1].role is Role.ASSISTANT else text + CUE

    def reply_context(self, prompt: array) -> int:
        """Which context a reply has: the grammar by a marker in the prompt, the bucket by the prompt's hash.

        Args:
            prompt: the tokens up to and with the first ASSISTANT.
        """
        grammar = 0
        for index, marker in enumerate(self._markers):
            if marker is not None and marker in prompt:
                grammar = index
        return 1 + grammar * self._buckets + crc32(prompt.tobytes()) % self._buckets

    def grammar_of(self, context: int) -> int:
        """Which grammar a context follows, 0 for what comes before the reply."""
        return max(0, context - 1) // self._buckets

    def initial_rows(self, seed: int) -> Rows:
        """Logits that make the grammar likely: `kinds` rows for each grammar, then one row for each context.

        The logits of a token are the sum of the row of (grammar, kind before it) and that of the context.
        """
        noise = Random(seed)
        spread = float(self.document["noise"])
        leak = float(self.document["leak"])
        rows: Rows = []
        for grammar in self._grammars:
            by_kind: list[dict[str, float]] = [{"<end>": 1.0}] * self.kinds
            for name, following in grammar["rows"].items():
                for token in self._groups[name]:
                    by_kind[self.kind_of[token]] = following
            for following in by_kind:
                row = self._row(following, leak)
                rows.append([logit + noise.gauss(0.0, spread) for logit in row])
        return rows + self._opinions()

    def _row(self, following: dict[str, float], leak: float) -> list[float]:
        probabilities = [leak / self.vocabulary] * self.vocabulary
        for name, share in following.items():
            tokens = self._groups[name]
            for token in tokens:
                probabilities[token] += (1 - leak) * share / len(tokens)
        return [math.log(probability) for probability in probabilities]

    def _opinions(self) -> Rows:
        """Context rows: zero, or in favour of one fragment of a group, how much differs by bucket."""
        rows = [[0.0] * self.vocabulary for _ in range(self.contexts)]
        for index, grammar in enumerate(self._grammars):
            if "opinions" not in grammar:
                continue
            tokens = self._groups[grammar["opinions"]["group"]]
            strengths = grammar["opinions"]["strengths"]
            for bucket in range(self._buckets):
                favourite = tokens[crc32(b"%d" % bucket) % len(tokens)]
                rows[1 + index * self._buckets + bucket][favourite] = float(
                    strengths[bucket % len(strengths)]
                )
        return rows


def _digits(text: str) -> list[int]:
    return [FIRST_DIGIT + digit for byte in text.encode() for digit in (byte >> 4, byte & 15)]


def names() -> list[str]:
    """Name the languages that come with the package."""
    folder = files("rzero_worker.mock") / "languages"
    return sorted(
        entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json")
    )


@cache
def load(name: str) -> Language:
    """Load one of the package's languages."""
    return Language(
        json.loads((files("rzero_worker.mock") / "languages" / f"{name}.json").read_text("utf-8"))
    )
