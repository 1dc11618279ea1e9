"""Join Parquet files of one schema into one, without decoding them: pages are copied, only the footer is made
anew.

The footer is Thrift in its compact protocol. It is read as a generic tree, so that statistics and whatever
else the writer put there survive as they are; only row groups are gathered and offsets moved. Spec:
https://github.com/apache/parquet-format (FileMetaData, RowGroup, ColumnChunk, ColumnMetaData).
"""

import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

MAGIC = b"PAR1"
TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)

# A struct is {field id: (type, value)}; a list is (element type, [values]).
Fields = dict[int, tuple[int, Any]]

NUM_ROWS, ROW_GROUPS = 3, 4
GROUP_COLUMNS, GROUP_ROWS, GROUP_OFFSET, GROUP_ORDINAL = 1, 3, 5, 7
CHUNK_OFFSET, CHUNK_META = 2, 3
PAGE_INDEXES = (4, 5, 6, 7)
META_OFFSETS = (9, 10, 11, 14)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def zigzag(self) -> int:
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def fields(self) -> Fields:
        found: Fields = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self.zigzag()
            kind = head & 15
            found[number] = (kind, kind == TRUE if kind in (TRUE, FALSE) else self.value(kind))
        return found

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _take(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def value(self, kind: int) -> Any:
        if kind in (TRUE, FALSE):
            return self._byte() == TRUE
        if kind == BYTE:
            return self._byte()
        if kind in (I16, I32, I64):
            return self.zigzag()
        if kind == DOUBLE:
            return self._take(8)
        if kind == BINARY:
            return self._take(self.varint())
        if kind in (LIST, SET):
            head = self._byte()
            size = head >> 4 if head >> 4 < 15 else self.varint()
            return head & 15, [self.value(head & 15) for _ in range(size)]
        if kind == STRUCT:
            return self.fields()
        raise ValueError(f"A Parquet footer holds the unknown Thrift type {kind}.")


def _varint(out: bytearray, value: int) -> None:
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def _zigzag(out: bytearray, value: int) -> None:
    _varint(out, (value << 1) ^ (value >> 63))


def _write_fields(out: bytearray, fields: Fields) -> None:
    before = 0
    for number, (known, value) in sorted(fields.items()):
        kind = known if known not in (TRUE, FALSE) else TRUE if value else FALSE
        if 0 < number - before < 16:
            out.append((number - before) << 4 | kind)
        else:
            out.append(kind)
            _zigzag(out, number)
        before = number
        if kind not in (TRUE, FALSE):
            _write(out, kind, value)
    out.append(0)


def _write(out: bytearray, kind: int, value: Any) -> None:
    if kind in (TRUE, FALSE):
        out.append(TRUE if value else FALSE)
    elif kind == BYTE:
        out.append(value)
    elif kind in (I16, I32, I64):
        _zigzag(out, value)
    elif kind == DOUBLE:
        out += value
    elif kind == BINARY:
        _varint(out, len(value))
        out += value
    elif kind in (LIST, SET):
        element, values = value
        if len(values) < 15:
            out.append(len(values) << 4 | element)
        else:
            out.append(0xF0 | element)
            _varint(out, len(values))
        for one in values:
            _write(out, element, one)
    else:
        _write_fields(out, value)


class Joined:
    """One Parquet file that grows by whole files; `close` writes the footer."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")
        self._file.write(MAGIC)
        self._at = len(MAGIC)
        self._footer: Fields | None = None
        self._groups: list[Fields] = []
        self._rows = 0

    def add(self, part: Path) -> None:
        """Copy the row groups of `part` to the end."""
        with part.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(size - 8)
            (length,) = struct.unpack("<I", file.read(4))
            pages_end = size - 8 - length
            file.seek(pages_end)
            footer = _Reader(file.read(length)).fields()
            shift = self._at - len(MAGIC)
            for group in footer[ROW_GROUPS][1][1]:
                if group[GROUP_ROWS][1]:
                    self._groups.append(self._moved(group, shift))
            self._rows += footer[NUM_ROWS][1]
            if self._footer is None:
                self._footer = footer
            self._file.flush()
            done = len(MAGIC)
            while done < pages_end:
                done += os.sendfile(self._file.fileno(), file.fileno(), done, pages_end - done)
            self._at += pages_end - len(MAGIC)
            self._file.seek(self._at)

    def _moved(self, group: Fields, shift: int) -> Fields:
        for chunk in group[GROUP_COLUMNS][1][1]:
            _shift(chunk, CHUNK_OFFSET, shift)
            for number in META_OFFSETS:
                _shift(chunk[CHUNK_META][1], number, shift)
            # Page indexes hold offsets of their own inside; they are optional, and readers do without.
            for number in PAGE_INDEXES:
                chunk.pop(number, None)
        _shift(group, GROUP_OFFSET, shift)
        if GROUP_ORDINAL in group:
            group[GROUP_ORDINAL] = (I16, len(self._groups) % 32768)
        return group

    def close(self) -> None:
        """Write the footer and make the file durable; a file joined from nothing is refused."""
        if self._footer is None:
            raise ValueError("There is nothing to join.")
        self._footer[NUM_ROWS] = (I64, self._rows)
        self._footer[ROW_GROUPS] = (LIST, (STRUCT, self._groups))
        out = bytearray()
        _write_fields(out, self._footer)
        self._file.write(out + struct.pack("<I", len(out)) + MAGIC)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        """Close without a footer, after an error."""
        self._file.close()


def _shift(fields: Fields, number: int, by: int) -> None:
    if number in fields:
        kind, value = fields[number]
        # Zero means "not set" in this field; moving it would point into another column.
        fields[number] = (kind, value + by if value else 0)


def join(parts: Iterable[Path], into: Path) -> None:
    """Join `parts`, in this order, into one file."""
    joined = Joined(into)
    try:
        for part in parts:
            joined.add(part)
        joined.close()
    finally:
        joined.abandon()
