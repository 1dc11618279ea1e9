"""What a format decides about one item before its lines are read: the words the formats and the engine share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

RESERVED = frozenset({"_line", "_time", "_time_text", "_error", "_text", "_more"})
BLANK = "blank line"
# At most this many fields become columns; the rest of a record lies in `_more`.
MOST_COLUMNS = 1000


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True)
class Column:
    """One field of the source as a column of the segment."""

    name: str
    type: str  # BIGINT, DOUBLE, BOOLEAN or VARCHAR


@dataclass(frozen=True)
class Sample:
    """Lines from the beginning, the middle and the end of a file, without their line ends."""

    lines: Sequence[str]
    # How many of them come from the beginning, in order and without a gap.
    head: int


@dataclass(frozen=True)
class Clock:
    """How the time of a record is read from the text of one column; `sql` has {0} where that text goes."""

    column: str
    kind: str
    sql: str
    assumptions: tuple[str, ...] = ()

    def of(self, text: str) -> str:
        return self.sql.format(text)


class Plan(Protocol):
    """How the entries of one item become rows; made from a sample, and widened when the sample did not tell
    all.
    """

    columns: Sequence[Column]
    clock: Clock | None
    message: str | None

    def select(self, entries: str, *, guarded: bool) -> str:
        """SQL over `entries` (n, l, e) that gives the columns of a segment.

        Unguarded it may raise on a line that does not parse; guarded it makes a reject of it.
        """
        ...

    def widened(self, leftovers: Iterator[str]) -> "Plan | None":
        """A plan that also takes the `_more` of these rows, or None where there is none."""
        ...


@dataclass(frozen=True)
class Recognised:
    """What the content says that it is."""

    format: str
    parser: str
    version: str
    confidence: float
    plan: Plan
    # "lines", "csv" or "records": how the bytes are cut into entries.
    cut: str = "lines"
    assumptions: tuple[str, ...] = ()
    facts: dict[str, object] = field(default_factory=dict)
