"""Manifests: a checkpoint that is not what was written is not read."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from rzero_worker import manifest
from rzero_worker.errors import WorkerFailure
from rzero_worker.protocol import ErrorCode


def written(tmp_path: Path) -> tuple[Path, str]:
    folder = tmp_path / "checkpoint"
    (folder / "parts").mkdir(parents=True)
    (folder / "weights").write_bytes(bytes(range(256)))
    (folder / "parts" / "one").write_bytes(b"")
    return folder, manifest.write(folder, steps=3, weights_version=7)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_the_manifest_describes_every_other_file(tmp_path: Path) -> None:
    folder, digest = written(tmp_path)
    text = (folder / "manifest.json").read_bytes()
    assert digest == sha256(text)
    document = {
        "files": {
            "parts/one": {"bytes": 0, "sha256": sha256(b"")},
            "weights": {"bytes": 256, "sha256": sha256(bytes(range(256)))},
        },
        "format": 1,
        "steps": 3,
        "weightsVersion": 7,
    }
    assert text.decode() == json.dumps(document, indent=1) + "\n"  # the keys above are sorted


def test_what_was_written_is_right_with_and_without_its_digest(tmp_path: Path) -> None:
    folder, digest = written(tmp_path)
    for asked in (None, digest, digest.upper()):
        found = manifest.verify(str(folder), asked)
        assert (found.steps, found.weights_version) == (3, 7)
        assert sorted(found.files) == ["parts/one", "weights"]


def flip(folder: Path) -> None:
    file = folder / "weights"
    data = bytearray(file.read_bytes())
    data[100] ^= 1
    file.write_bytes(data)


def rewrite(change: Callable[[dict], object]) -> Callable[[Path], object]:
    def act(folder: Path) -> None:
        file = folder / "manifest.json"
        document = json.loads(file.read_text())
        change(document)
        file.write_text(json.dumps(document))

    return act


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (flip, "weights is damaged: its SHA-256 is [0-9a-f]{64}, the manifest says [0-9a-f]{64}"),
        (
            lambda f: (f / "weights").write_bytes(b"short"),
            "weights is damaged: it has 5 bytes, the manifest says 256",
        ),
        (lambda f: (f / "weights").unlink(), "lacks a file that its manifest lists: 'weights'"),
        (lambda f: (f / "parts" / "two").write_bytes(b""), "does not list: 'parts/two'"),
        (lambda f: (f / "link").symlink_to("nowhere"), "does not list: 'link'"),
        (lambda f: (f / "manifest.json").unlink(), "lacks its manifest, manifest.json"),
        (
            lambda f: (f / "manifest.json").write_bytes(b"{"),
            "has no usable manifest: manifest.json: JSONDecodeError",
        ),
        (
            lambda f: (f / "manifest.json").write_bytes(b"\xff"),
            "has no usable manifest: manifest.json: Unicode",
        ),
        (
            lambda f: (f / "manifest.json").write_bytes(b"[]"),
            "has no usable manifest: manifest.json: TypeError",
        ),
        (rewrite(lambda d: d.update(format=2)), "format: saw 2, allowed is 1"),
        (rewrite(lambda d: d.pop("steps")), "has no usable manifest: manifest.json: KeyError"),
        (rewrite(lambda d: d["files"].update(weights=1)), "has no usable manifest: manifest.json: TypeError"),
        (rewrite(lambda d: d["files"].update({"../x": d["files"]["weights"]})), r"manifest lists: '\.\./x'"),
    ],
)
def test_anything_else_is_an_io_error_that_names_the_file(
    tmp_path: Path, damage: Callable[[Path], object], problem: str
) -> None:
    folder, _ = written(tmp_path)
    damage(folder)
    with pytest.raises(WorkerFailure, match=problem) as failure:
        manifest.verify(str(folder))
    assert failure.value.code is ErrorCode.IO_ERROR
    assert repr(str(folder)) in failure.value.message


def test_a_manifest_of_another_checkpoint_is_refused(tmp_path: Path) -> None:
    folder, digest = written(tmp_path)
    with pytest.raises(WorkerFailure, match=f"manifest.json is {digest}, asked for is {'0' * 64}"):
        manifest.verify(str(folder), "0" * 64)


@pytest.mark.parametrize(("name", "problem"), [("nowhere", "does not exist"), ("file", "is not a folder")])
def test_a_path_that_is_no_folder(tmp_path: Path, name: str, problem: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WorkerFailure, match=problem) as failure:
        manifest.verify(str(tmp_path / name))
    assert failure.value.code is ErrorCode.IO_ERROR


def test_of_several_wrong_files_the_first_by_name_is_named_whichever_is_read_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    names = [f"file-{letter}" for letter in "abcdefghijkl"]
    for name in names:
        (folder / name).write_bytes(b"right")
    manifest.write(folder, steps=0, weights_version=0)
    for name in names[3:]:
        (folder / name).write_bytes(b"wrong")
    others, describe = threading.Semaphore(0), manifest._describe

    def last(path: Path) -> manifest.Entry:
        """Hash a file; the first wrong one only after four others."""
        if path.name != names[3]:
            others.release()
            return describe(path)
        assert all(others.acquire(timeout=30) for _ in range(4))
        return describe(path)

    monkeypatch.setattr(manifest, "_describe", last)
    with pytest.raises(WorkerFailure, match="file-d is damaged"):
        manifest.verify(str(folder))


@pytest.mark.parametrize("threads", [2, 8])
def test_files_are_hashed_at_once_when_written_and_when_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: threads)
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    for at in range(8):
        (folder / str(at)).write_bytes(bytes([at]))
    # Nobody goes on before so many are there.
    together, describe = threading.Barrier(threads, timeout=30), manifest._describe
    monkeypatch.setattr(manifest, "_describe", lambda path: (together.wait(), describe(path))[1])
    digest = manifest.write(folder, steps=0, weights_version=0)
    assert len(manifest.verify(str(folder), digest).files) == 8
