"""What templates need to say things the same way everywhere: parties, markings, digests, times, sizes."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from web import marks, proofwords, receipts

register = template.Library()

TLP_CLASS = {"RED": "red", "AMBER+STRICT": "amber", "AMBER": "amber", "GREEN": "green", "CLEAR": "clear"}


@register.simple_tag
def rings(left: int = 1, right: int = 2, *, one: bool = False) -> SafeString:
    """The product's sign: two rings when both parties have countersigned, one ring for one party."""
    wide = 16 if one else 22
    first = format_html('<circle cx="8" cy="8" r="6" class="p{}" stroke="var(--hue)"/>', left)
    second = format_html('<circle cx="14" cy="8" r="6" class="p{}" stroke="var(--hue)"/>', right)
    return format_html(
        '<svg class="rings{}" width="{}" height="16" viewBox="0 0 {} 16" fill="none" stroke-width="2"'
        ' aria-hidden="true">{}{}</svg>',
        " one" if one else "",
        wide,
        wide,
        first,
        "" if one else second,
    )


MOST_RINGS = 4  # parties beyond these are named in words


@register.simple_tag
def seal(signed: Iterable[Any], missing: Iterable[Any] = (), *, broken: bool = False) -> SafeString:
    """A ring a party: closed in its hue where its witness has countersigned, open where it has not yet."""
    signed, missing = list(signed), list(missing)
    drawn = [(one, "") for one in signed] + [(one, " open") for one in missing]
    circles = format_html_join(
        "",
        '<circle cx="{}" cy="8" r="6" class="p{}{}" stroke="var(--hue)"/>',
        ((8 + 6 * n, who.hue, open_) for n, (who, open_) in enumerate(drawn[:MOST_RINGS])),
    )
    wide = 10 + 6 * max(min(len(drawn), MOST_RINGS), 1)
    said = f"countersigned by {_and(one.short_name for one in signed)}" if signed else "not countersigned"
    if missing:
        said += f"; not by {_and(one.short_name for one in missing)} yet"
    return format_html(
        '<svg class="rings{}" width="{}" height="16" viewBox="0 0 {} 16" fill="none" stroke-width="2"'
        ' role="img" aria-label="{}"><title>{}</title>{}</svg>',
        " broken" if broken else "",
        wide,
        wide,
        said,
        said,
        circles,
    )


def _and(words: Iterable[str]) -> str:
    listed = list(words)
    return " and ".join(filter(None, [", ".join(listed[:-1]), *listed[-1:]]))


@register.simple_tag
def tlp(marking: str) -> SafeString:
    """The TLP 2.0 label in the standard's colours on black."""
    bare = marking.removeprefix("TLP:")
    return format_html('<span class="tlp {}">TLP:{}</span>', TLP_CLASS.get(bare, "clear"), bare)


@register.simple_tag
def party(who: Any, *, full: bool = False, note: str = "") -> SafeString:
    """A party's dot and name. `who` has id, name and short_name."""
    name = who.name if full else who.short_name
    return format_html(
        '<span class="party p{}" title="{}"><span class="dot"></span>{}{}</span>',
        who.hue,
        who.name,
        name,
        f", {note}" if note else "",
    )


@register.filter
def hue(who: Any) -> str:
    """The class that carries a party's hue."""
    return f"p{who.hue}" if who else "p0"


@register.simple_tag
def dots(parties: Iterable[Any]) -> SafeString:
    """One dot a party, with the names for who cannot see colours."""
    parties = list(parties)
    inner = format_html_join("", '<span class="dot p{}"></span>', ((p.hue,) for p in parties))
    names = ", ".join(p.name for p in parties)
    return format_html(
        '<span class="dots" role="img" aria-label="{}" title="{}">{}</span>', names, names, inner
    )


@register.simple_tag
def digest(
    value: str | None, *, whole: bool = False, short: bool = False, brief: bool = False, of: str = "digest"
) -> SafeString:
    """A long value: its ends to look at (only its beginning, if `brief`; nothing but the button, if `short`),
    the whole of it to copy."""
    if not value:
        return format_html('<span class="faint">{}</span>', "none")
    cut = f"{value[:8]}…" if brief else f"{value[:8]}…{value[-4:]}"
    shown = "copy" if short else value if whole or len(value) <= 16 else cut
    return format_html(
        '<span class="digest{}"><span class="v" title="{}">{}</span>'
        '<button type="button" class="copy" data-copy="{}" aria-label="Copy the whole {}"'
        ' title="Copy the whole {}"><svg width="13" height="13" viewBox="0 0 16 16" fill="none"'
        ' stroke="currentColor" stroke-width="1.6" aria-hidden="true">'
        '<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/>'
        '<path d="M10.5 5.5v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2"/>'
        "</svg></button></span>",
        " whole" if whole else "",
        value,
        shown,
        value,
        of,
        of,
    )


def _as_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@register.simple_tag
def utc(value: datetime | date | str | None, how: str = "second", *, year: int | None = None) -> SafeString:
    """A time in UTC, in full in its title; a `year` that was said already is left out."""
    if value is None or value == "":
        return format_html('<span class="faint">{}</span>', "not stated")
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return format_html("{}", value)
    if not isinstance(value, datetime):
        return format_html('<time datetime="{}">{}</time>', value.isoformat(), value.isoformat())
    value = _as_utc(value)
    full = f"{value:%Y-%m-%d %H:%M:%S.%f} UTC"
    shown = {
        "day": f"{value:%Y-%m-%d}",
        "minute": f"{value:%Y-%m-%d %H:%M}",
        "second": f"{value:%Y-%m-%d %H:%M:%S}",
        "milli": f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}",
        "micro": f"{value:%Y-%m-%d %H:%M:%S.%f}",
        "labelled": f"{value:%Y-%m-%d %H:%M:%S} UTC",
    }[how]
    if year == value.year:
        shown = shown.removeprefix(f"{year}-")
    return format_html(
        '<time class="k" datetime="{}" title="{}">{}</time>', f"{value:%Y-%m-%dT%H:%M:%S.%fZ}", full, shown
    )


@register.simple_tag
def age(since: datetime | None, now: datetime) -> SafeString:
    """How long ago, with the time itself in the title."""
    if since is None:
        return format_html("{}", "never")
    since = _as_utc(since)
    return format_html(
        '<time class="k" datetime="{}" title="{}">{}</time>',
        f"{since:%Y-%m-%dT%H:%M:%S.%fZ}",
        f"{since:%Y-%m-%d %H:%M:%S} UTC",
        proofwords.age(since, now),
    )


@register.simple_tag
def reached(one: Any, size: int) -> str:
    """How far a party's witness has come, in words."""
    return proofwords.reached(one, size)


@register.filter
def number(value: float | None) -> str:
    """A number with separated thousands; a float without a tail of noise."""
    if value is None:
        return ""
    if value != int(value):
        return f"{value:,.2f}"
    return f"{int(value):,}"


@register.filter
def size(value: int | None) -> str:
    """A size in bytes, in decimal units."""
    if value is None:
        return ""
    left = float(value)
    for unit in ("bytes", "kB", "MB", "GB"):
        if left < 1000:
            return f"{left:.0f} {unit}" if unit == "bytes" else f"{left:.1f} {unit}"
        left /= 1000
    return f"{left:.1f} TB"


FORMATS = {
    "jsonl": "JSON lines",
    "combined": "combined web log",
    "common": "common web log",
    "csv": "CSV",
    "cloudtrail": "CloudTrail",
    "text": "plain text",
    "gzip": "gzip",
}


@register.filter
def format_name(value: str) -> str:
    """A recognised format as a person says it."""
    return FORMATS.get(value, value)


@register.filter
def words(value: str) -> str:
    """A stored name as a person says it: model_distillation → model distillation."""
    return value.replace("_", " ")


@register.filter
def sentence(value: str) -> str:
    """The same, with a capital at its start."""
    said = words(value)
    return said[:1].upper() + said[1:]


@register.filter
def once(waiting: Iterable[Any]) -> list[Any]:
    """Messages without those that say the same again."""
    return receipts.once(waiting)


@register.filter
def receipt(message: Any) -> receipts.Noted | None:
    """The receipt in a message, where it is one."""
    return receipts.of(message)


@register.simple_tag
def marked(value: Any, needles: tuple[str, ...]) -> SafeString:
    """Text with the searched words marked."""
    return marks.marked("" if value is None else str(value), needles)
