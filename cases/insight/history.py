"""Shares as the ledger told them up to an entry, and what their terms cover."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db import connection
from django.db.models import Q

from cases import events
from cases.models import Case, EvidenceItem, Share
from cases.rules.acting import Actor
from cases.rules.shape import Event
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

_STREAMS = """
    SELECT o.stream, o.index, o.body, e.party, e.recorded_at
    FROM ledger_opening o JOIN ledger_entry e ON e.log = o.log AND e.index = o.index
    WHERE o.log = %s AND o.stream = ANY(%s) AND o.index <= %s ORDER BY o.index
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


def lives(actor: Actor, case: Case, between: tuple[UUID, UUID], *, until: int) -> list[Life]:
    """The shares between two parties, one of which is the actor's own, as they were up to an entry, the
    oldest first. Two queries, and one more for each disclosure of the time before there were terms."""
    if actor.party not in between:
        return []
    one, other = between
    pair = Q(giver=one, receiver=other) | Q(giver=other, receiver=one)
    shares = list(Share.objects.filter(pair, case=case).select_related("giver", "receiver"))
    return lives_of(case, sorted(shares, key=lambda share: share.offered_at), until=until)


def lives_of(case: Case, shares: Iterable[Share], *, until: int) -> list[Life]:
    """The same for shares at hand. One query, and one for each old disclosure."""
    found: dict[str, list[Told]] = defaultdict(list)
    listed = list(shares)
    if not listed:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_STREAMS, (case.pk, [share_stream(share.pk) for share in listed], until))
        for stream, index, body, party, recorded_at in cursor.fetchall():
            told = json.loads(body) if isinstance(body, str) else body
            stored = stored_event(case.pk, index, told, party=party, recorded_at=recorded_at.astimezone(UTC))
            found[stream].append(Told(stored=stored, event=events.read(stored)))
    return [_life(share, found[share_stream(share.pk)]) for share in listed]


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


def things(case: Case, owners: Iterable[UUID]) -> list[Thing]:
    """All items of these owners in a case, by number. One query."""
    rows = EvidenceItem.objects.filter(case=case, owner__in=list(owners)).order_by("number")
    return [
        Thing(item=pk, parent=parent, owner=owner, marking=marking)
        for pk, parent, owner, marking in rows.values_list("pk", "parent", "owner", "marking")
    ]


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
