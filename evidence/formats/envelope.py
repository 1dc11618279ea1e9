"""Records out of one JSON document such as {"Records": [ … ]}, one after the other, at flat memory.

Bytes are read as Latin-1, so that a character is a byte and every position is a byte offset; the structure of
JSON is all ASCII and does not mind.
"""

import json
import re
from collections.abc import Iterator
from typing import BinaryIO

OPENING = re.compile(rb'\s*(?:\xef\xbb\xbf)?\s*\{\s*"Records"\s*:\s*\[')
CHUNK = 1 << 22
# A record that is still open after this many bytes is not read on.
LONGEST_RECORD = 1 << 24
BETWEEN = re.compile(r"[\s,]*")
NEXT = r"\}\s*,\s*(?=\{"
FIRST_NAME = re.compile(r'\{\s*("(?:[^"\\]|\\.){1,200}")')


def opening(head: bytes) -> int | None:
    """The offset just after `{"Records": [`, or None where the bytes begin otherwise."""
    match = OPENING.match(head)
    return match.end() if match else None


def records_from(sealed: BinaryIO, offset: int) -> Iterator[tuple[int, bytes]]:
    """Each record from `offset` on as (byte offset, exact bytes). What cannot be read comes out too, as it
    stands.

    Ends at the array's `]` or at the end of the bytes; a broken record reaches to the next `}, {` that is
    followed by the name with which the first record begins.
    """
    scan = json.JSONDecoder().raw_decode
    sealed.seek(offset)
    text = ""
    base, at = offset, 0
    ended = False
    following: re.Pattern[str] | None = None
    while True:
        at = _skip(text, at)
        if at < len(text) and text[at] == "]":
            return
        stop = None
        if at < len(text):
            following = following or _following(text, at)
            try:
                _, stop = scan(text, at)
            except (RecursionError, ValueError):
                stop = None
            # A scalar at the end of what was read may go on in the next chunk.
            if stop is not None and stop == len(text) and not ended and text[at] not in "{[":
                stop = None
        if stop is None and not ended and len(text) - at < LONGEST_RECORD:
            more = sealed.read(CHUNK)
            ended = not more
            base, text, at = base + at, text[at:] + more.decode("latin-1"), 0
            continue
        if at >= len(text):
            return
        if stop is None:
            match = following.search(text, at) if following else None
            stop = match.start() + 1 if match else len(text)
        yield base + at, text[at:stop].encode("latin-1")
        at = stop


def _skip(text: str, at: int) -> int:
    match = BETWEEN.match(text, at)
    return match.end() if match else at


def _following(text: str, at: int) -> re.Pattern[str]:
    """What stands between the end of a record and the next one, judged by how this one begins."""
    name = FIRST_NAME.match(text, at)
    return re.compile(NEXT + (r"\s*" + re.escape(name[1]) if name else "") + ")")
