"""Shares as tables. Whom they let do what stands in guardian's rows, which follow from these."""

from collections.abc import Mapping
from functools import reduce
from typing import Any
from uuid import UUID

from cases import events
from cases.models import Share
from cases.projections.batch import Batch, Handlers
from cases.rules.custody_events import EvidenceDisclosed
from cases.rules.share_events import (
    ShareAccepted,
    ShareEvent,
    ShareGivenUp,
    ShareOffered,
    ShareRefused,
    ShareRevoked,
    ShareState,
    ShareTermsChanged,
)
from cases.rules.share_terms import Terms
from ledger import reading
from ledger.entries import StoredEvent

FORMER = ("metadata", "search", "preview", "download", "export")
"""What a disclosure without terms allowed."""


def _offered(batch: Batch, event: ShareOffered, stored: StoredEvent) -> None:
    terms = Terms.alone(event)
    batch.add(
        Share(
            id=event.share,
            case_id=stored.log,
            giver_id=event.party,
            receiver_id=event.to,
            status="offered",
            offered_at=stored.recorded_at,
            # Not by a press of its own where the receiver's acceptance of a referral brings it about.
            offered_by=_who(stored) if stored.party == event.party else "by its referral",
            version=stored.version,
            **_columns(terms),
        )
    )
    batch.name_items(event.share, terms.items)


def _terms_changed(batch: Batch, event: ShareTermsChanged, stored: StoredEvent) -> None:
    before = _before(event, stored)
    terms = Terms.alone(event)
    changed: dict[str, Any] = {"terms": _number(event, stored) + 1}
    if before.status == "offered":
        changed |= {**_columns(terms), "offered_at": stored.recorded_at, "offered_by": _who(stored)}
        batch.name_items(event.share, terms.items)
    else:
        changed |= {"pending": True, "proposed": terms.plain(), "proposed_digest": terms.digest}
    _change(batch, event, stored, **changed)


def _accepted(batch: Batch, event: ShareAccepted, stored: StoredEvent) -> None:
    terms = _before(event, stored).newest
    _change(
        batch,
        event,
        stored,
        status="accepted",
        decided_at=stored.recorded_at,
        decided_by=_who(stored),
        **_columns(terms),
        **NOTHING_PENDING,
    )
    batch.name_items(event.share, terms.items)
    batch.share_changed(stored.log, event.share)


def _refused(batch: Batch, event: ShareRefused, stored: StoredEvent) -> None:
    told: dict[str, Any] = {"reason": event.reason}
    if _before(event, stored).status == "offered":
        told |= {"status": "refused", "decided_at": stored.recorded_at, "decided_by": _who(stored)}
        told |= {"ended_at": stored.recorded_at}
    _change(batch, event, stored, **told, **NOTHING_PENDING)


def _revoked(batch: Batch, event: ShareRevoked, stored: StoredEvent) -> None:
    _end(batch, event, stored, "revoked", event.reason)


def _given_up(batch: Batch, event: ShareGivenUp, stored: StoredEvent) -> None:
    _end(batch, event, stored, "given_up", event.reason)


def _end(batch: Batch, event: ShareEvent, stored: StoredEvent, status: str, reason: str) -> None:
    told = {"status": status, "ended_at": stored.recorded_at, "reason": reason}
    _change(batch, event, stored, **told, **NOTHING_PENDING)
    batch.share_changed(stored.log, event.share)


def disclosed(batch: Batch, event: EvidenceDisclosed, stored: StoredEvent, share: UUID) -> None:
    """A disclosure as they were before there were terms: in force at once and until somebody ends it."""
    terms = Terms(
        items=(event.item,),
        operations=FORMER,
        purpose=event.purpose,
        legal_basis=event.legal_basis,
        tlp="TLP:AMBER+STRICT",
    )
    batch.add(
        Share(
            id=share,
            case_id=stored.log,
            giver_id=stored.party,
            receiver_id=event.party,
            status="accepted",
            offered_at=stored.recorded_at,
            offered_by=_who(stored),
            decided_at=stored.recorded_at,
            **{**_columns(terms), "digest": ""},
        )
    )
    batch.name_items(share, terms.items)
    batch.share_changed(stored.log, share)


def _columns(terms: Terms) -> dict[str, Any]:
    told = {name: getattr(terms, name) for name in terms.plain() if name != "items"}
    told |= {"roles": list(terms.roles), "operations": list(terms.operations)}
    return told | {"members": [str(member) for member in terms.members], "digest": terms.digest}


def _change(batch: Batch, event: ShareEvent, stored: StoredEvent, **values: Any) -> None:
    batch.change(Share, event.share, version=stored.version, **values)


def _before(event: ShareEvent, stored: StoredEvent) -> ShareState:
    """Where the share stood before this event, as its stream tells: the tables may be being made again."""
    earlier = reading.read_stream(stored.log, stored.stream, after=0, until=stored.version - 1)
    began = ShareState()
    if stored.version == 1 or not earlier or earlier[0].type != ShareOffered.__name__:
        began = ShareState(status="accepted", giver=event.party, receiver=event.to)
    return reduce(lambda state, each: state.after(events.read(each)), earlier, began)


def _number(event: ShareEvent, stored: StoredEvent) -> int:
    earlier = reading.read_stream(stored.log, stored.stream, after=0, until=stored.version - 1)
    changed = sum(one.type == ShareTermsChanged.__name__ for one in earlier)
    return changed + 1


def _who(stored: StoredEvent) -> str:
    return str(stored.actor["name"])


NOTHING_PENDING: Mapping[str, Any] = {"pending": False, "proposed": None, "proposed_digest": ""}
HANDLERS: Handlers = {
    ShareOffered: _offered,
    ShareTermsChanged: _terms_changed,
    ShareAccepted: _accepted,
    ShareRefused: _refused,
    ShareRevoked: _revoked,
    ShareGivenUp: _given_up,
}
