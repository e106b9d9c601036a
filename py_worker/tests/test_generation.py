"""The sides of `npm run bench -- generation` draw what they are asked for, from one distribution."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import tiny_models
import torch

from generation import hugging_face, ours, side
from generation.requests import CONTEXT, Args, Requests, make_requests, read_requests, write_requests
from rzero_worker.errors import WorkerFailure

SMALL = Args(
    model="nano",
    prompts=3,
    samples=2,
    most=6,
    least=None,
    ends=False,
    prompt_length=None,
    conversations=None,
    rows=4,
    top_p=1.0,
    threads=1,
    seed=5,
)

MAKERS = {
    "ours": ours.make,
    "generate": hugging_face.make,
    "scored": hugging_face.make_with_logprobs,
}
EACH = pytest.mark.parametrize("name", MAKERS)


@pytest.fixture(scope="module")
def nano(tmp_path_factory: pytest.TempPathFactory) -> Requests:
    return make_requests(tmp_path_factory.mktemp("requests"), SMALL)


def test_requests_of_random_tokens(tmp_path: Path) -> None:
    (tmp_path / "args.json").write_text(json.dumps(asdict(replace(SMALL, least=2))))
    write_requests(tmp_path)
    requests = read_requests(tmp_path)
    assert (len(requests.prompts), len(requests.limits), requests.stop_ids) == (3, 6, [])
    assert all(11 <= len(prompt) <= 38 for prompt in requests.prompts)
    assert all(2 <= limit <= 6 for limit in requests.limits) and len(set(requests.limits)) > 1
    assert requests == make_requests(tmp_path, replace(SMALL, least=2))  # a seed says it all


def test_a_prompt_leaves_room_for_its_samples(tmp_path: Path) -> None:
    requests = make_requests(tmp_path, replace(SMALL, prompt_length=2 * CONTEXT, ends=True))
    assert {len(prompt) for prompt in requests.prompts} == {CONTEXT - SMALL.most}
    assert requests.stop_ids == [1]


def test_conversations_are_prompts_of_the_source_that_reads_them(tmp_path: Path) -> None:
    source = tiny_models.save_folder(tmp_path / "source")
    said = [{"messages": [{"role": "user", "content": "1+1"}]}]
    requests = make_requests(tmp_path, replace(SMALL, model=source, conversations=said))
    tokenizer = tiny_models.make_tokenizer()
    assert [tokenizer.decode(prompt) for prompt in requests.prompts] == ["<user>1+1<assistant>"]


@EACH
def test_every_sample_has_its_own_length(name: str, nano: Requests) -> None:
    # Six rows, four at a time: a side must come to the last ones too.
    draw = MAKERS[name](nano)
    assert draw(1).tokens == 6 * 6
    uneven = replace(nano, limits=[1, 6, 2, 5, 3, 4])
    drawn = MAKERS[name](uneven)(1)
    assert drawn.tokens == 21
    assert (drawn.logprob is None) == (name == "generate")


@EACH
def test_a_sample_ends_with_the_first_token_that_ends_one(name: str, nano: Requests) -> None:
    ends = replace(nano, stop_ids=list(range(512)), limits=[6] * 6)
    assert MAKERS[name](ends)(1).tokens == 6  # every token is one
    some = replace(nano, stop_ids=list(range(0, 512, 3)), limits=[6] * 6)
    assert 6 < MAKERS[name](some)(1).tokens < 36


def test_log_probs_are_those_of_one_distribution(nano: Requests) -> None:
    # 1,200 tokens of nearly uniform softmaxes.
    many = replace(nano, samples=100, limits=[4] * 300, rows=512, top_p=0.5)
    means = [MAKERS[name](many)(1).logprob for name in ("ours", "scored")]
    assert means[0] == pytest.approx(means[1], abs=0.03)
    assert means[0] > MAKERS["ours"](replace(many, top_p=1.0))(1).logprob + 0.5  # and were told of top-p


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict]]]:
    """What a side that is run here says when asked for two rounds; the process keeps its descriptors."""
    said = io.StringIO()
    monkeypatch.setattr("sys.stdin", io.StringIO("step\nstep\n"))
    monkeypatch.setattr(side.os, "dup", lambda _: -1)
    monkeypatch.setattr(side.os, "dup2", lambda *_: None)
    monkeypatch.setattr(side.os, "fdopen", lambda *_: said)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield lambda: [json.loads(line) for line in said.getvalue().splitlines()]
    torch.use_deterministic_algorithms(False)


def test_a_side_says_that_it_is_ready_and_answers_each_line(tmp_path: Path, answers) -> None:
    (tmp_path / "args.json").write_text(json.dumps(asdict(SMALL)))
    write_requests(tmp_path)
    side.main("ours", str(tmp_path))
    ready, *rounds = answers()
    assert ready["versions"].keys() == {"python", "torch", "transformers"}
    assert [answer["tokens"] for answer in rounds] == [36, 36]
    assert rounds[0]["logprob"] != rounds[1]["logprob"]  # other seeds every round


def test_a_side_that_cannot_draw_says_why(tmp_path: Path, answers) -> None:
    gone = Requests(str(tmp_path / "gone"), [[5]], 1, [1], [], 1, 1.0, 1)
    (tmp_path / "requests.json").write_text(json.dumps(asdict(gone)))
    with pytest.raises(WorkerFailure):
        side.main("ours", str(tmp_path))
    (refused,) = answers()
    assert refused["refused"].startswith("model_unloadable: ") and "does not exist" in refused["refused"]
