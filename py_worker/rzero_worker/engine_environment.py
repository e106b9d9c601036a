"""What vLLM reads from the environment as it is imported. To be set before that, once."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile

import torch


def set_environment() -> None:
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
