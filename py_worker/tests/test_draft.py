"""Folders that are there whole or not at all, at whatever call their writer fails or is killed."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import disk
import pytest
import samples

from rzero_worker import manifest
from rzero_worker import protocol as p
from rzero_worker.backend import Backend
from rzero_worker.backends.mock import MockBackend
from rzero_worker.draft import draft
from rzero_worker.errors import WorkerFailure


def write(target: Path, text: str = "all of it") -> None:
    with draft(target) as place:
        (place / "file").write_text(text)


def test_it_has_its_name_when_it_is_done_and_not_before(tmp_path: Path) -> None:
    target = tmp_path / "new" / "c"
    with draft(target) as place:
        assert place.parent == target.parent and not target.exists()
        (place / "file").write_text("x")
    assert [*(tmp_path / "new").iterdir()] == [target]
    assert (target / "file").read_text() == "x"


def test_folders_above_are_made_as_anybody_makes_them(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "a" / "b" / "c")
    finally:
        os.umask(before)
    for path in (tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "c"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o750


def test_what_is_there_is_left_alone_also_when_it_came_meanwhile(tmp_path: Path) -> None:
    target = tmp_path / "c"
    write(target)
    with pytest.raises(FileExistsError, match="exists already"):
        write(target, "other")
    late = tmp_path / "d"
    with pytest.raises(OSError, match="not empty"), draft(late) as place:
        (place / "file").write_text("other")
        late.mkdir()
        (late / "file").write_text("all of it")
    assert (target / "file").read_text() == (late / "file").read_text() == "all of it"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "d"]


def test_folders_are_synced_around_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []
    sync, rename = os.fsync, os.rename

    def synced(descriptor: int) -> None:
        log.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        sync(descriptor)

    def renamed(old: Path, new: Path) -> None:
        log.append("rename")
        rename(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    write(tmp_path / "a" / "b" / "c")
    assert log[0].endswith(".partial")
    assert log[1] == "rename"
    assert sorted(log[2:]) == sorted(["b", "a", tmp_path.name])


def test_leftovers_of_the_same_place_alone_are_removed(tmp_path: Path) -> None:
    own = [".c.17.0123abcd.partial", ".c.4000000.ffffffff.partial"]
    others = [".c.d.17.0123abcd.partial", ".cc.17.0123abcd.partial", ".c.17.partial", "c.17.0123abcd.partial"]
    for name in (*own, *others):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("half")
    write(tmp_path / "c")
    assert {path.name for path in tmp_path.iterdir()} == {"c", *others}


def test_of_two_writers_the_first_fails_and_leaves_no_half(tmp_path: Path) -> None:
    target = tmp_path / "c"
    with pytest.raises(FileNotFoundError), draft(target) as place:
        (place / "file").write_text("the first")
        write(target, "the second")
    assert (target / "file").read_text() == "the second"
    assert list(tmp_path.iterdir()) == [target]


def test_leftovers_that_cannot_be_removed_are_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leftover = tmp_path / ".c.17.0123abcd.partial"
    leftover.mkdir()
    rename = os.rename

    def refuses(old: Path, new: Path) -> None:
        if Path(old) == leftover:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        rename(old, new)

    monkeypatch.setattr(os, "rename", refuses)
    write(tmp_path / "c")
    assert sorted(path.name for path in tmp_path.iterdir()) == [leftover.name, "c"]


def mock(_: Path) -> Backend:
    backend = MockBackend()
    backend.load_model(samples.load())
    return backend


def torch(folder: Path) -> Backend:
    pytest.importorskip("torch")
    import tiny_models

    from rzero_worker.backends.torch import TorchBackend

    backend = TorchBackend("cpu")
    backend.load_model(samples.load(source=tiny_models.save_folder(folder, tiny_models.llama_config())))
    return backend


@pytest.fixture(params=[mock, torch], ids=["mock", "torch"])
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Backend:
    """With `m`, which has made a step."""
    made = request.param(tmp_path_factory.mktemp("source"))
    made.forward_backward(samples.train([[3, 21, 22, 0]], [1.0], seq=1))
    made.optim_step(samples.step(2))
    return made


def save(backend: Backend, path: Path) -> p.SaveCheckpointResult:
    params = p.SaveCheckpointParams(model_id="m", path=str(path), with_optimizer=True)
    return backend.save_checkpoint(params, {"ledger.json": b"{}"})


def io_error_of(call: Callable[[], object], path: Path) -> str:
    with pytest.raises(WorkerFailure) as failure:
        call()
    assert failure.value.code is p.ErrorCode.IO_ERROR
    assert failure.value.message.startswith(f"path {str(path)!r} cannot be written: ")
    return failure.value.message


def test_a_checkpoint_that_fails_at_any_call_leaves_nothing_and_may_be_written_again(
    backend: Backend, tmp_path: Path
) -> None:
    names = disk.calls_of(lambda: save(backend, tmp_path / "counted" / "c"))
    assert {"mkdir", "open", "fsync", "rename"} == set(names)
    reference = manifest.verify(str(tmp_path / "counted" / "c"))
    for nth, name in enumerate(names):
        path = tmp_path / str(nth) / "c"
        code = (errno.ENOSPC, errno.EIO, errno.EROFS)[nth % 3]
        try:
            with disk.failing(nth, code):
                save(backend, path)
        except WorkerFailure as failure:
            assert failure.code is p.ErrorCode.IO_ERROR
            assert failure.message.startswith(f"path {str(path)!r} cannot be written: ")
            assert os.strerror(code) in failure.message, (nth, failure)
            assert list(path.parent.glob("*")) == [], nth
            save(backend, path)
        else:  # transformers makes folders that are there, and does not mind what comes of it
            assert name == "mkdir" and nth > 1, nth
        assert manifest.verify(str(path)) == reference


def test_a_checkpoint_whose_writer_is_killed_at_any_call_is_whole_or_absent_and_its_leftovers_go(
    backend: Backend, tmp_path: Path
) -> None:
    names = disk.calls_of(lambda: save(backend, tmp_path / "counted" / "c"))
    reference = manifest.verify(str(tmp_path / "counted" / "c"))
    renamed = names.index("rename")
    for nth in range(len(names)):
        for after in (False, True) if nth == renamed else (False,):
            folder = tmp_path / f"{nth}-{after}"
            path = folder / "c"
            disk.killed_at(nth, after, lambda path=path: save(backend, path))
            whole = nth > renamed or after
            assert path.exists() == whole, nth
            if not whole:
                save(backend, path)
            assert manifest.verify(str(path)) == reference
            assert list(folder.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_to_is_an_io_error(backend: Backend, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "c"
    message = io_error_of(lambda: save(backend, path), path)
    assert "File exists" in message or "Not a directory" in message
    save(backend, tmp_path / "c")
