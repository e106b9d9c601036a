"""Files of a data set on the hub: `python -m rzero_hub.download OWNER/NAME --revision R --file NAME ...`.

They come from the hub's cache where they are there; HF_HUB_OFFLINE, HF_ENDPOINT, HF_HOME and HF_TOKEN hold.
Stdout has one line of JSON: {"result": {"files", "commit"}} or {"error": {"code", "message"}}.
"""

from __future__ import annotations

import argparse
import json
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

from rzero_worker.causes import causes


class DownloadFailure(Exception):  # noqa: N818 - named after what it is
    """Why a file could not be had; one line for people. Codes: not_found, refused, unavailable, io."""

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
        except (HTTPError, HFValidationError, EntryNotFoundError, OSError) as error:
            raise explained(error, repository, revision, name) from None
    return {"files": [str(path) for path in files], "commit": folder.name if folder else revision}


def explained(error: Exception, repository: str, revision: str, name: str) -> DownloadFailure:
    """Say what an error means to whoever wants the data."""
    what = f"data set {repository}"
    chain = list(causes(error))
    if any(isinstance(cause, GatedRepoError) for cause in chain):
        way = "ask for access on its page, and put a token of that account into HF_TOKEN"
        return DownloadFailure("refused", f"{what} is gated on the Hugging Face hub: {way}")
    if any(isinstance(cause, (RepositoryNotFoundError, HFValidationError)) for cause in chain):
        hint = "where it is private, a token with the right to it belongs into HF_TOKEN"
        return DownloadFailure("not_found", f"{what} is not on the Hugging Face hub ({hint})")
    if any(isinstance(cause, RevisionNotFoundError) for cause in chain):
        return DownloadFailure("not_found", f"{what} has no revision {revision} on the Hugging Face hub")
    # An entry that is only not in the cache says nothing of the hub.
    if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
        return DownloadFailure("not_found", f"{what} has no file {name} at {revision}")
    statuses = [cause.response.status_code for cause in chain if isinstance(cause, HfHubHTTPError)]
    if any(status in (401, 403) for status in statuses):
        return DownloadFailure(
            "refused", f"{what}: the Hugging Face hub does not accept the token in HF_TOKEN"
        )
    problem = f"{what}: {name} is not in the hub's cache"
    if any(isinstance(cause, OfflineModeIsEnabled) for cause in chain):
        return DownloadFailure("unavailable", f"{problem}, and HF_HUB_OFFLINE is set: unset it")
    if statuses:
        why = f"does not answer as it should (status {statuses[0]})"
        return DownloadFailure("unavailable", f"{problem}, and the Hugging Face hub {why}: try again")
    if isinstance(error, OSError) and error.errno is not None and not isinstance(error, ConnectionError):
        return DownloadFailure("io", f"{what}: {error.strerror} ({error.filename})")
    return DownloadFailure("unavailable", f"{problem}, and the Hugging Face hub cannot be reached: try again")


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
