"""Top values beside the records: which fields are worth it, and their values as links that narrow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evidence.search import FieldInfo, Table
from web.asked import Asked
from web.records import NUMBERS, by_alias

USEFUL = (
    "source.ip",
    "user.id",
    "event.action",
    "gen_ai.request.model",
    "http.response.status_code",
    "url.path",
    "user_agent.original",
)
MOST = 4
VALUES = 8


def chosen_facets(fields: Sequence[FieldInfo], asked: Sequence[str]) -> list[str]:
    """The fields to count: those asked for, then useful ones that are there, else the first texts."""
    known = by_alias(fields)
    chosen = [name for name in asked if name in known]
    taken = {field.name for name in chosen for field in known[name]}
    others = [
        field.name
        for field in fields
        if not field.aliases and field.type not in NUMBERS and not field.name.startswith("_")
    ]
    for name in (*USEFUL, *others):
        if len(chosen) >= max(MOST, len(asked)):
            break
        if name in known and name not in chosen and not taken & {field.name for field in known[name]}:
            chosen.append(name)
            taken |= {field.name for field in known[name]}
    return chosen


@dataclass(frozen=True)
class Value:
    text: str
    count: int
    share: str
    link: str
    not_link: str


@dataclass(frozen=True)
class Facet:
    name: str
    values: list[Value]
    rest: int
    drop: str


def facet_blocks(
    tables: Mapping[str, Table], order: Sequence[str], ask: Asked, asked: set[str]
) -> list[Facet]:
    """The counted fields in order; one that no found record has is left out unless it was asked for."""
    blocks = []
    for name in order:
        table = tables[name]
        rows = table.rows[:VALUES]
        if not rows and name not in asked:
            continue
        most = max((row.count for row in rows), default=1) or 1
        values = [
            Value(
                row.value or "(empty)",
                row.count,
                f"{row.count / most * 100:.1f}%",
                ask.link(and_=(name, row.value)),
                ask.link(not_=(name, row.value)),
            )
            for row in rows
        ]
        drop = ask.link(facets=[one for one in ask.facets if one != name]) if name in asked else ""
        blocks.append(Facet(name, values, max(table.distinct - len(values), 0), drop))
    return blocks


def names_for_choice(fields: Sequence[FieldInfo]) -> list[tuple[str, str]]:
    """Names to choose from, ECS names first, each with the own name that it stands for."""
    shown = [field for field in fields if not field.name.startswith("_")]
    known = {
        alias: alias if alias == field.name else f"{alias} ({field.name})"
        for field in shown
        for alias in field.aliases
    }
    own = {field.name: field.name for field in shown if not field.aliases}
    return [*sorted(known.items()), *sorted(own.items())]
