"""Canonical JSON in the ledger's profile."""

import math
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from uuid import uuid4

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ledger import jcs
from ledger.errors import NotCanonical

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
KEYS = st.from_regex(jcs.KEY, fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-jcs.LARGEST, jcs.LARGEST) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_the_bytes_are_those_of_rfc_8785_and_come_back(value: Any) -> None:
    data = jcs.canonical(value)
    assert data == rfc8785.dumps(value)
    assert jcs.parse(data) == value


@given(
    st.binary(max_size=60)
    | VALUES.map(jcs.canonical).flatmap(lambda data: st.just(data + b" ") | st.just(data[:-1]))
)
def test_other_bytes_are_refused_or_already_canonical(data: bytes) -> None:
    try:
        value = jcs.parse(data)
    except NotCanonical:
        return
    assert jcs.canonical(value) == data


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (1.5, "value is a decimal number"),
        ({"a": {"b": math.nan}}, "value.a.b is a decimal number"),
        (2**53, "2\\^53 or larger"),
        (-(2**53), "2\\^53 or larger"),
        (["a\0"], r"value\[0\] holds a NUL"),
        ("\ud800", "half a surrogate"),
        ({"A": 1}, "must be 1 to 40"),
        ({"a" * 41: 1}, "must be 1 to 40"),
        ({"ä": 1}, "must be 1 to 40"),
        ({"a\n": 1}, "must be 1 to 40"),
        ({1: 1}, "must be 1 to 40"),
        (b"bytes", "is a bytes"),
        (uuid4(), "is a UUID"),
        (datetime.now(UTC), "is a datetime"),
    ],
)
def test_what_the_ledger_cannot_hash_is_refused_with_a_sentence(value: object, sentence: str) -> None:
    with pytest.raises(NotCanonical, match=sentence):
        jcs.canonical(value)


def test_depth_is_bounded_in_both_directions() -> None:
    deep: Any = 1
    for _ in range(jcs.DEEPEST + 1):
        deep = [deep]
    with pytest.raises(NotCanonical, match="nested deeper"):
        jcs.canonical(deep)
    with pytest.raises(NotCanonical):
        jcs.parse(b"[" * 100_000 + b"]" * 100_000)


def test_plain_copies_deeply_and_reads_tuples_and_mappings() -> None:
    inner = [1]
    copied = jcs.plain(MappingProxyType({"a": (inner, "x")}))
    inner.append(2)
    assert copied == {"a": [[1], "x"]}
    assert type(copied) is dict
