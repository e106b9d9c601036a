"""Who may import what: the server and the mock run where no tensor library is installed."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "rzero_worker"
TENSORS = {"torch", "transformers", "safetensors", "tokenizers", "numpy"}
SLOW = {"asyncio", "hypothesis", "pytest", "importlib.metadata", "email", "ssl", "http"}
"""What makes a start slow, and is easily imported by somebody who does not mind."""


def loaded_by(program: str) -> set[str]:
    printed = subprocess.run(
        [sys.executable, "-c", f"import json, sys; {program}; print(json.dumps(sorted(sys.modules)))"],
        cwd=PACKAGE.parent,
        capture_output=True,
        check=True,
        timeout=60,
    )
    return set(json.loads(printed.stdout))


@pytest.mark.parametrize("module", ["server", "__main__", "backends", "backends.mock"])
def test_the_module_leaves_tensor_libraries_out(module: str) -> None:
    loaded = loaded_by(f"import rzero_worker.{module}")
    assert f"rzero_worker.{module}" in loaded
    assert loaded & TENSORS == set()


def test_a_worker_of_the_mock_starts_with_what_it_needs() -> None:
    bare = loaded_by("pass")  # what this installation imports by itself, for its own .pth files say
    loaded = loaded_by("import rzero_worker.__main__; rzero_worker.__main__.backends.create('mock')")
    assert {"zmq", "msgspec", "rzero_worker.backends.mock"} <= loaded
    assert (loaded - bare) & (TENSORS | SLOW) == set()


def test_bytes_of_the_wire_are_decoded_behind_the_scan_alone() -> None:
    decoding = [
        path.name for path in PACKAGE.rglob("*.py") if "msgpack.decode" in path.read_text("utf-8").lower()
    ]
    assert decoding == ["wire.py"]
    source = (PACKAGE / "wire.py").read_text("utf-8")
    assert source.count("scan(data,") == source.count(".decode(data") == 3


def test_the_mock_needs_the_standard_library_and_the_messages_alone() -> None:
    allowed = set(sys.stdlib_module_names) | {"rzero_worker"}
    for path in [*(PACKAGE / "mock").glob("*.py"), PACKAGE / "backends" / "mock.py"]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            assert {name.split(".")[0] for name in names} <= allowed, path.name


def test_the_worker_does_not_know_what_its_tokens_are_for() -> None:
    words = ("challenger", "solver", "question", "reward")
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text("utf-8").lower()
        assert [word for word in words if word in text] == [], path.relative_to(PACKAGE)
