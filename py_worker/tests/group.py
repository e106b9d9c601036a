"""Processes of one group on this machine, as torchrun starts them, and Python code for them to run."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent


def environment(rank: int, size: int, port: int) -> dict[str, str]:
    """What torchrun tells a rank."""
    return {
        **{name: value for name, value in os.environ.items() if rank == 0 or name != "RZERO_TOKEN"},
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(size),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)]),
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_group(size: int, *arguments: str, **options) -> list[subprocess.Popen[str]]:
    """Start `python ARGUMENTS...` once for each rank; rank 0 is the first."""
    port = free_port()
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    return [
        subprocess.Popen([sys.executable, *arguments], env=environment(rank, size, port), cwd=TESTS, **pipes)
        for rank in range(size)
    ]
