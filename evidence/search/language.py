"""The query language: what may be written and what it means."""

from __future__ import annotations


def check(query: str) -> None:
    """Raise QueryError if the query cannot be understood."""
    raise NotImplementedError


def narrow(field: str, value: str | None) -> str:
    """The clause that matches records whose whole value of `field` is exactly `value` (None: those without the field)."""
    raise NotImplementedError
