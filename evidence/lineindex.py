"""Where the lines of sealed bytes begin, sparsely, and how to read a few of them without reading the rest.

`lines.idx` is a row of little-endian uint64: the byte offset of entry 1, 1 + every, 1 + 2·every, … An entry
is a line (bytes between two \\n), or for JSON envelopes a record; `segment.json` beside it names the unit and
the step.
"""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from evidence.formats.envelope import records_from

EVERY = 1024
# A line longer than this is cut for display, and says so.
LONGEST_SHOWN = 1 << 20
CUT = " … [cut at 1 MiB]".encode()
READ = 1 << 16
# Counting newlines is fast, finding each of them is not: look closely only at the small block where an entry
# begins.
BLOCK = 1 << 13


class LineIndexer:
    """Told the chunks of a file in order, it notes the offset of every 1,024th line and counts the lines."""

    def __init__(self, every: int = EVERY) -> None:
        self._every = every
        self._offsets: list[int] = []
        self._read = 0
        self._newlines = 0
        self._open_line = False

    @property
    def lines(self) -> int:
        """Lines so far; a last line without newline counts."""
        return self._newlines + (1 if self._open_line else 0)

    def update(self, chunk: bytes | bytearray, size: int, newlines: int) -> None:
        """Take `size` bytes of `chunk`, which hold that many newlines."""
        if size == 0:
            return
        if not self._read:
            self._offsets.append(0)
        wanted = len(self._offsets) * self._every
        if self._newlines + newlines >= wanted:
            self._look(chunk, size, wanted)
        self._newlines += newlines
        self._read += size
        self._open_line = chunk[size - 1] != 10

    def _look(self, chunk: bytes | bytearray, size: int, wanted: int) -> None:
        seen = self._newlines
        for start in range(0, size, BLOCK):
            stop = min(start + BLOCK, size)
            here = chunk.count(b"\n", start, stop)
            if seen + here >= wanted:
                at = start - 1
                while seen < wanted and (at := chunk.find(b"\n", at + 1, stop)) >= 0:
                    seen += 1
                    if seen == wanted:
                        self._offsets.append(self._read + at + 1)
                        wanted += self._every
                        if seen + chunk.count(b"\n", at + 1, stop) < wanted:
                            seen += chunk.count(b"\n", at + 1, stop)
                            break
            else:
                seen += here

    def write(self, path: Path) -> None:
        # The offset after the last newline is the end of the file, not a line.
        offsets = [one for one in self._offsets if one < self._read]
        write_index(path, offsets)


def write_index(path: Path, offsets: list[int]) -> None:
    """Write offsets as lines.idx holds them."""
    path.write_bytes(struct.pack(f"<{len(offsets)}Q", *offsets))


def lines_at(source: Path, index: Path, line: int, count: int) -> list[tuple[int, int, bytes]]:
    """`count` lines from number `line` on (1-based) as (number, byte offset, exact bytes without \\n); fewer
    at the end.
    """
    unit, every = _step(index)
    first = max(line, 1)
    last = line + count
    slot = (first - 1) // every
    with index.open("rb") as file:
        file.seek(slot * 8)
        packed = file.read(8)
    if len(packed) < 8 or last <= first:
        return []
    (offset,) = struct.unpack("<Q", packed)
    number = slot * every + 1
    found = []
    with source.open("rb", buffering=0) as sealed:
        entries = (
            records_from(sealed, offset) if unit == "record" else _lines_from(sealed, offset, first - number)
        )
        for start, data in entries:
            if number >= last:
                break
            if number >= first:
                found.append((number, start, _shown(data)))
            number += 1
            if number >= last:
                break
    return found


def _step(index: Path) -> tuple[str, int]:
    facts = index.with_name("segment.json")
    if facts.is_file():
        described = json.loads(facts.read_text()).get("index", {})
        return str(described.get("unit", "line")), int(described.get("every", EVERY))
    return "line", EVERY


def _shown(data: bytes) -> bytes:
    return data if len(data) <= LONGEST_SHOWN else data[:LONGEST_SHOWN] + CUT


def _lines_from(sealed: BinaryIO, offset: int, unseen: int) -> Iterator[tuple[int, bytes]]:
    """Lines from `offset` on; the first `unseen` of them come out empty, and no line is held beyond what is
    shown.
    """
    sealed.seek(offset)
    start = at = offset
    held = bytearray()
    while chunk := sealed.read(READ):
        place = 0
        while (end := chunk.find(b"\n", place)) >= 0:
            if unseen > 0:
                unseen -= 1
                yield start, b""
            else:
                held += chunk[place:end]
                yield start, bytes(held)
            held.clear()
            place = end + 1
            start = at + place
        if unseen <= 0 and len(held) <= LONGEST_SHOWN:
            held += chunk[place:]
        at += len(chunk)
    if at > start:
        yield start, bytes(held)
