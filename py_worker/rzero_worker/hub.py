"""The small files of a model, wherever they are: in a folder, in the hub's cache, or on the hub."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from rzero_worker.causes import causes
from rzero_worker.errors import WorkerFailure

TIMEOUT = 20.0
"""Seconds for the hub to say which files a model has."""


@dataclass(frozen=True)
class ModelFiles:
    """Which files a model has, and the text of those that are asked for."""

    place: str
    """A folder, or the name on the hub: what transformers loads from."""
    sizes: Mapping[str, int]
    """Bytes of each file, by name; 0 where they are not known."""
    path: Callable[[str], Path]
    """Where a file is; one of the hub is brought to the cache."""
    types: tuple[str, ...] | None = None
    """Types of the weights where the hub has said them."""

    def read(self, name: str) -> str:
        """Give the text of a file that is there."""
        return self.path(name).read_text("utf-8", errors="replace")


def files_of(source: str) -> ModelFiles:
    """List the files of a folder or of a name on the hub.

    Of a name, those of the cache count where its weights are there, or the hub does not answer. Raises
    hub_unavailable, hub_forbidden; model_unloadable for a name that the hub does not know.
    """
    folder = Path(source).expanduser()
    if folder.is_dir():
        return _files_in(folder)
    cached = _cached(source)
    if cached is not None and any(name.endswith(".safetensors") for name in cached.sizes):
        return cached
    try:
        found = HfApi().model_info(source, files_metadata=True, timeout=TIMEOUT)
    except Exception as error:
        failure = hub_failure(source, error)
        if failure is None:
            raise
        if cached is not None and failure.code == "hub_unavailable":
            return cached
        raise failure from error
    sizes = {file.rfilename: file.size or 0 for file in found.siblings or ()}
    types = tuple(found.safetensors.parameters) if found.safetensors is not None else None
    return ModelFiles(source, sizes, lambda name: Path(hf_hub_download(source, name)), types)


def _files_in(folder: Path) -> ModelFiles:
    sizes = {file.name: file.stat().st_size for file in sorted(folder.iterdir()) if file.is_file()}
    return ModelFiles(str(folder), sizes, lambda name: folder / name)


def _cached(source: str) -> ModelFiles | None:
    try:
        return _files_in(Path(snapshot_download(source, local_files_only=True)))
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def hub_failure(source: str, error: BaseException) -> WorkerFailure | None:
    """Say what the hub, or the way to it, has to do with an error; None: nothing."""
    for cause in causes(error):
        if isinstance(cause, GatedRepoError) or _status(cause) == 403:
            return WorkerFailure(
                "hub_forbidden",
                f"source {source!r} is gated on the Hugging Face hub: ask for access on its page, "
                "and put a token of that account into HF_TOKEN",
                str(cause),
            )
        if isinstance(cause, RepositoryNotFoundError | HFValidationError):
            hint = "where it is private, a token with the right to it belongs into HF_TOKEN"
            return WorkerFailure(
                "model_unloadable", f"source {source!r} is no folder here and no model on the hub ({hint})"
            )
        if _status(cause) == 401:
            return WorkerFailure(
                "hub_forbidden", f"source {source!r}: the hub does not accept the token", str(cause)
            )
        if isinstance(cause, OfflineModeIsEnabled):
            problem = "is not in the cache, and HF_HUB_OFFLINE is set"
            return WorkerFailure("hub_unavailable", f"source {source!r} {problem}", str(cause))
        if isinstance(cause, LocalEntryNotFoundError) or _is_of_transport(cause) or _is_ill(cause):
            problem = "is no folder here, and the Hugging Face hub cannot be reached"
            return WorkerFailure("hub_unavailable", f"source {source!r} {problem}", str(cause))
    return None


def _status(error: BaseException) -> int | None:
    return error.response.status_code if isinstance(error, HfHubHTTPError) else None


def _is_ill(error: BaseException) -> bool:
    return (_status(error) or 0) >= 500


def _is_of_transport(error: BaseException) -> bool:
    """Whether a connection failed. By name: which HTTP library the hub's client uses is its own business."""
    return any(kind.__name__ == "TransportError" for kind in type(error).__mro__)


def weight_types(files: ModelFiles) -> list[str]:
    """Float types of a model's weights, as the headers of its safetensors name them, in order of their bytes.

    A header is JSON behind its length, a little-endian u64. On the hub they are what it says itself.
    """
    if files.types is not None:
        return list(files.types)
    held: dict[str, int] = {}
    for name in files.sizes:
        if name.endswith(".safetensors"):
            for kind, size in _header(files.path(name)):
                held[kind] = held.get(kind, 0) + size
    return sorted(held, key=lambda kind: -held[kind])


def _header(path: Path) -> Iterator[tuple[str, int]]:
    """Type and bytes of each tensor; nothing where the file is broken: who loads it finds out."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            tensors = json.loads(file.read(min(length, 100_000_000)))
        for name, tensor in tensors.items():
            if name != "__metadata__":
                begin, end = tensor["data_offsets"]
                yield tensor["dtype"], end - begin
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return
