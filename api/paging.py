"""Keyset pages: a cursor names the last row seen, so that a page costs the same however deep it lies."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError as FieldError
from django.db.models import Field, Model, Q, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

Row = TypeVar("Row", bound=Model)
DEFAULT_LIMIT = 50
MAX_LIMIT = 200


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows and the cursor of the next page, None at the end."""

    rows: list[Row]
    next: str | None


def limit_of(request: Request, *, default: int = DEFAULT_LIMIT, cap: int = MAX_LIMIT) -> int:
    """The `limit` that was asked, between 1 and `cap`."""
    return whole_number(request, "limit", default=default, low=1, high=cap)


def whole_number(request: Request, name: str, *, default: int, low: int, high: int) -> int:
    """A query parameter that must be a whole number within bounds; 422 with a sentence where it is not."""
    text = request.query_params.get(name)
    if text is None:
        return default
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 19) or not low <= int(text) <= high:
        raise ValidationError({name: [f"A whole number from {low} to {high}, please."]})
    return int(text)


def page_of(rows: QuerySet[Row], request: Request, *, keys: Sequence[str]) -> Page[Row]:
    """One page of `rows`, ordered by `keys` (a leading minus turns the order; all keys turn the same way)."""
    limit = limit_of(request)
    descending = keys[0].startswith("-")
    names = [key.removeprefix("-") for key in keys]
    cursor = request.query_params.get("cursor")
    if cursor:
        rows = rows.filter(_beyond(names, _decode(cursor, rows.model, names), descending=descending))
    found = list(rows.order_by(*keys)[: limit + 1])
    if len(found) <= limit:
        return Page(found, None)
    return Page(found[:limit], _encode(found[limit - 1], names))


def _beyond(names: Sequence[str], values: Sequence[Any], *, descending: bool) -> Q:
    step = "lt" if descending else "gt"
    beyond = Q()
    for depth, name in enumerate(names):
        level = Q(**{f"{name}__{step}": values[depth]})
        for before in range(depth):
            level &= Q(**{names[before]: values[before]})
        beyond |= level
    return beyond


def _encode(row: Model, names: Sequence[str]) -> str:
    values = [_column(type(row), name).value_to_string(row) for name in names]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _decode(cursor: str, model: type[Model], names: Sequence[str]) -> list[Any]:
    refusal = ValidationError({"cursor": ["This cursor was not made by this list."]})
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise refusal from error
    if not isinstance(values, list) or len(values) != len(names):
        raise refusal
    try:
        return [_column(model, name).to_python(value) for name, value in zip(names, values, strict=True)]
    except (FieldError, TypeError, ValueError) as error:
        raise refusal from error


def _column(model: type[Model], name: str) -> "Field[Any, Any]":
    column = model._meta.get_field(name)
    if not isinstance(column, Field):
        raise TypeError(f"{name} is not a column to page by")
    return column
