"""What the token index rules out: for each item the blocks that can hold a match, for each part the columns
that can.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evidence import tokens
from evidence.search import times
from evidence.search.catalog import Index, Segment
from evidence.search.engine import Session
from evidence.search.language import All, And, Exact, Leaf, Node, Not, Or, Pattern, Words, leaves
from evidence.search.predicate import canonical, column_of

Blocks = dict[str, int]  # column → bit set of blocks
_Span = tuple[int, int]


@dataclass(frozen=True)
class Asked:
    """What a part needs: all of these keys, and for each of these spans some key in it, in one column of a
    block.
    """

    keys: tuple[int, ...]
    spans: tuple[_Span, ...] = ()


@dataclass(frozen=True)
class Plan:
    """`blocks` None: any."""

    blocks: int | None
    holders: Mapping[Leaf, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Word:
    text: str
    key: int


_cut: OrderedDict[str, tuple[Word, ...]] = (
    OrderedDict()
)  # what DuckDB made of a text: it depends on the text alone
_cut_lock = threading.Lock()
_KEEP = 2_000


def words_of(node: Node, session: Session) -> dict[str, tuple[Word, ...]]:
    """The words of every text in the query, as the index cuts them, with their keys."""
    texts = {leaf.text for leaf in leaves(node) if isinstance(leaf, Words | Exact)} | {
        piece
        for leaf in leaves(node)
        if isinstance(leaf, Pattern)
        for piece in leaf.pieces
        if isinstance(piece, str)
    }
    with _cut_lock:
        known = {text: _cut[text] for text in texts if text in _cut}
    if missing := sorted(texts - known.keys()):
        listed = ", ".join(tokens.literal(text) for text in missing)
        keyed = f"list_transform({tokens.words_sql('t')}, lambda w: [w, {tokens.key_sql('w')}::VARCHAR])"
        [(found,)] = session.rows(f"SELECT list_transform([{listed}], lambda t: {keyed})")
        new = {
            text: tuple(Word(word, int(key)) for word, key in words)
            for text, words in zip(missing, found, strict=True)
        }
        known |= new
        with _cut_lock:
            _cut.update(new)
            while len(_cut) > _KEEP:
                _cut.popitem(last=False)
    return known


def plans(
    node: Node, segments: Sequence[Segment], words: Mapping[str, tuple[Word, ...]], session: Session
) -> list[Plan]:
    """One plan a segment; without an index, or where no part can use it, a plan that rules out nothing."""
    asked = _asked(node, words)
    indexed = [segment for segment in segments if segment.index is not None]
    if not asked or not indexed:
        return [Plan(None) for _ in segments]
    keys = sorted({key for one in asked.values() for key in one.keys})
    spans = sorted({span for one in asked.values() for span in one.spans})
    by_key, by_span = _read(indexed, keys, spans, session)
    return [
        Plan(None)
        if segment.index is None
        else _plan(
            node, segment, segment.index, asked, by_key[segment.index.path], by_span[segment.index.path]
        )
        for segment in segments
    ]


def _asked(node: Node, words: Mapping[str, tuple[Word, ...]]) -> dict[Leaf, Asked]:
    asked: dict[Leaf, Asked] = {}
    for leaf in leaves(node):
        if isinstance(leaf, Words | Exact) and words[leaf.text]:
            asked[leaf] = Asked(tuple(word.key for word in words[leaf.text]))
        elif isinstance(leaf, Pattern):
            whole, begun = _pattern_words(leaf, words)
            spans = tuple(
                span for word in begun if (span := tokens.keys_beginning(word.text, word.key)) is not None
            )
            if whole or spans:
                asked[leaf] = Asked(tuple(word.key for word in whole), spans)
    return asked


def _pattern_words(leaf: Pattern, words: Mapping[str, tuple[Word, ...]]) -> tuple[list[Word], list[Word]]:
    """The words that a match must hold entirely, and those it must hold a longer or equal form of.

    A word at the edge of a piece may go on into the wildcard; so may one before a dot, which a digit could
    follow.
    """
    whole: list[Word] = []
    begun: list[Word] = []
    for place, piece in enumerate(leaf.pieces):
        if not isinstance(piece, str) or not (found := words[piece]):
            continue
        starts = (not piece[0].isalnum() and piece[0] != "." and piece[0].isascii()) or (
            place == 0 and piece[0].isalnum()
        )
        ends = (not piece[-1].isalnum() and piece[-1] != "." and piece[-1].isascii()) or (
            place == len(leaf.pieces) - 1 and piece[-1].isalnum()
        )
        whole += found[1:-1]
        if len(found) == 1:
            if starts and ends:
                whole.append(found[0])
            elif starts:
                begun.append(found[0])
            continue
        if starts:
            whole.append(found[0])
        if ends:
            whole.append(found[-1])
        else:
            begun.append(found[-1])
    return whole, begun


def _read(
    segments: Sequence[Segment], keys: list[int], spans: list[_Span], session: Session
) -> tuple[dict[str, dict[int, Blocks]], dict[str, dict[_Span, Blocks]]]:
    """What the indexes say of these keys and spans: per file, per key, per column the blocks."""
    files = {segment.index.path: segment.index for segment in segments if segment.index is not None}
    source = f"read_parquet([{', '.join(tokens.literal(path) for path in files)}])"
    selects = []
    if keys:
        listed = ", ".join(map(str, keys))
        selects.append(
            f"SELECT filename, -1 AS span, key, field, block FROM {source} WHERE key IN ({listed})"
            f" AND key BETWEEN {keys[0]} AND {keys[-1]}"
        )
    selects += [
        f"SELECT DISTINCT filename, {number} AS span, 0 AS key, field, block FROM {source} WHERE key"
        f" BETWEEN {first} AND {last}"
        for number, (first, last) in enumerate(spans)
    ]
    by_key: dict[str, dict[int, Blocks]] = {path: defaultdict(lambda: defaultdict(int)) for path in files}
    by_span: dict[str, dict[_Span, Blocks]] = {path: defaultdict(lambda: defaultdict(int)) for path in files}
    for path, span, key, number, block in session.rows(" UNION ALL ".join(selects)):
        column = files[path].fields[number]
        if span < 0:
            by_key[path][key][column] |= 1 << block
        else:
            by_span[path][spans[span]][column] |= 1 << block
    return by_key, by_span


def _plan(
    node: Node,
    segment: Segment,
    index: Index,
    asked: Mapping[Leaf, Asked],
    by_key: Mapping[int, Blocks],
    by_span: Mapping[_Span, Blocks],
) -> Plan:
    found = {leaf: _columns(leaf, segment, index, one, by_key, by_span) for leaf, one in asked.items()}
    everything = _everything(segment, index)

    def blocks(part: Node) -> int:
        if isinstance(part, And):
            result = everything
            for child in part.parts:
                result &= blocks(child)
            return result
        if isinstance(part, Or):
            result = 0
            for child in part.parts:
                result |= blocks(child)
            return result
        if isinstance(part, All | Not):
            return everything
        columns = found.get(part)
        if columns is None:
            return everything
        result = _timed_blocks(part, segment, index)
        for bits in columns.values():
            result |= bits
        return result

    holders: dict[Leaf, frozenset[str]] = {
        leaf: frozenset(columns)
        for leaf, columns in found.items()
        if columns is not None and leaf.field is None
    }
    return Plan(blocks(node), holders)


def _columns(
    leaf: Leaf,
    segment: Segment,
    index: Index,
    asked: Asked,
    by_key: Mapping[int, Blocks],
    by_span: Mapping[_Span, Blocks],
) -> Blocks | None:
    """Per column the blocks that can hold the part; None where the index cannot tell."""
    names: Sequence[str] = index.fields
    if leaf.field == "_item":
        return None
    if leaf.field is not None:
        column = column_of(segment.schema, leaf.field)
        if column is None:
            return {}
        if column.name not in names or column.name == segment.schema.time_column:
            return None  # not indexed, or only where no time could be read from it
        if column.kind != "VARCHAR" and not (
            isinstance(leaf, Words | Exact) and column.kind == "BIGINT" and canonical(leaf.text)
        ):
            return None  # numbers are compared as numbers, and 5e2 is 500
        names = [column.name] if column.name is not None else []
    found: Blocks = {}
    for name in names:
        bits = _everything(segment, index)
        for key in asked.keys:
            bits &= by_key[key].get(name, 0) if key in by_key else 0
        for span in asked.spans:
            bits &= by_span[span].get(name, 0) if span in by_span else 0
        if bits:
            found[name] = bits
    return found


def _everything(segment: Segment, index: Index) -> int:
    last = segment.units[-1].last_line if segment.units else 0
    return (1 << ((last - 1) // index.block_lines + 1)) - 1


def _timed_blocks(leaf: Leaf, segment: Segment, index: Index) -> int:
    """A time pasted without a field may also be a record's own time, which is not in the index."""
    if not isinstance(leaf, Words) or leaf.field is not None or (span := times.span(leaf.text)) is None:
        return 0
    bits = 0
    for unit in segment.units:
        if unit.timed and (
            unit.first_time is None
            or unit.last_time is None
            or (unit.first_time < span[1] and unit.last_time >= span[0])
        ):
            bits |= index.blocks_of(unit)
    return bits
