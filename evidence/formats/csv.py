"""CSV with a header line: any usual delimiter, quotes, line breaks inside quotes, hundreds of columns.

A column is a number only where every value of it is written as that number would be: "007" stays text.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from evidence.formats import ecs
from evidence.formats.plan import (
    BLANK,
    MOST_COLUMNS,
    RESERVED,
    Clock,
    Column,
    Plan,
    Recognised,
    Sample,
    literal,
    quoted,
)
from evidence.formats.shape import read_object
from evidence.formats.times import find_clock

VERSION = "1"
DELIMITERS = ",;\t|"
WHOLE = re.compile(r"0|-?[1-9]\d{0,17}")
DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?")
# The csv module's own limit for one field would end the whole file; the engine bounds lines and records
# itself.
csv.field_size_limit(1 << 26)
# A record may span so many lines and characters; fewer lines once a file has shown many quotes that lead
# nowhere.
SPAN, SHORT_SPAN, MANY_STRAYS, LONGEST = 2000, 20, 50, 1 << 22


def names_of(header: Sequence[str]) -> list[str]:
    """Column names from a header: empty ones get a number, repeated and reserved ones a suffix."""
    taken = set(RESERVED)
    names = []
    for place, raw in enumerate(header, 1):
        name = base = raw.strip() or f"column {place}"
        again = 2
        while name.lower() in taken:
            name = f"{base} ({again})"
            again += 1
        taken.add(name.lower())
        names.append(name)
    return names


def _type(values: Sequence[str]) -> str:
    if values and all(WHOLE.fullmatch(one) for one in values):
        return "BIGINT"
    return "DOUBLE" if values and all(DECIMAL.fullmatch(one) for one in values) else "VARCHAR"


@dataclass(frozen=True)
class Csv(Plan):
    """The plan of one CSV file. Its entries are (n, e, l, c1, c2, …): all fields as text."""

    delimiter: str
    header: tuple[str, ...]
    columns: tuple[Column, ...]
    clock: Clock | None
    message: str | None

    @property
    def width(self) -> int:
        return len(self.header)

    def select(self, entries: str, *, guarded: bool) -> str:
        """See Plan. A value that its column's type cannot hold exactly is told in `_more`."""
        shown = list(enumerate(self.columns, 1))
        fields = [f"{self._value(place, column)} AS {quoted(column.name)}" for place, column in shown]
        over = list(enumerate(self.header[len(self.columns) :], len(self.columns) + 1))
        told = [
            f"{literal(column.name)}, CASE WHEN {self._value(place, column)}::VARCHAR IS DISTINCT FROM c{place} "
            f"THEN c{place} END"
            for place, column in shown
            if column.type == "BIGINT"
        ]
        told += [
            f"{literal(column.name)}, CASE WHEN {self._value(place, column)} IS NULL THEN c{place} END"
            for place, column in shown
            if column.type == "DOUBLE"
        ]
        told += [f"{literal(name)}, c{place}" for place, name in over]
        more = (
            f"nullif(json_merge_patch('{{}}', json_object({', '.join(told)}))::VARCHAR, '{{}}')"
            if told
            else "NULL"
        )
        return f"""
            SELECT n AS _line, {self._time()}, e AS _error, CASE WHEN e IS NOT NULL THEN coalesce(l, '') END AS _text,
                {", ".join(fields)}, {more} AS _more
            FROM ({entries})"""

    def _value(self, place: int, column: Column) -> str:
        if column.type == "VARCHAR":
            return f"c{place}"
        exact = f"try_cast(c{place} AS {column.type})"
        if column.type == "DOUBLE":
            return f"CASE WHEN regexp_full_match(c{place}, {literal(DECIMAL.pattern)}) THEN {exact} END"
        return exact

    def _time(self) -> str:
        if self.clock is None:
            return "NULL::TIMESTAMP AS _time, NULL::VARCHAR AS _time_text"
        place = next(at for at, column in enumerate(self.columns, 1) if column.name == self.clock.column)
        return f"({self.clock.of(f'c{place}')})::TIMESTAMP AS _time, c{place} AS _time_text"

    def widened(self, leftovers: Iterator[str]) -> "Csv | None":
        """See Plan. A column whose values did not all fit its type becomes text."""
        wrong: set[str] = set()
        for line in leftovers:
            wrong.update(read_object(line) or ())
        columns = tuple(replace(one, type="VARCHAR") if one.name in wrong else one for one in self.columns)
        return replace(self, columns=columns) if columns != self.columns else None


def _rows(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    try:
        return [row for row in islice(csv.reader(lines, delimiter=delimiter), 2000) if row]
    except csv.Error:
        return []


def _share(rows: list[list[str]]) -> float:
    """How many rows are as wide as the first, which has to look like a header."""
    if len(rows) < 2 or len(rows[0]) < 2 or len(rows) + len(rows[0]) < 5:
        return 0.0
    header = [one.strip() for one in rows[0]]
    named = [one for one in header if one]
    repeats = sum(count - 1 for count in Counter(one.lower() for one in named).values())
    wordy = sum(1 for one in named if re.search(r"[^\W\d_]", one) and len(one) <= 200)
    if not named or wordy < 0.8 * len(named) or repeats * 2 > len(header) or len(named) * 2 < len(header):
        return 0.0
    if any(re.fullmatch(r"\d+(?:\.\d+){0,3}|\d{4}-\d\d-\d\d.*|https?://.*|[{\[].*", one) for one in named):
        return 0.0
    return sum(1 for row in rows[1:] if len(row) == len(header)) / (len(rows) - 1)


def recognise(sample: Sample) -> Recognised | None:
    """CSV where nearly all rows are as wide as a first line that reads like names."""
    lines = [line + "\n" for line in sample.lines[: sample.head]]
    shares = {one: _share(_rows(lines[:200], one)) for one in DELIMITERS}
    delimiter = max(shares, key=lambda one: shares[one])
    if shares[delimiter] < 0.7:
        return None
    rows = [row for row in _rows(lines, delimiter) if len(row) > 1]
    names = names_of(rows[0])
    values: dict[str, list[str]] = {
        name: [row[place] for row in rows[1:] if place < len(row) and row[place]]
        for place, name in enumerate(names[:MOST_COLUMNS])
    }
    columns = tuple(Column(name, _type(texts)) for name, texts in values.items())
    clock = find_clock(values, frozenset(), len(rows) - 1)
    plan = Csv(delimiter, tuple(names), columns, clock, ecs.message(columns))
    return Recognised(
        "csv",
        "csv",
        VERSION,
        shares[delimiter],
        plan,
        cut="csv",
        assumptions=clock.assumptions if clock else (),
    )


class _TooLong(Exception):
    """A quote has been open for longer than any record is."""


def entries_of(
    numbered: Iterator[tuple[int, str]], plan: Csv
) -> Iterator[tuple[int, str | None, str, list[str]]]:
    """Rows of CSV lines as (line number, error, text, fields); what is not as wide as the header is an error.

    A record that spans lines has the number of its first one. Where lines joined by a quote make no row, the
    first is an error by itself and the others are read again: one stray quote must not swallow its
    neighbours.
    """
    again: list[tuple[int, str]] = []
    taken: list[tuple[int, str]] = []
    strays = 0

    def fed() -> Iterator[str]:
        size = 0
        while True:
            if again:
                one = again.pop()
            else:
                following = next(numbered, None)
                if following is None:
                    return
                one = following
            taken.append(one)
            size += len(one[1])
            if len(taken) > (SPAN if strays < MANY_STRAYS else SHORT_SPAN) or size > LONGEST:
                raise _TooLong
            yield one[1] + "\n"

    while True:
        taken.clear()
        error: str | None = None
        row: list[str] = []
        try:
            row = next(csv.reader(fed(), delimiter=plan.delimiter))
        except StopIteration:
            return
        except _TooLong:
            error = "a quote that is not closed"
        except csv.Error as wrong:
            error = f"not valid CSV: {wrong}"
        number, text = taken[0][0], "\n".join(line for _, line in taken)
        if error is None and not text.strip():
            error = BLANK
        elif error is None and len(row) != plan.width:
            error = f"{len(row)} fields where the header has {plan.width}"
        if error is not None and len(taken) > 1:
            strays += 1
            again.extend(reversed(taken[1:]))
            text = taken[0][1]
        yield number, error, text, [] if error else row
