"""Referrals: sending, asking back, answering, accepting. The receiver is told nothing of the case before."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from api.filters import CURSOR, LIMIT
from api.paging import page_of
from api.serializers.fields import REFERRAL_SIDES
from api.serializers.keys import IntentAnswer
from api.serializers.referrals import (
    AcceptanceWanted,
    ConsentWithReceipt,
    NewReferral,
    ReferralAcceptance,
    ReferralConsentGiven,
    ReferralDetail,
    ReferralPage,
    ReferralQuestion,
    ReferralReason,
    ReferralReply,
    ReferralWithReceipt,
    ReferralWords,
)
from api.views.cases import KEY
from api.views.door import Door, receipt_facts
from api.views.keys import intent_of
from cases import matters, reads, referring
from cases.intents import Authorship
from cases.models import Referral
from cases.perform import perform
from cases.rules.referral import (
    AcceptReferral,
    AnswerReferral,
    AskBack,
    ConsentToReferral,
    ObjectToReferral,
    ReferralCommand,
    RefuseReferral,
    SendReferral,
    WithdrawReferral,
)
from ledger.entries import Receipt

REFERRAL = OpenApiParameter("referral", str, OpenApiParameter.PATH, description="The referral's id.")
SIDE = OpenApiParameter("side", str, enum=REFERRAL_SIDES, description="Only what was sent, or received.")


class _ReferralDoor(Door):
    """A view of referrals."""

    def referral(self, given: str) -> Referral:
        """The referral by id, with all that its page shows this actor; or Unseen."""
        found = referring.referral(self.actor, given)
        seen = referring.case_of(self.actor, found)
        shown: Any = found
        # The row's own `case` is for nobody's eyes who does not see the case.
        shown.case_shown = seen.reference if seen else None
        shown.shown_items = [item.pk for item in referring.items_of(self.actor, found)]
        shown.shown_consents = referring.consents(self.actor, found)
        shown.shown_notes = referring.notes(self.actor, found)
        return found

    def done(self, command: ReferralCommand, signed: Authorship | None = None, status: int = 200) -> Response:
        """Perform, and answer with the referral as it then stands."""
        return self.told(command, perform(command, actor=self.actor, authorship=signed), status)

    def told(self, command: ReferralCommand, receipt: Receipt, status: int = 200) -> Response:
        """The referral after a command. The receipt is for who sees the case."""
        found: Any = self.referral(str(command.referral))
        found.recorded = _recorded(receipt)
        found.receipt = receipt_facts(receipt) if found.case_shown else None
        return Response(ReferralWithReceipt(found).data, status=status)

    def act(self, kind: type[ReferralCommand], body: type[BaseSerializer[Any]], given: str) -> Response:
        """Perform a command on one referral with what the body says, signed where the member signed it."""
        about, asked = self.about(given), self.asked(body)
        id_, signed = self.signed(asked)
        return self.done(kind(id=id_, **about, **asked), signed)

    def about(self, given: str) -> dict[str, Any]:
        """What every command about this referral names."""
        found = referring.referral(self.actor, given)
        return {"case": found.case_id, "referral": found.pk}


class Referrals(_ReferralDoor):
    """What your party has sent and received."""

    @extend_schema(
        operation_id="referrals_list",
        parameters=[SIDE, CURSOR, LIMIT],
        responses=ReferralPage,
        tags=["Referrals"],
    )
    def get(self, request: Request) -> Response:
        """Referrals, the newest first; and those to which your party is asked to consent."""
        side = request.query_params.get("side")
        if side is not None and side not in REFERRAL_SIDES:
            raise ValidationError({"side": [f"One of {', '.join(REFERRAL_SIDES)}, please."]})
        page = page_of(referring.referrals(self.actor, side=side), request, keys=["-sent_at", "-id"])
        told = {"results": page.rows, "next": page.next, "consent_asked": referring.asked(self.actor)}
        return Response(ReferralPage(told).data)

    @extend_schema(
        operation_id="referrals_send",
        parameters=[KEY],
        request=NewReferral,
        responses={201: ReferralWithReceipt},
        tags=["Referrals"],
    )
    def post(self, request: Request) -> Response:
        """Refer a matter to another party. Where no case is named, a draft is made first; the same request
        again finishes what a crash has left."""
        asked = self.asked(NewReferral)
        id_, signed = self.signed(asked)
        matter = asked.pop("matter", None)
        command = self.sending(id_, asked)
        if matter is None:
            receipt = perform(command, actor=self.actor, authorship=signed)
        else:
            matter = {**matter, "tlp": command.tlp}
            receipt = matters.refer(command, actor=self.actor, said=matter, authorship=signed)
        response = self.told(command, receipt, 201)
        response["Location"] = reverse("api:referral", args=[command.referral])
        return response

    def sending(self, id_: UUID, asked: Mapping[str, Any]) -> SendReferral:
        """The command that a body asks for; where it names no case, the case is the one to be made."""
        told: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in asked.items()
        }
        told.pop("matter", None)
        given = told.pop("case", None)
        if given is None and asked["items"]:
            raise ValidationError({"items": ["A matter without a case has no items yet."]})
        case = matters.case_made_by(id_)
        if given is not None:
            found = self.case(given)
            case, told["items"] = found.pk, tuple(reads.item_ids(self.actor, found, asked["items"]))
        return SendReferral(id=id_, case=case, referral=uuid5(id_, "referral"), **told)


class SendingIntent(Referrals):
    """What a member signs to send a referral."""

    http_method_names = ["post", "options"]

    @extend_schema(
        operation_id="referrals_send_intent",
        parameters=[KEY],
        request=ReferralWords,
        responses=IntentAnswer,
        tags=["Referrals"],
    )
    def post(self, request: Request) -> Response:
        """Draw the intent of a referral; nothing is sent, and no draft made, until it comes signed."""
        return intent_of(self.sending(self.command_id(), self.asked(ReferralWords)))


class OneReferral(_ReferralDoor):
    """One referral."""

    @extend_schema(
        operation_id="referrals_get", parameters=[REFERRAL], responses=ReferralDetail, tags=["Referrals"]
    )
    def get(self, request: Request, referral: str) -> Response:
        """Its words and terms, questions and answers, and where it stands."""
        return Response(ReferralDetail(self.referral(referral)).data)


class AcceptOne(_ReferralDoor):
    """Saying yes."""

    @extend_schema(
        operation_id="referrals_accept",
        parameters=[REFERRAL, KEY],
        request=ReferralAcceptance,
        responses=ReferralWithReceipt,
        tags=["Referrals"],
    )
    def post(self, request: Request, referral: str) -> Response:
        """Join the case as a partner; the named items are shared with your party by the same act."""
        return self.act(AcceptReferral, ReferralAcceptance, referral)


class AcceptanceIntent(_ReferralDoor):
    """What a member signs to accept."""

    @extend_schema(
        operation_id="referrals_accept_intent",
        parameters=[REFERRAL, KEY],
        request=AcceptanceWanted,
        responses=IntentAnswer,
        tags=["Referrals"],
    )
    def post(self, request: Request, referral: str) -> Response:
        """Draw the intent of an acceptance. It names the log in which it will stand, and nothing else of the
        case."""
        about, asked = self.about(referral), self.asked(AcceptanceWanted)
        return intent_of(AcceptReferral(id=self.command_id(), **about, **asked))


class RefuseOne(_ReferralDoor):
    """Saying no."""

    @extend_schema(
        operation_id="referrals_refuse",
        parameters=[REFERRAL, KEY],
        request=ReferralReason,
        responses=ReferralWithReceipt,
        tags=["Referrals"],
    )
    def post(self, request: Request, referral: str) -> Response:
        """Refuse it; the sender reads why."""
        return self.act(RefuseReferral, ReferralReason, referral)


class AskOne(_ReferralDoor):
    """Asking back."""

    @extend_schema(
        operation_id="referrals_ask",
        parameters=[REFERRAL, KEY],
        request=ReferralQuestion,
        responses=ReferralWithReceipt,
        tags=["Referrals"],
    )
    def post(self, request: Request, referral: str) -> Response:
        """Ask the sender something before you decide."""
        return self.act(AskBack, ReferralQuestion, referral)


class AnswerOne(_ReferralDoor):
    """Answering."""

    @extend_schema(
        operation_id="referrals_answer",
        parameters=[REFERRAL, KEY],
        request=ReferralReply,
        responses=ReferralWithReceipt,
        tags=["Referrals"],
    )
    def post(self, request: Request, referral: str) -> Response:
        """Answer what the receiver has asked."""
        return self.act(AnswerReferral, ReferralReply, referral)


class WithdrawOne(_ReferralDoor):
    """Taking back."""

    @extend_schema(
        operation_id="referrals_withdraw",
        parameters=[REFERRAL, KEY],
        request=ReferralReason,
        responses=ReferralWithReceipt,
        tags=["Referrals"],
    )
    def post(self, request: Request, referral: str) -> Response:
        """Take back what nobody has accepted yet; what was read stays known."""
        return self.act(WithdrawReferral, ReferralReason, referral)


class ConsentOne(Door):
    """Consent of another party of the case."""

    @extend_schema(
        operation_id="referrals_consent",
        parameters=[REFERRAL, KEY],
        request=ReferralConsentGiven,
        responses=ConsentWithReceipt,
        tags=["Referrals"],
    )
    def post(self, request: Request, referral: str) -> Response:
        """Agree, or do not, that the receiver may be brought into your case."""
        case = referring.asked_case(self.actor, referral)
        asked = self.asked(ReferralConsentGiven)
        about: dict[str, Any] = {"id": self.command_id(), "case": case, "referral": UUID(referral)}
        agreed = asked["agreed"]
        command = ConsentToReferral(**about) if agreed else ObjectToReferral(**about, reason=asked["reason"])
        receipt = perform(command, actor=self.actor)
        return Response(ConsentWithReceipt({"agreed": agreed, "receipt": receipt_facts(receipt)}).data)


def _recorded(receipt: Receipt) -> dict[str, Any]:
    return {
        "leaf_hash": receipt.leaf_hashes[0],
        "recorded_at": receipt.recorded_at,
        "replayed": receipt.replayed,
    }
