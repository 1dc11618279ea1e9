"""Why somebody can, or cannot, see something: the chain of events that decides it, in sentences."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cases import events, reads, sentences
from cases.insight import history, viewas
from cases.insight.history import EVERY_ENTRY, Life, Thing
from cases.insight.subject import Subject, asking
from cases.models import Case, EvidenceItem, Share
from cases.refusals import Forbidden
from cases.rules.acting import Actor
from cases.rules.case import CaseCreated, PartyAdded
from cases.rules.shape import CASE_STREAM
from cases.rules.share_events import ShareOffered, ShareTermsChanged
from cases.rules.share_terms import OPERATIONS, Terms
from cases.rules.values import ROLES
from ledger import reading


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
    """Why the other can see a case that the actor sees; for lead investigators and counsel. Two queries."""
    asking(actor)
    steps = [*_membership(subject), *_joining(case, subject)]
    allowed = subject.member is None or subject.member.active
    return Answer(subject=subject, item=None, allowed=allowed, operations=frozenset(), steps=steps)


def why_item(actor: Actor, item: EvidenceItem, subject: Subject) -> Answer:
    """Why the other can or cannot see an item; for the item's owner, and for a party about its own people.
    At most nine queries."""
    asking(actor)
    if actor.party not in (item.owner_id, subject.party.pk):
        raise Forbidden("not-owner", "Only the owner of an item is told who sees it, and why.")
    case, now = item.case, datetime.now(UTC)
    steps = [*_membership(subject), *_joining(case, subject), _owning(actor, item, subject)]
    if subject.party.pk != item.owner_id:
        steps += _shares(actor, item, subject, now)
    held = viewas.operations(subject, case, [item.pk]).get(item.pk, frozenset())
    if not held and subject.party.pk != item.owner_id and len(steps) and steps[-1].allows is None:
        steps.append(Step(sentence="No share of this item holds for them now.", allows=False))
    if held & {"search", "preview"} and item.state not in ("searchable", "indexed"):
        steps.append(Step(sentence=f"Its records cannot be read yet: {item.label} is {item.state}."))
    return Answer(subject=subject, item=item, allowed=bool(held), operations=held, steps=steps)


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


def _joining(case: Case, subject: Subject) -> list[Step]:
    """The events by which the party came into the case, or left it."""
    names = {subject.party.pk: subject.party.name}
    steps = []
    for stored in reading.read_stream(case.pk, CASE_STREAM, after=0, until=EVERY_ENTRY):
        event = events.read(stored)
        led = isinstance(event, CaseCreated) and event.lead == subject.party.pk
        joined = isinstance(event, PartyAdded) and event.party == subject.party.pk
        if led or joined:
            said = sentences.of(event, stored, names, {})
            who = "which leads it" if led else f"as {subject.part}"
            steps.append(
                Step(
                    sentence=f"{subject.party.name} came into the case {who}: {said}.",
                    allows=True,
                    entry=stored.index,
                    at=stored.recorded_at,
                )
            )
    return steps


def _owning(actor: Actor, item: EvidenceItem, subject: Subject) -> Step:
    first = reads.custody(actor, item).first()
    entry, at = (first.entry, first.recorded_at) if first else (None, None)
    if subject.party.pk == item.owner_id:
        said = f"{item.label} is {subject.party.name}’s own: all of its members see it."
        return Step(sentence=said, allows=True, entry=entry, at=at)
    said = f"{item.label} belongs to {item.owner.name}: others see it under a share, or not at all."
    return Step(sentence=said, entry=entry, at=at)


def _shares(actor: Actor, item: EvidenceItem, subject: Subject, now: datetime) -> list[Step]:
    case = item.case
    pair = (item.owner_id, subject.party.pk) if item.owner_id == actor.party else (actor.party, item.owner_id)
    found = history.lives(actor, case, pair, until=EVERY_ENTRY)
    giver = item.owner_id
    given = [life for life in found if life.share.giver_id == giver]
    among = history.things(case, [item.owner_id])
    steps: list[Step] = []
    for life in given:
        if any(item.pk in history.covered(terms, giver, among) for terms in _all_terms(life)):
            steps += _one_share(life, item, subject, among, now)
    steps += _shared_on(actor, item, subject)
    if not steps:
        steps.append(Step(sentence=f"Nobody has offered {item.label} to {subject.party.name}.", allows=False))
    return steps


def _all_terms(life: Life) -> list[Terms]:
    offered = [
        Terms.of(one.event) for one in life.told if isinstance(one.event, ShareOffered | ShareTermsChanged)
    ]
    return [*offered, life.state.terms]


def _one_share(
    life: Life, item: EvidenceItem, subject: Subject, among: Sequence[Thing], now: datetime
) -> list[Step]:
    names = {one.pk: one.name for one in (life.share.giver, life.share.receiver)}
    steps = [
        Step(
            sentence=f"{sentences.of(one.event, one.stored, names, {item.pk: item.number})}.",
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


def _shared_on(actor: Actor, item: EvidenceItem, subject: Subject) -> list[Step]:
    """That a party which may share it on has done so. Of such a share the owner is told no more than who."""
    if item.owner_id != actor.party:
        return []
    onward = (
        Share.objects.filter(group_rows__content_object=item, receiver=subject.party, status="accepted")
        .exclude(giver=item.owner_id)
        .select_related("giver")
        .distinct()
    )
    return [
        Step(
            sentence=f"{one.giver.name}, which may share it on, has shared it with {subject.party.name}.",
            allows=True,
            at=one.decided_at,
        )
        for one in onward
    ]


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
