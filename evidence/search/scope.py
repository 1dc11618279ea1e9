"""One search over its items: the query's plan, the row groups that can hold a match, and the statements
that read them.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from evidence.search import catalog, engine, lookup
from evidence.search.catalog import OWN, Schema, Segment, Unit
from evidence.search.engine import Session
from evidence.search.errors import QueryError
from evidence.search.language import All, Expression, Node, leaves, parse
from evidence.search.match import moment
from evidence.search.model import Source
from evidence.search.predicate import Compiler, column_of
from evidence.search.times import micros
from evidence.tokens import BLOCK_LINES, literal


@dataclass(frozen=True)
class Candidate:
    """A row group that can hold matches, and in which of its blocks (None: all of it)."""

    segment: Segment
    unit: Unit
    blocks: int | None


@dataclass(frozen=True)
class Scope:
    session: Session
    query: Node
    segments: tuple[Segment, ...]
    plans: tuple[lookup.Plan, ...]
    compilers: dict[tuple[Schema, bool], Compiler]
    start: int | None
    end: int | None
    warnings: tuple[str, ...]

    def candidates(self) -> list[Candidate]:
        """The row groups that neither the index nor their times rule out."""
        found = []
        for segment, plan in zip(self.segments, self.plans, strict=True):
            for unit in segment.units:
                if not self._in_time(unit):
                    continue
                blocks = None
                if plan.blocks is not None and segment.index is not None:
                    inside = segment.index.blocks_of(unit)
                    if not plan.blocks & inside:
                        continue
                    blocks = None if plan.blocks & inside == inside else plan.blocks & inside
                found.append(Candidate(segment, unit, blocks))
        return found

    def _in_time(self, unit: Unit) -> bool:
        if self.start is None and self.end is None:
            return True
        if not unit.timed:
            return False
        if unit.first_time is None or unit.last_time is None:
            return True
        return (self.end is None or unit.first_time < self.end) and (
            self.start is None or unit.last_time >= self.start
        )

    def everything(self) -> bool:
        """Whether every record matches, so that counting needs no reading."""
        return isinstance(self.query, All) and self.start is None and self.end is None

    def cost(self, candidates: Iterable[Candidate]) -> int:
        """Unpacked bytes that the condition reads over these row groups."""
        columns = {
            key: compiler.columns(self.query) | ({"_time"} if self.start or self.end else set())
            for key, compiler in self.compilers.items()
        }
        return sum(one.unit.sizes.get(name, 0) for one in candidates for name in columns[_key(one.segment)])

    def selects(
        self, candidates: Sequence[Candidate], columns: Callable[[Schema], str], condition: str = "true"
    ) -> list[str]:
        """SELECT statements that together read the matching rows of these row groups; `columns` is asked
        once a schema.

        Small items of one schema share a statement; `filename` tells them apart.
        """
        by_segment: dict[Segment, list[Candidate]] = defaultdict(list)
        for one in candidates:
            by_segment[one.segment].append(one)
        shared: dict[tuple[Schema, bool], list[str]] = defaultdict(list)
        parts: list[tuple[tuple[Schema, bool], list[str], str]] = []
        for segment, chosen in by_segment.items():
            if len(segment.units) == 1:
                shared[_key(segment)].append(segment.path)
            else:
                parts.append((_key(segment), [segment.path], _lines(segment, chosen)))
        parts += [(key, paths, "") for key, paths in shared.items()]
        statements = []
        for key, paths, lines in parts:
            tests = [
                test
                for test in (lines, self._times(), condition, self.compilers[key].sql(self.query))
                if test not in ("", "true")
            ]
            source = f"read_parquet([{', '.join(literal(path) for path in paths)}])"
            where = f" WHERE {' AND '.join(tests)}" if tests else ""
            statements.append(f"SELECT {columns(key[0])} FROM {source}{where}")
        return statements

    def _times(self) -> str:
        tests = [f"_time >= {moment(self.start)}"] if self.start is not None else []
        if self.end is not None:
            tests.append(f"_time < {moment(self.end)}")
        return " AND ".join(tests)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.session.rows(sql)

    def hints(self, *names: str) -> tuple[str, ...]:
        """What to say of names that are no field in scope; only fields in scope are suggested."""
        schemas = {segment.schema for segment in self.segments}
        known = sorted(
            {name for schema in schemas for name in (*schema.types(), *dict(schema.aliases), *schema.names)}
            | {"_item"}
        )
        said = []
        for name in dict.fromkeys(names):
            if name == "_item" or any(column_of(schema, name) is not None for schema in schemas):
                continue
            folded = {one.lower(): one for one in known if one not in OWN}
            near = difflib.get_close_matches(name.lower(), folded, n=3, cutoff=0.6)
            advice = (
                f"; did you mean {' or '.join(folded[one] for one in near)}?"
                if near
                else "; put it in quotes to look for the text itself."
            )
            said.append(f"No item in scope has a field {name[:80]}{advice}")
        return tuple(said)


def _key(segment: Segment) -> tuple[Schema, bool]:
    return segment.schema, segment.index is not None


def _lines(segment: Segment, chosen: Sequence[Candidate]) -> str:
    """The condition that keeps a statement to these row groups and blocks of one segment."""
    if len(chosen) == len(segment.units) and all(one.blocks is None for one in chosen):
        return ""
    ranges: list[tuple[int, int]] = []
    size = segment.index.block_lines if segment.index is not None else BLOCK_LINES
    for one in chosen:
        pieces = (
            [(one.unit.first_line, one.unit.last_line)] if one.blocks is None else list(_pieces(one, size))
        )
        for first, last in pieces:
            if ranges and first <= ranges[-1][1] + 1:
                ranges[-1] = (ranges[-1][0], max(last, ranges[-1][1]))
            else:
                ranges.append((first, last))
    whole = f"_line BETWEEN {ranges[0][0]} AND {max(last for _, last in ranges)}"
    if len(ranges) == 1:
        return whole
    tests = " OR ".join(f"_line BETWEEN {first} AND {last}" for first, last in ranges)
    return f"{whole} AND ({tests})"


def _pieces(one: Candidate, size: int) -> Iterator[tuple[int, int]]:
    bits, block = one.blocks or 0, 0
    while bits:
        skip = (bits & -bits).bit_length() - 1
        block, bits = block + skip, bits >> skip
        yield max(block * size + 1, one.unit.first_line), min((block + 1) * size, one.unit.last_line)
        block, bits = block + 1, bits >> 1


@contextmanager
def scope(
    sources: Sequence[Source],
    *,
    query: str,
    start: datetime | None,
    end: datetime | None,
    names: Sequence[str] = (),
    seconds: float | None = None,
) -> Iterator[Scope]:
    """The scope of one search; `names` are fields asked for besides the query's own."""
    tree = parse(query)
    if start is not None and end is not None and start > end:
        raise QueryError("The time range ends before it begins.")
    with engine.session(_root(sources), seconds=seconds) as session:
        segments = catalog.load(sources, session)
        parts = leaves(tree)
        for leaf in parts:
            if isinstance(leaf, Expression):
                session.check_expression(leaf.source, leaf.position)
        words = lookup.words_of(tree, session)
        texts = {text: tuple(word.text for word in found) for text, found in words.items()}
        plans = lookup.plans(tree, segments, words, session)
        numbers = {segment.source.number.lower(): segment.path for segment in segments}

        def files(number: str) -> list[str]:
            return [path for known, path in numbers.items() if known == number.strip().lower()]

        holders: dict[tuple[Schema, bool], dict[Any, set[str]]] = defaultdict(lambda: defaultdict(set))
        for segment, plan in zip(segments, plans, strict=True):
            for leaf, columns in plan.holders.items():
                holders[_key(segment)][leaf] |= columns
        compilers = {
            _key(segment): Compiler(segment.schema, texts, holders[_key(segment)], files)
            for segment in segments
        }
        made = Scope(
            session, tree, tuple(segments), tuple(plans), compilers,
            micros(start) if start is not None else None, micros(end) if end is not None else None, (),
        )  # fmt: skip
        asked = [leaf.field for leaf in parts if leaf.field is not None]
        hints = made.hints(*asked, *names) if segments else ()
        yield Scope(session, tree, made.segments, made.plans, compilers, made.start, made.end, hints)


def _root(sources: Sequence[Source]) -> Path:
    """The one folder that all segments of a search lie in."""
    folders = {source.segment.absolute().parent for source in sources}
    if len(folders) > 1:
        raise ValueError("the segments of one search lie in one folder")
    return folders.pop() if folders else Path("/nonexistent")
