"""The vllm backend around an engine that stands in for vLLM; vLLM itself is not needed here.

`npm run test:vllm` holds the backend with the real one against the contract.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest
import samples
import tiny_models
import torch
from transformers import PreTrainedModel

from rzero_worker import protocol as p
from rzero_worker import wire
from rzero_worker.backend import Context
from rzero_worker.errors import WorkerFailure
from rzero_worker.memory import require_room
from rzero_worker.model import load_model
from rzero_worker.proof import checksum
from rzero_worker.ranks import Ranks
from rzero_worker.scorer import Scorer
from rzero_worker.trainer import sequence_logprobs


class StandIn:
    """What `Engine` offers, but `draw`, by a model of transformers. It must be awake, and no other may be."""

    READABLE = False
    BYTES = 1000
    awake: ClassVar[list[StandIn]] = []
    is_full = False

    def __init__(self, source, weights, context_length, token_bytes, cuda, ranks) -> None:
        assert self.awake == []
        self.awake.append(self)
        self.model: PreTrainedModel = load_model(source, torch.float32, torch.device("cpu"))
        self.load_weights(weights)

    def sleep(self) -> int:
        if self not in self.awake:
            return 0
        self.awake.remove(self)
        return self.BYTES

    def wake(self) -> None:
        assert self.awake == []
        if self.is_full:
            raise MemoryError("no room")
        self.awake.append(self)

    def load_weights(self, weights) -> None:
        assert self.awake == [self]
        with torch.no_grad():
            for name, tensor in self.model.state_dict().items():
                tensor.copy_(weights[name])

    def checksum(self) -> str:
        assert self.awake == [self]
        # A module beside the model's: packed away, that is.
        return checksum(self.model if self.READABLE else self.model.lm_head)

    def logprobs(self, tokens) -> np.ndarray:
        assert self.awake == [self]
        return sequence_logprobs(Scorer(self.model, 4096), np.array(tokens), np.array([len(tokens)]), 1.0)

    def close(self) -> None:
        assert self.awake == [self]
        self.awake.remove(self)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_models.save_folder(tmp_path_factory.mktemp("models") / "m")


@pytest.fixture
def backend(source: str, monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """With a trainable model `m` and a frozen one, `frozen`."""
    engine = ModuleType("rzero_worker.engine")
    engine.Engine, engine.VERSION = StandIn, "none"
    engine.supported_architectures = frozenset
    monkeypatch.setattr(StandIn, "awake", [])
    monkeypatch.setitem(sys.modules, "rzero_worker.engine", engine)
    monkeypatch.delitem(sys.modules, "rzero_worker.backends.vllm", raising=False)
    from rzero_worker.backends.vllm import VllmBackend

    made = VllmBackend("cpu")
    made.load_model(samples.load(source=source))
    made.load_model(samples.load("frozen", source, trainable=False))
    yield made
    # Made with the stand-in: whoever wants it next shall get one with the real engine.
    sys.modules.pop("rzero_worker.backends.vllm", None)


def learn(backend, seq: int = 1, learning_rate: float = 0.01) -> None:
    backend.forward_backward(samples.train([[5, 6, 7, 8, 9], [10, 11, 12]], [1.0, -1.0], seq))
    backend.optim_step(samples.step(seq + 1, learning_rate=learning_rate))


def publish(backend, version: int | None = None, model_id: str = "m") -> p.WeightsProof:
    params = p.PublishWeightsParams(model_id=model_id, weights_version=version)
    return backend.publish_weights(params).proof


def test_the_proof_is_of_what_the_engine_holds(backend, tmp_path: Path) -> None:
    before = publish(backend, 1)
    learn(backend)
    assert publish(backend, 1) == before
    after = publish(backend, 2)
    assert after.checksum != before.checksum and after.probe != before.probe
    tokens = [[7919 * (index + 1) % tiny_models.VOCABULARY_SIZE for index in range(16)]]
    assert after.probe == backend.forward(samples.forward(tokens), Context()).logprobs
    path = str(tmp_path / "c")
    backend.save_checkpoint(p.SaveCheckpointParams(model_id="m", path=path, with_optimizer=True))
    learn(backend, seq=3)
    publish(backend)
    for name, steps in (("m", 1), ("frozen", 0)):
        loaded = backend.load_checkpoint(p.LoadCheckpointParams(model_id=name, path=path))
        assert (loaded.proof, loaded.steps) == (after, steps)


def test_a_frozen_model_takes_weights_after_weights_whose_folder_is_gone(backend, tmp_path: Path) -> None:
    for number in (1, 3):
        learn(backend, number)
        path = tmp_path / str(number)
        backend.save_checkpoint(p.SaveCheckpointParams(model_id="m", path=str(path), with_optimizer=False))
        loaded = backend.load_checkpoint(p.LoadCheckpointParams(model_id="frozen", path=str(path)))
        assert loaded.proof == publish(backend)
        assert backend._models["frozen"].frozen is None
        shutil.rmtree(path)


def test_a_model_that_is_only_scored_has_no_engine_until_it_is_sampled(backend, source: str) -> None:
    backend.load_model(samples.load("anchor", source, trainable=False, role=p.Capability.TRAIN))
    tokens = [[5, 6, 7, 8, 9]]
    scored = backend.forward(samples.forward(tokens, model_id="anchor"), Context()).logprobs
    assert scored == backend.forward(samples.forward(tokens, model_id="frozen"), Context()).logprobs
    assert backend._models["anchor"].engine is None
    backend.average_weights(p.AverageWeightsParams(model_id="anchor", towards="m", share=0.5))
    assert backend._models["anchor"].engine is None
    assert publish(backend, model_id="anchor") == publish(backend, model_id="frozen")  # here it is
    assert backend._models["anchor"].engine is not None
    backend.unload_model(p.UnloadModelParams(model_id="anchor"))


def test_proving_a_frozen_model_does_not_load_it_a_second_time(backend) -> None:
    assert publish(backend, model_id="frozen") == publish(backend)
    assert backend._models["frozen"].frozen is None


def test_an_average_that_the_engine_does_not_have_yet_is_handed_over_to_be_proven(backend) -> None:
    learn(backend)
    after = publish(backend)
    backend.average_weights(p.AverageWeightsParams(model_id="frozen", towards="m", share=1.0))
    assert backend._models["frozen"].engine_is_behind
    proof = publish(backend, model_id="frozen")
    assert proof.checksum == after.checksum
    np.testing.assert_allclose(
        wire.numpy_view(proof.probe, "f4"), wire.numpy_view(after.probe, "f4"), atol=1e-6
    )


def test_of_weights_that_can_be_read_the_checksum_tells(
    backend, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not backend._models["m"].readable
    monkeypatch.setattr(StandIn, "READABLE", True)
    before = publish(backend)
    backend.load_model(samples.load(source=source))
    assert backend._models["m"].readable
    assert publish(backend) == before
    learn(backend, learning_rate=1e-5)
    with monkeypatch.context() as patched:
        patched.setattr(StandIn, "load_weights", lambda self, weights: None)
        with pytest.raises(WorkerFailure, match="the sampler's checksum is") as failure:
            publish(backend)
    assert failure.value.code == "stale_weights"
    assert publish(backend) != before


@pytest.mark.parametrize("learning_rate", [0.01, 0.001])
def test_an_engine_that_does_not_take_the_weights_is_stale(
    backend, monkeypatch: pytest.MonkeyPatch, learning_rate: float
) -> None:
    learn(backend, learning_rate=learning_rate)
    with monkeypatch.context() as patched:
        patched.setattr(StandIn, "load_weights", lambda self, weights: None)
        with pytest.raises(WorkerFailure, match="log-probs of the probe under the sampler's") as failure:
            publish(backend)
    assert failure.value.code == "stale_weights"
    assert backend._models["m"].version == 0
    publish(backend, 1)
    assert backend._models["m"].version == 1


def awake(backend) -> list[str]:
    """Models whose engines are awake."""
    return [name for name, loaded in backend._models.items() if loaded.engine in StandIn.awake]


def test_one_engine_is_awake_at_a_time(backend, source: str) -> None:
    assert awake(backend) == ["frozen"]
    for name in ("m", "frozen", "m"):
        publish(backend, model_id=name)
        assert awake(backend) == [name]
    learn(backend)  # is no engine's business
    assert awake(backend) == ["m"]
    backend.load_model(samples.load("other", source, trainable=False))
    assert awake(backend) == ["other"]
    backend.unload_model(p.UnloadModelParams(model_id="frozen"))  # one that slept
    assert awake(backend) == []
    backend.load_model(samples.load("m", source))  # in place of another
    assert awake(backend) == [] and len(backend._models) == 2
    publish(backend, model_id="other")
    assert awake(backend) == ["other"]


def test_a_role_that_wakes_leaves_it_to_the_next_verb_which_engine_does(backend) -> None:
    role = p.Capability.SAMPLE
    assert backend.sleep(p.SleepParams(role=role)).freed_bytes == StandIn.BYTES
    assert awake(backend) == []
    assert backend.sleep(p.SleepParams(role=role)).freed_bytes == 0
    backend.wake(p.WakeParams(role=role))
    assert awake(backend) == []
    publish(backend)
    assert awake(backend) == ["m"]


def test_an_engine_that_finds_no_room_sleeps_on(backend, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(StandIn, "is_full", True)
        for _ in range(2):
            with pytest.raises(WorkerFailure, match="not enough memory to wake a model") as failure:
                publish(backend)
            assert (failure.value.code, failure.value.details) == ("out_of_memory", "no room")
            assert awake(backend) == []
    publish(backend)
    assert awake(backend) == ["m"]


def test_an_engine_that_cannot_start_leaves_the_others_asleep(
    backend, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self, *given) -> None:
        raise WorkerFailure("out_of_memory", "no room")

    with monkeypatch.context() as patched:
        patched.setattr(StandIn, "__init__", fail)
        with pytest.raises(WorkerFailure, match="no room"):
            backend.load_model(samples.load("other", source, trainable=False))
    assert awake(backend) == [] and "other" not in backend._models
    assert publish(backend) == publish(backend, model_id="frozen")


def test_where_one_rank_finds_no_room_all_sleep_on() -> None:
    class Two(Ranks):
        """Of which the other finds none."""

        def sum(self, values: np.ndarray) -> np.ndarray:
            return values + 1

    slept: list[bool] = []
    with pytest.raises(WorkerFailure, match="not enough memory to wake it"):
        require_room(Two(), "it", lambda: None, lambda: slept.append(True))
    assert slept == [True]
