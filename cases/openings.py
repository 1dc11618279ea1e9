"""Which entries of a log a party may open: one rule, for the pages, the API and the exports alike."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from cases import events, sentences
from cases.rules.acting import Actor
from cases.rules.custody_events import DownloadBrokenOff, EvidenceExamined
from cases.rules.erasure import ValuesErased
from cases.rules.referral_events import ReferralEvent
from cases.rules.shape import Event
from cases.rules.share_events import ShareEvent
from cases.rules.transfer_events import TransferEvent
from ledger.entries import EntryRow, StoredEvent
from ledger.jcs import Json
from ledger.reading import stored_event


@dataclass(frozen=True, kw_only=True)
class Told:
    """An entry and what it tells; `stored` and `event` are None where its opening is lost to this host."""

    row: EntryRow
    stored: StoredEvent | None
    event: Event | None


def told(log: UUID, rows: Sequence[EntryRow]) -> list[Told]:
    """What these entries of a log tell, whoever may know it."""
    return [_told(log, row) for row in rows]


def mentioned(entries: Iterable[Told]) -> set[UUID]:
    """The evidence items that these entries speak of."""
    return {item for one in entries if one.event for item in sentences.items_of(one.event)}


def opened_to(actor: Actor, one: Told, seen: Container[UUID]) -> bool:
    """Whether the actor's party may read what an entry says: the case's own events, those of items that it
    sees, and examinations that it made or that concern what it owns; a share's for its two parties alone; a
    transfer of custody also for both its parties; an erasure as what it was done to.
    `seen` holds the items that the party sees, of those mentioned at least."""
    if one.event is None or one.stored is None:
        return False
    if isinstance(one.event, EvidenceExamined | ValuesErased) and one.event.owner:
        return actor.party in (one.event.owner, one.stored.party)
    if isinstance(one.event, DownloadBrokenOff):
        return actor.party in (one.event.owner, one.event.reader)
    if isinstance(one.event, ReferralEvent):
        return actor.party in one.event.readers
    if isinstance(one.event, ShareEvent):
        return actor.party in (one.event.party, one.event.to)
    if isinstance(one.event, TransferEvent) and actor.party in (one.event.party, one.event.to):
        return True
    return all(item in seen for item in sentences.items_of(one.event))


def _told(log: UUID, row: EntryRow) -> Told:
    if row.opening is None:
        return Told(row=row, stored=None, event=None)
    body: Mapping[str, Json] = {name: value for name, (_, value) in row.opening.items()}
    stored = stored_event(log, row.index, body, party=row.party, recorded_at=row.recorded_at)
    return Told(row=row, stored=stored, event=events.read(stored))
