"""What the lists can be narrowed by, and the same said in OpenAPI."""

from typing import Any, TypeVar

import django_filters
from django.db.models import Model, QuerySet
from django_filters.fields import IsoDateTimeField
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from cases.models import Case, EvidenceItem
from cases.models.case import STATUSES
from cases.models.evidence import STATES
from cases.rules.values import CATEGORIES, EVERY_KIND, SEVERITIES, TLP

Row = TypeVar("Row", bound=Model)


class _Instant(django_filters.IsoDateTimeFilter):  # type: ignore[misc]
    field_class = IsoDateTimeField


class CaseFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Cases by status, kind, severity, marking and last change."""

    status = django_filters.MultipleChoiceFilter(choices=list(STATUSES.items()))
    category = django_filters.MultipleChoiceFilter(choices=list(CATEGORIES.items()))
    severity = django_filters.MultipleChoiceFilter(choices=list(SEVERITIES.items()))
    tlp = django_filters.MultipleChoiceFilter(choices=list(TLP.items()))
    updated_after = _Instant(field_name="updated_at", lookup_expr="gt")

    class Meta:
        model = Case
        fields: list[str] = []


class ItemFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Items by state, kind, format, marking, owner and hash."""

    state = django_filters.MultipleChoiceFilter(choices=list(STATES.items()))
    kind = django_filters.MultipleChoiceFilter(choices=list(EVERY_KIND.items()))
    format = django_filters.CharFilter()
    marking = django_filters.MultipleChoiceFilter(choices=list(TLP.items()))
    owner = django_filters.UUIDFilter()
    sha256 = django_filters.CharFilter(lookup_expr="iexact")

    class Meta:
        model = EvidenceItem
        fields: list[str] = []


def narrowed(rows: QuerySet[Row], request: Request, kind: type[django_filters.FilterSet]) -> QuerySet[Row]:
    """`rows` after the filters in the query string; raises ValidationError naming each bad one."""
    filters: Any = kind(request.query_params, queryset=rows)
    if not filters.is_valid():
        raise ValidationError({name: [str(one) for one in told] for name, told in filters.errors.items()})
    narrow: QuerySet[Row] = filters.qs
    return narrow


def parameters(kind: type[django_filters.FilterSet]) -> list[OpenApiParameter]:
    """The filters as OpenAPI parameters."""
    return [_parameter(name, one) for name, one in kind.base_filters.items()]


def _parameter(name: str, one: Any) -> OpenApiParameter:
    choices = [value for value, _ in one.extra.get("choices", [])]
    kinds: dict[type, type | str] = {django_filters.UUIDFilter: "uuid", _Instant: "date-time"}
    schema: dict[str, Any] = {"type": "string"}
    if type(one) in kinds:
        schema["format"] = kinds[type(one)]
    if choices:
        schema = {"type": "array", "items": {"type": "string", "enum": choices}}
    return OpenApiParameter(name, schema, OpenApiParameter.QUERY, explode=True if choices else None)


def text_of(request: Request, name: str) -> str | None:
    """A free text of the query string, None where it is missing or empty;
    422 where it could not be in any text."""
    said = request.query_params.get(name, "")
    if "\0" in said or len(said) > 200:
        raise ValidationError({name: ["At most 200 characters, and none of them NUL, please."]})
    return said.strip() or None


CURSOR = OpenApiParameter("cursor", str, OpenApiParameter.QUERY, description="`next` of the page before.")
LIMIT = OpenApiParameter(
    "limit", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}, OpenApiParameter.QUERY
)
