"""The records of a search, in order of time, page by page.

Row groups are read in order of their first time, few at first and then more, until no unread one can hold
an earlier record than the page's last. Only line numbers and times are read at first; the shown rows follow
once they are known.
"""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from evidence.search import cursor as markers
from evidence.search.catalog import OWN, Segment
from evidence.search.cursor import Cursor
from evidence.search.errors import QueryError
from evidence.search.match import moment
from evidence.search.model import Page, Record, Source, Value
from evidence.search.offsets import offsets_of
from evidence.search.scope import Candidate, Scope, scope
from evidence.search.times import at_micros
from evidence.tokens import literal, quoted

MOST_RECORDS = 1_000
FIRST_ROWS = 32_768
COUNT_BYTES = (
    16 << 20
)  # what counting may unpack beside the page itself; beyond it the total is a lower bound

_Key = tuple[bool, int, int, int]  # no time, time, place of the item, line: the order of a result


def search(
    sources: Sequence[Source],
    *,
    query: str,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page:
    """The records that match, by time (those without one last), then item, then line."""
    began = time.perf_counter()
    if not 0 <= limit <= MOST_RECORDS:
        raise QueryError(f"A page holds between 0 and {MOST_RECORDS:,} records.")
    bound = markers.fingerprint(query, start, end)
    after = markers.unpack(cursor, bound) if cursor is not None else None
    with scope(sources, query=query, start=start, end=end) as asked:
        candidates = asked.candidates()
        found, complete = _first(asked, candidates, limit + 1, after)
        shown = found[:limit]
        if after is not None:
            total, exact = after.total, after.exact
        else:
            total, exact = (
                (len(found), True)
                if complete and len(found) <= limit
                else _total(asked, candidates, len(found))
            )
        by_place = {segment.place: segment for segment in asked.segments}
        following = None
        if len(found) > limit and shown:
            timeless, micros, place, line = shown[-1]
            last = Cursor(None if timeless else micros, by_place[place].source.item, line, total, exact)
            following = markers.pack(last, bound)
        records = _records(asked, by_place, shown)
        return Page(
            total, exact, tuple(records), following, (time.perf_counter() - began) * 1000, asked.warnings
        )


def records_at(sources: Sequence[Source], *, item: UUID, lines: Sequence[int]) -> list[Record]:
    """The records at these line numbers of one item in scope, in line order; a line that is not there is
    left out.
    """
    chosen = [source for source in sources if source.item == item]
    with scope(chosen, query="", start=None, end=None) as asked:
        wanted = sorted(set(lines))[:MOST_RECORDS]
        if not asked.segments or not wanted:
            return []
        segment = asked.segments[0]
        return list(_fetch(asked, segment, wanted).values())


def _first(
    asked: Scope, candidates: list[Candidate], limit: int, after: Cursor | None
) -> tuple[list[_Key], bool]:
    """The first `limit` keys in order, and whether every row group was read."""
    if limit <= 0:
        return [], False
    waiting = sorted(candidates, key=_earliest)
    if after is not None:
        waiting = [
            one for one in waiting if after.time is None or one.unit.untimed or _latest(one) >= after.time
        ]
    condition = _beyond(asked, after)
    found: list[_Key] = []
    rows = FIRST_ROWS
    while waiting:
        taken = _take(waiting, rows)
        chunk, waiting = waiting[:taken], waiting[taken:]
        found = sorted(found + _keys(asked, chunk, condition, limit))[:limit]
        # An untimed record of a row group read already may still follow records of groups not yet read:
        # times decide.
        if (
            len(found) >= limit
            and waiting
            and found[-1][0] is False
            and found[-1][1] < _earliest(waiting[0])[0]
        ):
            return found, False
        rows *= 4
    return found, True


def _take(waiting: Sequence[Candidate], rows: int) -> int:
    total = 0
    for number, one in enumerate(waiting):
        total += one.unit.rows if one.blocks is None else min(one.unit.rows, one.blocks.bit_count() * 16_384)
        if total >= rows:
            return number + 1
    return len(waiting)


def _earliest(one: Candidate) -> tuple[float, int, int]:
    first = (
        math.inf if not one.unit.timed else -math.inf if one.unit.first_time is None else one.unit.first_time
    )
    return first, one.segment.place, one.unit.first_line


def _latest(one: Candidate) -> float:
    return math.inf if one.unit.last_time is None else one.unit.last_time


def _beyond(asked: Scope, after: Cursor | None) -> str:
    """The condition that a record comes after the cursor's."""
    if after is None:
        return "true"
    same = [segment for segment in asked.segments if segment.source.item == after.item]
    if not same:
        raise QueryError(
            "The item at which this page continues is no longer in scope; start the search again."
        )
    path, line = literal(same[0].path), after.line
    later = f"(filename > {path} OR (filename = {path} AND _line > {line}))"
    if after.time is None:
        return f"(_time IS NULL AND {later})"
    at = moment(after.time)
    return f"((_time >= {at} OR _time IS NULL) AND (_time IS NULL OR _time > {at} OR {later}))"


def _keys(asked: Scope, chunk: Sequence[Candidate], condition: str, limit: int) -> list[_Key]:
    """The first keys of some row groups."""
    places = {segment.path: segment.place for segment in asked.segments}
    statements = asked.selects(chunk, lambda _: "filename, _line, epoch_us(_time) AS t", condition)
    rows = asked.rows(
        f"SELECT * FROM ({' UNION ALL '.join(statements)}) ORDER BY t NULLS LAST, filename, _line"
        f" LIMIT {limit}"
    )
    return [(at is None, 0 if at is None else at, places[path], line) for path, line, at in rows]


def _total(asked: Scope, candidates: list[Candidate], at_least: int) -> tuple[int, bool]:
    """All matches, or a lower bound where counting them would read too much."""
    if asked.everything():
        return sum(one.unit.rows for one in candidates), True
    exact = True
    chosen = candidates
    if asked.cost(candidates) > COUNT_BYTES:
        exact, chosen, left = False, [], COUNT_BYTES
        for one in sorted(candidates, key=_earliest):
            left -= asked.cost([one])
            if left < 0:
                break
            chosen.append(one)
    if not chosen:
        return at_least, False
    statements = asked.selects(chosen, lambda _: "count(*) AS n")
    [(total,)] = asked.rows(f"SELECT sum(n) FROM ({' UNION ALL '.join(statements)})")
    return max(int(total), at_least), exact


def _records(asked: Scope, by_place: dict[int, Segment], keys: Sequence[_Key]) -> list[Record]:
    """The rows of these keys, in their order."""
    lines: dict[int, list[int]] = defaultdict(list)
    for _, _, place, line in keys:
        lines[place].append(line)
    rows = {place: _fetch(asked, by_place[place], wanted) for place, wanted in lines.items()}
    return [rows[place][line] for _, _, place, line in keys]


def _fetch(asked: Scope, segment: Segment, lines: Sequence[int]) -> dict[int, Record]:
    columns = segment.schema.types()
    own = [name for name in OWN if name in columns]
    others = [name for name in columns if name not in OWN]
    picked = [f"epoch_us({quoted(name)})" if name == "_time" else quoted(name) for name in own]
    picked += [quoted(name) if columns[name] in _PLAIN else f"{quoted(name)}::VARCHAR" for name in others]
    ordered = sorted(lines)
    rows = (
        asked.rows(
            f"SELECT {', '.join(picked)} FROM read_parquet([{literal(segment.path)}])"
            f" WHERE _line BETWEEN {ordered[0]} AND {ordered[-1]} AND _line IN"
            f" ({', '.join(map(str, ordered))}) ORDER BY _line"
        )
        if ordered
        else []
    )
    offsets = offsets_of(segment.source.sealed, segment.source.segment, ordered) if rows else {}
    found = {}
    for row in rows:
        values = dict(zip((*own, *others), row, strict=True))
        line = int(values["_line"])
        fields: dict[str, Value] = {
            name: value for name in others if (value := _value(values[name])) is not None
        }
        if values.get("_more"):
            fields |= {
                str(name): value for name, value in json.loads(values["_more"]).items() if value is not None
            }
        ecs = {alias: fields[name] for alias, name in segment.schema.aliases if name in fields}
        message = values.get(segment.schema.message) if segment.schema.message else None
        found[line] = Record(
            segment.source.item, segment.source.number, line, offsets.get(line, 0),
            at_micros(values.get("_time")),
            values.get("_time_text"), _message(message, values.get("_text")), fields, values.get("_error"),
            ecs,
        )  # fmt: skip
    return found


_PLAIN = ("VARCHAR", "BIGINT", "DOUBLE", "BOOLEAN", "HUGEINT", "UBIGINT", "INTEGER")


def _message(message: object, text: object) -> str | None:
    chosen = text if message is None else message
    return None if chosen is None else str(chosen)


def _value(value: Value) -> Value:
    return None if isinstance(value, float) and not math.isfinite(value) else value
