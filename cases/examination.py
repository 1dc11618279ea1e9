"""Reading evidence. Whatever is shown was recorded in the ledger first: no commit, no bytes."""

from collections.abc import Sequence
from contextlib import contextmanager
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO
from uuid import UUID

from cases import reads
from cases.models import Case, EvidenceItem
from cases.perform import perform
from cases.refusals import Invalid, Refused, Unseen
from cases.rules.acting import Actor
from cases.rules.custody import Examination, ExamineEvidence
from evidence import search as engine
from evidence.lineindex import lines_at
from evidence.search import FieldInfo, Histogram, Page, QueryError, Record, SearchLimit, Source, Table
from evidence.segments import segment_dir
from evidence.vault import vault

__all__ = [
    "Findings",
    "RawLine",
    "aggregate",
    "fields",
    "histogram",
    "open_content",
    "raw_context",
    "record",
    "rejects",
    "search",
]

COUNTED = -1


@dataclass(frozen=True, kw_only=True)
class Findings:
    """A page of records, and what was asked for beside it, from one examination."""

    page: Page
    histogram: Histogram | None
    facets: dict[str, Table]
    items: list[EvidenceItem]


@dataclass(frozen=True, kw_only=True)
class RawLine:
    """A line as it stands in the sealed bytes; `cut` says that it is longer than what is shown."""

    line: int
    offset: int
    text: str
    cut: bool


def search(
    actor: Actor,
    case: Case,
    *,
    query: str,
    start: datetime | None = None,
    end: datetime | None = None,
    items: Sequence[UUID] | None = None,
    limit: int = 100,
    cursor: str | None = None,
    facets: Sequence[str] = (),
    interval: str | None = None,
) -> Findings:
    """Records of the items that the actor may read, by time, with facets (top values of fields) and a histogram where
    `interval` is given ("auto" or "15m"). Refused 422 with `field="query"` and the position for a bad query, Refused
    503 "search-limit" when a limit is hit, Unseen when one of `items` is not visible."""
    raise NotImplementedError


def histogram(
    actor: Actor,
    case: Case,
    *,
    query: str,
    start: datetime | None = None,
    end: datetime | None = None,
    items: Sequence[UUID] | None = None,
    interval: str = "auto",
    by_item: bool = False,
) -> Histogram:
    """Counts over time; recorded as an "aggregate" examination."""
    raise NotImplementedError


def aggregate(
    actor: Actor,
    case: Case,
    *,
    query: str,
    start: datetime | None = None,
    end: datetime | None = None,
    items: Sequence[UUID] | None = None,
    by: str,
    metric: str = "count",
    limit: int = 20,
) -> Table:
    """The values of a field with the largest metric; recorded as an "aggregate" examination."""
    raise NotImplementedError


def fields(actor: Actor, case: Case, *, items: Sequence[UUID] | None = None) -> list[FieldInfo]:
    """The names of the fields that the readable items have; names are not content, so nothing is recorded."""
    raise NotImplementedError


def record(actor: Actor, item: EvidenceItem, line: int) -> Record:
    """One record by its line number, or Unseen. Recorded as a preview."""
    raise NotImplementedError


def raw_context(actor: Actor, item: EvidenceItem, line: int, around: int = 5) -> list[RawLine]:
    """Lines around one from the sealed bytes. Recorded as a preview."""
    raise NotImplementedError


def rejects(actor: Actor, item: EvidenceItem, *, limit: int = 100, cursor: str | None = None) -> Page:
    """The lines of an item that did not parse, with their reasons. Recorded as a preview."""
    raise NotImplementedError


def open_content(actor: Actor, item: EvidenceItem) -> tuple[BinaryIO, str, int]:
    """The sealed bytes as an open file, their file name and size. Recorded as a download before the file is opened."""
    raise NotImplementedError
