"""Stop strings: the watch against a plain search in the whole text, with decoders of several kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from rzero_worker.mock import language
from rzero_worker.stop_strings import StopStrings

Decode = Callable[[list[int]], str]

UNFINISHED = "\N{REPLACEMENT CHARACTER}"
SMILE = "\N{GRINNING FACE}"
LETTERS = ["a", "b", " ", "\n", "é", "€", SMILE]
BYTES = [bytes([byte]) for byte in "".join(LETTERS).encode()]
HALVES = [SMILE.encode()[:2], SMILE.encode()[2:] + b"a"]
PIECES = [*BYTES, b"ab", b"a b", "é\n".encode(), "\n€".encode(), *HALVES]


@dataclass
class Coder:
    """How tokens decode; what to draw tokens from: single ones, and runs that make whole characters."""

    decode: Decode
    vocabulary: int
    runs: list[list[int]]


def runs_of(spellings: Iterable[Iterable[str | bytes]], vocabulary: Sequence[str | bytes]) -> list[list[int]]:
    return [[vocabulary.index(part) for part in spelling] for spelling in spellings]


def byte_pieces(tokens: list[int]) -> str:
    return b"".join(PIECES[token] for token in tokens).decode(errors="replace")


def plain_bytes() -> Coder:
    whole = [[bytes([byte]) for byte in letter.encode()] for letter in LETTERS]
    return Coder(byte_pieces, len(PIECES), runs_of([*whole, HALVES], PIECES))


def library(vocabulary: list[str], decoder: decoders.Decoder, spellings: Iterable[Iterable[str]]) -> Coder:
    core = Tokenizer(models.WordLevel({piece: index for index, piece in enumerate(vocabulary)}, unk_token=""))
    core.decoder = decoder
    return Coder(core.decode, len(vocabulary), runs_of(spellings, vocabulary))


def byte_level() -> Coder:
    """As GPT-2 and Qwen: every token is bytes, spelled with a letter each."""
    spell = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str
    spellings = ["".join(word for word, _ in spell(letter)) for letter in LETTERS]
    vocabulary = sorted({*"".join(spellings), "ab", spellings[2] + "a", spellings[4] + spellings[3]})
    return library(vocabulary, decoders.ByteLevel(), spellings)


def sentence_piece() -> Coder:
    """As Llama 2: a first space is left out, and what has no token of its own is bytes."""
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    spellings = [[f"<0x{byte:02X}>" for byte in letter.encode()] for letter in LETTERS[3:]]
    vocabulary = sorted({"▁", "▁a", "a", "b", "▁b", *(part for spelling in spellings for part in spelling)})
    return library(vocabulary, decoders.Sequence(steps), spellings)


def word_piece() -> Coder:
    """As BERT: tokens are joined by spaces, save those that go on."""
    vocabulary = ["a", "##a", "b", "##b", ",", "é", "##é"]
    return library(vocabulary, decoders.WordPiece(), [["a", "##b"], [","]])


def the_mock() -> Coder:
    """Fragments of text, and halves of bytes."""
    spoken = language.load("babble")
    return Coder(spoken.decode, spoken.vocabulary, [spoken.encode(letter) for letter in LETTERS])


STOPS = st.lists(st.text("ab ,#\n€" + SMILE, min_size=3, max_size=12), min_size=1, max_size=2)
CODERS = [plain_bytes(), byte_level(), sentence_piece(), word_piece(), the_mock()]


def completing(decode: Decode, strings: Sequence[str], tokens: list[int]) -> int | None:
    """Index of the first token after which the whole text holds a stop string."""
    for count in range(1, len(tokens) + 1):
        text = decode(tokens[:count])
        if any(string in text for string in strings):
            return count - 1
    return None


@pytest.mark.parametrize("coder", CODERS, ids=["bytes", "byte level", "sentence piece", "word piece", "mock"])
@settings(max_examples=150, deadline=None)
@given(random=st.randoms(use_true_random=False), stray=st.sampled_from([0.0, 0.02, 0.5]), others=STOPS)
def test_the_watch_finds_what_a_search_in_the_whole_text_finds(
    coder: Coder, random: Random, stray: float, others: list[str]
) -> None:
    parts = [
        [random.randrange(coder.vocabulary)] if random.random() < stray else random.choice(coder.runs)
        for _ in range(random.randrange(120))
    ]
    tokens = [token for part in parts for token in part]
    # The end of a readable part of the text, so that there is something to find, and late.
    readable = [part for part in coder.decode(tokens).split(UNFINISHED) if part]
    strings = [*others, *(part[-random.randint(1, 9) :] for part in random.sample(readable, bool(readable)))]
    completes = StopStrings(strings, coder.decode).watch()
    found = next((index for index, token in enumerate(tokens) if completes(token)), None)
    assert found == completing(coder.decode, strings, tokens)


def test_a_string_may_end_inside_a_token_span_tokens_or_be_a_character_in_parts() -> None:
    a, b, space = 0, 1, 2
    first_half, second_half = (PIECES.index(half) for half in HALVES)
    for strings, tokens, index in (
        (["a "], [b, PIECES.index(b"a b")], 1),  # inside "a b"
        (["ba b"], [a, b, a, space, b], 4),
        ([SMILE], [a, *range(len(BYTES) - 4, len(BYTES)), b], 4),
        ([SMILE], [first_half, second_half], 1),
    ):
        completes = StopStrings(strings, byte_pieces).watch()
        assert [completes(token) for token in tokens][: index + 1] == [False] * index + [True]


def test_what_only_a_part_of_the_text_decodes_to_is_no_occurrence() -> None:
    # A part that begins with "##b" decodes to it; in the whole text it is a "b" of the word before.
    coder = word_piece()
    completes = StopStrings(["#"], coder.decode).watch()
    assert not any(completes(token) for token in coder.runs[0][:1] + coder.runs[0][1:] * 60)


def test_a_token_late_in_a_sample_costs_what_an_early_one_does() -> None:
    decoded: list[int] = []

    def decode(tokens: list[int]) -> str:
        decoded.append(len(tokens))
        return byte_pieces(tokens)

    completes = StopStrings(["b" * 40], decode).watch()
    assert not any(completes(token % 2) for token in range(5000))
    # Twice the 48 characters that a window reaches back, one of them a token.
    assert len(decoded) == 5000 and max(decoded) <= 2 * 48


@given(text=st.text("ab", max_size=12), strings=STOPS)
@example(text="xabcab", strings=["ab", "b", "xabcabx"])
def test_the_text_ends_before_the_earliest_occurrence(text: str, strings: list[str]) -> None:
    cut = StopStrings(strings, byte_pieces).cut(text)
    starts = [at for at in range(len(text)) if any(text.startswith(string, at) for string in strings)]
    assert cut == text[: min(starts, default=len(text))]
