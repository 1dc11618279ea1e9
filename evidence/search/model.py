"""What goes into a search and what comes out: plain frozen values, no behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Source:
    """One item that the asking member may read: the list of these is the whole scope of a search."""

    item: UUID
    number: str
    segment: Path
    sealed: Path
    indexed: bool


@dataclass(frozen=True)
class Record:
    """One parsed line. `fields` holds the source's own names, without nulls, and `ecs` the same values under
    the ECS names that stand for them; `error` is set for a line that did not parse.
    """

    item: UUID
    number: str
    line: int
    offset: int
    time: datetime | None
    time_text: str | None
    message: str | None
    fields: Mapping[str, Value]
    error: str | None
    ecs: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """`total` is exact or, where `total_is_exact` is false, a lower bound; `next` continues after the last
    record.
    """

    total: int
    total_is_exact: bool
    records: tuple[Record, ...]
    next: str | None
    elapsed_ms: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bucket:
    """Matching records of one item (None: all items together) in [start, start + interval); start None:
    records without a time.
    """

    start: datetime | None
    item: UUID | None
    count: int


@dataclass(frozen=True)
class Histogram:
    """Buckets in order of time, empty ones left out; `interval` is the one used, also where "auto" was
    asked.
    """

    interval: timedelta
    buckets: tuple[Bucket, ...]
    total: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One value of the field grouped by, its metric, and how many records carry it."""

    value: str
    metric: int | float | None
    count: int


@dataclass(frozen=True)
class Table:
    """The rows with the largest metric first; `total` is the metric over every matching record, `distinct`
    how many values
    the field has, `missing` how many matching records are without the field: these are in the total and not
    in the rows.
    """

    rows: tuple[Row, ...]
    total: int | float | None
    distinct: int
    missing: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class FieldInfo:
    """A field that some item in scope has: its types there, and the ECS names that stand for it."""

    name: str
    type: str
    aliases: tuple[str, ...] = ()
    items: int = 1
    types: tuple[str, ...] = field(default=())
