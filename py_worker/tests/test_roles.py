"""Roles: what a worker offers of what its backend can do."""

from __future__ import annotations

import pytest
import samples
from conftest import Launch, Orchestrator, Serve

from rzero_worker import protocol as p
from rzero_worker.backends.mock import MockBackend

GRADIENT_VERBS = [("forward_backward", samples.train([[3, 21, 0]], [1.0])), ("optim_step", samples.step())]
SAMPLE = [("sample", samples.sample())]


@pytest.mark.parametrize(
    ("roles", "allowed", "excluded", "missing"),
    [
        ("sample", SAMPLE, GRADIENT_VERBS, "train"),
        ("train", GRADIENT_VERBS, SAMPLE, "sample"),
        ("train,sample", SAMPLE + GRADIENT_VERBS, [], ""),
    ],
)
def test_a_worker_does_what_it_offers(
    orchestrator: Orchestrator,
    launch: Launch,
    roles: str,
    allowed: list[tuple[str, p.Base]],
    excluded: list[tuple[str, p.Base]],
    missing: str,
) -> None:
    launch("--connect", orchestrator.endpoint, "--backend", "mock", "--roles", roles)
    assert orchestrator.accept().capabilities == roles.split(",")
    orchestrator.call("load_model", samples.load())
    for verb, params in allowed:
        orchestrator.call(verb, params)
    for verb, params in excluded:
        error = orchestrator.failure_of(verb, params)
        assert error.code is p.ErrorCode.INVALID_REQUEST
        assert error.message == f"verb: {verb} needs the role {missing}, this worker offers {roles}"
    orchestrator.call("publish_weights", p.PublishWeightsParams(model_id="m"))


class Sampler(MockBackend):
    capabilities = ("sample",)


def test_roles_are_all_that_the_backend_can_unless_they_are_given(
    orchestrator: Orchestrator, serve: Serve
) -> None:
    serve(Sampler())
    assert orchestrator.accept().capabilities == ["sample"]


LESS = """
import sys
from rzero_worker import __main__, backends
from test_roles import Sampler

backends.create = lambda name: Sampler()
sys.exit(__main__.main())
"""


@pytest.mark.parametrize("roles", ["train", "sample,train"])
def test_a_role_that_the_backend_lacks_is_exit_code_2(launch: Launch, roles: str) -> None:
    arguments = ("--connect", "tcp://127.0.0.1:5", "--backend", "mock", "--roles", roles)
    worker = launch(*arguments, program=("-c", LESS), PYTHONPATH="tests")
    assert worker.wait() == 2
    assert "--roles: saw 'train', backend mock allows sample" in worker.stderr


@pytest.mark.parametrize("roles", ["", "fly", "sample,", "sample,sample", "sample train"])
def test_roles_that_are_none_are_exit_code_2(launch: Launch, roles: str) -> None:
    worker = launch("--connect", "tcp://127.0.0.1:5", "--backend", "mock", "--roles", roles)
    assert worker.wait() == 2
    assert f"argument --roles: saw {roles!r}, allowed is a list of sample, train" in worker.stderr
