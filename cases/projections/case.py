"""Cases and the parts of parties in them as tables."""

from typing import Any
from uuid import UUID

from django.db.models import Exists, Q

from cases.models import Case, Participation
from cases.projections import proposals
from cases.projections.batch import Batch, Handlers, derived_id
from cases.rules import case as facts
from cases.rules.case import (
    CaseClosed,
    CaseContained,
    CaseCreated,
    CaseOpened,
    CaseReopened,
    CaseRevised,
    LegalHoldLifted,
    LegalHoldPlaced,
    PartyAdded,
    PartyLeft,
)
from cases.rules.key_events import key_stream
from ledger import reading
from ledger.entries import StoredEvent

MOST = 2**31 - 1


def _case_created(batch: Batch, event: CaseCreated, stored: StoredEvent) -> None:
    batch.add(
        Case(
            id=stored.log,
            reference=event.reference,
            title=event.title,
            summary=event.summary,
            category=event.category,
            severity=event.severity,
            tlp=event.tlp,
            status="draft",
            lead_id=event.lead,
            created_at=stored.recorded_at,
            updated_at=stored.recorded_at,
            version=stored.version,
        )
    )
    _take_part(batch, stored, event.lead, "lead")


def _case_revised(batch: Batch, event: CaseRevised, stored: StoredEvent) -> None:
    said = {name: getattr(event, name) for name in facts.SAID}
    _change(batch, stored, **{name: value for name, value in said.items() if value is not None})


def _case_opened(batch: Batch, event: CaseOpened, stored: StoredEvent) -> None:
    _change(batch, stored, status="open")


def _case_contained(batch: Batch, event: CaseContained, stored: StoredEvent) -> None:
    _change(batch, stored, status="contained", status_reason=event.reason)


def _case_closed(batch: Batch, event: CaseClosed, stored: StoredEvent) -> None:
    reason = event.reason
    if event.proposal:
        reason = proposals.reason_of(batch, event.proposal)
        proposals.end(batch, event.proposal, stored, "carried")
    _change(batch, stored, status="closed", status_reason=reason, closed_at=stored.recorded_at)


def _case_reopened(batch: Batch, event: CaseReopened, stored: StoredEvent) -> None:
    _change(batch, stored, status="open", status_reason=event.reason, closed_at=None)


def _legal_hold_placed(batch: Batch, event: LegalHoldPlaced, stored: StoredEvent) -> None:
    batch.change(Participation, _part(stored.log, event.party), hold_reason=event.reason)
    _change(batch, stored, legal_hold=_somebody_holds(stored.log))


def _legal_hold_lifted(batch: Batch, event: LegalHoldLifted, stored: StoredEvent) -> None:
    batch.change(Participation, _part(stored.log, event.party), hold_reason="")
    _change(batch, stored, legal_hold=_somebody_holds(stored.log))


def _party_added(batch: Batch, event: PartyAdded, stored: StoredEvent) -> None:
    part = _part(stored.log, event.party)
    if event.again:
        again = {"joined_at": stored.recorded_at, "left_at": None, "left_reason": ""}
        batch.change(Participation, part, role=event.role, **again)
        batch.grant(stored.log, event.party, "view_case")
        batch.party_back(stored.log, event.party)
    else:
        # Who signed its answer to a referral has keys in this log already.
        keys = len(reading.read_stream(stored.log, key_stream(event.party), after=0, until=MOST))
        _take_part(batch, stored, event.party, event.role, keys=keys)
    if event.proposal:
        proposals.end(batch, event.proposal, stored, "carried")
    _change(batch, stored)


def _party_left(batch: Batch, event: PartyLeft, stored: StoredEvent) -> None:
    part = _part(stored.log, event.party)
    batch.change(Participation, part, left_at=stored.recorded_at, left_reason=event.reason)
    batch.party_left(stored.log, event.party)
    _change(batch, stored)


def _somebody_holds(case: UUID) -> Exists:
    return Exists(Participation.objects.filter(~Q(hold_reason=""), case=case))


def _change(batch: Batch, stored: StoredEvent, **values: Any) -> None:
    batch.change(Case, stored.log, updated_at=stored.recorded_at, version=stored.version, **values)


def _take_part(batch: Batch, stored: StoredEvent, party: UUID, role: str, *, keys: int = 0) -> None:
    batch.add(
        Participation(
            id=_part(stored.log, party),
            case_id=stored.log,
            party_id=party,
            role=role,
            joined_at=stored.recorded_at,
            keys=keys,
        )
    )
    batch.grant(stored.log, party, "view_case")


def _part(case: UUID, party: UUID) -> UUID:
    return derived_id(case, party)


HANDLERS: Handlers = {
    CaseCreated: _case_created,
    CaseRevised: _case_revised,
    CaseOpened: _case_opened,
    CaseContained: _case_contained,
    CaseClosed: _case_closed,
    CaseReopened: _case_reopened,
    LegalHoldPlaced: _legal_hold_placed,
    LegalHoldLifted: _legal_hold_lifted,
    PartyAdded: _party_added,
    PartyLeft: _party_left,
}
