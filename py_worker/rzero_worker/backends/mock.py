"""A backend for trying things out: real sampling, gradients and files on a table of logits.

It needs the standard library alone and answers in milliseconds, and all that the protocol promises holds for
it as for a large model.
"""

from __future__ import annotations

import hashlib
import math
import platform
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from rzero_worker import manifest, pulse, wire
from rzero_worker import protocol as p
from rzero_worker.backend import NO_FILES, Backend, Context
from rzero_worker.errors import WorkerFailure, invalid_request, not_finite, not_trainable, unknown_model
from rzero_worker.mock import files, language
from rzero_worker.mock.adam import AdamW
from rzero_worker.mock.loss import Scored, TokenLoss, sequence_losses
from rzero_worker.mock.policy import CONTEXT_LENGTH, Gradient, Policy, stream
from rzero_worker.mock.total import total
from rzero_worker.probe import probe_tokens
from rzero_worker.stop_strings import StopStrings
from rzero_worker.weights_version import require_version, version_to_publish

SCHEME = "mock://"
ARCHITECTURE = "bigram-table"


class Model:
    """One loaded model: trained and published weights, the gradient and the optimiser."""

    def __init__(self, policy: Policy, trainable: bool) -> None:
        """Start at version 0 with the same weights in both places."""
        self.policy = policy
        self.published = policy.copy()
        self.version = 0
        self.trainable = trainable
        self.gradient: Gradient = {}
        self.optimizer = AdamW()

    def publish(self, version: int) -> None:
        """Copy the trained weights over; they are of this version then."""
        self.published = self.policy.copy()
        self.version = version

    def proof(self) -> p.WeightsProof:
        """Prove the published weights: the SHA-256 of their bytes as float64, and the probe's log-probs."""
        digest = hashlib.sha256()
        for row in self.published.rows:
            digest.update(array("d", row).tobytes())
        tokens = array("i", probe_tokens(self.published.language.vocabulary))
        logprobs = self.published.logprobs(tokens, temperature=1.0)
        return p.WeightsProof(checksum=digest.hexdigest(), probe=wire.pack_f32s(logprobs))


class MockBackend(Backend):
    """The verbs on tables of logits. Sources: mock://NAME, a language of the package, and saved folders."""

    name = "mock"

    def __init__(self) -> None:
        """Start without models."""
        self._models: dict[str, Model] = {}

    def versions(self) -> dict[str, str]:
        """Only Python has a say in the results."""
        return {"python": platform.python_version()}

    def load_model(self, params: p.LoadModelParams) -> p.LoadModelResult:
        """Make a fresh model of a language, its noise by the seed, or read a saved one."""
        if params.training is not None and params.training.lora_rank > 0:
            seen = params.training.lora_rank
            raise invalid_request(f"training.loraRank: saw {seen}, allowed is 0: this worker has no adapters")
        policy = _load(params.source, params.seed)
        self._models[params.model_id] = Model(policy, params.trainable)
        return p.LoadModelResult(
            architecture=ARCHITECTURE,
            parameters=sum(map(len, policy.rows)),
            vocabulary_size=policy.language.vocabulary,
            context_length=CONTEXT_LENGTH,
            weights_version=0,
        )

    def inspect_model(self, params: p.InspectModelParams) -> p.InspectModelResult:
        """Describe a language; a token of it is what the languages are made of, so every text comes back."""
        policy = _load(params.source, seed=0)
        spoken = policy.language
        end = p.Token(id=language.END, text=language.END_TEXT)
        return p.InspectModelResult(
            model_type=ARCHITECTURE,
            architecture=ARCHITECTURE,
            parameters=sum(map(len, policy.rows)),
            tied=False,
            vocabulary_size=spoken.vocabulary,
            context_length=CONTEXT_LENGTH,
            weights=p.WeightFiles(formats=[], bytes=0, types=[]),
            tokenizer=p.Tokenizer(
                name="language",
                size=spoken.vocabulary,
                template=p.ChatTemplate(cue=language.CUE, end_of_turn=end),
                eos=[end],
                changed=[],
            ),
            prompts=[
                p.RenderedPrompt(
                    text=spoken.render(one.messages),
                    tokens=len(spoken.encode_conversation(one.messages)),
                    merged=False,
                )
                for one in params.conversations
            ],
            packing=p.Packing.PACKS,
            packing_reason="",
            obstacles=[],
            licence=p.Licence(id="", name="", link="", file="", base_models=[]),
        )

    def unload_model(self, params: p.UnloadModelParams) -> p.UnloadModelResult:
        """Forget the model."""
        self._model(params.model_id)
        del self._models[params.model_id]
        return p.UnloadModelResult()

    def sample(self, params: p.SampleParams, context: Context) -> p.SampleResult:
        """Draw token by token."""
        model, sampling = self._model(params.model_id), params.sampling
        require_version(model.version, params.weights_version)
        policy = model.published
        stops = StopStrings(sampling.stop or (), policy.language.decode)
        prompts = [policy.language.encode_conversation(c.messages) for c in params.conversations]
        tokens, lengths, logprobs, texts, reasons = array("i"), array("i"), array("f"), [], []
        wanted = len(prompts) * params.n
        for prompt, seed in zip(prompts, wire.unpack_u32s(params.seeds), strict=True):
            reply_context = policy.reply_context(prompt)
            for index in range(params.n):
                context.raise_if_cancelled()
                completes = stops.watch() if sampling.stop else None
                drawn, scores, stopped = policy.sample(
                    prompt, reply_context, sampling, stream(seed, index), completes
                )
                tokens.extend(drawn)
                lengths.append(len(drawn))
                logprobs.extend(scores)
                texts.append(stops.cut(policy.language.decode(drawn)))
                reasons.append(p.StopReason.STOP if stopped else p.StopReason.LENGTH)
                context.progress(len(texts), wanted)
        return p.SampleBatch(
            weights_version=model.version,
            prompt_tokens=b"".join(prompt.tobytes() for prompt in prompts),
            prompt_lengths=wire.pack_i32s(map(len, prompts)),
            tokens=tokens.tobytes(),
            lengths=lengths.tobytes(),
            logprobs=logprobs.tobytes(),
            texts=texts,
            stop_reasons=reasons,
        )

    def forward(self, params: p.ForwardParams, context: Context) -> p.ForwardResult:
        """Look the log-probs up."""
        policy = self._model(params.model_id).policy
        sequences = list(_sequences(policy, params.tokens, params.lengths))
        logprobs = array("f")
        for done, tokens in enumerate(sequences, 1):
            context.raise_if_cancelled()
            logprobs.extend(policy.logprobs(tokens, params.temperature))
            context.progress(done, len(sequences))
        if params.mask is not None:
            wanted = zip(logprobs, params.mask, strict=True)
            logprobs = array("f", (logprob if bit else 0.0 for logprob, bit in wanted))
        return p.ForwardResult(logprobs=logprobs.tobytes())

    def forward_backward(self, params: p.ForwardBackwardParams) -> p.ForwardBackwardResult:
        """Differentiate by hand: the loss by log-probs here, those by the logits in `Policy.gradient`."""
        model = self._trainable(params.model_id)
        policy, temperature = model.policy, params.loss.temperature
        weights: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
        losses: list[TokenLoss] = []
        entropies: list[float] = []
        wrong: list[int] = []
        scored = _scored_sequences(policy, params.batch, temperature)
        for index, sequence in enumerate(pulse.each(scored)):
            found = sequence_losses(sequence.tokens, sequence.advantage, params.loss)
            slopes = [loss.slope / params.normalizer for loss in found]
            if not all(
                math.isfinite(x) for x in (*slopes, *(loss.loss / params.normalizer for loss in found))
            ):
                wrong.append(index)
            for (state, token), slope in zip(sequence.places, slopes, strict=True):
                weights[state][token] += slope
                entropies.append(policy.entropy(state, temperature))
            losses += found
        if wrong:
            raise not_finite(f"the loss of sequence {', '.join(map(str, wrong))}")
        result = p.ForwardBackwardResult(
            loss=total(loss.loss / params.normalizer for loss in losses),
            kl=_mean(loss.kl for loss in losses),
            entropy=_mean(entropies),
            clip_fraction=_mean(loss.clipped for loss in losses),
            ratio_mean=_mean((loss.ratio for loss in losses), of_none=1.0),
            importance_mean=_mean((loss.weight for loss in losses), of_none=1.0),
            importance_capped=_mean(loss.capped for loss in losses),
            sampler_kl=_mean(loss.sampler_kl for loss in losses),
            tokens=len(losses),
        )
        gradient = dict(model.gradient)
        for index, row in policy.gradient(weights, temperature).items():
            before = gradient.get(index)
            gradient[index] = row if before is None else [a + b for a, b in zip(before, row, strict=True)]
        if not all(map(math.isfinite, (result.loss, *(x for row in gradient.values() for x in row)))):
            count = len(wire.unpack_i32s(params.batch.lengths))
            raise not_finite(f"the sum of the losses or gradients of sequences 0 to {count - 1}")
        model.gradient = gradient
        return result

    def optim_step(self, params: p.OptimStepParams) -> p.OptimStepResult:
        """One AdamW step. A gradient that allows none is dropped, so that the next one begins at zero."""
        model = self._trainable(params.model_id)
        gradient, model.gradient = model.gradient, {}
        norm = model.optimizer.step(model.policy.rows, gradient, params.adam)
        model.policy.changed()
        return p.OptimStepResult(grad_norm=norm)

    def publish_weights(self, params: p.PublishWeightsParams) -> p.PublishWeightsResult:
        """Copy the rows."""
        model = self._model(params.model_id)
        version = version_to_publish(model.version, params.weights_version)
        if version != model.version:
            model.publish(version)
        return p.PublishWeightsResult(weights_version=version, proof=model.proof())

    def average_weights(self, params: p.AverageWeightsParams) -> p.AverageWeightsResult:
        """Average the rows with those of a model of the same language."""
        model, other = self._model(params.model_id), self._model(params.towards)
        if other.policy.language.document != model.policy.language.document:
            raise invalid_request(
                f"towards: {params.towards!r} is a model of another language than {params.model_id!r}"
            )
        for row, towards in zip(model.policy.rows, other.policy.rows, strict=True):
            row[:] = [w + params.share * (v - w) for w, v in zip(row, towards, strict=True)]
        model.policy.changed()
        if not model.trainable:
            model.publish(model.version + 1)
        return p.AverageWeightsResult(weights_version=model.version)

    def save_checkpoint(
        self, params: p.SaveCheckpointParams, extras: Mapping[str, bytes] = NO_FILES
    ) -> p.SaveCheckpointResult:
        """Write JSON files."""
        model = self._model(params.model_id)
        optimizer = model.optimizer if params.with_optimizer else None
        try:
            size, digest = files.save(
                Path(params.path).expanduser(),
                model.policy.language,
                model.policy.rows,
                optimizer,
                extras,
                model.optimizer.steps,
                model.version,
            )
        except OSError as error:
            raise manifest.io_error(params.path, f"cannot be written: {error}") from error
        return p.SaveCheckpointResult(bytes=size, manifest_sha256=digest)

    def load_checkpoint(self, params: p.LoadCheckpointParams) -> p.LoadCheckpointResult:
        """Read JSON files of the same language."""
        model = self._model(params.model_id)
        try:
            other, rows, optimizer = files.load(Path(params.path).expanduser())
        except (OSError, files.FolderError) as error:
            raise manifest.io_error(params.path, f"cannot be read: {error}") from error
        if other.document != model.policy.language.document:
            raise manifest.io_error(params.path, "holds a model of another language")
        model.policy = Policy(model.policy.language, rows)
        model.gradient = {}
        model.optimizer = optimizer or AdamW()
        asked = params.weights_version
        model.publish(model.version + 1 if asked is None else asked)
        return p.LoadCheckpointResult(
            weights_version=model.version, steps=model.optimizer.steps, proof=model.proof()
        )

    def _model(self, model_id: str) -> Model:
        model = self._models.get(model_id)
        if model is None:
            raise unknown_model(model_id)
        return model

    def _trainable(self, model_id: str) -> Model:
        model = self._model(model_id)
        if not model.trainable:
            raise not_trainable(model_id)
        return model


def _load(source: str, seed: int) -> Policy:
    if source.startswith(SCHEME):
        if source.removeprefix(SCHEME) not in language.names():
            allowed = ", ".join(SCHEME + name for name in language.names())
            raise WorkerFailure(
                p.ErrorCode.MODEL_UNLOADABLE,
                f"source: saw {source!r}, allowed are {allowed} and saved folders",
            )
        spoken = language.load(source.removeprefix(SCHEME))
        return Policy(spoken, spoken.initial_rows(seed))
    try:
        spoken, rows, _ = files.load(Path(source).expanduser())
    except (OSError, files.FolderError) as error:
        raise WorkerFailure(
            p.ErrorCode.MODEL_UNLOADABLE, f"source: saw {source!r}, not a model of the mock: {error}"
        ) from error
    return Policy(spoken, rows)


def _sequences(policy: Policy, tokens: bytes, lengths: bytes) -> Iterator[array]:
    everything = wire.unpack_i32s(tokens)
    vocabulary = policy.language.vocabulary
    highest = max(everything, default=0)
    if highest >= vocabulary:
        raise invalid_request(f"tokens: saw {highest}, allowed are 0 to {vocabulary - 1}")
    start = 0
    for length in wire.unpack_i32s(lengths):
        if length > CONTEXT_LENGTH:
            raise invalid_request(f"lengths: saw {length}, allowed is at most {CONTEXT_LENGTH}")
        yield everything[start : start + length]
        start += length


class _Sequence(NamedTuple):
    """The trained tokens of a sequence: where in the table each is looked up, and its log-probs."""

    places: list[tuple[int, int]]
    tokens: list[Scored]
    advantage: float


def _scored_sequences(policy: Policy, batch: p.TrainBatch, temperature: float) -> Iterator[_Sequence]:
    mask = wire.unpack_u8s(batch.mask)
    advantages = wire.unpack_f32s(batch.advantages)
    old, ref, sampler = (
        None if packed is None else wire.unpack_f32s(packed)
        for packed in (batch.old_logprobs, batch.ref_logprobs, batch.sample_logprobs)
    )
    start = 0
    for tokens, advantage in zip(_sequences(policy, batch.tokens, batch.lengths), advantages, strict=True):
        sequence = _Sequence([], [], advantage)
        states = policy.states(tokens)
        for offset in range(1, len(tokens)):
            at = start + offset
            if mask[at]:
                state, token = states[offset - 1], tokens[offset]
                new = policy.distribution(state, temperature)[token]
                sequence.places.append((state, token))
                sequence.tokens.append(
                    Scored(
                        new,
                        old[at] if old is not None else new,
                        ref[at] if ref is not None else None,
                        sampler[at] if sampler is not None else None,
                    )
                )
        yield sequence
        start += len(tokens)


def _mean(values: Iterable[float], of_none: float = 0.0) -> float:
    known = list(values)
    return total(known) / len(known) if known else of_none
