"""What a query means, in the plainest Python: one record at a time, without SQL, index or plan."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from evidence import tokens
from evidence.search import Value
from evidence.search.language import (
    All,
    And,
    Exact,
    Exists,
    Expression,
    Network,
    Node,
    Not,
    Or,
    Pattern,
    Range,
    Words,
)

_RUN = re.sub(r"\\x\{([0-9A-F]+)\}", lambda found: chr(int(found[1], 16)), tokens._RUN)
_SINGLE = re.sub(r"\\x\{([0-9A-F]+)\}", lambda found: chr(int(found[1], 16)), tokens._SINGLE)
_WORD = re.compile(rf"(?:[{_RUN}]|(?<=[0-9])\.(?=[0-9]))+|[{_SINGLE}]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Item:
    """One record's surroundings: its columns' types, the other names, and the item's number."""

    kinds: Mapping[str, str]
    aliases: Mapping[str, str]
    number: str


Record = Mapping[str, Value | datetime]


def words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def holds(text: str, wanted: str) -> bool:
    """Whether the words of `wanted` stand in `text` one after another."""
    asked, there = words(wanted), words(text)
    if not asked:
        return wanted.lower() in text.lower()
    return any(there[at : at + len(asked)] == asked for at in range(len(there) - len(asked) + 1))


def number(text: str | None) -> float | int | None:
    if text is None or not _NUMBER.fullmatch(text.strip()):
        return None
    return int(text) if re.fullmatch(r"[+-]?\d+", text.strip()) else float(text)


def wild(text: str, node: Pattern, *, whole: bool) -> bool:
    text = text.lower()
    if whole and re.fullmatch(_regex(node, ".*", "."), text, re.DOTALL):
        return True
    starts = {found.start() for found in _WORD.finditer(text)}
    ends = {found.end() for found in _WORD.finditer(text)}
    first, last = node.pieces[0], node.pieces[-1]
    expression = re.compile(_regex(node, r"[^ \t\n\f\r]*", r"[^ \t\n\f\r]"))
    for begin in range(len(text) + 1):
        if isinstance(first, str) and first[0].isalnum() and begin not in starts:
            continue
        for end in range(begin, len(text) + 1):
            if isinstance(last, str) and last[-1].isalnum() and end not in ends:
                continue
            if expression.fullmatch(text, begin, end):
                return True
    return False


def _regex(node: Pattern, many: str, one: str) -> str:
    return "".join(
        re.escape(piece.lower()) if isinstance(piece, str) else many if piece is None else one
        for piece in node.pieces
    )


def matches(node: Node, record: Record, item: Item) -> bool:
    """Whether the record matches."""
    if isinstance(node, All):
        return True
    if isinstance(node, And):
        return all(matches(part, record, item) for part in node.parts)
    if isinstance(node, Or):
        return any(matches(part, record, item) for part in node.parts)
    if isinstance(node, Not):
        return not matches(node.part, record, item)
    if node.field == "_item":
        assert isinstance(node, Words)
        return node.text.lower() == item.number.lower()
    if node.field is not None:
        name = item.aliases.get(node.field, node.field)
        if name not in item.kinds:
            folded = {one.lower(): item.aliases.get(one, one) for one in (*item.kinds, *item.aliases)}
            name = folded.get(name.lower(), name)
        value = record.get(name)
        return value is not None and name in item.kinds and _within(node, value, item.kinds[name])
    return any(
        _anywhere(node, value, item.kinds[name])
        for name, value in record.items()
        if value is not None
        and item.kinds.get(name) in ("VARCHAR", "BIGINT", "DOUBLE")
        and name not in _UNSEEN
    )


_UNSEEN = ("_line", "_time_text", "_error")


def _anywhere(node: Node, value: Value | datetime, kind: str) -> bool:
    text = str(value)
    if isinstance(node, Words):
        return holds(text, node.text)
    if isinstance(node, Pattern):
        return wild(text, node, whole=False)
    if isinstance(node, Expression):
        return re.search(node.source, text) is not None
    if isinstance(node, Network):
        return kind == "VARCHAR" and in_network(text, node)
    raise AssertionError(node)


def _within(node: Node, value: Value | datetime, kind: str) -> bool:
    if isinstance(node, Exists):
        return True
    if isinstance(value, datetime):
        return _time(node, value)
    text = str(value).lower() if kind == "BOOLEAN" else str(value)
    if isinstance(node, Pattern):
        return wild(text, node, whole=True)
    if isinstance(node, Expression):
        return re.search(node.source, text) is not None
    if isinstance(node, Range):
        return _in_range(node, value, kind)
    if isinstance(node, Network):
        return kind == "VARCHAR" and in_network(text, node)
    assert isinstance(node, Words | Exact)
    if kind in ("BIGINT", "DOUBLE"):
        wanted = number(node.text)
        return wanted is not None and value == wanted
    if kind == "BOOLEAN":
        return node.text.lower() == text
    return text == node.text if isinstance(node, Exact) else holds(text, node.text)


def _in_range(node: Range, value: Value, kind: str) -> bool:
    low, high = number(node.low), number(node.high)
    numeric = (node.low is None) == (low is None) and (node.high is None) == (high is None)
    if kind == "VARCHAR" and numeric:
        value = number(str(value))
    elif kind == "VARCHAR":
        text = str(value)
        above = node.low is None or text > node.low or (node.low_included and text == node.low)
        return above and (node.high is None or text < node.high or (node.high_included and text == node.high))
    if not numeric or kind == "BOOLEAN" or not isinstance(value, int | float):
        return False
    above = low is None or value > low or (node.low_included and value == low)
    return above and (high is None or value < high or (node.high_included and value == high))


def _time(node: Node, value: datetime) -> bool:
    """Days only: the other precisions have tests of their own."""

    def day(text: str) -> datetime:
        return datetime.fromisoformat(f"{text}T00:00:00+00:00")

    whole = timedelta(days=1)
    if isinstance(node, Range):
        above = node.low is None or value >= day(node.low) + (timedelta(0) if node.low_included else whole)
        return above and (
            node.high is None or value < day(node.high) + (whole if node.high_included else timedelta(0))
        )
    assert isinstance(node, Words)
    return day(node.text) <= value < day(node.text) + whole


def in_network(text: str, node: Network) -> bool:
    if node.network.version == 4:
        found = [word for word in words(text) if re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}", word)]
    else:
        found = re.findall(r"[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}", text.lower())[:1]
    return any(_address(one) in node.network for one in found if _address(one) is not None)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
