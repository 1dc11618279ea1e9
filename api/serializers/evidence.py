"""Evidence items, as the API takes and gives them."""

from typing import Any

from rest_framework import serializers

from api.serializers.fields import (
    EVERY_KIND,
    ITEM_KINDS,
    ITEM_STATES,
    STEP_KINDS,
    Instant,
    Marking,
    PlainChoice,
    StrictSerializer,
)
from api.serializers.receipts import PartyAnswer, ReceiptAnswer
from cases.refusals import Invalid
from cases.rules import values
from cases.rules.acquisition import AcquisitionFacts


class StatedTime(serializers.CharField):
    """A time as somebody wrote it, kept as written, with its zone."""

    def to_internal_value(self, data: Any) -> str:
        """The text itself, once it is known to name an instant."""
        text = super().to_internal_value(data)
        try:
            values.instant(text, "time", "This time")
        except Invalid as refusal:
            raise serializers.ValidationError(refusal.sentence) from refusal
        return text


def _line(most: int, told: str) -> serializers.CharField:
    return serializers.CharField(max_length=most, allow_blank=True, default="", help_text=told)


def _time(told: str) -> StatedTime:
    return StatedTime(max_length=64, allow_blank=True, default="", help_text=told)


class NewEvidence(StrictSerializer):
    """A file and how it was come by. Only `file` is needed; say the rest while somebody still knows it."""

    file = serializers.FileField(allow_empty_file=True, max_length=None)
    sha256 = _line(
        64, "The SHA-256 that the source declares; other bytes are refused with 422 and leave nothing."
    )
    title = _line(200, "Left out, the file's name.")
    kind = PlainChoice(choices=ITEM_KINDS, default="log")
    marking = Marking(default="TLP:AMBER")
    source_system = _line(200, "The system that the bytes come from.")
    account = _line(200, "The account there.")
    tenant = _line(200, "The tenant there.")
    host = _line(253, "The machine.")
    acquired_by = _line(200, "Who took it.")
    acquired_at = _time("When it was taken, with its zone.")
    method = _line(200, "How: export, API, disk image…")
    tool = _line(200, "With which tool.")
    tool_version = _line(100, "In which version.")
    query = _line(10_000, "The command or query.")
    covers_from = _time("Start of the period that it covers, with its zone.")
    covers_until = _time("End of that period, with its zone.")
    legal_basis = _line(500, "On which ground it was taken and may be used.")
    note = _line(10_000, "Anything else.")

    def validate_sha256(self, value: str) -> str:
        """64 hexadecimal digits or nothing."""
        try:
            return values.digest(value, "sha256", "The declared SHA-256", size=32, needed=False)
        except Invalid as refusal:
            raise serializers.ValidationError(refusal.sentence) from refusal

    def facts(self) -> AcquisitionFacts:
        """What was said, as the command takes it."""
        said = dict(self.validated_data)
        file, declared = said.pop("file"), said.pop("sha256")
        said["title"] = said["title"].strip() or file.name[:200]
        return AcquisitionFacts(declared_sha256=declared, **said)


class ItemRef(serializers.Serializer[Any]):
    """Another item."""

    id = serializers.UUIDField()
    number = serializers.CharField(source="label")


class IngestAnswer(serializers.Serializer[Any]):
    """How far the worker is with the item."""

    step = serializers.CharField()
    attempts = serializers.IntegerField()
    done_bytes = serializers.IntegerField()
    total_bytes = serializers.IntegerField()
    pending = serializers.BooleanField()
    error = serializers.CharField()


class ItemAnswer(serializers.Serializer[Any]):
    """An evidence item: its bytes by hash, what the worker made of it, and how it was come by."""

    id = serializers.UUIDField()
    number = serializers.CharField(source="label")
    title = serializers.CharField()
    kind = serializers.ChoiceField(choices=EVERY_KIND)
    state = serializers.ChoiceField(choices=ITEM_STATES)
    marking = Marking()
    owner = PartyAnswer()
    holder = PartyAnswer()
    parent = ItemRef(allow_null=True)
    filename = serializers.CharField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()
    blake3 = serializers.CharField()
    sha1 = serializers.CharField()
    md5 = serializers.CharField()
    sealed_at = Instant(allow_null=True)
    verified_at = Instant(allow_null=True)
    format = serializers.CharField(allow_null=True)
    lines = serializers.IntegerField(allow_null=True)
    records = serializers.IntegerField(allow_null=True)
    rejects = serializers.IntegerField(allow_null=True)
    first_time = Instant(allow_null=True)
    last_time = Instant(allow_null=True)
    parser = serializers.CharField()
    parser_version = serializers.CharField()
    quarantine_step = serializers.CharField()
    quarantine_reason = serializers.CharField()
    declared_sha256 = serializers.CharField()
    source_system = serializers.CharField()
    account = serializers.CharField()
    tenant = serializers.CharField()
    host = serializers.CharField()
    acquired_by = serializers.CharField()
    acquired_at = serializers.CharField(source="acquired_at_text", help_text="As it was stated.")
    method = serializers.CharField()
    tool = serializers.CharField()
    tool_version = serializers.CharField()
    query = serializers.CharField()
    covers_from = serializers.CharField(source="covers_from_text", help_text="As it was stated.")
    covers_until = serializers.CharField(source="covers_until_text", help_text="As it was stated.")
    legal_basis = serializers.CharField()
    note = serializers.CharField()
    barcode = serializers.CharField(help_text="Of an object.")
    seal = serializers.CharField(help_text="As was last said of an object or at a hand-over.")
    place = serializers.CharField(help_text="Where it is kept, as was last said.")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """The item; a format that nobody has recognised yet is null."""
        said = super().to_representation(instance)
        said["format"] = said["format"] or None
        return said


class ItemDetail(ItemAnswer):
    """The item and how far the worker is with it."""

    ingest = IngestAnswer(allow_null=True)


class ItemWithReceipt(ItemAnswer):
    """The item after the command, and the command's receipt."""

    receipt = ReceiptAnswer()


class ItemPage(serializers.Serializer[Any]):
    """Some items of the case that your party may see, by number."""

    results = ItemAnswer(many=True)
    next = serializers.CharField(allow_null=True, help_text="The `cursor` of the next page; null at the end.")


class CustodyAnswer(serializers.Serializer[Any]):
    """One step in the life of the item."""

    id = serializers.UUIDField()
    entry = serializers.IntegerField(help_text="Index of its entry in the case's ledger.")
    kind = serializers.ChoiceField(choices=STEP_KINDS)
    who = serializers.CharField()
    party = PartyAnswer(allow_null=True)
    occurred_at = Instant()
    recorded_at = Instant()
    place = serializers.CharField()
    purpose = serializers.CharField()
    hash_before = serializers.CharField()
    hash_after = serializers.CharField()
    particulars = serializers.DictField()


class CustodyPage(serializers.Serializer[Any]):
    """Steps in order."""

    results = CustodyAnswer(many=True)
    next = serializers.CharField(allow_null=True)


class RejectAnswer(serializers.Serializer[Any]):
    """A line that did not parse, and why."""

    line = serializers.IntegerField()
    offset = serializers.IntegerField()
    reason = serializers.CharField(source="error")
    text = serializers.CharField(source="message", allow_null=True)


class RejectPage(serializers.Serializer[Any]):
    """Lines that did not parse, in order."""

    total = serializers.IntegerField()
    results = RejectAnswer(many=True)
    next = serializers.CharField(allow_null=True)
