"""Uploads: what each failure means, and how long one tries. The rest is tested with the command line."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx2
import pytest
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

from rzero_hub.upload import TRIES, Upload, UploadFailure, explained, upload

HUB = "http://hub.example"


def answered(status: int, url: str = f"{HUB}/api/models/me/x/commit/main?token=secret") -> HfHubHTTPError:
    response = httpx2.Response(status, request=httpx2.Request("POST", url))
    return HfHubHTTPError(f"{status} for {url}", response=response)


@pytest.mark.parametrize(
    ("error", "code", "again"),
    [
        (answered(401), "no_permission", False),
        (answered(403), "no_permission", False),
        (answered(403, "https://files.example/part?signature=secret"), "unavailable", True),
        (answered(400), "rejected", False),
        (answered(404), "rejected", False),
        (answered(408), "unavailable", True),
        (answered(429), "unavailable", True),
        (answered(503), "unavailable", True),
        (httpx2.ConnectError("refused"), "unavailable", True),
        (httpx2.ReadTimeout("slow"), "unavailable", True),
        (OfflineModeIsEnabled("offline"), "unavailable", False),
        (ConnectionError("broken"), "unavailable", True),
        (RuntimeError("transfer failed"), "unavailable", True),
        (PermissionError("token expired"), "no_permission", False),
        (PermissionError(13, "Permission denied"), "io", False),
        (FileNotFoundError("gone"), "io", False),
        (ValueError("Invalid metadata in README.md"), "rejected", False),
    ],
)
def test_what_a_failure_means(error: Exception, code: str, again: bool) -> None:
    failure = explained(error, HUB, "me/x")
    assert (failure.code, failure.again) == (code, again)
    assert "secret" not in failure.message
    assert "\n" not in failure.message


def test_a_failure_in_a_thread_is_what_the_thread_ended_with() -> None:
    wrapped = RuntimeError("Error while uploading")
    wrapped.__cause__ = answered(401)
    assert explained(wrapped, HUB, "me/x").code == "no_permission"


@pytest.fixture
def what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upload:
    (tmp_path / "README.md").write_text("# A model")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    return Upload(tmp_path, ["README.md"], "me/x", "model")


def test_a_hub_that_is_not_there_is_asked_again_and_then_named(what: Upload) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        said: list[dict] = []
        with pytest.raises(UploadFailure) as caught:
            upload(what, said.append, endpoint, wait=0)
    assert caught.value.code == "unavailable"
    assert f"{endpoint} cannot be reached" in caught.value.message
    assert len(said) == TRIES - 1 and all("retry" in line for line in said)
    assert "hf_secret" not in caught.value.message


def test_without_a_token_nobody_is_asked(what: Upload, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("rzero_hub.upload.get_token", lambda: None)
    with pytest.raises(UploadFailure, match="no token for the hub: .*hf auth login") as caught:
        upload(what, print, "http://127.0.0.1:9", wait=0)
    assert caught.value.code == "no_permission"
