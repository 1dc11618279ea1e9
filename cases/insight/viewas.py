"""What lists a party or member would see of the actor's own things, by the wall that they would meet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import BooleanField, ExpressionWrapper, QuerySet

from cases import reads, wall
from cases.insight.subject import Subject, asking
from cases.models import Case, EvidenceItem
from cases.refusals import Unseen
from cases.rules.acting import Actor
from cases.rules.share_terms import OPERATIONS


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An item of the actor's own party, and what the other may do with it now."""

    item: EvidenceItem
    operations: frozenset[str]

    @property
    def words(self) -> list[str]:
        """The operations in words, from the least to the most."""
        return [label for name, label in OPERATIONS.items() if name in self.operations]


@dataclass(frozen=True, kw_only=True)
class View:
    """The lists as they would stand: `items` with their particulars, and how many only exist."""

    subject: Subject
    own: int
    items: Sequence[Shown]
    only_exist: int

    @property
    def counts(self) -> Mapping[str, int]:
        """How many of the items each operation is open for."""
        counted = {name: sum(name in one.operations for one in self.items) for name in OPERATIONS}
        return counted | {"exists": counted["exists"] + self.only_exist}

    @property
    def records(self) -> int:
        """The records that a search would go through."""
        return sum(one.item.records or 0 for one in self.items if "search" in one.operations)


def view_as(actor: Actor, case: Case, subject: Subject) -> View:
    """Of the actor's own items in a visible case: what the other's lists would show. One query."""
    asking(actor)
    if subject.party.pk == actor.party and subject.member is None:
        raise Unseen
    own = list(with_operations(reads.items(actor, case).filter(owner=actor.party), subject))
    told = [Shown(item=one, operations=operations(one)) for one in own]
    return View(
        subject=subject,
        own=len(own),
        items=[one for one in told if "metadata" in one.operations],
        only_exist=sum(one.operations == {"exists"} for one in told),
    )


def with_operations(items: QuerySet[EvidenceItem], subject: Subject) -> QuerySet[EvidenceItem]:
    """The items, each with what the wall lets the other do with it now, for `operations`."""
    if subject.member is not None and not subject.member.active:
        return items
    asked = {
        f"may_{name}": ExpressionWrapper(wall.granted(subject.eyes, name), output_field=BooleanField())
        for name in OPERATIONS
    }
    return items.annotate(**asked)


def operations(item: EvidenceItem) -> frozenset[str]:
    """What the other may do with an item that `with_operations` has found."""
    return frozenset(name for name in OPERATIONS if getattr(item, f"may_{name}", False))
