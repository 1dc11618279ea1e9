"""Custody from one party to another: offered, hashed again for the receiver, accepted or refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from cases.refusals import Forbidden, Invalid, Refused
from cases.rules import values
from cases.rules.custody import OneItem
from cases.rules.custody_events import EvidenceVerified
from cases.rules.shape import Event, Rules
from cases.rules.transfer_events import (
    CustodyCorrected,
    CustodyState,
    CustodyTransferAccepted,
    CustodyTransferOffered,
    CustodyTransferRefused,
    CustodyTransferWithdrawn,
)

if TYPE_CHECKING:
    from cases.rules.acting import Actor
    from cases.rules.known import Known

# Commands


@dataclass(frozen=True, kw_only=True)
class OfferCustodyTransfer(OneItem):
    """Offer the custody of an original to another party of the case. The offer's id is the command's.
    `returns` names the transfer that this one undoes."""

    to: UUID
    purpose: str
    condition: str = ""
    seal: str = ""
    place: str = ""
    returns: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class CheckOfferedBytes(OneItem):
    """Record what the bytes hash to, read again for the party that the item is offered to. `trouble` says why
    they could not be read."""

    offer: UUID
    sha256: str
    trouble: str = ""


@dataclass(frozen=True, kw_only=True)
class AcceptCustodyTransfer(OneItem):
    """Take the item over, in this condition and to this place."""

    offer: UUID
    condition: str = ""
    seal: str = ""
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class RefuseCustodyTransfer(OneItem):
    """Leave the item with its holder."""

    offer: UUID
    reason: str


@dataclass(frozen=True, kw_only=True)
class WithdrawCustodyTransfer(OneItem):
    """Take an offer back that was not answered yet."""

    offer: UUID
    reason: str


@dataclass(frozen=True, kw_only=True)
class CorrectCustody(OneItem):
    """Say what is wrong about an entry that one's own party made; the entry stays."""

    entry: int
    text: str


# Rules


def offer_custody_transfer(command: OfferCustodyTransfer, state: "Known", actor: "Actor") -> Sequence[Event]:
    item = state.items[command.item]
    custody = item.custody
    nothing_waits(custody)
    if not custody.original:
        raise Refused(
            "not-original",
            "Custody is of originals; what was made from one is shared or handed over as a file.",
        )
    if not item.verified and not custody.physical:
        raise Refused("not-verified", "An item is offered only after its bytes were verified.")
    if command.to == actor.party or command.to not in state.case.parts:
        raise Invalid("to", "Custody is offered to another party of the case.")
    if state.case.parts[command.to] == "observer":
        raise Invalid("to", "An observer reads what is shared with it and takes no custody.")
    if command.to not in state.around.seen_by:
        raise Invalid(
            "to", "This party does not see the item. Share it first: nobody takes over what it cannot see."
        )
    came = custody.came
    if command.returns is not None and (
        came is None or command.returns != came.offer or command.to != came.party
    ):
        raise Invalid("returns", "An item is returned to the party that it came from, by that transfer.")
    return [
        CustodyTransferOffered(
            item=command.item,
            offer=command.id,
            party=actor.party,
            to=command.to,
            purpose=values.text(command.purpose, "purpose", "The purpose", most=500, needed=True),
            sha256=item.sha256,
            returns=command.returns,
            **_as_is(command),
        )
    ]


def check_offered_bytes(command: CheckOfferedBytes, state: "Known", actor: "Actor") -> Sequence[Event]:
    """A wrong hash refuses the transfer by itself: nobody can take over what is not there any more."""
    offer = _open(command.offer, state.items[command.item].custody)
    if actor.party != offer.to:
        raise Forbidden("not-receiver", "The bytes are hashed for the party that the item is offered to.")
    if command.trouble or command.sha256 != offer.sha256:
        found = f"they now have the SHA-256 {command.sha256}" if command.sha256 else command.trouble
        return [
            CustodyTransferRefused(
                item=command.item,
                offer=offer.offer,
                party=offer.party,
                to=offer.to,
                reason=f"The bytes in the vault are not those that were sealed: {found}"[:2_000],
                found=command.sha256,
                wrong=True,
            )
        ]
    if state.items[command.item].custody.rehashed:
        raise Refused("already-verified", "The bytes were hashed for this offer already.")
    return [EvidenceVerified(item=command.item, sha256=command.sha256, offer=offer.offer)]


def accept_custody_transfer(
    command: AcceptCustodyTransfer, state: "Known", actor: "Actor"
) -> Sequence[Event]:
    custody = state.items[command.item].custody
    offer = _open(command.offer, custody)
    _asked(offer, actor)
    if not custody.rehashed and not custody.physical:
        raise Refused(
            "not-rehashed",
            "The bytes have not been hashed again for your party yet; wait a moment, then accept.",
        )
    if custody.since is None:
        raise Refused("no-holder", "Nobody holds this item.")
    return [
        CustodyTransferAccepted(
            item=command.item,
            offer=offer.offer,
            party=offer.party,
            to=offer.to,
            sha256=offer.sha256,
            since=custody.since,
            **_as_is(command),
        )
    ]


def refuse_custody_transfer(
    command: RefuseCustodyTransfer, state: "Known", actor: "Actor"
) -> Sequence[Event]:
    offer = _open(command.offer, state.items[command.item].custody)
    _asked(offer, actor)
    return [
        CustodyTransferRefused(
            item=command.item,
            offer=offer.offer,
            party=offer.party,
            to=offer.to,
            reason=_reason(command.reason),
            found="",
            wrong=False,
        )
    ]


def withdraw_custody_transfer(
    command: WithdrawCustodyTransfer, state: "Known", actor: "Actor"
) -> Sequence[Event]:
    offer = _open(command.offer, state.items[command.item].custody)
    if actor.party != offer.party:
        raise Forbidden("not-giver", "Only the party that made an offer takes it back.")
    return [
        CustodyTransferWithdrawn(
            item=command.item,
            offer=offer.offer,
            party=offer.party,
            to=offer.to,
            reason=_reason(command.reason),
        )
    ]


def correct_custody(command: CorrectCustody, state: "Known", actor: "Actor") -> Sequence[Event]:
    if state.around.entry_by != actor.party:
        raise Invalid("entry", "Your party made no entry of this number in the item's custody.")
    text = values.text(command.text, "text", "The correction", most=2_000, needed=True)
    return [CustodyCorrected(item=command.item, entry=command.entry, text=text)]


def nothing_waits(custody: CustodyState) -> None:
    """Refuse while an offer or a disposal waits for its answer: one thing at a time happens to an item."""
    if custody.offer is not None:
        raise Refused("offer-open", "Custody of this item is offered already; that offer is answered first.")
    if custody.disposal is not None:
        raise Refused("disposal-open", "The disposal of this item waits for its witness.")


def as_received(command: OneItem, *names: str) -> dict[str, str]:
    """The texts of these fields as an event holds them."""
    labels = {"condition": "The condition", "seal": "The seal", "place": "The place"}
    most = {"condition": 500, "seal": 100, "place": 200}
    return {name: values.text(getattr(command, name), name, labels[name], most=most[name]) for name in names}


def _as_is(command: OfferCustodyTransfer | AcceptCustodyTransfer) -> dict[str, str]:
    return as_received(command, "condition", "seal", "place")


def _open(named: UUID, custody: CustodyState) -> CustodyTransferOffered:
    if custody.offer is None or custody.offer.offer != named:
        raise Refused("no-offer", "This offer does not wait for an answer any more.")
    return custody.offer


def _asked(offer: CustodyTransferOffered, actor: "Actor") -> None:
    if actor.party != offer.to:
        raise Forbidden("not-receiver", "Only the party that the item is offered to answers the offer.")


def _reason(text: str) -> str:
    return values.text(text, "reason", "The reason", most=2_000, needed=True)


RULES: Rules = {
    OfferCustodyTransfer: offer_custody_transfer,
    CheckOfferedBytes: check_offered_bytes,
    AcceptCustodyTransfer: accept_custody_transfer,
    RefuseCustodyTransfer: refuse_custody_transfer,
    WithdrawCustodyTransfer: withdraw_custody_transfer,
    CorrectCustody: correct_custody,
}
