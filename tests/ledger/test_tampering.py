"""Whoever holds the database changes something, guards off: verification says where it first went wrong."""

import json
import random
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from ledger import commitments, leaf, merkle, reading, signing, verify
from ledger.entries import EntryRow
from ledger.host import host_key
from ledger.verify import Finding, verify_log
from tests.ledger.conftest import TABLES, Superuser, Writer

SIZE = 16
AT = [0, 6, 15]


@pytest.fixture
def log(writer: Writer) -> Writer:
    """Sixteen entries in eleven appends."""
    writer.grow([1, 1, 3, 1, 2, 1, 1, 1, 3, 1, 1])
    assert verify_log(writer.log) == []
    return writer


def entry(log: Writer, index: int) -> EntryRow:
    return reading.read_entries(log.log, after=index - 1, limit=1)[0]


def flipped(data: bytes, seed: int) -> bytes:
    at = random.Random(seed).randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def first(log: Writer) -> Finding:
    found = verify_log(log.log)
    assert found, "nothing was found"
    return found[0]


def where(log: Writer, index: int, **more: Any) -> dict[str, Any]:
    return {"log": log.log, "index": index, **more}


HERE = "WHERE log = %(log)s AND index = %(index)s"


@pytest.mark.parametrize("index", AT)
@pytest.mark.parametrize("change", ["leaf = %(leaf)s", "leaf = %(leaf)s, leaf_hash = %(hash)s"])
def test_a_flipped_leaf(log: Writer, superuser: Superuser, index: int, change: str) -> None:
    data = flipped(entry(log, index).leaf, index)
    parameters = where(log, index, leaf=data, hash=merkle.leaf_hash(data))
    superuser.change(f"UPDATE ledger_entry SET {change} {HERE}", parameters)
    assert first(log).index == index


@pytest.mark.parametrize("index", AT)
def test_a_time_changed_in_leaf_hash_and_column_alike(log: Writer, superuser: Superuser, index: int) -> None:
    sealed = leaf.parse(entry(log, index).leaf)
    earlier = sealed.recorded_at.replace(microsecond=sealed.recorded_at.microsecond ^ 1)
    data = leaf.build(leaf.Leaf(sealed.log, sealed.index, earlier, sealed.party, sealed.commit))
    parameters = where(log, index, leaf=data, hash=merkle.leaf_hash(data), at=earlier)
    superuser.change(
        f"UPDATE ledger_entry SET leaf = %(leaf)s, leaf_hash = %(hash)s, recorded_at = %(at)s {HERE}",
        parameters,
    )
    assert first(log).index == index


@pytest.mark.parametrize("index", AT)
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            "UPDATE ledger_entry SET recorded_at = recorded_at + interval '1 microsecond'",
            "The time stored beside",
        ),
        ("UPDATE ledger_entry SET party = gen_random_uuid()", "The party stored beside"),
        ("UPDATE ledger_entry SET leaf_hash = sha256('x')", "is not the hash of its bytes"),
        ("UPDATE ledger_opening SET body = jsonb_set(body, '{n}', '77')", "a value or a salt was changed"),
        ("UPDATE ledger_opening SET body = jsonb_set(body, '{n}', '0.5')", "holds what no entry can hold"),
        ("UPDATE ledger_opening SET body = body - 'n'", "one salt for each field"),
        ("UPDATE ledger_opening SET body = '[]'", "one salt for each field"),
        (
            "UPDATE ledger_opening SET salts = set_byte(salts, 40, get_byte(salts, 40) # 1)",
            "a value or a salt",
        ),
        ("UPDATE ledger_opening SET type = 'Other'", "says something else"),
        ("UPDATE ledger_opening SET version = 99", "says something else"),
        ("UPDATE ledger_opening SET command = gen_random_uuid()", "says something else"),
        ("DELETE FROM ledger_opening", "The opening of entry"),
    ],
)
def test_a_changed_value(log: Writer, superuser: Superuser, index: int, change: str, sentence: str) -> None:
    superuser.change(f"{change} {HERE}", where(log, index))
    found = first(log)
    assert found.index == index
    assert sentence in found.sentence


@pytest.mark.parametrize("index", AT)
def test_a_deleted_entry(log: Writer, superuser: Superuser, index: int) -> None:
    with superuser.guards_off() as cursor:
        for table in ("entry", "opening"):
            cursor.execute(f"DELETE FROM ledger_{table} {HERE}", where(log, index))
    assert first(log) == Finding(index, f"Entry {index} is missing.")


def test_a_deleted_entry_with_the_rest_moved_up(log: Writer, superuser: Superuser) -> None:
    with superuser.guards_off() as cursor:
        for table in ("entry", "opening"):
            cursor.execute(f"DELETE FROM ledger_{table} {HERE}", where(log, 6))
            for index in range(7, SIZE):
                cursor.execute(f"UPDATE ledger_{table} SET index = index - 1 {HERE}", where(log, index))
    assert first(log) == Finding(6, "In the place of entry 6 lies entry 7.")


def test_a_deleted_tail_with_the_head_left_alone_or_put_back(log: Writer, superuser: Superuser) -> None:
    with superuser.guards_off() as cursor:
        for table in ("entry", "opening"):
            cursor.execute(
                f"DELETE FROM ledger_{table} WHERE log = %(log)s AND index >= 11", {"log": log.log}
            )
    assert first(log).index == 11
    superuser.change("UPDATE ledger_head SET size = 11 WHERE log = %(log)s", {"log": log.log})
    assert 11 in [finding.index for finding in verify_log(log.log)]


@pytest.mark.parametrize(("one", "other"), [(0, 1), (3, 9), (14, 15)])
def test_two_entries_swapped(log: Writer, superuser: Superuser, one: int, other: int) -> None:
    with superuser.guards_off() as cursor:
        for table in ("entry", "opening"):
            for old, new in ((one, 1000), (other, one), (1000, other)):
                cursor.execute(f"UPDATE ledger_{table} SET index = %(new)s {HERE}", where(log, old, new=new))
    assert first(log) == Finding(one, f"In the place of entry {one} lies entry {other}.")


def test_an_entry_inserted(log: Writer, superuser: Superuser) -> None:
    with superuser.guards_off() as cursor:
        for table in ("entry", "opening"):
            for index in reversed(range(6, SIZE)):
                cursor.execute(f"UPDATE ledger_{table} SET index = index + 1 {HERE}", where(log, index))
        cursor.execute(
            "INSERT INTO ledger_entry SELECT log, 6, leaf, leaf_hash, recorded_at, party FROM ledger_entry"
            " WHERE log = %(log)s AND index = 5",
            {"log": log.log},
        )
    assert first(log).index == 6


@pytest.mark.parametrize("index", [0, 2, 3, 5, 6, 8, 11, 12, 15])
def test_an_entry_replaced_by_a_well_made_one(log: Writer, superuser: Superuser, index: int) -> None:
    """Leaf, hash, opening and columns all agree with each other; only the tree and its signatures do not."""
    row = entry(log, index)
    assert row.opening is not None
    body = {name: value for name, (_, value) in row.opening.items()} | {"n": 77}
    salts = b"".join(bytes.fromhex(row.opening[name][0]) for name in sorted(body))
    sealed = replace(leaf.parse(row.leaf), commit=commitments.commit_body(body, salts))
    data = leaf.build(sealed)
    with superuser.guards_off() as cursor:
        cursor.execute(
            f"UPDATE ledger_entry SET leaf = %(leaf)s, leaf_hash = %(hash)s {HERE}",
            where(log, index, leaf=data, hash=merkle.leaf_hash(data)),
        )
        cursor.execute(
            f"UPDATE ledger_opening SET body = %(body)s::jsonb {HERE}",
            where(log, index, body=json.dumps(body)),
        )
    # Entries 2 to 4 were sealed in one append under one signature, and 2 and 3 share their lowest node:
    # without a mirror nothing tells them apart. Everywhere else the index is exact.
    assert first(log).index == (2 if index == 3 else index)


HEAD = "UPDATE ledger_head SET {} WHERE log = %(log)s"
NODE_7 = "WHERE log = %(log)s AND last_leaf = 7"
CHECKPOINT_6 = "WHERE log = %(log)s AND size = 6"  # over entry 5


@pytest.mark.parametrize(
    ("change", "index", "sentence"),
    [
        (HEAD.format("root = sha256('x')"), None, "root is not the root"),
        (HEAD.format("peaks = sha256('x')"), None, "right edge"),
        (HEAD.format("size = 11"), 11, "where the head does not count it"),
        (HEAD.format("size = 17"), 16, "Entry 16 is missing"),
        (HEAD.format("recorded_at = now()"), None, "The head's time"),
        (HEAD.format("origin = origin || 'x'"), 0, "sealed for another log"),
        (f"UPDATE ledger_node SET hash = sha256('x') {NODE_7}", 6, "stored tree"),
        (f"DELETE FROM ledger_node {NODE_7} AND level = 2", 6, "stored tree"),
        (f"UPDATE ledger_node SET last_leaf = 999 {NODE_7}", 6, "stored tree"),
        (f"UPDATE ledger_node SET level = 9 {NODE_7} AND level = 3", 6, "stored tree"),
        ("INSERT INTO ledger_node VALUES (%(log)s, 4, 1, sha256('x'))", 4, "a node too many"),
        (f"UPDATE ledger_checkpoint SET root = sha256('x') {CHECKPOINT_6}", 5, "beside the checkpoint"),
        (
            f"UPDATE ledger_checkpoint SET note = replace(note, E'\\n6\\n', E'\\n7\\n') {CHECKPOINT_6}",
            5,
            "is wrong",
        ),
        (f"UPDATE ledger_checkpoint SET note = 'x' {CHECKPOINT_6}", 5, "three lines"),
        (
            f"UPDATE ledger_checkpoint SET command = gen_random_uuid() {CHECKPOINT_6}",
            5,
            "another time or command",
        ),
        (f"UPDATE ledger_checkpoint SET recorded_at = now() {CHECKPOINT_6}", 5, "another time or command"),
        (f"DELETE FROM ledger_checkpoint {CHECKPOINT_6}", 5, "does not begin where"),
        ("DELETE FROM ledger_checkpoint WHERE log = %(log)s AND size = 16", 15, "no checkpoint"),
    ],
)
def test_a_changed_head_node_or_checkpoint(
    log: Writer, superuser: Superuser, change: str, index: int | None, sentence: str
) -> None:
    superuser.change(change, {"log": log.log})
    found = first(log)
    assert found.index == index
    assert sentence in found.sentence


def test_a_checkpoint_signed_by_the_host_over_a_wrong_root(log: Writer, superuser: Superuser) -> None:
    root, origin = bytes(32), f"countersign/localhost/case/{log.log}"
    note = host_key().sign(origin, signing.checkpoint_text(origin, 6, root))
    superuser.change(
        "UPDATE ledger_checkpoint SET root = %(root)s, note = %(note)s WHERE log = %(log)s AND size = 6",
        {"log": log.log, "root": root, "note": note},
    )
    found = first(log)
    assert found.index == 5
    assert "is not the root of the entries" in found.sentence


def test_a_version_taken_twice_or_left_out(log: Writer, superuser: Superuser) -> None:
    """The opening, its commitment and its columns agree; only the count along the stream does not."""
    rows = reading.read_entries(log.log)
    assert rows[9].opening is not None
    body = {name: value for name, (_, value) in rows[9].opening.items()}
    superuser.change(
        f"UPDATE ledger_opening SET version = 50, body = %(body)s::jsonb {HERE}",
        where(log, 9, body=json.dumps(body | {"version": 50})),
    )
    found = verify_log(log.log)
    assert {finding.index for finding in found} == {9}
    assert any("calls itself version 50" in finding.sentence for finding in found)


CHANGED = {
    "uuid": "gen_random_uuid()",
    "bigint": "{} + 1",
    "integer": "{} + 1",
    "smallint": "{} + 20",
    "bytea": "set_byte({0}, length({0}) / 2, get_byte({0}, length({0}) / 2) # 4)",
    "text": "{} || 'x'",
    "character varying": "{} || 'x'",
    "timestamp with time zone": "{} + interval '1 microsecond'",
    "jsonb": """{} || '{{"n": 99}}'""",
}
# What the host notes for itself, unsigned: how to tell a repeated command, how far its clock was off.
# Nothing is erased here, so there is nothing to change.
UNSIGNED = {
    ("ledger_checkpoint", "command_digest"),
    ("ledger_checkpoint", "skew_us"),
    ("ledger_opening", "erased"),
}


def test_no_column_can_be_changed_unseen(superuser: Superuser) -> None:
    with superuser.connection.transaction():
        columns = superuser.connection.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = ANY (%s)",
            (list(TABLES[:5]),),  # the others have tests of their own
        ).fetchall()
    unseen = set()
    for table, column, kind in columns:
        writer = Writer()
        writer.grow([1, 1, 2, 1])
        key = {"ledger_node": "last_leaf", "ledger_checkpoint": "size", "ledger_head": "size"}.get(
            table, "index"
        )
        which = f"(SELECT max({key}) FROM {table} WHERE log = %(log)s)"
        value = CHANGED[kind].format(column)
        superuser.change(
            f"UPDATE {table} SET {column} = {value} WHERE log = %(log)s AND {key} = {which}",
            {"log": writer.log},
        )
        if not verify_log(writer.log):
            unseen.add((table, column))
    assert unseen == UNSIGNED


def test_progress_is_told_and_findings_are_bounded(
    log: Writer, superuser: Superuser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "PAGE", 5)
    monkeypatch.setattr(verify, "MOST_FINDINGS", 3)
    told: list[tuple[int, int]] = []
    assert verify_log(log.log, lambda done, total: told.append((done, total))) == []
    assert told == [(5, 16), (10, 16), (15, 16), (16, 16)]
    superuser.change("UPDATE ledger_opening SET type = 'Other' WHERE log = %(log)s", {"log": log.log})
    assert [finding.index for finding in verify_log(log.log)] == [0, 1, 2]


def test_a_log_that_is_not_there(committed_db: None) -> None:
    assert verify_log(uuid4()) == [Finding(None, "There is no such log.")]


def test_many_clean_logs_raise_no_alarm(committed_db: None) -> None:
    shape = random.Random(3)
    for _ in range(10):
        writer = Writer()
        writer.grow([shape.randrange(1, 6) for _ in range(shape.randrange(1, 8))])
        assert verify_log(writer.log) == []
