"""Every SELECT, always for an actor. What an actor may not see is absent here: Unseen, and not in lists or
counts."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db.models import Case as Choice
from django.db.models import (
    Count,
    Exists,
    IntegerField,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Now

from cases import openings, sentences, wall
from cases.models import (
    Case,
    CustodyEvent,
    EvidenceItem,
    Member,
    Participation,
    Party,
    Proposal,
    Share,
    ShareItem,
)
from cases.refusals import Refused, Unseen
from cases.rules.acting import HOST_PARTY, Actor
from cases.rules.share_terms import OPERATIONS
from cases.rules.values import PARTS
from evidence.models import Ingest
from ledger import reading
from ledger.entries import Head, Opening, Receipt
from ledger.reading import receipt_of

Order = Literal[
    "-updated_at", "updated_at", "reference", "-reference", "severity", "-severity", "title", "-title"
]
CONTAINERS = ("gzip",)
"""Formats whose items hold no records themselves: what was derived from them does."""
WITHOUT_CONTENT = ("stored", "released", "disposed")
"""States in which nothing of an item is read: it never had bytes, or they are out of its custody."""


BY_PART = Choice(
    *(When(role=part, then=Value(rank)) for rank, part in enumerate(PARTS)), output_field=IntegerField()
)
"""The order in which the parties of a case are named."""


def my_cases(
    actor: Actor, *, status: str | None = None, text: str | None = None, order: Order = "-updated_at"
) -> QuerySet[Case]:
    """The cases that the actor's party takes part in, with `my_part` and lead; filter further, slice to
    page."""
    part = Participation.objects.filter(case=OuterRef("pk"), party=actor.party, left_at=None).values("role")
    asked = {"my_part": Subquery(part)}
    found: QuerySet[Case] = Case.objects.filter(wall.in_case(actor)).select_related("lead").annotate(**asked)
    if status:
        found = found.filter(status=status)
    if text:
        found = found.filter(
            Q(reference__icontains=text) | Q(title__icontains=text) | Q(summary__icontains=text)
        )
    return found.order_by(order, "pk")


def case(actor: Actor, case_id: UUID | str) -> Case:
    """One case by id or reference, or Unseen. One query."""
    found = my_cases(actor).filter(**_by_id(case_id, "reference")).first()
    if found is None:
        raise Unseen
    return found


def parties_of(actor: Actor, case: Case) -> QuerySet[Participation]:
    """Who takes part in a case that the actor sees, with the party: the lead first, then partners, then
    observers, each in the order in which they joined."""
    return everyone_in(actor, case).filter(left_at=None)


def everyone_in(actor: Actor, case: Case) -> QuerySet[Participation]:
    """The same with those that have left: their acts stay in the history."""
    sees = Participation.objects.filter(case=OuterRef("case"), party=actor.party, left_at=None)
    return (
        Participation.objects.filter(Exists(sees), case=case)
        .select_related("party")
        .order_by(BY_PART, "joined_at", "id")
    )


def items(actor: Actor, case: Case) -> QuerySet[EvidenceItem]:
    """The items of a case that the actor's party may see, with owner, holder and parent, by number."""
    return _seen(actor).filter(case=case).order_by("number")


def my_items(actor: Actor) -> QuerySet[EvidenceItem]:
    """Every item that the actor's party may see, in all its cases."""
    return _seen(actor)


def item(actor: Actor, case: Case, item_id: UUID | str) -> EvidenceItem:
    """One item by id or number ("E-3" or "3"), or Unseen. One query; `item.case` is the case given."""
    wanted = str(item_id)
    if match := re.fullmatch(r"(?:E-)?([0-9]{1,9})", wanted, re.IGNORECASE | re.ASCII):
        found = items(actor, case).filter(number=int(match[1])).first()
    else:
        found = items(actor, case).filter(**_by_id(wanted, "pk")).first()
    if found is None:
        raise Unseen
    found.case = case
    return found


def custody(actor: Actor, item: EvidenceItem) -> QuerySet[CustodyEvent]:
    """What happened to an item. Examinations by others are shown to the item's owner only."""
    steps = CustodyEvent.objects.filter(item=item, item__in=_seen(actor)).select_related("party", "member")
    if item.owner_id != actor.party:
        steps = steps.filter(~Q(kind="examined") | Q(party=actor.party))
    return steps.order_by("entry", "id")


def readable_items(
    actor: Actor, case: Case, only: Sequence[UUID] | None = None, *, operation: str = "search"
) -> list[EvidenceItem]:
    """The items with records on which the actor may do this now. Unseen if one of `only` is not visible, or
    not for this; one on which it may, but that is not searchable yet, is left out. One query, two with
    `only`."""
    allowed = items(actor, case).filter(wall.granted(actor, operation))
    if only is not None:
        wanted = set(only)
        allowed = allowed.filter(pk__in=wanted)
        if allowed.count() != len(wanted):
            raise Unseen
    return list(allowed.filter(state__in=("searchable", "indexed")).exclude(format__in=CONTAINERS))


def readable_item(actor: Actor, item: EvidenceItem, operation: str) -> EvidenceItem:
    """The item itself if the actor may do this with it now, else Unseen."""
    if not EvidenceItem.objects.filter(wall.granted(actor, operation), pk=item.pk).exists():
        raise Unseen
    if item.state in WITHOUT_CONTENT:
        raise Refused("item-state", f"This cannot be done while the item is {item.state}.")
    return item


def may_still(actor: Actor, item: EvidenceItem, operation: str) -> bool:
    """Whether somebody who was let in a moment ago may do this now, as a member that is active. One query."""
    found = EvidenceItem.objects.filter(wall.granted(actor, operation), pk=item.pk)
    if actor.member is not None:
        active = Member.objects.filter(pk=actor.member, active=True, user__is_active=True)
        found = found.filter(Exists(active))
    return found.exists()


def allowed(actor: Actor, item: EvidenceItem) -> frozenset[str]:
    """The operations that the actor may do now with a visible item: all of them with one of its own party's.
    One query for others."""
    if item.owner_id == actor.party:
        return frozenset(OPERATIONS)
    held = wall.held(actor, [item.pk], case=item.case_id).get(item.pk)
    return held.operations if held else frozenset()


@dataclass(frozen=True, kw_only=True)
class LedgerRow:
    """An entry as one party sees it. `opening` is None where the entry stays sealed for it; of an opened one
    `erased` has the digests of fields whose value and salt were destroyed. `lost`: no opening is here."""

    index: int
    recorded_at: datetime
    party: UUID
    party_name: str
    leaf_hash: str
    leaf_b64: str
    opening: Opening | None
    type: str | None
    sentence: str
    erased: Mapping[str, str]
    lost: bool


def ledger_page(
    actor: Actor,
    case: Case,
    *,
    after: int = -1,
    limit: int = 100,
    names: Mapping[UUID, str] | None = None,
) -> list[LedgerRow]:
    """Entries after an index, with the openings that the actor's party may read. Three queries, or two where
    the `names` of the case's parties are at hand."""
    entries = openings.told(case.pk, reading.read_entries(case.pk, after=after, limit=limit))
    mentioned = openings.mentioned(entries)
    labels = (
        dict(items(actor, case).filter(pk__in=mentioned).values_list("pk", "number")) if mentioned else {}
    )
    if names is None:
        names = dict(Party.objects.filter(participations__case=case).values_list("pk", "short_name"))
    return [_ledger_row(actor, one, names, labels) for one in entries]


def _ledger_row(
    actor: Actor, one: openings.Told, names: Mapping[UUID, str], labels: Mapping[UUID, int]
) -> LedgerRow:
    # Who answers a referral writes here without being in the case.
    row, other = one.row, "the host" if one.row.party == HOST_PARTY else "a party that is not in the case"
    name = names.get(row.party, other)
    open_ = openings.opened_to(actor, one, labels)
    return LedgerRow(
        index=row.index,
        recorded_at=row.recorded_at,
        party=row.party,
        party_name=name,
        leaf_hash=row.leaf_hash.hex(),
        leaf_b64=base64.b64encode(row.leaf).decode(),
        opening=row.opening if open_ else None,
        type=one.stored.type if open_ and one.stored else None,
        sentence=sentences.of(one.event, one.stored, names, labels)
        if open_ and one.event and one.stored
        else f"Sealed entry {row.index}, by {name}",
        erased=row.erased if open_ else {},
        lost=one.stored is None,
    )


def ledger_head(actor: Actor, case: Case) -> Head:
    """Size, root and checkpoint of a visible case's log."""
    head = reading.head(case.pk)
    if head is None:
        raise Unseen
    return head


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What the front page of a case counts and lists; of evidence only what the actor may see."""

    parties: list[Participation]
    items: int
    records: int
    rejects: int
    bytes: int
    states: dict[str, int]
    first_time: datetime | None
    last_time: datetime | None
    recent: list[CustodyEvent]
    entries: int


def overview(actor: Actor, case: Case) -> Overview:
    """The case page in four queries."""
    counted = list(
        items(actor, case)
        .order_by()
        .values("state")
        .annotate(
            items=Count("pk"),
            records_=Sum("records", default=0),
            rejects_=Sum("rejects", default=0),
            bytes=Sum("size", default=0),
            first=Min("first_time"),
            last=Max("last_time"),
        )
    )
    recent = (
        CustodyEvent.objects.filter(item__case=case, item__in=_seen(actor))
        .filter(~Q(kind="examined") | Q(party=actor.party) | Q(item__owner=actor.party))
        .select_related("party", "item")
        .order_by("-entry", "-id")[:12]
    )
    return Overview(
        parties=list(parties_of(actor, case)),
        items=sum(each["items"] for each in counted),
        records=sum(each["records_"] for each in counted),
        rejects=sum(each["rejects_"] for each in counted),
        bytes=sum(each["bytes"] for each in counted),
        states={each["state"]: each["items"] for each in counted},
        first_time=min((each["first"] for each in counted if each["first"]), default=None),
        last_time=max((each["last"] for each in counted if each["last"]), default=None),
        recent=list(recent),
        entries=ledger_head(actor, case).size,
    )


def ingest_of(actor: Actor, item: EvidenceItem) -> Ingest | None:
    """How far the worker is with a visible item: step, attempts, done_bytes, total_bytes, error, pending."""
    return Ingest.objects.filter(pk=item.pk).first()


def ingests_of(actor: Actor, items: Sequence[EvidenceItem]) -> dict[UUID, Ingest]:
    """The same for many visible items in one query."""
    return Ingest.objects.in_bulk([each.pk for each in items])


def shares(actor: Actor, case: Case) -> QuerySet[Share]:
    """The shares of a visible case that the actor's party gives or is given, the newest first, with both
    parties and `item_count`: how many items the terms name, or the giver has. Of the items themselves the
    receiver learns by the wall alone."""
    named = ShareItem.objects.filter(share=OuterRef("pk")).order_by().values("share").annotate(n=Count("pk"))
    owned = (
        EvidenceItem.objects.filter(case=OuterRef("case"), owner=OuterRef("giver"))
        .order_by()
        .values("owner")
        .annotate(n=Count("pk"))
    )
    count = When(scope="case", then=Coalesce(Subquery(owned.values("n")), 0))
    return (
        Share.objects.filter(Q(giver=actor.party) | Q(receiver=actor.party), case=case)
        .select_related("giver", "receiver")
        .annotate(item_count=Choice(count, default=Coalesce(Subquery(named.values("n")), 0)))
        .order_by("-offered_at", "id")
    )


def share(actor: Actor, case: Case, share_id: UUID | str) -> Share:
    """One of them by id, or Unseen. One query."""
    found = shares(actor, case).filter(**_by_id(share_id, "pk")).first()
    if found is None:
        raise Unseen
    return found


def items_of_share(actor: Actor, share: Share) -> list[EvidenceItem]:
    """The items of a visible share that the actor may know of, derived ones among them, by number; `title`
    and all else is for those whose particulars it sees, which `seen` says. Its giver sees what is shared."""
    known = EvidenceItem.objects.filter(
        Q(evidenceitemgroupobjectpermission__share=share) | Q(evidenceitemuserobjectpermission__share=share)
        if share.status == "accepted"
        else Q(named_in__share=share),
        wall.granted(actor, "exists"),
    )
    seen = Exists(EvidenceItem.objects.filter(wall.granted(actor, "metadata"), pk=OuterRef("pk")))
    return list(known.distinct().annotate(seen=seen).order_by("number"))


def shared_with(actor: Actor, item: EvidenceItem) -> list[Party]:
    """The parties with which a visible item is shared now: all of them for its owner; for others those to
    which their own party has shared it on."""
    live = Share.objects.filter(
        Q(group_rows__content_object=item) | Q(user_rows__content_object=item), status="accepted"
    ).filter(Q(expires_at=None) | Q(expires_at__gt=Now()))
    if item.owner_id != actor.party:
        live = live.filter(giver=actor.party)
    return list(Party.objects.filter(pk__in=live.values("receiver")).order_by("name"))


def item_ids(actor: Actor, case: Case, given: Sequence[str]) -> list[UUID]:
    """Items named by id or number ("E-3", "3"), as ids; Unseen if one of them is not visible. One query."""
    visible = {str(number): pk for pk, number in items(actor, case).values_list("pk", "number")}
    known = visible | {str(pk): pk for pk in visible.values()}
    found = [known.get(re.sub("^[eE]-", "", name.strip()).lower()) for name in given]
    if None in found:
        raise Unseen
    return [pk for pk in dict.fromkeys(found) if pk is not None]


def sealing_receipt(actor: Actor, item: EvidenceItem) -> Receipt:
    """The receipt of the commit in which a visible item came into the case: acquired, received, sealed."""
    sealed = custody(actor, item).filter(kind="sealed").get()
    return receipt_of(item.case_id, sealed.entry + 1)


def candidates(actor: Actor, case: Case) -> QuerySet[Party]:
    """The parties of this host that are neither in the case nor proposed for it, for those who may add
    one."""
    present = Participation.objects.filter(case=case, left_at=None)
    proposed = Proposal.objects.filter(case=case, kind="party", status="open")
    taken = Q(pk__in=present.values("party")) | Q(pk__in=proposed.values("party"))
    return Party.objects.exclude(taken).order_by("name")


def _seen(actor: Actor) -> QuerySet[EvidenceItem]:
    return EvidenceItem.objects.filter(wall.granted(actor, "metadata")).select_related(
        "owner", "holder", "parent"
    )


def _by_id(given: UUID | str, otherwise: str) -> dict[str, object]:
    try:
        return {"pk": given if isinstance(given, UUID) else UUID(str(given))}
    except ValueError:
        return {otherwise: given} if otherwise != "pk" else {"pk": None}
