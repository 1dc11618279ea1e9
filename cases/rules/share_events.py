"""The facts in the life of a share, and where it stands after them. They are for its two parties alone."""

from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from cases.rules.shape import Event
from cases.rules.share_terms import Terms

STATUSES = {
    "offered": "Offered",
    "accepted": "In force",
    "refused": "Refused",
    "revoked": "Revoked",
    "given_up": "Given up",
}
LIVE: Final = ("offered", "accepted")


def share_stream(share: UUID) -> str:
    """The stream that holds one share's events."""
    return f"share/{share}"


@dataclass(frozen=True, kw_only=True)
class ShareEvent(Event):
    """A fact about a share that `party` offers `to` another."""

    share: UUID
    party: UUID
    to: UUID

    @property
    def stream(self) -> str:
        return share_stream(self.share)


@dataclass(frozen=True, kw_only=True)
class ShareOffered(ShareEvent, Terms):
    """Nothing is to be seen yet but these words."""


@dataclass(frozen=True, kw_only=True)
class ShareTermsChanged(ShareEvent, Terms):
    """Other terms, which wait to be accepted; those in force hold meanwhile. An offer is simply replaced."""


@dataclass(frozen=True, kw_only=True)
class ShareAccepted(ShareEvent):
    """The newest terms are in force. `terms` is their digest as the receiver stated it, empty where it did
    not."""

    terms: str


@dataclass(frozen=True, kw_only=True)
class ShareRefused(ShareEvent):
    """The receiver wants no such share; where other terms hold already, they hold on."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class ShareRevoked(ShareEvent):
    """The giver has ended it."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class ShareGivenUp(ShareEvent):
    """The receiver has ended it."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class ShareState:
    """One share, as its stream tells. `terms` are those offered or in force, `proposed` those that wait."""

    status: str = ""
    giver: UUID | None = None
    receiver: UUID | None = None
    terms: Terms = field(default_factory=Terms)
    proposed: Terms | None = None

    @property
    def exists(self) -> bool:
        return bool(self.status)

    @property
    def newest(self) -> Terms:
        """The terms that an acceptance would be about."""
        return self.proposed or self.terms

    def after(self, event: Event) -> "ShareState":
        match event:
            case ShareOffered():
                return ShareState(
                    status="offered", giver=event.party, receiver=event.to, terms=Terms.alone(event)
                )
            case ShareTermsChanged():
                if self.status == "offered":
                    return replace(self, terms=Terms.alone(event))
                return replace(self, proposed=Terms.alone(event))
            case ShareAccepted():
                return replace(self, status="accepted", terms=self.newest, proposed=None)
            case ShareRefused():
                status = "accepted" if self.status == "accepted" else "refused"
                return replace(self, status=status, proposed=None)
            case ShareRevoked():
                return replace(self, status="revoked", proposed=None)
            case ShareGivenUp():
                return replace(self, status="given_up", proposed=None)
        return self


EVENTS = (ShareOffered, ShareTermsChanged, ShareAccepted, ShareRefused, ShareRevoked, ShareGivenUp)
