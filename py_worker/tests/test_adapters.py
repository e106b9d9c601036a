"""Low-rank adapters: what is shared, what is trained, and what a folder of them gives to others."""

from __future__ import annotations

import gc
import json
import sys
from pathlib import Path

import pytest
import samples
import tiny_models
import torch
from safetensors.torch import load_file, save_file
from test_trainer import ADAM, LOSS, make_batch
from transformers import AutoModelForCausalLM, PreTrainedModel

from rzero_worker import adapters
from rzero_worker import protocol as p
from rzero_worker.backends.torch import TorchBackend
from rzero_worker.errors import WorkerFailure
from rzero_worker.loader import Loader
from rzero_worker.model import load_model
from rzero_worker.trainer import Trainer, copy_weights

CONFIGS = {"tied": tiny_models.qwen3_config(), "untied": tiny_models.llama_config()}
TOKENS = torch.tensor([[5, 9, 33, 7, 41, 12]])


@pytest.fixture(scope="module", params=CONFIGS)
def base(request, tmp_path_factory: pytest.TempPathFactory) -> PreTrainedModel:
    folder = tiny_models.save_folder(tmp_path_factory.mktemp("base") / "m", CONFIGS[request.param])
    return load_model(folder, torch.float32, torch.device("cpu"))


@pytest.fixture
def model(base: PreTrainedModel) -> PreTrainedModel:
    """With adapters that change something."""
    torch.manual_seed(3)
    made = adapters.attach(base, rank=4, alpha=8.0)
    with torch.no_grad():
        for tensor in adapters.own_tensors(made).values():
            tensor.normal_(0, 0.2)
    return made


@torch.no_grad()
def logits(model: PreTrainedModel) -> torch.Tensor:
    return model(TOKENS).logits


def test_fresh_adapters_change_nothing_and_hold_the_bases_tensors(base) -> None:
    fresh = adapters.attach(base, rank=4, alpha=8.0)
    assert torch.equal(logits(fresh), logits(base))
    own = adapters.own_tensors(fresh)
    assert {tensor.data_ptr() for name, tensor in fresh.state_dict().items() if name not in own} == {
        tensor.data_ptr() for tensor in base.state_dict().values()
    }
    assert all(parameter.requires_grad == (name in own) for name, parameter in fresh.named_parameters())
    # 4 * (in + out) for each linear layer but the output projection.
    linear = [m for n, m in base.named_modules() if isinstance(m, torch.nn.Linear) and n != "lm_head"]
    assert sum(t.numel() for t in own.values()) == sum(4 * (m.in_features + m.out_features) for m in linear)


def test_a_weight_is_that_of_the_paper(model, base) -> None:
    # W + alpha / rank * B A (arXiv 2106.09685, section 4.1).
    name = "model.layers.1.mlp.up_proj"
    own = adapters.own_tensors(model)
    a, b = own[f"{name}.lora_A.default.weight"], own[f"{name}.lora_B.default.weight"]
    expected = base.get_submodule(name).weight + 8.0 / 4 * b @ a
    torch.testing.assert_close(adapters.merged(model).get_submodule(name).weight, expected)


def test_a_step_trains_the_adapters_alone_and_no_other_model(model, base) -> None:
    other = adapters.attach(base, rank=4, alpha=8.0)
    before = {name: tensor.clone() for name, tensor in base.state_dict().items()}
    others = logits(other)
    own = {name: tensor.clone() for name, tensor in adapters.own_tensors(model).items()}
    trainer = Trainer(model, budget=1000)
    trainer.forward_backward(make_batch(), LOSS, 7.0)
    assert trainer.optim_step(ADAM) > 0
    assert all(torch.equal(tensor, before[name]) for name, tensor in base.state_dict().items())
    assert torch.equal(logits(other), others)
    assert not any(torch.equal(tensor, own[name]) for name, tensor in adapters.own_tensors(model).items())


def test_gradients_are_those_of_the_merged_weights_through_the_chain_rule(model) -> None:
    whole = adapters.merged(model).requires_grad_(True)
    reference = Trainer(whole, budget=1000)
    reference.forward_backward(make_batch(), LOSS, 7.0)
    trainer = Trainer(model, budget=1000)
    trainer.forward_backward(make_batch(), LOSS, 7.0)
    own = {name: p for name, p in model.named_parameters() if p.requires_grad}
    for name in ("model.layers.0.self_attn.q_proj", "model.layers.1.mlp.down_proj"):
        a, b = own[f"{name}.lora_A.default.weight"], own[f"{name}.lora_B.default.weight"]
        slope = 2.0 * whole.get_submodule(name).weight.grad  # alpha / rank = 2
        torch.testing.assert_close(a.grad, b.detach().t() @ slope, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(b.grad, slope @ a.detach().t(), atol=1e-5, rtol=1e-4)


def test_activations_may_be_computed_again(model) -> None:
    twin = adapters.twin(model)
    stored, recomputed = Trainer(model, 1000), Trainer(twin, 1000, recompute=True)
    for trainer in (stored, recomputed):
        trainer.forward_backward(make_batch(), LOSS, 7.0)
    others = dict(recomputed.model.named_parameters())
    for name, parameter in stored.model.named_parameters():
        if parameter.requires_grad:
            torch.testing.assert_close(others[name].grad, parameter.grad, atol=1e-6, rtol=0)


def test_a_twin_follows_only_when_it_is_told(model, base) -> None:
    twin = adapters.twin(model)
    assert torch.equal(logits(twin), logits(model))
    trainer = Trainer(model, budget=1000)
    trainer.forward_backward(make_batch(), LOSS, 7.0)
    trainer.optim_step(ADAM)
    assert not torch.equal(logits(twin), logits(model))
    copy_weights(model, twin)
    assert torch.equal(logits(twin), logits(model))
    pointers = {tensor.data_ptr() for tensor in base.parameters()}
    assert pointers <= {tensor.data_ptr() for tensor in twin.parameters()}


def test_merging_keeps_the_names_of_the_base_and_its_tied_weights(model, base) -> None:
    whole = adapters.merged(model)
    assert whole.state_dict().keys() == base.state_dict().keys()
    torch.testing.assert_close(logits(whole), logits(model), atol=1e-4, rtol=0)
    assert whole.lm_head.weight.data_ptr() == base.lm_head.weight.data_ptr()
    assert adapters.merged(base) is base
    assert torch.equal(logits(model), logits(model)) and adapters.has_adapters(model)


def test_transformers_opens_a_folder_of_adapters_and_so_do_we(model, base, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path / "a")
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "a", dtype=torch.float32)
    torch.testing.assert_close(logits(theirs), logits(model))
    assert adapters.base_of(str(tmp_path / "a")) == base.name_or_path
    assert adapters.base_of(base.name_or_path) == base.name_or_path
    assert torch.equal(logits(adapters.load(str(tmp_path / "a"), base)), logits(model))


def test_adapters_that_do_not_fit_are_named(model, base, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path / "a")
    file = tmp_path / "a" / adapters.WEIGHTS_FILE
    saved = load_file(file)
    left_out = "base_model.model.model.layers.0.mlp.up_proj.lora_A.weight"
    save_file({name: tensor for name, tensor in saved.items() if name != left_out}, file)
    with pytest.raises(WorkerFailure, match="mlp.up_proj.lora_A.weight") as failure:
        adapters.load(str(tmp_path / "a"), base)
    assert failure.value.code == "model_unloadable"
    file.write_bytes(b"garbage")
    with pytest.raises(WorkerFailure, match="no usable adapters"):
        adapters.load(str(tmp_path / "a"), base)


def test_adapters_of_another_kind_are_refused(model, base, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path / "a")
    file = tmp_path / "a" / adapters.CONFIG_FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | {"use_rslora": True}))
    with pytest.raises(WorkerFailure, match="use_rslora"):
        adapters.load(str(tmp_path / "a"), base)


def test_a_config_that_does_not_name_its_base_is_refused(tmp_path: Path) -> None:
    (tmp_path / adapters.CONFIG_FILE).write_text(json.dumps({"base_model_name_or_path": None}))
    with pytest.raises(WorkerFailure, match="whose adapters"):
        adapters.base_of(str(tmp_path))
    (tmp_path / adapters.CONFIG_FILE).write_text("{")
    with pytest.raises(WorkerFailure, match="broken"):
        adapters.base_of(str(tmp_path))


def test_without_peft_the_package_is_named(base, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(WorkerFailure, match="adapters need the package peft") as failure:
        adapters.attach(base, rank=4, alpha=8.0)
    assert failure.value.code == "invalid_request"


@pytest.fixture
def backend(base) -> TorchBackend:
    """With two models of rank 4 to be trained and a frozen one, all of one source."""
    made = TorchBackend("cpu")
    how = p.Training(pack_tokens=0, recompute=False, offload=False, lora_rank=4, lora_alpha=8.0)
    for name in ("challenger", "solver"):
        made.load_model(samples.load(name, base.name_or_path, training=how))
    made.load_model(samples.load("anchor", base.name_or_path, trainable=False))
    return made


def learn(backend: TorchBackend, name: str, seq: int = 1) -> None:
    backend.forward_backward(samples.train([[5, 6, 7, 8, 9]], [1.0], seq, model_id=name))
    backend.optim_step(samples.step(seq + 1, model_id=name))


def test_both_roles_what_is_published_and_the_anchor_hold_one_base(backend) -> None:
    models = [
        model
        for one in backend._models.values()
        for model in {id(m): m for m in (one.trained, one.published)}.values()
    ]
    assert len(models) == 5
    whole = [
        {tensor.data_ptr() for name, tensor in model.named_parameters() if adapters.MARK not in name}
        for model in models
    ]
    assert all(pointers == whole[0] for pointers in whole)


def test_a_base_is_shared_as_long_as_one_model_of_it_is_held(backend, base) -> None:
    for name in ("anchor", "challenger"):
        backend.unload_model(p.UnloadModelParams(model_id=name))
    gc.collect()
    backend.load_model(samples.load("again", base.name_or_path, trainable=False))
    solver, again = (backend._models[name].published for name in ("solver", "again"))
    assert solver.get_input_embeddings().weight.data_ptr() == again.get_input_embeddings().weight.data_ptr()


def test_a_published_model_follows_and_the_other_role_does_not(backend) -> None:
    before = {name: one.published.state_dict() for name, one in backend._models.items()}
    before = {name: {key: t.clone() for key, t in state.items()} for name, state in before.items()}
    learn(backend, "solver")
    assert backend.publish_weights(p.PublishWeightsParams(model_id="solver")).weights_version == 1
    changed = {
        name: sorted(
            key for key, t in one.published.state_dict().items() if not torch.equal(t, before[name][key])
        )
        for name, one in backend._models.items()
    }
    assert changed["challenger"] == changed["anchor"] == []
    assert changed["solver"] and all(adapters.MARK in key for key in changed["solver"])


def test_a_folder_goes_to_a_worker_that_only_has_the_base_as_often_as_it_comes(
    backend, base, tmp_path: Path
) -> None:
    other = TorchBackend("cpu")
    other.load_model(samples.load("solver", base.name_or_path, trainable=False))
    for version in (1, 2):
        learn(backend, "solver", 2 * version)
        proof = backend.publish_weights(p.PublishWeightsParams(model_id="solver")).proof
        path = str(tmp_path / f"c{version}")
        backend.save_checkpoint(
            p.SaveCheckpointParams(model_id="solver", path=path, with_optimizer=False, for_sampling=True)
        )
        given = other.load_checkpoint(p.LoadCheckpointParams(model_id="solver", path=path))
        assert given.proof == proof


def test_adapters_are_sampled_in_float32_over_whatever_base(base, tmp_path: Path) -> None:
    how = p.Training(pack_tokens=0, recompute=False, offload=False, lora_rank=4, lora_alpha=8.0)
    trainer, path = TorchBackend("cpu"), tmp_path / "c"
    trainer._loader = Loader(torch.device("cpu"), torch.bfloat16)
    trainer.load_model(samples.load("solver", base.name_or_path, training=how))
    trainer.save_checkpoint(
        p.SaveCheckpointParams(model_id="solver", path=str(path), with_optimizer=False, for_sampling=True)
    )
    assert {t.dtype for t in load_file(path / adapters.WEIGHTS_FILE).values()} == {torch.float32}


def test_training_goes_on_from_a_checkpoint_of_adapters(backend, base, tmp_path: Path) -> None:
    learn(backend, "solver")
    path = str(tmp_path / "c")
    backend.save_checkpoint(p.SaveCheckpointParams(model_id="solver", path=path, with_optimizer=True))
    learn(backend, "solver", 3)
    expected = {
        name: t.clone() for name, t in adapters.own_tensors(backend._models["solver"].trained).items()
    }
    assert backend.load_checkpoint(p.LoadCheckpointParams(model_id="challenger", path=path)).steps == 1
    learn(backend, "challenger", 1)
    found = adapters.own_tensors(backend._models["challenger"].trained)
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def test_what_adapters_cannot_do_is_refused(backend, base, tmp_path: Path) -> None:
    path = str(tmp_path / "c")
    backend.save_checkpoint(p.SaveCheckpointParams(model_id="solver", path=path, with_optimizer=False))
    how = p.Training(pack_tokens=0, recompute=False, offload=False, lora_rank=8, lora_alpha=8.0)
    with pytest.raises(WorkerFailure, match="training.loraRank: saw 8, allowed is 4") as failure:
        backend.load_model(samples.load("next", path, training=how))
    assert failure.value.code == "invalid_request"
    backend.load_model(samples.load("whole", path))  # every weight, the adapters merged into them
    torch.testing.assert_close(
        logits(backend._models["whole"].trained), logits(backend._models["solver"].trained), atol=1e-4, rtol=0
    )
    with pytest.raises(WorkerFailure, match="holds adapters, and here every weight is trained"):
        backend.load_checkpoint(p.LoadCheckpointParams(model_id="whole", path=path))
    with pytest.raises(WorkerFailure, match="saw a model with adapters"):
        backend.average_weights(p.AverageWeightsParams(model_id="anchor", towards="solver", share=0.5))
