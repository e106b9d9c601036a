"""Stop strings: which token of a sample completes one in its text, and where the text then ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence

MARGIN = 8
"""Characters at the start of a decoded part that may differ from the whole text's: a space left out, say."""

UNFINISHED = "\N{REPLACEMENT CHARACTER}"
"""What the bytes of a character decode to while some of them are missing."""


class StopStrings:
    """The strings that end a sample. Its text is what all its tokens decode to, special ones left out."""

    def __init__(self, strings: Sequence[str], decode: Callable[[list[int]], str]) -> None:
        """Take strings, none of them empty, and what turns token ids into text."""
        self._strings = tuple(strings)
        self._decode = decode
        self._reach = max(map(len, self._strings), default=0) + MARGIN

    def cut(self, text: str) -> str:
        """Return the text before the earliest occurrence of any of the strings."""
        found = [text.find(string) for string in self._strings]
        return text[: min((at for at in found if at >= 0), default=len(text))]

    def watch(self) -> Callable[[int], bool]:
        """Make a function for one sample: told each of its tokens, it says which one completes a string.

        It decodes a window of the last tokens, so that a token costs the same however long the sample is,
        and the whole sample only to confirm. The window begins where the text so far ended with a whole
        character: there the bytes before it have no say in how those after it decode.
        """
        tokens: list[int] = []
        start = coming = 0  # where the window begins, and where it may begin once enough text lies behind
        between = 0  # characters from the one to the other

        def completes(token: int) -> bool:
            nonlocal start, coming, between
            tokens.append(token)
            text = self._decode(tokens[start:])
            if self._in(text) and (start == 0 or self._in(self._decode(tokens))):
                return True
            if len(text) - between >= self._reach and not text.endswith(UNFINISHED):
                start, coming, between = coming, len(tokens), len(text) - between
            return False

        return completes

    def _in(self, text: str) -> bool:
        return any(string in text for string in self._strings)
