"""Requests that every sampler answers: a folder with what to draw, and from which model.

`args.json` is there first, with the fields of `Args`; `requests.json` with those of `Requests` is made of it,
and `model` next to it where the model is a random one.

Usage: python -m generation.requests FOLDER
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import msgspec
import torch
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

from rzero_worker.model import context_length, load_model, load_tokenizer, stop_ids
from rzero_worker.protocol import Conversation
from rzero_worker.tokenizer import encode_conversations
from train_step.models import EOS, PAD, SIZES, SPECIAL_TOKENS, make_model

CONTEXT = 512
"""Of random models: what vLLM makes room for."""

LENGTHS = 11, 38
"""Of prompts of random tokens, where nobody says; those of 64 held-out problems for the embedded base."""


@dataclass(frozen=True)
class Args:
    """What requests are made from."""

    model: str  # a size of train_step/models.py, or a source
    prompts: int
    samples: int  # of a prompt
    most: int  # tokens of a sample
    least: int | None  # samples end after so many tokens to `most`, uniformly; None: all after `most`
    ends: bool  # whether samples also end where the model ends them
    prompt_length: int | None  # of prompts of random tokens, cut to what the context leaves
    conversations: list[dict] | None  # prompts, as the protocol's Conversation; None: random tokens
    rows: int  # that decode side by side at most
    top_p: float
    threads: int
    seed: int


@dataclass(frozen=True)
class Requests:
    """What is drawn, at temperature 1."""

    source: str  # of the model
    prompts: list[list[int]]
    samples: int  # of a prompt
    limits: list[int]  # most tokens of each sample; sample j of prompt i is at [i * samples + j]
    stop_ids: list[int]
    rows: int
    top_p: float
    threads: int

    @property
    def most(self) -> int:
        """Tokens of the longest sample."""
        return max(self.limits)


@dataclass(frozen=True)
class Drawn:
    """What a sampler drew."""

    tokens: int  # of all samples, those that ended them included
    logprob: float | None  # the mean; None: not told


def make_requests(folder: Path, args: Args) -> Requests:
    """Make requests from a seed, and the model if it is a random one."""
    source = _random_model(folder / "model", args) if args.model in SIZES else args.model
    model, tokenizer = load_model(source, torch.float32, torch.device("cpu")), load_tokenizer(source)
    random = Random(args.seed)
    if args.conversations is None:
        room = context_length(model, tokenizer) - args.most
        low, high = LENGTHS if args.prompt_length is None else (args.prompt_length, args.prompt_length)
        lengths = [min(room, random.randint(low, high)) for _ in range(args.prompts)]
        vocabulary = range(SPECIAL_TOKENS, model.config.vocab_size)
        prompts = [random.choices(vocabulary, k=length) for length in lengths]
    else:
        prompts = encode_conversations(tokenizer, msgspec.convert(args.conversations, list[Conversation]))
    least = args.most if args.least is None else args.least
    return Requests(
        source=source,
        prompts=prompts,
        samples=args.samples,
        limits=[random.randint(least, args.most) for _ in range(len(prompts) * args.samples)],
        stop_ids=sorted(stop_ids(model, tokenizer)) if args.ends else [],
        rows=args.rows,
        top_p=args.top_p,
        threads=args.threads,
    )


def _random_model(folder: Path, args: Args) -> str:
    model = make_model(args.model, args.seed)
    model.config.max_position_embeddings = CONTEXT
    model.save_pretrained(folder)
    words = {f"t{token}": token for token in range(model.config.vocab_size)}
    PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(words, unk_token="t2")),
        pad_token=f"t{PAD}",
        eos_token=f"t{EOS}",
    ).save_pretrained(folder)
    return str(folder)


def write_requests(folder: Path) -> None:
    """Turn args.json into requests.json."""
    args = Args(**json.loads((folder / "args.json").read_text()))
    (folder / "requests.json").write_text(json.dumps(asdict(make_requests(folder, args))))


def read_requests(folder: Path) -> Requests:
    """Read what `write_requests` wrote."""
    return Requests(**json.loads((folder / "requests.json").read_text()))


if __name__ == "__main__":
    disable_progress_bar()
    write_requests(Path(sys.argv[1]))
