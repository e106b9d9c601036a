"""Tasks of Reasoning Gym, by a stand-in of it (test/fixtures/reasoning_gym) in its place."""

import io
import json
import sys
from pathlib import Path

import pytest

from rzero_tasks import task as module
from rzero_tasks.__main__ import main
from rzero_tasks.task import Task, TaskFailure

STAND_IN = str(Path(__file__).parents[2] / "test" / "fixtures")


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(STAND_IN)
    for name in [name for name in sys.modules if name.split(".")[0] == "reasoning_gym"]:
        monkeypatch.delitem(sys.modules, name)


def test_items_by_seed() -> None:
    assert list(Task("doubling", 2, 5).items()) == [
        {"question": "Twice 5?", "answer": "10"},
        {"question": "Twice 6?", "answer": "12"},
    ]


def test_scores_are_the_tasks_own() -> None:
    task = Task("doubling", 2, 5)
    assert [task.score(1, answer) for answer in ("12", "13", "0")] == [1.0, 0.5, 0.0]


def test_a_task_that_fails_or_takes_too_long_gives_no_score(monkeypatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 1)
    task = Task("doubling", 1, 0)
    assert task.score(0, "raise") is None
    assert task.score(0, "hang") is None
    assert task.score(0, "0") == 1.0


def test_a_task_that_there_is_not_and_the_nearest() -> None:
    with pytest.raises(
        TaskFailure, match="no task doublin .did you mean doubling..: there are doubling"
    ) as caught:
        Task("doublin", 1, 0)
    assert caught.value.code == "unknown_task"


def test_without_the_package_it_says_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    with pytest.raises(TaskFailure, match="npm run setup:tasks") as caught:
        Task("doubling", 1, 0)
    assert caught.value.code == "unavailable"


def test_the_command_makes_items_then_scores_what_it_is_asked(monkeypatch, capsys) -> None:
    asked = [{"id": 1, "item": 0, "answers": ["10", "11"]}, {"id": 2, "item": 1, "answers": []}]
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{json.dumps(line)}\n" for line in asked)))
    assert main(["doubling", "--size", "2", "--seed", "5"]) == 0
    printed = capsys.readouterr()
    lines = [json.loads(line) for line in printed.out.splitlines()]
    assert [line["item"]["answer"] for line in lines[:2]] == ["10", "12"]
    assert list(lines[2]) == ["ready"]
    assert lines[3:] == [{"id": 1, "scores": [1.0, 0.5]}, {"id": 2, "scores": []}]
    assert "a library that talks" in printed.err


def test_the_command_says_what_is_wrong(capsys) -> None:
    assert main(["none", "--size", "2", "--seed", "5"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "unknown_task"
