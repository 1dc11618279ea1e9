"""What a search page was asked: read from its address, and written back into links that narrow it."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import QueryDict
from django.utils.http import urlencode

from cases.models import EvidenceItem
from evidence.search import Histogram, narrow

LIMIT = 100
LONGEST = 10_000
METRICS = {
    "count": "count of records",
    "sum": "sum of",
    "distinct": "different values of",
    "avg": "average of",
    "max": "largest",
    "min": "smallest",
}
_SIMPLE = re.compile(r"\b(OR|NOT)\b|\|\||!")


def clause(field: str, value: Any) -> str:
    """The clause that matches exactly this value."""
    if isinstance(value, bool):
        value = str(value).lower()
    return narrow(field, None if value is None else str(value))


def _instant(text: str) -> datetime | None:
    """A time as typed; without a zone it is UTC, as the field's label says."""
    text = text.strip().removesuffix("UTC").strip()
    if not text:
        return None
    read = datetime.fromisoformat(text.replace(" ", "T", 1))
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def typed(when: datetime | None) -> str:
    """A time as a person types it: no seconds where there are none."""
    if when is None:
        return ""
    if when.microsecond:
        return f"{when:%Y-%m-%d %H:%M:%S.%f}"
    return f"{when:%Y-%m-%d %H:%M:%S}" if when.second else f"{when:%Y-%m-%d %H:%M}"


class Asked:
    """One question: query, time range, items, and what to see beside the records."""

    def __init__(self, given: QueryDict, readable: Iterable[EvidenceItem]) -> None:
        self.trouble = ""
        self.query = given.get("q", "").strip()
        self.items = [label.upper() for label in given.getlist("item") if label]
        self.facets = [name for name in given.getlist("facet") if name][:6]
        self.columns = [name for name in given.getlist("column") if name][:8]
        self.cursor = given.get("cursor", "")
        year = given.get("year", "")
        self.year = int(year) if year.isdecimal() and len(year) == 4 else None
        self.by = given.get("by", "")
        self.how = given.get("how", "count") if given.get("how") in METRICS else "count"
        self.of = given.get("of", "")
        self.start = self._time(given.get("from", ""), "From")
        self.end = self._time(given.get("to", ""), "Before")
        self.typed_from, self.typed_to = given.get("from", ""), given.get("to", "")
        self.runs = any(name in given for name in ("q", "from", "to", "item"))
        by_label = {item.label: item for item in readable}
        unknown = [label for label in self.items if label not in by_label]
        if unknown:
            self.trouble = f"There is no searchable item {', '.join(unknown)} that you may read."
        self.only: list[UUID] | None = [
            by_label[label].pk for label in self.items if label in by_label
        ] or None
        if len(self.query) > LONGEST:
            self.trouble = f"A query may have at most {LONGEST:,} characters."
        if self.start and self.end and self.start >= self.end:
            self.trouble = "The time range ends before it begins."
        if self.by and self.how != "count" and not self.of:
            self.trouble = f"Choose the field for “{METRICS[self.how]}”."

    def _time(self, text: str, label: str) -> datetime | None:
        try:
            return _instant(text)
        except (ValueError, OverflowError):
            self.trouble = f"{label}: “{text[:40]}” is no time. Write 2026-02-06 or 2026-02-06 14:00, in UTC."
            return None

    @property
    def metric(self) -> str:
        return "count" if self.how == "count" else f"{self.how}:{self.of}"

    @property
    def metrics(self) -> list[tuple[str, str]]:
        return list(METRICS.items())

    @property
    def metric_name(self) -> str:
        return "records" if self.how == "count" else f"{METRICS[self.how]} {self.of}"

    def narrowed(self, field: str, value: Any, *, out: bool = False) -> str:
        """The query with one more condition; parentheses keep the meaning of what was there."""
        more = clause(field, value)
        if out:
            more = f"NOT {more}"
        if not self.query or self.query == "*":
            return more
        if more in self.query:
            return self.query
        kept = (
            f"({self.query})" if _SIMPLE.search(self.query) and not self.query.startswith("(") else self.query
        )
        return f"{kept} AND {more}"

    def link(
        self,
        *,
        and_: tuple[str, Any] | None = None,
        not_: tuple[str, Any] | None = None,
        cursor: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        without: str = "",
        facets: list[str] | None = None,
        columns: Iterable[str] = (),
        year: int | None = None,
    ) -> str:
        """The address of this question, changed in what is named."""
        query = self.narrowed(*and_) if and_ else self.narrowed(*not_, out=True) if not_ else self.query
        pairs: list[tuple[str, str]] = [("q", query)]
        if without != "time":
            begin, finish = (typed(start), typed(end)) if start else (typed(self.start), typed(self.end))
            pairs += [(name, text) for name, text in (("from", begin), ("to", finish)) if text]
        if without != "item":
            pairs += [("item", label) for label in self.items]
        pairs += [("facet", name) for name in (self.facets if facets is None else facets)]
        if self.by and without != "by":
            pairs += [("by", self.by), ("how", self.how), ("of", self.of)]
        if cursor:
            pairs += [("cursor", cursor)] + [("column", name) for name in columns]
            pairs += [("year", str(year))] if year else []
        return "?" + urlencode(pairs)

    @property
    def without_time(self) -> str:
        return self.link(without="time")

    @property
    def without_items(self) -> str:
        return self.link(without="item")

    @property
    def without_table(self) -> str:
        return self.link(without="by")


def by_party(histogram: Histogram, owners: Mapping[UUID, Any]) -> list[tuple[Any, int]]:
    """How many of the found records each party's items hold."""
    counts: dict[Any, int] = {}
    for bucket in histogram.buckets:
        if bucket.item is not None:
            counts[owners[bucket.item]] = counts.get(owners[bucket.item], 0) + bucket.count
    return sorted(counts.items(), key=lambda pair: -pair[1])
