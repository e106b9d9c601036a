"""The vllm backend: samples by vLLM, everything else as the torch backend does it, all in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor
from transformers import PreTrainedModel

from rzero_worker import adapters, proof
from rzero_worker import protocol as p
from rzero_worker.backends.torch import TorchBackend
from rzero_worker.context import Context
from rzero_worker.drawing import Drawing
from rzero_worker.engine import VERSION, Engine, supported_architectures
from rzero_worker.engine_options import check_variables, rows
from rzero_worker.engine_request import plan, sampling_arguments
from rzero_worker.feed import Call, Feed, alone
from rzero_worker.loaded import Loaded
from rzero_worker.loader import Loader
from rzero_worker.model import (
    checkpoint_weights,
    context_length,
    load_tokenizer,
    stop_ids,
    token_bytes,
)
from rzero_worker.proof import Proof
from rzero_worker.ranks import ALONE, Ranks
from rzero_worker.tokenizer import encode_conversations
from rzero_worker.turn import Turn
from rzero_worker.weights_version import require_version
from rzero_worker.wire import numpy_view


@dataclass(kw_only=True)
class _Served(Loaded):
    """A model whose published weights are in `engine`; of `published`, only what is no weight counts."""

    base: str  # what `engine` reads its config from
    engine: Engine | None = None  # of a frozen model that is only scored, none until something is sampled
    checksum: str = ""  # of the weights that `engine` was given last
    readable: bool = False  # those that it has can be read
    load: Callable[[str], PreTrainedModel]  # a frozen model, from its source
    source: str  # of a frozen model's present weights
    frozen: PreTrainedModel | None = None  # those weights, once something but `sample` has needed them
    engine_is_behind: bool = False  # `frozen` has been averaged since `engine` got its weights

    @property
    def trained(self) -> PreTrainedModel:
        """As in Loaded."""
        if self.trainer is not None:
            return self.trainer.model
        if self.frozen is None:
            self.frozen = self.load(self.source)
        return self.frozen

    def like(self, path: str) -> PreTrainedModel:
        """As in Loaded. A frozen model need not be read again for it: its present folder may be gone."""
        return self.trained if adapters.is_adapters(path) or self.trainer is not None else self.published

    def tensors(self, role: p.Capability) -> Iterator[Tensor]:
        """As in Loaded; `engine` looks after what sampling needs."""
        if role is p.Capability.TRAIN:
            if self.trainer is not None:
                yield from self.trainer.tensors()
            elif self.frozen is not None:
                yield from self.frozen.parameters()
                yield from self.frozen.buffers()


class VllmBackend(TorchBackend):
    """Any model that both vLLM and transformers know.

    The same call gives the same bytes on the same machine. A sample's random numbers depend on its seed and
    number alone, but not its log-probs: their last bits move with what it is batched with.

    Each model that is sampled from has an engine. One of them is awake at a time, and has the whole cache.
    """

    name: ClassVar[str] = "vllm"

    def __init__(self, device: str | None = None, ranks: Ranks = ALONE) -> None:
        """As in TorchBackend.

        Args:
            device: as there.
            ranks: a group, over which the engines are cut up; all else each rank holds whole, in the host's
                memory.
        """
        # An engine makes the process's group its own, so models cannot be held by one.
        super().__init__(device, sharded=False)
        check_variables()
        self._ranks = ranks
        self._turn = Turn(ranks)
        # What goes to an engine comes by the host's memory: on the GPU there is no room for it twice.
        self._host = Loader(torch.device("cpu"), self._loader.dtype)
        self._devices = ranks.gather(super().devices)
        if ranks.size > 1:  # a model that is cut up is too large for one GPU, whoever uses it
            self._loader = self._host

    @property
    def devices(self) -> Sequence[str]:
        """See Backend: those of all ranks."""
        return self._devices

    @property
    def rows(self) -> int:
        """See Backend."""
        return rows()

    def versions(self) -> dict[str, str]:
        """See Backend."""
        return super().versions() | {"vllm": VERSION}

    def load_model(self, params: p.LoadModelParams) -> p.LoadModelResult:
        """See Backend."""
        torch.manual_seed(params.seed)
        base = adapters.base_of(params.source)
        tokenizer = load_tokenizer(base)
        trainer = self._make_trainer(params) if params.trainable else None
        scored = trainer is None and params.role is p.Capability.TRAIN
        if trainer is not None:
            model = trainer.model
        else:
            model = self._load_frozen(params.source, self._loader if scored else self._host)
        load = partial(self._load_frozen, loader=self._loader)
        loaded = _Served(tokenizer, model, trainer, base=base, source=params.source, load=load)
        if scored:
            loaded.frozen = model
        else:
            self._start(loaded, model)
        self._close(params.model_id)
        self._models[params.model_id] = loaded
        described = loaded.describe()
        if loaded.frozen is None and trainer is None and not adapters.has_adapters(model):
            model.to("meta").tie_weights()  # vLLM has copied the weights; names and shapes stay
        return described

    def _cannot_sample(self, architectures: Sequence[str]) -> str | None:
        if supported_architectures().intersection(architectures):
            return None
        names = ", ".join(architectures)
        return f"vLLM {VERSION} cannot draw from {names}; the backend torch can (worker.backend)"

    def _start(self, loaded: _Served, model: PreTrainedModel) -> Engine:
        """Start the engine of a model, with these weights."""
        length = context_length(model, loaded.tokenizer)
        weights = checkpoint_weights(adapters.merged(model))
        size = token_bytes(model)
        engine = self._turn.start(lambda: Engine(loaded.base, weights, length, size, self._cuda, self._ranks))
        loaded.engine, loaded.checksum = engine, proof.checksum(model)
        # On a CPU vLLM packs most of them, and adapters are merged for it. What it does to those of
        # another model shows here as well. A rank of a group has pieces of them.
        loaded.readable = self._ranks.size == 1 and engine.checksum() == loaded.checksum
        loaded.engine_is_behind = False
        return engine

    def _engine(self, loaded: _Served) -> Engine:
        """Give the engine with the published weights, awake."""
        if loaded.engine is None:
            return self._start(loaded, loaded.trained)
        if loaded.engine_is_behind:
            self._publish(loaded, loaded.trained)
        return self._turn.of(loaded.engine)

    def _load_frozen(self, source: str, loader: Loader) -> PreTrainedModel:
        # One without adapters is its own: it is given up once vLLM has its weights.
        lone = self._loader.base_of(source, None) is None
        return loader.whole(source, loader.dtype) if lone else self._loader.frozen(source)

    def unload_model(self, params: p.UnloadModelParams) -> p.UnloadModelResult:
        """See Backend."""
        self._close(params.model_id)
        return super().unload_model(params)

    def _close(self, model_id: str) -> None:
        engine = self._models[model_id].engine if model_id in self._models else None
        if engine is not None:
            self._turn.close(engine)

    def sample(self, params: p.SampleParams, context: Context) -> p.SampleResult:
        """See Backend."""
        return alone(self.sample_together, params, context)

    def sample_together(self, feed: Feed) -> None:
        """See Backend. Calls that wait join the batch whenever it has room."""
        calls = feed.take(1)
        if not calls:
            return
        loaded = self._find(calls[0].params.model_id)
        engine = self._engine(loaded)

        def take(room: int) -> list[Drawing]:
            nonlocal calls
            taken, calls = calls or feed.take(room), []
            return [one for one in (self._drawing(loaded, call) for call in taken) if one is not None]

        engine.draw(take)

    def _drawing(self, loaded: _Served, call: Call) -> Drawing | None:
        """Begin to draw for a call; None where there is nothing to draw, and the call has its end."""
        params, model, tokenizer = call.params, loaded.published, loaded.tokenizer
        try:
            require_version(loaded.version, params.weights_version)
            prompts = encode_conversations(tokenizer, params.conversations)
            seeds, length = numpy_view(params.seeds, "u4"), context_length(model, tokenizer)
            requests = plan(prompts, params.n, seeds, params.sampling.max_tokens, length)
            arguments = sampling_arguments(params.sampling, stop_ids(model, tokenizer))
            finish = partial(self._result, loaded, params, prompts)
            drawing = Drawing(call, requests, arguments, len(prompts) * params.n, finish)
            if requests:
                return drawing
            drawing.answer()
        except Exception as error:
            call.fail(error)
        return None

    def _let_go(self, role: p.Capability) -> int:
        # None wakes with the role: whichever is used next does.
        freed = super()._let_go(role)
        return freed + self._turn.end() if role is p.Capability.SAMPLE else freed

    def _publish(self, loaded: _Served, model: PreTrainedModel) -> None:
        if loaded.engine is None:
            self._start(loaded, model)
            return
        self._turn.of(loaded.engine).load_weights(checkpoint_weights(adapters.merged(model)))
        loaded.checksum, loaded.engine_is_behind = proof.checksum(model), False

    def _prove(self, loaded: _Served) -> Proof:
        engine = self._engine(loaded)
        checksum = engine.checksum() if loaded.readable else loaded.checksum
        return Proof(checksum, engine.logprobs(proof.probe_of(loaded.published)))

    def _replace(self, loaded: _Served, model: PreTrainedModel, path: str) -> None:
        self._publish(loaded, model)
        loaded.source, loaded.frozen = path, None

    def _own_weights(self, loaded: _Served) -> PreTrainedModel:
        return loaded.trained.float()

    def _averaged(self, loaded: _Served, model: PreTrainedModel) -> None:
        # An average that only `forward` looks at, as a KL anchor is, costs the engine nothing.
        loaded.frozen, loaded.engine_is_behind = model, True
