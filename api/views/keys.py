"""The keys of your party: its witnesses' and its members'; and what a member signs with them."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.serializers.fields import SHARE_ACTS
from api.serializers.keys import (
    IntentAnswer,
    IntentWanted,
    KeyIntentWanted,
    KeyList,
    KeyWithReceipt,
    NewKey,
    Revocation,
    Rotation,
    SignatureRule,
    SignatureRuleWithReceipt,
    StatementAnswer,
    StatementWanted,
)
from api.views.cases import CASE, KEY
from api.views.door import Door, receipt_facts, signature_of
from api.views.sharing import change_of, offer_of
from cases import intents, listings, reads
from cases.actors import Actor
from cases.models import Case, PartyKey
from cases.perform import perform
from cases.refusals import Unseen
from cases.rules import case, proposals
from cases.rules.keys import RegisterKey, RequireSignatures, RevokeKey, RotateKey, statement
from cases.rules.shape import Command
from cases.rules.sharing import AcceptShare, RevokeShare
from ledger import jcs
from ledger.authorship import challenge_of
from ledger.entries import Receipt

ACTS: dict[str, Callable[..., Command]] = {kind.__name__: kind for kind in (*case.RULES, *proposals.RULES)}
"""The acts in a case that may be signed, beside those on an item, by name."""

KEY_ID = OpenApiParameter("key", str, OpenApiParameter.PATH, description="The key's id.")


class Keys(Door):
    """The keys of your party."""

    @extend_schema(operation_id="keys_list", responses=KeyList, tags=["Keys"])
    def get(self, request: Request) -> Response:
        """All keys of your party, those in use first."""
        told = {
            "results": listings.party_keys(self.actor),
            "signatures_required": listings.own_party(self.actor).signatures_required,
        }
        return Response(KeyList(told).data)

    @extend_schema(
        operation_id="keys_register",
        parameters=[KEY],
        request=NewKey,
        responses={201: KeyWithReceipt},
        tags=["Keys"],
    )
    def post(self, request: Request) -> Response:
        """Register a key of yours, or of a witness of your party, whose holder has signed its statement."""
        asked = self.asked(NewKey)
        asked["proof"] = signature_of(asked["proof"])
        command = RegisterKey(id=self.command_id(), **_whose(self.actor, asked), **asked)
        receipt = perform(command, actor=self.actor)
        return Response(_told(_key_by(self.actor, public=command.public), receipt), status=201)


class Statement(Door):
    """What the holder of a new key has to sign with it."""

    @extend_schema(
        operation_id="keys_statement", request=StatementWanted, responses=StatementAnswer, tags=["Keys"]
    )
    def post(self, request: Request) -> Response:
        """Draw the statement of a key; nothing is kept."""
        asked = self.asked(StatementWanted)
        text = statement(host=settings.HOST_NAME, **_whose(self.actor, asked), **asked)
        return Response(StatementAnswer({"statement": text, "challenge": challenge_of(text.encode())}).data)


class Rotate(Door):
    """A new key in the place of an old one."""

    @extend_schema(
        operation_id="keys_rotate",
        parameters=[KEY_ID, KEY],
        request=Rotation,
        responses={201: KeyWithReceipt},
        tags=["Keys"],
    )
    def post(self, request: Request, key: str) -> Response:
        """Replace a key; the old and the new one have signed the same statement."""
        old = _key_by(self.actor, pk=key)
        asked = self.asked(Rotation)
        for name in ("proof", "old_proof"):
            asked[name] = signature_of(asked[name])
        command = RotateKey(id=self.command_id(), replaces=old.pk, **_whose(self.actor, asked), **asked)
        receipt = perform(command, actor=self.actor)
        return Response(_told(_key_by(self.actor, public=command.public), receipt), status=201)


class Revoke(Door):
    """The end of a key."""

    @extend_schema(
        operation_id="keys_revoke",
        parameters=[KEY_ID, KEY],
        request=Revocation,
        responses=KeyWithReceipt,
        tags=["Keys"],
    )
    def post(self, request: Request, key: str) -> Response:
        """End a key from now on; what it signed stays signed."""
        found = _key_by(self.actor, pk=key)
        asked = self.asked(Revocation)
        id_, signed = self.signed(asked)
        command = RevokeKey(id=id_, party=self.actor.party, key=found.pk, reason=asked["reason"])
        receipt = perform(command, actor=self.actor, authorship=signed)
        return Response(_told(_key_by(self.actor, pk=key), receipt))


class SignaturesRequired(Door):
    """Whether your party's members must sign."""

    @extend_schema(
        operation_id="keys_signatures_required",
        parameters=[KEY],
        request=SignatureRule,
        responses=SignatureRuleWithReceipt,
        tags=["Keys"],
    )
    def post(self, request: Request) -> Response:
        """Demand, or no longer demand, that your party's members sign what binds it."""
        asked = self.asked(SignatureRule)
        id_, signed = self.signed(asked)
        command = RequireSignatures(id=id_, party=self.actor.party, required=asked["required"])
        receipt = perform(command, actor=self.actor, authorship=signed)
        told = {"required": asked["required"], "receipt": receipt_facts(receipt)}
        return Response(SignatureRuleWithReceipt(told).data)


class CaseIntents(Door):
    """What a member signs for an act on a case."""

    @extend_schema(
        operation_id="cases_intent",
        parameters=[CASE, KEY],
        request=IntentWanted,
        responses=IntentAnswer,
        tags=["Keys"],
    )
    def post(self, request: Request, case: str) -> Response:
        """Draw the intent of an act; nothing is done until the act comes with the signature."""
        found = self.case(case)
        asked = self.asked(IntentWanted)
        name, id_ = asked.pop("command"), self.command_id()
        if name in SHARE_ACTS:
            return intent_of(self._of_share(name, found, id_, asked))
        return intent_of(ACTS[name](id=id_, case=found.pk, **asked))

    def _of_share(self, name: str, case: Case, id_: UUID, asked: dict[str, Any]) -> Command:
        if name == "OfferShare":
            return offer_of(self.actor, case, id_, asked["offer"])
        share = reads.share(self.actor, case, asked.pop("share"))
        if name == "ChangeShare":
            return change_of(self.actor, share, id_, asked["change"])
        kind = AcceptShare if name == "AcceptShare" else RevokeShare
        return kind(id=id_, case=case.pk, share=share.pk, **asked)


class KeyIntents(Door):
    """What a member signs for an act on its party's keys."""

    @extend_schema(
        operation_id="keys_intent",
        parameters=[KEY],
        request=KeyIntentWanted,
        responses=IntentAnswer,
        tags=["Keys"],
    )
    def post(self, request: Request) -> Response:
        """Draw the intent of an act; nothing is done until the act comes with the signature."""
        asked = self.asked(KeyIntentWanted)
        id_, party = self.command_id(), self.actor.party
        if asked.pop("command") == "RevokeKey":
            return intent_of(RevokeKey(id=id_, party=party, **asked))
        return intent_of(RequireSignatures(id=id_, party=party, **asked))


def intent_of(command: Command) -> Response:
    """What is to be signed for this command, as the API tells it."""
    text = intents.intent_for(command)
    told = {
        "intent": text,
        "command_id": command.id,
        "challenge": challenge_of(text.encode()),
        "content": jcs.canonical(intents.signed_fields(command)).decode(),
    }
    return Response(IntentAnswer(told).data)


def _whose(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    """A key always belongs to the one who asks: itself, or its party's witnesses."""
    return {"party": actor.party, "member": actor.member if asked["purpose"] == "member" else None}


def _key_by(actor: Actor, **by: str) -> PartyKey:
    found = listings.party_keys(actor).filter(**by).first()
    if found is None:
        raise Unseen
    return found


def _told(key: PartyKey, receipt: Receipt) -> dict[str, Any]:
    return dict(KeyWithReceipt(_with(key, receipt)).data)


def _with(key: PartyKey, receipt: Receipt) -> PartyKey:
    key.receipt = receipt_facts(receipt)  # type: ignore[attr-defined]
    return key
