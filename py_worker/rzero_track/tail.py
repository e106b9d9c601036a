"""The lines of a file that grows, and may be replaced by another."""

import json
import os
from pathlib import Path
from typing import Any


class Tail:
    """Follows a file of JSON lines.

    Where the file was replaced or cut short it is read from its beginning again: who asks must know lines
    again. A line that has no end yet is left for later.
    """

    def __init__(self, path: Path):
        """The file need not be there yet."""
        self._path = path
        self._place: tuple[int, int] | None = None
        self._read = 0

    def lines(self) -> list[dict[str, Any]]:
        """The lines that came since; none where there is no file."""
        try:
            with self._path.open("rb") as file:
                state = os.fstat(file.fileno())
                place = (state.st_dev, state.st_ino)
                if place != self._place or state.st_size < self._read:
                    self._place, self._read = place, 0
                file.seek(self._read)
                content = file.read()
        except FileNotFoundError:
            return []
        whole = content[: content.rfind(b"\n") + 1]
        self._read += len(whole)
        return [json.loads(line) for line in whole.splitlines()]
