"""Cases: list, create, revise, move through their life; and who the token acts as."""

from typing import Any
from uuid import uuid5

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.filters import CURSOR, LIMIT, CaseFilter, narrowed, parameters, text_of
from api.paging import page_of
from api.serializers.cases import (
    CaseAnswer,
    CasePage,
    CaseRevision,
    CaseWithReceipt,
    HoldChange,
    MeAnswer,
    NewCase,
    StatusChange,
)
from api.views.door import Door, receipt_facts
from cases import listings, reads, together
from cases.models import Case
from cases.perform import perform
from cases.rules.case import (
    CloseCase,
    ContainCase,
    CreateCase,
    LiftLegalHold,
    OpenCase,
    PlaceLegalHold,
    ReopenCase,
    ReviseCase,
)
from cases.together import Question
from ledger.entries import Receipt

KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Any text of yours. Same key, same content: the first answer again; other content: 409.",
)
TEXT = OpenApiParameter("text", str, OpenApiParameter.QUERY, description="In reference, title or summary.")
CASE = OpenApiParameter("case", str, OpenApiParameter.PATH, description="The case's id or reference.")


class Me(Door):
    """Who this token acts as."""

    @extend_schema(operation_id="me", responses=MeAnswer, tags=["Token"])
    def get(self, request: Request) -> Response:
        """The member, its role and its party."""
        actor = self.actor
        told = {
            "member": actor.member,
            "name": actor.name,
            "role": actor.role,
            "party": listings.own_party(actor),
        }
        return Response(MeAnswer(told).data)


class Cases(Door):
    """Your party's cases."""

    @extend_schema(
        operation_id="cases_list",
        parameters=[TEXT, CURSOR, LIMIT, *parameters(CaseFilter)],
        responses=CasePage,
        tags=["Cases"],
    )
    def get(self, request: Request) -> Response:
        """The cases that your party takes part in, the newest first."""
        found = narrowed(reads.my_cases(self.actor, text=text_of(request, "text")), request, CaseFilter)
        page = page_of(found, request, keys=["-created_at", "-id"])
        return Response(CasePage({"results": page.rows, "next": page.next}).data)

    @extend_schema(
        operation_id="cases_create",
        parameters=[KEY],
        request=NewCase,
        responses={201: CaseWithReceipt},
        tags=["Cases"],
    )
    def post(self, request: Request) -> Response:
        """Create a case, in draft, led by your party."""
        command_id = self.command_id()
        command = CreateCase(id=command_id, case=uuid5(command_id, "case"), **self.asked(NewCase))
        receipt = perform(command, actor=self.actor)
        response = Response(_told(self.case(str(command.case)), receipt), status=201)
        response["Location"] = reverse("api:case", args=[command.case])
        return response


class OneCase(Door):
    """One case."""

    @extend_schema(operation_id="cases_get", parameters=[CASE], responses=CaseAnswer, tags=["Cases"])
    def get(self, request: Request, case: str) -> Response:
        """The case as your party sees it."""
        return Response(CaseAnswer(self.case(case)).data)

    @extend_schema(
        operation_id="cases_revise",
        parameters=[CASE, KEY],
        request=CaseRevision,
        responses=CaseWithReceipt,
        tags=["Cases"],
    )
    def patch(self, request: Request, case: str) -> Response:
        """Change what is said about the case."""
        found = self.case(case)
        command = ReviseCase(id=self.command_id(), case=found.pk, **self.asked(CaseRevision))
        receipt = perform(command, actor=self.actor)
        return Response(_told(self.case(case), receipt))


class Status(Door):
    """The life of a case: draft, open, contained, closed."""

    @extend_schema(
        operation_id="cases_status",
        parameters=[CASE, KEY],
        request=StatusChange,
        responses=CaseWithReceipt,
        tags=["Cases"],
    )
    def post(self, request: Request, case: str) -> Response:
        """Open, contain, close or reopen the case. Closing is proposed where your party does not decide
        alone: the case closes once each lead or partner has agreed or dissented, and `closing` says who is
        still to answer."""
        found = self.case(case)
        asked = self.asked(StatusChange)
        id_, signed = self.signed(asked)
        reason = asked["reason"]
        command: OpenCase | ReopenCase | ContainCase | CloseCase
        if asked["to"] == "contained":
            command = ContainCase(id=id_, case=found.pk, reason=reason)
        elif asked["to"] == "closed":
            command = CloseCase(id=id_, case=found.pk, reason=reason)
        elif found.status != "draft" and (reason or found.status != "open"):
            # A retry finds the case open already; of the two only reopening needs its reason.
            command = ReopenCase(id=id_, case=found.pk, reason=reason)
        else:
            command = OpenCase(id=id_, case=found.pk)
        receipt = perform(command, actor=self.actor, authorship=signed)
        closing = None
        if receipt.events[0].type == "ClosingProposed":
            closing = together.question(self.actor, found, str(receipt.events[0].fields["proposal"]))
        return Response(_told(self.case(case), receipt, closing))


class Hold(Door):
    """Your party's legal hold."""

    @extend_schema(
        operation_id="cases_hold",
        parameters=[CASE, KEY],
        request=HoldChange,
        responses=CaseWithReceipt,
        tags=["Cases"],
    )
    def post(self, request: Request, case: str) -> Response:
        """Place or lift your party's legal hold on the case."""
        found = self.case(case)
        asked = self.asked(HoldChange)
        id_, signed = self.signed(asked)
        kind = PlaceLegalHold if asked["hold"] else LiftLegalHold
        command = kind(id=id_, case=found.pk, reason=asked["reason"])
        receipt = perform(command, actor=self.actor, authorship=signed)
        return Response(_told(self.case(case), receipt))


def _told(case: Case, receipt: Receipt, closing: Question | None = None) -> dict[str, Any]:
    case.closing = closing  # type: ignore[attr-defined]
    case.receipt = receipt_facts(receipt)  # type: ignore[attr-defined]
    return dict(CaseWithReceipt(case).data)
