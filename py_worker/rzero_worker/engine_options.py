"""What vLLM is told of the machine when an engine starts."""

from __future__ import annotations

import os
from typing import Any

from rzero_worker.errors import BadVariable
from rzero_worker.ranks import Ranks

GPU_MEMORY_VARIABLE = "RZERO_VLLM_GPU_MEMORY"
"""Share of the GPU's memory that an engine may take while it is awake, weights and cache; 0.3 by default."""

ROWS_VARIABLE = "RZERO_VLLM_ROWS"
"""Samples that decode side by side in an engine."""

ROWS = 256
"""As many by default."""

CPU_CACHE_BYTES = 2**30
"""Most bytes for keys and values on a CPU, or what one sequence needs; VLLM_CPU_KVCACHE_SPACE overrides."""

CPU_STEP_TOKENS = 4096
"""Tokens of a step on a CPU, unless one prompt has more."""

CPU_BLOCK = 128
"""Tokens of a block of the cache on a CPU."""


def rows() -> int:
    """Give the most samples that decode side by side. Raises BadVariable."""
    text = os.environ.get(ROWS_VARIABLE, str(ROWS))
    if not text.isdecimal() or not 0 < int(text) < 2**20:
        raise BadVariable(f"{ROWS_VARIABLE}: saw {text!r}, allowed is a whole number from 1 to {2**20 - 1}")
    return int(text)


def gpu_memory() -> float:
    """Give the share of the GPU's memory. Raises BadVariable."""
    text = os.environ.get(GPU_MEMORY_VARIABLE, "0.3")
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise BadVariable(f"{GPU_MEMORY_VARIABLE}: saw {text!r}, allowed is a number above 0 and at most 1")
    return share


def check_variables() -> None:
    """Read all variables, so that a bad one is told of before any engine starts. Raises BadVariable."""
    rows()
    gpu_memory()


def group_options(ranks: Ranks) -> dict[str, Any]:
    """Options of an engine that is cut up over the ranks of a group.

    Each rank has the engine in its own process, and all make the same steps: vLLM starts no process and sends
    no orders, only tensors. Its scheduler and its samplers find the same on all, as seeds and inputs are the
    same.
    """
    if ranks.size == 1:
        return {}
    return {"tensor_parallel_size": ranks.size, "distributed_executor_backend": "external_launcher"}


def cpu_options(context_length: int, token_bytes: int) -> dict[str, Any]:
    """Options of an engine on a CPU; `token_bytes` is what a token's keys and values take."""
    row = -(-context_length // CPU_BLOCK) * CPU_BLOCK * token_bytes
    return {
        "dtype": "float32",
        "enforce_eager": True,
        "block_size": CPU_BLOCK,
        "max_num_seqs": rows(),
        # A prompt in parts takes back the draws in between, which no generator on a CPU can do.
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(CPU_STEP_TOKENS, context_length),
        "kv_cache_memory_bytes": max(2 * row, min(CPU_CACHE_BYTES, (rows() + 1) * row)),
    }


def gpu_options() -> dict[str, Any]:
    """Options of an engine on a GPU."""
    return {
        "dtype": "bfloat16",
        "max_num_seqs": rows(),
        "gpu_memory_utilization": gpu_memory(),
        # Its weights and its cache can leave the GPU and come back to the same addresses, which the graphs
        # of its steps hold.
        "enable_sleep_mode": True,
    }
