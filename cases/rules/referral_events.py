"""The facts in the life of a referral, and where it stands after them. Its words are for its two parties
alone; whose consent is asked learns who refers to whom, and nothing more."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from cases.rules.shape import Event, to_fields
from ledger import jcs

STATUSES: Mapping[str, str] = {
    "consenting": "Waits for consent",
    "waiting": "Waits for an answer",
    "accepted": "Accepted",
    "refused": "Refused",
    "withdrawn": "Withdrawn",
    "objected": "Not agreed to",
}
OPEN: Final = ("consenting", "waiting")


def referral_stream(referral: UUID) -> str:
    """The stream that holds one referral's events."""
    return f"referral/{referral}"


@dataclass(frozen=True, kw_only=True)
class ReferralEvent(Event):
    """A fact about a matter that `party` refers `to` another."""

    referral: UUID
    party: UUID
    to: UUID

    @property
    def stream(self) -> str:
        return referral_stream(self.referral)

    @property
    def readers(self) -> tuple[UUID, ...]:
        """The parties that this fact is for."""
        return (self.party, self.to)


@dataclass(frozen=True, kw_only=True)
class ReferralSent(ReferralEvent):
    """The referral's own words. `asked` are the parties whose consent it still needs before `to` sees them;
    `labels` are what `to` may know of the items that come with an acceptance."""

    name: str
    summary: str
    indicators: tuple[str, ...]
    items: tuple[UUID, ...]
    labels: tuple[str, ...]
    tlp: str
    purpose: str
    legal_basis: str
    agreement: str
    allowed: tuple[str, ...]
    expires_at: datetime | None
    onward: bool
    asked: tuple[UUID, ...]

    @property
    def digest(self) -> str:
        """By which the receiver says what it accepts: SHA-256 of the canonical JSON of all that was sent."""
        told = to_fields(self)
        return sha256(jcs.canonical({name: told[name] for name in WORDS})).hexdigest()


WORDS: Final = (
    "to", "summary", "indicators", "items", "labels", "tlp", "purpose", "legal_basis", "agreement", "allowed",
    "expires_at", "onward",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ReferralAsked(ReferralEvent):
    """The receiver asks back before it decides."""

    question: str


@dataclass(frozen=True, kw_only=True)
class ReferralAnswered(ReferralEvent):
    """The sender's answer."""

    text: str


@dataclass(frozen=True, kw_only=True)
class ReferralAccepted(ReferralEvent):
    """The receiver joins. `terms` is the digest of what it read, as it stated it; empty where it did not."""

    terms: str


@dataclass(frozen=True, kw_only=True)
class ReferralRefused(ReferralEvent):
    """The receiver says no."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class ReferralWithdrawn(ReferralEvent):
    """The sender takes it back before it was accepted."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class ReferralConsentEvent(ReferralEvent):
    """A fact for the sender and for those whose consent it needs."""

    asked: tuple[UUID, ...]

    @property
    def readers(self) -> tuple[UUID, ...]:
        return (self.party, *self.asked)


@dataclass(frozen=True, kw_only=True)
class ReferralPutToParties(ReferralConsentEvent):
    """The other active parties of the case are asked whether `to` may be brought in; `name` is its name."""

    name: str


@dataclass(frozen=True, kw_only=True)
class ReferralConsented(ReferralConsentEvent):
    """One of them agrees. With `left` at 0 the referral goes to its receiver."""

    by: UUID
    left: int


@dataclass(frozen=True, kw_only=True)
class ReferralObjected(ReferralConsentEvent):
    """One of them does not: the referral is never shown to its receiver."""

    by: UUID
    reason: str


@dataclass(frozen=True, kw_only=True)
class ReferralState:
    """One referral, as its stream tells. `released`: its receiver sees it. `asking`: a question waits."""

    status: str = ""
    sent: ReferralSent | None = None
    agreed: frozenset[UUID] = frozenset()
    released: bool = False
    asking: bool = False
    notes: int = 0

    @property
    def exists(self) -> bool:
        return self.sent is not None

    def side_of(self, party: UUID) -> str:
        """Which side of the referral a party is on: sender, receiver, asked, or none."""
        if self.sent is None:
            return ""
        if party == self.sent.party:
            return "sender"
        if party == self.sent.to:
            return "receiver" if self.released else ""
        return "asked" if party in self.sent.asked else ""

    def after(self, event: Event) -> "ReferralState":
        match event:
            case ReferralSent():
                status = "consenting" if event.asked else "waiting"
                return ReferralState(status=status, sent=event, released=not event.asked)
            case ReferralConsented():
                agreed = self.agreed | {event.by}
                if event.left:
                    return replace(self, agreed=agreed)
                return replace(self, agreed=agreed, status="waiting", released=True)
            case ReferralAsked():
                return replace(self, asking=True, notes=self.notes + 1)
            case ReferralAnswered():
                return replace(self, asking=False, notes=self.notes + 1)
        return replace(self, status=ENDS.get(type(event), self.status))


ENDS: Mapping[type[Event], str] = {
    ReferralAccepted: "accepted",
    ReferralRefused: "refused",
    ReferralWithdrawn: "withdrawn",
    ReferralObjected: "objected",
}

EVENTS = (
    ReferralSent,
    ReferralAsked,
    ReferralAnswered,
    ReferralAccepted,
    ReferralRefused,
    ReferralWithdrawn,
    ReferralPutToParties,
    ReferralConsented,
    ReferralObjected,
)
