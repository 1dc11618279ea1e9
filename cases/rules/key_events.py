"""What happened to keys: the same events in the host log and, copied, in the log of each case."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from cases.rules.shape import Event


def key_stream(party: UUID) -> str:
    """The stream of a party's keys, in the host log and in the log of each of its cases."""
    return f"keys/{party}"


@dataclass(frozen=True, kw_only=True)
class KeyEvent(Event):
    """Something about a key of a party."""

    party: UUID

    @property
    def stream(self) -> str:
        return key_stream(self.party)


@dataclass(frozen=True, kw_only=True)
class NewKey(KeyEvent):
    """A key that is good from here on; `proof` shows that somebody holds its private half."""

    key: str
    alg: str
    public: str
    member: UUID | None
    purpose: str
    name: str
    statement: str
    proof: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class KeyRegistered(NewKey):
    """A key of its own."""


@dataclass(frozen=True, kw_only=True)
class KeyRotated(NewKey):
    """A key in the place of another, by the word of both."""

    replaces: str
    old_proof: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class KeyRevoked(KeyEvent):
    """A key is no longer good, from this entry on."""

    key: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class SignaturesRequired(KeyEvent):
    """Whether members of the party must sign what binds it."""

    required: bool


EVENTS = (KeyRegistered, KeyRotated, KeyRevoked, SignaturesRequired)
