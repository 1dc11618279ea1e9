"""What every view of the API shares: who asks, which case, and how answers and receipts look."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4, uuid5

from django.urls import reverse
from django.utils.functional import cached_property
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from cases import reads
from cases.actors import HOST_LOG, Actor
from cases.intents import Authorship
from cases.models import Case, EvidenceItem
from ledger import jcs
from ledger.authorship import Signature
from ledger.entries import Receipt
from ledger.errors import NotCanonical

MAX_KEY = 255


class Door(APIView):
    """A view for one token: parse, perform, answer."""

    request: Request

    @cached_property
    def actor(self) -> Actor:
        """The member whose token this is."""
        user = self.request.user
        if not isinstance(user, Actor):
            raise TypeError("Door views stand behind HoldsToken")
        return user

    def case(self, given: str) -> Case:
        """The case by id or reference, or Unseen."""
        return reads.case(self.actor, given)

    def item(self, case: str, given: str) -> EvidenceItem:
        """The item by id or number, with its case, or Unseen."""
        return reads.item(self.actor, self.case(case), given)

    def asked(self, kind: type[BaseSerializer[Any]]) -> dict[str, Any]:
        """The body as `kind` validates it."""
        body = kind(data=self.request.data)
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)

    def command_id(self) -> UUID:
        """From the Idempotency-Key where the client sent one:
        the same member and key always give the same id."""
        key = self.request.headers.get("Idempotency-Key")
        if key is None:
            return uuid4()
        if not 1 <= len(key.strip()) <= MAX_KEY or not key.isprintable():
            raise ValidationError({"Idempotency-Key": [f"1 to {MAX_KEY} printable characters, please."]})
        if self.actor.member is None:
            raise TypeError("only members hold tokens")
        return uuid5(self.actor.member, f"idempotency-key/{key.strip()}")

    def signed(self, asked: dict[str, Any]) -> tuple[UUID, Authorship | None]:
        """The id of the command and the member's signature over it, which leaves `asked`.

        An intent names its command's id: an Idempotency-Key beside it may say the same, and no other.
        """
        parts = asked.pop("authorship", None)
        if parts is None:
            return self.command_id(), None
        named = _command_of(parts["intent"])
        if named is None:
            raise ValidationError({"authorship": {"intent": ["This is no intent: it names no command."]}})
        if "Idempotency-Key" in self.request.headers and self.command_id() != named:
            raise ValidationError(
                {"Idempotency-Key": ["A signed act goes by the command_id in its intent; leave this out."]}
            )
        return named, _authorship(parts)


def signature_of(parts: Mapping[str, str]) -> Signature:
    """A signature as SignatureParts took it."""
    return Signature(
        sig=parts["sig"],
        authenticator_data=parts["authenticator_data"],
        client_data=parts["client_data"],
    )


def _authorship(parts: Mapping[str, str]) -> Authorship:
    return Authorship(
        key=parts["key"], alg=parts["alg"], intent=parts["intent"], signature=signature_of(parts)
    )


def _command_of(intent: str) -> UUID | None:
    """The command that an intent names; None where it names none."""
    try:
        told = jcs.parse(intent.encode())
        return UUID(str(told["command_id"])) if isinstance(told, dict) else None
    except (NotCanonical, UnicodeEncodeError, KeyError, ValueError):
        return None


def receipt_facts(receipt: Receipt) -> Mapping[str, Any]:
    """The receipt as ReceiptAnswer shows it."""
    return {
        "log": receipt.log,
        "index": receipt.first,
        "leaf_hash": receipt.leaf_hashes[0],
        "entries": [
            {"index": receipt.first + place, "leaf_hash": leaf}
            for place, leaf in enumerate(receipt.leaf_hashes)
        ],
        "size": receipt.size,
        "checkpoint": receipt.checkpoint,
        "recorded_at": receipt.recorded_at,
        "replayed": receipt.replayed,
        # The host's own log is no case's: its proofs are not handed out here.
        "proof": None if receipt.log == HOST_LOG else reverse("api:proof", args=[receipt.log, receipt.first]),
    }
