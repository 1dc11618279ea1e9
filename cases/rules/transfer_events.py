"""The facts in the custody of an item: offered and taken over, moved, released, disposed of, corrected."""

from dataclasses import dataclass, replace
from uuid import UUID

from cases.rules.custody_events import (
    EvidenceAcquired,
    EvidenceDerived,
    EvidenceVerified,
    ItemEvent,
)
from cases.rules.shape import Event

OFFER_STATUSES = {
    "offered": "Waits for an answer",
    "accepted": "Accepted",
    "refused": "Refused",
    "withdrawn": "Withdrawn",
}
DISPOSAL_STATUSES = {
    "proposed": "Waits for the witness",
    "done": "Disposed of",
    "cancelled": "Called off",
}


@dataclass(frozen=True, kw_only=True)
class TransferEvent(ItemEvent):
    """A step of one offer of custody: `party` offers the item, `to` is asked to take it."""

    offer: UUID
    party: UUID
    to: UUID


@dataclass(frozen=True, kw_only=True)
class CustodyTransferOffered(TransferEvent):
    """`sha256` is what the bytes must have when they are hashed again for the receiver; empty for what has no
    bytes. `returns` is the transfer that this one undoes."""

    purpose: str
    condition: str
    seal: str
    place: str
    sha256: str
    returns: UUID | None


@dataclass(frozen=True, kw_only=True)
class CustodyTransferAccepted(TransferEvent):
    """The receiver holds the item from this entry on; `since` is the holding that ends with it."""

    condition: str
    seal: str
    place: str
    sha256: str
    since: UUID


@dataclass(frozen=True, kw_only=True)
class CustodyTransferRefused(TransferEvent):
    """`found` is the hash that the bytes had where that is the reason, else empty. `wrong`: they, or their
    hash, were not as sealed."""

    reason: str
    found: str
    wrong: bool


@dataclass(frozen=True, kw_only=True)
class CustodyTransferWithdrawn(TransferEvent):
    reason: str


@dataclass(frozen=True, kw_only=True)
class EvidenceExtracted(ItemEvent):
    """The parent's side of an extract or a redaction."""

    derived: UUID
    number: int
    sha256: str
    records: int
    how: str


@dataclass(frozen=True, kw_only=True)
class PhysicalItemStored(ItemEvent):
    """An object without bytes has come into custody."""

    holder: UUID
    barcode: str
    seal: str
    place: str


@dataclass(frozen=True, kw_only=True)
class PhysicalItemMoved(ItemEvent):
    place: str
    seal: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class EvidenceReleased(ItemEvent):
    """The item was given to somebody outside of the case; nothing of it is read here any more."""

    recipient: str
    reason: str
    condition: str
    seal: str
    place: str


@dataclass(frozen=True, kw_only=True)
class DisposalProposed(ItemEvent):
    """`copies` are the items of the case that were made from this one and stay; `remaining` says what else
    there is."""

    disposal: UUID
    authoriser: UUID
    authoriser_name: str
    witness: UUID
    method: str
    reason: str
    remaining: str
    copies: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class DisposalCancelled(ItemEvent):
    disposal: UUID
    reason: str


@dataclass(frozen=True, kw_only=True)
class EvidenceDisposed(ItemEvent):
    """The witness's act: the item is gone, its history stays. `sha256` names the bytes that leave the
    vault."""

    disposal: UUID
    sha256: str
    method: str
    reason: str
    authoriser: UUID
    authoriser_name: str
    witness: UUID
    remaining: str
    copies: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class CustodyCorrected(ItemEvent):
    """What is wrong about an earlier entry. The entry itself stays as it was recorded."""

    entry: int
    text: str


EVENTS = (
    CustodyTransferOffered,
    CustodyTransferAccepted,
    CustodyTransferRefused,
    CustodyTransferWithdrawn,
    EvidenceExtracted,
    PhysicalItemStored,
    PhysicalItemMoved,
    EvidenceReleased,
    DisposalProposed,
    DisposalCancelled,
    EvidenceDisposed,
    CustodyCorrected,
)


@dataclass(frozen=True, kw_only=True)
class CustodyState:
    """Who holds an item, and what waits for an answer. There is one holder from the first event on."""

    holder: UUID | None = None
    since: UUID | None = None
    """The holding that lasts: the accepted offer that began it, or the item itself."""
    came: CustodyTransferAccepted | None = None
    """How the holder got it, where it did not have it from the start."""
    original: bool = True
    physical: bool = False
    offer: CustodyTransferOffered | None = None
    rehashed: bool = False
    disposal: DisposalProposed | None = None

    def after(self, event: Event) -> "CustodyState":
        match event:
            case EvidenceAcquired():
                return CustodyState(holder=event.owner, since=event.item, physical=event.kind == "physical")
            case EvidenceDerived():
                return CustodyState(holder=event.owner, since=event.item, original=False)
            case CustodyTransferOffered():
                return replace(self, offer=event, rehashed=False)
            case EvidenceVerified():
                return replace(
                    self,
                    rehashed=self.rehashed or (self.offer is not None and event.offer == self.offer.offer),
                )
            case CustodyTransferAccepted():
                return replace(
                    self, holder=event.to, since=event.offer, came=event, offer=None, rehashed=False
                )
            case CustodyTransferRefused() | CustodyTransferWithdrawn():
                return replace(self, offer=None, rehashed=False)
            case DisposalProposed():
                return replace(self, disposal=event)
            case DisposalCancelled() | EvidenceDisposed():
                return replace(self, disposal=None)
        return self
