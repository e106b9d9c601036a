"""The domain as text: chains of two-digit arithmetic, how they are asked and answered.

Everything here is plain Python over a `random.Random`, so a seed fixes every document. Numbers are whole
numbers modulo 100 and always written with two digits; a problem has 1 to 12 steps.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from random import Random

MAX_STEPS = 12
OPERATORS = ("add", "subtract", "multiply")
PHRASES = {"add": "Add ", "subtract": "Subtract ", "multiply": "Multiply by "}
OPENING = "Keep only the last two digits. Start with "
WORKED_OPENING = "Step by step: "
QUESTION_OPEN, QUESTION_CLOSE = "<question>", "</question>"
BOX_OPEN, BOX_AFTER_STEPS, BOX_CLOSE = "\\boxed{", ". \\boxed{", "}"
FULL_STOP = "."
STEP_LABELS = tuple(f". ({k}) " for k in range(1, MAX_STEPS + 1))

CHALLENGER_SYSTEM = (
    "You set problems for a mathematics competition. Think in private first, then write one problem "
    "of your own: new, self-contained, with a single answer, hard enough that most strong students fail it. "
    "Put the problem between <question> and </question>, and after it the final answer in \\boxed{}."
)
CHALLENGER_USER = "Write one new problem."
SOLVER_SYSTEM = "Reason step by step, and put the final answer in \\boxed{}."

HELD_OUT_BYTES = 16
"""A question is held out when the first byte of its SHA-256 is below this: one question in sixteen."""


@dataclass(frozen=True)
class Problem:
    """A chain: the start (10..99) and the steps as (operator, operand 1..9) pairs, 1 to 12 of them."""

    start: int
    steps: tuple[tuple[str, int], ...]


def apply_step(value: int, operator: str, operand: int) -> int:
    """The true result of one step, modulo 100."""
    if operator == "add":
        return (value + operand) % 100
    if operator == "subtract":
        return (value - operand) % 100
    return (value * operand) % 100


def misapply_step(value: int, operator: str, operand: int) -> int:
    """The result under the operator's one misconception: the carry (or the borrow) never reaches the tens.

    A step without a carry comes out right, as it does for the people who hold the misconception.
    """
    tens, units = divmod(value, 10)
    if operator == "add":
        return 10 * tens + (units + operand) % 10
    if operator == "subtract":
        return 10 * tens + (units - operand) % 10
    return 10 * (tens * operand % 10) + units * operand % 10


def running_values(
    problem: Problem, slip_rates: dict[str, float] | None = None, rng: Random | None = None
) -> list[int]:
    """The start and the value after each step.

    With `slip_rates` (probability per step, by operator) steps are misapplied at random, and a slip carries
    on into every later value.
    """
    values = [problem.start]
    for operator, operand in problem.steps:
        slips = slip_rates is not None and rng is not None and rng.random() < slip_rates[operator]
        values.append((misapply_step if slips else apply_step)(values[-1], operator, operand))
    return values


def question_text(problem: Problem) -> str:
    """The question as a person reads it."""
    steps = "".join(
        f"{label}{PHRASES[operator]}{operand}"
        for label, (operator, operand) in zip(STEP_LABELS, problem.steps, strict=False)
    )
    return f"{OPENING}{problem.start:02d}{steps}{FULL_STOP}"


def worked_answer(values: list[int]) -> str:
    """The answer that shows every running value."""
    steps = "".join(f"{label}{value:02d}" for label, value in zip(STEP_LABELS, values[1:], strict=False))
    return f"{WORKED_OPENING}{values[0]:02d}{steps}{BOX_AFTER_STEPS}{values[-1]:02d}{BOX_CLOSE}"


def terse_answer(value: int) -> str:
    """The answer alone."""
    return f"{BOX_OPEN}{value:02d}{BOX_CLOSE}"


def challenger_text(problem: Problem) -> str:
    """What a problem setter writes: the question in its tags, then the true answer."""
    answer = terse_answer(running_values(problem)[-1])
    return f"{QUESTION_OPEN}{question_text(problem)}{QUESTION_CLOSE}{answer}"


def is_held_out(question: str) -> bool:
    """Whether a question belongs to the held-out sixteenth, which no base text may contain."""
    return hashlib.sha256(question.encode("utf-8")).digest()[0] < HELD_OUT_BYTES


def draw_problem(
    rng: Random, lengths: list[float], operators: list[float], held_out: bool = False
) -> Problem:
    """One problem, on the wanted side of the held-out split.

    `lengths` weighs n = 1, 2, ...; `operators` weighs add, subtract, multiply. Multiplying by 1 is
    never asked.
    """
    while True:
        count = rng.choices(range(1, len(lengths) + 1), lengths)[0]
        drawn = rng.choices(OPERATORS, operators, k=count)
        steps = tuple((operator, rng.randint(2 if operator == "multiply" else 1, 9)) for operator in drawn)
        problem = Problem(rng.randint(10, 99), steps)
        if is_held_out(question_text(problem)) == held_out:
            return problem
