"""The cosignatures that the host holds: taking them in, showing them, and how far the parties have come."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from ledger import cosigning, signing
from ledger.cosigning import Cosigned, WitnessKey, parse_vkey
from ledger.errors import FromTheFuture, NoSuchEntry, UnknownKey, VerificationError
from ledger.models import Checkpoint, Cosignature, LogHead

AHEAD = timedelta(minutes=5)  # by how much a witness's clock may be in front of ours

_INSERT = """
    INSERT INTO ledger_cosignature (log, size, key_name, key_id, public, timestamp, signature, received_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
# One step in the index for each key, however many checkpoints there are.
_EACH_KEY = """
    SELECT named.n, c.size, c.timestamp, c.signature
    FROM unnest(%(names)s::text[], %(ids)s::bytea[], %(until)s::bigint[])
        WITH ORDINALITY AS named (name, id, until, n)
    CROSS JOIN LATERAL (SELECT size, timestamp, signature FROM ledger_cosignature
        WHERE log = %(log)s AND key_name = named.name AND key_id = named.id AND timestamp <= named.until
        AND {} LIMIT 1) AS c
"""
_NEWEST = _EACH_KEY.format("size <= %(size)s ORDER BY size DESC")
_OLDEST_ABOVE = _EACH_KEY.format("size > %(size)s ORDER BY size")

Quorum = Callable[[Collection[str]], bool]  # whether these witness keys, as vkeys, are enough


@dataclass(frozen=True)
class Held:
    """A cosignature as the host holds it: by whom, over which size, and when by the witness's clock."""

    vkey: str
    size: int
    at: datetime
    line: str


@dataclass(frozen=True)
class Standing:
    """How far the parties have countersigned a log.

    `size` is what the host signed, `countersigned` how much of it a quorum vouches for; `waiting` is the
    first entry above that and `waiting_since` its time, both None where nothing waits.
    """

    size: int
    countersigned: int
    newest: Mapping[str, Held]
    waiting: int | None
    waiting_since: datetime | None


def add_cosignatures(
    log_id: UUID,
    given: str,
    keys: Iterable[str],
    *,
    size: int | None = None,
    at: datetime | None = None,
) -> list[Held]:
    """Take in the cosignatures by these vkeys; return them as held, new ones and those known already.

    `given` is a whole note, or signature lines alone with the `size` they are for. The first cosignature of a
    key for a size is kept, a later one of the same size changes nothing. All of it is refused where the
    checkpoint is not one of ours, where a signature by a known key does not hold, where no key is known, or
    where a witness's time is more than five minutes ahead.
    """
    text, signatures, size = _read(given, size)
    stored = Checkpoint.objects.filter(log=log_id, size=size).first()
    if stored is None:
        raise NoSuchEntry(f"This log has no checkpoint of {size} entries.")
    ours = signing.parse_checkpoint(stored.note).text
    if text not in (None, ours):
        raise VerificationError(f"The checkpoint of {size} entries has another origin or root in this log.")
    found = cosigning.verified(ours, signatures, [parse_vkey(key) for key in keys])
    if not found:
        raise UnknownKey("None of the signatures is by a witness key that is known for this log.")
    now = (at or datetime.now(UTC)).astimezone(UTC)
    for one in found:
        if one.timestamp > (now + AHEAD).timestamp():
            raise FromTheFuture(f"The cosignature of {one.key.name} is dated more than five minutes ahead.")
    with connection.cursor() as cursor:
        for one in found:
            row = (one.key.name, one.key.id, one.key.public, one.timestamp, one.signature, now)
            cursor.execute(_INSERT, (log_id, size, *row))
    return [held for held in cosignatures(log_id, size) if held.vkey in {one.key.vkey for one in found}]


def _read(given: str, size: int | None) -> tuple[str | None, tuple[tuple[str, bytes, bytes], ...], int]:
    if size is not None and given.startswith(signing.DASH):
        return None, signing.parse_signatures(given), size
    note = signing.parse_checkpoint(given)
    if size not in (None, note.size):
        raise VerificationError(f"The note is of {note.size} entries, not of {size}.")
    return note.text, note.signatures, note.size


def cosignatures(log_id: UUID, size: int) -> list[Held]:
    """The cosignatures of one checkpoint, in the order in which they came."""
    rows = Cosignature.objects.filter(log=log_id, size=size).order_by("received_at", "key_name", "key_id")
    return [
        _held(WitnessKey(row.key_name, bytes(row.public)), size, row.timestamp, bytes(row.signature))
        for row in rows
    ]


def checkpoint_note(log_id: UUID, size: int | None = None) -> str:
    """The newest checkpoint's note, or that of `size`, with every cosignature line that the host holds."""
    found = Checkpoint.objects.filter(log=log_id, **({} if size is None else {"size": size}))
    newest = found.order_by("-size").values_list("note", "size").first()
    if newest is None:
        raise NoSuchEntry("This log has no such checkpoint.")
    return newest[0] + "".join(held.line for held in cosignatures(log_id, newest[1]))


def newest_by_key(
    log_id: UUID,
    keys: Iterable[str],
    *,
    at_most: int | None = None,
    until: Mapping[str, datetime] | None = None,
) -> dict[str, Held]:
    """For each of these vkeys the cosignature over the largest size, of `at_most` entries where given.

    Entries below that size existed by its time. A key named in `until` counts as far as it is dated by then.
    """
    return _each(_NEWEST, log_id, keys, cosigning.LATEST if at_most is None else at_most, until)


def oldest_above(
    log_id: UUID, index: int, keys: Iterable[str], *, until: Mapping[str, datetime] | None = None
) -> dict[str, Held]:
    """For each of these vkeys the first cosignature that covers the entry at `index`, where there is one."""
    return _each(_OLDEST_ABOVE, log_id, keys, index, until)


def standing(log_id: UUID, keys: Iterable[str], quorum: Quorum) -> Standing:
    """How far a quorum of these keys has countersigned the log; the work does not grow with the log."""
    newest = newest_by_key(log_id, keys)
    size = LogHead.objects.filter(log=log_id).values_list("size", flat=True).first() or 0
    reached = sorted({held.size for held in newest.values()} | {0}, reverse=True)
    agreed = next(
        (s for s in reached if quorum(frozenset(key for key, held in newest.items() if held.size >= s))), 0
    )
    countersigned = min(agreed, size)
    if countersigned == size:
        return Standing(size, countersigned, newest, None, None)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT recorded_at FROM ledger_entry WHERE log = %s AND index = %s", (log_id, countersigned)
        )
        row = cursor.fetchone()
    since = row[0].astimezone(UTC) if row else None
    return Standing(size, countersigned, newest, countersigned, since)


def countersigned_at(log_id: UUID, index: int, keys: Iterable[str], quorum: Quorum) -> datetime | None:
    """When the last witness of the first quorum vouched for an entry, or None where no quorum has yet."""
    firsts = sorted(oldest_above(log_id, index, keys).items(), key=lambda item: item[1].at)
    so_far: set[str] = set()
    for vkey, held in firsts:
        so_far.add(vkey)
        if quorum(frozenset(so_far)):
            return held.at
    return None


def _each(
    query: str, log_id: UUID, keys: Iterable[str], size: int, until: Mapping[str, datetime] | None
) -> dict[str, Held]:
    named = [parse_vkey(key) for key in keys]
    ends = [
        int(until[key.vkey].timestamp()) if until and key.vkey in until else cosigning.LATEST for key in named
    ]
    parameters: dict[str, Any] = {"log": log_id, "size": size, "until": ends}
    parameters |= {"names": [key.name for key in named], "ids": [key.id for key in named]}
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        rows = cursor.fetchall()
    found = [_held(named[n - 1], size, at, bytes(signature)) for n, size, at, signature in rows]
    return {held.vkey: held for held in found}


def _held(key: WitnessKey, size: int, timestamp: int, signature: bytes) -> Held:
    line = Cosigned(key, timestamp, signature).line
    return Held(key.vkey, size, datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=timestamp), line)
