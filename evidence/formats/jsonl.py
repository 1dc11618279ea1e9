"""JSON lines: one object a line. Nested objects become dotted columns; arrays and mixed types stay JSON text.

The columns come from a sample, so each line has to prove that they hold all of it. Two cheap proofs, by
length:
1. A line written compactly is exactly as long as its known keys and values; one byte more means something
unknown.
2. Where that fails (escapes, blanks, nulls), the same sum over the parser's own re-serialisation without
nulls. A line that fails both is kept whole in `_more`, and the item is read again with a plan that knows its
fields.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from evidence.formats import ecs
from evidence.formats.plan import BLANK, Clock, Column, Plan, Recognised, Sample, literal, quoted
from evidence.formats.shape import Branch, Leaf, Node, columns, learn, leaves, schema, values_at
from evidence.formats.times import find_clock

VERSION = "1"
NOT_JSON = "not valid JSON"
NOT_OBJECT = "not a JSON object"
# More than any line can be long: a sum with this in it proves nothing.
NEVER = "1000000000000"
NO_TEXT = "NULL::VARCHAR"
# First bytes, each with the byte after it, of values that stand without quotes; and what such a value can be.
BEGINNINGS = (("0", ":"), ("-", "."), ("[", "\\"), ("{", "|"))
UNQUOTED = r"(?is)-?(?:\d+(?:\.\d+)?(?:e[-+]?\d+)?|inf|infinity|nan)|[\[{].*"


def _sum(terms: list[str]) -> str:
    """A balanced sum: a thousand terms in a row would be too deep an expression."""
    if len(terms) == 1:
        return terms[0]
    half = len(terms) // 2
    return f"({_sum(terms[:half])} + {_sum(terms[half:])})"


def _reach(root: str, path: tuple[str, ...]) -> str:
    return ".".join([root, *(quoted(key) for key in path)])


def _overhead(path: tuple[str, ...]) -> int:
    """The bytes of a member beside its value: the key as JSON, a colon and a comma."""
    return len(json.dumps(path[-1], ensure_ascii=False).encode()) + 2


def _structure(branch: Branch, type_of: Callable[[Leaf], str]) -> dict[str, object]:
    return {
        one.path[-1]: type_of(one) if isinstance(one, Leaf) else _structure(one, type_of)
        for one in branch.below
    }


def _empty(root: str, branch: Branch) -> str:
    """SQL: none of the members below is there."""
    return "(" + " AND ".join(f"{_reach(root, one.path)} IS NULL" for one in branch.below) + ")"


def _length(
    root: str, branch: Branch, leaf: Callable[[str, Leaf], str], empty: Callable[[Branch], str]
) -> str:
    """SQL for the bytes of an object written compactly: braces, members, and a comma less than members."""
    terms = []
    for one in branch.below:
        if isinstance(one, Leaf):
            terms.append(leaf(_reach(root, one.path), one))
            continue
        here = _reach(root, one.path)
        terms.append(
            f"(CASE WHEN {here} IS NULL THEN 0 ELSE {_overhead(one.path)} + {_length(root, one, leaf, empty)} END)"
        )
    if not branch.path and root == "x":
        # No member at all: the sum is 1, which `fits` refuses.
        return f"(1 + {_sum(terms)})"
    return f"(CASE WHEN {_empty(root, branch)} THEN {empty(branch)} ELSE 1 + {_sum(terms)} END)"


def _value(here: str, leaf: Leaf) -> str:
    """SQL for the value of a column, from what json_transform gave for it."""
    if not leaf.raw:
        return here
    if leaf.type == "BOOLEAN":
        return f"(CASE {here}::VARCHAR WHEN 'true' THEN true WHEN 'false' THEN false END)"
    if leaf.type == "VARCHAR":
        return f"(CASE WHEN starts_with({here}, '\"') THEN json_extract_string({here}, '$') ELSE {here}::VARCHAR END)"
    return f"try_cast({here}::VARCHAR AS {leaf.type})"


def _misfit(leaf: Leaf) -> str:
    """SQL: the value, present as raw JSON in y, is none that its column's type can hold as it stands."""
    x, y = _reach("x", leaf.path), _reach("y", leaf.path)
    if leaf.type == "VARCHAR":
        return "false"
    if leaf.type == "BIGINT":
        return f"({x}::VARCHAR IS DISTINCT FROM {y}::VARCHAR)"
    return f"({_value(x, leaf)} IS NULL)"


def _first_length(here: str, leaf: Leaf) -> str:
    """The bytes of a member in a compact line, if it is what its column expects."""
    quotes = 2 if leaf.type == "VARCHAR" and not leaf.raw else 0
    text = f"{here}::VARCHAR" if leaf.type == "BIGINT" else here
    return f"ifnull(strlen({text}) + {_overhead(leaf.path) + quotes}, 0)"


def _doubt(here: str, leaf: Leaf) -> str:
    """SQL, 1 or 0: whether this member may be longer as counted than as written in the line.

    A text that is a whole value may have stood without quotes. A number may have been written longer than it
    was: 1e5 as 100000.0. What is counted too long could hide an unknown member, five bytes at least
    ('"":1,'); escapes only make a line longer than counted. Plain comparisons run on whole vectors; a CASE
    costs, so it guards only what few texts need.
    """
    if leaf.type == "BIGINT":
        return f"ifnull(({here} % 1000 = 0 AND {here} <> 0)::INTEGER, 0)"
    longer = f"contains({here}, '00') OR contains({here}, '0.0') OR contains({here}, 'e')"
    if leaf.type == "DOUBLE":
        return f"ifnull(({_value(here, leaf)} IS NULL OR {longer})::INTEGER, 0)"
    if leaf.type == "BOOLEAN":
        return f"ifnull(({here}::VARCHAR NOT IN ('true', 'false'))::INTEGER, 0)"
    if leaf.raw:
        return f"ifnull((NOT starts_with({here}, '\"') AND ({longer}))::INTEGER, 0)"
    # What could begin a number, an array or an object is told by comparing first bytes, much the cheapest test.
    begins = " OR ".join(f"({here} >= '{one}' AND {here} < '{after}')" for one, after in BEGINNINGS)
    return (
        f"ifnull((CASE WHEN {begins} THEN regexp_full_match({here}, '{UNQUOTED}') "
        f"ELSE {here} IN ('true', 'false') OR CASE WHEN strlen({here}) IN (3, 8) "
        f"THEN lower({here}) IN ('nan', 'inf', 'infinity') ELSE false END END)::INTEGER, 0)"
    )


def _second_length(here: str, leaf: Leaf) -> str:
    text = f"strlen({here})"
    if leaf.may_hold_object:
        text = f"(CASE WHEN starts_with({here}, '{{') THEN strlen(json_merge_patch('{{}}', {here})) ELSE {text} END)"
    return f"ifnull({text} + {_overhead(leaf.path)}, 0)"


def _pointer(path: tuple[str, ...]) -> str:
    return literal("/" + "/".join(key.replace("~", "~0").replace("/", "~1") for key in path))


@dataclass(frozen=True)
class JsonLines(Plan):
    """The plan of one file of JSON lines."""

    root: Node
    tree: Branch
    columns: list[Column]
    clock: Clock | None
    message: str | None
    changed: bool = False

    def select(self, entries: str, *, guarded: bool) -> str:
        """See Plan. The line as JSON is `j`, typed it is `x`, as raw JSON members `y`."""
        if not self.tree.below:
            return self._select_without_columns(entries)
        read = "CASE WHEN e IS NULL AND json_valid(l) THEN l END" if guarded else "l"
        typed = json.dumps(_structure(self.tree, lambda leaf: "JSON" if leaf.raw else leaf.type))
        raw = json.dumps(_structure(self.tree, lambda leaf: "JSON"))
        first = _length("x", self.tree, _first_length, lambda _: NEVER)
        # A text that was read as a date was no number.
        doubts = _sum(
            [
                f"(t IS NULL AND {_reach('x', leaf.path)} IS NOT NULL)::INTEGER"
                if self.clock and leaf.name == self.clock.column and not leaf.raw
                else _doubt(_reach("x", leaf.path), leaf)
                for leaf in leaves(self.tree)
            ]
        )
        second = _length("y", self.tree, _second_length, self._empty_length)
        misfits = [
            f"({_reach('y', leaf.path)} IS NULL OR NOT {_misfit(leaf)})"
            for leaf in leaves(self.tree)
            if leaf.type != "VARCHAR"
        ]
        agrees = " AND ".join(misfits) or "true"
        unsure = "fits IS TRUE THEN NULL"
        error = (
            f"WHEN e IS NOT NULL THEN e WHEN l IS NULL OR trim(l, ' \t') = '' THEN '{BLANK}' "
            f"WHEN j IS NULL THEN '{NOT_JSON}' "
            f"WHEN json_type(j) IS DISTINCT FROM 'OBJECT' THEN '{NOT_OBJECT}'"
        )
        return f"""
            SELECT n AS _line, t AS _time, {self._time_text()} AS _time_text, err AS _error,
                CASE WHEN err IS NOT NULL THEN coalesce(l, '') END AS _text, {self._fields()},
                CASE WHEN err IS NULL AND whole IS NOT TRUE THEN json(j)::VARCHAR END AS _more
            FROM (SELECT *, CASE WHEN fits IS TRUE THEN true
                        ELSE strlen(m) = {second} AND {agrees} END AS whole,
                    CASE WHEN {unsure} {error} END AS err
                FROM (SELECT *, CASE WHEN {unsure} ELSE json_transform(j, {literal(raw)}) END AS y,
                        CASE WHEN {unsure} ELSE json_merge_patch('{{}}', j) END AS m
                    FROM (SELECT *, strlen(j) = {first} AND strlen(j) > 1 AND {doubts} = 0 AS fits
                        FROM (SELECT *, {self._time()} AS t
                            FROM (SELECT *, json_transform(j, {literal(typed)}) AS x
                                FROM (SELECT n, l, e, {read} AS j FROM ({entries})))))))"""

    def _select_without_columns(self, entries: str) -> str:
        return f"""
            SELECT n AS _line, NULL::TIMESTAMP AS _time, NULL::VARCHAR AS _time_text, err AS _error,
                CASE WHEN err IS NOT NULL THEN coalesce(l, '') END AS _text,
                CASE WHEN err IS NULL AND l <> '{{}}' THEN l END AS _more
            FROM (SELECT *, CASE WHEN e IS NOT NULL THEN e WHEN l IS NULL OR trim(l, ' \t') = '' THEN '{BLANK}'
                    WHEN NOT json_valid(l) THEN '{NOT_JSON}'
                    WHEN json_type(l) IS DISTINCT FROM 'OBJECT' THEN '{NOT_OBJECT}' END AS err FROM ({entries}))"""

    def _empty_length(self, branch: Branch) -> str:
        """An object with no known member is `{}`, or a scalar that pretends, or full of unknown ones."""
        where = f"json_type(j, {_pointer(branch.path)})" if branch.path else "json_type(j)"
        return f"(CASE WHEN {where} = 'OBJECT' THEN 2 ELSE {NEVER} END)"

    def _fields(self) -> str:
        parts = []
        for leaf in leaves(self.tree):
            here = _reach("x", leaf.path)
            parts.append(f"{_value(here, leaf)} AS {quoted(leaf.name)}")
        return ", ".join(parts)

    def _time(self) -> str:
        text = self._time_text()
        return f"({self.clock.of(text)})::TIMESTAMP" if self.clock and text != NO_TEXT else "NULL::TIMESTAMP"

    def _time_text(self) -> str:
        leaf = next((one for one in leaves(self.tree) if self.clock and one.name == self.clock.column), None)
        return f"{_value(_reach('x', leaf.path), leaf)}::VARCHAR" if leaf else NO_TEXT

    def widened(self, leftovers: Iterator[str]) -> "JsonLines | None":
        """See Plan. Learns from the lines that did not fit; None where no better schema comes of it."""
        learn(self.root, leftovers)
        tree = schema(self.root)
        if tree == self.tree:
            return None
        return JsonLines(self.root, tree, columns(tree), self.clock, ecs.message(columns(tree)))


def plan_of(lines: list[str]) -> tuple[JsonLines, int]:
    """The plan for lines of JSON, and how many of the sampled ones are objects."""
    root = Node()
    count = learn(root, iter(lines))
    tree = schema(root)
    found = columns(tree)
    numeric = frozenset(column.name for column in found if column.type in ("BIGINT", "DOUBLE"))
    clock = find_clock(values_at(iter(lines[:800]), tree), numeric, min(count, 800))
    return JsonLines(root, tree, found, clock, ecs.message(found)), count


def recognise(sample: Sample) -> Recognised | None:
    """JSON lines where most lines that say anything are JSON objects."""
    telling = [line for line in sample.lines if line.strip()]
    objects = [line for line in telling if line.lstrip().startswith("{")]
    if not telling or len(objects) * 2 < len(telling):
        return None
    plan, count = plan_of(objects)
    if count * 2 < len(telling):
        return None
    return Recognised(
        "jsonl",
        "jsonl",
        VERSION,
        count / len(telling),
        plan,
        assumptions=plan.clock.assumptions if plan.clock else (),
    )
