"""What fields allow each other to be: each violation names its field, what was seen and what is allowed."""

from __future__ import annotations

import pytest
import samples

from rzero_worker import protocol as p
from rzero_worker import wire
from rzero_worker.checks import check
from rzero_worker.errors import WorkerFailure

SEQUENCES = [[1, 2, 3], [4, 5]]


def train(**changes: object) -> p.ForwardBackwardParams:
    return samples.train(SEQUENCES, **{"advantages": [1.0, -1.0], **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "params",
    [
        samples.load(seed=0),
        samples.sample(conversations=[]),
        samples.sample(temperature=0.0, top_p=0.5, top_k=3),
        samples.sample(stop=[]),
        samples.sample(stop=["x" * 256, "é" * 128, "\0"] + ["x"] * 13),
        samples.forward([]),
        samples.forward(SEQUENCES),
        samples.train([], []),
        train(old=[0.0] * 5, ref=[-1.0] * 5, kl_coef=0.1),
        train(sampled=[-1.0] * 5, importance_cap=2.0),
        train(sampled=[-1.0] * 5),
        train(dual_clip=0.0, clip_low=1.0),
        samples.step(learning_rate=0.0),
        p.PublishWeightsParams(model_id="m"),
    ],
)
def test_what_is_allowed_passes(params: p.Base) -> None:
    check(wire.decode(wire.encode(params), type(params)))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (samples.sample(seeds=[1, 2]), "seeds: saw '2 seeds', allowed is one a conversation, 1"),
        (
            p.ForwardParams(model_id="m", tokens=b"", lengths=wire.pack_i32s([2]), temperature=1.0),
            "lengths: saw 'a sum of 2', allowed is the number of tokens, 0",
        ),
        (train(dual_clip=1.0), "loss.dualClip: saw 1.0, allowed is 0 (off) or above 1"),
        (train(kl_coef=0.5), "batch.refLogprobs: saw None, allowed is an array, since loss.klCoef is 0.5"),
        (
            train(importance_cap=2.0),
            "batch.sampleLogprobs: saw None, allowed is an array, since loss.importanceCap is 2.0",
        ),
        (train(sampled=[0.0] * 6), "batch.sampleLogprobs: saw '6 values', allowed is one a token, 5"),
        (train(mask=[0, 1, 1, 0]), "batch.mask: saw '4 values', allowed is one a token, 5"),
        (
            train(mask=[0, 1, 1, 1, 1]),
            "batch.mask at the first token of sequence 1: saw 1, allowed is 0: it has no log-prob",
        ),
        (train(advantages=[1.0]), "batch.advantages: saw '1 values', allowed is one a sequence, 2"),
        (train(old=[0.0] * 4), "batch.oldLogprobs: saw '4 values', allowed is one a token, 5"),
    ],
)
def test_what_is_not_allowed_is_named(params: p.Base, message: str) -> None:
    with pytest.raises(WorkerFailure) as failure:
        check(params)
    assert (failure.value.code, failure.value.message) == (p.ErrorCode.INVALID_REQUEST, message)
