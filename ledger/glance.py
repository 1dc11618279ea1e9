"""Two looks at a log for the pages of a case, one query each: where it stands and who vouches for that, and
what bounds the time of one entry."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from ledger import cosigning
from ledger.cosigning import parse_vkey
from ledger.entries import Head

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# One step in an index for each key and each authority, however long the log is.
_KEYS = """unnest(%(names)s::text[], %(ids)s::bytea[], %(until)s::bigint[])
    WITH ORDINALITY AS named (name, id, until, n)"""
_BY_KEY = """(SELECT size, timestamp FROM ledger_cosignature
    WHERE log = %(log)s AND key_name = named.name AND key_id = named.id AND timestamp <= named.until"""
_WHERE = f"""
    SELECT h.size, h.root, h.note, h.recorded_at, c.n, c.size, c.timestamp
    FROM (SELECT size, root, note, recorded_at FROM ledger_checkpoint WHERE log = %(log)s
        ORDER BY size DESC LIMIT 1) AS h
    LEFT JOIN (SELECT named.n, found.size, found.timestamp FROM {_KEYS}
        CROSS JOIN LATERAL {_BY_KEY} ORDER BY size DESC LIMIT 1) AS found) AS c ON true
"""  # noqa: S608 (fragments of our own)
_AROUND = f"""
    SELECT 'above', named.n, '', c.size, c.timestamp, NULL::timestamptz FROM {_KEYS}
    CROSS JOIN LATERAL {_BY_KEY} AND size > %(index)s ORDER BY size LIMIT 1) AS c
    UNION ALL
    SELECT 'below', named.n, '', c.size, c.timestamp, NULL FROM {_KEYS}
    CROSS JOIN LATERAL {_BY_KEY} AND size <= %(index)s ORDER BY size DESC LIMIT 1) AS c
    UNION ALL
    SELECT 'stamp', 0, s.authority, s.size, 0, s.stamped_at
    FROM (SELECT DISTINCT ON (authority) authority, size, stamped_at FROM ledger_timestamp
        WHERE log = %(log)s AND size > %(index)s ORDER BY authority, size) AS s
"""  # noqa: S608 (fragments of our own)


@dataclass(frozen=True)
class Vouched:
    """A cosignature without its bytes: over which size, and when by the witness's clock."""

    size: int
    at: datetime


@dataclass(frozen=True)
class Around:
    """By vkey the first cosignature that covers an entry and the newest that does not; of each authority the
    first time stamp that covers it, as name, size and time."""

    above: Mapping[str, Vouched]
    below: Mapping[str, Vouched]
    stamps: tuple[tuple[str, int, datetime], ...]


def where_it_stands(
    log_id: UUID, keys: Iterable[str], *, until: Mapping[str, datetime]
) -> tuple[Head | None, dict[str, Vouched]]:
    """A log's head, None where nothing was ever recorded, and the newest cosignature of each of these vkeys.

    A key named in `until` counts as far as it is dated by then.
    """
    named, parameters = _named(log_id, keys, until)
    rows = _rows(_WHERE, parameters)
    if not rows:
        return None, {}
    size, root, note, recorded_at = rows[0][:4]
    newest = {named[n - 1]: Vouched(of, _time(at)) for *_, n, of, at in rows if n is not None}
    return Head(size, bytes(root).hex(), note, recorded_at), newest


def around(log_id: UUID, index: int, keys: Iterable[str], *, until: Mapping[str, datetime]) -> Around:
    """What is known of the time of the entry at `index`; keys as above."""
    named, parameters = _named(log_id, keys, until)
    above: dict[str, Vouched] = {}
    below: dict[str, Vouched] = {}
    stamps = []
    for kind, n, authority, size, timestamp, stamped_at in _rows(_AROUND, parameters | {"index": index}):
        if kind == "stamp":
            stamps.append((authority, size, stamped_at.astimezone(UTC)))
        else:
            (above if kind == "above" else below)[named[n - 1]] = Vouched(size, _time(timestamp))
    return Around(above, below, tuple(sorted(stamps)))


def _named(
    log_id: UUID, keys: Iterable[str], until: Mapping[str, datetime]
) -> tuple[list[str], dict[str, Any]]:
    parsed = [parse_vkey(key) for key in keys]
    vkeys = [key.vkey for key in parsed]
    ends = [int(until[vkey].timestamp()) if vkey in until else cosigning.LATEST for vkey in vkeys]
    return vkeys, {
        "log": log_id,
        "names": [key.name for key in parsed],
        "ids": [key.id for key in parsed],
        "until": ends,
    }


def _time(timestamp: int) -> datetime:
    return EPOCH + timedelta(seconds=timestamp)


def _rows(query: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
