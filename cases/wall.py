"""The first wall: what guardian's rows let an actor do with evidence at this moment.

Rows hold for a party, for a role in it, or for one member; those of a share hold within its window alone.
The database's own clock decides, at the statement and not at the start of its transaction, so that a share
has ended for a writer that has waited for a lock.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group, Permission
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now

from cases.models import (
    CaseGroupObjectPermission,
    EvidenceItem,
    EvidenceItemGroupObjectPermission,
    EvidenceItemUserObjectPermission,
    Party,
)
from cases.rules.acting import Actor
from cases.rules.share_terms import CODENAMES
from cases.rules.sharing import Held

OPERATION = {codename: name for name, codename in CODENAMES.items()}


def group_names(actor: Actor) -> tuple[str, ...]:
    """The groups whose rows hold for this actor: its party's, and that of its role in it."""
    party = f"party:{actor.party}"
    return (party, f"{party}:{actor.role}") if actor.kind == "member" else (party,)


def in_case(actor: Actor) -> Exists:
    """That the actor's party takes part in a case; for a query on cases."""
    return Exists(
        CaseGroupObjectPermission.objects.filter(
            content_object=OuterRef("pk"),
            group=Subquery(Party.objects.filter(pk=actor.party).values("group")),
            permission=Subquery(_permission("view_case")),
        )
    )


def granted(actor: Actor, operation: str) -> Q:
    """That the actor may do this with an item now; for a query on items. Groups and permission are looked up
    once a query, so that each row asks one key of the tables' own unique indexes, however much there is."""
    asked = {
        "content_object": OuterRef("pk"),
        "permission": Subquery(_permission(CODENAMES[operation])),
    }
    found = Q(Exists(_of_groups(actor).filter(**asked)))
    if actor.user_id is not None and actor.kind == "member":
        found |= Q(Exists(_of_user(actor).filter(**asked)))
    return found


def visible(actor: Actor, items: Collection[UUID]) -> frozenset[UUID]:
    """Of these items, those whose particulars the actor may see now. One query."""
    found = EvidenceItem.objects.filter(granted(actor, "metadata"), pk__in=items)
    return frozenset(found.values_list("pk", flat=True))


def held(actor: Actor, items: Collection[UUID], *, case: UUID) -> dict[UUID, Held]:
    """What the actor may do now with each of these items of a case; those that it does not see are absent.
    One query, however many items."""
    wanted: dict[str, Any] = {"content_object__in": items, "content_object__case": case}
    columns = ("content_object", "content_object__owner", "permission__codename")
    rows = _of_groups(actor).filter(**wanted).values_list(*columns)
    if actor.user_id is not None:
        rows = rows.union(_of_user(actor).filter(**wanted).values_list(*columns), all=True)
    operations: dict[tuple[UUID, UUID], set[str]] = defaultdict(set)
    for item, owner, codename in rows:
        operations[item, owner].add(OPERATION[codename])
    return {
        item: Held(owner=owner, operations=frozenset(names))
        for (item, owner), names in operations.items()
        if "metadata" in names
    }


def _of_groups(actor: Actor) -> QuerySet[EvidenceItemGroupObjectPermission]:
    ours = Q()
    for name in group_names(actor):
        ours |= Q(group=Subquery(Group.objects.filter(name=name).values("pk")))
    found: QuerySet[EvidenceItemGroupObjectPermission] = EvidenceItemGroupObjectPermission.objects.filter(
        ours, _in_force()
    )
    return found


def _of_user(actor: Actor) -> QuerySet[EvidenceItemUserObjectPermission]:
    found: QuerySet[EvidenceItemUserObjectPermission] = EvidenceItemUserObjectPermission.objects.filter(
        _in_force(), user=actor.user_id
    )
    return found


def _in_force() -> Q:
    begun = Q(not_before=None) | Q(not_before__lte=Now())
    return begun & (Q(expires_at=None) | Q(expires_at__gt=Now()))


def _permission(codename: str) -> QuerySet[Permission, Any]:
    return Permission.objects.filter(codename=codename, content_type__app_label="cases").values("pk")
