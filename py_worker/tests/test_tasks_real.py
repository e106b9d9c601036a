"""Tasks of the real Reasoning Gym, where it is installed: `npm run test:tasks`."""

from importlib.util import find_spec

import pytest

from rzero_tasks.task import Task

pytestmark = pytest.mark.skipif(
    not find_spec("reasoning_gym"), reason="needs the package: npm run test:tasks"
)

TASKS = ("chain_sum", "letter_counting", "number_sorting", "propositional_logic", "word_sorting", "gcd")


@pytest.mark.parametrize("name", TASKS)
def test_a_tasks_own_answers_have_a_full_score(name: str) -> None:
    task = Task(name, 5, 1)
    items = list(task.items())
    assert items == list(Task(name, 5, 1).items())
    for index, item in enumerate(items):
        if item["answer"] != "":
            assert task.score(index, item["answer"]) == 1.0
        assert task.score(index, "certainly not") != 1.0


def test_another_seed_gives_other_items() -> None:
    assert list(Task("chain_sum", 5, 1).items()) != list(Task("chain_sum", 5, 100).items())


def test_the_version_is_said() -> None:
    assert Task("chain_sum", 1, 0).version == "0.1.25"
