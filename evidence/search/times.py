"""Times as people write them in a query, each a span as long as its precision."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_ISO = re.compile(
    r"(\d{4})-(\d\d)(?:-(\d\d)"
    r"(?:[Tt ](\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?)?\s*([Zz]|[+-]\d\d:?\d\d)?)?)?"
)
_CLF = re.compile(r"\[?(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d) ?([+-]\d{4})?\]?")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(time: datetime) -> int:
    """Microseconds since 1970; a time without zone is taken as UTC."""
    return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - EPOCH) // _MICROSECOND


def at_micros(value: int | None) -> datetime | None:
    """The UTC time; None where there is none, or none that a calendar of years 1 to 9999 can hold."""
    if value is None:
        return None
    try:
        return EPOCH + timedelta(microseconds=value)
    except OverflowError:
        return None


def span(text: str) -> tuple[int, int] | None:
    """[first, last) in microseconds of a time written to any precision from a month to a microsecond; None
    if it is no time.
    """
    text = text.strip()
    try:
        return (
            _clf(found)
            if (found := _CLF.fullmatch(text))
            else _iso(found)
            if (found := _ISO.fullmatch(text))
            else None
        )
    except (ValueError, OverflowError):
        return None


def _clf(found: re.Match[str]) -> tuple[int, int]:
    day, month, year, hour, minute, second, zone = found.groups()
    time = datetime(
        int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC
    )
    first = micros(time) - _zone(zone)
    return first, first + 1_000_000


def _iso(found: re.Match[str]) -> tuple[int, int]:
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    time = datetime(
        int(year), int(month), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC
    )
    first = micros(time) + int((fraction or "0")[:6].ljust(6, "0")) - _zone(zone)
    if day is None:
        following = time.replace(year=time.year + time.month // 12, month=time.month % 12 + 1)
        return first, first + micros(following) - micros(time)
    if fraction:
        return first, first + 10 ** max(0, 6 - len(fraction))
    length = 86_400 if hour is None else 3_600 if minute is None else 60 if second is None else 1
    return first, first + length * 1_000_000


def _zone(text: str | None) -> int:
    if text is None or text in "Zz":
        return 0
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return (-minutes if text[0] == "-" else minutes) * 60_000_000
