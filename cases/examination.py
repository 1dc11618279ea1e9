"""Reading evidence. Whatever is shown was recorded in the ledger first: no commit, no bytes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO
from uuid import UUID, uuid5

from cases import reads
from cases.actors import worker_for
from cases.models import Case, EvidenceItem
from cases.perform import perform
from cases.refusals import Invalid, Refused, Unseen
from cases.rules.acting import Actor
from cases.rules.examining import BreakOffDownload, Examination, ExamineEvidence
from cases.rules.shape import stamp
from evidence import search as engine
from evidence.lineindex import LONGEST_SHOWN, lines_at
from evidence.search import FieldInfo, Histogram, Page, QueryError, Record, SearchLimit, Source, Table
from evidence.segments import segment_dir
from evidence.vault import vault
from ledger.entries import Receipt

REJECTS = "_error:*"


@dataclass(frozen=True, kw_only=True)
class Findings:
    """A page of records, and what was asked for beside it, from one examination. Without any item to search
    nothing was recorded, and there is no receipt."""

    page: Page
    histogram: Histogram | None
    facets: dict[str, Table]
    items: list[EvidenceItem]
    receipt: Receipt | None


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The first records of an item, and the first lines that did not parse."""

    records: list[Record]
    rejects: list[Record]
    receipt: Receipt


@dataclass(frozen=True, kw_only=True)
class Content:
    """The sealed bytes as an open file, with the receipt of their reading and who reads them."""

    actor: Actor
    item: EvidenceItem
    examination: UUID
    file: BinaryIO
    name: str
    size: int
    receipt: Receipt


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
    """Records of the items that the actor may read, by time, with facets (top values of fields) and a
    histogram where `interval` is given ("auto" or "15m"). Invalid with `field="query"` and the position for a
    bad query, Refused 503 "search-limit" when a limit is hit, Unseen when one of `items` is not visible."""
    readable, sources = _scope(actor, case, items)
    with _in_plain_words():
        page = engine.search(sources, query=query, start=start, end=end, limit=limit, cursor=cursor)
        over_time = (
            engine.histogram(sources, query=query, start=start, end=end, interval=interval, by_item=True)
            if interval
            else None
        )
        tops = {
            by: engine.aggregate(sources, query=query, start=start, end=end, by=by, limit=10) for by in facets
        }
    shown = Counter(record.item for record in page.records)
    asked = _asked(query, start, end)
    receipt = _examine(actor, case, readable, "search", asked, shown) if readable else None
    return Findings(page=page, histogram=over_time, facets=tops, items=readable, receipt=receipt)


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
    readable, sources = _scope(actor, case, items)
    with _in_plain_words():
        found = engine.histogram(
            sources, query=query, start=start, end=end, interval=interval, by_item=by_item
        )
    if readable:
        _examine(actor, case, readable, "aggregate", _asked(query, start, end), {})
    return found


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
    readable, sources = _scope(actor, case, items)
    with _in_plain_words():
        found = engine.aggregate(
            sources, query=query, start=start, end=end, by=by, metric=metric, limit=limit
        )
    _examine(
        actor, case, readable, "aggregate", f"{metric} by {by} of {_asked(query, start, end) or '*'}", {}
    )
    return found


def fields(actor: Actor, case: Case, *, items: Sequence[UUID] | None = None) -> list[FieldInfo]:
    """The fields that the readable items have. Names are metadata of an item like its format: nothing is
    recorded."""
    return engine.fields(_scope(actor, case, items)[1])


def record(actor: Actor, item: EvidenceItem, line: int) -> Record:
    """One record by its line number, or Unseen. Recorded as a preview."""
    source = _readable_source(actor, item)
    with _in_plain_words():
        found = engine.records_at([source], item=item.pk, lines=[line])
    if not found:
        raise Unseen
    _examine(actor, item.case, [item], "preview", f"line {line}", {item.pk: 1})
    return found[0]


def preview(actor: Actor, item: EvidenceItem, *, records: int = 25, rejects: int = 25) -> Preview:
    """The first records and the first rejects of an item, as one examination."""
    source = _readable_source(actor, item)
    with _in_plain_words():
        first = engine.records_at([source], item=item.pk, lines=range(1, records + 1)) if records else []
        bad = (
            engine.search([source], query=REJECTS, limit=rejects).records if rejects and item.rejects else ()
        )
    shown = {item.pk: len(first) + len(bad)}
    receipt = _examine(actor, item.case, [item], "preview", "first records", shown)
    return Preview(records=first, rejects=list(bad), receipt=receipt)


def rejects(actor: Actor, item: EvidenceItem, *, limit: int = 100, cursor: str | None = None) -> Page:
    """The lines of an item that did not parse, with their reasons. Recorded as a preview."""
    source = _readable_source(actor, item)
    with _in_plain_words():
        page = engine.search([source], query=REJECTS, limit=limit, cursor=cursor)
    _examine(actor, item.case, [item], "preview", "lines that did not parse", {item.pk: len(page.records)})
    return page


def raw_context(actor: Actor, item: EvidenceItem, line: int, around: int = 5) -> list[RawLine]:
    """Lines around one from the sealed bytes. Recorded as a preview."""
    lines = _raw_lines(_readable_source(actor, item), line, around)
    _examine(
        actor,
        item.case,
        [item],
        "preview",
        f"lines {lines[0].line} to {lines[-1].line}",
        {item.pk: len(lines)},
    )
    return lines


def _raw_lines(source: Source, line: int, around: int) -> list[RawLine]:
    first = max(1, line - around)
    found = lines_at(source.sealed, source.segment / "lines.idx", first, line + around - first + 1)
    if line not in {number for number, _, _ in found}:
        raise Unseen
    return [
        RawLine(
            line=number, offset=offset, text=data.decode("utf-8", "replace"), cut=len(data) > LONGEST_SHOWN
        )
        for number, offset, data in found
    ]


def in_context(
    actor: Actor, item: EvidenceItem, line: int, around: int = 5
) -> tuple[Record, list[RawLine], Receipt]:
    """One record with the lines around it from the sealed bytes, as one examination, and its receipt."""
    source = _readable_source(actor, item)
    with _in_plain_words():
        found = engine.records_at([source], item=item.pk, lines=[line])
    if not found:
        raise Unseen
    lines = _raw_lines(source, line, around)
    receipt = _examine(actor, item.case, [item], "preview", f"line {line}", {item.pk: 1})
    return found[0], lines, receipt


def open_content(actor: Actor, item: EvidenceItem) -> Content:
    """The sealed bytes. Recorded as a download before the file is opened."""
    reads.readable_item(actor, item, "download")
    asked = ExamineEvidence(case=item.case_id, examinations=(Examination(item=item.pk, how="download"),))
    receipt = perform(asked, actor=actor)
    return Content(
        actor=actor,
        item=item,
        examination=asked.id,
        file=vault().open(item.sha256),
        name=item.filename,
        size=item.size,
        receipt=receipt,
    )


def may_go_on(content: Content) -> bool:
    """Whether the reader of a running download may still have these bytes. One query."""
    return reads.may_still(content.actor, content.item, "download")


def broken_off(content: Content, sent: int) -> Receipt:
    """Record that a running download was stopped, because its reader may no longer have the bytes."""
    item = content.item
    stopped = BreakOffDownload(
        id=uuid5(content.examination, "broken off"),
        case=item.case_id,
        item=item.pk,
        examination=content.examination,
        reader=content.actor.party,
        sent=sent,
    )
    return perform(stopped, actor=worker_for(item.owner_id))


def _scope(actor: Actor, case: Case, only: Sequence[UUID] | None) -> tuple[list[EvidenceItem], list[Source]]:
    readable = reads.readable_items(actor, case, only)
    return readable, [_source(item) for item in readable]


def _readable_source(actor: Actor, item: EvidenceItem) -> Source:
    reads.readable_item(actor, item, "preview")
    if item.state not in ("searchable", "indexed") or item.format in reads.CONTAINERS:
        raise Refused("not-searchable", "This item has no records to show yet.")
    return _source(item)


def _source(item: EvidenceItem) -> Source:
    return Source(
        item=item.pk,
        number=item.label,
        segment=segment_dir(item.pk),
        sealed=vault().path(item.sha256),
        indexed=item.state == "indexed",
    )


def _examine(
    actor: Actor, case: Case, items: Sequence[EvidenceItem], how: str, query: str, shown: dict[UUID, int]
) -> Receipt:
    """Commit what is about to be shown. Every item in scope is named, also where none of its records is
    shown: that a word is not in there has been learned as well."""
    seen = tuple(
        Examination(item=item.pk, how=how, query=query, shown=shown.get(item.pk, 0)) for item in items
    )
    return perform(ExamineEvidence(case=case.pk, examinations=seen), actor=actor)


def _asked(query: str, start: datetime | None, end: datetime | None) -> str:
    """The query with its time range, as the owner of an item will read it."""
    since = f" from {stamp(start)}" if start else ""
    until = f" until {stamp(end)}" if end else ""
    return f"{query}{since}{until}".strip()


@contextmanager
def _in_plain_words() -> Iterator[None]:
    """What the search engine refuses, as the doors know it."""
    try:
        yield
    except QueryError as error:
        raise Invalid("query", error.sentence, code="bad-query", position=error.position) from error
    except SearchLimit as error:
        raise Refused("search-limit", error.sentence, status=503) from error
