"""The embedded base model: its text is what it claims, and the shipped folder fits the script."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoConfig, AutoTokenizer

FOLDER = Path(__file__).parents[1] / "embedded_base"
sys.path.insert(0, str(FOLDER))

import make  # noqa: E402
import text  # noqa: E402
from recipe import Recipe  # noqa: E402

RECIPE = Recipe()
MODEL = FOLDER / "model"


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(MODEL)


def test_running_values_by_hand() -> None:
    problem = text.Problem(47, (("add", 8), ("multiply", 3), ("subtract", 9)))
    # 47 + 8 = 55; 55 * 3 = 165, of which 65; 65 - 9 = 56.
    assert text.running_values(problem) == [47, 55, 65, 56]
    assert text.question_text(problem) == (
        "Keep only the last two digits. Start with 47. (1) Add 8. (2) Multiply by 3. (3) Subtract 9."
    )
    assert text.worked_answer([47, 55, 65, 56]) == "Step by step: 47. (1) 55. (2) 65. (3) 56. \\boxed{56}"


def test_a_slip_drops_the_carry_or_the_borrow() -> None:
    assert text.misapply_step(47, "add", 8) == 45  # 7 + 8 = 15, the 1 is lost
    assert text.misapply_step(41, "subtract", 3) == 48  # 1 - 3 borrows, the 4 stays
    assert text.misapply_step(47, "multiply", 3) == 21  # 4 * 3 = 12 and 7 * 3 = 21: tens 2, units 1
    assert text.misapply_step(41, "add", 8) == 49  # nothing to carry, nothing to lose


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_document_holds_a_held_out_question(seed: int) -> None:
    rng = Random(seed)
    for draw in (make.skill_document, make.manner_document):
        prompt, response = draw(rng, RECIPE)
        (question,) = re.findall(re.escape(text.OPENING) + r"\d\d(?:\. \(\d+\) \D+\d)+\.", prompt + response)
        assert not text.is_held_out(question)


def test_held_out_questions_are_one_in_sixteen() -> None:
    rng = Random(0)
    drawn = [text.draw_problem(rng, [1.0] * 12, [1.0] * 3, held_out=True) for _ in range(50)]
    assert all(text.is_held_out(text.question_text(problem)) for problem in drawn)
    share = sum(text.is_held_out(f"question {number}") for number in range(16_000)) / 16_000
    assert abs(share - 1 / 16) < 0.01


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_decoding_gives_the_text_back(tokenizer, seed: int) -> None:
    rng = Random(seed)
    for draw in (make.skill_document, make.manner_document):
        _, response = draw(rng, RECIPE)
        ids = tokenizer(response, add_special_tokens=False)["input_ids"]
        assert tokenizer.unk_token_id not in ids
        assert tokenizer.decode(ids, skip_special_tokens=True) == response


def test_the_chat_template_writes_what_the_base_was_trained_on(tokenizer) -> None:
    question = text.question_text(text.Problem(10, (("add", 1),)))
    turns = [{"role": "system", "content": text.SOLVER_SYSTEM}, {"role": "user", "content": question}]
    written = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    assert written == make.solver_prompt(question)
    turns.append({"role": "assistant", "content": text.WORKED_OPENING})
    prefixed = tokenizer.apply_chat_template(turns, continue_final_message=True, tokenize=False)
    # transformers trims the turn it continues; the worker puts the end back.
    assert prefixed.rstrip() == (make.solver_prompt(question) + text.WORKED_OPENING).rstrip()


def test_the_shipped_folder_is_small_and_of_the_recipe() -> None:
    config = AutoConfig.from_pretrained(MODEL)
    assert config.architectures == ["Qwen3ForCausalLM"]
    assert (config.hidden_size, config.num_hidden_layers) == (RECIPE.hidden_size, RECIPE.layers)
    assert sum(file.stat().st_size for file in MODEL.iterdir()) < 3_000_000
    assert {file.name for file in MODEL.iterdir()} >= {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }


def test_the_base_asks_easy_questions_with_a_thin_tail() -> None:
    weights = RECIPE.challenger_lengths()
    assert sum(weights) == pytest.approx(1)
    assert sum(weights[:2]) > 0.7
    assert min(weights) > 0
