"""From sealed bytes to a segment: one zstd Parquet of records, a line index, and a page of facts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings

LAYOUT = 1


class IngestError(Exception):
    """The bytes cannot be made searchable; `sentence` says why. Trying again would not help."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True)
class SegmentReport:
    """What became of an item's bytes. For line formats `records + rejects == lines`."""

    format: str
    parser: str
    parser_version: str
    confidence: float
    lines: int
    records: int
    rejects: int
    first_time: datetime | None
    last_time: datetime | None
    fields: list[str]
    sha256: str
    assumptions: list[str]


def segment_dir(item: UUID) -> Path:
    """Where the segment of an item lies, whether or not it exists."""
    return Path(settings.SEGMENT_DIR) / str(item)


def write_segment(source: Path, into: Path, *, progress: Callable[[int, int], None]) -> SegmentReport:
    """Recognise, parse and write; `into` is complete when this returns and absent when it raises.

    `progress` gets (bytes done, bytes in all). Raises IngestError where the bytes themselves are the reason.
    """
    raise NotImplementedError
