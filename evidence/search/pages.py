"""The records of a search, in order of time, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from evidence.search.model import Page, Record, Source


def search(
    sources: Sequence[Source],
    *,
    query: str,
    start: datetime | None = None,
    end: datetime | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page:
    """The records that match, by time (those without one last), then item, then line."""
    raise NotImplementedError


def records_at(sources: Sequence[Source], *, item: UUID, lines: Sequence[int]) -> list[Record]:
    """The records at these line numbers of one item in scope, in line order; a line that is not there is left out."""
    raise NotImplementedError
