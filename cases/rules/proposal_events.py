"""What the parties of a case decide together, as events and as what is still open: who joins, who leads, when
it ends.

A proposal is open until every party that it asks has answered. It ends before that by an objection, by a
withdrawal, or by a lapse: whenever the case changes its status, a party joins or leaves, or the lead passes
on, everything that is still open lapses, in the same commit and by an event of its own, for who had to
answer, or what about, is then another question. It can be proposed again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias
from uuid import UUID

from cases.rules.shape import CASE_STREAM, Event

Kind: TypeAlias = Literal["party", "closing", "lead"]
Why: TypeAlias = Literal["status", "joined", "left", "lead"]


@dataclass(frozen=True, kw_only=True)
class ProposalEvent(Event):
    """Something about one proposal; every party of the case may read it."""

    proposal: UUID

    @property
    def stream(self) -> str:
        return CASE_STREAM


@dataclass(frozen=True, kw_only=True)
class PartyProposed(ProposalEvent):
    """`by` would have `party` join."""

    by: UUID
    party: UUID
    name: str
    role: str


@dataclass(frozen=True, kw_only=True)
class PartyConsented(ProposalEvent):
    """`by` agrees that `party` joins."""

    by: UUID
    party: UUID
    name: str
    role: str


@dataclass(frozen=True, kw_only=True)
class PartyObjected(ProposalEvent):
    """`by` does not want `party` in, which ends the proposal."""

    by: UUID
    party: UUID
    name: str
    role: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ClosingProposed(ProposalEvent):
    """The lead, `by`, would close the case; its proposal is its own countersignature."""

    by: UUID
    reason: str


@dataclass(frozen=True, kw_only=True)
class ClosingAgreed(ProposalEvent):
    """`by` countersigns the closing."""

    by: UUID


@dataclass(frozen=True, kw_only=True)
class ClosingDissented(ProposalEvent):
    """`by` does not agree that the case is closed, and says why; that is an answer as well."""

    by: UUID
    reason: str


@dataclass(frozen=True, kw_only=True)
class LeadOffered(ProposalEvent):
    """The lead, `by`, would hand the case over to the partner `to`."""

    by: UUID
    to: UUID


@dataclass(frozen=True, kw_only=True)
class LeadAccepted(ProposalEvent):
    """The case is led by `lead` now; who led it `before` is a partner."""

    lead: UUID
    before: UUID


@dataclass(frozen=True, kw_only=True)
class LeadRefused(ProposalEvent):
    """`by` does not want the lead."""

    by: UUID
    reason: str


@dataclass(frozen=True, kw_only=True)
class ProposalWithdrawn(ProposalEvent):
    """Who made a proposal, `by`, takes it back."""

    by: UUID
    kind: str
    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ProposalLapsed(ProposalEvent):
    """Something else has happened in the case before all had answered."""

    kind: str
    name: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A proposal that is open: what about, and who has answered, its maker among them."""

    kind: Kind
    by: UUID
    party: UUID | None = None
    name: str = ""
    role: str = ""
    answered: frozenset[UUID] = frozenset()


Proposals: TypeAlias = Mapping[UUID, Proposal]


def after(open_: Proposals, event: ProposalEvent) -> Proposals:
    """What is open after this event."""
    match event:
        case PartyProposed():
            new = Proposal(kind="party", by=event.by, party=event.party, name=event.name, role=event.role)
        case ClosingProposed():
            new = Proposal(kind="closing", by=event.by)
        case LeadOffered():
            new = Proposal(kind="lead", by=event.by, party=event.to)
        case PartyConsented() | ClosingAgreed() | ClosingDissented():
            known = open_[event.proposal]
            return {**open_, event.proposal: replace(known, answered=known.answered | {event.by})}
        case _:
            return without(open_, event.proposal)
    return {**open_, event.proposal: replace(new, answered=frozenset({event.by}))}


def without(open_: Proposals, proposal: UUID | None) -> Proposals:
    """What is open once this one is decided."""
    return {id_: each for id_, each in open_.items() if id_ != proposal}


def lapsing(open_: Proposals, why: Why, *, but: UUID | None = None) -> list[Event]:
    """The end of all that is open, but for the proposal that has just been carried."""
    return [
        ProposalLapsed(proposal=id_, kind=each.kind, name=each.name, why=why)
        for id_, each in open_.items()
        if id_ != but
    ]


EVENTS = (
    PartyProposed,
    PartyConsented,
    PartyObjected,
    ClosingProposed,
    ClosingAgreed,
    ClosingDissented,
    LeadOffered,
    LeadAccepted,
    LeadRefused,
    ProposalWithdrawn,
    ProposalLapsed,
)
