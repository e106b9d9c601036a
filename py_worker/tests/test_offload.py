"""Roles that sleep: what their tensors held comes back bit for bit, under the same tensors.

Where there is no GPU, the CPU is the device whose memory is freed: the same code, and storages that are as
empty. What only a GPU shows is tested where there is one.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import samples
import tiny_models
import torch
from torch import Tensor

from rzero_worker import protocol as p
from rzero_worker.backends.torch import TorchBackend
from rzero_worker.context import Context
from rzero_worker.errors import WorkerFailure
from rzero_worker.offload import Offload

SAMPLE, TRAIN = p.Capability.SAMPLE, p.Capability.TRAIN
CPU = torch.device("cpu")
SEQUENCES = [[5, 6, 7, 8, 9], [10, 11, 12], [5, 6, 7, 20, 21, 22, 23]]
LORA = p.Training(pack_tokens=0, recompute=False, offload=False, lora_rank=2, lora_alpha=4.0)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_models.save_folder(tmp_path_factory.mktemp("models") / "m")


# Storages


def test_a_storage_goes_once_and_all_that_lies_in_it_comes_back() -> None:
    offload = Offload(CPU)
    weight = torch.nn.Parameter(torch.arange(12.0).reshape(3, 4))
    view, alike, before = weight.detach()[1:], torch.nn.Parameter(weight.detach()), weight.detach().clone()
    assert offload.put([weight, view, alike]) == 48
    assert [tensor.untyped_storage().nbytes() for tensor in (weight, view, alike)] == [0, 0, 0]
    assert weight.shape == (3, 4)
    assert offload.put([view]) == 0  # it is away already
    offload.take_back([alike])
    assert torch.equal(weight, before) and torch.equal(view, before[1:])
    offload.take_back([weight])
    assert torch.equal(weight, before)


def test_what_others_need_stays() -> None:
    offload = Offload(CPU)
    shared, own = torch.ones(4), torch.ones(8)
    assert offload.put([shared, own], kept=[shared[:1]]) == 32
    assert shared.sum() == 4 and own.untyped_storage().nbytes() == 0
    assert offload.put([shared]) == 16
    offload.take_back([shared, own])
    assert (shared.sum(), own.sum()) == (4, 8)


def test_tensors_elsewhere_are_left_alone() -> None:
    offload, here = Offload(torch.device("cuda")), torch.ones(4)
    assert offload.put([here, torch.empty(4, device="meta")]) == 0
    assert here.sum() == 4


class Full(Offload):
    """The host, or the device, has no room for the third storage."""

    def __init__(self, host: bool) -> None:
        super().__init__(CPU)
        self._host = host

    def _storages(self, tensors):
        found = super()._storages(tensors)
        if len(found) > 2:
            third = list(found)[2]
            found[third] = _Refuses(found[third], self._host)
        return found


class _Refuses:
    def __init__(self, storage, host: bool) -> None:
        self._storage, self._host, self._cdata = storage, host, storage._cdata

    def resizable(self) -> bool:
        return True

    def nbytes(self) -> int:
        if self._host:
            raise MemoryError("the host has no room")
        return self._storage.nbytes()

    def resize_(self, size: int) -> None:
        if size:
            raise torch.OutOfMemoryError("the device has no room")
        self._storage.resize_(size)


def test_where_the_host_has_no_room_nothing_goes() -> None:
    tensors = [torch.full((4,), float(value)) for value in range(3)]
    with pytest.raises(MemoryError):
        Full(host=True).put(tensors)
    assert [tensor.tolist() for tensor in tensors] == [[value] * 4 for value in (0.0, 1.0, 2.0)]


def test_where_the_device_has_no_room_nothing_comes_back_until_it_has() -> None:
    tensors, offload = [torch.full((4,), float(value)) for value in range(3)], Offload(CPU)
    offload.put(tensors)
    full = Full(host=False)
    full._held = offload._held
    with pytest.raises(torch.OutOfMemoryError):
        full.take_back(tensors)
    assert [tensor.untyped_storage().nbytes() for tensor in tensors] == [0, 0, 0]
    offload.take_back(tensors)
    assert [tensor.tolist() for tensor in tensors] == [[value] * 4 for value in (0.0, 1.0, 2.0)]


# The backend


@pytest.fixture
def group_of_one() -> Iterator[None]:
    yield
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def own(backend: TorchBackend) -> None:
    """Give tensors memory that can be freed: that of their files, where a CPU has them, cannot."""
    for tensor in {id(tensor): tensor for tensor in backend._tensors((SAMPLE, TRAIN))}.values():
        if not tensor.untyped_storage().resizable():
            tensor.data = tensor.data.clone()


def bytes_of(backend: TorchBackend, role: p.Capability) -> int:
    """Bytes that are in storages of a role now."""
    storages = Offload(CPU)._storages(backend._tensors({role}))
    return sum(storage.nbytes() for storage in storages.values())


def held(backend: TorchBackend) -> dict[str, Tensor]:
    """Weights, gradient and moments of the trained model."""
    return {str(at): tensor for at, tensor in enumerate(backend._models["m"].trainer.tensors())}


def rest(backend: TorchBackend, *roles: p.Capability) -> int:
    """Sleep and wake; returns the bytes that came free."""
    freed = sum(backend.sleep(p.SleepParams(role=role)).freed_bytes for role in roles)
    for role in roles:
        backend.wake(p.WakeParams(role=role))
    return freed


@pytest.mark.parametrize("kind", ["whole", "cut up", "adapters"])
def test_training_goes_on_as_if_it_had_not_slept(source: str, group_of_one, kind: str) -> None:
    results = []
    for sleeps in (False, True):
        backend = TorchBackend("cpu", sharded=kind == "cut up", offloads=True)
        backend.load_model(samples.load(source=source, training=LORA if kind == "adapters" else None))
        backend.load_model(samples.load("frozen", source, trainable=False))
        own(backend)
        found = []
        for seq in (1, 3):
            backend.forward_backward(samples.train(SEQUENCES, [1.0, -1.0, 0.5], seq))
            if sleeps:
                before = {name: tensor.detach().clone() for name, tensor in held(backend).items()}
                all_of_it = bytes_of(backend, TRAIN)
                assert rest(backend, SAMPLE, TRAIN) >= all_of_it > 0
                after = held(backend)
                assert before.keys() == after.keys()
                assert all(torch.equal(before[name], after[name]) for name in before)
            found.append(backend.optim_step(samples.step(seq + 1)).grad_norm)
            if sleeps:
                rest(backend, TRAIN)
        found.append(backend.forward(samples.forward(SEQUENCES), Context()).logprobs)
        found.append(backend.publish_weights(p.PublishWeightsParams(model_id="m")))
        if sleeps:
            rest(backend, SAMPLE)
        found.append(backend.sample(samples.sample(max_tokens=8), Context()))
        found.append(backend.sample(samples.sample(model_id="frozen", max_tokens=8), Context()))
        results.append(found)
    assert results[0] == results[1]


def test_a_role_leaves_what_the_other_one_needs(source: str) -> None:
    backend = TorchBackend("cpu", sharded=False, offloads=True)
    backend.load_model(samples.load("frozen", source, trainable=False))
    own(backend)
    whole = bytes_of(backend, SAMPLE)
    assert backend.sleep(p.SleepParams(role=SAMPLE)).freed_bytes == 0  # `forward` needs the same weights
    assert backend.sleep(p.SleepParams(role=TRAIN)).freed_bytes == whole
    assert (bytes_of(backend, SAMPLE), bytes_of(backend, TRAIN)) == (0, 0)
    backend.wake(p.WakeParams(role=TRAIN))
    assert bytes_of(backend, SAMPLE) == whole
    backend.offer([TRAIN])
    assert backend.sleep(p.SleepParams(role=TRAIN)).freed_bytes == whole


def test_a_role_that_finds_no_room_sleeps_on(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = TorchBackend("cpu", sharded=False, offloads=True)
    backend.load_model(samples.load(source=source))
    own(backend)
    freed = backend.sleep(p.SleepParams(role=TRAIN)).freed_bytes
    with monkeypatch.context() as patched:

        def full(self: Offload, tensors) -> None:
            raise torch.OutOfMemoryError("no room")

        patched.setattr(Offload, "take_back", full)
        with pytest.raises(WorkerFailure, match="not enough memory to wake the role train") as failure:
            backend.wake(p.WakeParams(role=TRAIN))
    assert failure.value.code is p.ErrorCode.OUT_OF_MEMORY
    assert bytes_of(backend, TRAIN) == 0
    backend.wake(p.WakeParams(role=TRAIN))
    assert bytes_of(backend, TRAIN) == freed


def test_a_cpu_has_nothing_to_free(source: str) -> None:
    backend = TorchBackend("cpu")
    backend.load_model(samples.load(source=source))
    for role in (SAMPLE, TRAIN):
        assert backend.sleep(p.SleepParams(role=role)).freed_bytes == 0
        assert bytes_of(backend, role) > 0


@pytest.mark.skipif(not torch.cuda.is_available(), reason="the memory of a GPU is freed where there is one")
def test_a_gpu_gets_its_memory_back(source: str, group_of_one) -> None:
    backend = TorchBackend("cuda")
    backend.load_model(samples.load(source=source))
    backend.forward_backward(samples.train(SEQUENCES, [1.0, -1.0, 0.5]))
    backend.optim_step(samples.step())
    before, allocated = backend.forward(samples.forward(SEQUENCES), Context()), torch.cuda.memory_allocated()
    for role in (SAMPLE, TRAIN):
        backend.sleep(p.SleepParams(role=role))
    assert torch.cuda.memory_allocated() < allocated / 2
    backend.wake(p.WakeParams(role=TRAIN))
    assert backend.forward(samples.forward(SEQUENCES), Context()) == before
