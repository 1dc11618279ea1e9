"""What waits in the custody of items, and who could be asked: for an actor, as everything that reads."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q, QuerySet

from cases import reads
from cases.models import Case, CustodyOffer, Disposal, EvidenceItem, Member, Participation
from cases.refusals import Refused
from cases.rules.acting import Actor
from cases.rules.transfer import OfferCustodyTransfer
from cases.sightings import parties_seeing


def offers_of(actor: Actor, item: EvidenceItem) -> QuerySet[CustodyOffer]:
    """Every offer of a visible item's custody, the newest first."""
    return CustodyOffer.objects.filter(item=item).select_related("giver", "receiver").order_by("-entry", "id")


def open_disposal(actor: Actor, item: EvidenceItem) -> Disposal | None:
    """The disposal of a visible item that waits for its witness."""
    waiting = Disposal.objects.filter(item=item, status="proposed")
    return waiting.select_related("authoriser", "witness__party").first()


def waiting(actor: Actor, case: Case) -> list[CustodyOffer]:
    """The offers in a case that wait for an answer by the actor's party, or were made by it."""
    mine = Q(giver=actor.party) | Q(receiver=actor.party)
    found = CustodyOffer.objects.filter(mine, case=case, status="offered", item__in=reads.my_items(actor))
    return list(found.select_related("item", "giver", "receiver"))


def receivers(actor: Actor, item: EvidenceItem, parts: Collection[Participation]) -> list[Participation]:
    """The parties that could take a visible item over: those that work on the case and see it."""
    seeing = parties_seeing(item.pk)
    return [
        part
        for part in parts
        if part.role != "observer" and part.party_id != actor.party and part.party_id in seeing
    ]


def witnesses(actor: Actor, seeing: Collection[Participation]) -> list[Member]:
    """The members that could witness the disposal of an item: of the other parties that are `seeing` it, as
    `receivers` tells, or, where there is none, of one's own."""
    asked = [part.party_id for part in seeing] or [actor.party]
    found = Member.objects.filter(party__in=asked, active=True)
    if actor.member is not None:
        found = found.exclude(pk=actor.member)
    return list(found.select_related("party").order_by("party__name", "name"))


def return_of(
    actor: Actor,
    item: EvidenceItem,
    *,
    id_: UUID,
    purpose: str,
    condition: str = "",
    seal: str = "",
    place: str = "",
) -> OfferCustodyTransfer:
    """The command that offers an item back to whom it came from, by the transfer that brought it."""
    came = came_by(item)
    if came is None:
        raise Refused("nothing-to-return", "This item did not come from another party.")
    return OfferCustodyTransfer(
        id=id_,
        case=item.case_id,
        item=item.pk,
        to=came.giver_id,
        returns=came.pk,
        purpose=purpose,
        condition=condition,
        seal=seal,
        place=place,
    )


def came_by(item: EvidenceItem) -> CustodyOffer | None:
    """The transfer by which a visible item came to who holds it now."""
    taken = CustodyOffer.objects.filter(item=item, status="accepted").select_related("giver")
    return taken.order_by("-decided_entry").first()
