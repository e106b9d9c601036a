"""How fast the worker's trainer goes on a model of a real size, with random weights and tokens.

Usage: python -m train_step.throughput OPTIONS, where OPTIONS is JSON with the fields of `Options`. Prints one
JSON object. On CUDA the model is trained as the worker does it there: in bfloat16, over float32 weights.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import Qwen3Config, Qwen3ForCausalLM
from transformers.utils.logging import disable_progress_bar

from rzero_worker.protocol import Adam, Aggregation, KlEstimator, Loss, LossSpec
from rzero_worker.ranks import be_alone
from rzero_worker.sharding import load_sharded
from rzero_worker.trainer import Batch, Trainer
from train_step import memory

FIELDS = ("hidden", "ffn", "layers", "heads", "kv", "head", "vocabulary")
MODELS = {
    "nano": (64, 192, 2, 4, 2, 16, 512),
    "tiny": (256, 768, 4, 8, 4, 32, 2048),
    "qwen3-0.6b": (1024, 3072, 28, 16, 8, 128, 151_936),
    "qwen3-1.7b": (2048, 6144, 28, 16, 8, 128, 151_936),
    "qwen3-4b": (2560, 9728, 36, 32, 8, 128, 151_936),
}
"""Sizes of Qwen3 models with tied embeddings."""


@dataclass(frozen=True)
class Options:
    """What is measured."""

    model: str
    pack: int  # most tokens computed at once
    sequence: int  # tokens of each sequence
    sequences: int  # of a step; the first token of each is not trained
    repeats: int = 5  # steps that count, after two that do not
    recompute: bool = False
    peak: float | None = None  # TFLOP/s that the device could do


def config(name: str, longest: int) -> Qwen3Config:
    """The config of a model of that size."""
    size = dict(zip(FIELDS, MODELS[name], strict=True))
    return Qwen3Config(
        vocab_size=size["vocabulary"],
        hidden_size=size["hidden"],
        intermediate_size=size["ffn"],
        num_hidden_layers=size["layers"],
        num_attention_heads=size["heads"],
        num_key_value_heads=size["kv"],
        head_dim=size["head"],
        max_position_embeddings=longest,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=0,
    )


def step_flops(name: str, sequence: int, sequences: int) -> float:
    """Floating-point operations of a step's matrix products, three times those of the forward pass.

    A weight of a layer counts 2 a token, attention 4 * head size * heads a pair of tokens of which one sees
    the other, the output projection 2 a trained token (PaLM, arXiv 2204.02311, appendix B, with causality).
    What a backward pass computes again does not count: that is what MFU means.
    """
    hidden, ffn, layers, heads, kv, head, vocabulary = MODELS[name]
    weights = layers * (2 * hidden * heads * head + 2 * hidden * kv * head + 3 * hidden * ffn)
    pairs = sequence * (sequence + 1) / 2
    attention = layers * 4 * heads * head * pairs
    each = 2 * weights * sequence + attention + 2 * hidden * vocabulary * (sequence - 1)
    return 3 * each * sequences


def make_trainer(options: Options, device: torch.device) -> Trainer:
    """The worker's trainer on random weights."""
    torch.manual_seed(0)
    model = Qwen3ForCausalLM(config(options.model, options.sequence)).float().eval()
    if device.type == "cpu":
        return Trainer(model, options.pack, options.recompute)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        (Path(folder) / "tokenizer.json").write_text("{}")  # a source without a tokenizer is refused
        scorer = load_sharded(folder, options.pack, be_alone(), device)
    return Trainer(scorer, recompute=options.recompute)


def batch_of(options: Options) -> Batch:
    """Random tokens, all but the first of each sequence trained."""
    random = np.random.default_rng(0)
    count, length = options.sequences, options.sequence
    mask = np.ones((count, length), bool)
    mask[:, 0] = False
    return Batch(
        tokens=random.integers(2, MODELS[options.model][-1], count * length).astype(np.int32),
        lengths=np.full(count, length, np.int32),
        mask=mask.flatten(),
        advantages=random.normal(0, 1, count).astype(np.float32),
    )


def measure(options: Options) -> dict:
    """Take steps; median seconds, tokens a second, the share of `peak`, and the most memory held."""
    cuda = torch.cuda.is_available()
    trainer, batch = make_trainer(options, torch.device("cuda" if cuda else "cpu")), batch_of(options)
    loss = LossSpec(
        name=Loss.GRPO,
        aggregation=Aggregation.TOKEN,
        clip_low=0.2,
        clip_high=0.3,
        dual_clip=3.0,
        kl_coef=0.0,
        kl_estimator=KlEstimator.K3,
        importance_cap=0.0,
        temperature=1.0,
    )
    adam = Adam(
        learning_rate=1e-6,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        weight_decay=0.01,
        decay_vectors=True,
        max_grad_norm=1.0,
    )
    seconds = []
    for _ in range(2 + options.repeats):
        start = time.perf_counter()
        trainer.forward_backward(batch, loss, float(batch.mask.sum()))
        trainer.optim_step(adam)  # its norm is read, so the device has done all that came before
        seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds[2:])
    flops = step_flops(options.model, options.sequence, options.sequences)
    return {
        **asdict(options),
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        "threads": torch.get_num_threads(),
        "versions": {"torch": str(torch.__version__)},
        "parameters": trainer.model.num_parameters(),
        "seconds": median,
        "tokens_per_second": len(batch.tokens) / median,
        "tflops": flops / median / 1e12,
        "mfu": None if options.peak is None else flops / median / 1e12 / options.peak,
        "peak_bytes": torch.cuda.max_memory_allocated() if cuda else memory.peak(),
    }


def main(arguments: list[str]) -> None:
    """See the module."""
    disable_progress_bar()
    torch.set_num_threads(1)
    print(json.dumps(measure(Options(**json.loads(arguments[0])))))


if __name__ == "__main__":
    main(sys.argv[1:])
