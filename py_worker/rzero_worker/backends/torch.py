"""The torch backend: transformers models on a GPU or a CPU, sampled and trained in this process."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
import transformers
from torch import Tensor
from transformers import PreTrainedModel

from rzero_worker import adapters, checkpoint, model_report, proof, pulse, rng
from rzero_worker import protocol as p
from rzero_worker.adapters import has_adapters, twin
from rzero_worker.backend import NO_FILES, Backend, Context
from rzero_worker.devices import device_names
from rzero_worker.draw import Distribution
from rzero_worker.errors import WorkerFailure, invalid_request, not_trainable, unknown_model
from rzero_worker.loaded import Loaded
from rzero_worker.loader import Loader
from rzero_worker.losses import POLICY_TERMS
from rzero_worker.manifest import io_error
from rzero_worker.memory import is_full, require_room
from rzero_worker.model import context_length, load_tokenizer, loaded_types, stop_ids, token_bytes
from rzero_worker.offload import Offload
from rzero_worker.proof import Proof
from rzero_worker.ranks import ALONE, be_alone
from rzero_worker.sampler import Sample, Sampler
from rzero_worker.scorer import PACK_TOKENS
from rzero_worker.sharding import load_sharded
from rzero_worker.stop_strings import StopStrings
from rzero_worker.tensors import AS_THEY_ARE, model_tensors, whole_tensors
from rzero_worker.tokenizer import decode_completion, decode_completions, encode_conversations
from rzero_worker.trainer import Batch, Trainer, average_weights, copy_weights, sequence_logprobs
from rzero_worker.weights_version import require_version, version_to_publish
from rzero_worker.wire import numpy_pack, numpy_view

ROWS = {"cpu": 512, "cuda": 2048}
"""Samples that decode side by side."""


class TorchBackend(Backend):
    """Any causal language model of transformers. Same seeds and calls, same bytes, on the same machine.

    On a CPU everything is float32. On CUDA the trained weights are float32 and compute in bfloat16 (see
    sharding.py, of which this is a group of one), and the published and frozen ones are bfloat16. Threads are
    OMP_NUM_THREADS, 1 if unset.
    """

    name: ClassVar[str] = "torch"
    losses: ClassVar[Sequence[p.Loss]] = tuple(POLICY_TERMS)

    def __init__(
        self, device: str | None = None, sharded: bool | None = None, offloads: bool | None = None
    ) -> None:
        """Set torch up for this process.

        Args:
            device: defaults to cuda where there is one.
            sharded: whether trained models are held as a group holds them; defaults to what is so on CUDA.
            offloads: whether roles that sleep put their tensors into the host's memory; defaults to what is
                so on CUDA. On a CPU they are there anyway.
        """
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._cuda = self._device.type == "cuda"
        self._sharded = self._cuda if sharded is None else sharded
        self._ranks = ALONE
        # OpenMP allows a list, one number a nesting level; the first is the one meant.
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1").split(",")[0]))
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs to be deterministic
        # Only a warning on CUDA: cumsum, which the sampler draws with, is not declared deterministic there.
        torch.use_deterministic_algorithms(True, warn_only=self._cuda)
        torch.utils.deterministic.fill_uninitialized_memory = False  # a debugging aid that costs time
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        # Where it would draw one, it has an item of a long list: a tensor read, a file written.
        transformers.logging.set_tqdm_hook(_as_pulse)
        self._models: dict[str, Loaded] = {}
        self._loader = Loader(self._device)
        self._offload = Offload(self._device) if (self._cuda if offloads is None else offloads) else None
        self._asleep: set[p.Capability] = set()
        self._offered: Sequence[p.Capability] = [p.Capability(name) for name in self.capabilities]

    @property
    def rows(self) -> int:
        """See Backend."""
        return ROWS[self._device.type]

    @property
    def devices(self) -> Sequence[str]:
        """See Backend."""
        return device_names() if self._cuda else ()

    def offer(self, roles: Sequence[p.Capability]) -> None:
        """See Backend."""
        self._offered = roles

    def versions(self) -> dict[str, str]:
        """See Backend."""
        device = torch.cuda.get_device_name() if self._cuda else "cpu"
        return {
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "transformers": transformers.__version__,
            "device": device,
        }

    def load_model(self, params: p.LoadModelParams) -> p.LoadModelResult:
        """See Backend. Frozen models of one source share their weights, and adapters those of their base."""
        torch.manual_seed(params.seed)
        tokenizer = load_tokenizer(adapters.base_of(params.source))
        if not params.trainable:
            trainer, published = None, self._loader.frozen(params.source)
        else:
            trainer = self._make_trainer(params)
            lone = not has_adapters(trainer.model)
            published = self._loader.whole(params.source, self._loader.dtype) if lone else twin(trainer.model)
        loaded = self._models[params.model_id] = Loaded(tokenizer, published, trainer)
        return loaded.describe()

    def inspect_model(self, params: p.InspectModelParams) -> p.InspectModelResult:
        """See Backend."""
        return model_report.inspect_model(params, self._cannot_sample)

    def _cannot_sample(self, architectures: Sequence[str]) -> str | None:
        """Say why models of these names cannot be drawn from; None where they can."""
        return None

    def _training(self, params: p.LoadModelParams) -> p.Training:
        """How a model is to be trained."""
        return params.training or p.Training(
            pack_tokens=0, recompute=self._cuda, offload=False, lora_rank=0, lora_alpha=1.0
        )

    def _make_trainer(self, params: p.LoadModelParams) -> Trainer:
        source, how = params.source, self._training(params)
        budget, base = how.pack_tokens or self._budget, self._loader.base_of(source, how)
        if self._sharded and base is None and not adapters.is_adapters(source):
            scorer = load_sharded(source, budget, be_alone(), self._device, offload=how.offload)
            return Trainer(scorer, recompute=how.recompute)
        if how.offload and self._cuda:
            allowed = f"false for adapters and for backend {self.name}"
            raise invalid_request(f"training.offload: saw true, allowed is {allowed}")
        if base is None:
            return Trainer(self._loader.whole(source, torch.float32), budget, how.recompute)
        return Trainer(self._loader.trainable(source, base, how), budget, how.recompute)

    @property
    def _budget(self) -> int:
        """Most tokens of a pack, where nobody says."""
        return PACK_TOKENS[self._device.type]

    def _find(self, model_id: str) -> Loaded:
        if model_id not in self._models:
            raise unknown_model(model_id)
        return self._models[model_id]

    def _find_trainer(self, model_id: str) -> Trainer:
        trainer = self._find(model_id).trainer
        if trainer is None:
            raise not_trainable(model_id)
        return trainer

    def unload_model(self, params: p.UnloadModelParams) -> p.UnloadModelResult:
        """See Backend."""
        self._find(params.model_id)
        del self._models[params.model_id]
        if self._cuda:
            torch.cuda.empty_cache()
        return p.UnloadModelResult()

    def sample(self, params: p.SampleParams, context: Context) -> p.SampleResult:
        """See Backend."""
        loaded = self._find(params.model_id)
        require_version(loaded.version, params.weights_version)
        prompts = encode_conversations(loaded.tokenizer, params.conversations)
        return self._result(loaded, params, prompts, self._draw(loaded, prompts, params, context))

    def _result(
        self, loaded: Loaded, params: p.SampleParams, prompts: list[list[int]], samples: list[Sample]
    ) -> p.SampleResult:
        """Pack samples; sample j of prompt i is at [i * n + j]."""
        ends, stops = stop_ids(loaded.published, loaded.tokenizer), _stops(loaded, params)
        visible = [_without_stop(sample.tokens, ends) for sample in samples]
        return p.SampleResult(
            weights_version=loaded.version,
            prompt_tokens=_pack([np.asarray(prompt) for prompt in prompts], "i4"),
            prompt_lengths=numpy_pack(np.array([len(prompt) for prompt in prompts]), "i4"),
            tokens=_pack([sample.tokens for sample in samples], "i4"),
            lengths=numpy_pack(np.array([len(sample.tokens) for sample in samples]), "i4"),
            logprobs=_pack([sample.logprobs for sample in samples], "f4"),
            texts=[stops.cut(text) for text in decode_completions(loaded.tokenizer, visible)],
            stop_reasons=[p.StopReason.STOP if sample.stopped else p.StopReason.LENGTH for sample in samples],
        )

    def _draw(
        self,
        loaded: Loaded,
        prompts: list[list[int]],
        params: p.SampleParams,
        context: Context,
    ) -> list[Sample]:
        """Draw from the published weights; sample j of prompt i is at [i * n + j]."""
        model, tokenizer, asked = loaded.published, loaded.tokenizer, params.sampling
        sampler = Sampler(
            model,
            stop_ids(model, tokenizer),
            context_length(model, tokenizer),
            max_rows=self.rows,
            max_tokens=self._cache_bytes() // token_bytes(model),
        )
        return sampler.sample(
            prompts,
            params.n,
            numpy_view(params.seeds, "u4"),
            Distribution(asked.temperature, asked.top_p, asked.top_k),
            asked.max_tokens,
            context,
            _stops(loaded, params).watch if asked.stop else None,
        )

    def _cache_bytes(self) -> int:
        return torch.cuda.mem_get_info()[0] // 2 if self._cuda else 2**30

    def forward(self, params: p.ForwardParams, context: Context) -> p.ForwardResult:
        """See Backend."""
        loaded = self._find(params.model_id)
        tokens, lengths = numpy_view(params.tokens, "i4"), numpy_view(params.lengths, "i4")
        wanted = None if params.mask is None else numpy_view(params.mask, "u1").astype(bool)
        self._check_tokens(loaded, tokens, lengths, "")

        def after_pack(done: int) -> None:
            context.progress(done, len(lengths))
            context.raise_if_cancelled()

        scorer = loaded.scorer(self._budget)
        logprobs = sequence_logprobs(scorer, tokens, lengths, params.temperature, wanted, after_pack)
        return p.ForwardResult(logprobs=numpy_pack(logprobs, "f4"))

    def forward_backward(self, params: p.ForwardBackwardParams) -> p.ForwardBackwardResult:
        """See Backend."""
        trainer, packed = self._find_trainer(params.model_id), params.batch

        def floats(values: bytes | None) -> np.ndarray | None:
            return None if values is None else numpy_view(values, "f4")

        batch = Batch(
            tokens=numpy_view(packed.tokens, "i4"),
            lengths=numpy_view(packed.lengths, "i4"),
            mask=numpy_view(packed.mask, "u1").astype(bool),
            advantages=numpy_view(packed.advantages, "f4"),
            old_logprobs=floats(packed.old_logprobs),
            ref_logprobs=floats(packed.ref_logprobs),
            sample_logprobs=floats(packed.sample_logprobs),
        )
        self._check_tokens(self._find(params.model_id), batch.tokens, batch.lengths, "batch.")
        metrics = trainer.forward_backward(batch, params.loss, params.normalizer)
        return p.ForwardBackwardResult(**asdict(metrics))

    def _check_tokens(self, loaded: Loaded, tokens: np.ndarray, lengths: np.ndarray, prefix: str) -> None:
        """Refuse what would be an index error deep in the model."""
        vocabulary = loaded.trained.get_input_embeddings().weight.shape[0]
        longest = context_length(loaded.trained, loaded.tokenizer)
        if len(tokens) and (largest := int(tokens.max())) >= vocabulary:
            raise invalid_request(
                f"{prefix}tokens: saw {largest}, allowed is 0 to {vocabulary - 1}, the vocabulary"
            )
        if len(lengths) and (seen := int(lengths.max())) > longest:
            raise invalid_request(
                f"{prefix}lengths: saw {seen}, allowed is at most {longest}, the context length"
            )

    def optim_step(self, params: p.OptimStepParams) -> p.OptimStepResult:
        """See Backend."""
        return p.OptimStepResult(grad_norm=self._find_trainer(params.model_id).optim_step(params.adam))

    def publish_weights(self, params: p.PublishWeightsParams) -> p.PublishWeightsResult:
        """See Backend. A frozen model's weights are always published; its version grows all the same."""
        loaded = self._find(params.model_id)
        version = version_to_publish(loaded.version, params.weights_version)
        if loaded.trainer is None or version == loaded.version:
            published = self._prove(loaded)
        else:
            self._publish(loaded, loaded.trainer.model)
            published = self._prove(loaded)
            trained = Proof(proof.checksum(loaded.trainer.model), proof.scored(loaded.trainer.scorer))
            proof.require_same(published, trained, self._loader.dtype)
        loaded.version = version
        return p.PublishWeightsResult(weights_version=version, proof=published.message())

    def average_weights(self, params: p.AverageWeightsParams) -> p.AverageWeightsResult:
        """See Backend. The average is float32, also on CUDA: a small share is lost in bfloat16."""
        loaded, other = self._find(params.model_id), self._find(params.towards)
        if has_adapters(loaded.trained) or has_adapters(other.trained):
            raise invalid_request(
                "modelId: saw a model with adapters, allowed is one without: means of A and B are not of B A"
            )
        _check_shapes(params, loaded.trained, other.trained)
        if loaded.trainer is not None:
            average_weights(loaded.trainer.model, other.trained, params.share)
        else:
            model = self._own_weights(loaded)
            average_weights(model, other.trained, params.share)
            self._averaged(loaded, model)
            loaded.version += 1
        return p.AverageWeightsResult(weights_version=loaded.version)

    def _own_weights(self, loaded: Loaded) -> PreTrainedModel:
        """Give a frozen model's weights in float32, in a model that may be changed in place."""
        model = loaded.published
        return deepcopy(model).float() if self._loader.is_shared(model) else model

    def _averaged(self, loaded: Loaded, model: PreTrainedModel) -> None:
        """Take over the averaged weights of a frozen model."""
        loaded.published = model

    def save_checkpoint(
        self, params: p.SaveCheckpointParams, extras: Mapping[str, bytes] = NO_FILES
    ) -> p.SaveCheckpointResult:
        """See Backend. Rank 0 alone writes."""
        loaded = self._find(params.model_id)
        content = self._content(loaded, params)
        written = self._ranks.first_does(
            lambda: checkpoint.save(
                params.path,
                content,
                loaded.tokenizer,
                steps=loaded.steps,
                weights_version=loaded.version,
                extras=extras,
                durable=not _is_for_sampling(params),  # it is used at once or never
            )
        )
        if written is None:
            return p.SaveCheckpointResult(bytes=0, manifest_sha256="")
        return p.SaveCheckpointResult(bytes=written.bytes, manifest_sha256=written.manifest_sha256)

    def _content(self, loaded: Loaded, params: p.SaveCheckpointParams) -> checkpoint.Content:
        """Collect what is saved. What is cut up comes together in the host's memory, tensor by tensor."""
        types = self._sampling_types(loaded) if _is_for_sampling(params) else AS_THEY_ARE
        weights = whole_tensors(model_tensors(loaded.trained), self._ranks, types)
        if loaded.trainer is None or not params.with_optimizer:
            return checkpoint.Content(loaded.trained, weights=weights)
        optimizer = whole_tensors(loaded.trainer.optimizer_tensors().items(), self._ranks)
        return checkpoint.Content(loaded.trained, optimizer, rng.states(), weights)

    def _sampling_types(self, loaded: Loaded) -> Mapping[str, torch.dtype]:
        """Float types of trained weights once they are published, where those are others."""
        if loaded.trainer is None or has_adapters(loaded.trained):  # sampled as they are
            return AS_THEY_ARE
        return loaded_types(loaded.trained, self._loader.dtype)

    def load_checkpoint(self, params: p.LoadCheckpointParams) -> p.LoadCheckpointResult:
        """See Backend."""
        loaded = self._find(params.model_id)
        dtype = self._loader.dtype if loaded.trainer is None else torch.float32
        saved = checkpoint.load(params.path, loaded.like(params.path), dtype)
        if loaded.trainer is not None:
            if has_adapters(saved.model) and not has_adapters(loaded.trained):
                raise io_error(params.path, "holds adapters, and here every weight is trained")
            loaded.trainer.restore(saved.model, saved.optimizer or {})
            rng.restore(saved.rng)
            self._publish(loaded, saved.model)
        else:
            self._replace(loaded, saved.model, params.path)
        loaded.version = loaded.version + 1 if params.weights_version is None else params.weights_version
        return p.LoadCheckpointResult(
            weights_version=loaded.version, steps=loaded.steps, proof=self._prove(loaded).message()
        )

    def _prove(self, loaded: Loaded) -> Proof:
        """Prove the published weights, as `sample` has them."""
        return Proof(proof.checksum(loaded.published), proof.decoded(loaded.published))

    def _publish(self, loaded: Loaded, model: PreTrainedModel) -> None:
        """Give `sample` the weights of a model of the same kind."""
        copy_weights(model, loaded.published)

    def _replace(self, loaded: Loaded, model: PreTrainedModel, path: str) -> None:
        """Give a frozen model the weights of a checkpoint: `model`, as read from `path`."""
        # Its present weights may be shared, so they are replaced, not overwritten.
        loaded.published = self._loader.frozen(path)
        loaded.own_scorer = None  # it would hold the old weights

    def sleep(self, params: p.SleepParams) -> p.SleepResult:
        """See Backend. What the other role needs too stays until that one sleeps."""
        before = self._free_bytes()
        freed = self._let_go(params.role)
        self._asleep.add(params.role)
        if self._cuda:
            torch.cuda.empty_cache()
            freed = max(0, self._free_bytes() - before)
        return p.SleepResult(freed_bytes=freed)

    def _free_bytes(self) -> int:
        return torch.cuda.mem_get_info()[0] if self._cuda else 0

    def _let_go(self, role: p.Capability) -> int:
        """Free what a role alone needs; returns how many bytes that were of the device's tensors."""
        if self._offload is None:
            return 0
        awake = set(self._offered) - self._asleep - {role}
        return self._offload.put(self._tensors({role}), kept=self._tensors(awake))

    def _tensors(self, roles: Iterable[p.Capability]) -> Iterator[Tensor]:
        return (
            tensor for role in roles for loaded in self._models.values() for tensor in loaded.tensors(role)
        )

    def wake(self, params: p.WakeParams) -> p.WakeResult:
        """See Backend. In a group all ranks wake, or none does."""

        def let_go() -> None:
            self._let_go(params.role)
            if self._cuda:
                torch.cuda.empty_cache()

        what = f"the role {params.role}"
        require_room(self._ranks, what, lambda: self._take_back(params.role), let_go)
        self._asleep.discard(params.role)
        return p.WakeResult()

    def _take_back(self, role: p.Capability) -> None:
        if self._offload is not None:
            self._offload.take_back(self._tensors({role}))

    def failure_of(self, error: Exception) -> WorkerFailure | None:
        """See Backend: a full memory, of the GPU or the host."""
        if is_full(error):
            return WorkerFailure("out_of_memory", "not enough memory for the call", str(error))
        return None


def _as_pulse(make: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Make a progress bar of transformers' that beats with each item."""
    items, *more = arguments or (options.pop("iterable", ()),)
    return make(pulse.each(items), *more, **options)


def _is_for_sampling(params: p.SaveCheckpointParams) -> bool:
    return params.for_sampling is True and not params.with_optimizer


def _stops(loaded: Loaded, params: p.SampleParams) -> StopStrings:
    return StopStrings(params.sampling.stop or (), partial(decode_completion, loaded.tokenizer))


def _without_stop(tokens: np.ndarray, ends: set[int]) -> np.ndarray:
    return tokens[:-1] if len(tokens) and int(tokens[-1]) in ends else tokens


def _check_shapes(params: p.AverageWeightsParams, model: PreTrainedModel, towards: PreTrainedModel) -> None:
    """Refuse to average models whose parameters have other names or shapes."""
    mine, others = ({name: list(w.shape) for name, w in one.named_parameters()} for one in (model, towards))
    if wrong := sorted(name for name in mine.keys() | others.keys() if mine.get(name) != others.get(name)):
        shape, other = (of.get(wrong[0], "absent") for of in (mine, others))
        raise invalid_request(
            f"towards: {params.towards!r} is of another shape than {params.model_id!r}: "
            f"{wrong[0]} is {other} there, allowed is {shape}"
        )


def _pack(runs: Sequence[np.ndarray], dtype: str) -> bytes:
    return numpy_pack(np.concatenate(runs) if runs else np.zeros(0), dtype)
