"""From a query to the WHERE of one schema. A part that a schema has no field for matches nothing there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from evidence.search import match, times
from evidence.search.catalog import Schema
from evidence.search.language import (
    All,
    And,
    Exact,
    Exists,
    Expression,
    Leaf,
    Network,
    Node,
    Not,
    Or,
    Pattern,
    Range,
    Words,
)
from evidence.tokens import indexed_columns, literal, quoted

_LONG_LIST = 4


@dataclass(frozen=True)
class Column:
    """A field as SQL, with its type and, where it is stored as a column, that column's name."""

    sql: str
    kind: str
    name: str | None


def column_of(schema: Schema, field: str) -> Column | None:
    """The column that a field's name stands for: its own name, an ECS alias, or either without regard to
    case.
    """
    columns, aliases = schema.types(), dict(schema.aliases)
    for name in (field, *sorted(known for known in (*columns, *aliases) if known.lower() == field.lower())):
        own = aliases.get(name, name)
        if own in columns:
            return Column(quoted(own), columns[own], own)
    if field == "@timestamp":
        return Column("_time", "TIMESTAMP", "_time")
    if "_more" in columns and field in schema.names:
        pointer = "/" + field.replace("~", "~0").replace("/", "~1")
        return Column(f"json_extract_string(_more, {literal(pointer)})", "VARCHAR", None)
    return None


def text_columns(schema: Schema) -> dict[str, str]:
    """The columns that a part without a field looks into, each with the SQL for its text."""
    return indexed_columns(schema.types(), schema.time_column)


@dataclass(frozen=True)
class Compiler:
    """`words` are the words of each text; `holders` are, per part, the columns that can hold it (a part
    left out: any);
    `files` finds the items that carry a number."""

    schema: Schema
    words: Mapping[str, tuple[str, ...]]
    holders: Mapping[Leaf, Collection[str]]
    files: Callable[[str], list[str]]

    def sql(self, node: Node) -> str:
        """A condition that is true for the records that match, and false or null for the others."""
        if isinstance(node, All):
            return "true"
        if isinstance(node, And):
            return "(" + " AND ".join(self.sql(part) for part in node.parts) + ")"
        if isinstance(node, Or):
            lists, others = self._lists(node)
            return "(" + " OR ".join([*lists, *(self.sql(part) for part in others)]) + ")"
        if isinstance(node, Not):
            return f"({self.sql(node.part)} IS NOT TRUE)"
        field = node.field
        if field is None:
            return self._anywhere(node)
        if field == "_item" and isinstance(node, Words | Exact):
            return self._item(node.text)
        column = column_of(self.schema, field)
        return "false" if column is None else self._within(node, column)

    def columns(self, node: Node) -> set[str]:
        """The stored columns that the condition reads."""
        if isinstance(node, All):
            return set()
        if isinstance(node, And | Or):
            return {name for part in node.parts for name in self.columns(part)}
        if isinstance(node, Not):
            return self.columns(node.part)
        if node.field is None:
            return {
                name
                for name in text_columns(self.schema)
                if node not in self.holders or name in self.holders[node]
            }
        column = column_of(self.schema, node.field)
        return set() if column is None else {column.name or "_more"}

    def _lists(self, node: Or) -> tuple[list[str], list[Node]]:
        """Long lists of pasted words within an OR, each as one condition a column; and the other parts."""
        pasted: dict[str | None, list[Words]] = defaultdict(list)
        for part in node.parts:
            if isinstance(part, Words) and self.words[part.text] and times.span(part.text) is None:
                column = None if part.field is None else column_of(self.schema, part.field)
                if part.field is None or (column is not None and column.kind == "VARCHAR"):
                    pasted[part.field].append(part)
        long = {field: parts for field, parts in pasted.items() if len(parts) >= _LONG_LIST}
        tests = [test for field, parts in long.items() for test in self._list(field, parts)]
        taken = {part for parts in long.values() for part in parts}
        return tests, [part for part in node.parts if part not in taken]

    def _list(self, field: str | None, parts: Sequence[Words]) -> list[str]:
        if field is not None:
            column = column_of(self.schema, field)
            return [match.any_of(column.sql, [(self.words[p.text], p.text) for p in parts])] if column else []
        kinds, tests = self.schema.types(), []
        for name, text in text_columns(self.schema).items():
            here = [part for part in parts if part not in self.holders or name in self.holders[part]]
            if here and kinds[name] == "VARCHAR":
                tests.append(match.any_of(text, [(self.words[part.text], part.text) for part in here]))
            else:
                loose = {self._loose(part, text, quoted(name), kinds[name]) for part in here}
                tests += sorted(loose - {"false"})
        return tests or ["false"]

    def _item(self, number: str) -> str:
        paths = self.files(number)
        return f"filename IN ({', '.join(literal(path) for path in paths)})" if paths else "false"

    def _anywhere(self, node: Leaf) -> str:
        tests = []
        kinds = self.schema.types()
        for name, text in text_columns(self.schema).items():
            if node in self.holders and name not in self.holders[node]:
                continue
            test = self._loose(node, text, quoted(name), kinds[name])
            if test != "false":
                tests.append(test)
        if (
            isinstance(node, Words)
            and (found := times.span(node.text)) is not None
            and found[1] - found[0] <= 1_000_000
        ):
            tests.append(match.time_equals(node.text, node.position))
        return f"({' OR '.join(tests)})" if tests else "false"

    def _loose(self, node: Leaf, text: str, column: str, kind: str) -> str:
        """A part without a field, in one column; numbers are looked at as they are written."""
        if isinstance(node, Words):
            found = self.words[node.text]
            if found and kind in ("BIGINT", "HUGEINT", "UBIGINT") and text == f"{column}::VARCHAR":
                if len(found) != 1 or not canonical(found[0]):
                    return "false"
                value = match.number(found[0])
                return (
                    f"({column} = {value} OR {column} = -{value})"
                    if kind != "UBIGINT"
                    else f"{column} = {value}"
                )
            return match.words(text, found, node.text)
        if isinstance(node, Pattern):
            return match.pattern(text, node, whole=False)
        if isinstance(node, Expression):
            return match.expression(text, node)
        if isinstance(node, Network) and kind == "VARCHAR":
            return match.network(text, node)
        return "false"

    def _within(self, node: Leaf, column: Column) -> str:
        sql, kind = column.sql, column.kind
        text = sql if kind == "VARCHAR" else f"{sql}::VARCHAR"
        if isinstance(node, Exists):
            return f"{sql} IS NOT NULL"
        if isinstance(node, Pattern):
            return match.pattern(text, node, whole=True)
        if isinstance(node, Expression):
            return match.expression(text, node)
        if column.name == "_time":
            return self._time(node)
        if isinstance(node, Exact):
            return match.exact(sql, kind, node)
        if isinstance(node, Range):
            return match.compare(sql, kind, node)
        if isinstance(node, Network):
            return match.network(sql, node) if kind == "VARCHAR" else "false"
        if kind in match.NUMBERS:
            value = match.number(node.text)
            return "false" if value is None else f"{sql} = {value}"
        if kind == "BOOLEAN":
            word = node.text.strip().lower()
            return f"{sql} = {word}" if word in ("true", "false") else "false"
        return match.words(text, self.words[node.text], node.text)

    def _time(self, node: Leaf) -> str:
        if isinstance(node, Range):
            return match.time_range(node)
        if isinstance(node, Words | Exact):
            return match.time_equals(node.text, node.position)
        return "false"


def canonical(text: str) -> bool:
    """Whether a word is an integer as DuckDB writes it, so that the index holds it in this form."""
    return text.isascii() and text.isdigit() and (text == "0" or text[0] != "0") and len(text) <= 37
