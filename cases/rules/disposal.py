"""How custody ends: an item is released to somebody outside, or disposed of before a witness."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from cases.refusals import Forbidden, Invalid, Refused
from cases.rules import values
from cases.rules.custody import OneItem
from cases.rules.shape import Event, Rules
from cases.rules.transfer import as_received, nothing_waits
from cases.rules.transfer_events import (
    DisposalCancelled,
    DisposalProposed,
    EvidenceDisposed,
    EvidenceReleased,
)

if TYPE_CHECKING:
    from cases.rules.acting import Actor
    from cases.rules.known import Known


@dataclass(frozen=True, kw_only=True)
class ReleaseEvidence(OneItem):
    """Give an item to somebody outside of the case, such as a court or the person whose it is."""

    recipient: str
    reason: str
    condition: str = ""
    seal: str = ""
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class ProposeDisposal(OneItem):
    """Authorise that an item is destroyed. It happens when the witness confirms it. `remaining` says which
    copies there are elsewhere."""

    witness: UUID
    method: str
    reason: str
    remaining: str


@dataclass(frozen=True, kw_only=True)
class DisposeEvidence(OneItem):
    """The witness's own act, which carries the disposal out."""

    disposal: UUID


@dataclass(frozen=True, kw_only=True)
class CancelDisposal(OneItem):
    """Call a disposal off that has not been carried out."""

    disposal: UUID
    reason: str


def release_evidence(command: ReleaseEvidence, state: "Known", actor: "Actor") -> Sequence[Event]:
    nothing_waits(state.items[command.item].custody)
    _no_hold(state, "leaves custody")
    return [
        EvidenceReleased(
            item=command.item,
            recipient=values.text(command.recipient, "recipient", "The recipient", most=200, needed=True),
            reason=values.text(command.reason, "reason", "The reason", most=2_000, needed=True),
            **as_received(command, "condition", "seal", "place"),
        )
    ]


def propose_disposal(command: ProposeDisposal, state: "Known", actor: "Actor") -> Sequence[Event]:
    nothing_waits(state.items[command.item].custody)
    _no_hold(state, "is disposed of")
    if actor.member is None:
        raise Forbidden("role", "A disposal is authorised by a person.")
    _fit_witness(command, state, actor)
    return [
        DisposalProposed(
            item=command.item,
            disposal=command.id,
            authoriser=actor.member,
            authoriser_name=actor.name,
            witness=command.witness,
            method=values.text(command.method, "method", "The method", most=200, needed=True),
            reason=values.text(command.reason, "reason", "The reason", most=2_000, needed=True),
            remaining=values.text(
                command.remaining, "remaining", "What copies remain", most=2_000, needed=True
            ),
            copies=state.around.copies,
        )
    ]


def dispose_evidence(command: DisposeEvidence, state: "Known", actor: "Actor") -> Sequence[Event]:
    item = state.items[command.item]
    proposed = _proposed(command.disposal, state, command.item)
    if actor.member != proposed.witness:
        raise Forbidden("not-witness", "Only the named witness carries this disposal out.")
    _no_hold(state, "is disposed of")
    return [
        EvidenceDisposed(
            item=command.item,
            disposal=proposed.disposal,
            sha256=item.sha256,
            method=proposed.method,
            reason=proposed.reason,
            authoriser=proposed.authoriser,
            authoriser_name=proposed.authoriser_name,
            witness=proposed.witness,
            remaining=proposed.remaining,
            copies=state.around.copies,
        )
    ]


def cancel_disposal(command: CancelDisposal, state: "Known", actor: "Actor") -> Sequence[Event]:
    proposed = _proposed(command.disposal, state, command.item)
    if actor.party != state.items[command.item].owner and actor.member != proposed.witness:
        raise Forbidden("not-yours", "A disposal is called off by the item's owner or by the witness.")
    reason = values.text(command.reason, "reason", "The reason", most=2_000, needed=True)
    return [DisposalCancelled(item=command.item, disposal=proposed.disposal, reason=reason)]


def _fit_witness(command: ProposeDisposal, state: "Known", actor: "Actor") -> None:
    """Another person, and of another party where one that works on the case sees the item."""
    if command.witness == actor.member:
        raise Invalid("witness", "Nobody witnesses what it has authorised itself.")
    others = {
        party
        for party in state.around.seen_by
        if party != actor.party and state.case.parts.get(party) in ("lead", "partner")
    }
    party = state.around.witness_party
    if others and party not in others:
        raise Invalid(
            "witness", "Another party of the case sees this item, so the witness is one of its members."
        )
    if not others and party != actor.party:
        raise Invalid("witness", "The witness is another active member of your party.")


def _proposed(disposal: UUID, state: "Known", item: UUID) -> DisposalProposed:
    proposed = state.items[item].custody.disposal
    if proposed is None or proposed.disposal != disposal:
        raise Refused("no-disposal", "This disposal does not wait for its witness any more.")
    return proposed


def _no_hold(state: "Known", what: str) -> None:
    if state.case.holds:
        raise Refused("legal-hold", f"A legal hold is on this case: nothing {what} while it stands.")


RULES: Rules = {
    ReleaseEvidence: release_evidence,
    ProposeDisposal: propose_disposal,
    DisposeEvidence: dispose_evidence,
    CancelDisposal: cancel_disposal,
}
