"""SQL for what one part of a query asks of one column. Every text from outside enters as a quoted literal."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from itertools import pairwise

from evidence.search import times
from evidence.search.errors import QueryError
from evidence.search.language import Exact, Expression, Network, Pattern, Range
from evidence.tokens import after_sql_pattern, before_sql_pattern, between_sql_pattern, literal, run_class

_NUMBER = re.compile(r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,3})?")
_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")
NUMBERS = ("BIGINT", "DOUBLE", "HUGEINT", "UBIGINT", "INTEGER")


def number(text: str | None) -> str | None:
    """The SQL literal of a number as people write it; None if it is none."""
    if text is None or not _NUMBER.fullmatch(text := text.strip()):
        return None
    if re.fullmatch(r"[+-]?\d{1,18}", text):
        return str(int(text))
    if re.fullmatch(r"[+-]?\d{19,37}", text):
        return f"{int(text)}::HUGEINT"
    return f"{literal(text)}::DOUBLE"


def words(column: str, found: tuple[str, ...], text: str) -> str:
    """The column holds these words one after another; a text without any word is looked for as it stands."""
    lower = f"lower({column})"
    if not found:
        return f"contains({lower}, lower({literal(text)}))"
    longest = max(found, key=len)
    pattern = before_sql_pattern(found[0]) + escaped(found[0])
    for left, right in pairwise(found):
        pattern += between_sql_pattern(left, right) + escaped(right)
    pattern += after_sql_pattern(found[-1])
    exact = f"regexp_matches({lower}, {literal(pattern)}, 's')"
    if len(found) == 1:  # most words stand between blanks, and that is cheaper to see
        exact = f"CASE WHEN contains({lower}, {literal(f' {longest} ')}) THEN true ELSE {exact} END"
    return _first(f"contains({lower}, {literal(longest)})", exact)


def _first(cheap: str, dear: str) -> str:
    """Both, the dear one only where the cheap one holds.

    DuckDB reorders the parts of an AND as it runs, but not a CASE. A condition on one column it would also
    hand to the Parquet reader, which compiles an expression anew for each 2,048 rows; one that names a
    second column it keeps.
    """
    return f"(CASE WHEN {cheap} THEN {dear} ELSE filename = '' END)"


def _kept(test: str) -> str:
    """The same for a condition that has nothing cheap to ask first."""
    return f"({test} OR filename = '')"


def any_of(column: str, listed: Sequence[tuple[tuple[str, ...], str]]) -> str:
    """words() for a long list: one pass sees whether any can be there, and only then each is tried."""
    longest = sorted({max(found, key=len) for found, _ in listed})
    seen = f"regexp_matches(lower({column}), {literal('|'.join(map(escaped, longest)))})"
    return _first(seen, " OR ".join(words(column, found, text) for found, text in listed))


def escaped(text: str) -> str:
    """A text as RE2."""
    return _SPECIAL.sub(r"\\\1", text)


def pattern(column: str, node: Pattern, *, whole: bool) -> str:
    """The column matches the wildcards: as a whole, or from the edge of a word to the edge of a word
    without a blank between.
    """
    lower = f"lower({column})"
    anywhere = "".join(_piece(piece, r"[^\s]*", r"[^\s]") for piece in node.pieces)
    first, last = node.pieces[0], node.pieces[-1]
    before = before_sql_pattern(first) if isinstance(first, str) and first[0].isalnum() else ""
    after = after_sql_pattern(last) if isinstance(last, str) and last[-1].isalnum() else ""
    tests = [f"regexp_matches({lower}, lower({literal(before + anywhere + after)}), 's')"]
    if whole:
        full = "".join(_piece(piece, ".*", ".") for piece in node.pieces)
        tests.append(f"regexp_full_match({lower}, lower({literal(full)}), 's')")
    plain = max((piece for piece in node.pieces if isinstance(piece, str)), key=len, default="")
    test = f"({' OR '.join(tests)})"
    return _first(f"contains({lower}, lower({literal(plain)}))", test) if plain else _kept(test)


def _piece(piece: str | int | None, many: str, one: str) -> str:
    return escaped(piece) if isinstance(piece, str) else many if piece is None else one


def expression(column: str, node: Expression) -> str:
    return _kept(f"regexp_matches({column}, {literal(node.source)})")


def exact(column: str, kind: str, node: Exact) -> str:
    """The whole value equals the text; in the text form of the column's type."""
    if kind == "VARCHAR":
        return f"{column} = {literal(node.text)}"
    if kind in NUMBERS:
        value = number(node.text)
        return f"{column} = {value}" if value is not None else "false"
    return f"{column}::VARCHAR = {literal(node.text)}"


def compare(column: str, kind: str, node: Range) -> str:
    """The value lies in the range: as numbers where the ends are numbers, else as text in a text column."""
    low, high = number(node.low), number(node.high)
    numeric = (node.low is None or low is not None) and (node.high is None or high is not None)
    if kind in NUMBERS or (numeric and kind == "VARCHAR"):
        if not numeric:
            return "false"
        value = column if kind in NUMBERS else f"TRY_CAST({column} AS DOUBLE)"
        return _between(value, low, high, node)
    if kind == "VARCHAR":
        return _between(column, _text(node.low), _text(node.high), node)
    return "false"


def _text(bound: str | None) -> str | None:
    return None if bound is None else literal(bound)


def _between(value: str, low: str | None, high: str | None, node: Range) -> str:
    tests = []
    if low is not None:
        tests.append(f"{value} {'>=' if node.low_included else '>'} {low}")
    if high is not None:
        tests.append(f"{value} {'<=' if node.high_included else '<'} {high}")
    return f"({' AND '.join(tests)})"


def moment(micros: int) -> str:
    """A TIMESTAMP literal; DuckDB reaches further than a calendar of four-digit years, and out of reach is
    its own end.
    """
    return (
        f"make_timestamp({max(-9_000_000_000_000_000_000, min(9_000_000_000_000_000_000, micros))}::BIGINT)"
    )


def time_equals(text: str, position: int) -> str:
    """The record's time falls in the span that the text names."""
    first, last = _span(text, position)
    return f"(_time >= {moment(first)} AND _time < {moment(last)})"


def time_range(node: Range) -> str:
    """The record's time lies between the two; an included end takes in all of its day, hour or second."""
    tests = []
    if node.low is not None:
        first, last = _span(node.low, node.position)
        tests.append(f"_time >= {moment(first if node.low_included else last)}")
    if node.high is not None:
        first, last = _span(node.high, node.position)
        tests.append(f"_time < {moment(last if node.high_included else first)}")
    return f"({' AND '.join(tests)})"


def _span(text: str, position: int) -> tuple[int, int]:
    if (found := times.span(text)) is None:
        raise QueryError(
            f"“{text[:40]}” is not a time; write it like 2026-02-03 or 2026-02-03T10:44:10Z.", position
        )
    return found


def network(column: str, node: Network) -> str:
    """The column holds an address of the network: anywhere in it for v4, as its first address for v6."""
    if isinstance(node.network, ipaddress.IPv4Network):
        return _network4(column, node.network)
    return _network6(column, node.network)


def _network4(column: str, net: ipaddress.IPv4Network) -> str:
    octets, fixed, rest = net.network_address.packed, net.prefixlen // 8, net.prefixlen % 8
    parts = [str(octet) for octet in octets[:fixed]]
    if rest:
        parts.append(
            "(?:"
            + "|".join(str(value) for value in range(octets[fixed], octets[fixed] + (1 << (8 - rest))))
            + ")"
        )
    parts += ["(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"] * (4 - len(parts))
    run = run_class()
    found = rf"(?:^|[^{run}.]|(?:^|[^0-9])\.)" + r"\.".join(parts) + rf"(?:$|[^{run}.]|\.(?:$|[^0-9]))"
    test = f"regexp_matches({column}, {literal(found)})"
    plain = ".".join(str(octet) for octet in octets[:fixed])
    return _first(f"contains({column}, {literal(plain + '.')})", test) if 0 < fixed < 4 else _kept(test)


def _network6(column: str, net: ipaddress.IPv6Network) -> str:
    address = f"regexp_extract(lower({column}), '[0-9a-f]{{0,4}}(?::[0-9a-f]{{0,4}}){{2,7}}')"
    groups = [
        f"list_transform(list_filter(string_split(split_part({address}, '::', {side}), ':'), lambda"
        f" g: g <> ''), lambda g: lpad(g, 4, '0'))"
        for side in (1, 2)
    ]
    left, right = (f"array_to_string({group}, '')" for group in groups)
    full = f"({left} || repeat('0', greatest(0, 32 - length({left}) - length({right}))) || {right})"
    digits, rest = net.prefixlen // 4, net.prefixlen % 4
    hexadecimal = net.network_address.exploded.replace(":", "")
    test = f"length{full} = 32 AND starts_with({full}, {literal(hexadecimal[:digits])})"
    if rest:
        first = int(hexadecimal[digits], 16)
        allowed = "".join(f"{value:x}" for value in range(first, first + (1 << (4 - rest))))
        test += f" AND contains({literal(allowed)}, {full}[{digits + 1}])"
    return _first(f"contains({column}, ':')", f"{address} <> '' AND {test}")
