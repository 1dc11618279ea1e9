"""Proposals of the parties of a case, and their answers, as tables."""

from typing import Any
from uuid import UUID

from cases.models import Case, Participation, Proposal, ProposalAnswer
from cases.projections.batch import Batch, Handlers, derived_id
from cases.rules.proposal_events import (
    ClosingAgreed,
    ClosingDissented,
    ClosingProposed,
    LeadAccepted,
    LeadOffered,
    LeadRefused,
    PartyConsented,
    PartyObjected,
    PartyProposed,
    ProposalLapsed,
    ProposalWithdrawn,
)
from ledger.entries import StoredEvent


def _party_proposed(batch: Batch, event: PartyProposed, stored: StoredEvent) -> None:
    _propose(batch, event, stored, "party", party_id=event.party, role=event.role)


def _closing_proposed(batch: Batch, event: ClosingProposed, stored: StoredEvent) -> None:
    _propose(batch, event, stored, "closing", reason=event.reason)


def _lead_offered(batch: Batch, event: LeadOffered, stored: StoredEvent) -> None:
    _propose(batch, event, stored, "lead", party_id=event.to, role="lead")


def _agreed(batch: Batch, event: PartyConsented | ClosingAgreed, stored: StoredEvent) -> None:
    _answer(batch, event.proposal, event.by, stored, "agreed")


def _party_objected(batch: Batch, event: PartyObjected, stored: StoredEvent) -> None:
    _answer(batch, event.proposal, event.by, stored, "objected", event.reason)
    end(batch, event.proposal, stored, "refused")


def _closing_dissented(batch: Batch, event: ClosingDissented, stored: StoredEvent) -> None:
    _answer(batch, event.proposal, event.by, stored, "dissented", event.reason)


def _lead_accepted(batch: Batch, event: LeadAccepted, stored: StoredEvent) -> None:
    _answer(batch, event.proposal, event.lead, stored, "agreed")
    end(batch, event.proposal, stored, "carried")
    batch.change(Case, stored.log, lead_id=event.lead)
    for party, role in ((event.before, "partner"), (event.lead, "lead")):
        batch.change(Participation, derived_id(stored.log, party), role=role)


def _lead_refused(batch: Batch, event: LeadRefused, stored: StoredEvent) -> None:
    _answer(batch, event.proposal, event.by, stored, "objected", event.reason)
    end(batch, event.proposal, stored, "refused")


def _proposal_withdrawn(batch: Batch, event: ProposalWithdrawn, stored: StoredEvent) -> None:
    end(batch, event.proposal, stored, "withdrawn", event.reason)


def _proposal_lapsed(batch: Batch, event: ProposalLapsed, stored: StoredEvent) -> None:
    end(batch, event.proposal, stored, "lapsed", event.why)


def end(batch: Batch, proposal: UUID, stored: StoredEvent, status: str, reason: str = "") -> None:
    """A proposal is open no more. The case has moved on as well: forms drawn before it are out of date."""
    batch.change(Proposal, proposal, status=status, ended_at=stored.recorded_at, end_reason=reason)
    _moved(batch, stored)


def reason_of(batch: Batch, proposal: UUID) -> str:
    """Why something was proposed, in its maker's words."""
    for row in batch.added(Proposal):
        if row.pk == proposal:
            return row.reason
    return Proposal.objects.values_list("reason", flat=True).get(pk=proposal)


def _propose(
    batch: Batch,
    event: PartyProposed | ClosingProposed | LeadOffered,
    stored: StoredEvent,
    kind: str,
    **told: Any,
) -> None:
    batch.add(
        Proposal(
            id=event.proposal,
            case_id=stored.log,
            kind=kind,
            by_id=event.by,
            who=_who(stored),
            proposed_at=stored.recorded_at,
            entry=stored.index,
            status="open",
            **told,
        )
    )
    _moved(batch, stored)


def _answer(
    batch: Batch, proposal: UUID, party: UUID, stored: StoredEvent, answer: str, reason: str = ""
) -> None:
    batch.add(
        ProposalAnswer(
            id=derived_id(proposal, party),
            proposal_id=proposal,
            party_id=party,
            who=_who(stored),
            answer=answer,
            reason=reason,
            answered_at=stored.recorded_at,
            entry=stored.index,
        )
    )
    _moved(batch, stored)


def _who(stored: StoredEvent) -> str:
    return str(stored.actor.get("name") or "")


def _moved(batch: Batch, stored: StoredEvent) -> None:
    batch.change(Case, stored.log, updated_at=stored.recorded_at, version=stored.version)


HANDLERS: Handlers = {
    PartyProposed: _party_proposed,
    PartyConsented: _agreed,
    PartyObjected: _party_objected,
    ClosingProposed: _closing_proposed,
    ClosingAgreed: _agreed,
    ClosingDissented: _closing_dissented,
    LeadOffered: _lead_offered,
    LeadAccepted: _lead_accepted,
    LeadRefused: _lead_refused,
    ProposalWithdrawn: _proposal_withdrawn,
    ProposalLapsed: _proposal_lapsed,
}
