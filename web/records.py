"""Records as rows: which columns are worth showing, and what stands in each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from evidence.search import FieldInfo, Record
from web import marks

# What an investigator looks for first, in this order; shown only where some record has it.
WANTED = (
    "source.ip",
    "user.id",
    "event.action",
    "gen_ai.request.model",
    "gen_ai.usage.output_tokens",
    "http.response.status_code",
    "http.request.method",
    "url.path",
    "user.name",
    "user_agent.original",
    "gen_ai.usage.input_tokens",
)
NARROW = {
    "http.request.method",
    "http.response.status_code",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.input_tokens",
}
WIDE = {"user_agent.original", "url.path", "event.action"}
PIXELS = {"c-s": 76, "c-m": 122, "c-l": 158}
ROOM, LESS_ROOM = 450, 330  # pixels for chosen columns, so that the message keeps a readable width
FILLED = 0.25  # a column that fewer of the shown records fill is not worth its place
NUMBERS = ("BIGINT", "DOUBLE", "INTEGER", "HUGEINT", "FLOAT", "number", "integer")


@dataclass(frozen=True)
class Column:
    name: str
    sources: tuple[str, ...]
    numeric: bool

    @property
    def label(self) -> str:
        """Short enough for a narrow column; the whole name is in the title."""
        return {
            "gen_ai.usage.output_tokens": "tokens out",
            "gen_ai.usage.input_tokens": "tokens in",
            "gen_ai.request.model": "model",
            "http.response.status_code": "status",
            "http.request.method": "method",
        }.get(self.name, self.name)

    @property
    def counts(self) -> bool:
        """Whether its numbers are amounts, which are read in thousands; codes and ids are not."""
        return self.numeric and any(
            word in self.name.lower() for word in ("token", "byte", "size", "count", "duration", "latency")
        )

    @property
    def width(self) -> str:
        if self.name in NARROW or self.numeric:
            return "c-s"
        return "c-l" if self.name in WIDE else "c-m"

    def value(self, record: Record) -> Any:
        for source in self.sources:
            if record.fields.get(source) is not None:
                return record.fields[source]
        return None


@dataclass(frozen=True)
class Columns:
    """The chosen columns, and every field's names for looking things up."""

    chosen: tuple[Column, ...]
    fields: tuple[FieldInfo, ...]

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.chosen]

    @classmethod
    def of(cls, fields: Sequence[FieldInfo], records: Iterable[Record], *, room: int = ROOM) -> "Columns":
        """The columns that the records fill and that fit, known names first, then the source's own."""
        records = [record for record in records if record.error is None]
        known = by_alias(fields)
        chosen: list[Column] = []
        used: set[str] = set()
        for name in (*WANTED, *(field.name for field in fields if not field.aliases)):
            sources = known.get(name)
            if not sources or name.startswith("_"):
                continue
            column = Column(
                name, tuple(field.name for field in sources), all(f.type in NUMBERS for f in sources)
            )
            if used & set(column.sources):
                continue
            told = sum(
                column.value(record) not in (None, record.message, record.time_text) for record in records
            )
            if told and told >= FILLED * len(records) and PIXELS[column.width] <= room:
                chosen.append(column)
                used |= set(column.sources)
                room -= PIXELS[column.width]
        return cls(tuple(chosen), tuple(fields))

    @classmethod
    def named(cls, fields: Sequence[FieldInfo], names: Iterable[str]) -> "Columns":
        """Exactly these columns, those that exist."""
        known = by_alias(fields)
        return cls(
            tuple(
                Column(name, tuple(f.name for f in known[name]), all(f.type in NUMBERS for f in known[name]))
                for name in names
                if name in known
            ),
            tuple(fields),
        )


def by_alias(fields: Sequence[FieldInfo]) -> dict[str, list[FieldInfo]]:
    """Fields by every name that stands for them."""
    found: dict[str, list[FieldInfo]] = {}
    for field in fields:
        for name in {field.name, *field.aliases}:
            found.setdefault(name, []).append(field)
    return found


@dataclass(frozen=True)
class Row:
    record: Record
    owner: Any
    cells: tuple[tuple[Column, Any], ...]
    text: str
    shown: str


def shared_year(records: Iterable[Record]) -> int | None:
    """The year of all these records, so that it need be said only once; None where they lie in several."""
    years = {record.time.year for record in records if record.time is not None}
    return years.pop() if len(years) == 1 else None


def drawn(
    records: Iterable[Record], columns: Columns, owners: Mapping[UUID, Any], needles: tuple[str, ...] = ()
) -> list[Row]:
    """Rows ready for the table. Without a message, the fields that have no column say what happened."""
    shown = {source for column in columns.chosen for source in column.sources}
    rows = []
    for record in records:
        text = record.message or " ".join(
            f"{name}={value}"
            for name, value in record.fields.items()
            if name not in shown and value is not None
        )
        cells = tuple((column, column.value(record)) for column in columns.chosen)
        rows.append(Row(record, owners[record.item], cells, text, marks.excerpt(text, needles)))
    return rows
