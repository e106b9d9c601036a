"""Endpoints: which there are, and which are on this machine."""

from __future__ import annotations

import pytest

from rzero_worker.endpoint import is_local


@pytest.mark.parametrize(
    "endpoint",
    [
        "tcp://127.0.0.1:1",
        "tcp://127.8.9.10:65535",
        "tcp://localhost:5",
        "tcp://LocalHost:5",
        "tcp://[::1]:5",
        "tcp://[0:0:0:0:0:0:0:1]:5",
        "ipc:///tmp/socket",
        "ipc:///" + "a" * 106,
    ],
)
def test_these_are_on_this_machine(endpoint: str) -> None:
    assert is_local(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        "tcp://192.0.2.1:5",
        "tcp://0.0.0.0:5",
        "tcp://127.1:5",
        "tcp://127.0.0.1.example.org:5",
        "tcp://node-7.cluster:5",
        "tcp://localhost.example.org:5",
        "tcp://[2001:db8::1]:5",
        "tcp://[::]:5",
        "tcp://[::ffff:127.0.0.1]:5",
        "tcp://[fe80::1%eth0]:5",
    ],
)
def test_these_are_not(endpoint: str) -> None:
    assert not is_local(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "127.0.0.1:5",
        "tcp://127.0.0.1",
        "tcp://127.0.0.1:",
        "tcp://127.0.0.1:0",
        "tcp://127.0.0.1:65536",
        "tcp://127.0.0.1:5 ",
        "tcp://127.0.0.1:5\n",
        "tcp://127.0.0.1:\u0665",
        "tcp://*:5",
        "tcp://::1:5",
        "tcp://[::1:5",
        "tcp://[1.2.3]:5",
        "tcp://[:::1]:5",
        "tcp://user@host:5",
        "tcp://127.0.0.1:1;192.0.2.1:5",
        "udp://127.0.0.1:5",
        "ipc://relative",
        "ipc://@abstract",
        "ipc:///",
        "ipc:///a\0b",
        "ipc:///" + "a" * 107,
        "ipc:///" + "é" * 60,
    ],
)
def test_these_are_none(endpoint: str) -> None:
    with pytest.raises(ValueError, match="saw .*, allowed") as refused:
        is_local(endpoint)
    assert "\n" not in str(refused.value)
