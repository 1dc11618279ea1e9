"""Whose witnesses vouch for a case: its parties with their part and their witnesses' keys."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from cases import reads
from cases.models import Case, Participation, Party, PartyKey
from cases.refusals import Unseen
from cases.rules.acting import Actor

QUORUM = frozenset({"lead", "partner"})
"""The parts whose witnesses must all have countersigned; observers may, and are not waited for."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """A party in a case, and all keys that its witnesses ever had; `own` are those of the member that looks,
    to sign with."""

    party: Party
    part: str
    keys: tuple[PartyKey, ...]
    own: tuple[PartyKey, ...] = ()

    @property
    def needed(self) -> bool:
        """Whether the quorum waits for this party."""
        return self.part in QUORUM

    @property
    def live(self) -> tuple[str, ...]:
        """The vkeys that are good today."""
        return tuple(key.vkey for key in self.keys if key.live)


def sides_of(actor: Actor, case: Case) -> list[Side]:
    """The parties of a case that the actor sees, lead first, or Unseen. Two queries."""
    parts = list(reads.parties_of(actor, case))
    if not parts:
        raise Unseen
    return with_keys(parts)


def with_keys(parts: Sequence[Participation], *, member: UUID | None = None) -> list[Side]:
    """The same of participations at hand, with the live keys of `member` where one is named. One query."""
    wanted = Q(purpose="witness")
    if member is not None:
        wanted |= Q(purpose="member", member=member, ended_at=None)
    keys = list(PartyKey.objects.filter(wanted, party__in=[part.party_id for part in parts]))
    return [
        Side(
            party=part.party,
            part=part.role,
            keys=tuple(key for key in keys if key.party_id == part.party_id and key.purpose == "witness"),
            own=tuple(key for key in keys if key.party_id == part.party_id and key.purpose == "member"),
        )
        for part in parts
    ]


def vkeys_of(sides: Iterable[Side]) -> list[str]:
    """Every witness key there ever was."""
    return [key.vkey for side in sides for key in side.keys]


def ends_of(sides: Iterable[Side]) -> dict[str, datetime]:
    """What a key said before it ended still counts; what is dated later, somebody else may have said."""
    return {key.vkey: key.ended_at for side in sides for key in side.keys if key.ended_at is not None}
