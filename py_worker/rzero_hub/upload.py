"""One folder becomes one commit of a repository on the hub, however often it takes.

Large files go first, one after another: the hub keeps them by their SHA-256, so that whoever tries again,
here or in another process, sends only what has not arrived. The commit comes last and names them all: a
reader sees the folder as it was before or as it is now.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, TypeVar

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled

T = TypeVar("T")
Say = Callable[[dict[str, Any]], None]

TRIES = 5
MAIN = "main"
WEIGHTS = ("*.safetensors", "*.safetensors.index.json", "adapter_config.json")
"""What would be taken for a part of a model, were it left beside it at the top of a branch."""

TOKEN_HELP = (
    "make one with write access (hub: Settings, Access Tokens), then `hf auth login`, or set HF_TOKEN"
)


class UploadFailure(Exception):  # noqa: N818 - named after what it is
    """Why nothing was committed; one line for people.

    Codes: no_permission, usage, rejected, unavailable, io.
    """

    def __init__(self, code: str, message: str, again: bool = False) -> None:
        """Make a failure; `again`: it may go by itself."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.again = again


@dataclass(frozen=True)
class Upload:
    """What goes where: `names` are files of the folder, with `/`; `kind` is model or dataset."""

    folder: Path
    names: Sequence[str]
    repository: str
    kind: str
    private: bool = False
    branch: str = MAIN
    summary: str = "Upload"


def upload(what: Upload, say: Say, endpoint: str | None = None, wait: float = 1.0) -> dict[str, Any]:
    """Bring a folder to the hub; a repository or branch that is not there is made.

    Args:
        what: the folder and the place.
        say: told of each file when its turn comes, in bytes: {file, bytes, done, total}; and of trouble that
            may pass: {retry}.
        endpoint: the hub's address; HF_ENDPOINT, or the public one, unless given.
        wait: seconds before the second try; each later one waits twice as long.

    Returns {url, commit}. Raises UploadFailure.
    """
    token = get_token()
    if token is None:
        raise UploadFailure("no_permission", f"there is no token for the hub: {TOKEN_HELP}")
    api = HfApi(endpoint=endpoint, token=token)

    def attempt(action: Callable[[], T]) -> T:
        for tried in range(1, TRIES + 1):
            try:
                return action()
            except Exception as error:  # each library below has kinds of its own
                failure = explained(error, api.endpoint, what.repository)
                failure.message = failure.message.replace(token, "***")
                if not failure.again or tried == TRIES:
                    raise failure from None
            say({"retry": failure.message})
            time.sleep(wait * 2 ** (tried - 1))
        raise AssertionError("unreachable")

    attempt(lambda: _prepare(api, what))
    commit = attempt(lambda: _commit(api, what, say))
    prefix = "datasets/" if what.kind == "dataset" else ""
    return {"url": f"{api.endpoint}/{prefix}{what.repository}", "commit": commit}


def _prepare(api: HfApi, what: Upload) -> None:
    """Make repository and branch where they are not there."""
    place = {"repo_id": what.repository, "repo_type": what.kind}
    api.create_repo(**place, private=what.private or None, exist_ok=True)
    if what.private and not api.repo_info(**place).private:
        problem = f"{what.repository} is there already and public, and --private was asked for"
        raise UploadFailure("usage", f"{problem}: make it private on the hub, or choose another name")
    if what.branch != MAIN:
        api.create_branch(**place, branch=what.branch, exist_ok=True)


def _commit(api: HfApi, what: Upload, say: Say) -> str:
    """Send what the hub does not have, and name it all; returns the commit's id."""
    place = {"repo_id": what.repository, "repo_type": what.kind, "revision": what.branch}
    sizes = {name: (what.folder / name).stat().st_size for name in what.names}
    total, done = sum(sizes.values()), 0
    operations: list[CommitOperationAdd | CommitOperationDelete] = []
    for name, size in sizes.items():
        say({"file": name, "bytes": size, "done": done, "total": total})
        addition = CommitOperationAdd(name, what.folder / name)
        api.preupload_lfs_files(additions=[addition], **place)
        operations.append(addition)
        done += size
    if what.kind == "model":
        present = {sibling.rfilename for sibling in api.repo_info(**place).siblings or ()}
        others = [name for name in sorted(present - sizes.keys()) if "/" not in name]
        stale = [name for name in others if any(fnmatch(name, part) for part in WEIGHTS)]
        operations += [CommitOperationDelete(name) for name in stale]
    return api.create_commit(operations=operations, commit_message=what.summary, **place).oid


def explained(error: BaseException, endpoint: str, repository: str) -> UploadFailure:
    """Say what an error means to whoever pushes."""
    while isinstance(error, RuntimeError) and error.__cause__ is not None:
        error = error.__cause__  # what a thread that uploaded a file ended with
    if isinstance(error, UploadFailure):
        return error
    said = _one_line(error)
    if isinstance(error, OfflineModeIsEnabled):
        return UploadFailure("unavailable", "HF_HUB_OFFLINE is set: unset it to push")
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        # Another server that keeps large files, to whom a link has expired: the hub gives a new one.
        elsewhere = not str(error.response.request.url).startswith(endpoint)
        if status in (408, 429) or status >= 500 or (status in (401, 403) and elsewhere):
            return UploadFailure("unavailable", f"the hub does not answer as it should: {said}", again=True)
        if status == 401:
            return UploadFailure("no_permission", f"the hub does not accept the token: {TOKEN_HELP}")
        if status == 403:
            problem = f"the token may not write to {repository}"
            return UploadFailure("no_permission", f"{problem} ({said}): {TOKEN_HELP}")
        return UploadFailure("rejected", f"the hub does not take it: {said}")
    # hf_xet has Python's own kinds for what its transfers end with.
    if isinstance(error, PermissionError) and error.errno is None:
        return UploadFailure("no_permission", f"the hub does not accept the token ({said}): {TOKEN_HELP}")
    if isinstance(error, (HTTPError, ConnectionError, TimeoutError, RuntimeError, json.JSONDecodeError)):
        return UploadFailure("unavailable", f"{endpoint} cannot be reached: {said}", again=True)
    if isinstance(error, OSError):
        return UploadFailure("io", said)
    return UploadFailure("rejected", f"the hub does not take it: {said}")


def _one_line(error: BaseException) -> str:
    """An error's message without what is private in it: links carry signatures behind a question mark."""
    text = re.sub(r"\?[^\s'\")]+", "", str(error) or type(error).__name__)
    return " ".join(text.split())[:600]
