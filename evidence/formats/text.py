"""Plain text: whatever nobody recognises. Each line is its own record, and a date at its beginning is its
time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from evidence.formats.plan import BLANK, Clock, Column, Plan, Recognised, Sample
from evidence.formats.times import LOOSE, UTC_ASSUMED, ZONED

VERSION = "1"
LEADING = r"^\W{0,2}(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:\s?(?:Z|[+-]\d\d:?\d\d))?)"
CLOCK = Clock("_text", "iso at the beginning of the line", LOOSE)


@dataclass(frozen=True)
class PlainText(Plan):
    """The plan of one file of text."""

    clock: Clock | None = None
    columns: tuple[Column, ...] = ()
    message: str | None = "_text"

    def select(self, entries: str, *, guarded: bool) -> str:
        """See Plan. The text of a record and of a reject lie in the same column."""
        stamp = f"nullif(regexp_extract(l, '{LEADING}', 1), '')" if self.clock else "NULL::VARCHAR"
        time = f"({self.clock.of('stamp')})::TIMESTAMP" if self.clock else "NULL::TIMESTAMP"
        return f"""
            SELECT n AS _line, {time} AS _time, stamp AS _time_text,
                CASE WHEN e IS NOT NULL THEN e WHEN l IS NULL OR trim(l, ' \t') = '' THEN '{BLANK}' END AS _error,
                coalesce(l, '') AS _text
            FROM (SELECT *, {stamp} AS stamp FROM ({entries}))"""

    def widened(self, leftovers: Iterator[str]) -> None:
        """See Plan. Text has no fields."""


def recognise(sample: Sample) -> Recognised:
    """Always text; with a clock where half of the lines begin with a date."""
    telling = [line for line in sample.lines if line.strip()]
    stamps = [found[1] for line in telling if (found := re.match(LEADING, line))]
    if not stamps or len(stamps) * 2 < len(telling):
        return Recognised("text", "text", VERSION, 0.1, PlainText())
    assumptions = () if all(ZONED.search(one) for one in stamps) else (UTC_ASSUMED.format("the lines"),)
    return Recognised("text", "text", VERSION, 0.2, PlainText(CLOCK), assumptions=assumptions)
