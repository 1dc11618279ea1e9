"""Reading logs: events for projections, entries for mirrors, heads and receipts.

All of it flat in the size of a log.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from django.db import connection

from ledger.commitments import split_salts
from ledger.entries import RESERVED, EntryRow, Head, LogInfo, Opening, Receipt, StoredEvent
from ledger.errors import NoSuchEntry
from ledger.jcs import Json
from ledger.models import Checkpoint, Entry, LogHead

PAGE = 1000
TILE = 256

_EVENTS = """
    SELECT o.index, o.body, e.party, e.recorded_at
    FROM ledger_opening o JOIN ledger_entry e ON e.log = o.log AND e.index = o.index
    WHERE o.log = %s AND o.index > %s ORDER BY o.index LIMIT %s
"""
_STREAM = """
    SELECT o.index, o.body, e.party, e.recorded_at
    FROM ledger_opening o JOIN ledger_entry e ON e.log = o.log AND e.index = o.index
    WHERE o.log = %s AND o.stream = %s AND o.version > %s AND o.version <= %s ORDER BY o.version
"""
_STREAM_OF = """
    SELECT o.index, o.body, e.party, e.recorded_at
    FROM ledger_opening o JOIN ledger_entry e ON e.log = o.log AND e.index = o.index
    WHERE o.log = %(log)s AND o.stream = (
        SELECT stream FROM ledger_opening WHERE log = %(log)s AND index = %(index)s
    ) ORDER BY o.version
"""
_ENTRIES = """
    SELECT e.index, e.leaf, e.leaf_hash, e.recorded_at, e.party, o.body, o.salts, o.erased
    FROM ledger_entry e LEFT JOIN ledger_opening o ON o.log = e.log AND o.index = e.index
    WHERE e.log = %s AND e.index > %s ORDER BY e.index LIMIT %s
"""


def stored_event(
    log: UUID, index: int, body: Mapping[str, Json], *, party: UUID, recorded_at: datetime
) -> StoredEvent:
    """The event whose body this is."""
    return StoredEvent(
        log=log,
        index=index,
        stream=cast("str", body["stream"]),
        version=cast("int", body["version"]),
        type=cast("str", body["type"]),
        schema=cast("int", body["schema"]),
        party=party,
        actor=cast("dict[str, Json]", body["actor"]),
        command=UUID(cast("str", body["command"])),
        recorded_at=recorded_at,
        fields={name: value for name, value in body.items() if name not in RESERVED},
    )


def read_events(log_id: UUID, *, after: int = -1, limit: int | None = None) -> Iterator[StoredEvent]:
    """The events of a log after an index, in order; fetched a page at a time, so that memory stays flat."""
    left = limit
    while left is None or left > 0:
        page = _rows(_EVENTS, (log_id, after, PAGE if left is None else min(PAGE, left)))
        for index, body, party, recorded_at in page:
            yield stored_event(
                log_id, index, json.loads(body), party=party, recorded_at=recorded_at.astimezone(UTC)
            )
        if len(page) < PAGE:
            return
        after = page[-1][0]
        left = None if left is None else left - len(page)


def read_stream(log_id: UUID, stream: str, *, after: int, until: int) -> list[StoredEvent]:
    """The events of one stream after a version, up to another."""
    return [
        stored_event(log_id, index, json.loads(body), party=party, recorded_at=recorded_at.astimezone(UTC))
        for index, body, party, recorded_at in _rows(_STREAM, (log_id, stream, after, until))
    ]


def stream_of(log_id: UUID, index: int) -> list[StoredEvent]:
    """All events of the stream that an entry belongs to; none where its opening is lost."""
    with connection.cursor() as cursor:
        cursor.execute(_STREAM_OF, {"log": log_id, "index": index})
        rows = cursor.fetchall()
    return [
        stored_event(log_id, place, json.loads(body), party=party, recorded_at=recorded_at.astimezone(UTC))
        for place, body, party, recorded_at in rows
    ]


def append_of(log_id: UUID, index: int) -> tuple[int, int] | None:
    """The first entry and the size of the append that an entry came with, or None where there is no entry."""
    found = Checkpoint.objects.filter(log=log_id, size__gt=index).order_by("size")
    return found.values_list("first", "size").first()


def read_entries(log_id: UUID, *, after: int = -1, limit: int = 100) -> list[EntryRow]:
    """Up to `limit` sealed entries after an index, in order, with their openings."""
    return [
        EntryRow(
            index,
            bytes(leaf),
            bytes(leaf_hash),
            recorded_at.astimezone(UTC),
            party,
            opening_of(body, salts),
            json.loads(erased) if erased else {},
        )
        for index, leaf, leaf_hash, recorded_at, party, body, salts, erased in _rows(
            _ENTRIES, (log_id, after, limit)
        )
    ]


def opening_of(body: str | None, salts: bytes | None) -> Opening | None:
    """A stored opening as it is shown: each field's name with its salt and value."""
    if body is None or salts is None:
        return None
    fields: dict[str, Json] = json.loads(body)
    salt_hex = [salt.hex() for salt in split_salts(bytes(salts))]
    return {name: (salt, fields[name]) for name, salt in zip(sorted(fields), salt_hex, strict=True)}


def leaves(log_id: UUID, start: int, end: int) -> list[bytes]:
    """The exact leaves from `start`, up to `end` or the next multiple of 256, whichever comes first.

    Pages thus lie as the tiles of a log do, and a full one never changes. NoSuchEntry past the log's end.
    """
    until = min(end, (start // TILE + 1) * TILE)
    rows = _rows(
        "SELECT leaf FROM ledger_entry WHERE log = %s AND index >= %s AND index < %s ORDER BY index",
        (log_id, start, until),
    )
    if start < 0 or end < start or len(rows) != until - start:
        raise NoSuchEntry(f"This log does not have the entries {start} to {end - 1}.")
    return [bytes(leaf) for (leaf,) in rows]


def head(log_id: UUID) -> Head | None:
    """Where a log stands, or None where nothing was ever recorded."""
    found = Checkpoint.objects.filter(log=log_id).order_by("-size").first()
    if found is None:
        return None
    return Head(found.size, bytes(found.root).hex(), found.note, found.recorded_at)


def logs() -> list[LogInfo]:
    """Every log of this host, case logs before host logs, by origin."""
    rows = LogHead.objects.order_by("kind", "origin").values_list("log", "kind", "origin", "size")
    return [LogInfo(*row) for row in rows]


def receipt_of(log_id: UUID, size: int) -> Receipt:
    """The receipt of the append that brought the log to `size`, as its writer got it, marked as replayed."""
    found = Checkpoint.objects.filter(log=log_id, size=size).first()
    if found is None:
        raise NoSuchEntry(f"No append brought this log to size {size}.")
    count = found.size - found.first
    hashes = Entry.objects.filter(log=log_id, index__gte=found.first, index__lt=size).order_by("index")
    return Receipt(
        log=log_id,
        first=found.first,
        count=count,
        size=size,
        leaf_hashes=tuple(bytes(one).hex() for one in hashes.values_list("leaf_hash", flat=True)),
        checkpoint=found.note,
        recorded_at=found.recorded_at,
        replayed=True,
        events=tuple(read_events(log_id, after=found.first - 1, limit=count)),
    )


def _rows(query: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
