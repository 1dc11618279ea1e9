"""Shares as the ledger told them up to an entry, and what their terms cover."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db import connection

from cases import events
from cases.models import Case, EvidenceItem, Share
from cases.rules.shape import CASE_STREAM, LOG_STREAM, Event
from cases.rules.share_events import (
    ShareAccepted,
    ShareGivenUp,
    ShareOffered,
    ShareRevoked,
    ShareState,
    share_stream,
)
from cases.rules.share_terms import STRICTNESS, Terms
from cases.terms import standing_terms
from ledger.entries import StoredEvent
from ledger.reading import stored_event

EVERY_ENTRY = 2**62
"""Up to whatever a log has."""

_BY_ENTRY = "SELECT index, recorded_at AS at FROM ledger_entry WHERE log = %(log)s AND index = %(asked)s"
_BY_TIME = """
    SELECT size - 1 AS index, %(asked)s::timestamptz AS at FROM ledger_checkpoint
    WHERE log = %(log)s AND recorded_at <= %(asked)s ORDER BY size DESC LIMIT 1
"""
_NEWEST = """
    SELECT size - 1 AS index, now() AS at FROM ledger_checkpoint
    WHERE log = %(log)s ORDER BY size DESC LIMIT 1
"""
_STREAMS = """
    WITH bound AS ({bound})
    SELECT b.index, b.at, o.stream, o.index, o.body, e.party, e.recorded_at
    FROM bound b JOIN ledger_opening o ON o.log = %(log)s AND o.stream = ANY(%(streams)s)
    AND o.index <= b.index JOIN ledger_entry e ON e.log = o.log AND e.index = o.index ORDER BY o.index
"""


@dataclass(frozen=True, kw_only=True)
class Told:
    """One event of a share as it was recorded."""

    stored: StoredEvent
    event: Event


@dataclass(frozen=True, kw_only=True)
class Life:
    """A share and all that was recorded of it; `began` is where it stood before the first of that."""

    share: Share
    told: Sequence[Told]
    began: ShareState

    @property
    def state(self) -> ShareState:
        """Where it stands after all of this."""
        state = self.began
        for one in self.told:
            state = state.after(one.event)
        return state

    @property
    def every_terms(self) -> list[Terms]:
        """All terms that were in force at one time or another."""
        found, state = [], self.began
        if state.status == "accepted":
            found.append(state.terms)
        for one in self.told:
            state = state.after(one.event)
            if isinstance(one.event, ShareAccepted):
                found.append(state.terms)
        return found

    @property
    def span(self) -> tuple[int, int] | None:
        """The entries between which it was in force; None where it never was. Still so: up to any entry."""
        first = 0 if self.began.status == "accepted" else None
        last = EVERY_ENTRY
        for one in self.told:
            if isinstance(one.event, ShareAccepted) and first is None:
                first = one.stored.index
            if isinstance(one.event, ShareRevoked | ShareGivenUp):
                last = one.stored.index
        return None if first is None else (first, last)


@dataclass(frozen=True, kw_only=True)
class Past:
    """What some streams of a case's log held after an entry, and when that was."""

    entry: int
    at: datetime
    streams: Mapping[str, Sequence[Told]]

    def life(self, share: Share) -> Life:
        """A share as it was then."""
        return _life(share, self.streams.get(share_stream(share.pk), ()))


def past(case: Case, streams: Iterable[str], asked: datetime | int | None = None) -> Past | None:
    """The streams, and those of the log and the case, as they were at a time or after an entry, or now; None
    where the log had not begun or has no such entry. One query."""
    bound = _NEWEST if asked is None else _BY_ENTRY if isinstance(asked, int) else _BY_TIME
    wanted = {"log": case.pk, "asked": asked, "streams": [LOG_STREAM, CASE_STREAM, *streams]}
    with connection.cursor() as cursor:
        cursor.execute(_STREAMS.format(bound=bound), wanted)
        rows = cursor.fetchall()
    if not rows:
        return None
    found: dict[str, list[Told]] = defaultdict(list)
    for _, _, stream, index, body, party, recorded_at in rows:
        told = json.loads(body) if isinstance(body, str) else body
        stored = stored_event(case.pk, index, told, party=party, recorded_at=recorded_at.astimezone(UTC))
        found[stream].append(Told(stored=stored, event=events.read(stored)))
    return Past(entry=rows[0][0], at=rows[0][1].astimezone(UTC), streams=found)


def _life(share: Share, told: Sequence[Told]) -> Life:
    began = ShareState()
    if not share.digest:  # a disclosure: in force at once, told by its item's own stream
        began = ShareState(
            status="accepted",
            giver=share.giver_id,
            receiver=share.receiver_id,
            terms=standing_terms(share),
        )
    elif told and not isinstance(told[0].event, ShareOffered):
        began = ShareState(status="accepted", giver=share.giver_id, receiver=share.receiver_id)
    return Life(share=share, told=told, began=began)


@dataclass(frozen=True, kw_only=True)
class Thing:
    """Of an item, what decides whether a share covers it."""

    item: UUID
    parent: UUID | None
    owner: UUID
    marking: str


def thing(item: EvidenceItem) -> Thing:
    """What of an item decides."""
    return Thing(item=item.pk, parent=item.parent_id, owner=item.owner_id, marking=item.marking)


def covered(terms: Terms, giver: UUID, among: Sequence[Thing]) -> set[UUID]:
    """The items that such terms are about: those named, or all of the giver, and what was derived from them;
    what is marked more strictly than the share stays out. Parents stand before what was made from them."""
    named = set(terms.items)
    meant: dict[UUID, UUID] = {}
    for one in among:
        whole = terms.scope == "case" and one.owner == giver
        along = one.parent is not None and meant.get(one.parent) == one.owner
        if whole or one.item in named or along:
            meant[one.item] = one.owner
    strict = STRICTNESS[terms.tlp]
    return {one.item for one in among if one.item in meant and STRICTNESS[one.marking] <= strict}


def in_window(terms: Terms, at: datetime) -> bool:
    """Whether terms hold at a time."""
    return (terms.not_before is None or terms.not_before <= at) and (
        terms.expires_at is None or at < terms.expires_at
    )
