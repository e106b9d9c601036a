"""Key files: what is in them and who may read them."""

from __future__ import annotations

from pathlib import Path

import pytest
import zmq

from rzero_worker.keys import CurveKeys, KeysError, read_keys

PUBLIC, SECRET = (key.decode() for key in zmq.curve_keypair())
SERVER = zmq.curve_keypair()[0].decode()
PAIR = f'public = "{PUBLIC}"\nsecret = "{SECRET}"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "own", PAIR)
    write(tmp_path / "server", f'public = "{SERVER}"\n', 0o644)
    return tmp_path


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text, "utf-8")
    path.chmod(mode)


def refusal(folder: Path) -> str:
    with pytest.raises(KeysError) as refused:
        read_keys(folder / "own", folder / "server")
    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        PAIR,
        PAIR.strip(),
        PAIR.replace("\n", "\r\n"),
        f'# made today\n\n  secret="{SECRET}"  # mine\n\tpublic\t=\t"{PUBLIC}"\n',
    ],
)
def test_a_pair_and_a_public_key(folder: Path, text: str) -> None:
    write(folder / "own", text)
    keys = read_keys(folder / "own", folder / "server")
    assert keys == CurveKeys(PUBLIC.encode(), SECRET.encode(), SERVER.encode())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o601])
def test_a_secret_is_for_its_owner_alone(folder: Path, mode: int) -> None:
    (folder / "own").chmod(mode)
    said = refusal(folder)
    assert f"saw mode {mode:04o}, allowed is 0600" in said
    assert f"chmod 600 {folder / 'own'}" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "public and secret: missing"),
        (f'public = "{PUBLIC}"\n', "secret: missing"),
        (f'secret = "{SECRET}"\n', "public: missing"),
        (PAIR + PAIR, "line 3: allowed is one line public"),
        (PAIR + "more = 1\n", "line 3: allowed is one line public"),
        (PAIR.replace('"', "'"), "line 1: allowed is one line public"),
        (PAIR.replace(SECRET, SECRET[1:]), "secret: saw 39 characters, allowed are 40 of Z85"),
        (PAIR.replace(SECRET, SECRET[:-1] + "~"), "secret: saw 40 characters, allowed are 40 of Z85"),
        (PAIR.replace(SECRET, "#" * 40), "secret: saw 40 characters, allowed are 40 of Z85"),
        (PAIR.replace(PUBLIC, "é" * 40), "characters that are not ASCII"),
        (PAIR.replace(PUBLIC, SERVER), "the public key is not the one that belongs to the secret key"),
    ],
)
def test_a_file_that_is_no_pair(folder: Path, text: str, said: str) -> None:
    write(folder / "own", text)
    message = refusal(folder)
    assert message.startswith(f"{folder / 'own'}: ")
    assert said in message


def test_the_orchestrators_file_holds_no_secret(folder: Path) -> None:
    write(folder / "server", PAIR)
    assert f"{folder / 'server'}: saw a secret key, allowed is a public one alone" in refusal(folder)


def test_a_file_that_cannot_be_read(folder: Path) -> None:
    (folder / "server").unlink()
    assert refusal(folder) == f"{folder / 'server'}: cannot be read: No such file or directory"
    (folder / "server").mkdir()
    assert refusal(folder) == f"{folder / 'server'}: cannot be read: Is a directory"


def test_a_libzmq_without_curve(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zmq, "has", lambda capability: capability != "curve")
    assert "libzmq was built without CURVE" in refusal(folder)
