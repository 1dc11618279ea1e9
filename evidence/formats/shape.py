"""The shape of JSON objects: which paths they have and what lies there, learned from a sample and from
leftovers.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from evidence.formats.plan import MOST_COLUMNS, RESERVED, Column

DEEPEST = 16
# An object with this many members, each of them rare, is a map keyed by data and stays one column of JSON
# text.
MAP_MEMBERS, MAP_SHARE = 200, 0.02
INT64 = 1 << 63
# Strings that unquoted could be another kind of JSON value.
AMBIGUOUS = re.compile(
    r"-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|[\[{].*|true|false|[nN][aA][nN]|[iI][nN][fF].*", re.DOTALL
)


@dataclass
class Node:
    """What was seen at one path."""

    seen: int = 0
    kinds: set[str] = field(default_factory=set)  # BIGINT, DOUBLE, BOOLEAN, VARCHAR, array, object, empty
    ambiguous: bool = False  # whether a string here could be taken for another kind of value
    children: dict[str, "Node"] = field(default_factory=dict)

    @property
    def opens(self) -> bool:
        """Whether this path is flattened further; whatever is sometimes a scalar stays JSON text."""
        if not self.children or self.kinds - {"object", "empty"}:
            return False
        return not self.is_map

    @property
    def is_map(self) -> bool:
        count = len(self.children)
        return (
            count > MAP_MEMBERS
            and sum(c.seen for c in self.children.values()) < MAP_SHARE * count * self.seen
        )

    def type(self) -> str:
        kinds = self.kinds
        if kinds == {"BIGINT"}:
            return "BIGINT"
        if kinds and kinds <= {"BIGINT", "DOUBLE"}:
            return "DOUBLE"
        return "BOOLEAN" if kinds == {"BOOLEAN"} else "VARCHAR"

    def learn(self, value: object, depth: int = 0) -> None:
        """Take one more value seen here. JSON's null says nothing."""
        if value is None:
            return
        self.seen += 1
        if isinstance(value, dict):
            if depth >= DEEPEST:
                self.kinds.add("VARCHAR")
                return
            self.kinds.add("object" if value else "empty")
            for key, member in value.items():
                child = self.children.get(key)
                if child is None:
                    child = self.children[key] = Node()
                child.learn(member, depth + 1)
        else:
            self.kinds.add(_kind(value))
            self.ambiguous = self.ambiguous or (isinstance(value, str) and bool(AMBIGUOUS.fullmatch(value)))


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, int):
        return "BIGINT" if -INT64 <= value < INT64 else "VARCHAR"
    if isinstance(value, float):
        return "DOUBLE"
    return "array" if isinstance(value, list) else "VARCHAR"


@dataclass(frozen=True)
class Leaf:
    """One path that becomes a column."""

    path: tuple[str, ...]
    type: str
    # Read as raw JSON, quotes and all: its text alone would not say what kind of value it was.
    raw: bool
    may_hold_object: bool

    @property
    def name(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True)
class Branch:
    """An object of the schema with what is below it."""

    path: tuple[str, ...]
    below: "tuple[Branch | Leaf, ...]"


def read_object(line: str) -> dict[str, object] | None:
    """The line as a JSON object, or None. Hostile depth and hostile numbers are no objects here."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def learn(root: Node, lines: Iterator[str]) -> int:
    """Take lines into `root`; returns how many of them were objects."""
    count = 0
    for line in lines:
        value = read_object(line)
        if value is not None:
            root.learn(value)
            count += 1
    return count


def schema(root: Node) -> Branch:
    """The paths that become columns, as a tree: the most frequent ones where there are too many.

    A name that differs from an earlier one only by case, or that the segment needs for itself, has no column:
    DuckDB could not tell them apart. Such fields stay in `_more`.
    """
    counted = sorted((node.seen for _, node in _leaves(root, ())), reverse=True)
    least = counted[MOST_COLUMNS] + 1 if len(counted) > MOST_COLUMNS else 0
    return Branch((), _below(root, (), set(), least))


def _leaves(node: Node, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Node]]:
    for key, child in node.children.items():
        if child.opens:
            yield from _leaves(child, (*path, key))
        elif child.kinds:
            yield (*path, key), child


def _below(node: Node, path: tuple[str, ...], names: set[str], least: int) -> tuple[Branch | Leaf, ...]:
    found: list[Branch | Leaf] = []
    here: set[str] = set()
    for key, child in node.children.items():
        where = (*path, key)
        if not key or key.lower() in here or "\x00" in key:
            continue
        if child.opens:
            below = _below(child, where, names, least)
            if below:
                found.append(Branch(where, below))
                here.add(key.lower())
            continue
        name = ".".join(where).lower()
        if not child.kinds or child.seen < least or name in names or name in RESERVED:
            continue
        names.add(name)
        here.add(key.lower())
        raw = child.kinds not in ({"VARCHAR"}, {"BIGINT"}) or child.ambiguous
        found.append(Leaf(where, child.type(), raw, bool(child.kinds & {"object", "empty"})))
    return tuple(found)


def leaves(branch: Branch) -> Iterator[Leaf]:
    """All leaves below, in the source's order."""
    for one in branch.below:
        if isinstance(one, Leaf):
            yield one
        else:
            yield from leaves(one)


def columns(branch: Branch) -> list[Column]:
    return [Column(leaf.name, leaf.type) for leaf in leaves(branch)]


def values_at(lines: Iterator[str], branch: Branch) -> dict[str, list[str]]:
    """The sampled scalar texts of each leaf, for whoever looks for the time."""
    found: dict[str, list[str]] = {leaf.name: [] for leaf in leaves(branch)}
    every = [(leaf.name, leaf.path) for leaf in leaves(branch)]
    for line in lines:
        record = read_object(line)
        if record is None:
            continue
        for name, path in every:
            value: object = record
            for key in path:
                value = value.get(key) if isinstance(value, dict) else None
            if isinstance(value, str | int | float) and not isinstance(value, bool):
                found[name].append(str(value))
    return found
