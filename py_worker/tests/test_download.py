"""Files of data sets from a stand-in of the hub, and what is said where they cannot be had."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import huggingface_hub.constants
import pytest
from huggingface_hub import snapshot_download

from rzero_hub import download as module
from rzero_hub.download import DownloadFailure, download, main

COMMIT = "c" * 40
FILES = {"data/a-0.jsonl": b"0\n", "data/a-1.jsonl": b"1\n", "b.jsonl": b"b\n"}
CONVERTED = {"default/test/0000.parquet": b"PAR1"}


class Hub(BaseHTTPRequestHandler):
    """What the hub answers to whoever downloads; `fault`: a status for everything."""

    fault: int | None = None
    headers_of_fault: dict[str, str] = {}

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(self.path.split("?")[0])
        if self.fault is not None:
            return self.reply(self.fault, b"{}", self.headers_of_fault)
        if path.startswith("/api/datasets/me/data/tree/"):
            entries = [
                {"type": "file", "path": name, "size": len(content), "oid": f"{index:040}"}
                for index, (name, content) in enumerate(FILES.items())
            ]
            return self.reply(200, json.dumps(entries).encode())
        if path.startswith("/api/datasets/me/data"):
            siblings = [{"rfilename": name} for name in FILES]
            info = {"id": "me/data", "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}
            return self.reply(200, json.dumps(info).encode())
        prefix = "/datasets/me/data/resolve/"
        if not path.startswith(prefix):
            return self.reply(404, b"{}", {"x-error-code": "RepoNotFound"})
        rest = path.removeprefix(prefix)
        for revision, files in (("refs/convert/parquet", CONVERTED), ("main", FILES), (COMMIT, FILES)):
            if rest.startswith(f"{revision}/"):
                content = files.get(rest.removeprefix(f"{revision}/"))
                if content is None:
                    return self.reply(404, b"{}", {"x-error-code": "EntryNotFound"})
                return self.reply(
                    200, content, {"etag": f'"{len(content)}-{hash(rest)}"', "x-repo-commit": COMMIT}
                )
        return self.reply(404, b"{}", {"x-error-code": "RevisionNotFound"})

    def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    """A hub of its own for a test, with an empty cache."""

    class Own(Hub):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    point_at(f"http://127.0.0.1:{server.server_port}", tmp_path, monkeypatch)
    yield Own
    server.shutdown()
    server.server_close()
    thread.join()


def point_at(endpoint: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the module ask this hub with this cache: the library reads its variables once."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    # The library tries again for a while.
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    given = {"endpoint": endpoint, "cache_dir": cache, "token": False}
    real = module.hf_hub_download
    monkeypatch.setattr(module, "hf_hub_download", lambda *a, **k: real(*a, **k, **given))
    monkeypatch.setattr(module, "snapshot_download", lambda *a, **k: snapshot_download(*a, **k, **given))


def names(found: dict, commit: str = COMMIT) -> list[str]:
    assert found["commit"] == commit
    return [path.split(f"{commit}/")[1] for path in found["files"]]


def test_files_come_by_name_in_order(hub) -> None:
    found = download("me/data", "main", ["b.jsonl", "data/a-1.jsonl"])
    assert names(found) == ["b.jsonl", "data/a-1.jsonl"]
    assert [Path(path).read_bytes() for path in found["files"]] == [b"b\n", b"1\n"]


def test_a_pattern_is_all_files_that_match(hub) -> None:
    assert names(download("me/data", "main", ["data/a-*.jsonl"])) == ["data/a-0.jsonl", "data/a-1.jsonl"]


def test_the_hubs_own_parquet_branch(hub) -> None:
    found = download("me/data", "refs/convert/parquet", ["default/test/0000.parquet"])
    assert names(found) == ["default/test/0000.parquet"]


def test_what_is_in_the_cache_needs_no_hub(hub) -> None:
    first = download("me/data", "main", ["b.jsonl", "data/*"])
    hub.fault = 503
    assert download("me/data", "main", ["b.jsonl", "data/*"]) == first
    assert download("me/data", COMMIT, ["b.jsonl"])["commit"] == COMMIT


@pytest.mark.parametrize(
    ("repository", "revision", "name", "said"),
    [
        (
            "me/none",
            "main",
            "b.jsonl",
            "data set me/none is not on the Hugging Face hub (where it is private",
        ),
        ("me/none/at/all", "main", "b.jsonl", "data set me/none/at/all is not on the Hugging Face hub"),
        ("me/data", "v9", "b.jsonl", "data set me/data has no revision v9"),
        ("me/data", "main", "c.jsonl", "data set me/data has no file c.jsonl at main"),
        ("me/data", "main", "c*.jsonl", "data set me/data has no file c*.jsonl at main"),
    ],
)
def test_what_is_not_there_is_said(hub, repository: str, revision: str, name: str, said: str) -> None:
    with pytest.raises(DownloadFailure) as caught:
        download(repository, revision, [name])
    assert caught.value.code == "not_found"
    assert caught.value.message.startswith(said)


@pytest.mark.parametrize(
    ("status", "headers", "code", "said"),
    [
        (403, {"x-error-code": "GatedRepo"}, "refused", "is gated on the Hugging Face hub: ask for access"),
        (403, {}, "refused", "does not accept the token in HF_TOKEN"),
        (500, {}, "unavailable", "does not answer as it should (status 500): try again"),
    ],
)
def test_a_hub_that_refuses_or_is_ill(hub, status: int, headers: dict, code: str, said: str) -> None:
    hub.fault, hub.headers_of_fault = status, headers
    with pytest.raises(DownloadFailure) as caught:
        download("me/data", "main", ["b.jsonl"])
    assert caught.value.code == code
    assert said in caught.value.message


def test_nobody_listens(tmp_path: Path, monkeypatch) -> None:
    point_at("http://127.0.0.1:9", tmp_path, monkeypatch)
    with pytest.raises(
        DownloadFailure, match="b.jsonl is not in the hub's cache, and .* cannot be reached"
    ) as caught:
        download("me/data", "main", ["b.jsonl"])
    assert caught.value.code == "unavailable"


def test_offline(tmp_path: Path, monkeypatch) -> None:
    point_at("http://127.0.0.1:9", tmp_path, monkeypatch)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DownloadFailure, match="HF_HUB_OFFLINE is set: unset it") as caught:
        download("me/data", "main", ["b.jsonl"])
    assert caught.value.code == "unavailable"


def test_the_command_says_one_line(hub, capsys) -> None:
    assert main(["me/data", "--revision", "main", "--file", "b.jsonl"]) == 0
    assert names(json.loads(capsys.readouterr().out)["result"]) == ["b.jsonl"]
    assert main(["me/data", "--revision", "main", "--file", "c.jsonl"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "not_found"
