"""Segments made from small logs, and their rows as a reader sees them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from evidence.lineindex import lines_at
from evidence.segments import SegmentReport, write_segment


@dataclass(frozen=True)
class Segment:
    """A written segment together with the bytes it was made from."""

    source: Path
    folder: Path
    report: SegmentReport

    def rows(self) -> list[dict[str, Any]]:
        """All rows in line order, without the columns that are NULL."""
        with duckdb.connect() as connection:
            cursor = connection.execute(f"SELECT * FROM read_parquet('{self.folder / 'records.parquet'}')")
            names = [column[0] for column in cursor.description or ()]
            return [
                {name: value for name, value in zip(names, row, strict=True) if value is not None}
                for row in cursor.fetchall()
            ]

    def rejects(self) -> dict[int, str]:
        return {row["_line"]: row["_error"] for row in self.rows() if "_error" in row}

    def raw(self, line: int, count: int = 1) -> list[tuple[int, int, bytes]]:
        return lines_at(self.source, self.folder / "lines.idx", line, count)


Ingest = Callable[[bytes], Segment]


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    """Writes bytes to a file and makes a segment of it, checking what holds for every segment."""

    def made(data: bytes) -> Segment:
        source = tmp_path / "sealed"
        source.write_bytes(data)
        told: list[tuple[int, int]] = []
        report = write_segment(
            source, tmp_path / "segment", progress=lambda done, total: told.append((done, total))
        )
        segment = Segment(source, tmp_path / "segment", report)
        assert told[-1] == (len(data), len(data))
        assert told == sorted(told)
        assert report.records + report.rejects == report.lines == len(segment.rows())
        assert sorted(path.name for path in segment.folder.iterdir()) == [
            "lines.idx",
            "records.parquet",
            "segment.json",
        ]
        assert not (tmp_path / "segment.tmp").exists()
        return segment

    return made


def without_own(row: Mapping[str, Any]) -> dict[str, Any]:
    """The source's own fields of a row."""
    return {name: value for name, value in row.items() if not name.startswith("_")}
