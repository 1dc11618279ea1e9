"""Erasing values, as the API takes and gives it."""

from typing import Any

from rest_framework import serializers

from api.serializers.fields import StrictSerializer
from api.serializers.receipts import ReceiptAnswer
from cases.rules.erasure import ERASABLE

NAMES = list(dict.fromkeys(name for names in ERASABLE.values() for name in names))


class Erasure(StrictSerializer):
    """Which fields of the entry lose their value, and why."""

    names = serializers.ListField(
        child=serializers.CharField(max_length=40),
        allow_empty=False,
        max_length=20,
        help_text=f"Free texts of the entry: of {', '.join(NAMES)} those that its event has.",
    )
    reason = serializers.CharField(
        max_length=2_000, help_text="Stays in the ledger for everybody who may read the entry."
    )


class ErasedAnswer(serializers.Serializer[Any]):
    """What one entry has lost."""

    entry = serializers.IntegerField()
    names = serializers.ListField(child=serializers.CharField())


class ErasureAnswer(serializers.Serializer[Any]):
    """The entry, and those of the same act that said the same words, with the receipt of the erasure."""

    erased = ErasedAnswer(many=True)
    receipt = ReceiptAnswer()
