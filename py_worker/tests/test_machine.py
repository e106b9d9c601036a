"""What a worker says of its machine: read from files and tools that are played here, and never an error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import pytest
import samples
from conftest import Orchestrator, Serve, WorkerProcess

from rzero_worker import machine, wire
from rzero_worker import protocol as p
from rzero_worker.backends.mock import MockBackend

MOUNTS = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
23 22 0:20 / /dev/shm rw - tmpfs tmpfs rw,size=65536k
30 22 0:50 / /data rw - lustre 10.0.0.1@tcp:/fs rw
31 30 0:51 / /data/my\\040runs rw - nfs4 server:/runs rw
32 22 0:52 / /cover rw - ext4 /dev/sda rw
33 32 0:53 / /cover rw - overlay overlay rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/home/user", "ext4"),
        ("/dev/shm", "tmpfs"),
        ("/data", "lustre"),
        ("/database", "ext4"),
        ("/data/my runs/a", "nfs4"),
        ("/cover/x", "overlay"),
    ],
)
def test_a_file_system_is_that_of_the_nearest_mount(tmp_path: Path, path: str, kind: str) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    assert machine.file_system(Path(path), str(mounts)) == kind


def smi(tmp_path: Path, body: str) -> tuple[str, ...]:
    script = tmp_path / "nvidia-smi"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)
    return (str(script),)


def test_gpus_are_those_that_nvidia_smi_lists(tmp_path: Path) -> None:
    lines = [
        "NVIDIA H100 80GB HBM3, GPU-5ab3, 81559, 81079",
        "NVIDIA H100 80GB HBM3, GPU-77d1, [Unknown Error], [Unknown Error]",
        "Tesla T4, GPU-9, 15360, [N/A]",
    ]
    found = machine.gpus(smi(tmp_path, "\n".join(f"echo '{line}'" for line in lines)))
    assert found == [
        {
            "name": "NVIDIA H100 80GB HBM3",
            "uuid": "GPU-5ab3",
            "memoryBytes": 81559 * 2**20,
            "freeBytes": 81079 * 2**20,
        },
        {"name": "Tesla T4", "uuid": "GPU-9", "memoryBytes": 15360 * 2**20, "freeBytes": 0},
    ]


def test_a_tool_that_fails_is_an_error_which_inspect_takes_for_no_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        machine.gpus(smi(tmp_path, "exit 9"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.inspect()["gpus"] == []


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("550.54.15\n", "550.54.15"),
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.10  Release Build\n"
            "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n",
            "570.86.10",
        ),
        ("nothing of a version", ""),
    ],
)
def test_the_driver_is_the_kernels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, version: str
) -> None:
    (tmp_path / "version").write_text(text)
    monkeypatch.setattr(machine, "DRIVER_FILES", (str(tmp_path / "absent"), str(tmp_path / "version")))
    assert machine.driver() == version


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("max\n", (1000 * 1024, 600 * 1024)), ("409600\n", (409600, 409600)), ("99999999\n", (1024000, 614400))],
)
def test_memory_is_no_more_than_the_container_may_have(
    tmp_path: Path, limit: str, expected: tuple[int, int]
) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:   600 kB\n")
    (tmp_path / "memory.max").write_text(limit)
    limits = (str(tmp_path / "absent"), str(tmp_path / "memory.max"))
    assert machine.memory_bytes(str(tmp_path / "meminfo"), limits) == expected


@pytest.mark.parametrize(
    ("line", "version"),
    [("cuda: Optional[str] = '12.8'", "12.8"), ("cuda = '13.0'", "13.0"), ("cuda: Optional[str] = None", "")],
)
def test_the_cuda_of_torch_is_read_in_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, version: str
) -> None:
    info = tmp_path / "torch-2.13.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.13.0\n")
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "version.py").write_text(f"__version__ = '2.13.0+cu128'\n{line}\nhip = None\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert machine.torch_cuda() == version


def test_the_hub_cache_and_its_token_are_where_huggingface_hub_has_them(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert machine.hub_cache({"HOME": str(home)}) == home / ".cache/huggingface/hub"
    assert machine.hub_cache({"XDG_CACHE_HOME": "/cache"}) == Path("/cache/huggingface/hub")
    assert machine.hub_cache({"HF_HOME": "/hf"}) == Path("/hf/hub")
    assert machine.hub_cache({"HF_HOME": "/hf", "HF_HUB_CACHE": "/models"}) == Path("/models")

    env = {"HF_HOME": str(tmp_path)}
    assert machine._unless(lambda: machine.has_hub_token(env), False) is False
    (tmp_path / "token").write_text("\n")
    assert machine.has_hub_token(env) is False
    (tmp_path / "token").write_text("hf_secret\n")
    assert machine.has_hub_token(env) is True
    assert machine.has_hub_token({"HF_TOKEN": "hf_secret"}) is True


def test_a_folder_that_is_not_there_yet_has_the_room_of_its_nearest_parent(tmp_path: Path) -> None:
    facts = machine.folder(tmp_path / "a" / "b")
    assert facts["path"] == str(tmp_path / "a" / "b")
    assert facts["freeBytes"] > 0
    assert machine.folder(Path("/"))["freeBytes"] > 0


def test_all_that_is_found_is_a_valid_machine_without_secrets(tmp_path: Path) -> None:
    facts = machine.inspect({"HF_TOKEN": "hf_secret", "HF_HOME": str(tmp_path)})
    encoded = wire.encode(msgspec.convert(facts, p.Machine))
    assert b"hf_secret" not in encoded
    found = wire.decode(encoded, p.Machine)  # ranges are checked here
    assert found.host and found.hub_token and found.curve and found.working_folder.path == os.getcwd()
    assert {"pyzmq", "msgspec"} <= set(found.packages)
    assert 0 < found.memory_free_bytes <= found.memory_bytes


def test_it_runs_without_a_package_of_ours() -> None:
    bare = [sys.executable, "-I", "-S", "-c"]  # no site-packages
    folder = str(Path(machine.__file__).parents[1])
    program = (
        f"import sys; sys.path.insert(0, {folder!r}); from rzero_worker import machine;"
        "import json; print(json.dumps(machine.inspect()))"
    )
    printed = subprocess.run([*bare, program], capture_output=True, check=True, timeout=60, text=True)
    facts = json.loads(printed.stdout)
    assert facts["packages"] == {} and facts["curve"] is False and facts["cpus"] > 0


def test_it_is_answered_during_a_long_call_to_all_who_ask(
    orchestrator: Orchestrator, worker: WorkerProcess
) -> None:
    orchestrator.call("load_model", samples.load())
    running = orchestrator.request("sample", samples.LONG)
    asked = [orchestrator.request("inspect_machine", p.InspectMachineParams()) for _ in range(3)]
    hosts = set()
    for request_id in asked:
        answer = orchestrator.answer_to(request_id)
        assert isinstance(answer, p.Response)
        hosts.add(wire.decode(answer.result, p.Machine).host)
    assert len(hosts) == 1
    assert orchestrator.call("ping", p.PingParams()).busy == "sample"
    assert orchestrator.call("cancel", p.CancelParams(id=running)).found


def test_ping_does_not_wait_for_it(
    orchestrator: Orchestrator, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, may_end = [], threading.Event()

    def slow() -> machine.Facts:
        looks.append(1)
        assert may_end.wait(30)
        return facts

    facts = machine.inspect()
    monkeypatch.setattr(machine, "inspect", slow)
    serve(MockBackend())
    orchestrator.accept()
    first = orchestrator.request("inspect_machine", p.InspectMachineParams())
    second = orchestrator.request("inspect_machine", p.InspectMachineParams())
    orchestrator.call("ping", p.PingParams())
    may_end.set()
    assert all(isinstance(orchestrator.answer_to(one), p.Response) for one in (first, second))
    assert len(looks) == 1
