"""The exact byte offset of shown lines, from the sparse index and the sealed bytes; lines themselves are
not kept.
"""

from __future__ import annotations

import json
import struct
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from evidence.formats.envelope import records_from
from evidence.lineindex import EVERY

_READ = 1 << 16


def offsets_of(sealed: Path, segment: Path, lines: Iterable[int]) -> dict[int, int]:
    """Offset by line number (or record number, where the format is an envelope of records)."""
    facts = json.loads((segment / "segment.json").read_text()).get("index") or {}
    unit, every = facts.get("unit", "line"), int(facts.get("every", EVERY))
    by_slot: dict[int, list[int]] = defaultdict(list)
    for line in sorted(set(lines)):
        by_slot[(line - 1) // every].append(line)
    found: dict[int, int] = {}
    with (segment / "lines.idx").open("rb") as index, sealed.open("rb", buffering=0) as file:
        for slot, wanted in by_slot.items():
            index.seek(slot * 8)
            packed = index.read(8)
            if len(packed) < 8:
                continue
            (offset,) = struct.unpack("<Q", packed)
            number = slot * every + 1
            if unit == "record":
                for start, _ in records_from(file, offset):
                    if number in wanted:
                        found[number] = start
                    if number >= wanted[-1]:
                        break
                    number += 1
                continue
            file.seek(offset)
            chunk, at, place = b"", offset, 0
            for line in wanted:
                while number < line:
                    end = chunk.find(b"\n", place)
                    if end >= 0:
                        number, place = number + 1, end + 1
                        continue
                    at, chunk, place = at + len(chunk), file.read(_READ), 0
                    if not chunk:
                        break
                if number == line:
                    found[line] = at + place
    return found
