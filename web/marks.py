"""Marks a query's words in what was found. A help for the eye: what matches is the search's business."""

import re

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

# A quoted phrase, or a bare word; a field's name before the colon is not a thing to mark.
_PIECE = re.compile(r'(?:[\w.@-]+:)?(?:"((?:[^"\\]|\\.)+)"|/(?:[^/\\]|\\.)+/|([^\s()"\[\]{}]+))')
_OPERATORS = {"AND", "OR", "NOT", "TO", "&&", "||", "!"}


def needles(query: str) -> tuple[str, ...]:
    """The literal words and phrases of a query that are not negated, longest first."""
    found: set[str] = set()
    negated = False
    for piece in _PIECE.finditer(query):
        phrase, word = piece.group(1), piece.group(2)
        if word in _OPERATORS:
            negated = word in {"NOT", "!"}
            continue
        if piece.group(0).startswith(("-", "!")):
            negated = False
            continue
        if not negated:
            if phrase:
                found.add(phrase.replace('\\"', '"'))
            elif word:
                found.update(part for part in re.split(r"[*?]", _value(word)) if len(part) > 1)
        negated = False
    return tuple(sorted(found, key=len, reverse=True)[:24])


def _value(word: str) -> str:
    """The searched part of a bare word; empty for comparisons and networks, which have no letters to mark."""
    head, _, tail = word.partition(":")
    value = tail if tail and re.fullmatch(r"[\w.@+-]+", head) else word
    value = value.lstrip("+").rstrip("~^")
    if value.startswith((">", "<", "/")) or re.search(r"/\d{1,3}$", value):
        return ""
    return value.replace("\\", "")


def marked(text: str, words: tuple[str, ...], *, limit: int = 4000) -> SafeString:
    """Escaped text with each needle in a <mark>."""
    text = text if len(text) <= limit else f"{text[:limit]}…"
    if not words:
        return format_html("{}", text)
    pattern = re.compile("|".join(re.escape(word) for word in words), re.IGNORECASE)
    out: list[str] = []
    at = 0
    for hit in pattern.finditer(text):
        out.append(format_html("{}<mark>{}</mark>", text[at : hit.start()], hit.group()))
        at = hit.end()
    out.append(format_html("{}", text[at:]))
    return mark_safe("".join(out))  # noqa: S308 - every piece went through format_html


def excerpt(text: str, words: tuple[str, ...], *, before: int = 18, free: int = 24) -> str:
    """The text from a little before its first marked word: a narrow column shows why the record is here."""
    found = [at for word in words if (at := text.lower().find(word.lower())) >= 0]
    if not found or min(found) <= free:
        return text
    start = min(found) - before
    gap = text.find(" ", start, min(found))
    return "…" + text[gap + 1 if gap >= 0 else start :]


def at(query: str, position: int | None) -> SafeString | None:
    """The query with the character marked where it stops making sense; past its end, a mark after it."""
    if position is None:
        return None
    position = min(max(position, 0), len(query))
    here = query[position : position + 1] or " "
    return format_html('{}<span class="at">{}</span>{}', query[:position], here, query[position + 1 :])
