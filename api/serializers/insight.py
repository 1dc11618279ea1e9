"""What a party finds out about its own evidence."""

from typing import Any

from rest_framework import serializers

from api.serializers.fields import OPERATIONS, PARTS, READINGS, Instant, Marking
from api.serializers.receipts import PartyAnswer


class ItemNamed(serializers.Serializer[Any]):
    """An item, by id, number and title."""

    id = serializers.UUIDField()
    number = serializers.CharField(source="label")
    title = serializers.CharField()


class ReadingTotal(serializers.Serializer[Any]):
    """How often an item was read in one way, and how many records were shown in all."""

    how = serializers.ChoiceField(choices=READINGS)
    times = serializers.IntegerField()
    records = serializers.IntegerField()
    first = Instant()
    last = Instant()


class ExposedItem(serializers.Serializer[Any]):
    """An item that was read."""

    item = ItemNamed()
    totals = ReadingTotal(many=True)


class ReadingAnswer(serializers.Serializer[Any]):
    """One act of reading, as the ledger recorded it before the first byte was shown."""

    entry = serializers.IntegerField()
    at = Instant()
    party = serializers.UUIDField()
    who = serializers.SerializerMethodField(help_text="The member; null for a download that was broken off.")
    how = serializers.ChoiceField(choices=READINGS)
    query = serializers.CharField()
    purpose = serializers.CharField()
    items = serializers.SerializerMethodField(help_text="Item id → how many of its records were shown.")
    sent = serializers.IntegerField(
        allow_null=True, help_text="Of a download that was broken off: bytes that had left."
    )

    def get_who(self, reading: Any) -> str | None:
        """Who read; a download is broken off by the worker."""
        return None if reading.sent is not None else str(reading.who)

    def get_items(self, reading: Any) -> dict[str, int]:
        """The items by id."""
        return {str(item): records for item, records in reading.shown.items()}


class ExposureAnswer(serializers.Serializer[Any]):
    """What was read of your party's items."""

    party = PartyAnswer(allow_null=True)
    item = ItemNamed(allow_null=True)
    share = serializers.UUIDField(source="share.pk", allow_null=True, default=None)
    items = serializers.IntegerField(help_text="How many items the report is about.")
    lines = ExposedItem(many=True)
    readings = ReadingAnswer(many=True)
    older = serializers.IntegerField(allow_null=True, help_text="Ask with `before` set to this for more.")


class WhyStep(serializers.Serializer[Any]):
    """A link of the chain; `allows` is null where it decides nothing by itself."""

    sentence = serializers.CharField()
    allows = serializers.BooleanField(allow_null=True)
    entry = serializers.IntegerField(allow_null=True)
    at = Instant(allow_null=True)


class WhyAnswer(serializers.Serializer[Any]):
    """What the wall says now, and the chain that leads there."""

    party = PartyAnswer(source="subject.party")
    member = serializers.UUIDField(source="subject.member.pk", allow_null=True, default=None)
    item = ItemNamed(allow_null=True)
    allowed = serializers.BooleanField()
    verdict = serializers.CharField()
    operations = serializers.SerializerMethodField()
    steps = WhyStep(many=True)

    def get_operations(self, answer: Any) -> list[str]:
        """From the least to the most."""
        return [name for name in OPERATIONS if name in answer.operations]


class ShownItem(serializers.Serializer[Any]):
    """An item, and what may be done with it."""

    item = ItemNamed()
    operations = serializers.SerializerMethodField()

    def get_operations(self, shown: Any) -> list[str]:
        """From the least to the most."""
        return [name for name in OPERATIONS if name in shown.operations]


class ViewAnswer(serializers.Serializer[Any]):
    """What another's lists would show of your party's own items."""

    party = PartyAnswer(source="subject.party")
    member = serializers.UUIDField(source="subject.member.pk", allow_null=True, default=None)
    own = serializers.IntegerField(help_text="How many items your party has in the case.")
    only_exist = serializers.IntegerField(help_text="Of which it would know only that they exist.")
    records = serializers.IntegerField(help_text="Records that its search would go through.")
    items = ShownItem(many=True)


class KnownItem(ShownItem):
    """An item that was open to the party then; `share` is null for its own."""

    share = serializers.UUIDField(source="share.pk", allow_null=True, default=None)
    purpose = serializers.CharField(source="terms.purpose", allow_null=True, default=None)
    tlp = Marking(source="terms.tlp", allow_null=True, default=None)
    expires_at = Instant(source="terms.expires_at", allow_null=True, default=None)
    totals = ReadingTotal(many=True, help_text="What it had read of it by then.")


class KnowledgeAnswer(serializers.Serializer[Any]):
    """What a party could see and had read by a time."""

    party = PartyAnswer()
    entry = serializers.IntegerField(help_text="The last entry that this is told from.")
    at = Instant()
    part = serializers.ChoiceField(choices=[*PARTS, ""], help_text="Its part in the case; empty for none.")
    offered = serializers.IntegerField(help_text="Offers that it had not answered.")
    gone = serializers.IntegerField(help_text="Items named to your party then that it may no longer see.")
    known = KnownItem(many=True)
    readings = ReadingAnswer(many=True, help_text="The newest of them.")
