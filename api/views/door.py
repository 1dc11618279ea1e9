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
from cases.models import Case, EvidenceItem
from ledger.entries import Receipt

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
