"""Counts over time, the top values of a field, and the fields there are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from evidence.search.model import FieldInfo, Histogram, Source, Table


def histogram(
    sources: Sequence[Source],
    *,
    query: str,
    start: datetime | None = None,
    end: datetime | None = None,
    interval: str = "auto",
    by_item: bool = False,
) -> Histogram:
    """Matching records per interval ("auto" or a number and s, m, h or d such as "15m"), per item too where `by_item`."""
    raise NotImplementedError


def aggregate(
    sources: Sequence[Source],
    *,
    query: str,
    start: datetime | None = None,
    end: datetime | None = None,
    by: str,
    metric: str = "count",
    limit: int = 20,
) -> Table:
    """The values of field `by` with the largest metric: count, or sum, distinct, avg, min or max with a field, as in "sum:tokens"."""
    raise NotImplementedError


def fields(sources: Sequence[Source]) -> list[FieldInfo]:
    """Every field that some item in scope has, by name."""
    raise NotImplementedError


def choose_interval(start: datetime | None, end: datetime | None) -> str:
    """An interval that cuts the span into some 60 to 120 buckets."""
    raise NotImplementedError
