"""The ledger: what makes a gradient verb safe to repeat."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rzero_worker.errors import WorkerFailure
from rzero_worker.ledger import Ledger, digest
from rzero_worker.protocol import ErrorCode


def test_a_new_seq_is_to_be_executed() -> None:
    assert Ledger().is_new(5)
    assert Ledger().find(5, b"p") is None


def test_a_repeat_has_its_answer_and_a_changed_repeat_none() -> None:
    ledger = Ledger()
    ledger.record(5, b"p", b"answer")
    assert not ledger.is_new(5)
    assert ledger.find(5, b"p") == b"answer"
    with pytest.raises(WorkerFailure, match="saw 5 again") as conflict:
        ledger.find(5, b"q")
    assert conflict.value.code is ErrorCode.SEQUENCE_CONFLICT


def test_seq_must_increase_but_may_skip() -> None:
    ledger = Ledger()
    ledger.record(5, b"p", b"answer")
    assert ledger.find(9, b"p") is None
    with pytest.raises(WorkerFailure, match="saw 4, allowed is above 5") as conflict:
        ledger.find(4, b"p")
    assert conflict.value.code is ErrorCode.SEQUENCE_CONFLICT


def test_the_digest_is_of_the_verb_and_the_bytes() -> None:
    digests = {digest("a", b"p"), digest("b", b"p"), digest("a", b"q"), digest("ap", b"")}
    assert len(digests) == 4
    assert digest("a", b"p") == digest("a", b"p")


@given(
    capacity=st.integers(1, 5),
    requests=st.lists(st.tuples(st.integers(0, 12), st.sampled_from([b"p", b"q"])), max_size=60),
)
def test_each_seq_is_executed_at_most_once(capacity: int, requests: list[tuple[int, bytes]]) -> None:
    ledger = Ledger(capacity)
    executed: dict[int, tuple[bytes, bytes]] = {}
    for number, (seq, payload) in enumerate(requests):
        newest = sorted(executed)[-capacity:]
        try:
            answer = ledger.find(seq, payload)
        except WorkerFailure:
            assert seq not in newest or executed[seq][0] != payload
            assert seq <= max(executed)
            continue
        if answer is None:
            assert seq not in executed
            executed[seq] = (payload, b"%d" % number)
            ledger.record(seq, *executed[seq])
        else:
            assert seq in newest
            assert executed[seq] == (payload, answer)


def test_a_ledger_that_was_written_down_answers_as_before() -> None:
    ledger = Ledger(capacity=2)
    for seq, payload in ((3, b"p"), (5, b"q"), (8, b"r")):
        ledger.record(seq, digest("optim_step", payload), b"\x00answer to " + payload)
    again = Ledger.parse(ledger.dump(), capacity=2)
    assert again.dump() == ledger.dump()
    assert again.find(8, digest("optim_step", b"r")) == b"\x00answer to r"
    assert again.is_new(9)
    for seq, payload in ((3, b"p"), (5, b"r"), (7, b"s")):
        with pytest.raises(WorkerFailure) as conflict:
            again.find(seq, digest("optim_step", payload))
        assert conflict.value.code is ErrorCode.SEQUENCE_CONFLICT


def test_a_written_ledger_has_the_documented_form() -> None:
    ledger = Ledger()
    assert json.loads(ledger.dump()) == {"format": 1, "highest": -1, "answers": []}
    assert Ledger.parse(ledger.dump()).is_new(0)
    ledger.record(4, b"\x01\xff", b"\x80")
    assert json.loads(ledger.dump()) == {
        "format": 1,
        "highest": 4,
        "answers": [{"seq": 4, "digest": "01ff", "answer": "gA=="}],
    }


@pytest.mark.parametrize(
    "written",
    [
        b"{",
        b"\xff",
        b"[]",
        b"{}",
        b'{"format": 2, "highest": 1, "answers": []}',
        b'{"format": 1, "highest": "x", "answers": []}',
        b'{"format": 1, "highest": 1, "answers": [1]}',
        b'{"format": 1, "highest": 1, "answers": [{"seq": 1, "digest": "0", "answer": ""}]}',
        b'{"format": 1, "highest": 1, "answers": [{"seq": 1, "digest": "00", "answer": "?"}]}',
    ],
)
def test_what_is_no_ledger_is_a_value_error(written: bytes) -> None:
    with pytest.raises(ValueError):
        Ledger.parse(written)
