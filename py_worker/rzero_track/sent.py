"""What a tracker has got of a run: `trackers/NAME.json` in the run's folder."""

import fcntl
import json
import os
from pathlib import Path


class Sent:
    """Keys of the points that were sent, in that order, so that each is sent once.

    It is written behind the sending: whoever is killed in between sends those points again.
    """

    def __init__(self, folder: Path, tracker: str, run: str):
        """`run` is the run's id."""
        self._path = folder / "trackers" / f"{tracker}.json"
        self._run = run
        self._path.parent.mkdir(exist_ok=True)
        self._lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self.keys: list[str] = []

    def acquire(self) -> bool:
        """Take the right to send, and read what was sent; False while another process has it."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass  # A file system without locks: then nobody but the user keeps two from sending.
        self.keys = self._recorded()
        return True

    def add(self, keys: list[str]) -> None:
        """These were sent too."""
        self.cut(len(self.keys), keys)

    def cut(self, length: int, more: list[str] | None = None) -> None:
        """Of what was sent only the first `length` arrived."""
        self.keys = self.keys[:length] + (more or [])
        temporary = self._path.with_suffix(".tmp")
        with temporary.open("w") as file:
            json.dump({"run": self._run, "sent": self.keys}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)

    def close(self) -> None:
        """Give the right back."""
        os.close(self._lock)

    def _recorded(self) -> list[str]:
        try:
            record = json.loads(self._path.read_bytes())
        except (FileNotFoundError, ValueError):
            return []
        # The folder may be a copy that another run was begun in.
        return record["sent"] if record["run"] == self._run else []
