"""Why somebody can, or cannot, see something: the chain of events that decides it, in sentences."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db.models import Q

from cases import reads, sentences
from cases.insight import history, viewas
from cases.insight.history import Life, Past, Thing, Told
from cases.insight.subject import Subject, asking
from cases.models import (
    Case,
    EvidenceItem,
    EvidenceItemGroupObjectPermission,
    EvidenceItemUserObjectPermission,
    Share,
)
from cases.refusals import Forbidden, Unseen
from cases.rules.acting import Actor
from cases.rules.case import CaseState
from cases.rules.shape import CASE_STREAM, item_stream
from cases.rules.share_events import ShareOffered, ShareTermsChanged, share_stream
from cases.rules.share_terms import OPERATIONS, Terms
from cases.rules.values import ROLES


@dataclass(frozen=True, kw_only=True)
class Step:
    """One link of the chain. `allows`: for it, against it, or neither (None). `entry`: where it stands in the
    case's log, of what stands there."""

    sentence: str
    allows: bool | None = None
    entry: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the wall says at this moment, and the chain that leads there."""

    subject: Subject
    item: EvidenceItem | None
    allowed: bool
    operations: frozenset[str]
    steps: Sequence[Step]

    @property
    def verdict(self) -> str:
        """The answer in one sentence."""
        what = self.item.label if self.item else "the case"
        if not self.allowed:
            return f"{self.subject.name} cannot see {what}."
        if self.item is None:
            return f"{self.subject.name} can see the case."
        able = [label for name, label in OPERATIONS.items() if name in self.operations]
        return f"{self.subject.name} can see {what}: {'; '.join(label.lower() for label in able)}."


def why_case(actor: Actor, case: Case, subject: Subject) -> Answer:
    """Why the other can see a case that the actor sees; for lead investigators and counsel. One query."""
    asking(actor)
    past = history.past(case, [])
    steps = [*_membership(subject), *_joining(past, subject)]
    allowed = subject.member is None or subject.member.active
    return Answer(subject=subject, item=None, allowed=allowed, operations=frozenset(), steps=steps)


def why_item(actor: Actor, case: Case, label: str, subject: Subject) -> Answer:
    """Why the other can or cannot see an item ("E-3") that the actor sees; for the item's owner, and for a
    party about its own people. Three queries, one more for each generation above an item's parent."""
    number = re.fullmatch(r"E-([0-9]{1,9})", label, re.ASCII)
    asked = viewas.with_operations(reads.items(actor, case), subject)
    item = asked.filter(number=int(number[1])).first() if number else None
    if item is None:
        raise Unseen
    asking(actor)
    if actor.party not in (item.owner_id, subject.party.pk):
        raise Forbidden("not-owner", "Only the owner of an item is told who sees it, and why.")
    held = viewas.operations(item)
    shares = _between(actor, case, item, subject)
    past = history.past(case, [item_stream(item.pk), *(share_stream(one.pk) for one in shares)])
    steps = [*_membership(subject), *_joining(past, subject), _owning(past, item, subject)]
    if subject.party.pk != item.owner_id:
        steps += _shares(item, subject, past, shares)
    if "metadata" in held and item.state not in ("searchable", "indexed"):
        steps.append(Step(sentence=f"Its records cannot be read yet: {item.label} is {item.state}."))
    return Answer(subject=subject, item=item, allowed="metadata" in held, operations=held, steps=steps)


def _between(actor: Actor, case: Case, item: EvidenceItem, subject: Subject) -> list[Share]:
    """The shares by the item's owner to the other party, the actor being one of the two; for the owner also
    those by which others have shared it on. The oldest first."""
    if subject.party.pk == item.owner_id:
        return []
    meant = Q(giver=item.owner)
    if item.owner_id == actor.party:
        for wall in (EvidenceItemGroupObjectPermission, EvidenceItemUserObjectPermission):
            rows = wall.objects.filter(content_object=item).exclude(share=None)
            meant |= Q(status="accepted", pk__in=rows.values("share"))
    found = Share.objects.filter(meant, case=case, receiver=subject.party)
    return list(found.select_related("giver", "receiver").order_by("offered_at", "id"))


def _membership(subject: Subject) -> list[Step]:
    member = subject.member
    if member is None:
        return []
    role = ROLES[member.role].lower()
    admitted = f"{member.name} was admitted to {subject.party.name}, now as {role}."
    steps = [Step(sentence=admitted, at=member.admitted_at)]
    if not member.active:
        steps.append(Step(sentence=f"{member.name} may not sign in any more.", allows=False))
    return steps


def _joining(past: Past | None, subject: Subject) -> list[Step]:
    """The events by which the party came into the case, took another part, or left it."""
    name = subject.party.name
    steps, part, state = [], "", CaseState()
    for one in past.streams.get(CASE_STREAM, ()) if past else ():
        state = state.after(one.event)
        now = state.parts.get(subject.party.pk, "")
        if now != part:
            what = f"{name} came into the case as {now}" if not part else f"{name} is {now} from here on"
            steps.append(
                Step(
                    sentence=f"{what if now else f'{name} left the case'}: {_said(one, subject.names, {})}",
                    allows=bool(now),
                    entry=one.stored.index,
                    at=one.stored.recorded_at,
                )
            )
        part = now
    return steps


def _said(one: Told, names: Mapping[UUID, str], labels: Mapping[UUID, int]) -> str:
    """What was recorded, as a sentence with its full stop; a reason may have brought one along."""
    return f"{sentences.of(one.event, one.stored, names, labels).rstrip('.')}."


def _owning(past: Past | None, item: EvidenceItem, subject: Subject) -> Step:
    told = past.streams.get(item_stream(item.pk), ()) if past else ()
    entry, at = (told[0].stored.index, told[0].stored.recorded_at) if told else (None, None)
    if subject.party.pk == item.owner_id:
        said = f"{item.label} is {subject.party.name}’s own: all of its members see it."
        return Step(sentence=said, allows=True, entry=entry, at=at)
    said = f"{item.label} belongs to {item.owner.name}: others see it under a share, or not at all."
    return Step(sentence=said, entry=entry, at=at)


def _shares(item: EvidenceItem, subject: Subject, past: Past | None, shares: Sequence[Share]) -> list[Step]:
    now, among = datetime.now(UTC), _family(item)
    steps: list[Step] = []
    for share in shares:
        if share.giver_id != item.owner_id:
            # Of a share that is not its own the owner is told no more than who gave it.
            said = f"{share.giver.name}, which may share it on, has shared it with {subject.party.name}."
            steps.append(Step(sentence=said, allows=True, at=share.decided_at))
            continue
        life, giver = past.life(share) if past else None, item.owner_id
        if life and any(item.pk in history.covered(terms, giver, among) for terms in _all_terms(life)):
            steps += _one_share(life, item, subject, among, now)
    if not steps:
        steps.append(Step(sentence=f"Nobody has offered {item.label} to {subject.party.name}.", allows=False))
    return steps


def _family(item: EvidenceItem) -> list[Thing]:
    """The item and what it was made from, the oldest first."""
    line = [item]
    while (parent := line[0].parent) is not None:
        line.insert(0, parent)
    return [history.thing(one) for one in line]


def _all_terms(life: Life) -> list[Terms]:
    offered = [
        Terms.alone(one.event) for one in life.told if isinstance(one.event, ShareOffered | ShareTermsChanged)
    ]
    return [*offered, life.state.terms]


def _one_share(
    life: Life, item: EvidenceItem, subject: Subject, among: Sequence[Thing], now: datetime
) -> list[Step]:
    names = {one.pk: one.name for one in (life.share.giver, life.share.receiver)}
    steps = [
        Step(
            sentence=_said(one, names, {item.pk: item.number}),
            entry=one.stored.index,
            at=one.stored.recorded_at,
        )
        for one in life.told
    ]
    if not life.told:
        steps.append(
            Step(
                sentence=f"{life.share.giver.name} disclosed it without terms: {life.share.purpose}.",
                at=life.share.offered_at,
            )
        )
    for stands, sentence in _CHECKS:
        if not stands(life, item, subject, among, now):
            steps.append(Step(sentence=sentence(life, subject), allows=False))
            return steps
    until = life.state.terms.expires_at
    holds = f"until {until:%Y-%m-%d %H:%M} UTC" if until else "until one of the two ends it"
    steps.append(Step(sentence=f"This share is in force, {holds}.", allows=True))
    return steps


Stands = Callable[[Life, EvidenceItem, Subject, Sequence[Thing], datetime], bool]


def _in_force(life: Life, *_: object) -> bool:
    return life.state.status == "accepted"


def _covers(life: Life, item: EvidenceItem, _: Subject, among: Sequence[Thing], __: datetime) -> bool:
    giver = life.share.giver_id
    return item.pk in history.covered(life.state.terms, giver, among)


def _begun(life: Life, _: EvidenceItem, __: Subject, ___: Sequence[Thing], now: datetime) -> bool:
    begin = life.state.terms.not_before
    return begin is None or begin <= now


def _not_over(life: Life, _: EvidenceItem, __: Subject, ___: Sequence[Thing], now: datetime) -> bool:
    end = life.state.terms.expires_at
    return end is None or now < end


def _reaches(life: Life, _: EvidenceItem, subject: Subject, __: Sequence[Thing], ___: datetime) -> bool:
    terms, member = life.state.terms, subject.member
    if not terms.roles and not terms.members:
        return True
    return member is not None and (member.role in terms.roles or member.pk in terms.members)


def _see(life: Life, _: EvidenceItem, __: Subject, ___: Sequence[Thing], ____: datetime) -> bool:
    return "metadata" in life.state.terms.allowed


def _not_in_force(life: Life, subject: Subject) -> str:
    ended = life.share.ended_at
    when = f" since {ended:%Y-%m-%d %H:%M} UTC" if ended else ""
    return {
        "offered": f"{subject.party.name} has not accepted this offer, so nothing is to be seen yet.",
        "refused": f"{subject.party.name} refused it, so nothing is to be seen.",
        "revoked": f"It is revoked{when}: what was to be seen until then is no longer.",
        "given_up": f"It is given up{when}.",
    }[life.state.status]


def _who(life: Life, subject: Subject) -> str:
    terms = life.state.terms
    roles = " and ".join(ROLES[role].lower() for role in terms.roles)
    people = (
        f"{len(terms.members)} named member{'' if len(terms.members) == 1 else 's'}" if terms.members else ""
    )
    reach = " and ".join(filter(None, [f"the role {roles}" if roles else "", people]))
    return f"In force, for {reach} of {subject.party.name} only."


def _when(told: str, which: str) -> Callable[[Life, Subject], str]:
    def sentence(life: Life, _: Subject) -> str:
        at: datetime = getattr(life.state.terms, which)
        return f"{told} {at:%Y-%m-%d %H:%M} UTC."

    return sentence


_CHECKS: tuple[tuple[Stands, Callable[[Life, Subject], str]], ...] = (
    (_in_force, _not_in_force),
    (_covers, lambda _, __: "The terms in force do not cover this item, or not with its marking."),
    (_begun, _when("Accepted, but it begins only on", "not_before")),
    (_not_over, _when("It expired on", "expires_at")),
    (_reaches, _who),
    (_see, lambda _, __: "It lets them know that the item exists, and no more."),
)
