"""vLLM in this process: one engine a model, stepped by hand. No server, no other process, no pickle."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rzero_worker.backend import Context
from rzero_worker.engine_request import PROBE_ARGUMENTS, EngineRequest, probe_of, sample_of
from rzero_worker.errors import WorkerFailure
from rzero_worker.model import locate, unloadable_after
from rzero_worker.proof import checksum_of
from rzero_worker.protocol import ErrorCode
from rzero_worker.sampler import Sample

GPU_MEMORY_VARIABLE = "RZERO_VLLM_GPU_MEMORY"
"""Share of the GPU's memory that one engine may take, its weights and its cache."""


def _cache_folder() -> str:
    """A folder for what vLLM finds out about models and compiles, kept because that takes seconds to minutes.

    What lies in it is run as code, so it lies among the packages, where whoever can write can do that anyway.
    """
    folder = os.path.join(sys.prefix, "var", "rzero-vllm")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    folder = tempfile.mkdtemp(prefix="rzero-vllm-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _set_environment() -> None:
    """Set what vLLM reads from the environment as it is imported."""
    os.environ |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    defaults = {
        "VLLM_CACHE_ROOT": _cache_folder(),
        "VLLM_LOGGING_LEVEL": "WARNING",
        # Threads stay where the system puts them, as many as OMP_NUM_THREADS says.
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    }
    if sys.platform == "linux":
        # The process group of one process listens on a port all the same.
        defaults["GLOO_SOCKET_IFNAME"] = "lo"
    if not torch.cuda.is_available():
        # The only thing compiled on a CPU counts ranks that nobody asks for, in 25 s and with a C++ compiler.
        defaults["TORCHDYNAMO_DISABLE"] = "1"
    for name, value in defaults.items():
        os.environ.setdefault(name, value)


_set_environment()
from vllm import LLM, SamplingParams, __version__  # noqa: E402
from vllm.inputs.engine import tokens_input  # noqa: E402
from vllm.sampling_params import RequestOutputKind  # noqa: E402

VERSION: str = __version__
"""vLLM's."""

CPU_ROWS = 256
"""Samples that decode side by side on a CPU."""

CPU_CACHE_BYTES = 2**30
"""Most bytes for keys and values on a CPU, or what one sequence needs; VLLM_CPU_KVCACHE_SPACE overrides."""

CPU_STEP_TOKENS = 4096
"""Tokens of a step on a CPU, unless one prompt has more."""

CPU_BLOCK = 128
"""Tokens of a block of the cache on a CPU."""


Weights = Mapping[str, Tensor]


class Engine:
    """One model in vLLM. Its float type is float32 on a CPU and bfloat16 on CUDA."""

    def __init__(
        self, source: str, weights: Weights, context_length: int, token_bytes: int, cuda: bool
    ) -> None:
        """Start an engine. vLLM reads the model's config; its weights are given, because it misses none.

        Args:
            source: a Hugging Face folder or hub name.
            weights: as for `load_weights`.
            context_length: most tokens of prompt and sample together.
            token_bytes: that a token's keys and values take; used on a CPU.
            cuda: whether the model goes to the GPU.

        Raises model_unloadable, out_of_memory.
        """
        try:
            self._llm = LLM(
                model=locate(source),
                load_format="dummy",
                max_model_len=context_length,
                logprobs_mode="processed_logprobs",
                generation_config="vllm",
                enable_prefix_caching=True,
                disable_log_stats=True,
                seed=0,
                **(_gpu_options() if cuda else _cpu_options(context_length, token_bytes)),
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

    def draw(
        self,
        requests: Sequence[EngineRequest],
        arguments: dict[str, Any],
        context: Context,
        on_sample: Callable[[int, Sample], None],
    ) -> None:
        """Draw what is requested, and hand over each sample with its index as it ends.

        vLLM holds no more requests than it needs to keep its batch full. Raises cancelled.

        Args:
            requests: any number.
            arguments: from `sampling_arguments`.
            context: asked before every token whether the call is cancelled.
            on_sample: may raise; nothing of the call stays in vLLM then.
        """
        # Keys and values of an earlier call may differ from fresh ones in their last bits; without them,
        # equal calls give equal bytes. Within a call, samples of one prompt share its keys and values.
        self._llm.reset_prefix_cache()
        engine, waiting, running = self._llm.llm_engine, deque(requests), set[str]()
        try:
            while waiting or running:
                context.raise_if_cancelled()
                while waiting and len(running) < 2 * self._rows:
                    request = waiting.popleft()
                    prompt, parameters = tokens_input(list(request.prompt)), _parameters(arguments, request)
                    running.add(str(request.index))
                    engine.add_request(str(request.index), prompt, parameters)
                for output in engine.step():
                    running.discard(output.request_id)
                    (answer,) = output.outputs
                    logprobs = None if answer.logprobs is None else answer.logprobs.logprobs
                    sample = sample_of(answer.token_ids, logprobs, answer.finish_reason)
                    on_sample(int(output.request_id), sample)
        finally:
            if running:
                engine.abort_request(list(running))

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
            self._llm.collective_rpc("reload_weights", kwargs={"weights_iterator": iter(weights.items())})
        if complaints:
            raise WorkerFailure(
                ErrorCode.INTERNAL, "vLLM did not take all weights of the model", "\n".join(complaints)
            )
        self._llm.reset_prefix_cache()

    def close(self) -> None:
        """Free the model and its cache; the engine cannot be used any more."""
        del self._llm
        gc.unfreeze()  # an engine freezes all objects there are when it starts
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


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


def _cpu_options(context_length: int, token_bytes: int) -> dict[str, Any]:
    row = -(-context_length // CPU_BLOCK) * CPU_BLOCK * token_bytes
    return {
        "dtype": "float32",
        "enforce_eager": True,
        "block_size": CPU_BLOCK,
        "max_num_seqs": CPU_ROWS,
        # A prompt in parts takes back the draws in between, which no generator on a CPU can do.
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(CPU_STEP_TOKENS, context_length),
        "kv_cache_memory_bytes": max(2 * row, min(CPU_CACHE_BYTES, (CPU_ROWS + 1) * row)),
    }


def _gpu_options() -> dict[str, Any]:
    return {
        "dtype": "bfloat16",
        "gpu_memory_utilization": float(os.environ.get(GPU_MEMORY_VARIABLE, "0.3")),
    }


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
