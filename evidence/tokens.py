"""What a word is, and the index from words to the rows that hold them.

A word is a run of letters and digits in lower case; a dot between two digits stays inside it, so that
`203.0.113.67` and `0.27.0` are one word each, while `acct_3eb8b8140e`, `a@example.org` and `/v1/chat` are
several. A character of a script written without spaces is a word of its own. Nothing else is part of a
word. Both the index and the query use DuckDB's own lower() and the pattern below, so they cannot disagree.

The index keeps no words, only 56-bit keys: 12 bits from a word's first three characters, 16 from its first
six, 28 from all of it. Sorted, a word is one key and a prefix one range of keys. An entry says "a word with
this key is in this column of this block of lines". Two words may share a key, so whoever reads the index
looks at the rows again; but every word of every text or number column is in it, except the record's own
time, which is found by its value.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb

# Runs: Latin, Greek, Cyrillic, Hebrew, Arabic, Indic, Hangul, full-width and what lies between, less their
# full stops and commas.
_RUN = (
    r"0-9a-z\x{AA}\x{B5}\x{BA}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{37D}\x{37F}-\x{386}\x{388}-\x{588}\x{58A}-\x{60B}"
    r"\x{60D}-\x{61A}\x{61C}-\x{61E}\x{620}-\x{6D3}\x{6D5}-\x{963}\x{966}-\x{DFF}\x{F00}-\x{FFF}\x{10A0}-\x{177F}"
    r"\x{1800}-\x{1FFF}\x{A4D0}-\x{D7FF}\x{FF10}-\x{FF19}\x{FF41}-\x{FF5A}\x{10000}-\x{1EFFF}"
)
# One character, one word: Thai, Lao, Burmese, Khmer, Chinese, Japanese, Yi, pictures.
_SINGLE = (
    r"\x{E00}-\x{EFF}\x{1000}-\x{109F}\x{1780}-\x{17FF}\x{2600}-\x{27BF}\x{2E80}-\x{2FDF}\x{3005}-\x{3007}\x{3041}-\x{3096}"
    r"\x{3099}-\x{30FF}\x{3105}-\x{312F}\x{3400}-\x{4DBF}\x{4E00}-\x{9FFF}\x{A000}-\x{A4CF}\x{F900}-\x{FAFF}"
    r"\x{FF66}-\x{FF9F}\x{1F000}-\x{3FFFF}"
)
_WORD = rf"(?:[{_RUN}]*[0-9]\.)(?:[0-9](?:[{_RUN}]*[0-9])?\.)*[0-9][{_RUN}]*|[{_RUN}]+|[{_SINGLE}]"

VERSION = 1
BLOCK_LINES = 16_384
SHORT_PREFIX, LONG_PREFIX = 3, 6
_BLOCKS_A_PASS = 16  # about 180 MB of an ordinary log: the memory of a pass does not depend on the file
_MEMORY = "200MB"
_ROW_GROUP = 65_536


def words_sql(text: str) -> str:
    """SQL for the list of words in the SQL expression `text`."""
    return f"regexp_extract_all(lower({text}), '{_WORD}')"


def key_sql(word: str) -> str:
    """SQL for the key of the SQL expression `word`, which is one word."""
    return (
        f"(((hash({word}[:{SHORT_PREFIX}]) >> 52) << 44) | ((hash({word}[:{LONG_PREFIX}]) >> 48) << 28)"
        f" | (hash({word}) >> 36))::BIGINT"
    )


def keys_beginning(prefix: str, key: int) -> tuple[int, int] | None:
    """First and last key of the words that begin with `prefix`, whose own key is `key`; None where it is
    too short to tell.
    """
    free = 28 if len(prefix) >= LONG_PREFIX else 44 if len(prefix) >= SHORT_PREFIX else 0
    return (key >> free << free, (key >> free << free) + (1 << free) - 1) if free else None


def before_sql_pattern(word: str) -> str:
    """RE2 for the place where `word` may begin: start of text, or after what cannot belong to it."""
    if _is_single(word[0]):
        return ""
    if word[0].isascii() and word[0].isdigit():
        return rf"(?:^|[^{_RUN}.]|(?:^|[^0-9])\.)"
    return rf"(?:^|[^{_RUN}])"


def after_sql_pattern(word: str) -> str:
    """RE2 for the place where `word` may end."""
    if _is_single(word[-1]):
        return ""
    if word[-1].isascii() and word[-1].isdigit():
        return rf"(?:$|[^{_RUN}.]|\.(?:$|[^0-9]))"
    return rf"(?:$|[^{_RUN}])"


def between_sql_pattern(left: str, right: str) -> str:
    """RE2 for what may stand between two words that follow one another."""
    gap = rf"[^{_RUN}{_SINGLE}]"
    if _is_single(left[-1]) or _is_single(right[0]):
        return f"{gap}*"
    if left[-1].isascii() and left[-1].isdigit() and right[0].isascii() and right[0].isdigit():
        return rf"(?:[^{_RUN}{_SINGLE}.]{gap}*|\.{gap}+)"
    return f"{gap}+"


def run_class() -> str:
    """The inside of a character class that matches what words of several characters are made of."""
    return _RUN


def _ranges(source: str) -> tuple[tuple[int, int], ...]:
    marks = [int(part.partition("}")[0], 16) for part in source.split(r"\x{")[1:]]
    joined = [part.endswith("}-") for part in source.split(r"\x{")[1:]]
    found, at = [], 0
    while at < len(marks):
        last = marks[at + 1] if joined[at] else marks[at]
        found.append((marks[at], last))
        at += 2 if joined[at] else 1
    return tuple(found)


_SINGLES = _ranges(_SINGLE)


def _is_single(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _SINGLES)


def quoted(name: str) -> str:
    """A name as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a SQL string."""
    return "'" + text.replace("'", "''") + "'"


def indexed_columns(columns: Mapping[str, str], time_column: str | None) -> dict[str, str]:
    """The text and number columns whose words are in the index, each with the SQL for its text.

    The column that a record's time was read from counts only where no time could be read.
    """
    found = {}
    for name, kind in columns.items():
        if name in ("_line", "_time", "_time_text", "_error") or kind not in (
            "VARCHAR",
            "BIGINT",
            "DOUBLE",
            "HUGEINT",
            "UBIGINT",
        ):
            continue
        text = quoted(name) if kind == "VARCHAR" else f"{quoted(name)}::VARCHAR"
        found[name] = f"(CASE WHEN _time IS NULL THEN {text} END)" if name == time_column else text
    return found


def time_column_of(facts: Mapping[str, Any]) -> str | None:
    """The column that the records' time was read from, as segment.json names it."""
    time = facts.get("time")
    return str(time["column"]) if isinstance(time, dict) and time.get("column") else None


def index_segment(folder: Path, *, progress: Callable[[int, int], None]) -> None:
    """Write `folder`/tokens.parquet for `folder`/records.parquet: complete or absent, at flat memory.
    `progress` gets (lines done, in all).

    A crash leaves `tokens.tmp/` or `tokens.parquet.tmp`; the next run begins by removing them.
    """
    records, work, unfinished = (
        folder / "records.parquet",
        folder / "tokens.tmp",
        folder / "tokens.parquet.tmp",
    )
    shutil.rmtree(work, ignore_errors=True)
    unfinished.unlink(missing_ok=True)
    work.mkdir()
    try:
        with duckdb.connect(
            config={
                "threads": 2,
                "memory_limit": _MEMORY,
                "temp_directory": str(work),
                "preserve_insertion_order": False,
            }
        ) as db:
            columns = {
                str(row[0]): str(row[1])
                for row in db.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(records)]).fetchall()
            }
            names = indexed_columns(
                columns, time_column_of(json.loads((folder / "segment.json").read_text()))
            )
            (last,) = db.execute(
                "SELECT coalesce(max(_line), 0) FROM read_parquet(?)", [str(records)]
            ).fetchone() or (0,)
            for first in range(0, last, _BLOCKS_A_PASS * BLOCK_LINES):
                _write_pass(db, records, names, first, work / f"{first:012}.parquet")
                progress(min(first + _BLOCKS_A_PASS * BLOCK_LINES, last), last)
            _write_sorted(
                db, work, unfinished, {"version": VERSION, "block_lines": BLOCK_LINES, "fields": list(names)}
            )
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.rename(folder / "tokens.parquet")
    finally:
        shutil.rmtree(work, ignore_errors=True)
        unfinished.unlink(missing_ok=True)


def _write_pass(
    db: duckdb.DuckDBPyConnection, records: Path, names: dict[str, str], first: int, into: Path
) -> None:
    """The keys of some blocks. Cutting at blanks and dropping repeats comes first: it leaves few texts for
    the pattern.
    """
    last = first + _BLOCKS_A_PASS * BLOCK_LINES
    rows = f"(FROM read_parquet({literal(str(records))}) WHERE _line > {first} AND _line <= {last})"
    block = f"((_line - 1) // {BLOCK_LINES})::UINTEGER"
    parts = []
    for number, text in enumerate(names.values()):
        if text.endswith("::VARCHAR"):
            once = f"SELECT DISTINCT {text.removesuffix('::VARCHAR')} AS number, {block} AS block FROM {rows}"
            parts.append(
                f"SELECT number::VARCHAR AS piece, block, {number}::USMALLINT AS field FROM ({once})"
                f" WHERE number IS NOT NULL"
            )
        else:
            parts.append(
                f"SELECT DISTINCT unnest(string_split({text}, ' ')) AS piece, {block} AS block,"
                f" {number}::USMALLINT AS field FROM {rows}"
            )
    pieces = (
        " UNION ALL ".join(parts) or "SELECT '' AS piece, 0::UINTEGER AS block, 0::USMALLINT AS field LIMIT 0"
    )
    plain = "regexp_full_match(piece, '[0-9A-Za-z]+')"
    words = f"CASE WHEN {plain} THEN [lower(piece)] ELSE {words_sql('piece')} END"
    db.execute(
        f"COPY (SELECT DISTINCT {key_sql('word')} AS key, field, block FROM (SELECT unnest({words})"
        f" AS word, field, block FROM ({pieces})))"
        f" TO {literal(str(into))} (FORMAT parquet, COMPRESSION lz4, ROW_GROUP_SIZE {_ROW_GROUP})"
    )


def _write_sorted(db: duckdb.DuckDBPyConnection, work: Path, into: Path, facts: dict[str, object]) -> None:
    """All passes as one file in order of key, sorted outside memory; delta encoding makes sorted keys
    small.
    """
    passes = sorted(str(path) for path in work.glob("*.parquet"))
    empty = "(SELECT 0::BIGINT AS key, 0::USMALLINT AS field, 0::UINTEGER AS block LIMIT 0)"
    source = f"read_parquet([{', '.join(literal(path) for path in passes)}])" if passes else empty
    db.execute(
        f"COPY (SELECT key, field, block FROM {source} ORDER BY key, field, block) TO"
        f" {literal(str(into))} (FORMAT parquet,"
        f" COMPRESSION zstd, PARQUET_VERSION v2, ROW_GROUP_SIZE {_ROW_GROUP},"
        f" KV_METADATA {{countersign: {literal(json.dumps(facts))}}})"
    )
