"""What a backend raises becomes an answer."""

from __future__ import annotations

import msgspec
import pytest
import samples
from conftest import Orchestrator, Serve

from rzero_worker import protocol as p
from rzero_worker import wire
from rzero_worker.backends.mock import MockBackend
from rzero_worker.errors import WorkerFailure


class Faulty(MockBackend):
    """Fails as the source says."""

    def load_model(self, params: p.LoadModelParams) -> p.LoadModelResult:
        match params.source:
            case "memory":
                raise MemoryError("no room")
            case "library":
                raise LookupError("a library's word for a full memory")
            case "bug":
                raise ZeroDivisionError("a\nb")
            case "bytes":
                wire.pack_u8s([256], "field")
        result = super().load_model(samples.load(params.model_id))
        return msgspec.structs.replace(result, parameters=2**60)

    def optim_step(self, params: p.OptimStepParams) -> p.OptimStepResult:
        return p.OptimStepResult(grad_norm=float("nan"))

    def failure_of(self, error: Exception) -> WorkerFailure | None:
        if isinstance(error, LookupError):
            return WorkerFailure("out_of_memory", "the device is full")
        return None


@pytest.fixture
def faulty(orchestrator: Orchestrator, serve: Serve) -> Orchestrator:
    serve(Faulty())
    orchestrator.accept()
    return orchestrator


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("memory", "out_of_memory", "no room"),
        ("library", "out_of_memory", "the device is full"),
        ("bytes", "invalid_request", "field"),
        ("bug", "internal", "ZeroDivisionError: a"),
        ("unsafe integer", "internal", "the result of load_model is not valid"),
    ],
)
def test_exceptions_become_codes(faulty: Orchestrator, source: str, code: str, said: str) -> None:
    error = faulty.failure_of("load_model", samples.load(source=source))
    assert error.code == code
    assert said in error.message
    assert (error.details is not None and "Traceback" in error.details) == (source == "bug")


def test_a_result_that_is_not_a_number_is_a_failure(faulty: Orchestrator) -> None:
    assert faulty.failure_of("optim_step", samples.step()).code is p.ErrorCode.INTERNAL
