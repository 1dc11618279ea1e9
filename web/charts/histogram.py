"""Records over time, stacked by party, each bucket a link that narrows the search to it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from web.charts.axis import Axis, Tick


@dataclass(frozen=True)
class Part:
    hue: int
    y: str
    height: str


@dataclass
class Column:
    x: str
    width: str
    start: datetime
    end: datetime
    count: int
    said: str
    parts: list[Part]
    bar: str  # a little narrower than its place
    link: str = ""  # set by the page that knows its own question


@dataclass(frozen=True)
class Histogram:
    columns: list[Column]
    ticks: list[Tick]
    most: int
    step: timedelta
    each: str


def named(step: timedelta) -> str:
    """An interval as a person says it."""
    for size, word in (
        (timedelta(days=1), "day"),
        (timedelta(hours=1), "hour"),
        (timedelta(minutes=1), "minute"),
    ):
        if step >= size:
            n = step // size
            return word if n == 1 else f"{n} {word}s"
    return "second" if step == timedelta(seconds=1) else f"{step.total_seconds():g} seconds"


def histogram(buckets: Iterable[Any], *, step: timedelta, owners: Mapping[UUID, Any]) -> Histogram | None:
    """Columns of equal width from the first bucket to the last; None without a single timed record."""
    counts: dict[datetime, dict[Any, int]] = {}
    for bucket in buckets:
        if bucket.start is None or not bucket.count:
            continue
        owner = owners[bucket.item]
        held = counts.setdefault(bucket.start, {})
        held[owner] = held.get(owner, 0) + bucket.count
    if not counts:
        return None
    axis = Axis(min(counts), max(counts) + step)
    slots = max(round((axis.end - axis.start) / step), 1)
    most = max(sum(by.values()) for by in counts.values())
    wide = 100 / slots
    columns = []
    for start, by in sorted(counts.items()):
        total = sum(by.values())
        parts, floor = [], 0.0
        for owner, count in sorted(by.items(), key=lambda pair: pair[0].hue):
            tall = count / most * 100
            parts.append(Part(owner.hue, f"{100 - floor - tall:.2f}%", f"{max(tall, 0.8):.2f}%"))
            floor += tall
        said = ", ".join(f"{owner.short_name} {count:,}" for owner, count in by.items())
        columns.append(
            Column(
                f"{axis.x(start):.3f}%",
                f"{wide:.3f}%",
                start,
                start + step,
                total,
                said,
                parts,
                f"{wide * 0.84:.3f}%",
            )
        )
    return Histogram(columns, axis.ticks(9), most, step, named(step))
