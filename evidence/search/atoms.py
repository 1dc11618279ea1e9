"""Reading a query character by character: what luqum's own lexer would trip over is put aside, and each
place is remembered.

Paths, CIDR, IPv6, ARNs, times and pasted ids are full of characters that Lucene's syntax claims. So every
word, quoted text, range and expression becomes an *atom* here, with its position; luqum then sees `w0 AND
(w1 OR f2:(w3))` and nothing else.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal

from evidence.search.errors import QueryError

MAX_LENGTH, MAX_ATOMS, MAX_DEPTH = 20_000, 400, 25

Kind = Literal["word", "quoted", "exact", "regex", "range", "field"]
_ENDS = frozenset(' \t\r\n\f\v\u00a0\u3000()"')
_SPACE = frozenset(" \t\r\n\f\v\u00a0\u3000")
_TIME = re.compile(r"(?:\d{4}-\d\d-\d\d[Tt])?\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?(?:[Zz]|[+-]\d\d:?\d\d)?")
_CLF_TIME = re.compile(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d")
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}")
_BOOST = re.compile(r"(?<=.)[\^~]\d*(?:\.\d+)?$")


@dataclass(frozen=True)
class Atom:
    """`text` with its escapes resolved; `wild` tells which characters of it are wildcards and not text."""

    kind: Kind
    field: str | None
    text: str
    position: int
    wild: frozenset[int] = frozenset()
    low: str | None = None
    high: str | None = None
    low_included: bool = False
    high_included: bool = False


@dataclass(frozen=True)
class Outline:
    """The query as luqum sees it, the atoms behind its names, and where each of its characters came from."""

    text: str
    atoms: dict[str, Atom]
    places: tuple[tuple[int, int], ...]

    def position(self, offset: int) -> int:
        """The place in the query of a place in the outline."""
        return max((theirs for ours, theirs in self.places if ours <= offset), default=0)


class Reader:
    """One pass over a query."""

    def __init__(self, query: str) -> None:
        if len(query) > MAX_LENGTH:
            raise QueryError(f"The query is longer than {MAX_LENGTH:,} characters.", MAX_LENGTH)
        if "\0" in query:
            raise QueryError("The query contains a NUL character.", query.index("\0"))
        if (surrogate := re.search("[\ud800-\udfff]", query)) is not None:
            raise QueryError("The query contains half of a character.", surrogate.start())
        self.query = query
        self.at = 0
        self.parts: list[tuple[str, int]] = []
        self.atoms: dict[str, Atom] = {}
        self.open: list[tuple[int, bool]] = []  # where each parenthesis opened, and whether it is a field's

    def outline(self) -> Outline:
        """Read it all, or raise QueryError at the first place that makes no sense."""
        while self._skip_space():
            self._one()
        if self.open:
            raise QueryError("This parenthesis is never closed.", self.open[-1][0])
        self._check_order()
        text, places = "", []
        for part, position in self.parts:
            places.append((len(text), position))
            # luqum binds a sign tighter than OR, but not NOT; and + asks for what every part does anyway.
            text += {"-": "NOT ", "+": ""}.get(part, part if part.endswith(":") else part + " ")
        return Outline(text, self.atoms, tuple(places))

    def _skip_space(self) -> bool:
        while self.at < len(self.query) and self.query[self.at] in _SPACE:
            self.at += 1
        return self.at < len(self.query)

    def _one(self) -> None:
        start, here = self.at, self.query[self.at]
        pair = self.query[start : start + 2]
        if here == "(":
            self._open(start, of_field=False)
        elif here == ")":
            self._close(start)
        elif pair in ("&&", "||"):
            self._part("AND" if pair == "&&" else "OR", start, 2)
        elif here == "!" and pair != "!=":
            self._part("NOT", start, 1)
        elif here in "+-":
            self._sign(here, pair[1:], start)
        elif here == ":":
            raise QueryError("A field's name is missing before this colon.", start)
        elif here == '"':
            text = self._quoted()
            if self.query[self.at : self.at + 1] == ":":
                self.at += 1
                self._value(text, start)
            else:
                self._add(Atom("quoted", None, text, start))
        elif here in "[{" or (here in "<>" and len(pair) == 2):
            self._lone_range(start)
        elif here == "/" and (source := self._regex()) is not None:
            self._add(Atom("regex", None, source, start))
        else:
            self._term(start)

    def _open(self, start: int, *, of_field: bool) -> None:
        self.open.append((start, of_field))
        if len(self.open) > MAX_DEPTH:
            raise QueryError(f"Parentheses are nested more than {MAX_DEPTH} deep.", start)
        self._part("(", start, 1)

    def _close(self, start: int) -> None:
        if not self.open:
            raise QueryError("This parenthesis was never opened.", start)
        if self.parts[-1][0] == "(":
            raise QueryError("There is nothing between these parentheses.", start)
        self.open.pop()
        self._part(")", start, 1)

    def _sign(self, sign: str, following: str, start: int) -> None:
        if not following or following in _SPACE or following == ")":
            raise QueryError(f"A lone {sign} means nothing here; put it in quotes to look for it.", start)
        self._part(sign, start, 1)

    def _lone_range(self, start: int) -> None:
        if not any(of_field for _, of_field in self.open):
            raise QueryError("A range belongs to a field, as in status:[400 TO 499] or status:>=400.", start)
        self._add(self._range(None, start))

    def _part(self, text: str, position: int, length: int = 0) -> None:
        self.parts.append((text, position))
        self.at += length

    def _add(self, atom: Atom) -> None:
        if len(self.atoms) >= MAX_ATOMS:
            raise QueryError(f"The query has more than {MAX_ATOMS} parts.", atom.position)
        name = f"{'f' if atom.kind == 'field' else 'w'}{len(self.atoms)}"
        self.atoms[name] = atom
        self._part(name + (":" if atom.kind == "field" else ""), atom.position)

    def _quoted(self) -> str:
        start, text = self.at, ""
        self.at += 1
        while self.at < len(self.query):
            here = self.query[self.at]
            if here == '"':
                self.at += 1
                return text
            if here == "\\" and self.at + 1 < len(self.query):
                self.at += 1
                here = self.query[self.at]
            text += here
            self.at += 1
        raise QueryError("This quotation mark is never closed.", start)

    def _regex(self) -> str | None:
        """The expression between slashes, if a blank, a parenthesis or the end follows; otherwise this is a
        path.
        """
        found = re.compile(r"/((?:[^\\/\n]|\\.)+)/(?=[\s)]|$)").match(self.query, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found.group(1).replace("\\/", "/")

    def _raw(self, *, stop_at_colon: bool) -> tuple[str, frozenset[int], str]:
        """A term: its text, which characters are wildcards, and how it was written."""
        start, text, wild = self.at, "", set()
        while self.at < len(self.query):
            here = self.query[self.at]
            if here in _ENDS or (stop_at_colon and here == ":"):
                break
            if here == "\\":
                if self.at + 1 == len(self.query):
                    raise QueryError("A backslash at the end escapes nothing.", self.at)
                self.at += 1
                here = self.query[self.at]
            elif here in "*?":
                wild.add(len(text))
            text += here
            self.at += 1
        return text, frozenset(wild), self.query[start : self.at]

    def _term(self, start: int) -> None:
        whole, wild, written = self._raw(stop_at_colon=False)
        if written in ("AND", "OR", "NOT"):
            self._part(written, start)
            return
        if written == "*:*":
            whole, wild, written = "*", frozenset({0}), "*"
        if ":" not in written or _is_value(written):
            self._word(None, whole, wild, written, start)
            return
        self.at = start
        name, wild, written = self._raw(stop_at_colon=True)
        if self.query[self.at : self.at + 1] != ":" or self.query.startswith("://", self.at):
            self.at = start
            whole, wild, written = self._raw(stop_at_colon=False)
            self._word(None, whole, wild, written, start)
            return
        if wild:
            raise QueryError("A field's name cannot contain wildcards.", start)
        self.at += 1
        self._value(name, start)

    def _word(self, field: str | None, text: str, wild: frozenset[int], written: str, start: int) -> None:
        if (found := _BOOST.search(written)) is not None and "\\" not in written:
            means = "Boosts (^)" if written[found.start()] == "^" else "Fuzzy words (~)"
            raise QueryError(
                f"{means} are not supported; put the text in quotes if it is meant as it stands.", start
            )
        self._add(Atom("word", field, text, start, wild))

    def _value(self, field: str, start: int) -> None:
        """What follows `field:`."""
        if any(of_field for _, of_field in self.open):
            raise QueryError("Inside the parentheses of a field there cannot be another field.", start)
        if self.at >= len(self.query) or self.query[self.at] in _SPACE or self.query[self.at] == ")":
            raise QueryError(f"The field {field} has no value after its colon.", start)
        here = self.query[self.at]
        if here == "(":
            self._add(Atom("field", field, field, start))
            self._open(self.at, of_field=True)
        elif here == '"':
            self._add(Atom("quoted", field, self._quoted(), start))
        elif here in "[{<>":
            self._add(self._range(field, start))
        elif here == "/" and (source := self._regex()) is not None:
            self._add(Atom("regex", field, source, start))
        elif here == "=":
            self.at += 1
            text = (
                self._quoted()
                if self.query[self.at : self.at + 1] == '"'
                else self._raw(stop_at_colon=False)[0]
            )
            self._add(Atom("exact", field, text, start))
        else:
            text, wild, written = self._raw(stop_at_colon=False)
            self._word(field, text, wild, written, start)

    def _range(self, field: str | None, start: int) -> Atom:
        here = self.query[self.at]
        if here in "<>":
            included = self.query[self.at + 1 : self.at + 2] == "="
            self.at += 2 if included else 1
            bound = self._bound("", start)
            if here == ">":
                return Atom("range", field, "", start, low=bound, low_included=included)
            return Atom("range", field, "", start, high=bound, high_included=included)
        self.at += 1
        low = self._bound("]}", start)
        self._skip_space()
        if not re.compile(r"TO(?=\s)").match(self.query, self.at):
            raise QueryError("A range is written [a TO b], or {a TO b} without its ends.", start)
        self.at += 2
        high = self._bound("]}", start)
        self._skip_space()
        close = self.query[self.at : self.at + 1]
        if close not in ("]", "}") or not close:
            raise QueryError("This range is never closed; it ends with ] or }.", start)
        self.at += 1
        return Atom(
            "range",
            field,
            "",
            start,
            low=low,
            high=high,
            low_included=here == "[",
            high_included=close == "]",
        )

    def _bound(self, stops: str, start: int) -> str | None:
        """One end of a range; None for *, which is open."""
        if stops:
            self._skip_space()
        if self.query[self.at : self.at + 1] == '"':
            return self._quoted()
        begin, text = self.at, ""
        while (
            self.at < len(self.query)
            and self.query[self.at] not in _ENDS
            and self.query[self.at] not in stops
        ):
            if self.query[self.at] == "\\" and self.at + 1 < len(self.query):
                self.at += 1
            text += self.query[self.at]
            self.at += 1
        if not text:
            raise QueryError("A value is missing in this range.", begin if begin < len(self.query) else start)
        return None if text == "*" and self.query[begin] == "*" else text

    def _check_order(self) -> None:
        """Operators need something on both sides; luqum would say so less plainly."""
        binary, prefix = ("AND", "OR"), ("NOT", "+", "-")
        before = ""
        for part, position in [*self.parts, (")", len(self.query))]:
            if part in (*binary, ")") and before in (*binary, *prefix):
                raise QueryError(f"There is nothing to the right of {before}.", self._before(position))
            if part in binary and before in ("", "("):
                raise QueryError(f"There is nothing to the left of {part}.", position)
            before = part

    def _before(self, position: int) -> int:
        return max((place for part, place in self.parts if place < position), default=0)


def _is_value(written: str) -> bool:
    """Whether a term with colons is a value and not `field:value`: an address, a MAC, a time, a URN."""
    if (
        _TIME.fullmatch(written)
        or _CLF_TIME.match(written)
        or _MAC.fullmatch(written)
        or written.startswith(("arn:", "urn:"))
    ):
        return True
    if written.count(":") < 2:
        return False
    try:
        ipaddress.ip_network(written, strict=False)
    except ValueError:
        return False
    return True
