"""What one rank of a group finds when it trains small models, beside one process alone; JSON on stdout.

`python rank_numbers.py FOLDER...`, in the environment of torchrun; tests/test_parallel.py starts it.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, replace

import numpy as np
import torch

from rzero_worker import protocol as p
from rzero_worker import trainer as trainer_module
from rzero_worker.errors import WorkerFailure
from rzero_worker.model import load_model, loaded_types
from rzero_worker.ranks import Ranks, join
from rzero_worker.sharding import load_sharded
from rzero_worker.tensors import AS_THEY_ARE, model_tensors, whole_tensor, whole_tensors
from rzero_worker.trainer import Batch, Trainer, sequence_logprobs

CPU = torch.device("cpu")
LENGTHS = np.array([9, 4, 2, 12, 9, 30, 22, 1, 17], np.int32)
BUDGET = 40
NORMALIZER = 50.0
LOSS = p.LossSpec(
    name=p.Loss.GRPO,
    aggregation=p.Aggregation.TOKEN,
    clip_low=0.2,
    clip_high=0.3,
    dual_clip=3.0,
    kl_coef=0.05,
    kl_estimator=p.KlEstimator.K3,
    importance_cap=2.0,
    temperature=0.8,
)
ADAM = p.Adam(
    learning_rate=0.01,
    beta1=0.9,
    beta2=0.95,
    epsilon=1e-4,
    weight_decay=0.1,
    decay_vectors=False,
    max_grad_norm=0.5,
)


def make_batch(seed: int) -> Batch:
    """Nine sequences, two of which begin alike, trained in places; the one of a single token in none."""
    rng = np.random.default_rng(seed)
    total = int(LENGTHS.sum())
    mask = rng.random(total) < 0.6
    starts = np.cumsum(LENGTHS) - LENGTHS
    mask[starts] = False
    tokens = rng.integers(5, 50, total).astype(np.int32)
    first, second = starts[5], starts[6]
    tokens[second : second + 8] = tokens[first : first + 8]
    mask[first : first + 8] = mask[second : second + 8] = False
    mask[[first + 8, second + 8]] = True
    logprobs = (rng.uniform(-6, -2, total).astype(np.float32) for _ in range(3))
    return Batch(tokens, LENGTHS, mask, rng.normal(0, 1, len(LENGTHS)).astype(np.float32), *logprobs)


def gradient(trainer: Trainer) -> list[torch.Tensor]:
    return [whole_tensor(q.grad).clone() for q in trainer.model.parameters()]


def weights(trainer: Trainer) -> list[torch.Tensor]:
    return [whole_tensor(q).detach().clone() for q in trainer.model.parameters()]


def apart(ours: list[torch.Tensor], theirs: list[torch.Tensor]) -> float:
    return max((a - b).abs().max().item() for a, b in zip(ours, theirs, strict=True))


def train(folder: str, ranks: Ranks) -> list[dict]:
    """Three steps, each on the gradient of two batches; the last with activations computed again."""
    alone = Trainer(load_model(folder, torch.float32, CPU), 4096)
    group = Trainer(load_sharded(folder, BUDGET, ranks, CPU), recompute=True)
    found = []
    for step in range(3):
        one, two = make_batch(2 * step), make_batch(2 * step + 1)
        metrics = [
            [asdict(t.forward_backward(b, LOSS, NORMALIZER)) for t in (group, alone)] for b in (one, two)
        ]
        gradients = apart(gradient(group), gradient(alone))
        norms = [t.optim_step(ADAM) for t in (group, alone)]
        logprobs = [sequence_logprobs(t.scorer, one.tokens, LENGTHS, 0.8) for t in (group, alone)]
        found.append(
            {
                "metrics": metrics,
                "gradients": gradients,
                "norms": norms,
                "weights": apart(weights(group), weights(alone)),
                "logprobs": float(np.abs(logprobs[0] - logprobs[1]).max()),
                "packed": group.scorer.packs,
            }
        )
    return found


def fail(folder: str, ranks: Ranks) -> dict:
    """Failures in the midst of a call, on all ranks alike, and what they leave."""
    group = Trainer(load_sharded(folder, BUDGET, ranks, CPU))
    group.forward_backward(make_batch(0), LOSS, NORMALIZER)
    before = gradient(group)
    said = []
    huge = replace(make_batch(1), advantages=np.where(np.arange(9) == 5, 3e38, 1).astype(np.float32))
    full, original, calls = MemoryError("none left"), trainer_module.token_losses, []

    def second_fails(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise full
        return original(*arguments)

    for batch, losses in ((huge, original), (make_batch(1), second_fails)):
        trainer_module.token_losses = losses
        try:
            group.forward_backward(batch, LOSS, 1e-3)
        except WorkerFailure as failure:
            said.append([failure.code.value, failure.message])
        trainer_module.token_losses = original
        said.append(apart(gradient(group), before))
    said.append(group.scorer.budget)
    group.forward_backward(make_batch(1), LOSS, NORMALIZER)
    again = Trainer(load_sharded(folder, BUDGET, ranks, CPU))
    for seed in (0, 1):
        again.forward_backward(make_batch(seed), LOSS, NORMALIZER)
    said.append(apart(gradient(group), gradient(again)))
    group.optim_step(ADAM)
    return {"said": said, "norm_after_step": group.optim_step(ADAM)}


def little(folder: str, ranks: Ranks) -> dict:
    """A batch of one sequence, so that a rank has nothing to do, and one without a trained token."""
    alone = Trainer(load_model(folder, torch.float32, CPU), 4096)
    group = Trainer(load_sharded(folder, BUDGET, ranks, CPU))
    one = make_batch(3).only(5)
    metrics = [asdict(t.forward_backward(one, LOSS, NORMALIZER)) for t in (group, alone)]
    none = group.forward_backward(replace(one, mask=np.zeros_like(one.mask)), LOSS, NORMALIZER)
    return {"metrics": metrics, "gradients": apart(gradient(group), gradient(alone)), "none": asdict(none)}


def halved(folder: str, ranks: Ranks) -> dict:
    """The losses when layers compute in bfloat16, over the same float32 weights, and the types they leave."""
    found = {}
    for name, compute in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        trainer = Trainer(load_sharded(folder, BUDGET, ranks, CPU, compute=compute))
        loss = trainer.forward_backward(make_batch(4), LOSS, NORMALIZER).loss
        types = sorted({str(t.dtype) for q in trainer.model.parameters() for t in (q, q.grad)})
        found[name] = [loss, trainer.optim_step(ADAM), types]
    return found


def held(folder: str, ranks: Ranks) -> dict:
    """How many parameters, gradients and moments this rank holds, of how many there are."""
    trainer = Trainer(load_sharded(folder, BUDGET, ranks, CPU))
    trainer.forward_backward(make_batch(0), LOSS, NORMALIZER)
    gradients = sum(q.grad.to_local().numel() for q in trainer.model.parameters())
    trainer.optim_step(ADAM)
    sequence_logprobs(trainer.scorer, make_batch(0).tokens, LENGTHS, 1.0)
    return {
        "all": sum(q.numel() for q in trainer.model.parameters()),
        "parameters": sum(q.to_local().numel() for q in trainer.model.parameters()),
        "gradients": gradients,
        "moments": sum(
            t.to_local().numel() for k, t in trainer.optimizer_tensors().items() if k.startswith("exp_avg.")
        ),
    }


def gathered(folder: str, ranks: Ranks) -> dict:
    """How many weights are had by all ranks together, and how many were rounded otherwise on the way."""
    model = load_sharded(folder, BUDGET, ranks, CPU).model
    types = loaded_types(model, torch.bfloat16)
    half, whole = (whole_tensors(model_tensors(model), ranks, t) for t in (types, AS_THEY_ARE))
    wrong = [name for name in half if not torch.equal(half[name], whole[name].bfloat16())]
    had, wrong = ranks.sum(np.array([len(half), len(wrong)])).tolist()
    return {"names": len(list(model_tensors(model))), "had": had, "wrong": wrong}


def main(folders: list[str]) -> None:
    ranks, _ = join(60.0)
    torch.use_deterministic_algorithms(True)
    found = {"train": [train(folder, ranks) for folder in folders]}
    for part in (fail, little, halved, gathered, held):
        found[part.__name__] = part(folders[0], ranks)
    print(json.dumps(found), flush=True)
    # gloo may abort a process whose peer ends while it takes the group down, so that is left to the system.
    torch.distributed.barrier()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
