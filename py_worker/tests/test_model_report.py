"""What is said of a model that is not loaded, and what of it is as it is when it is."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import tiny_models
import torch
from huggingface_hub import constants
from test_architectures import ARCHITECTURES, make_model

from rzero_worker import protocol as p
from rzero_worker.backends.torch import TorchBackend
from rzero_worker.errors import WorkerFailure
from rzero_worker.model import empty_model_of, locate
from rzero_worker.model_report import TEXTS, inspect_model
from rzero_worker.protocol import Conversation, Message, ObstacleCode, Packing, Role
from rzero_worker.scorer import packing_without_weights
from rzero_worker.tokenizer import encode_conversations

ASKED = Conversation(
    messages=[Message(role=Role.SYSTEM, content="be brief."), Message(role=Role.USER, content="6*7")]
)


def inspected(source: object, *conversations: Conversation) -> p.InspectModelResult:
    params = p.InspectModelParams(source=str(source), conversations=list(conversations))
    return inspect_model(params, lambda _: None)


def codes(report: p.InspectModelResult) -> list[ObstacleCode]:
    return [obstacle.code for obstacle in report.obstacles]


def change(file: Path, **values: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(tiny_models.save_folder(tmp_path / "model"))


@pytest.mark.parametrize("model_type", ["qwen3", "llama"])
def test_a_report_says_what_loading_says(tmp_path: Path, model_type: str) -> None:
    config = {"qwen3": tiny_models.qwen3_config, "llama": tiny_models.llama_config}[model_type]()
    source = tiny_models.save_folder(tmp_path / "model", config)
    backend = TorchBackend("cpu")
    report = backend.inspect_model(p.InspectModelParams(source=source, conversations=[ASKED]))
    loaded = backend.load_model(p.LoadModelParams(model_id="m", source=source, trainable=False, seed=0))
    assert (report.architecture, report.parameters) == (loaded.architecture, loaded.parameters)
    assert report.vocabulary_size == loaded.vocabulary_size
    assert report.context_length == loaded.context_length
    assert report.model_type == model_type
    assert report.tied == config.tie_word_embeddings
    assert report.weights.formats == ["safetensors"] and report.weights.types == ["F32"]
    assert report.weights.bytes == (Path(source) / "model.safetensors").stat().st_size
    assert report.obstacles == [] and report.packing == Packing.PACKS


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_how_it_is_trained_is_said_without_weights_as_with_them(name: str) -> None:
    config = ARCHITECTURES[name].config()
    said, reason = packing_without_weights(empty_model_of(config))
    if said is Packing.TRIED:
        return
    expected = ARCHITECTURES[name].reason
    assert (said, reason) == ((Packing.PACKS, "") if expected is None else (Packing.PADDED, expected))


def test_most_architectures_need_no_weights_for_that() -> None:
    tried = [
        name
        for name, of in ARCHITECTURES.items()
        if packing_without_weights(empty_model_of(of.config()))[0] is Packing.TRIED
    ]
    assert len(tried) <= len(ARCHITECTURES) // 4, tried


def test_a_model_without_weights_has_as_many_parameters() -> None:
    for name in ("qwen3", "qwen3_moe", "gemma3", "gpt2"):
        assert (
            empty_model_of(ARCHITECTURES[name].config()).num_parameters() == make_model(name).num_parameters()
        )


def test_prompts_are_those_that_are_sampled_from(folder: Path) -> None:
    report = inspected(folder, ASKED)
    (prompt,) = report.prompts
    assert prompt.text == "<system>be brief.<user>6*7<assistant>" and not prompt.merged
    assert prompt.tokens == len(encode_conversations(tiny_models.make_tokenizer(), [ASKED])[0])
    template = report.tokenizer.template
    assert template.cue == "<assistant>" and template.end_of_turn == p.Token(id=1, text="<eos>")


def test_a_template_without_system_turns_is_said_to_merge(tmp_path: Path) -> None:
    template = "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}"
    source = tiny_models.save_folder(tmp_path / "m", chat_template=template + tiny_models.CHAT_TEMPLATE)
    (prompt,) = inspected(source, ASKED).prompts
    assert prompt.merged and prompt.text == "<user>be brief.\n\n6*7<assistant>"


def test_a_template_that_refuses_says_why(tmp_path: Path) -> None:
    source = tiny_models.save_folder(tmp_path / "m", chat_template="{{ raise_exception('never') }}")
    (prompt,) = inspected(source, ASKED).prompts
    assert prompt.refused == "never" and prompt.text == "" and prompt.tokens == 0


def test_a_template_that_opens_no_reply_has_no_cue(tmp_path: Path) -> None:
    source = tiny_models.save_folder(tmp_path / "m", chat_template="{{ messages[-1].content }}")
    assert inspected(source).tokenizer.template == p.ChatTemplate(cue="")


def test_without_a_template_turns_are_lines(tmp_path: Path) -> None:
    report = inspected(tiny_models.save_folder(tmp_path / "m", chat_template=None), ASKED)
    assert report.tokenizer.template is None
    assert report.prompts[0].text == "system: be brief.\nuser: 6*7\nassistant:"


def test_every_end_of_sequence_token_is_named(tmp_path: Path) -> None:
    report = inspected(tiny_models.save_folder(tmp_path / "m", eos_token_id=[1, 4, 500]))
    assert [(token.id, token.text) for token in report.tokenizer.eos] == [
        (1, "<eos>"),
        (4, "<assistant>"),
        (500, ""),
    ]


def test_texts_that_do_not_come_back_are_shown(folder: Path) -> None:
    changed = {one.text: one.back for one in inspected(folder).tokenizer.changed}
    assert TEXTS[2] in changed and changed[TEXTS[2]] != TEXTS[2]


def test_pickles_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"w": torch.zeros(2)}, folder / "pytorch_model.bin")
    report = inspected(folder)
    assert codes(report) == [ObstacleCode.PICKLES] and "pytorch_model.bin" in report.obstacles[0].message
    assert report.weights.formats == ["pickle"] and report.weights.bytes > 0
    with pytest.raises(WorkerFailure, match="pickles alone"):
        locate(str(folder))


def test_weights_that_are_not_there_are_named(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    assert codes(inspected(folder)) == [ObstacleCode.NO_WEIGHTS]
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "model-00001-of-00002.safetensors" in inspected(folder).obstacles[0].message


def test_code_of_its_own_is_refused_and_not_run(folder: Path) -> None:
    (folder / "modeling_mine.py").write_text("raise SystemExit('it ran')")
    auto_map = {"AutoConfig": "modeling_mine.Config", "AutoModelForCausalLM": "modeling_mine.Model"}
    change(folder / "config.json", model_type="mine", auto_map=auto_map)
    report = inspected(folder, ASKED)
    assert (
        codes(report) == [ObstacleCode.REMOTE_CODE] and "modeling_mine.Model" in report.obstacles[0].message
    )
    assert report.architecture == "" and report.parameters == 0
    assert report.prompts[0].text != ""  # what can be said is said


def test_a_kind_that_nobody_knows_and_one_that_is_no_language_model_are_named(folder: Path) -> None:
    change(folder / "config.json", model_type="perceptron9")
    assert codes(inspected(folder)) == [ObstacleCode.UNKNOWN_ARCHITECTURE]
    change(folder / "config.json", model_type="vit")
    report = inspected(folder)
    assert codes(report) == [ObstacleCode.UNKNOWN_ARCHITECTURE] and "causal" in report.obstacles[0].message


def test_a_folder_without_tokenizer_is_described_all_the_same(folder: Path) -> None:
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (folder / file).unlink()
    report = inspected(folder, ASKED)
    assert codes(report) == [ObstacleCode.NO_TOKENIZER]
    assert report.tokenizer is None and report.prompts == [] and report.parameters > 0


@pytest.mark.parametrize("made", [False, True])
def test_what_is_no_model_is_unloadable(tmp_path: Path, made: bool) -> None:
    source = tmp_path / "none"
    if made:
        source.mkdir()
    with pytest.raises(WorkerFailure, match="none") as failure:
        inspected(source)
    assert failure.value.code == "model_unloadable"


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: apache-2.0\nbase_model: a/b\n---\n", ("apache-2.0", "", "", ["a/b"])),
        (
            "---\nlicense: other\nlicense_name: qwen-research\nlicense_link: https://x.y/L\n---\n",
            ("other", "qwen-research", "https://x.y/L", []),
        ),
        ("---\nlicense: [mit, gemma]\nbase_model: [a/b, c/d]\n---\n", ("mit, gemma", "", "", ["a/b", "c/d"])),
        ("---\n: : [\n---\n", ("", "", "", [])),
        ("# no front matter", ("", "", "", [])),
    ],
)
def test_the_licence_is_that_of_the_card(folder: Path, card: str, licence: tuple) -> None:
    (folder / "README.md").write_text(card)
    (folder / "LICENSE.txt").write_text("the text")
    said = inspected(folder).licence
    assert (said.id, said.name, said.link, said.base_models) == licence
    assert said.file == "LICENSE.txt"


class Hub(BaseHTTPRequestHandler):
    """A hub with a gated model and nothing else; with `broken` in the path it is ill."""

    def do_GET(self) -> None:
        status, code = (403, "GatedRepo") if "gated" in self.path else (404, "RepoNotFound")
        self.send_response(500 if "broken" in self.path else status)
        if "broken" not in self.path:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("org/gated", "hub_forbidden"),
        ("org/absent", "model_unloadable"),
        ("org/broken", "hub_unavailable"),
        ("org/a b", "model_unloadable"),
    ],
)
def test_what_the_hub_does_not_give_is_said_by_its_code(
    hub: ThreadingHTTPServer, name: str, code: str
) -> None:
    with pytest.raises(WorkerFailure, match=name) as failure:
        inspected(name)
    assert failure.value.code == code


def test_a_hub_that_is_not_there_is_unavailable(
    hub: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(WorkerFailure, match="cannot be reached") as failure:
        inspected("org/model")
    assert failure.value.code == "hub_unavailable"


def test_of_a_name_the_cache_is_enough(
    hub: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    cached = tmp_path / "cache" / "models--org--model"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text("abc")
    (cached / "snapshots").mkdir()
    folder.rename(cached / "snapshots" / "abc")
    report = inspected("org/model", ASKED)
    assert report.parameters > 0 and report.obstacles == []
    assert report.prompts[0].text == "<system>be brief.<user>6*7<assistant>"
