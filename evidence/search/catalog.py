"""What a search must know of a segment before it reads any row: columns, names, and the lines and times of
each row group.

Segments never change, so this is read once and kept while the files are the same.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evidence import tokens
from evidence.search.engine import Session
from evidence.search.model import Source

_KEEP = 512
OWN = ("_line", "_time", "_time_text", "_error", "_text", "_more")


@dataclass(frozen=True, eq=False)
class Unit:
    """One row group: the smallest piece that is read."""

    rows: int
    first_line: int
    last_line: int
    first_time: (
        int | None
    )  # microseconds; None: no row has a time, or its bounds are not known (then `timed` is true)
    last_time: int | None
    untimed: bool  # some row has no time
    timed: bool  # some row has one
    sizes: Mapping[str, int]  # unpacked bytes a column: what reading it costs


@dataclass(frozen=True)
class Index:
    """A segment's token index."""

    path: str
    block_lines: int
    fields: tuple[str, ...]

    def blocks_of(self, unit: Unit) -> int:
        """The bit set of the blocks that a row group lies in."""
        first, last = (unit.first_line - 1) // self.block_lines, (unit.last_line - 1) // self.block_lines
        return (1 << (last + 1)) - (1 << first)


@dataclass(frozen=True)
class Schema:
    """Columns and names; segments with an equal one can be read by one statement."""

    columns: tuple[tuple[str, str], ...]
    aliases: tuple[tuple[str, str], ...]
    names: tuple[str, ...]
    message: str | None
    time_column: str | None

    def types(self) -> dict[str, str]:
        return dict(self.columns)


@dataclass(frozen=True, eq=False)
class Segment:
    """A source with what is known of its files. `place` orders items in a result."""

    source: Source
    path: str
    place: int
    schema: Schema
    units: tuple[Unit, ...]
    index: Index | None


@dataclass(frozen=True)
class _Facts:
    schema: Schema
    units: tuple[Unit, ...]
    index: Index | None


_known: OrderedDict[tuple[object, ...], _Facts] = OrderedDict()
_known_lock = threading.Lock()


def load(sources: Sequence[Source], session: Session) -> list[Segment]:
    """The segments of the sources, in order of item."""
    unique = {source.item: source for source in sources}
    ordered = sorted(
        unique.values(), key=lambda source: (str(source.segment / "records.parquet"), str(source.item))
    )
    loaded = []
    for place, source in enumerate(ordered):
        facts = _facts(source, session)
        loaded.append(
            Segment(
                source, str(source.segment / "records.parquet"), place, facts.schema, facts.units, facts.index
            )
        )
    return loaded


def _facts(source: Source, session: Session) -> _Facts:
    records, words = source.segment / "records.parquet", source.segment / "tokens.parquet"
    key = (str(records), _stamp(records), _stamp(words) if source.indexed and words.exists() else None)
    with _known_lock:
        if key in _known:
            _known.move_to_end(key)
            return _known[key]
    facts = _Facts(
        _schema(source.segment, str(records), session),
        _units(str(records), session),
        _index(str(words), session) if key[2] is not None else None,
    )
    with _known_lock:
        _known[key] = facts
        while len(_known) > _KEEP:
            _known.popitem(last=False)
    return facts


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _schema(folder: Path, records: str, session: Session) -> Schema:
    described = session.rows("DESCRIBE SELECT * FROM read_parquet(?)", [records])
    columns = tuple((str(row[0]), str(row[1])) for row in described)
    page = json.loads((folder / "segment.json").read_text())
    have = {name for name, _ in columns}
    aliases = tuple(
        (str(alias), str(name))
        for alias, name in sorted((page.get("ecs") or {}).items())
        if name in have and alias not in have
    )
    names = tuple(str(field["name"]) for field in page.get("fields") or () if field["name"] not in have)
    message = page.get("message")
    return Schema(columns, aliases, names, message if message in have else None, tokens.time_column_of(page))


def _units(records: str, session: Session) -> tuple[Unit, ...]:
    rows = session.rows(
        "SELECT row_group_id, any_value(row_group_num_rows),"
        " max(CASE WHEN path_in_schema = '_line' THEN TRY_CAST(stats_min_value AS BIGINT) END),"
        " max(CASE WHEN path_in_schema = '_line' THEN TRY_CAST(stats_max_value AS BIGINT) END),"
        " max(CASE WHEN path_in_schema = '_time' THEN epoch_us(TRY_CAST(stats_min_value AS TIMESTAMP)) END),"
        " max(CASE WHEN path_in_schema = '_time' THEN epoch_us(TRY_CAST(stats_max_value AS TIMESTAMP)) END),"
        " max(CASE WHEN path_in_schema = '_time' THEN stats_null_count END),"
        " list(path_in_schema), list(total_uncompressed_size)"
        " FROM parquet_metadata(?) GROUP BY row_group_id ORDER BY row_group_id",
        [records],
    )
    units = []
    if any(
        row[2] is None or row[3] is None for row in rows
    ):  # written without statistics: every row group may hold any line
        [bounds] = session.rows("SELECT min(_line), max(_line) FROM read_parquet(?)", [records])
        rows = [(number, count, *bounds, *rest) for number, count, _, _, *rest in rows]
    for _, count, first_line, last_line, first, last, nulls, names, sizes in rows:
        untimed, timed = nulls is None or nulls > 0, nulls is None or nulls < count
        units.append(
            Unit(
                count,
                first_line,
                last_line,
                first,
                last,
                untimed,
                timed,
                dict(zip(names, sizes, strict=True)),
            )
        )
    return tuple(units)


def _index(words: str, session: Session) -> Index | None:
    rows = session.rows("SELECT value FROM parquet_kv_metadata(?) WHERE key = 'countersign'::BLOB", [words])
    facts = json.loads(rows[0][0]) if rows else {}
    if facts.get("version") != tokens.VERSION:
        return None  # made by another release: the rows are read instead until it is made again
    return Index(words, int(facts["block_lines"]), tuple(facts["fields"]))
