"""An extract: selected records of one item as JSON lines, of each only some columns, or all with some blotted
out.

Row groups are read one after the other, in order of lines, and written as they come: memory stays flat
however much is selected. The same segment and the same question give the same bytes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from evidence.search.catalog import OWN, Schema
from evidence.search.errors import QueryError
from evidence.search.model import Source
from evidence.search.scope import scope
from evidence.tokens import quoted

TOOL: Final = "Countersign extract"
VERSION: Final = "1"
MASK: Final = "[masked]"
SECONDS: Final = 600.0
PIECE: Final = 1 << 20


class UnknownColumn(QueryError):
    """A column was named that no record of the item has."""


@dataclass(frozen=True, kw_only=True)
class Extracted:
    """How many records went out. Lines that did not parse are no records and never go out: nobody could say
    which of their parts to leave out."""

    records: int


def extract(
    source: Source,
    write: Callable[[bytes], object],
    *,
    query: str,
    start: datetime | None = None,
    end: datetime | None = None,
    columns: Sequence[str] = (),
    masked: Sequence[str] = (),
) -> Extracted:
    """Write the records of `source` that match, as JSON lines in the order of their lines: with `columns`
    only (none: all), and those of `masked` replaced by a mark. Raises QueryError, UnknownColumn,
    SearchLimit."""
    total = 0
    with scope([source], query=query, start=start, end=end, names=(), seconds=SECONDS) as asked:
        if not asked.segments:
            return Extracted(records=0)
        schema = asked.segments[0].schema
        kept, blotted = _Fields(schema, columns), _Fields(schema, masked)
        names = [name for name in schema.types() if name not in OWN and (not columns or name in kept)]
        more = "_more" in schema.types()
        picked = ", ".join(["_line", *map(quoted, names), *(["_more"] if more else [])])
        # A whole row group at a time: that is what memory holds at most.
        for candidate in asked.candidates():
            held = bytearray()
            (statement,) = asked.selects([candidate], lambda _: picked, "_error IS NULL")
            for row in asked.rows(f"SELECT * FROM ({statement}) ORDER BY _line"):
                record = _record(names, row[1:], more=more)
                record = {
                    name: MASK if name in blotted else value
                    for name, value in record.items()
                    if not columns or name in kept
                }
                held += json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=_told).encode()
                held += b"\n"
                total += 1
                if len(held) >= PIECE:
                    write(bytes(held))
                    held.clear()
            write(bytes(held))
    return Extracted(records=total)


class _Fields:
    """The fields that names stand for: themselves, what their ECS names stand for, and all below these."""

    def __init__(self, schema: Schema, names: Sequence[str]) -> None:
        aliases = dict(schema.aliases)
        every = [*(column for column in schema.types() if column not in OWN), *schema.names]
        self._own = {aliases.get(name, name) for name in names}
        for name in names:
            own = aliases.get(name, name)
            if not any(one == own or one.startswith(f"{own}.") for one in every):
                raise UnknownColumn(f"No record of this item has a column {name[:80]}.")

    def __contains__(self, name: str) -> bool:
        # A record may have fields that no list of the segment names: what is below a name goes with it.
        return any(name == own or name.startswith(f"{own}.") for own in self._own)


def _record(names: Sequence[str], row: Sequence[Any], *, more: bool) -> dict[str, Any]:
    """One record without what it does not have."""
    values = row[:-1] if more else row
    record = {name: value for name, value in zip(names, values, strict=True) if _is_there(value)}
    if more and row[-1]:
        record |= {name: value for name, value in json.loads(row[-1]).items() if value is not None}
    return record


def _is_there(value: object) -> bool:
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


def _told(value: object) -> str | float:
    return float(value) if isinstance(value, Decimal) else str(value)
