"""What vLLM is told of the machine."""

from __future__ import annotations

import pytest

from rzero_worker import engine_options as options
from rzero_worker.errors import BadVariable
from rzero_worker.ranks import ALONE, Ranks


def test_a_cpu_has_room_for_all_its_rows_up_to_a_gibibyte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(options.ROWS_VARIABLE, "16")
    small = options.cpu_options(200, 100)  # two blocks a row
    assert (small["max_num_seqs"], small["kv_cache_memory_bytes"]) == (16, 17 * 256 * 100)
    assert options.cpu_options(1024, 2**17)["kv_cache_memory_bytes"] == options.CPU_CACHE_BYTES
    assert (
        options.cpu_options(2**14, 2**17)["kv_cache_memory_bytes"] == 2 * 2**31
    )  # of one sequence, and one more
    assert options.cpu_options(2**14, 1)["max_num_batched_tokens"] == 2**14


def test_a_gpu_is_shared_as_the_variables_say(monkeypatch: pytest.MonkeyPatch) -> None:
    assert options.gpu_options()["gpu_memory_utilization"] == 0.3
    monkeypatch.setenv(options.GPU_MEMORY_VARIABLE, "0.125")
    monkeypatch.setenv(options.ROWS_VARIABLE, "1024")
    told = options.gpu_options()
    assert (told["gpu_memory_utilization"], told["max_num_seqs"], options.rows()) == (0.125, 1024, 1024)


def test_a_group_has_an_engine_on_each_rank() -> None:
    assert options.group_options(ALONE) == {}
    assert options.group_options(Ranks(1, 4)) == {
        "tensor_parallel_size": 4,
        "distributed_executor_backend": "external_launcher",
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [(options.ROWS_VARIABLE, text) for text in ("0", "-1", "1.5", "many", "1048576", "")]
    + [(options.GPU_MEMORY_VARIABLE, text) for text in ("0", "1.01", "nan", "half", "")],
)
def test_a_variable_that_is_no_such_number_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(BadVariable, match=f"{name}: saw '{text}', allowed is "):
        options.check_variables()
