"""The bytes of an entry and the commitment in it."""

import json
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import commitments, leaf
from ledger.errors import MalformedLeaf

LEAF = leaf.Leaf(
    "countersign/example.org/case/x",
    41,
    datetime(2026, 2, 8, 10, 44, 10, 123456, tzinfo=UTC),
    uuid4(),
    bytes(32),
)


def test_a_leaf_comes_back_from_its_bytes() -> None:
    assert leaf.parse(leaf.build(LEAF)) == LEAF
    signed = leaf.Leaf(LEAF.log, 0, LEAF.recorded_at, LEAF.party, LEAF.commit, {"alg": "ed25519", "key": "k"})
    assert leaf.parse(leaf.build(signed)) == signed


def test_times_are_utc_with_microseconds() -> None:
    assert (
        leaf.time_text(datetime(2026, 2, 8, 18, 44, tzinfo=timezone(timedelta(hours=8))))
        == "2026-02-08T10:44:00.000000Z"
    )
    for text in (
        "2026-02-08T10:44:00Z",
        "2026-02-08T10:44:00.000000+00:00",
        "2026-02-30T10:44:00.000000Z",
        "",
    ):
        with pytest.raises(ValueError, match=r".+"):
            leaf.parse_time(text)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": True},
        {"i": -1},
        {"i": False},
        {"i": "1"},
        {"log": ""},
        {"log": 1},
        {"ts": "2026-02-08T10:44:10Z"},
        {"ts": None},
        {"party": str(LEAF.party).upper()},
        {"party": 7},
        {"commit": "AB" * 32},
        {"commit": "ab" * 31},
        {"auth": None},
        {"more": 1},
        {"log": "x" * leaf.LARGEST_LEAF},
    ],
)
def test_a_leaf_that_says_something_else_is_refused(change: dict[str, Any]) -> None:
    value = json.loads(leaf.build(LEAF)) | change
    with pytest.raises(MalformedLeaf):
        leaf.parse(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


def test_a_leaf_lacking_a_part_is_refused() -> None:
    value = json.loads(leaf.build(LEAF))
    for name in value:
        rest = {key: part for key, part in value.items() if key != name}
        with pytest.raises(MalformedLeaf):
            leaf.parse(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode())


@given(st.data())
def test_a_damaged_leaf_is_refused_or_another_leaf(data: st.DataObject) -> None:
    built = bytearray(leaf.build(LEAF))
    at = data.draw(st.integers(0, len(built) - 1))
    built[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = leaf.parse(bytes(built))
    except MalformedLeaf:
        return
    assert found != LEAF
    assert leaf.build(found) == bytes(built)


def test_a_commitment_is_bound_to_every_name_value_and_salt() -> None:
    body: dict[str, Any] = {"a": 1, "b": "x", "c": None}
    salts = commitments.new_salts(3)
    sealed = commitments.commit_body(body, salts)
    assert sealed == commitments.commit_body(dict(reversed(body.items())), salts)
    others = [
        commitments.commit_body(body | {"a": 2}, salts),
        commitments.commit_body({"a": 1, "b": "x", "d": None}, salts),
        commitments.commit_body(body, salts[:-1] + bytes([salts[-1] ^ 1])),
        commitments.commit_body({"a": 1, "b": "x"}, salts[:64]),
    ]
    assert sealed not in others
    assert len(set(others)) == 4
    with pytest.raises(ValueError, match="argument"):
        commitments.commit_body(body, salts[:64])


def test_a_commitment_follows_its_formula() -> None:
    digests = [
        sha256(b"countersign/field/v1\n" + bytes([n]) * 32 + text).digest()
        for n, text in enumerate([b'["a",1]', b'["b",{"k":"\xc3\xa9"}]'])
    ]
    expected = sha256(b"countersign/body/v1\n" + b"".join(sorted(digests))).digest()
    assert commitments.commit_body({"b": {"k": "é"}, "a": 1}, bytes(32) + bytes([1]) * 32) == expected
