"""Erasing values: what an act holds that could go, and the deed itself, in the commit of its event."""

from collections.abc import Iterable
from uuid import UUID

from cases import memory, openings, policy, sentences
from cases.models import Case
from cases.rules.acting import Actor
from cases.rules.custody_events import EvidenceExamined
from cases.rules.erasure import ERASABLE, Recorded, ValuesErased
from cases.rules.referral_events import ReferralConsentEvent, ReferralEvent
from cases.rules.shape import Event
from cases.rules.share_events import ShareEvent
from ledger import reading
from ledger.commitments import field_digest
from ledger.entries import StoredEvent
from ledger.erasure import erase


def act_of(case: UUID, entry: int) -> tuple[Recorded, ...]:
    """The entries that came into the log together with this one, and it among them; none where it is not."""
    first, size = reading.append_of(case, entry) or (0, 0)
    rows = reading.read_entries(case, after=first - 1, limit=size - first)
    return tuple(_recorded(one) for one in openings.told(case, rows))


def erasable(actor: Actor, case: Case, entry: int) -> dict[str, str]:
    """What the actor could erase of an entry of a visible case as things stand: field names and their values.
    Empty where it may not, or where there is nothing."""
    allowed = policy.may(actor, "EraseValues", part=case.my_part, status=case.status)
    if not allowed or case.legal_hold:
        return {}
    act = act_of(case.pk, entry)
    mine = next((one for one in act if one.index == entry and one.party == actor.party), None)
    if mine is None or any(one.signed for one in act):
        return {}
    return {name: mine.texts[name] for name in mine.left}


def carry_out(events: Iterable[StoredEvent]) -> None:
    """Destroy what these new events say was erased; to be called in their own transaction. A crash before the
    commit leaves both event and value as if nobody had asked."""
    for event in events:
        if event.type == ValuesErased.__name__:
            told = ValuesErased.of(event.fields)
            erase(event.log, told.entry, told.names)
            memory.forget(event.log)  # at once here; other processes meet this event when they next decide


def _other_reader(event: Event, made_by: UUID) -> UUID | None:
    """The party that may read this entry beside the one that made it, where it is not for the whole case."""
    match event:
        case EvidenceExamined() | ValuesErased():
            return event.owner
        case ReferralConsentEvent():
            return event.party
        case ReferralEvent():
            return event.to if made_by == event.party else event.party
        case ShareEvent():
            return event.to if made_by == event.party else event.party
    return None


def _recorded(one: openings.Told) -> Recorded:
    row, event = one.row, one.event
    if one.stored is None or event is None or row.opening is None:
        return Recorded(index=row.index, party=row.party, lost=True)
    wanted = [name for name in ERASABLE.get(one.stored.type, ()) if name in row.opening]
    return Recorded(
        index=row.index,
        party=row.party,
        type=one.stored.type,
        texts={name: str(row.opening[name][1] or "") for name in wanted},
        digests={
            name: field_digest(bytes.fromhex(row.opening[name][0]), name, row.opening[name][1]).hex()
            for name in wanted
        },
        erased=frozenset(row.erased),
        items=() if isinstance(event, EvidenceExamined) else tuple(sentences.items_of(event)),
        owner=_other_reader(event, row.party),
        signed="intent" in row.opening,
    )
