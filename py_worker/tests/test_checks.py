"""Ranges and lengths of requests: each violation names its field, what was seen and what is allowed."""

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
        train(dual_clip=0.0, clip_low=1.0),
        samples.step(learning_rate=0.0),
        p.PublishWeightsParams(model_id=""),
        p.PublishWeightsParams(model_id="", weights_version=0),
        p.LoadCheckpointParams(model_id="", path="", weights_version=0),
    ],
)
def test_what_is_allowed_passes(params: p.Base) -> None:
    check(params)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (samples.load(model_id=""), "modelId: saw '', allowed is a name that is not empty"),
        (samples.load(source=""), "source: saw '', allowed is a folder or a name that is not empty"),
        (samples.load(seed=-1), "seed: saw -1, allowed is 0 or more"),
        (samples.sample(n=0), "n: saw 0, allowed is 1 or more"),
        (samples.sample(temperature=-0.1), "sampling.temperature: saw -0.1, allowed is 0 or more"),
        (samples.sample(top_p=0.0), "sampling.topP: saw 0.0, allowed is above 0 and at most 1"),
        (samples.sample(top_p=1.5), "sampling.topP: saw 1.5, allowed is above 0 and at most 1"),
        (samples.sample(top_k=-1), "sampling.topK: saw -1, allowed is 0 (off) or more"),
        (samples.sample(max_tokens=0), "sampling.maxTokens: saw 0, allowed is 1 or more"),
        (samples.sample(stop=["x"] * 17), "sampling.stop: saw '17 strings', allowed is 16 at most"),
        (
            samples.sample(stop=["x", ""]),
            "sampling.stop[1]: saw '0 bytes', allowed is 1 to 256 bytes of UTF-8",
        ),
        (
            samples.sample(stop=["é" * 129]),
            "sampling.stop[0]: saw '258 bytes', allowed is 1 to 256 bytes of UTF-8",
        ),
        (
            p.PublishWeightsParams(model_id="m", weights_version=-1),
            "weightsVersion: saw -1, allowed is 0 or more",
        ),
        (
            p.LoadCheckpointParams(model_id="m", path="c", weights_version=-1),
            "weightsVersion: saw -1, allowed is 0 or more",
        ),
        (samples.sample(seeds=[1, 2]), "seeds: saw '2 seeds', allowed is one a conversation, 1"),
        (
            samples.sample(conversations=[samples.conversation(), p.Conversation(messages=[])]),
            "conversations[1].messages: saw [], allowed is one message or more",
        ),
        (samples.forward(SEQUENCES, temperature=0.0), "temperature: saw 0.0, allowed is above 0"),
        (samples.forward([[1], []]), "lengths: saw 0, allowed is 1 or more each"),
        (samples.forward([[1, -2]]), "tokens: saw -2, allowed is 0 or more each"),
        (
            p.ForwardParams(model_id="m", tokens=b"", lengths=wire.pack_i32s([2]), temperature=1.0),
            "lengths: saw 'a sum of 2', allowed is the number of tokens, 0",
        ),
        (train(normalizer=0.0), "normalizer: saw 0.0, allowed is above 0"),
        (train(seq=-1), "seq: saw -1, allowed is 0 or more"),
        (train(clip_low=1.1), "loss.clipLow: saw 1.1, allowed is 0 to 1"),
        (train(clip_high=-0.1), "loss.clipHigh: saw -0.1, allowed is 0 or more"),
        (train(dual_clip=1.0), "loss.dualClip: saw 1.0, allowed is 0 (off) or above 1"),
        (train(kl_coef=-1.0), "loss.klCoef: saw -1.0, allowed is 0 or more"),
        (train(kl_coef=0.5), "batch.refLogprobs: saw None, allowed is an array, since loss.klCoef is 0.5"),
        (train(temperature=0.0), "loss.temperature: saw 0.0, allowed is above 0"),
        (train(mask=[0, 1, 1, 0]), "batch.mask: saw '4 values', allowed is one a token, 5"),
        (train(mask=[0, 1, 2, 0, 1]), "batch.mask: saw 2, allowed is 0 or 1"),
        (
            train(mask=[0, 1, 1, 1, 1]),
            "batch.mask at the first token of sequence 1: saw 1, allowed is 0: it has no log-prob",
        ),
        (train(advantages=[1.0]), "batch.advantages: saw '1 values', allowed is one a sequence, 2"),
        (train(advantages=[1.0, float("nan")]), "batch.advantages: saw nan, allowed are finite numbers"),
        (train(old=[0.0] * 4), "batch.oldLogprobs: saw '4 values', allowed is one a token, 5"),
        (train(ref=[float("-inf")] * 5), "batch.refLogprobs: saw -inf, allowed are finite numbers"),
        (samples.step(learning_rate=-1.0), "adam.learningRate: saw -1.0, allowed is 0 or more"),
        (samples.step(beta1=1.0), "adam.beta1: saw 1.0, allowed is 0 or more and below 1"),
        (samples.step(beta2=-0.1), "adam.beta2: saw -0.1, allowed is 0 or more and below 1"),
        (samples.step(epsilon=0.0), "adam.epsilon: saw 0.0, allowed is above 0"),
        (samples.step(weight_decay=-1.0), "adam.weightDecay: saw -1.0, allowed is 0 or more"),
        (samples.step(max_grad_norm=-1.0), "adam.maxGradNorm: saw -1.0, allowed is 0 (off) or more"),
    ],
)
def test_what_is_not_allowed_is_named(params: p.Base, message: str) -> None:
    with pytest.raises(WorkerFailure) as failure:
        check(params)
    assert (failure.value.code, failure.value.message) == (p.ErrorCode.INVALID_REQUEST, message)


def test_half_an_item_of_a_packed_array_is_named() -> None:
    params = p.ForwardParams(model_id="m", tokens=b"abc", lengths=b"", temperature=1.0)
    with pytest.raises(wire.ProtocolError, match="tokens: saw 3 bytes"):
        check(params)
