"""What a word is, and the index from words to the rows that hold them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def index_segment(dir: Path, *, progress: Callable[[int, int], None]) -> None:
    """Write `dir`/tokens.parquet for `dir`/records.parquet: complete or absent, at flat memory."""
    raise NotImplementedError
