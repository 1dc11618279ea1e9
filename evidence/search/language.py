"""The query language: what may be written and what it means.

word, "several words"        its words, one after another, in any text or number of a record; case does not
matter field:value, field:"value"   the same within one field; a number field compares as a number
field:="value"               the whole value, exactly pre*, w?rd, field:*          any characters, one
character; the field is there field:[a TO b], {a TO b}     a range with or without its ends; * leaves an end
open; also :>a :>=a :<a :<=a /re/, field:/re/             RE2, found anywhere in a value, case matters
field:192.0.2.0/24           an address of this network, v4 or v6; also without a field AND OR NOT && || ! +
- ( )   no operator between two parts means AND; field:(a OR b) _exists_:field, _error:*, _text, _time,
_line, _item
"""

from __future__ import annotations

import ipaddress
import re
import threading
from dataclasses import dataclass

from luqum import tree as parsed
from luqum.exceptions import ParseError
from luqum.parser import lexer, parser

from evidence.search.atoms import Atom, Reader
from evidence.search.errors import QueryError


@dataclass(frozen=True)
class All:
    """Every record."""


@dataclass(frozen=True)
class And:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Not:
    part: Node


@dataclass(frozen=True)
class Words:
    """The words of `text`, one after another; `field` None: in any field."""

    field: str | None
    text: str
    position: int


@dataclass(frozen=True)
class Exact:
    field: str
    text: str
    position: int


@dataclass(frozen=True)
class Pattern:
    """`pieces` are texts and the wildcards None (any characters) and 1 (one character)."""

    field: str | None
    pieces: tuple[str | int | None, ...]
    position: int


@dataclass(frozen=True)
class Expression:
    field: str | None
    source: str
    position: int


@dataclass(frozen=True)
class Range:
    field: str
    low: str | None
    high: str | None
    low_included: bool
    high_included: bool
    position: int


@dataclass(frozen=True)
class Network:
    field: str | None
    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    position: int


@dataclass(frozen=True)
class Exists:
    field: str
    position: int


Leaf = Words | Exact | Pattern | Expression | Range | Network | Exists
Node = All | And | Or | Not | Leaf

_parser_lock = threading.Lock()  # PLY keeps its stacks on the parser
_lexer = lexer.clone()


def parse(query: str) -> Node:
    """The meaning of `query`; empty means every record. Raises QueryError."""
    outline = Reader(query).outline()
    if not outline.atoms:
        return All()
    try:
        with _parser_lock:
            root = parser.parse(outline.text, lexer=_lexer)
    except ParseError as error:
        found = re.search(r"unexpected\s+'(.*)' at position (\d+)", str(error))
        place = outline.position(int(found.group(2))) if found else len(query)
        what = (
            f"“{query[place : place + 20]}” is not expected here." if found else "The query ends too early."
        )
        raise QueryError(what, place) from error
    return _node(root, outline.atoms, None)


def check(query: str) -> None:
    """Raise QueryError if the query cannot be understood."""
    parse(query)


def narrow(field: str, value: str | None) -> str:
    """The clause that matches records whose whole value of `field` is exactly `value` (None: those without
    the field).
    """
    name = (
        re.sub(r'([\s:()"\\*?\[\]{}<>+\-!/=&|^~])', r"\\\1", field)
        if not re.fullmatch(r"[A-Za-z_@][\w.@-]*", field)
        else field
    )
    if value is None:
        return f"NOT _exists_:{name}"
    if re.fullmatch(r"\w[\w.@/-]*", value):
        return f"{name}:={value}"
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}:="{escaped}"'


def leaves(node: Node) -> list[Leaf]:
    """Every leaf of the tree, from left to right."""
    if isinstance(node, And | Or):
        return [leaf for part in node.parts for leaf in leaves(part)]
    if isinstance(node, Not):
        return leaves(node.part)
    return [] if isinstance(node, All) else [node]


def _node(item: parsed.Item, atoms: dict[str, Atom], field: str | None) -> Node:
    if isinstance(item, parsed.Word):
        return _leaf(atoms[item.value], field)
    if isinstance(item, parsed.SearchField):
        return _node(item.expr, atoms, atoms[item.name].text)
    if isinstance(item, parsed.Not | parsed.Prohibit):
        return Not(_node(item.children[0], atoms, field))
    if isinstance(item, parsed.OrOperation):
        return Or(tuple(_node(child, atoms, field) for child in item.children))
    if isinstance(item, parsed.AndOperation | parsed.UnknownOperation):
        return And(tuple(_node(child, atoms, field) for child in item.children))
    return _node(item.children[0], atoms, field)  # a group, or + before something, which is required anyway


def _leaf(atom: Atom, group: str | None) -> Node:
    field = atom.field if atom.field is not None else group
    if atom.kind == "quoted":
        return (
            Exists(atom.text, atom.position)
            if field == "_exists_"
            else Words(field, atom.text, atom.position)
        )
    if atom.kind == "regex":
        return Expression(field, atom.text, atom.position)
    if field is not None and atom.kind == "exact":
        return Exact(field, atom.text, atom.position)
    if field is not None and atom.kind == "range":
        if atom.low is None and atom.high is None:
            return Exists(field, atom.position)
        return Range(field, atom.low, atom.high, atom.low_included, atom.high_included, atom.position)
    return _word(atom, field)


def _word(atom: Atom, field: str | None) -> Node:
    if field == "_exists_":
        return Exists(atom.text, atom.position)
    if atom.wild:
        if all(index in atom.wild and atom.text[index] == "*" for index in range(len(atom.text))):
            return All() if field is None else Exists(field, atom.position)
        return Pattern(field, _pieces(atom), atom.position)
    if "/" in atom.text and re.fullmatch(r"[0-9A-Fa-f:.]+/\d{1,3}", atom.text):
        return _network(atom, field)
    return Words(field, atom.text, atom.position)


def _network(atom: Atom, field: str | None) -> Node:
    address = atom.text.partition("/")[0]
    if ":" not in address and address.count(".") != 3:
        return Words(field, atom.text, atom.position)
    try:
        return Network(field, ipaddress.ip_network(atom.text, strict=False), atom.position)
    except ValueError as error:
        raise QueryError(
            f"{atom.text} is not a network; write it like 203.0.113.0/24 or 2001:db8::/32.", atom.position
        ) from error


def _pieces(atom: Atom) -> tuple[str | int | None, ...]:
    pieces: list[str | int | None] = []
    for index, character in enumerate(atom.text):
        if index in atom.wild:
            if character == "?" or not pieces or pieces[-1] is not None:
                pieces.append(None if character == "*" else 1)
        elif pieces and isinstance(pieces[-1], str):
            pieces[-1] += character
        else:
            pieces.append(character)
    return tuple(pieces)
