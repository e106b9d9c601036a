"""One sampler in a process of its own, which draws all samples for each line of stdin.

Answers are JSON, a line each: that it is ready or why it cannot be, and each round.

Usage: python -m generation.side ours|generate|scored|vllm FOLDER
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

SIDES = {
    "ours": ("generation.ours", "make"),
    "generate": ("generation.hugging_face", "make"),
    "scored": ("generation.hugging_face", "make_with_logprobs"),
    "vllm": ("generation.vllm_engine", "make"),
}


def main(name: str, folder: str) -> None:
    """Run one side."""
    # Engines print; what they print is no answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(message: dict) -> None:
        print(json.dumps(message), file=answers, flush=True)

    # vLLM reads it as it is imported.
    threads = json.loads((Path(folder) / "requests.json").read_text())["threads"]
    os.environ["OMP_NUM_THREADS"] = str(threads)
    import torch
    import transformers

    from generation.requests import read_requests
    from rzero_worker.errors import WorkerFailure

    torch.set_num_threads(threads)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    module, make = SIDES[name]
    try:
        draw = getattr(import_module(module), make)(read_requests(Path(folder)))
        draw(0)  # the first round allocates, and finds out what does not work
    except WorkerFailure as error:
        # What a sampler cannot do is a result. Any other error ends this process, and the bench.
        answer({"refused": f"{error.code}: {error}"})
        raise
    packages = ["torch", "transformers", *(["vllm"] if name == "vllm" else [])]
    versions = {package: str(import_module(package).__version__) for package in packages}
    answer({"versions": {"python": platform.python_version(), **versions}})
    for turn, _ in enumerate(sys.stdin, start=1):
        start, busy = time.perf_counter(), time.process_time()
        drawn = draw(turn)
        times = {"seconds": time.perf_counter() - start, "processorSeconds": time.process_time() - busy}
        answer({**times, **asdict(drawn)})


if __name__ == "__main__":
    main(*sys.argv[1:])
