"""Who may import what: the server and the mock run where no tensor library is installed."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "rzero_worker"
HEAVY = {"torch", "transformers", "safetensors", "tokenizers", "numpy"}


@pytest.mark.parametrize("module", ["server", "__main__", "backends", "backends.mock"])
def test_the_module_leaves_tensor_libraries_out(module: str) -> None:
    program = f"import json, sys, rzero_worker.{module}; print(json.dumps(sorted(sys.modules)))"
    printed = subprocess.run(
        [sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, check=True, timeout=60
    )
    loaded = set(json.loads(printed.stdout))
    assert f"rzero_worker.{module}" in loaded
    assert loaded & HEAVY == set()


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
