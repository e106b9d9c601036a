"""A model of the mock as a folder: config.json, weights.json and optimizer.json, whole or not at all."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rzero_worker import manifest, pulse
from rzero_worker.draft import draft
from rzero_worker.mock.adam import AdamW
from rzero_worker.mock.language import Language, Rows

FORMAT = "rzero-mock-1"


class FolderError(ValueError):
    """A folder that is not a saved model of the mock; says what is missing or wrong."""


def save(
    path: Path,
    language: Language,
    rows: Rows,
    optimizer: AdamW | None,
    extras: Mapping[str, bytes],
    steps: int,
    weights_version: int,
) -> tuple[int, str]:
    """Write a folder that must not exist; returns its bytes and its manifest's SHA-256. Raises OSError.

    It is written beside its place and renamed, so a crash leaves no half folder there (draft.py).
    `extras` are further files; `steps` and `weights_version` are for the manifest.
    """
    with draft(path.absolute()) as place:
        _write(place / "config.json", {"format": FORMAT, "language": language.document})
        _write(place / "weights.json", {"rows": rows})
        if optimizer is not None:
            moments = {"first": optimizer.first, "second": optimizer.second}
            _write(place / "optimizer.json", {"steps": optimizer.steps, **moments})
        for name, data in extras.items():
            _write_bytes(place / name, data)
        digest = manifest.write(place, steps, weights_version)
        return sum(entry.stat().st_size for entry in place.iterdir()), digest


def load(path: Path) -> tuple[Language, Rows, AdamW | None]:
    """Read a folder made by `save`. Raises OSError or FolderError."""
    if not path.is_dir():
        raise FolderError(f"{path} is not a folder")
    config = _read(path / "config.json")
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise FolderError(f"{path / 'config.json'}: format is not {FORMAT}")
    weights = _read(path / "weights.json")
    try:
        language = Language(config["language"])
        shape = (len(language.initial_rows(0)), language.vocabulary)
        rows = _rows(weights["rows"], shape)
        saved = path / "optimizer.json"
        optimizer = _optimizer(_read(saved), shape) if saved.exists() else None
    except (KeyError, TypeError, ValueError) as error:
        raise FolderError(f"{path}: {error!r}") from error
    return language, rows, optimizer


def _rows(values: list[list[float]], shape: tuple[int, int]) -> Rows:
    rows = [_row(row, shape[1]) for row in values]
    if len(rows) != shape[0]:
        raise ValueError(f"{len(rows)} rows, expected {shape[0]}")
    return rows


def _row(values: list[float], width: int) -> list[float]:
    row = [float(value) for value in values]
    if len(row) != width or not all(map(math.isfinite, row)):
        raise ValueError(f"a row must be {width} finite numbers")
    return row


def _optimizer(state: dict[str, Any], shape: tuple[int, int]) -> AdamW:
    optimizer = AdamW()
    optimizer.steps = int(state["steps"])
    for name, moments in (("first", optimizer.first), ("second", optimizer.second)):
        for index, row in state[name].items():
            if not 0 <= int(index) < shape[0]:
                raise ValueError(f"{name}: row {index} of {shape[0]}")
            moments[int(index)] = _row(row, shape[1])
    if optimizer.first.keys() != optimizer.second.keys():
        raise ValueError("the moments are not of the same rows")
    return optimizer


def _read(path: Path) -> Any:
    try:
        document = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise FolderError(f"{path} is missing") from error
    except ValueError as error:  # bad JSON or bad UTF-8
        raise FolderError(f"{path} is not JSON: {error}") from error
    pulse.beat()
    return document


def _write(path: Path, document: object) -> None:
    _write_bytes(path, json.dumps(document, allow_nan=False).encode())


def _write_bytes(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    pulse.beat()
