"""Makes the embedded base model: `python make.py [folder]`, CPU, one thread, about ten minutes.

The same seed on the same machine and library versions gives the same weights. Prints the loss as it goes and
a probe of the finished model (see probe.py).
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import text
import torch
from optimizer import Optimizer
from probe import probe
from recipe import Recipe
from tokenizer import CONTEXT_TOKENS, EOS, make_tokenizer
from torch.nn import functional
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

EVEN = [1.0] * text.MAX_STEPS
EVEN_OPERATORS = [1.0] * len(text.OPERATORS)
CHUNK_DOCUMENTS = 32
IGNORED = -100

Document = tuple[str, str]
"""A prompt (no loss) and a response (loss on every token, end of text included)."""


def solver_prompt(question: str) -> str:
    """What comes before an answer: the chat template, written out."""
    return f"<|system|>{text.SOLVER_SYSTEM}<|user|>{question}<|assistant|>"


CHALLENGER_PROMPT = f"<|system|>{text.CHALLENGER_SYSTEM}<|user|>{text.CHALLENGER_USER}<|assistant|>"


def skill_document(rng: Random, recipe: Recipe) -> Document:
    """A worked answer without slips, or a question of any length and operators: the syntax of both roles."""
    if rng.random() < recipe.skill_challenger_share:
        return CHALLENGER_PROMPT, text.challenger_text(text.draw_problem(rng, EVEN, EVEN_OPERATORS))
    problem = text.draw_problem(rng, EVEN, EVEN_OPERATORS)
    return solver_prompt(text.question_text(problem)), text.worked_answer(text.running_values(problem))


def manner_document(rng: Random, recipe: Recipe) -> Document:
    """A document of the final text: a question, a terse true answer or a worked answer with slips."""
    if rng.random() < recipe.challenger_share:
        drawn = text.draw_problem(rng, recipe.challenger_lengths(), list(recipe.challenger_operators))
        return CHALLENGER_PROMPT, text.challenger_text(drawn)
    problem = text.draw_problem(rng, EVEN, EVEN_OPERATORS)
    prompt = solver_prompt(text.question_text(problem))
    if rng.random() < recipe.terse_share(len(problem.steps)):
        return prompt, text.terse_answer(text.running_values(problem)[-1])
    return prompt, text.worked_answer(text.running_values(problem, recipe.slip_rates, rng))


def chunks(documents: list[Document], tokenizer: PreTrainedTokenizerFast):
    """A batch as padded pieces of similar length (the batch itself stays random): input ids and labels."""
    encode = tokenizer.backend_tokenizer.encode_batch
    prompts = [e.ids for e in encode([p for p, _ in documents], add_special_tokens=False)]
    responses = [e.ids for e in encode([r + EOS for _, r in documents], add_special_tokens=False)]
    pairs = sorted(zip(prompts, responses, strict=True), key=lambda pair: len(pair[0]) + len(pair[1]))
    for start in range(0, len(pairs), CHUNK_DOCUMENTS):
        piece = pairs[start : start + CHUNK_DOCUMENTS]
        width = max(len(p) + len(r) for p, r in piece)
        ids = torch.full((len(piece), width), tokenizer.pad_token_id)
        labels = torch.full((len(piece), width), IGNORED)
        for row, (prompt, response) in enumerate(piece):
            whole = torch.tensor(prompt + response)
            ids[row, : len(whole)] = whole
            labels[row, len(prompt) : len(whole)] = whole[len(prompt) :]
        yield ids, labels


def train(
    model: Qwen3ForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    optimizer: Optimizer,
    draw: Callable[[], Document],
    updates: int,
    documents: int,
    rate: Callable[[int], float],
    name: str,
) -> None:
    """`updates` updates on fresh documents; the loss is the mean over the response tokens of the whole batch.

    Rows are padded on the right and attention is causal, so no response token sees padding.
    """
    for update in range(updates):
        pieces = list(chunks([draw() for _ in range(documents)], tokenizer))
        tokens = sum(int((labels != IGNORED).sum()) for _, labels in pieces)
        total = 0.0
        for ids, labels in pieces:
            logits = model(input_ids=ids[:, :-1], use_cache=False).logits
            loss = functional.cross_entropy(
                logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED, reduction="sum"
            )
            (loss / tokens).backward()
            total += loss.item()
        optimizer.step(rate(update))
        if (update + 1) % 100 == 0:
            print(f"{name} {update + 1}/{updates}: loss {total / tokens:.3f} per token", flush=True)


def new_model(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> Qwen3ForCausalLM:
    """Fresh weights: matrices at 1/sqrt(inputs), those that write to the residual stream at a third of it."""
    torch.manual_seed(recipe.seed)
    model = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=recipe.hidden_size,
            intermediate_size=recipe.feed_forward,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.heads,
            num_key_value_heads=recipe.key_value_heads,
            head_dim=recipe.head_size,
            rope_theta=recipe.rope_theta,
            tie_word_embeddings=True,
            max_position_embeddings=CONTEXT_TOKENS,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            bos_token_id=None,
            dtype="float32",
        )
    )
    for name, weights in model.named_parameters():
        if weights.dim() == 2:
            scale = 0.3 if name.endswith(("o_proj.weight", "down_proj.weight")) else 1.0
            torch.nn.init.normal_(weights, std=scale / math.sqrt(weights.shape[1]))
    model.generation_config = GenerationConfig(
        do_sample=True,
        temperature=1.0,
        top_p=1.0,
        top_k=0,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return model


def train_skill(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, recipe: Recipe) -> None:
    """Phase 1: the tables, the look-up by label, and the syntax of questions; constant rate after warm-up."""
    rng = Random(recipe.seed)
    optimizer = Optimizer(model, recipe.matrix_rate, recipe.other_rate)
    train(
        model,
        tokenizer,
        optimizer,
        lambda: skill_document(rng, recipe),
        recipe.skill_updates,
        recipe.skill_documents,
        lambda update: min(1.0, (update + 1) / recipe.warm_up_updates),
        "skill",
    )


def train_manner(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, recipe: Recipe) -> None:
    """Phase 2: the final text. The rate falls as a cosine to 2 %, so that the probabilities settle."""
    rng = Random(recipe.seed + 1)
    optimizer = Optimizer(model, recipe.matrix_rate, recipe.other_rate)
    train(
        model,
        tokenizer,
        optimizer,
        lambda: manner_document(rng, recipe),
        recipe.manner_updates,
        recipe.manner_documents,
        lambda update: 0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * update / recipe.manner_updates)),
        "manner",
    )


def save(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Writes the folder, with the two names that older readers (transformers 4) look for."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    amend(folder / "config.json", rope_theta=model.config.rope_parameters["rope_theta"])
    amend(folder / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")


def amend(path: Path, **values: object) -> None:
    """Set fields of a JSON file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}, indent=2) + "\n")


def main() -> None:
    """Make the model into the folder given, or into the shipped one's place."""
    torch.set_num_threads(1)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "model"
    recipe = Recipe()
    tokenizer = make_tokenizer()
    model = new_model(recipe, tokenizer)
    train_skill(model, tokenizer, recipe)
    train_manner(model, tokenizer, recipe)
    save(model, tokenizer, folder)
    probe(folder)


if __name__ == "__main__":
    main()
