"""What binds all parties of a case is decided by all: who joins, when it is closed, who leads. And leaving.

AddParty and CloseCase propose where another lead or partner has to be asked, and act at once where nobody
has: observers are not asked. What ends a proposal before all have answered stands in proposal_events.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from cases.refusals import Forbidden, Invalid, Refused
from cases.rules import values
from cases.rules.case import AddParty, CaseClosed, CaseState, CloseCase, PartyAdded, PartyLeft
from cases.rules.proposal_events import (
    ClosingAgreed,
    ClosingDissented,
    ClosingProposed,
    Kind,
    LeadAccepted,
    LeadOffered,
    LeadRefused,
    PartyConsented,
    PartyObjected,
    PartyProposed,
    Proposal,
    ProposalWithdrawn,
    lapsing,
)
from cases.rules.shape import CaseCommand, Event, Rules
from cases.rules.share_events import ShareGivenUp, ShareRefused, ShareRevoked

if TYPE_CHECKING:
    from cases.rules.acting import Actor
    from cases.rules.known import Ending, Known

# Commands


@dataclass(frozen=True, kw_only=True)
class _Answer(CaseCommand):
    proposal: UUID


@dataclass(frozen=True, kw_only=True)
class ConsentToParty(_Answer):
    """Agree that a proposed party joins; the last consent lets it in."""


@dataclass(frozen=True, kw_only=True)
class ObjectToParty(_Answer):
    """Refuse a proposed party, which ends the proposal."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class AgreeToClose(_Answer):
    """Countersign that the case is closed; the last answer closes it."""


@dataclass(frozen=True, kw_only=True)
class DissentFromClosing(_Answer):
    """Put on record that the actor's party does not agree, and why. The case is closed once all have
    answered, the dissent in it."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class OfferLead(CaseCommand):
    """Offer the lead of the case to a partner."""

    to: UUID


@dataclass(frozen=True, kw_only=True)
class AcceptLead(_Answer):
    """Take the lead that was offered; who had it becomes a partner."""


@dataclass(frozen=True, kw_only=True)
class RefuseLead(_Answer):
    """Leave the lead where it is."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class WithdrawProposal(_Answer):
    """Take back what the actor's own party has proposed and is still open."""

    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class LeaveCase(CaseCommand):
    """Take no part in a case any more. The party sees nothing of it from then on; its items stay recorded,
    and what it had shared is shared no longer."""

    reason: str


# Rules


def proposal_of(command: AddParty | CloseCase | OfferLead) -> UUID:
    """The id of the proposal that a command makes, the same each time it is tried."""
    return uuid5(command.case, f"proposal/{command.id}")


def asked(case: CaseState, proposal: Proposal) -> frozenset[UUID]:
    """The parties whose answer a proposal still waits for."""
    if proposal.kind == "lead":
        return frozenset({proposal.party} if proposal.party else ())
    return active(case) - proposal.answered


def active(case: CaseState) -> frozenset[UUID]:
    """The parties that decide: lead and partners."""
    return frozenset(party for party, part in case.parts.items() if part in ("lead", "partner"))


def add_party(command: AddParty, state: "Known", actor: "Actor") -> Sequence[Event]:
    among = {name: label for name, label in values.PARTS.items() if name != "lead"}
    role = values.choice(command.role, "role", "The party's role", among)
    if command.party in state.case.parts:
        raise Refused("party-present", "This party is in the case already.")
    if any(each.party == command.party and each.kind == "party" for each in state.case.proposals.values()):
        raise Refused("party-proposed", "This party is proposed already; the others are still to answer.")
    if state.around.party_name is None:
        raise Invalid("party", "There is no such party on this host.")
    if active(state.case) - {actor.party}:
        return [
            PartyProposed(
                proposal=proposal_of(command),
                by=actor.party,
                party=command.party,
                name=state.around.party_name,
                role=role,
            )
        ]
    return join(command.party, role, state, proposal=None)


def consent_to_party(command: ConsentToParty, state: "Known", actor: "Actor") -> Sequence[Event]:
    wanted = _open(command, state, actor, "party")
    if wanted.party is None:
        raise TypeError("a proposal to add a party names it")
    consented = PartyConsented(
        proposal=command.proposal, by=actor.party, party=wanted.party, name=wanted.name, role=wanted.role
    )
    if asked(state.case, wanted) - {actor.party}:
        return [consented]
    return [consented, *join(wanted.party, wanted.role, state, proposal=command.proposal)]


def object_to_party(command: ObjectToParty, state: "Known", actor: "Actor") -> Sequence[Event]:
    wanted = _open(command, state, actor, "party")
    if wanted.party is None:
        raise TypeError("a proposal to add a party names it")
    return [
        PartyObjected(
            proposal=command.proposal,
            by=actor.party,
            party=wanted.party,
            name=wanted.name,
            role=wanted.role,
            reason=_reason(command.reason),
        )
    ]


def close_case(command: CloseCase, state: "Known", actor: "Actor") -> Sequence[Event]:
    reason = _reason(command.reason)
    if any(each.kind == "closing" for each in state.case.proposals.values()):
        raise Refused("closing-proposed", "Closing is proposed already; the others are still to answer.")
    if active(state.case) - {actor.party}:
        return [ClosingProposed(proposal=proposal_of(command), by=actor.party, reason=reason)]
    return [CaseClosed(reason=reason), *lapsing(state.case.proposals, "status")]


def agree_to_close(command: AgreeToClose, state: "Known", actor: "Actor") -> Sequence[Event]:
    return _answered(ClosingAgreed(proposal=command.proposal, by=actor.party), command, state, actor)


def dissent_from_closing(command: DissentFromClosing, state: "Known", actor: "Actor") -> Sequence[Event]:
    dissent = ClosingDissented(
        proposal=command.proposal,
        by=actor.party,
        reason=_reason(command.reason, "The reason of your dissent"),
    )
    return _answered(dissent, command, state, actor)


def offer_lead(command: OfferLead, state: "Known", actor: "Actor") -> Sequence[Event]:
    if state.case.parts.get(command.to) != "partner":
        raise Invalid("to", "Only a partner in the case can take the lead.")
    if any(each.kind == "lead" for each in state.case.proposals.values()):
        raise Refused("lead-offered", "The lead is offered already; withdraw that offer first.")
    return [LeadOffered(proposal=proposal_of(command), by=actor.party, to=command.to)]


def accept_lead(command: AcceptLead, state: "Known", actor: "Actor") -> Sequence[Event]:
    offer = _open(command, state, actor, "lead")
    accepted = LeadAccepted(proposal=command.proposal, lead=actor.party, before=offer.by)
    return [accepted, *lapsing(state.case.proposals, "lead", but=command.proposal)]


def refuse_lead(command: RefuseLead, state: "Known", actor: "Actor") -> Sequence[Event]:
    _open(command, state, actor, "lead")
    return [LeadRefused(proposal=command.proposal, by=actor.party, reason=_reason(command.reason))]


def withdraw_proposal(command: WithdrawProposal, state: "Known", actor: "Actor") -> Sequence[Event]:
    known = _known(command, state)
    if known.by != actor.party:
        raise Forbidden("not-yours", "Only the party that made a proposal may withdraw it.")
    reason = values.text(command.reason, "reason", "The reason", most=2_000)
    return [
        ProposalWithdrawn(
            proposal=command.proposal, by=actor.party, kind=known.kind, name=known.name, reason=reason
        )
    ]


def leave_case(command: LeaveCase, state: "Known", actor: "Actor") -> Sequence[Event]:
    """As the lead cannot leave, no case is ever left without a party that decides."""
    reason = _reason(command.reason)
    if state.case.parts[actor.party] == "lead":
        raise Refused("lead-stays", "The lead cannot leave: hand the case over to a partner first.")
    if actor.party in state.case.holds:
        raise Refused(
            "hold-stands",
            "Your party's legal hold is on the case, and nobody else could lift it: lift it first.",
        )
    if state.around.holds_others:
        raise Refused(
            "custody-stays", "Your party holds an item of another party: hand it back before you leave."
        )
    return [
        PartyLeft(party=actor.party, reason=reason),
        *(_ended(each, actor) for each in state.around.ending),
        *lapsing(state.case.proposals, "left"),
    ]


def _ended(ending: "Ending", actor: "Actor") -> Event:
    about = {"share": ending.share, "party": ending.giver, "to": ending.receiver}
    if ending.giver == actor.party:
        return ShareRevoked(**about, reason="Its giver has left the case.")
    kind = ShareGivenUp if ending.accepted else ShareRefused
    return kind(**about, reason="Its receiver has left the case.")


def join(party: UUID, role: str, state: "Known", *, proposal: UUID | None) -> list[Event]:
    """A party gets in, perhaps once more; whatever else was proposed about it lapses."""
    named, keys = state.around.party_name, state.around.witnesses
    if named is None:
        raise Refused("party-gone", "The proposed party is no longer on this host.")
    again = party in state.case.left
    added = PartyAdded(party=party, name=named, role=role, keys=keys, proposal=proposal, again=again)
    return [added, *lapsing(state.case.proposals, "joined", but=proposal)]


def _answered(
    answer: Event, command: AgreeToClose | DissentFromClosing, state: "Known", actor: "Actor"
) -> list[Event]:
    closing = _open(command, state, actor, "closing")
    if asked(state.case, closing) - {actor.party}:
        return [answer]
    # The words of the closing stand in the lead's own entry, which alone may erase them.
    closed = CaseClosed(reason="", proposal=command.proposal)
    return [answer, closed, *lapsing(state.case.proposals, "status", but=command.proposal)]


def _open(command: _Answer, state: "Known", actor: "Actor", kind: Kind) -> Proposal:
    """The proposal that the actor's party is to answer."""
    known = _known(command, state)
    if known.kind != kind:
        raise Refused("other-proposal", "This is another kind of proposal, with other answers.")
    if actor.party in known.answered:
        raise Refused("answered-already", "Your party has answered this already.")
    if actor.party not in asked(state.case, known):
        raise Forbidden("not-asked", "This was proposed to another party.")
    return known


def _known(command: _Answer, state: "Known") -> Proposal:
    known = state.case.proposals.get(command.proposal)
    if known is None:
        raise Refused("not-open", "This proposal is not open any more.")
    return known


def _reason(said: str, label: str = "The reason") -> str:
    return values.text(said, "reason", label, most=2_000, needed=True)


RULES: Rules = {
    AddParty: add_party,
    ConsentToParty: consent_to_party,
    ObjectToParty: object_to_party,
    CloseCase: close_case,
    AgreeToClose: agree_to_close,
    DissentFromClosing: dissent_from_closing,
    OfferLead: offer_lead,
    AcceptLead: accept_lead,
    RefuseLead: refuse_lead,
    WithdrawProposal: withdraw_proposal,
    LeaveCase: leave_case,
}
