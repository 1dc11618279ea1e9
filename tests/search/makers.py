"""Small segments made by hand, following the layout that search reads."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import duckdb

from evidence import tokens
from evidence.lineindex import LineIndexer
from evidence.search import Source, Value

Rows = Sequence[Mapping[str, Value | datetime]]
OWN = {
    "_line": "BIGINT",
    "_time": "TIMESTAMP",
    "_time_text": "VARCHAR",
    "_error": "VARCHAR",
    "_text": "VARCHAR",
}


def make_source(
    root: Path,
    rows: Rows,
    kinds: Mapping[str, str],
    *,
    number: str = "E-1",
    ecs: Mapping[str, str] | None = None,
    message: str | None = None,
    indexed: bool = True,
    more: Sequence[str] = (),
    time_column: str | None = None,
    item: UUID | None = None,
) -> Source:
    """One item: its sealed bytes are the rows as JSON lines; `_line` is given or counts up."""
    item = item or uuid4()
    folder = root / str(item)
    folder.mkdir(parents=True)
    sealed = root / f"{item}.log"
    columns = {**OWN, **({"_more": "VARCHAR"} if more else {}), **kinds}
    placed = [{"_line": number_, **row} for number_, row in enumerate(rows, 1)]
    _write_sealed(sealed, folder, placed)
    with duckdb.connect() as db:
        listed = ", ".join(f"{tokens.quoted(name)} {kind}" for name, kind in columns.items())
        db.execute(f"CREATE TABLE t ({listed})")
        for first in range(0, len(placed), 500):
            some = placed[first : first + 500]
            marks = ", ".join(f"({', '.join('?' * len(columns))})" for _ in some)
            db.execute(
                f"INSERT INTO t VALUES {marks}", [_plain(row.get(name)) for row in some for name in columns]
            )
        path = tokens.literal(str(folder / "records.parquet"))
        db.execute(f"COPY (FROM t ORDER BY _line) TO {path} (FORMAT parquet, ROW_GROUP_SIZE 2048)")
    facts = {
        "layout": 1,
        "fields": [{"name": name, "type": kind} for name, kind in kinds.items()]
        + [{"name": name, "type": "VARCHAR"} for name in more],
        "ecs": dict(ecs or {}),
        "message": message,
        "time": {"column": time_column} if time_column else None,
        "index": {"unit": "line", "every": 1024},
    }
    (folder / "segment.json").write_text(json.dumps(facts))
    if indexed:
        tokens.index_segment(folder, progress=lambda done, total: None)
    return Source(item, number, folder, sealed, indexed)


def _write_sealed(sealed: Path, folder: Path, rows: Rows) -> None:
    by_line = {row["_line"]: json.dumps({name: str(value) for name, value in row.items()}) for row in rows}
    last = max((int(str(line)) for line in by_line), default=0)
    data = "".join(f"{by_line.get(line, '')}\n" for line in range(1, last + 1)).encode()
    sealed.write_bytes(data)
    index = LineIndexer()
    index.update(data, len(data), data.count(b"\n"))
    index.write(folder / "lines.idx")


def _plain(value: object) -> object:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value


def unindexed(source: Source) -> Source:
    """The same item, searched without its index."""
    return Source(source.item, source.number, source.segment, source.sealed, indexed=False)
