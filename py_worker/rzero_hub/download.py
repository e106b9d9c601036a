"""Files of a data set on the hub: `python -m rzero_hub.download OWNER/NAME --revision R --file NAME ...`.

They come from the hub's cache where they are there; HF_HUB_OFFLINE, HF_ENDPOINT, HF_HOME and HF_TOKEN hold.
Stdout has one line of JSON: {"result": {"files", "commit"}} or {"error": {"code", "message"}}.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import disable_progress_bars, logging


class DownloadFailure(Exception):  # noqa: N818 - named after what it is
    """Why a file could not be had; one line for people. Codes: not_found, refused, unavailable."""

    def __init__(self, code: str, message: str) -> None:
        """Make a failure."""
        super().__init__(message)
        self.code = code
        self.message = message


def download(repository: str, revision: str, names: Sequence[str]) -> dict[str, object]:
    """Bring files of a data set into the hub's cache, where they are not there yet.

    Args:
        repository: OWNER/NAME.
        revision: a commit, a branch or a tag.
        names: of files, with `/`; or patterns with `*`, of which all files that match are meant.

    Returns {files: absolute paths in the order of the names, those of a pattern sorted; commit}. Raises
    DownloadFailure.
    """
    files: list[Path] = []
    folder: Path | None = None
    for name in names:
        try:
            if "*" in name:
                pattern = {"allow_patterns": [name]}
                folder = Path(
                    snapshot_download(repository, repo_type="dataset", revision=revision, **pattern)
                )
                found = sorted(path for path in folder.glob(name) if path.is_file())
                if not found:
                    raise EntryNotFoundError(f"no file matches {name}")
                files += found
            else:
                path = Path(hf_hub_download(repository, name, repo_type="dataset", revision=revision))
                folder = path.parents[name.count("/")]
                files.append(path)
        except (HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, HTTPError, OSError) as error:
            raise explained(error, repository, revision, name) from None
    return {"files": [str(path) for path in files], "commit": folder.name if folder else revision}


def explained(error: Exception, repository: str, revision: str, name: str) -> DownloadFailure:
    """Say what an error means to whoever wants the data."""
    what = f"data set {repository}"
    if isinstance(error, GatedRepoError):
        way = "ask for access on its page, and put a token of that account into HF_TOKEN"
        return DownloadFailure("refused", f"{what} is gated on the Hugging Face hub: {way}")
    if isinstance(error, (RepositoryNotFoundError, HFValidationError)):
        hint = "where it is private, a token with the right to it belongs into HF_TOKEN"
        return DownloadFailure("not_found", f"{what} is not on the Hugging Face hub ({hint})")
    if isinstance(error, RevisionNotFoundError):
        return DownloadFailure("not_found", f"{what} has no revision {revision} on the Hugging Face hub")
    # Before the next: the hub's client calls a file that is only not here an entry that is not found.
    if isinstance(error, (LocalEntryNotFoundError, OfflineModeIsEnabled)):
        return _unavailable(what, name, error)
    if isinstance(error, EntryNotFoundError):
        return DownloadFailure("not_found", f"{what} has no file {name} at {revision}")
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    if status in (401, 403):
        return DownloadFailure(
            "refused", f"{what}: the Hugging Face hub does not accept the token in HF_TOKEN"
        )
    return _unavailable(what, name, error)


def _unavailable(what: str, name: str, error: Exception) -> DownloadFailure:
    """The hub is not to be had, or not to be asked."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OfflineModeIsEnabled):
        cause = cause.__cause__ or cause.__context__
    offline = cause is not None
    why = (
        "HF_HUB_OFFLINE is set" if offline else f"the Hugging Face hub cannot be reached: {_one_line(error)}"
    )
    way = "unset it to load it" if offline else "try again"
    return DownloadFailure("unavailable", f"{what}: {name} is not in the hub's cache, and {why}; {way}")


def _one_line(error: Exception) -> str:
    """An error's message without what is private in it: links carry signatures behind a question mark."""
    text = re.sub(r"\?[^\s'\")]+", "", str(error) or type(error).__name__)
    return " ".join(text.split())[:300]


def main(arguments: list[str] | None = None) -> int:
    """Run one command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="rzero_hub.download", description=__doc__)
    parser.add_argument("repository")
    parser.add_argument("--revision", required=True)
    parser.add_argument("--file", action="append", required=True, help="a name or a pattern; may be repeated")
    options = parser.parse_args(arguments)
    # What the library would say is said here.
    disable_progress_bars()
    logging.set_verbosity(logging.CRITICAL)
    try:
        line: dict[str, object] = {"result": download(options.repository, options.revision, options.file)}
    except DownloadFailure as failure:
        line = {"error": {"code": failure.code, "message": failure.message}}
    print(json.dumps(line), flush=True)
    return 1 if "error" in line else 0


if __name__ == "__main__":
    sys.exit(main())
