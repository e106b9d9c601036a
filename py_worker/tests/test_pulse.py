"""What a hang is told by: the number in a heartbeat grows while a verb works, with each piece of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import samples

from rzero_worker import manifest, pulse
from rzero_worker import protocol as p
from rzero_worker.backends.mock import MockBackend
from rzero_worker.context import Context


def test_each_item_counts_when_the_next_one_is_asked_for() -> None:
    before = pulse.beats()
    items = pulse.each("ab")
    assert (next(items), pulse.beats() - before) == ("a", 0)
    assert (next(items), pulse.beats() - before) == ("b", 1)
    assert (list(items), pulse.beats() - before) == ([], 2)


def test_threads_that_count_at_once_lose_nothing() -> None:
    before = pulse.beats()

    def work() -> None:
        for _ in range(10_000):
            pulse.beat()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert pulse.beats() - before == 40_000


def test_a_large_file_counts_by_mebibytes(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(bytes(5 * 2**20 + 1))
    with moved(6):
        digest = manifest.write(tmp_path, 0, 0)
    with moved(6):
        manifest.verify(str(tmp_path), digest)


@contextmanager
def moved(at_least: int) -> Iterator[None]:
    before = pulse.beats()
    yield
    assert pulse.beats() - before >= at_least


SEQUENCES = [[3, 21, 22, 0], [5, 4], [7, 8, 9]]
BATCH = samples.train(SEQUENCES, [1.0, -1.0, 0.5], seq=1)


def test_every_verb_of_the_mock_that_may_take_long_moves_it(tmp_path: Path) -> None:
    backend = MockBackend()
    backend.load_model(samples.load())
    with moved(3):
        backend.forward_backward(BATCH)
    path = str(tmp_path / "c")
    with moved(4):
        backend.save_checkpoint(p.SaveCheckpointParams(model_id="m", path=path, with_optimizer=True))
    with moved(2):
        backend.load_checkpoint(p.LoadCheckpointParams(model_id="m", path=path))
    with moved(2):
        backend.load_model(samples.load("again", source=path))


def test_every_verb_of_torch_that_may_take_long_moves_it(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    import tiny_models

    from rzero_worker.backends.torch import TorchBackend

    backend = TorchBackend(device="cpu")
    source = tiny_models.save_folder(tmp_path / "source", tiny_models.llama_config())
    backend.load_model(samples.load(source=source))
    tensors = len(list(backend._models["m"].trained.parameters()))
    calls: list[tuple[int, Callable[[], Any]]] = [
        (2 * tensors, lambda: backend.load_model(samples.load(source=source))),  # trained and published
        (8, lambda: backend.sample(samples.sample(max_tokens=8, temperature=1.0, n=4), Context())),
        (1, lambda: backend.forward(samples.forward(SEQUENCES), Context())),
        (2, lambda: backend.forward_backward(BATCH)),
        (1, lambda: backend.optim_step(samples.step(2))),
        (2 * tensors, lambda: backend.publish_weights(p.PublishWeightsParams(model_id="m"))),
        (tensors, lambda: backend.save_checkpoint(saved(tmp_path / "c"))),
        (3 * tensors, lambda: backend.load_checkpoint(loaded(tmp_path / "c"))),
    ]
    for at_least, call in calls:
        with moved(at_least):
            call()


def saved(path: Path) -> p.SaveCheckpointParams:
    return p.SaveCheckpointParams(model_id="m", path=str(path), with_optimizer=True)


def loaded(path: Path) -> p.LoadCheckpointParams:
    return p.LoadCheckpointParams(model_id="m", path=str(path))
