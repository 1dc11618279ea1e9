"""From sealed bytes to a segment: one zstd Parquet of records, a line index, and a page of facts.

A segment is written into `<name>.tmp` and renamed when it is whole. What a crash leaves is that folder, which
the next run of the same item removes first.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

import duckdb
from django.conf import settings

from evidence.formats import ecs, recognise
from evidence.formats.csv import Csv
from evidence.formats.envelope import records_from
from evidence.formats.plan import Plan, Recognised, Sample, literal
from evidence.formats.text import PlainText
from evidence.hashing import sha256_of
from evidence.lineindex import EVERY, write_index
from evidence.parquetjoin import join
from evidence.segmentrun import Records, Run
from evidence.slicing import GROUP_LINES, Scan, Slice, sample_of
from evidence.unpack import packing_of

LAYOUT = 1
EVERY_RECORD = 64
BATCH_BYTES, BATCH_RECORDS = 16 << 20, 50_000
# Once from the sample, once more with all fields known; a third time only where types turned out mixed as
# well.
MOST_PASSES = 3


class IngestError(Exception):
    """The bytes cannot be made searchable; `sentence` says why. Trying again would not help."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True)
class SegmentReport:
    """What became of an item's bytes; `records + rejects == lines` always.

    `lines` are the entries of the format: physical lines for line formats, rows below the header for CSV,
    records for an envelope.
    """

    format: str
    parser: str
    parser_version: str
    confidence: float
    lines: int
    records: int
    rejects: int
    first_time: datetime | None
    last_time: datetime | None
    fields: list[str]
    sha256: str
    assumptions: list[str]


@dataclass
class Bytes:
    """What the pass over the bytes found out besides rows."""

    sha256: str = ""
    physical_lines: int | None = None
    offsets: list[int] = field(default_factory=list)
    assumptions: list[str] = field(default_factory=list)


def segment_dir(item: UUID) -> Path:
    """Where the segment of an item lies, whether or not it exists."""
    return Path(settings.SEGMENT_DIR) / str(item)


def write_segment(source: Path, into: Path, *, progress: Callable[[int, int], None]) -> SegmentReport:
    """Recognise, parse and write; `into` is complete when this returns and absent when it raises.

    `progress` gets (bytes done, bytes in all) in the calling thread. Raises IngestError where the bytes
    themselves are the reason. What lay at `into` before is replaced.
    """
    if packing_of(source) is not None:
        raise IngestError("These bytes are compressed; their content becomes an item of its own first.")
    tmp = into.with_name(into.name + ".tmp")
    shutil.rmtree(tmp, ignore_errors=True)
    scratch = tmp / "scratch"
    scratch.mkdir(parents=True)
    try:
        report = _write(source, tmp, scratch, progress)
    except duckdb.Error as error:
        raise IngestError(f"The parser gave up: {str(error).splitlines()[0][:200]}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    shutil.rmtree(into, ignore_errors=True)
    tmp.replace(into)
    return report


def _write(source: Path, tmp: Path, scratch: Path, progress: Callable[[int, int], None]) -> SegmentReport:
    head, lines, of_head = sample_of(source)
    found = recognise(head, Sample(lines, of_head))
    total = source.stat().st_size
    furthest = 0

    def reached(end: int) -> None:
        nonlocal furthest
        furthest = max(furthest, end)
        progress(furthest, total)

    run = Run(source, scratch)
    try:
        plan = found.plan
        facts = Bytes()
        work: list[Slice | Records] = []
        parts = run.parts(_first_pass(source, found, work, facts, tmp), plan, reached)
        for _ in range(MOST_PASSES - 1):
            better = plan.widened(run.leftovers(parts)) if any(part.leftovers for part in parts) else None
            if better is None:
                break
            plan = better
            again = _records(source, found, facts) if found.cut == "records" else iter(work)
            parts = run.parts(again, plan, reached)
        files = [path for part in parts for path in part.paths] or [_nothing(run, scratch, plan)]
        records = tmp / "records.parquet"
        join(files, records)
        report = _report(run, records, found, plan, facts)
        _describe(
            tmp / "segment.json", report, found, plan, facts, more=any(part.leftovers for part in parts)
        )
    finally:
        run.close()
    progress(total, total)
    return report


def _first_pass(
    source: Path, found: Recognised, work: list[Slice | Records], facts: Bytes, tmp: Path
) -> Iterator[Slice | Records]:
    """Hand out the work while reading the file once for its hash and line index."""
    if found.cut == "records":
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="hash") as beside:
            sha256 = beside.submit(sha256_of, source, lambda done, total: None)
            yield from _records(source, found, facts)
            facts.sha256 = sha256.result()
        write_index(tmp / "lines.idx", facts.offsets)
        return
    scan = Scan(source, lambda done, total: None, quotes=found.cut == "csv")
    for one in scan:
        work.append(one)
        yield one
    facts.sha256, facts.physical_lines = scan.sha256, scan.lines
    scan.index.write(tmp / "lines.idx")


def _records(source: Path, found: Recognised, facts: Bytes) -> Iterator[Records]:
    """The records of an envelope in batches, one a line; a blank stands for each line break inside."""
    rows: list[bytes] = []
    number = count = size = end = 0
    facts.offsets.clear()
    with source.open("rb", buffering=0) as sealed:
        for offset, record in records_from(sealed, int(str(found.facts["start"]))):
            if count % EVERY_RECORD == 0:
                facts.offsets.append(offset)
            count += 1
            end = offset + len(record)
            rows.append(record.replace(b"\n", b" ").replace(b"\r", b" ").replace(b"\x01", b"\x02") + b"\n")
            size += len(record)
            if size >= BATCH_BYTES or len(rows) >= BATCH_RECORDS:
                yield Records(number, count - len(rows) + 1, tuple(rows), end)
                rows, size, number = [], 0, number + 1
        if rows:
            yield Records(number, count - len(rows) + 1, tuple(rows), end)
        sealed.seek(max(0, source.stat().st_size - 64))
        if not sealed.read().rstrip().endswith(b"}"):
            facts.assumptions = ["The file ends before its list of records does."]


def _nothing(run: Run, scratch: Path, plan: Plan) -> Path:
    """A Parquet without rows, for a file without lines."""
    path = scratch / "nothing.parquet"
    empty = "SELECT NULL::BIGINT AS n, NULL::VARCHAR AS l, NULL::VARCHAR AS e WHERE false"
    select = (plan if not isinstance(plan, Csv) else PlainText()).select(empty, guarded=True)
    run.ask(f"COPY ({select}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)")
    return path


def _report(run: Run, records: Path, found: Recognised, plan: Plan, facts: Bytes) -> SegmentReport:
    counted, wrong, first, last = run.ask(
        f"SELECT count(*), count(_error), min(_time), max(_time) FROM read_parquet({literal(str(records))})"
    )
    lines, rejects = int(str(counted)), int(str(wrong))
    return SegmentReport(
        format=found.format,
        parser=found.parser,
        parser_version=found.version,
        confidence=round(found.confidence, 3),
        lines=lines,
        records=lines - rejects,
        rejects=rejects,
        first_time=first if isinstance(first, datetime) else None,
        last_time=last if isinstance(last, datetime) else None,
        fields=[column.name for column in plan.columns],
        sha256=facts.sha256,
        assumptions=[*found.assumptions, *facts.assumptions],
    )


def _describe(
    path: Path, report: SegmentReport, found: Recognised, plan: Plan, facts: Bytes, *, more: bool
) -> None:
    """Write segment.json: what SEARCH and a reader have to know about records.parquet."""
    described = {
        "layout": LAYOUT,
        "format": report.format,
        "parser": report.parser,
        "parser_version": report.parser_version,
        "confidence": report.confidence,
        "lines": report.lines,
        "records": report.records,
        "rejects": report.rejects,
        "physical_lines": facts.physical_lines,
        "first_time": _iso(report.first_time),
        "last_time": _iso(report.last_time),
        "time": {"column": plan.clock.column, "read_as": plan.clock.kind} if plan.clock else None,
        "assumptions": report.assumptions,
        "fields": [{"name": column.name, "type": column.type} for column in plan.columns],
        "more": more,
        "ecs": ecs.aliases(plan.columns),
        "message": plan.message,
        "sealed_sha256": report.sha256,
        "row_group": GROUP_LINES,
        "index": {
            "unit": "record" if found.cut == "records" else "line",
            "every": EVERY_RECORD if found.cut == "records" else EVERY,
        },
    }
    with path.open("w") as file:
        json.dump(described, file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def _iso(time: datetime | None) -> str | None:
    return time.isoformat(timespec="microseconds") + "Z" if time else None
