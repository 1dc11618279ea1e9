"""What a search, a histogram and an aggregate ask and answer."""

import re
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from api.serializers.fields import Instant, StrictSerializer

AnyField = serializers.Field[Any, Any, Any, Any]
MAX_RECORDS = 1000
MAX_ROWS = 1000


class ScopeQuery(StrictSerializer):
    """Which records are meant: a query, a time range, some of the case's items (default:
    all that you may read)."""

    query = serializers.CharField(default="", allow_blank=True, max_length=10_000, trim_whitespace=False)
    items = serializers.ListField(
        child=serializers.CharField(max_length=40),
        default=None,
        allow_null=True,
        allow_empty=True,
        max_length=1000,
        help_text="Item ids or numbers (E-1); none means every item that you may read.",
    )

    def get_fields(self) -> dict[str, AnyField]:
        """The declared fields and from/to, the first of which no Python attribute may be called."""
        said = "An instant with its zone, as in 2026-02-08T10:44:10Z."
        return super().get_fields() | {
            "from": Instant(
                default=None, allow_null=True, help_text=f"{said} Records from then on (inclusive)."
            ),
            "to": Instant(
                default=None, allow_null=True, help_text=f"{said} Records before then (exclusive)."
            ),
        }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A range runs forwards."""
        if attrs["from"] and attrs["to"] and attrs["to"] <= attrs["from"]:
            raise serializers.ValidationError({"to": ["The end of the range lies before its start."]})
        return attrs


class SearchQuery(ScopeQuery):
    """A search: the scope, and how many records a page holds."""

    limit = serializers.IntegerField(default=100, min_value=1, max_value=MAX_RECORDS)
    cursor = serializers.CharField(
        default=None,
        allow_null=True,
        max_length=2000,
        help_text="`next` of the page before, with the same query.",
    )


class HistogramQuery(ScopeQuery):
    """A histogram: the scope, and the width of a bar."""

    interval = serializers.CharField(
        default="auto", max_length=20, help_text='"auto", or a number and a unit: 30s, 15m, 1h, 1d.'
    )

    def validate_interval(self, value: str) -> str:
        """ "auto", or a number and a unit."""
        said = value.strip().lower()
        if said == "auto" or re.fullmatch(r"[1-9][0-9]{0,5}[smhd]", said):
            return said
        raise serializers.ValidationError('A number and a unit, please (30s, 15m, 1h, 1d), or "auto".')


class AggregateQuery(ScopeQuery):
    """An aggregate: the scope, the field whose values make the rows, and the figure of each row."""

    by = serializers.CharField(max_length=200, help_text="A field, by the source's name or its ECS alias.")
    metric = serializers.CharField(
        default="count", max_length=220, help_text='"count", "sum:FIELD" or "distinct:FIELD".'
    )
    limit = serializers.IntegerField(default=20, min_value=1, max_value=MAX_ROWS)

    def validate_metric(self, value: str) -> str:
        """One of the three figures, the latter two with a field."""
        kind, colon, name = value.partition(":")
        if value != "count" and not (kind in ("sum", "distinct") and colon and name.strip()):
            raise serializers.ValidationError('"count", "sum:FIELD" or "distinct:FIELD", please.')
        return value


@extend_schema_field(OpenApiTypes.OBJECT)
class AnyFields(serializers.DictField):
    """The fields of a record under their dotted names."""


class RecordAnswer(serializers.Serializer[Any]):
    """One record: where it stands, when it says it happened, and what it holds."""

    item = serializers.UUIDField()
    item_number = serializers.CharField()
    line = serializers.IntegerField(
        help_text="Line in the sealed bytes, from 1 (CloudTrail: number of the record)."
    )
    offset = serializers.IntegerField(help_text="Byte offset of that line in the sealed bytes.")
    time = Instant(allow_null=True, help_text="UTC, where the record's own time could be read.")
    time_text = serializers.CharField(allow_null=True, help_text="The time as the source wrote it.")
    message = serializers.CharField(allow_null=True)
    error = serializers.CharField(
        allow_null=True, help_text="Why this line did not parse; null for a record."
    )

    def get_fields(self) -> dict[str, AnyField]:
        """The declared fields and `fields`, a name that the base class keeps for itself."""
        return super().get_fields() | {
            "fields": AnyFields(
                help_text="The record's fields under the source's names, and beside them under ECS names."
            )
        }


class SearchAnswer(serializers.Serializer[Any]):
    """A page of records in order of time, those without one last, and the cursor of the next page."""

    total = serializers.IntegerField()
    total_is_exact = serializers.BooleanField(help_text="False where `total` is only a lower bound.")
    records = RecordAnswer(many=True)
    next = serializers.CharField(allow_null=True)
    warnings = serializers.ListField(child=serializers.CharField())


class BucketAnswer(serializers.Serializer[Any]):
    """One bar; a start of null counts the records without a time."""

    start = Instant(allow_null=True)
    count = serializers.IntegerField()


class HistogramAnswer(serializers.Serializer[Any]):
    """The bars in order, empty ones left out, and the width that was used."""

    buckets = BucketAnswer(many=True)
    interval_seconds = serializers.IntegerField()
    total = serializers.IntegerField()
    warnings = serializers.ListField(child=serializers.CharField())


class RowAnswer(serializers.Serializer[Any]):
    """One value of the field (null: the field is absent), its figure, and how many records have it."""

    value = serializers.CharField(allow_null=True)
    metric = serializers.FloatField(allow_null=True)
    count = serializers.IntegerField()


class AggregateAnswer(serializers.Serializer[Any]):
    """The largest rows first; `total` is the figure over every matching record, `distinct` how many values
    there are."""

    rows = RowAnswer(many=True)
    total = serializers.FloatField(allow_null=True)
    distinct = serializers.IntegerField()
    warnings = serializers.ListField(child=serializers.CharField())


class FieldAnswer(serializers.Serializer[Any]):
    """A field that can be searched: its name in the source, its type, and the ECS names that stand for it."""

    name = serializers.CharField()
    type = serializers.CharField()
    aliases = serializers.ListField(child=serializers.CharField())
    items = serializers.IntegerField(help_text="How many items have it.")


class FieldsAnswer(serializers.Serializer[Any]):
    """The fields of the case's readable items."""

    def get_fields(self) -> dict[str, AnyField]:
        """`fields`, a name that the base class keeps for itself."""
        return {"fields": FieldAnswer(many=True)}


class RawLine(serializers.Serializer[Any]):
    """A line as it stands in the sealed bytes, read as UTF-8; what is not UTF-8 is shown as U+FFFD."""

    line = serializers.IntegerField()
    offset = serializers.IntegerField()
    text = serializers.CharField()
    cut = serializers.BooleanField(help_text="True where the line is longer than what is shown.")
    asked = serializers.BooleanField(help_text="True for the line that was asked for.")


class InContext(serializers.Serializer[Any]):
    """A record and its raw line among its neighbours."""

    record = RecordAnswer()
    context = RawLine(many=True)  # type: ignore[assignment]
