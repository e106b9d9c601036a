"""The torch backend through its verbs: what it loads and refuses, and how its two kinds of weights move."""

from __future__ import annotations

import gc
import json
import shutil
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import samples
import tiny_models
import torch
from safetensors.torch import load_file, save_file
from transformers import Mamba2Config, Qwen3ForCausalLM

from rzero_worker import protocol as p
from rzero_worker import wire
from rzero_worker.attention import NAME as ATTENTION
from rzero_worker.backend import Context
from rzero_worker.backends import torch as torch_backend
from rzero_worker.backends.torch import TorchBackend
from rzero_worker.errors import WorkerFailure
from rzero_worker.executor import Executor
from rzero_worker.job import Job
from rzero_worker.job_queue import JobQueue
from rzero_worker.loader import Loader
from rzero_worker.trainer import copy_weights

SEQUENCES = [[5, 6, 7, 8, 9], [10, 11, 12]]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A saved model of each architecture."""
    root = tmp_path_factory.mktemp("models")
    configs = {"qwen3": tiny_models.qwen3_config(), "llama": tiny_models.llama_config()}
    return {name: tiny_models.save_folder(root / name, config) for name, config in configs.items()}


@pytest.fixture
def backend(folders) -> TorchBackend:
    """With the Qwen3 loaded as `m`, trainable."""
    made = TorchBackend("cpu")
    made.load_model(samples.load(source=folders["qwen3"]))
    return made


def draw(backend: TorchBackend, **changes) -> p.SampleResult:
    conversations = [samples.conversation("one"), samples.conversation("three", prefix="so ")]
    return backend.sample(samples.sample(conversations, **{"n": 3, "seeds": [4, 5], **changes}), Context())


def logprobs(backend: TorchBackend, sequences=SEQUENCES, temperature: float = 1.0) -> np.ndarray:
    result = backend.forward(samples.forward(sequences, temperature), Context())
    return wire.numpy_view(result.logprobs, "f4")


def learn(backend: TorchBackend, seq: int = 1) -> None:
    backend.forward_backward(samples.train(SEQUENCES, [1.0, -1.0], seq))
    backend.optim_step(samples.step(seq + 1))


def refused(call: Callable[[], object], code: str) -> WorkerFailure:
    with pytest.raises(WorkerFailure) as failure:
        call()
    assert failure.value.code == code
    assert "\n" not in failure.value.message
    return failure.value


def published(name: str) -> p.PublishWeightsParams:
    return p.PublishWeightsParams(model_id=name)


@pytest.mark.parametrize(
    ("name", "architecture", "parameters"),
    [
        # Qwen3: embeddings 50*32; a layer: q and o 2*32*64, k and v 2*32*32, two head norms 16, MLP 3*32*48,
        # two norms 32; a last norm 32. 1600 + 2 * (4096 + 2048 + 32 + 4608 + 64) + 32.
        ("qwen3", "Qwen3ForCausalLM", 23_328),
        # Llama: embeddings and head 2*50*32; a layer: 4*32*32, MLP 3*32*48, two norms; a last norm.
        ("llama", "LlamaForCausalLM", 20_768),
    ],
)
def test_what_loading_tells(folders, name: str, architecture: str, parameters: int) -> None:
    result = TorchBackend("cpu").load_model(samples.load(source=folders[name]))
    assert result == p.LoadModelResult(
        architecture=architecture,
        parameters=parameters,
        vocabulary_size=tiny_models.VOCABULARY_SIZE,
        context_length=96,
        weights_version=0,
    )


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_folder_that_lacks_a_file_is_named_with_the_file(folders, tmp_path: Path, missing: str) -> None:
    shutil.copytree(folders["qwen3"], tmp_path / "m")
    (tmp_path / "m" / missing).unlink()
    failure = refused(
        lambda: TorchBackend("cpu").load_model(samples.load(source=str(tmp_path / "m"))), "model_unloadable"
    )
    assert str(tmp_path / "m") in failure.message and missing in failure.message


def test_a_missing_shard_is_named(folders, tmp_path: Path) -> None:
    shutil.copytree(folders["qwen3"], tmp_path / "m")
    tensors = load_file(tmp_path / "m" / "model.safetensors")
    (tmp_path / "m" / "model.safetensors").unlink()
    index = {"metadata": {}, "weight_map": {name: "model-00001-of-00002.safetensors" for name in tensors}}
    (tmp_path / "m" / "model.safetensors.index.json").write_text(json.dumps(index))
    load = samples.load(source=str(tmp_path / "m"))
    failure = refused(lambda: TorchBackend("cpu").load_model(load), "model_unloadable")
    assert "model-00001-of-00002.safetensors" in failure.message
    save_file(tensors, tmp_path / "m" / "model-00001-of-00002.safetensors", {"format": "pt"})
    assert TorchBackend("cpu").load_model(load).parameters == 23_328


def break_config(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "no such thing"}')


def break_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0garbage!")


def break_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")


def drop_a_tensor(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.norm.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def widen_a_tensor(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"] = torch.ones(33)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize(
    "spoil", [break_config, break_weights, break_tokenizer, drop_a_tensor, widen_a_tensor]
)
def test_a_spoilt_folder_is_unloadable_and_leaves_the_model_of_that_name(
    backend, folders, tmp_path, spoil
) -> None:
    shutil.copytree(folders["qwen3"], tmp_path / "m")
    spoil(tmp_path / "m")
    before = draw(backend)
    failure = refused(
        lambda: backend.load_model(samples.load(source=str(tmp_path / "m"))), "model_unloadable"
    )
    assert str(tmp_path / "m") in failure.message
    assert draw(backend) == before


@pytest.mark.parametrize("source", ["/no/such/folder", "./none", "~/no such folder"])
def test_a_path_that_does_not_exist_is_not_looked_up_by_name(source: str) -> None:
    failure = refused(lambda: TorchBackend("cpu").load_model(samples.load(source=source)), "model_unloadable")
    assert failure.message == f"source {source!r} does not exist"


def test_a_home_folder_is_found(folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(folders["qwen3"], tmp_path / "mine")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert TorchBackend("cpu").load_model(samples.load(source="~/mine")).parameters == 23_328


def test_a_model_without_an_output_projection_is_refused(folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Qwen3ForCausalLM, "get_output_embeddings", lambda self: None)
    load = samples.load(source=folders["qwen3"])
    failure = refused(lambda: TorchBackend("cpu").load_model(load), "model_unloadable")
    assert "Qwen3ForCausalLM names no output projection" in failure.message


def test_a_model_that_keeps_its_state_another_way_is_refused(tmp_path: Path) -> None:
    # Mamba2 takes cache_params and would swallow past_key_values: each token would be drawn without a prefix.
    config = Mamba2Config(
        vocab_size=tiny_models.VOCABULARY_SIZE,
        hidden_size=32,
        num_hidden_layers=1,
        num_heads=8,
        head_dim=8,
        state_size=16,
        n_groups=1,
        eos_token_id=1,
    )
    load = samples.load(source=tiny_models.save_folder(tmp_path / "m", config))
    failure = refused(lambda: TorchBackend("cpu").load_model(load), "model_unloadable")
    assert "Mamba2ForCausalLM takes no past_key_values" in failure.message


def test_a_file_is_not_a_source(folders) -> None:
    source = folders["qwen3"] + "/config.json"
    failure = refused(lambda: TorchBackend("cpu").load_model(samples.load(source=source)), "model_unloadable")
    assert "is not a folder" in failure.message


def test_a_sample_batch_is_consistent(backend) -> None:
    batch = draw(backend, n=4, max_tokens=30, temperature=2.0)
    tokenizer = tiny_models.make_tokenizer()
    prompts = np.split(
        wire.numpy_view(batch.prompt_tokens, "i4"), wire.numpy_view(batch.prompt_lengths, "i4")[:-1]
    )
    assert [tokenizer.decode(prompt) for prompt in prompts] == [
        "<user>one<assistant>",
        "<user>three<assistant>so ",
    ]
    lengths = wire.numpy_view(batch.lengths, "i4")
    tokens = np.split(wire.numpy_view(batch.tokens, "i4"), np.cumsum(lengths)[:-1])
    assert len(lengths) == 8 and lengths.sum() * 4 == len(batch.logprobs)
    for row, reason, text in zip(tokens, batch.stop_reasons, batch.texts, strict=True):
        assert (tiny_models.EOS_ID in row) == (reason == p.StopReason.STOP)
        assert reason == p.StopReason.STOP or len(row) == 30
        visible = row[row >= len(tiny_models.SPECIAL)] - len(tiny_models.SPECIAL)
        assert text == "".join(tiny_models.CHARACTERS[index] for index in visible)
    assert set(batch.stop_reasons) == {p.StopReason.STOP, p.StopReason.LENGTH}


def test_a_model_without_a_chat_template_is_sampled_scored_and_trained(tmp_path: Path) -> None:
    backend = TorchBackend("cpu")
    backend.load_model(samples.load(source=tiny_models.save_folder(tmp_path / "m", chat_template=None)))
    batch = draw(backend)
    prompts = np.split(
        wire.numpy_view(batch.prompt_tokens, "i4"), wire.numpy_view(batch.prompt_lengths, "i4")[:-1]
    )
    # The tokenizer knows no colon and gives <pad> for it.
    texts = [tiny_models.make_tokenizer().decode(prompt).replace("<pad>", ":") for prompt in prompts]
    assert texts == ["user: one\nassistant:", "user: three\nassistant: so "]
    sequences = [[*prompts[index // 3], *row] for index, row in enumerate(completions(batch))]
    found = logprobs(backend, sequences)
    ends = np.cumsum([len(sequence) for sequence in sequences])
    scored = [found[end - len(row) : end] for end, row in zip(ends, completions(batch), strict=True)]
    np.testing.assert_allclose(np.concatenate(scored), wire.numpy_view(batch.logprobs, "f4"), atol=1e-5)
    trained = sum(len(sequence) - 1 for sequence in sequences)
    assert backend.forward_backward(samples.train(sequences, [1.0] * 6)).tokens == trained


def test_every_end_of_sequence_id_that_a_config_lists_ends_a_sample(tmp_path: Path) -> None:
    # As Llama 3's: the generation config has a list of its own, the config another, the tokenizer one id.
    ends = {tiny_models.EOS_ID, 7, 9, 11}
    source = tiny_models.save_folder(
        tmp_path / "m", tiny_models.llama_config(eos_token_id=[1, 11]), eos_token_id=[1, 7, 9]
    )
    backend = TorchBackend("cpu")
    backend.load_model(samples.load(source=source))
    batch = draw(backend, n=100, max_tokens=40, temperature=2.0)
    tokenizer, last = tiny_models.make_tokenizer(), set()
    for row, text, reason in zip(completions(batch), batch.texts, batch.stop_reasons, strict=True):
        assert not ends & set(row[:-1])
        assert (reason is p.StopReason.STOP) == (row[-1] in ends)
        visible = row[:-1] if row[-1] in ends else row
        assert text == tokenizer.decode(visible, skip_special_tokens=True)
        last.add(row[-1])
    assert ends < last


def completions(batch: p.SampleResult) -> list[list[int]]:
    lengths = wire.numpy_view(batch.lengths, "i4")
    return [run.tolist() for run in np.split(wire.numpy_view(batch.tokens, "i4"), np.cumsum(lengths)[:-1])]


# A token each; and over two tokens.
STOPS = [["a"], ["xy", "5"], [" ", "\n"], [letter + "a" for letter in tiny_models.CHARACTERS]]


@pytest.mark.parametrize("stop", STOPS, ids=["a", "xy or 5", "white space", "an a behind another letter"])
def test_a_stop_string_ends_a_sample_with_the_token_that_completes_it(backend, stop: list[str]) -> None:
    tokenizer = tiny_models.make_tokenizer()
    asked = {"n": 60, "max_tokens": 60, "temperature": 3.0}
    free, bound = draw(backend, **asked), draw(backend, **asked, stop=stop)
    stopped = 0
    for before, after, text, reason in zip(
        completions(free), completions(bound), bound.texts, bound.stop_reasons, strict=True
    ):
        whole = [
            tokenizer.decode(before[:count], skip_special_tokens=True) for count in range(len(before) + 1)
        ]
        ends = [any(string in text for string in stop) for text in whole]
        count = ends.index(True) if True in ends else len(before)
        assert after == before[:count]
        starts = [at for string in stop if (at := whole[count].find(string)) >= 0]
        assert text == whole[count][: min(starts, default=None)]
        assert (reason is p.StopReason.STOP) == (True in ends or tiny_models.EOS_ID in after)
        stopped += True in ends
    assert 0 < stopped < len(bound.texts)


def test_weights_have_the_version_that_was_asked_for(backend, tmp_path: Path) -> None:
    def publish(version: int | None) -> int:
        params = p.PublishWeightsParams(model_id="m", weights_version=version)
        return backend.publish_weights(params).weights_version

    assert draw(backend, weights_version=0).weights_version == 0
    learn(backend)
    assert publish(7) == 7
    before = draw(backend, weights_version=7)
    learn(backend, seq=3)
    assert publish(7) == 7
    assert draw(backend) == before  # repeated, it copies nothing
    assert "saw 6" in refused(lambda: publish(6), "stale_weights").message
    assert draw(backend) == before
    assert publish(None) == 8
    assert draw(backend).logprobs != before.logprobs
    message = refused(lambda: draw(backend, weights_version=7), "stale_weights").message
    assert message == "weightsVersion: saw 7, allowed is 8, that of the published weights"
    path = str(tmp_path / "c")
    backend.save_checkpoint(p.SaveCheckpointParams(model_id="m", path=path, with_optimizer=False))
    for asked, version in ((3, 3), (None, 4), (0, 0)):
        params = p.LoadCheckpointParams(model_id="m", path=path, weights_version=asked)
        assert backend.load_checkpoint(params).weights_version == version
        assert draw(backend, weights_version=version).weights_version == version


@pytest.mark.parametrize("room", [0, 1, 2])
def test_samples_of_a_conversation_that_all_but_fills_the_context(backend, room: int) -> None:
    # The role tokens of the turn and of the reply, and a token a character: 94 + 2 fill the context of 96.
    full = samples.conversation("a" * (94 - room))
    batch = backend.sample(samples.sample([full], n=20, max_tokens=9, temperature=3.0), Context())
    assert wire.numpy_view(batch.prompt_lengths, "i4").tolist() == [96 - room]
    for tokens, reason in zip(completions(batch), batch.stop_reasons, strict=True):
        assert len(tokens) == room or tokens[-1] == tiny_models.EOS_ID
        assert (reason is p.StopReason.STOP) == (tiny_models.EOS_ID in tokens)


def test_a_sequence_as_long_as_the_context(backend) -> None:
    assert np.isfinite(logprobs(backend, [[5] * 96])).all()
    assert backend.forward_backward(samples.train([[5] * 96], [1.0])).tokens == 95


def test_many_conversations_of_many_lengths(backend) -> None:
    asked = [samples.conversation("b" * (index % 80)) for index in range(3000)]
    batch = backend.sample(samples.sample(asked, max_tokens=1), Context())
    assert set(wire.numpy_view(batch.lengths, "i4").tolist()) == {1} and len(batch.texts) == 3000
    alone = backend.sample(samples.sample(asked[-1:], seeds=[2999], max_tokens=1), Context())
    assert completions(batch)[-1:] == completions(alone)


@pytest.mark.parametrize("temperature", [1.0, 0.7, 1.6])
def test_forward_gives_the_log_probs_that_sampling_gave(backend, temperature: float) -> None:
    batch = draw(backend, temperature=temperature)
    lengths = wire.numpy_view(batch.lengths, "i4")
    prompts = np.split(
        wire.numpy_view(batch.prompt_tokens, "i4"), wire.numpy_view(batch.prompt_lengths, "i4")[:-1]
    )
    tokens = np.split(wire.numpy_view(batch.tokens, "i4"), np.cumsum(lengths)[:-1])
    sequences = [[*prompts[index // 3], *row] for index, row in enumerate(tokens)]
    found = np.split(logprobs(backend, sequences, temperature), np.cumsum([len(s) for s in sequences])[:-1])
    completions = np.concatenate([row[-length:] for row, length in zip(found, lengths, strict=True)])
    np.testing.assert_allclose(completions, wire.numpy_view(batch.logprobs, "f4"), atol=1e-5)


def test_samples_move_with_published_weights_only(backend) -> None:
    before, trained_before = draw(backend), logprobs(backend)
    learn(backend)
    assert draw(backend) == before
    assert not np.array_equal(logprobs(backend), trained_before)
    assert backend.publish_weights(published("m")).weights_version == 1
    after = draw(backend)
    assert after.weights_version == 1 and after.logprobs != before.logprobs


def test_the_same_calls_give_the_same_bytes(folders) -> None:
    def history() -> list:
        backend = TorchBackend("cpu")
        backend.load_model(samples.load(source=folders["qwen3"]))
        learn(backend)
        backend.publish_weights(published("m"))
        return [draw(backend), logprobs(backend).tobytes()]

    assert history() == history()


def test_frozen_models_of_one_source_share_weights_and_trainable_ones_do_not(backend, folders) -> None:
    for name in ("a", "b"):
        backend.load_model(samples.load(name, folders["qwen3"], trainable=False))
    weights = {name: next(loaded.published.parameters()) for name, loaded in backend._models.items()}
    assert weights["a"] is weights["b"]
    trained = next(backend._models["m"].trained.parameters())
    assert len({tensor.data_ptr() for tensor in (weights["a"], weights["m"], trained)}) == 3
    learn(backend)
    backend.publish_weights(published("m"))
    assert draw(backend, model_id="a").logprobs == draw(backend, model_id="b").logprobs
    assert draw(backend, model_id="a").logprobs != draw(backend).logprobs


def test_a_folder_written_anew_is_another_source(backend, tmp_path: Path) -> None:
    source = tiny_models.save_folder(tmp_path / "m", seed=1)
    backend.load_model(samples.load("old", source, trainable=False))
    shutil.rmtree(source)
    tiny_models.save_folder(tmp_path / "m", seed=2)
    backend.load_model(samples.load("new", source, trainable=False))
    assert draw(backend, model_id="old").logprobs != draw(backend, model_id="new").logprobs


def test_loading_again_forgets_what_was_learnt(backend, folders) -> None:
    before = logprobs(backend).tobytes()
    learn(backend)
    backend.forward_backward(samples.train(SEQUENCES, [1.0, 1.0], 3))
    backend.load_model(samples.load(source=folders["qwen3"]))
    assert logprobs(backend).tobytes() == before
    assert backend.optim_step(samples.step(4, learning_rate=0.0)).grad_norm == 0


def test_unloaded_and_unknown_models_are_unknown(backend) -> None:
    backend.unload_model(p.UnloadModelParams(model_id="m"))
    calls: list[Callable[[], object]] = [
        lambda: draw(backend),
        lambda: logprobs(backend),
        lambda: learn(backend),
        lambda: backend.optim_step(samples.step()),
        lambda: backend.publish_weights(published("m")),
        lambda: backend.average_weights(average(1.0, "m", "m")),
        lambda: backend.unload_model(p.UnloadModelParams(model_id="m")),
        lambda: backend.load_checkpoint(p.LoadCheckpointParams(model_id="m", path="c")),
        lambda: backend.save_checkpoint(p.SaveCheckpointParams(model_id="m", path="c", with_optimizer=False)),
    ]
    for call in calls:
        assert "'m'" in refused(call, "unknown_model").message


def test_a_frozen_model_is_not_trainable_but_everything_else(backend, folders, tmp_path: Path) -> None:
    backend.load_model(samples.load(source=folders["qwen3"], trainable=False))
    refused(lambda: backend.forward_backward(samples.train(SEQUENCES, [1.0, 1.0])), "not_trainable")
    refused(lambda: backend.optim_step(samples.step()), "not_trainable")
    assert backend._models["m"].published.config._attn_implementation == ATTENTION
    assert logprobs(backend).shape == (8,)
    assert backend.publish_weights(published("m")).weights_version == 1
    save = p.SaveCheckpointParams(model_id="m", path=str(tmp_path / "c"), with_optimizer=True)
    assert backend.save_checkpoint(save).bytes > 0
    # How this worker computes attention is no business of whoever opens the folder.
    assert ATTENTION not in (tmp_path / "c" / "config.json").read_text()


def test_tokens_and_lengths_beyond_the_model_are_refused(backend) -> None:
    size = tiny_models.VOCABULARY_SIZE
    message = refused(lambda: logprobs(backend, [[5, size]]), "invalid_request").message
    assert message == f"tokens: saw {size}, allowed is 0 to {size - 1}, the vocabulary"
    message = refused(lambda: logprobs(backend, [[5] * 97]), "invalid_request").message
    assert message == "lengths: saw 97, allowed is at most 96, the context length"
    train = samples.train([[5, size]], [1.0])
    assert refused(lambda: backend.forward_backward(train), "invalid_request").message.startswith(
        "batch.tokens: saw"
    )


def test_empty_requests_get_empty_answers(backend) -> None:
    assert backend.sample(samples.sample([]), Context()).texts == []
    assert logprobs(backend, []).tolist() == []
    result = backend.forward_backward(samples.train([], []))
    assert (result.loss, result.ratio_mean, result.importance_mean, result.tokens) == (0.0, 1.0, 1.0, 0)


def test_a_checkpoint_brings_back_weights_and_optimiser_and_is_a_source_itself(
    backend, tmp_path: Path
) -> None:
    learn(backend)
    path = str(tmp_path / "c")
    backend.save_checkpoint(p.SaveCheckpointParams(model_id="m", path=path, with_optimizer=True))
    saved = logprobs(backend).tobytes()
    learn(backend, seq=3)
    gone_on = logprobs(backend).tobytes()
    assert backend.load_checkpoint(p.LoadCheckpointParams(model_id="m", path=path)).weights_version == 1
    assert logprobs(backend).tobytes() == saved
    restored = draw(backend)
    backend.load_model(samples.load("frozen", path, trainable=False))
    assert draw(backend, model_id="frozen").tokens == restored.tokens
    learn(backend, seq=5)
    assert logprobs(backend).tobytes() == gone_on


def test_a_checkpoint_replaces_the_weights_of_one_frozen_model_only(backend, folders, tmp_path: Path) -> None:
    learn(backend)
    path = str(tmp_path / "c")
    backend.save_checkpoint(p.SaveCheckpointParams(model_id="m", path=path, with_optimizer=False))
    for name in ("a", "b"):
        backend.load_model(samples.load(name, folders["qwen3"], trainable=False))
    before = draw(backend, model_id="b")
    backend.load_checkpoint(p.LoadCheckpointParams(model_id="a", path=path))
    assert draw(backend, model_id="b") == before
    assert draw(backend, model_id="a").logprobs != before.logprobs


def halved() -> TorchBackend:
    """A backend that samples in bfloat16, as on a GPU."""
    made = TorchBackend("cpu")
    made._loader = Loader(torch.device("cpu"), torch.bfloat16)
    return made


def float_types(folder: Path) -> set[torch.dtype]:
    return {tensor.dtype for tensor in load_file(folder / "model.safetensors").values()}


def for_sampling(path: Path, with_optimizer: bool = False) -> p.SaveCheckpointParams:
    return p.SaveCheckpointParams(
        model_id="m", path=str(path), with_optimizer=with_optimizer, for_sampling=True
    )


@pytest.mark.parametrize("name", ["qwen3", "llama"])
def test_what_is_saved_for_sampling_is_what_is_published(folders, tmp_path: Path, name: str) -> None:
    trainer = halved()
    trainer.load_model(samples.load(source=folders[name]))
    learn(trainer)
    whole, half = tmp_path / "whole", tmp_path / "half"
    bytes_of = [trainer.save_checkpoint(of).bytes for of in (save(whole, False), for_sampling(half))]
    assert (float_types(whole), float_types(half)) == ({torch.float32}, {torch.bfloat16})
    assert bytes_of[1] < 0.6 * bytes_of[0]
    proven = trainer.publish_weights(published("m")).proof
    for folder in (whole, half):
        sampler = halved()
        sampler.load_model(samples.load(source=folders[name], trainable=False))
        loaded = sampler.load_checkpoint(p.LoadCheckpointParams(model_id="m", path=str(folder)))
        assert loaded.proof == proven
        ours, theirs = (b._models["m"].published.state_dict() for b in (sampler, trainer))
        assert ours.keys() == theirs.keys()
        for key, tensor in theirs.items():
            assert ours[key].dtype == tensor.dtype == torch.bfloat16 and torch.equal(ours[key], tensor)
        assert draw(sampler) == draw(trainer)


def test_saved_for_sampling_changes_nothing_where_all_is_float32_or_training_is_to_go_on(
    backend, folders, tmp_path: Path
) -> None:
    learn(backend)
    for params in (save(tmp_path / "a", False), for_sampling(tmp_path / "b")):
        backend.save_checkpoint(params)
    names = [file.relative_to(tmp_path / "a") for file in (tmp_path / "a").rglob("*") if file.is_file()]
    assert all((tmp_path / "a" / n).read_bytes() == (tmp_path / "b" / n).read_bytes() for n in names)
    other = halved()
    other.load_model(samples.load(source=folders["qwen3"]))
    other.save_checkpoint(for_sampling(tmp_path / "c", with_optimizer=True))
    assert float_types(tmp_path / "c") == {torch.float32}


def test_what_a_model_keeps_in_float32_stays_so_for_sampling(folders, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(Qwen3ForCausalLM, "_keep_in_fp32_modules_strict", ["q_norm", "layers.0*k_norm"])
    trainer = halved()
    trainer.load_model(samples.load(source=folders["qwen3"]))
    trainer.save_checkpoint(for_sampling(tmp_path / "c"))
    tensors = load_file(tmp_path / "c" / "model.safetensors")
    whole = {name for name, tensor in tensors.items() if tensor.dtype == torch.float32}
    assert whole == {
        *(f"model.layers.{at}.self_attn.q_norm.weight" for at in (0, 1)),
        "model.layers.0.self_attn.k_norm.weight",
    }
    of_published = trainer._models["m"].published.state_dict()
    assert all(of_published[name].dtype == tensor.dtype for name, tensor in tensors.items())


def test_weights_that_were_replaced_are_held_by_nobody(backend, folders, tmp_path: Path) -> None:
    learn(backend)
    path = str(tmp_path / "c")
    backend.save_checkpoint(p.SaveCheckpointParams(model_id="m", path=path, with_optimizer=False))
    frozen = TorchBackend("cpu")
    frozen.load_model(samples.load(source=folders["qwen3"], trainable=False))
    logprobs(frozen)  # what scores them is kept for the next time
    old = weakref.ref(frozen._models["m"].published)
    frozen.load_checkpoint(p.LoadCheckpointParams(model_id="m", path=path))
    gc.collect()
    assert old() is None
    np.testing.assert_allclose(logprobs(frozen), logprobs(backend), atol=1e-6)


def save(path: Path, with_optimizer: bool = True) -> p.SaveCheckpointParams:
    return p.SaveCheckpointParams(model_id="m", path=str(path), with_optimizer=with_optimizer)


class Answers(Executor):
    """An executor that keeps what it would send."""

    def __init__(self, backend: TorchBackend) -> None:
        self.answers: list[p.Response | p.Failure] = []
        super().__init__(backend, JobQueue(), lambda session, message: self.answers.append(message))


def execute(executor: Answers, params: p.Base) -> p.Base:
    """Answer as the server would: with the result, or the error."""
    verb = next(verb for verb in p.VERBS.values() if verb.params is type(params))
    job = Job(0, p.Request(id=1, verb=verb.name, params=wire.encode(params)), verb)
    executor.execute(job)
    executor.settle()
    answer = executor.answers.pop()
    return answer.error if isinstance(answer, p.Failure) else wire.decode(answer.result, verb.result)


def test_a_checkpoint_keeps_the_ledger_the_steps_and_the_random_generator(backend, tmp_path: Path) -> None:
    executor = Answers(backend)
    execute(executor, samples.load(source=backend._models["m"].published.name_or_path))
    batch, step = samples.train(SEQUENCES, [1.0, -1.0], 1), samples.step(2)
    answers = [execute(executor, batch), execute(executor, step)]
    saved = execute(executor, save(tmp_path / "c"))
    scored, drawn = logprobs(backend), torch.rand(4)
    assert execute(executor, samples.step(3)).grad_norm == 0
    load = p.LoadCheckpointParams(
        model_id="m", path=str(tmp_path / "c"), manifest_sha256=saved.manifest_sha256
    )
    assert execute(executor, load).steps == 1
    assert torch.equal(torch.rand(4), drawn)
    assert [execute(executor, batch), execute(executor, step)] == answers
    np.testing.assert_array_equal(logprobs(backend), scored)
    assert execute(executor, samples.step(2, learning_rate=0.5)).code == "sequence_conflict"
    execute(executor, samples.step(3, learning_rate=0.5))


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def lengthen(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\n")


@pytest.mark.parametrize("spoil", [flip, truncate, lengthen, Path.unlink])
def test_nothing_of_a_damaged_checkpoint_is_used(backend, tmp_path: Path, spoil) -> None:
    executor = Answers(backend)
    execute(executor, samples.load(source=backend._models["m"].published.name_or_path))
    learn(backend)
    whole = tmp_path / "whole"
    saved = execute(executor, save(whole))
    learn(backend, seq=3)
    before, drawn, generator = logprobs(backend), draw(backend), torch.get_rng_state()
    files = [file.relative_to(whole) for file in whole.rglob("*") if file.is_file()]
    assert len(files) >= 8
    for file in [*files, Path("stray.bin")]:
        path = tmp_path / "c"
        shutil.copytree(whole, path)
        if file.name == "stray.bin":
            (path / file).touch()
        else:
            spoil(path / file)
        load = p.LoadCheckpointParams(
            model_id="m", path=str(path), manifest_sha256=saved.manifest_sha256, weights_version=9
        )
        failure = execute(executor, load)
        assert failure.code == "io_error"
        assert repr(str(path)) in failure.message and str(file) in failure.message
        shutil.rmtree(path)
    np.testing.assert_array_equal(logprobs(backend), before)
    assert draw(backend) == drawn
    assert torch.equal(torch.get_rng_state(), generator)
    learn(backend, seq=5)  # with the moments of two steps
    assert backend._models["m"].steps == 3


def probe(proof: p.WeightsProof) -> np.ndarray:
    return wire.numpy_view(proof.probe, "f4")


def publish(backend: TorchBackend, version: int | None = None, model_id: str = "m") -> p.WeightsProof:
    params = p.PublishWeightsParams(model_id=model_id, weights_version=version)
    return backend.publish_weights(params).proof


PROBE = [[7919 * (index + 1) % tiny_models.VOCABULARY_SIZE for index in range(16)]]


def test_the_proof_is_of_the_weights_that_sample_uses(backend, folders, tmp_path: Path) -> None:
    before = publish(backend, 1)
    np.testing.assert_allclose(probe(before), logprobs(backend, PROBE), atol=1e-5)
    learn(backend)
    assert publish(backend, 1) == before
    after = publish(backend, 2)
    assert after.checksum != before.checksum
    np.testing.assert_allclose(probe(after), logprobs(backend, PROBE), atol=1e-5)
    backend.save_checkpoint(save(tmp_path / "c"))
    learn(backend, seq=3)
    assert publish(backend).checksum != after.checksum
    backend.load_model(samples.load("frozen", folders["qwen3"], trainable=False))
    assert publish(backend, model_id="frozen") == before
    for name in ("m", "frozen"):
        load = p.LoadCheckpointParams(model_id=name, path=str(tmp_path / "c"))
        loaded = backend.load_checkpoint(load)
        assert loaded.proof == after
        assert loaded.steps == (name == "m")
    backend.average_weights(average(1.0, "frozen", "m"))
    assert publish(backend, model_id="frozen") == after


def forget_all(source, target) -> None:
    pass


def forget_one(source, target) -> None:
    kept = target.model.norm.weight.clone()
    copy_weights(source, target)
    target.model.norm.weight.copy_(kept)


# A norm's weight is 1, which a step of less than 2**-8 does not change in bfloat16.
@pytest.mark.parametrize(
    ("copy", "learning_rate"), [(forget_all, 1e-2), (forget_all, 1e-5), (forget_one, 1e-2)]
)
def test_weights_that_do_not_arrive_are_stale(backend, monkeypatch, copy, learning_rate: float) -> None:
    before = draw(backend)
    backend.forward_backward(samples.train(SEQUENCES, [1.0, -1.0], 1))
    backend.optim_step(samples.step(2, learning_rate=learning_rate))
    with monkeypatch.context() as patched:
        patched.setattr(torch_backend, "copy_weights", copy)
        message = refused(lambda: publish(backend), "stale_weights").message
    assert message.startswith("the trained weights did not arrive: the sampler's checksum is ")
    assert draw(backend).weights_version == before.weights_version == 0
    publish(backend)
    assert draw(backend).weights_version == 1


def test_weights_that_arrive_but_are_not_computed_with_are_stale(backend, monkeypatch) -> None:
    learn(backend)
    published = backend._models["m"].published
    hook = published.lm_head.register_forward_hook(lambda module, args, logits: 1.1 * logits)
    message = refused(lambda: publish(backend), "stale_weights").message
    assert "log-probs of the probe under the sampler's weights and under the trained ones are" in message
    hook.remove()
    publish(backend)


def average(share: float, model_id: str = "a", towards: str = "m") -> p.AverageWeightsParams:
    return p.AverageWeightsParams(model_id=model_id, towards=towards, share=share)


def parameters(backend: TorchBackend, model_id: str) -> dict[str, torch.Tensor]:
    return {
        name: tensor.detach().clone() for name, tensor in backend._models[model_id].trained.named_parameters()
    }


def test_an_average_moves_every_parameter_by_its_share_and_no_other_model(backend, folders) -> None:
    learn(backend)
    for name in ("a", "b"):
        backend.load_model(samples.load(name, folders["qwen3"], trainable=False))
    start, end, apart = parameters(backend, "a"), parameters(backend, "m"), draw(backend, model_id="b")
    for share, version, moved in ((0.5, 1, 0.5), (0.5, 2, 0.75), (1.0, 3, 1.0)):
        assert backend.average_weights(average(share)).weights_version == version
        for name, tensor in parameters(backend, "a").items():
            torch.testing.assert_close(tensor, torch.lerp(start[name], end[name], moved))
    assert all(torch.equal(tensor, end[name]) for name, tensor in parameters(backend, "m").items())
    # The two frozen models began with the same tensors.
    assert draw(backend, model_id="b") == apart
    drawn = draw(backend, model_id="a")
    assert drawn.weights_version == 3
    assert drawn.logprobs != apart.logprobs


def test_an_average_of_a_trainable_model_is_not_published(backend, folders) -> None:
    before = draw(backend)
    start = logprobs(backend)
    learn(backend)
    backend.load_model(samples.load("a", folders["qwen3"], trainable=False))
    assert backend.average_weights(average(1.0, "m", "a")).weights_version == 0
    np.testing.assert_array_equal(logprobs(backend), start)
    learn(backend, seq=3)
    assert draw(backend) == before


def test_small_shares_of_weights_in_bfloat16_add_up(backend, folders) -> None:
    learn(backend)
    backend._cuda = True  # what is frozen is bfloat16 then
    backend.load_model(samples.load("a", folders["qwen3"], trainable=False))
    backend._cuda = False
    start, end = parameters(backend, "a"), parameters(backend, "m")
    for _ in range(100):
        backend.average_weights(average(0.01))
    for name, tensor in parameters(backend, "a").items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, torch.lerp(start[name].float(), end[name], 1 - 0.99**100))
    assert draw(backend, model_id="a").weights_version == 100


def test_models_of_two_shapes_have_no_average(backend, folders) -> None:
    backend.load_model(samples.load("a", folders["llama"], trainable=False))
    before = parameters(backend, "a")
    message = refused(lambda: backend.average_weights(average(0.5)), "invalid_request").message
    assert message.startswith("towards: 'm' is of another shape than 'a': ")
    assert all(torch.equal(tensor, before[name]) for name, tensor in parameters(backend, "a").items())


def test_forward_reports_progress_and_can_be_cancelled(backend) -> None:
    seen: list[tuple[int, int]] = []
    backend.forward(
        samples.forward(SEQUENCES), Context(report=lambda done, total: seen.append((done, total)))
    )
    assert seen == [(2, 2)]
    cancelled = threading.Event()
    cancelled.set()
    context = Context(cancelled=cancelled)
    refused(lambda: backend.forward(samples.forward(SEQUENCES), context), "cancelled")
    refused(lambda: backend.sample(samples.sample(), context), "cancelled")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), "out_of_memory"),
        (MemoryError(), "out_of_memory"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried ..."),
            "out_of_memory",
        ),
        (RuntimeError("shapes do not match"), None),
    ],
)
def test_full_memory_is_recognised(backend, error: Exception, code: str | None) -> None:
    failure = backend.failure_of(error)
    assert (failure and failure.code) == code


def test_a_real_allocation_failure_is_recognised(backend) -> None:
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**60, dtype=torch.uint8)
    failure = backend.failure_of(error.value)
    assert failure is not None and failure.code == "out_of_memory"


def test_versions_name_what_results_depend_on(backend) -> None:
    assert {"python", "torch", "transformers"} <= backend.versions().keys()
