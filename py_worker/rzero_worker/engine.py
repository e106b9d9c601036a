"""vLLM in this process: one engine a model, stepped by hand. No server, no other process, no pickle."""

from __future__ import annotations

import gc
import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import torch
from torch import Tensor, UntypedStorage

from rzero_worker import pulse
from rzero_worker.drawing import Drawing
from rzero_worker.engine_environment import set_environment
from rzero_worker.engine_options import cpu_options, gpu_options, group_options
from rzero_worker.engine_request import PROBE_ARGUMENTS, EngineRequest, probe_of, sample_of
from rzero_worker.errors import WorkerFailure
from rzero_worker.model import locate, unloadable_after
from rzero_worker.proof import checksum_of
from rzero_worker.protocol import ErrorCode
from rzero_worker.ranks import Ranks

set_environment()
from vllm import LLM, SamplingParams, __version__  # noqa: E402
from vllm.device_allocator import AllocationData  # noqa: E402
from vllm.device_allocator.cumem import CuMemAllocator  # noqa: E402
from vllm.distributed.device_communicators.cpu_communicator import CpuCommunicator  # noqa: E402
from vllm.inputs.engine import tokens_input  # noqa: E402
from vllm.model_executor.models import ModelRegistry  # noqa: E402
from vllm.outputs import RequestOutput  # noqa: E402
from vllm.sampling_params import RequestOutputKind  # noqa: E402
from vllm.v1.engine.llm_engine import LLMEngine  # noqa: E402
from vllm.v1.worker import workspace  # noqa: E402
from vllm.v1.worker.worker_base import WorkerBase  # noqa: E402

VERSION: str = __version__
"""vLLM's."""

# Between the ranks of a group on a CPU, tensors go over gloo. vLLM's own shared memory has one name on a
# machine, whoever's group it is, stays there when a process is killed, and is waited for at full speed.
CpuCommunicator._all_group_ranks_share_shm_group_name = lambda _: False

Weights = Mapping[str, Tensor]


def supported_architectures() -> set[str]:
    """Give the names that a config's `architectures` may have for vLLM to have such a model."""
    return set(ModelRegistry.get_supported_archs())


class Engine:
    """One model in vLLM. Its float type is float32 on a CPU and bfloat16 on CUDA."""

    def __init__(
        self, source: str, weights: Weights, context_length: int, token_bytes: int, cuda: bool, ranks: Ranks
    ) -> None:
        """Start an engine. vLLM reads the model's config; its weights are given, because it misses none.

        Args:
            source: a Hugging Face folder or hub name.
            weights: as for `load_weights`.
            context_length: most tokens of prompt and sample together.
            token_bytes: that a token's keys and values take; used on a CPU.
            cuda: whether the model goes to the GPU.
            ranks: over which it is cut up; all of them make the same calls of an engine.

        Raises model_unloadable, out_of_memory.
        """
        self._cuda = cuda
        self._asleep = False
        self._emptied: dict[UntypedStorage, int] = {}
        """On a CPU, the caches of one that sleeps, and their bytes."""
        self._own: list[AllocationData] = []
        """On a GPU, what one that sleeps has of vLLM's allocator, and its scratch memory."""
        self._workspace: workspace.WorkspaceManager | None = None
        try:
            with _beside_other_engines(cuda):
                self._llm = LLM(
                    model=locate(source),
                    load_format="dummy",
                    max_model_len=context_length,
                    logprobs_mode="processed_logprobs",
                    generation_config="vllm",
                    enable_prefix_caching=True,
                    disable_log_stats=True,
                    seed=0,
                    **(gpu_options() if cuda else cpu_options(context_length, token_bytes)),
                    **group_options(ranks),
                )
        except (torch.OutOfMemoryError, MemoryError):
            raise
        except Exception as error:
            if "memory" in str(error):  # of a full GPU or a small cache vLLM tells by a ValueError
                raise WorkerFailure(ErrorCode.OUT_OF_MEMORY, f"source {source!r}: {error}") from error
            raise unloadable_after(error, source, "cannot be loaded by vLLM") from error
        # vLLM's own clean-up, at the collection of an engine and at the process's end, also ends the process
        # group, which the other engines here use; a process that ends needs none.
        self._llm.llm_engine.engine_core._finalizer.detach()
        self._rows = self._llm.llm_engine.vllm_config.scheduler_config.max_num_seqs
        self.load_weights(weights)

    def draw(self, take: Callable[[int], Sequence[Drawing]]) -> None:
        """Draw until there is nothing left to draw; each drawing hears of its samples as they end.

        vLLM holds no more requests than it needs to keep its batch full. One drawing that fails or is
        cancelled leaves the batch to the others; what is raised here fails them all.

        Equal drawings that have a batch for themselves give equal bytes: it begins without keys and values of
        earlier ones, which may differ from fresh ones in their last bits. One that joins others draws with
        the same random numbers, but log-probs that move in their last bits with what it is batched with.
        Samples of one prompt share its keys and values in any case, also those of several drawings.

        Args:
            take: gives drawings that wait, as many as it needs for so many samples; asked before each step.
        """
        self._llm.reset_prefix_cache()
        batch = _Batch(self._llm.llm_engine, 2 * self._rows)
        try:
            while True:
                batch.join(take(batch.room))
                batch.fill()
                if not batch.running:
                    return
                batch.step()
        finally:
            batch.clear()

    def logprobs(self, tokens: Sequence[int]) -> np.ndarray:
        """Log-probs of a sequence at temperature 1 under vLLM's weights, float32; 0 for its first token."""
        self._llm.reset_prefix_cache()
        engine = self._llm.llm_engine
        engine.add_request("probe", tokens_input(list(tokens)), SamplingParams(**PROBE_ARGUMENTS))
        answers = []
        try:
            while not answers:
                answers = [answer for answer in engine.step() if answer.finished]
        except BaseException:
            engine.abort_request(["probe"])
            raise
        found = answers[0].prompt_logprobs
        return probe_of(tokens, None if found is None else found.logprobs)

    def checksum(self) -> str:
        """Checksum (`proof.checksum_of`) of the parameters that vLLM has, which is none of packed ones."""
        (found,) = self._llm.apply_model(lambda model: checksum_of(model.parameters()))
        return found

    def load_weights(self, weights: Weights) -> None:
        """Replace all weights. Raises internal when some of vLLM's are not among them.

        Args:
            weights: by their names in a checkpoint; a tied one under each of its names, because the output
                projection is packed on its own on a CPU and would keep the old weights. They are copied.
        """
        with _complaints() as complaints:
            self._llm.collective_rpc(
                "reload_weights", kwargs={"weights_iterator": pulse.each(weights.items())}
            )
        if complaints:
            raise WorkerFailure(
                ErrorCode.INTERNAL, "vLLM did not take all weights of the model", "\n".join(complaints)
            )
        self._llm.reset_prefix_cache()

    def sleep(self) -> int:
        """Let go of the device's memory: weights go to the host's, keys and values are dropped.

        On a CPU weights are there already, and only the cache is freed. Returns how many bytes that were; on
        a GPU vLLM's own allocator frees them and does not say, so 0. To be called while no other engine of
        the process is awake: all that vLLM has there falls asleep.

        vLLM could drop the weights too (level 2), to be given them again. But what was published has to
        outlive the steps that a trainer makes meanwhile, and the folder that it came from.
        """
        if self._asleep:
            return 0
        if self._cuda:
            allocations = CuMemAllocator.get_instance().pointer_to_data.values()
            self._own = [one for one in allocations if not one.is_asleep]
            self._workspace = workspace._manager  # one for the process, and each engine makes its own
            self._llm.sleep(level=1)
            self._asleep = True
            return 0
        self._llm.reset_prefix_cache()
        self._emptied = {storage: storage.nbytes() for storage in self._caches()}
        for storage in self._emptied:
            storage.resize_(0)
        self._asleep = True
        return sum(self._emptied.values())

    def wake(self) -> None:
        """Take it back, while no other engine is awake. Raises MemoryError, and sleeps on then."""
        if self._cuda:
            self._wake_on_gpu()
        else:
            self._fill_caches()
        self._asleep = False

    def _wake_on_gpu(self) -> None:
        try:
            with _left_asleep(self._own):
                self._llm.wake_up()
        except Exception as error:
            # What has come back goes again. The engine itself thinks that it never woke.
            self._llm.collective_rpc("sleep", args=(1,))
            if "memory" in str(error):
                raise MemoryError(str(error)) from error
            raise
        workspace._manager = self._workspace

    def _fill_caches(self) -> None:
        try:
            for storage, size in self._emptied.items():
                storage.resize_(size)
                storage.fill_(0)  # as vLLM makes it: what is not a number stays one when it is masked
        except Exception:
            for storage in self._emptied:
                storage.resize_(0)
            raise
        self._emptied = {}

    def _caches(self) -> list[UntypedStorage]:
        """Give the storages of keys and values, each once."""
        (tensors,) = self._llm.collective_rpc(_cache_tensors)
        return list({storage._cdata: storage for storage in (t.untyped_storage() for t in tensors)}.values())

    def close(self) -> None:
        """Free the model and its cache; the engine, which must be awake, cannot be used any more."""
        del self._llm
        gc.unfreeze()  # an engine freezes all objects there are when it starts
        gc.collect()
        if self._cuda:
            allocator = CuMemAllocator.get_instance()
            for pool, _ in [entry for entries in allocator.allocator_and_pools.values() for entry in entries]:
                allocator._trim(pool)  # else it would keep what is free for nobody
            torch.cuda.empty_cache()


def _cache_tensors(worker: WorkerBase) -> list[Tensor]:
    return worker.model_runner.kv_caches


@contextmanager
def _beside_other_engines(cuda: bool) -> Iterator[None]:
    """Let an engine start while the process has others, which sleep.

    vLLM's allocator is one for the process, and refuses weights where it has some, because it puts all it has
    to sleep, and wakes it, at once. Here one engine is awake at a time, and `_left_asleep` guards the others.
    """
    if not cuda:
        yield
        return
    allocator = CuMemAllocator.get_instance()
    allocator.get_current_usage = lambda: 0
    try:
        yield
    finally:
        del allocator.get_current_usage


@contextmanager
def _left_asleep(own: Sequence[AllocationData]) -> Iterator[None]:
    """Have vLLM's allocator wake these allocations and no others: it passes over those that seem awake."""
    allocations = CuMemAllocator.get_instance().pointer_to_data.values()
    mine = {id(one) for one in own}
    others = [one for one in allocations if one.is_asleep and id(one) not in mine]
    for one in others:
        one.is_asleep = False
    try:
        yield
    finally:
        for one in others:
            one.is_asleep = True


class _Batch:
    """The drawings of a batch, and which of their requests vLLM has at the moment."""

    def __init__(self, engine: LLMEngine, most: int) -> None:
        """Begin an empty batch of which the engine is to have `most` requests at once."""
        self._engine = engine
        self._most = most
        self._numbers = count()
        self._drawings: list[Drawing] = []
        self._waiting: deque[tuple[Drawing, EngineRequest]] = deque()
        self.running: dict[str, tuple[Drawing, EngineRequest]] = {}

    @property
    def room(self) -> int:
        """Requests that it could have besides."""
        return max(0, self._most - len(self.running) - len(self._waiting))

    def join(self, drawings: Sequence[Drawing]) -> None:
        """Take drawings in, and let those go that are cancelled."""
        for drawing in drawings:
            self._drawings.append(drawing)
            self._waiting.extend((drawing, request) for request in drawing.requests)
        for drawing in list(self._drawings):
            self._guard(drawing, drawing.raise_if_cancelled)

    def fill(self) -> None:
        """Give vLLM what waits, as far as it is to have it."""
        while self._waiting and len(self.running) < self._most:
            drawing, request = self._waiting.popleft()
            self._guard(drawing, partial(self._add, drawing, request))

    def step(self) -> None:
        """Have vLLM make a token of each request that it works on."""
        outputs = self._engine.step()
        pulse.beat()
        for output in outputs:
            drawing, request = self.running.pop(output.request_id, (None, None))
            if drawing is not None:  # else its drawing failed in this very step
                self._guard(drawing, partial(self._end, drawing, request, output))

    def clear(self) -> None:
        """Leave nothing in vLLM."""
        if self.running:
            self._engine.abort_request(list(self.running))

    def _add(self, drawing: Drawing, request: EngineRequest) -> None:
        name = str(next(self._numbers))
        self._engine.add_request(
            name, tokens_input(list(request.prompt)), _parameters(drawing.arguments, request)
        )
        self.running[name] = drawing, request

    def _end(self, drawing: Drawing, request: EngineRequest, output: RequestOutput) -> None:
        (answer,) = output.outputs
        logprobs = None if answer.logprobs is None else answer.logprobs.logprobs
        drawing.add(request.index, sample_of(answer.token_ids, logprobs, answer.finish_reason))
        if drawing.done:
            self._drawings.remove(drawing)

    def _guard(self, drawing: Drawing, work: Callable[[], None]) -> None:
        """Do something for a drawing, which leaves the batch if that fails."""
        try:
            work()
        except Exception as error:
            self._drawings.remove(drawing)
            self._waiting = deque(one for one in self._waiting if one[0] is not drawing)
            own = [name for name, (of, _) in self.running.items() if of is drawing]
            for name in own:
                del self.running[name]
            self._engine.abort_request(own)
            drawing.fail(error)


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collect what vLLM says of parameters that were not among the weights: a warning, and it goes on."""
    found: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: found.append(record.getMessage())
    logger = logging.getLogger("vllm.model_executor.model_loader.reload.inplace")
    logger.setLevel(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield found
    finally:
        logger.removeHandler(handler)


def _parameters(arguments: dict[str, Any], request: EngineRequest) -> SamplingParams:
    temperature = arguments["temperature"]
    parameters = SamplingParams(
        **arguments | {"temperature": min(temperature, 1.0)},
        seed=request.seed,
        max_tokens=request.most,
        output_kind=RequestOutputKind.FINAL_ONLY,
        skip_clone=True,
    )
    # The constructor takes no temperature above 2 and raises one below 0.01; the sampler has no such bounds.
    parameters.temperature = temperature
    return parameters
