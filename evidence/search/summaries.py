"""Counts over time, the top values of a field, and the fields there are."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from evidence.search.catalog import OWN, Schema
from evidence.search.errors import QueryError
from evidence.search.match import NUMBERS
from evidence.search.model import Bucket, FieldInfo, Histogram, Row, Source, Table
from evidence.search.predicate import Column, column_of
from evidence.search.scope import Candidate, Scope, scope
from evidence.search.times import at_micros, micros
from evidence.tokens import literal

MOST_BUCKETS = 5_000
MOST_ROWS = 10_000
_STEPS = ("1s", "2s", "5s", "10s", "15s", "30s", "1m", "2m", "5m", "10m", "15m", "30m",
          "1h", "2h", "3h", "6h", "12h",
          "1d", "2d", "7d", "14d", "30d", "90d", "180d", "365d")  # fmt: skip
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_WANTED_BUCKETS = 120


def histogram(
    sources: Sequence[Source],
    *,
    query: str,
    start: datetime | None = None,
    end: datetime | None = None,
    interval: str = "auto",
    by_item: bool = False,
) -> Histogram:
    """Matching records per interval ("auto" or a number and s, m, h or d such as "15m"), per item too where
    `by_item`.
    """
    with scope(sources, query=query, start=start, end=end) as asked:
        candidates = asked.candidates()
        first, last = _bounds(asked, candidates)
        step = (
            _seconds(choose_interval(at_micros(first), at_micros(last)) if interval == "auto" else interval)
            * 1_000_000
        )
        if (
            first is not None
            and last is not None
            and (last - first) // step > MOST_BUCKETS
            and interval != "auto"
        ):
            raise QueryError(
                f"An interval of {interval} would make more than {MOST_BUCKETS:,} bars here; choose a"
                f" longer one."
            )
        if not candidates:
            return Histogram(timedelta(microseconds=step), (), 0, asked.warnings)
        rows = _grouped(asked, candidates, step, by_item=by_item)
        # The scope may span months of which the matches fill a day: bars of months would tell nothing.
        while interval == "auto" and (closer := _closer(rows, step)) < step:
            step = closer
            rows = _grouped(asked, candidates, step, by_item=by_item)
        items = {segment.path: segment.source.item for segment in asked.segments}
        buckets = tuple(
            Bucket(at_micros(row[0]), items[row[1]] if by_item else None, row[-1]) for row in rows
        )
        return Histogram(
            timedelta(microseconds=step), buckets, sum(one.count for one in buckets), asked.warnings
        )


def _closer(rows: Sequence[tuple[Any, ...]], step: int) -> int:
    """The interval, in µs, that suits the span in which there are bars."""
    met = [row[0] for row in rows if row[0] is not None]
    if not met:
        return step
    return _seconds(choose_interval(at_micros(met[0]), at_micros(met[-1] + step))) * 1_000_000


def _grouped(
    asked: Scope, candidates: Sequence[Candidate], step: int, *, by_item: bool
) -> list[tuple[Any, ...]]:
    """(start of the bucket in µs or None, the segment's path where `by_item`, records), in order of time."""
    # DuckDB's // cuts towards zero: a multiple of the step added first makes it a floor before 1970.
    shift = step * (1_000_000_000_000_000_000 // step)
    item, grouped = (", filename AS f", "b, f") if by_item else ("", "b")
    bucket = f"((epoch_us(_time) + {shift}) // {step}) * {step} - {shift} AS b{item}"
    statements = asked.selects(candidates, lambda _: bucket)
    return asked.rows(
        f"SELECT {grouped}, count(*) FROM ({' UNION ALL '.join(statements)}) GROUP BY {grouped}"
        f" ORDER BY b NULLS LAST LIMIT 200000"
    )


def choose_interval(start: datetime | None, end: datetime | None) -> str:
    """An interval that cuts the span into some 60 to 120 buckets."""
    if start is None or end is None:
        return "1h"
    span = (micros(end) - micros(start)) / 1_000_000
    return next(
        (step for step in _STEPS if span / _seconds(step) <= _WANTED_BUCKETS),
        f"{math.ceil(span / 86_400 / _WANTED_BUCKETS / 365) * 365}d",
    )


def _seconds(interval: str) -> int:
    found = re.fullmatch(r"([1-9]\d{0,5})([smhd])", interval)
    if found is None:
        raise QueryError(f"“{interval[:20]}” is not an interval; write it like 30s, 15m, 1h or 1d.")
    return int(found.group(1)) * _SECONDS[found.group(2)]


def _bounds(asked: Scope, candidates: Sequence[Candidate]) -> tuple[int | None, int | None]:
    """The span that the histogram covers: what was asked, within what the row groups hold."""
    firsts = [one.unit.first_time for one in candidates if one.unit.first_time is not None]
    lasts = [one.unit.last_time for one in candidates if one.unit.last_time is not None]
    first, last = min(firsts, default=None), max(lasts, default=None)
    if asked.start is not None:
        first = asked.start if first is None else max(first, asked.start)
    if asked.end is not None:
        last = asked.end if last is None else min(last, asked.end)
    return first, last


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
    """The values of field `by` with the largest metric: count, or sum, distinct, avg, min or max with a
    field, as in "sum:tokens".
    """
    what, _, field = metric.partition(":")
    if (what == "count") != (not field) or what not in _METRICS:
        raise QueryError(
            "The metric is count, or one of sum, distinct, avg, min, max with a field, as in"
            " sum:completion_tokens."
        )
    if not 1 <= limit <= MOST_ROWS:
        raise QueryError(f"A table holds between 1 and {MOST_ROWS:,} rows.")
    with scope(sources, query=query, start=start, end=end, names=[by, *([field] if field else [])]) as asked:
        candidates = asked.candidates()
        if not candidates:
            return Table((), 0 if what in ("count", "distinct") else None, 0, 0, asked.warnings)
        numbers = _numbers_kind({one.segment.schema for one in candidates}, field) if field else ""
        statements = asked.selects(
            candidates,
            lambda schema: f"{_by(asked, schema, by)} AS v, {_measured(schema, what, field, numbers)} AS m",
        )
        source = f"({' UNION ALL '.join(statements)})"
        expression = _METRICS[what]
        top = asked.rows(
            f"WITH g AS (SELECT v, count(*) AS n, {expression} AS x FROM {source} GROUP BY v)"
            f" SELECT v, n, x, count(v) OVER (), sum(n) OVER (), sum(n) FILTER (WHERE v IS NULL) OVER"
            f" (), {_SUMMED.get(what, 'NULL')}"
            f" FROM g"
            f" ORDER BY v IS NULL, x DESC NULLS LAST, v LIMIT {limit + 1}"
        )
        total = top[0][6] if top and what in _SUMMED else None
        if what not in _SUMMED:
            [(total,)] = asked.rows(f"SELECT {expression} FROM {source}")
        rows = tuple(
            Row(value, _plain(measure), count) for value, count, measure, *_ in top if value is not None
        )[:limit]
        missing = int(top[0][5] or 0) if top else 0
        return Table(
            rows,
            _plain(total) if top or what not in ("count", "distinct") else 0,
            int(top[0][3]) if top else 0,
            missing,
            asked.warnings,
        )


_METRICS = {
    "count": "count(*)", "sum": "sum(m)", "distinct": "count(DISTINCT m)",
    "avg": "avg(m)", "min": "min(m)", "max": "max(m)",
}  # fmt: skip
_SUMMED = {
    "count": "sum(n) OVER ()",
    "sum": "sum(x) OVER ()",
    "min": "min(x) OVER ()",
    "max": "max(x) OVER ()",
}


def _by(asked: Scope, schema: Schema, by: str) -> str:
    if by == "_item":
        cases = " ".join(
            f"WHEN {literal(segment.path)} THEN {literal(segment.source.number)}"
            for segment in asked.segments
        )
        return f"(CASE filename {cases} END)"
    column = column_of(schema, by)
    return (
        "NULL::VARCHAR"
        if column is None
        else column.sql
        if column.kind == "VARCHAR"
        else f"{column.sql}::VARCHAR"
    )


def _numbers_kind(schemas: set[Schema], field: str) -> str:
    """Whole numbers are summed exactly, if every item has them so."""
    kinds = {column.kind for schema in schemas if (column := column_of(schema, field)) is not None}
    return "HUGEINT" if kinds <= {"BIGINT", "HUGEINT", "UBIGINT", "INTEGER"} else "DOUBLE"


def _measured(schema: Schema, what: str, field: str, numbers: str) -> str:
    if what == "count":
        return "NULL::BIGINT"
    column = column_of(schema, field)
    if what == "distinct":
        return "NULL::VARCHAR" if column is None else f"{column.sql}::VARCHAR"
    return f"NULL::{numbers}" if column is None else _number(column, numbers)


def _number(column: Column, numbers: str) -> str:
    return f"{column.sql}::{numbers}" if column.kind in NUMBERS else f"TRY_CAST({column.sql} AS {numbers})"


def _plain(value: Any) -> int | float | None:
    if value is None or isinstance(value, int):
        return value
    return float(value) if math.isfinite(value) else None


def fields(sources: Sequence[Source]) -> list[FieldInfo]:
    """Every field that some item in scope has, by name."""
    with scope(sources, query="", start=None, end=None) as asked:
        kinds: dict[str, set[str]] = defaultdict(set)
        aliases: dict[str, set[str]] = defaultdict(set)
        items: dict[str, int] = defaultdict(int)
        for segment in asked.segments:
            schema = segment.schema
            for name, kind in [*schema.columns, *((name, "VARCHAR") for name in schema.names)]:
                if name not in OWN:
                    kinds[name].add(kind)
                    items[name] += 1
            for alias, name in schema.aliases:
                aliases[name].add(alias)
        return [
            FieldInfo(
                name,
                "mixed" if len(found) > 1 else next(iter(found)),
                tuple(sorted(aliases[name])),
                items[name],
                tuple(sorted(found)),
            )
            for name, found in sorted(kinds.items())
        ]
