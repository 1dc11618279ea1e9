"""Who has read what, from the ledger's own entries: also a search that found nothing taught its reader
something."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from cases import events
from cases.rules.custody_events import DownloadBrokenOff, EvidenceExamined
from ledger.reading import stored_event

EVERYTHING = 2**62

# An owner's items, or those that a reader has read; the bodies name owner and items.
_FOUND = """
    FROM ledger_opening o JOIN ledger_entry e ON e.log = o.log AND e.index = o.index
    WHERE o.log = %(case)s AND o.stream LIKE 'examination/%%' AND o.index BETWEEN %(first)s AND %(last)s
    AND (%(owner)s::text IS NULL OR o.body->>'owner' = %(owner)s)
    AND (%(reader)s::uuid IS NULL OR e.party = %(reader)s::uuid OR o.body->>'reader' = %(reader)s)
    AND (%(own)s OR e.party::text <> o.body->>'owner' OR o.body->>'reader' <> o.body->>'owner')
    AND (%(items)s::text[] IS NULL OR o.body->>'item' = ANY(%(items)s)
        OR EXISTS (SELECT 1 FROM jsonb_array_elements(o.body->'items') x WHERE x->>'item' = ANY(%(items)s)))
"""
_REPORT = f"""
    WITH found AS (SELECT o.index, o.type, o.body, e.party, e.recorded_at {_FOUND}),
    newest AS (SELECT * FROM found WHERE index < %(before)s ORDER BY index DESC LIMIT %(limit)s),
    totals AS (
        SELECT x->>'item' AS item, f.body->>'how' AS how, count(*) AS times,
            sum((x->>'records')::bigint) AS records, min(f.recorded_at) AS first, max(f.recorded_at) AS last
        FROM found f CROSS JOIN jsonb_array_elements(f.body->'items') x
        WHERE f.type = 'EvidenceExamined' AND (%(items)s::text[] IS NULL OR x->>'item' = ANY(%(items)s))
        GROUP BY 1, 2
    )
    SELECT index, body, party, recorded_at, NULL, NULL, NULL, NULL, NULL, NULL FROM newest
    UNION ALL SELECT NULL, NULL, NULL, NULL, item, how, times, records, first, last FROM totals
    ORDER BY 1 DESC NULLS LAST
"""  # noqa: S608 - constants


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which readings: `owner` of the items, `reader`, `items`, entries from `first` to `last`; None is any.
    What an owner reads of its own is left out unless `own`."""

    case: UUID
    owner: UUID | None = None
    reader: UUID | None = None
    items: Collection[UUID] | None = None
    first: int = 0
    last: int = EVERYTHING
    own: bool = False

    def parameters(self) -> dict[str, Any]:
        """For the statements above."""
        return {
            "case": self.case,
            "owner": str(self.owner) if self.owner else None,
            "reader": str(self.reader) if self.reader else None,
            "items": None if self.items is None else [str(item) for item in self.items],
            "first": self.first,
            "last": self.last,
            "own": self.own,
        }


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One act of reading: `shown` says how many records of each item. `sent`: of a download that was broken
    off, how many bytes had left."""

    entry: int
    at: datetime
    party: UUID
    who: str
    how: str
    query: str
    purpose: str
    shown: dict[UUID, int]
    sent: int | None


@dataclass(frozen=True, kw_only=True)
class Total:
    """What one item's readings of one kind come to."""

    item: UUID
    how: str
    times: int
    records: int
    first: datetime
    last: datetime


def report(asked: Asked, *, before: int = EVERYTHING, limit: int = 200) -> tuple[list[Reading], list[Total]]:
    """The newest of them below an entry, and all of them counted by item and kind. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_REPORT, asked.parameters() | {"before": before, "limit": limit})
        rows = cursor.fetchall()
    readings = [_reading(asked, *row[:4]) for row in rows if row[0] is not None]
    return readings, [_total(*row[4:]) for row in rows if row[0] is None]


def _total(item: str, how: str, times: int, records: int, first: datetime, last: datetime) -> Total:
    return Total(
        item=UUID(item),
        how=how,
        times=times,
        records=int(records or 0),
        first=first.astimezone(UTC),
        last=last.astimezone(UTC),
    )


def _reading(asked: Asked, index: int, body: Any, party: UUID, recorded_at: datetime) -> Reading:
    stored = stored_event(asked.case, index, _plain(body), party=party, recorded_at=recorded_at)
    event = events.read(stored)
    at, who = recorded_at.astimezone(UTC), str(stored.actor["name"])
    wanted = None if asked.items is None else set(asked.items)
    if isinstance(event, DownloadBrokenOff):
        return Reading(
            entry=index,
            at=at,
            party=event.reader,
            who=who,
            how="broken_off",
            query="",
            purpose="",
            shown={event.item: 0},
            sent=event.sent,
        )
    if not isinstance(event, EvidenceExamined):
        raise TypeError(f"{stored.type} is no reading")
    return Reading(
        entry=index,
        at=at,
        party=party,
        who=who,
        how=event.how,
        query=event.query,
        purpose=event.purpose,
        shown={one.item: one.records for one in event.items if wanted is None or one.item in wanted},
        sent=None,
    )


def _plain(body: Any) -> Any:
    return json.loads(body) if isinstance(body, str) else body
