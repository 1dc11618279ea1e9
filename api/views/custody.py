"""The custody of items: hand over, take over, release, dispose of, correct; extracts and objects."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID, uuid5

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from api.filters import CURSOR, LIMIT
from api.paging import page_of
from api.serializers import custody as asks
from api.serializers.evidence import ItemAnswer
from api.serializers.keys import IntentAnswer
from api.serializers.receipts import ReceiptAnswer
from api.views.cases import CASE, KEY
from api.views.door import Door, receipt_facts
from api.views.evidence import ITEM
from api.views.keys import intent_of
from cases import extracts, handing, reads
from cases.models import EvidenceItem
from cases.perform import perform
from cases.rules.acting import Actor
from cases.rules.custody import OneItem
from cases.rules.disposal import CancelDisposal, DisposeEvidence, ProposeDisposal, ReleaseEvidence
from cases.rules.making import MovePhysicalItem, RecordPhysicalItem
from cases.rules.transfer import (
    AcceptCustodyTransfer,
    CorrectCustody,
    OfferCustodyTransfer,
    RefuseCustodyTransfer,
    WithdrawCustodyTransfer,
)

Made = Callable[[Actor, EvidenceItem, UUID, dict[str, Any]], OneItem]


def _plain(kind: type[OneItem]) -> Made:
    def made(actor: Actor, item: EvidenceItem, id_: UUID, asked: dict[str, Any]) -> OneItem:
        return kind(id=id_, case=item.case_id, item=item.pk, **asked)

    return made


def _return(actor: Actor, item: EvidenceItem, id_: UUID, asked: dict[str, Any]) -> OneItem:
    return handing.return_of(actor, item, id_=id_, **asked)


ACTS: dict[str, tuple[type[BaseSerializer[Any]], Made]] = {
    "offer": (asks.NewOffer, _plain(OfferCustodyTransfer)),
    "return": (asks.NewReturn, _return),
    "accept": (asks.CustodyAcceptance, _plain(AcceptCustodyTransfer)),
    "refuse": (asks.OfferRefusal, _plain(RefuseCustodyTransfer)),
    "withdraw": (asks.OfferWithdrawal, _plain(WithdrawCustodyTransfer)),
    "release": (asks.Release, _plain(ReleaseEvidence)),
    "disposal": (asks.NewDisposal, _plain(ProposeDisposal)),
    "dispose": (asks.WitnessedDisposal, _plain(DisposeEvidence)),
    "call-off": (asks.DisposalEnd, _plain(CancelDisposal)),
    "correct": (asks.Correction, _plain(CorrectCustody)),
    "move": (asks.Move, _plain(MovePhysicalItem)),
}


class Act(Door):
    """One act of custody."""

    name: ClassVar[str]

    def done(self, case: str, item: str) -> Response:
        """Perform the act as the body says, and answer how the item stands."""
        found = self.item(case, item)
        serializer, made = ACTS[self.name]
        asked = self.asked(serializer)
        id_, signed = self.signed(asked)
        receipt = perform(made(self.actor, found, id_, asked), actor=self.actor, authorship=signed)
        # Who has just handed an item over may no longer see it.
        now = EvidenceItem.objects.select_related("holder").get(pk=found.pk)
        told = {"item": now.pk, "state": now.state, "holder": now.holder, "id": id_}
        told["receipt"] = receipt_facts(receipt)
        return Response(asks.CustodyActAnswer(told).data, status=201)


def _act(name: str, said: str) -> type[Act]:
    """The view of one act, with its own body in the description of the API."""

    class OneAct(Act):
        def post(self, request: Request, case: str, item: str) -> Response:
            return self.done(case, item)

    OneAct.post.__doc__ = said
    described = extend_schema(
        operation_id=f"custody_{name.replace('-', '_')}",
        parameters=[CASE, ITEM, KEY],
        request=ACTS[name][0],
        responses={201: asks.CustodyActAnswer},
        tags=["Custody"],
    )
    OneAct.post = described(OneAct.post)  # type: ignore[method-assign]
    OneAct.name, OneAct.__doc__ = name, said
    OneAct.__name__ = f"Custody{name.title().replace('-', '')}"
    return OneAct


Offer = _act("offer", "Offer the custody of an original to another party of the case that sees it.")
Return = _act("return", "Offer an item back to the party that it came from.")
Accept = _act("accept", "Take over what is offered to your party, once its bytes were hashed again for it.")
Refuse = _act("refuse", "Refuse what is offered to your party; the item stays with its holder.")
Withdraw = _act("withdraw", "Take back an offer of your party that was not answered yet.")
Release = _act("release", "Give an item to somebody outside of the case. Nothing of it is read any more.")
NewDisposal = _act("disposal", "Authorise a disposal; it is carried out when its witness confirms.")
Dispose = _act("dispose", "Confirm a disposal as its witness. The item is gone, its history stays.")
CallOff = _act("call-off", "Call off a disposal that waits for its witness.")
Correct = _act("correct", "Correct an entry of your party by a new one. The old entry stays.")
Move = _act("move", "Record where an object is kept from now on.")


class Offers(Door):
    """The offers of an item's custody."""

    @extend_schema(
        operation_id="custody_offers",
        parameters=[CASE, ITEM, CURSOR, LIMIT],
        responses=asks.OfferPage,
        tags=["Custody"],
    )
    def get(self, request: Request, case: str, item: str) -> Response:
        """Every offer of the item, the newest first, and what became of it."""
        found = handing.offers_of(self.actor, self.item(case, item))
        page = page_of(found, request, keys=["-entry", "id"])
        return Response(asks.OfferPage({"results": page.rows, "next": page.next}).data)


class Intents(Door):
    """What a member signs for an act of custody."""

    @extend_schema(
        operation_id="custody_intent",
        parameters=[CASE, ITEM, KEY],
        request=asks.CustodyIntent,
        responses=IntentAnswer,
        tags=["Custody"],
    )
    def post(self, request: Request, case: str, item: str) -> Response:
        """Draw the intent of an act; nothing is done until the act comes with the signature."""
        found = self.item(case, item)
        wanted = self.asked(asks.CustodyIntent)
        serializer, made = ACTS[wanted["act"]]
        body = serializer(data=wanted["body"])
        body.is_valid(raise_exception=True)
        asked = {name: value for name, value in body.validated_data.items() if name != "authorship"}
        return intent_of(made(self.actor, found, self.command_id(), asked))


class Extract(Door):
    """Extracts and redactions."""

    @extend_schema(
        operation_id="evidence_extract",
        parameters=[CASE, ITEM, KEY],
        request=asks.NewExtract,
        responses={201: asks.MadeItem},
        tags=["Custody"],
    )
    def post(self, request: Request, case: str, item: str) -> Response:
        """Make an item from selected records of one that your party owns. It has its own hash, and can be
        shared without the other."""
        found = self.item(case, item)
        asked = self.asked(asks.NewExtract)
        selection = extracts.Selection(
            query=asked["query"],
            start=asked["start"],
            end=asked["end"],
            columns=tuple(asked["columns"]),
            masked=tuple(asked["masked"]),
        )
        made, receipt = extracts.make(
            self.actor,
            found,
            selection,
            title=asked["title"],
            note=asked["note"],
            marking=asked["marking"] or "",
            command_id=self.command_id(),
        )
        told = ReceiptAnswer(receipt_facts(receipt)).data
        response = Response({**ItemAnswer(made).data, "receipt": told}, status=201)
        response["Location"] = reverse("api:item", args=[made.case_id, made.pk])
        return response


class Objects(Door):
    """Objects without bytes."""

    @extend_schema(
        operation_id="objects_record",
        parameters=[CASE, KEY],
        request=asks.NewObject,
        responses={201: asks.MadeItem},
        tags=["Custody"],
    )
    def post(self, request: Request, case: str) -> Response:
        """Take an object into custody: a disk, a phone, a notebook."""
        found = self.case(case)
        sent = asks.NewObject(data=request.data)
        sent.is_valid(raise_exception=True)
        facts, where = sent.parts()
        id_ = self.command_id()
        item = uuid5(id_, "item")
        command = RecordPhysicalItem(
            id=id_,
            case=found.pk,
            item=item,
            facts=facts,
            barcode=where["barcode"],
            seal=where["seal"],
            place=where["place"],
        )
        receipt = perform(command, actor=self.actor)
        made = reads.item(self.actor, found, item)
        told = ReceiptAnswer(receipt_facts(receipt)).data
        response = Response({**ItemAnswer(made).data, "receipt": told}, status=201)
        response["Location"] = reverse("api:item", args=[found.pk, item])
        return response
