"""Shares of evidence: offered by one party, accepted by another, ended by either."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from api.filters import CURSOR, LIMIT
from api.paging import page_of
from api.serializers.sharing import (
    Acceptance,
    ChangedTerms,
    NewShare,
    ShareDetail,
    ShareEnding,
    SharePage,
    ShareRevocation,
    ShareWithReceipt,
)
from api.views.cases import CASE, KEY
from api.views.door import Door, receipt_facts
from cases import reads
from cases.actors import Actor
from cases.intents import Authorship
from cases.models import Case, Share
from cases.perform import perform
from cases.rules.sharing import (
    AcceptShare,
    ChangeShare,
    GiveUpShare,
    OfferShare,
    RefuseShare,
    RevokeShare,
    ShareCommand,
)
from cases.terms import terms_of

SHARE = OpenApiParameter("share", str, OpenApiParameter.PATH, description="The share's id.")


class _ShareDoor(Door):
    """A view of the shares of one case."""

    def share(self, case: str, given: str) -> Share:
        """The share by id, or Unseen."""
        return reads.share(self.actor, self.case(case), given)

    def done(
        self, case: str, command: ShareCommand, signed: Authorship | None = None, status: int = 200
    ) -> Response:
        """Perform, and answer with the share as it then stands."""
        receipt = perform(command, actor=self.actor, authorship=signed)
        share = self.share(case, str(command.share))
        share.receipt = receipt_facts(receipt)  # type: ignore[attr-defined]
        return Response(ShareWithReceipt(share, context={"actor": self.actor}).data, status=status)

    def act(
        self, kind: type[ShareCommand], body: type[BaseSerializer[Any]], case: str, share: str
    ) -> Response:
        """Perform a command on one share with what the body says, signed where the member signed it."""
        found = self.share(case, share)
        asked = self.asked(body)
        id_, signed = self.signed(asked)
        return self.done(case, kind(id=id_, case=found.case_id, share=found.pk, **asked), signed)


class Shares(_ShareDoor):
    """The shares of a case that your party gives or is given."""

    @extend_schema(
        operation_id="shares_list",
        parameters=[CASE, CURSOR, LIMIT],
        responses=SharePage,
        tags=["Shares"],
    )
    def get(self, request: Request, case: str) -> Response:
        """Offers, shares in force and those that ended, the newest first."""
        page = page_of(reads.shares(self.actor, self.case(case)), request, keys=["-offered_at", "-id"])
        told = {"results": page.rows, "next": page.next}
        return Response(SharePage(told, context={"actor": self.actor}).data)

    @extend_schema(
        operation_id="shares_offer",
        parameters=[CASE, KEY],
        request=NewShare,
        responses={201: ShareWithReceipt},
        tags=["Shares"],
    )
    def post(self, request: Request, case: str) -> Response:
        """Offer items to another party; it sees nothing of them until it accepts the terms."""
        found = self.case(case)
        asked = self.asked(NewShare)
        id_, signed = self.signed(asked)
        command = offer_of(self.actor, found, id_, asked)
        response = self.done(case, command, signed, 201)
        response["Location"] = reverse("api:share", args=[found.pk, command.share])
        return response


class OneShare(_ShareDoor):
    """One share."""

    @extend_schema(
        operation_id="shares_get", parameters=[CASE, SHARE], responses=ShareDetail, tags=["Shares"]
    )
    def get(self, request: Request, case: str, share: str) -> Response:
        """Its terms, where it stands, and the items that you may know of."""
        found = self.share(case, share)
        found.items = reads.items_of_share(self.actor, found)  # type: ignore[attr-defined]
        return Response(ShareDetail(found, context={"actor": self.actor}).data)

    @extend_schema(
        operation_id="shares_change",
        parameters=[CASE, SHARE, KEY],
        request=ChangedTerms,
        responses=ShareWithReceipt,
        tags=["Shares"],
    )
    def patch(self, request: Request, case: str, share: str) -> Response:
        """Propose new terms; those in force hold until the receiver accepts these."""
        found = self.share(case, share)
        body = ChangedTerms(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        asked = dict(body.validated_data)
        id_, signed = self.signed(asked)
        return self.done(case, change_of(self.actor, found, id_, asked), signed)


class Accept(_ShareDoor):
    """Saying yes."""

    @extend_schema(
        operation_id="shares_accept",
        parameters=[CASE, SHARE, KEY],
        request=Acceptance,
        responses=ShareWithReceipt,
        tags=["Shares"],
    )
    def post(self, request: Request, case: str, share: str) -> Response:
        """Accept the terms for your party; from then on, within their window, the items are there."""
        return self.act(AcceptShare, Acceptance, case, share)


class Refuse(_ShareDoor):
    """Saying no."""

    @extend_schema(
        operation_id="shares_refuse",
        parameters=[CASE, SHARE, KEY],
        request=ShareEnding,
        responses=ShareWithReceipt,
        tags=["Shares"],
    )
    def post(self, request: Request, case: str, share: str) -> Response:
        """Refuse an offer, or new terms: then those in force hold on."""
        return self.act(RefuseShare, ShareEnding, case, share)


class Revoke(_ShareDoor):
    """Taking back."""

    @extend_schema(
        operation_id="shares_revoke",
        parameters=[CASE, SHARE, KEY],
        request=ShareRevocation,
        responses=ShareWithReceipt,
        tags=["Shares"],
    )
    def post(self, request: Request, case: str, share: str) -> Response:
        """End a share that your party gives, at once; running downloads break off."""
        return self.act(RevokeShare, ShareRevocation, case, share)


class GiveUp(_ShareDoor):
    """Giving up."""

    @extend_schema(
        operation_id="shares_give_up",
        parameters=[CASE, SHARE, KEY],
        request=ShareEnding,
        responses=ShareWithReceipt,
        tags=["Shares"],
    )
    def post(self, request: Request, case: str, share: str) -> Response:
        """End a share that your party has accepted."""
        return self.act(GiveUpShare, ShareEnding, case, share)


def offer_of(actor: Actor, case: Case, id_: UUID, asked: Mapping[str, Any]) -> OfferShare:
    """The offer that a body asks for; the share's id follows from the command's."""
    return OfferShare(
        id=id_, case=case.pk, share=uuid5(id_, "share"), to=asked["to"], **_terms(actor, case, asked)
    )


def change_of(actor: Actor, share: Share, id_: UUID, asked: Mapping[str, Any]) -> ChangeShare:
    """The new terms that a body asks for, on top of the newest that there are."""
    changed = _terms(actor, share.case, asked)
    terms = {name: getattr(terms_of(share), name) for name in terms_of(share).plain()} | changed
    return ChangeShare(id=id_, case=share.case_id, share=share.pk, **terms)


def _terms(actor: Actor, case: Case, asked: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in asked.items() if name != "to"}
    if told.get("items"):
        told["items"] = reads.item_ids(actor, case, told["items"])
    return {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
