"""Whom a question is about: another party of the case, or one of its members. Nobody acts as them: the
wall is asked what it would let them do, and nothing more."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from cases import policy, reads
from cases.actors import actor_for_member, worker_for
from cases.models import Case, Member, Participation, Party
from cases.refusals import Forbidden, Unseen
from cases.rules.acting import Actor


@dataclass(frozen=True)
class Subject:
    """A party, or one member of it, and the part that the party has in the case."""

    party: Party
    part: str
    member: Member | None = None
    names: Mapping[UUID, str] = field(default_factory=dict)  # of the parties in the case

    @property
    def name(self) -> str:
        """As a sentence calls it."""
        return self.member.name if self.member else self.party.name

    @cached_property
    def eyes(self) -> Actor:
        """For questions to the wall alone; of a party, what holds for all of its members."""
        return actor_for_member(self.member, via="web") if self.member else worker_for(self.party.pk)


def may_ask(actor: Actor) -> bool:
    """Whether the actor may ask why others see things: lead investigators and counsel."""
    return actor.role in policy.LAWYERS.split()


def asking(actor: Actor) -> None:
    """Refuse who may not ask."""
    if not may_ask(actor):
        raise Forbidden("role", "Only a lead investigator or counsel asks who sees what, and why.")


def subject(
    actor: Actor,
    case: Case,
    *,
    party: UUID | None = None,
    member: UUID | None = None,
    parts: list[Participation] | None = None,
) -> Subject:
    """The party, or the member, of a visible case; Unseen where there is none such. Another party's members
    are known as long as they are active."""
    known = {one.party_id: one for one in (parts if parts is not None else reads.parties_of(actor, case))}
    person = None
    if member is not None:
        person = _at_hand(known.values(), member) or Member.objects.filter(pk=member, party__in=known).first()
        if person is None or not (person.active or person.party_id == actor.party):
            raise Unseen
        if party not in (None, person.party_id):
            raise Unseen
        party = person.party_id
    if party is None or party not in known:
        raise Unseen
    names = {pk: one.party.name for pk, one in known.items()}
    return Subject(known[party].party, known[party].role, person, names)


def _at_hand(parts: Iterable[Participation], member: UUID) -> Member | None:
    """The member, where the parties came with their active members."""
    for part in parts:
        people: Sequence[Member] = getattr(part.party, "shown_members", ())
        if found := next((one for one in people if one.pk == member), None):
            return found
    return None
