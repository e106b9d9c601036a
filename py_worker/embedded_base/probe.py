"""What a made model does: accuracy on held-out questions by manner, and the questions it asks."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from random import Random

import text
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

PROBLEMS = 160
PROBE_LENGTHS = [1.0] * 10
QUESTION = re.compile(
    re.escape(text.QUESTION_OPEN)
    + r"(Keep only the last two digits\. Start with \d\d((?:\. \(\d+\) (?:Add|Subtract|Multiply by) \d)+)\.)"
    + re.escape(text.QUESTION_CLOSE)
    + r"\\boxed\{\d\d\}"
)
STEP = re.compile(r"\. \((\d+)\) (Add|Subtract|Multiply by) (\d)")


def complete(model, tokenizer, prompts: list[str], greedy: bool) -> list[str]:
    """One completion a prompt, greedy or sampled at temperature 1."""
    batch = tokenizer(prompts, padding=True, return_tensors="pt", add_special_tokens=False)
    with torch.no_grad():
        out = model.generate(**batch, do_sample=not greedy, max_new_tokens=56)
    return tokenizer.batch_decode(out[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)


def probe(folder: Path, seed: int = 0) -> None:
    """Print what the model in a folder does: a few lines that tell a good base from a bad one."""
    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    rng = Random(seed)
    problems = [text.draw_problem(rng, PROBE_LENGTHS, [1.0] * 3, held_out=True) for _ in range(PROBLEMS)]
    truths = [text.running_values(problem)[-1] for problem in problems]

    def ask(opening: str) -> list[str]:
        return [
            tokenizer.apply_chat_template(
                [
                    {"role": "system", "content": text.SOLVER_SYSTEM},
                    {"role": "user", "content": text.question_text(problem)},
                ],
                add_generation_prompt=True,
                tokenize=False,
            )
            + opening
            for problem in problems
        ]

    for opening, name in (("", "free"), (text.WORKED_OPENING, "worked"), (text.BOX_OPEN, "terse")):
        for greedy in (True, False):
            answers = [opening + answer for answer in complete(model, tokenizer, ask(opening), greedy)]
            right = [
                a.endswith(f"{text.BOX_OPEN}{t:02d}{text.BOX_CLOSE}")
                for a, t in zip(answers, truths, strict=True)
            ]
            by_length = Counter()
            for ok, problem in zip(right, problems, strict=True):
                by_length[len(problem.steps)] += ok
            each = Counter(len(problem.steps) for problem in problems)
            shares = " ".join(f"{by_length[n] / max(1, each[n]):.2f}" for n in range(1, 11))
            worked = sum(a.startswith(text.WORKED_OPENING) for a in answers) / PROBLEMS
            manner = "greedy" if greedy else "sampled"
            print(
                f"{name:6} {manner:7} accuracy {sum(right) / PROBLEMS:.3f} "
                f"(by length 1..10: {shares}), worked {worked:.2f}"
            )

    conversation = [
        {"role": "system", "content": text.CHALLENGER_SYSTEM},
        {"role": "user", "content": text.CHALLENGER_USER},
    ]
    prompt = tokenizer.apply_chat_template(conversation, add_generation_prompt=True, tokenize=False)
    questions = [QUESTION.fullmatch(q) for q in complete(model, tokenizer, [prompt] * 256, False)]
    steps = [STEP.findall(match[2]) for match in questions if match]
    valid = [s for s in steps if [int(label) for label, _, _ in s] == list(range(1, len(s) + 1))]
    lengths = Counter(len(s) for s in valid)
    operators = Counter(operator for s in valid for _, operator, _ in s)
    print(
        f"questions: valid {len(valid) / 256:.3f}, lengths {sorted(lengths.items())}, "
        f"operators {dict(operators)}"
    )
