"""Where the next page begins, as a token that only we can make and that fits one query only."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings

from evidence.search.errors import QueryError

_BAD = "This page marker is not ours or belongs to another search; start the search again."


@dataclass(frozen=True)
class Cursor:
    """The last record shown (`time` in microseconds or None) and the total counted with the first page."""

    time: int | None
    item: UUID
    line: int
    total: int
    exact: bool


def fingerprint(query: str, start: datetime | None, end: datetime | None) -> str:
    """What a cursor is bound to."""
    return hashlib.sha256(json.dumps([query, str(start), str(end)]).encode()).hexdigest()[:16]


def pack(cursor: Cursor, bound: str) -> str:
    body = json.dumps(
        [bound, cursor.time, cursor.item.hex, cursor.line, cursor.total, cursor.exact], separators=(",", ":")
    ).encode()
    return base64.urlsafe_b64encode(_seal(body) + body).decode().rstrip("=")


def unpack(text: str, bound: str) -> Cursor:
    """Raises QueryError for whatever pack() did not make for this very query."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise QueryError(_BAD) from error
    if len(raw) < 17 or not hmac.compare_digest(raw[:16], _seal(raw[16:])):
        raise QueryError(_BAD)
    theirs, time, item, line, total, exact = json.loads(raw[16:])
    if theirs != bound:
        raise QueryError(_BAD)
    return Cursor(time, UUID(item), line, total, exact)


def _seal(body: bytes) -> bytes:
    key = hashlib.sha256(b"countersign/search/cursor\n" + settings.SECRET_KEY.encode()).digest()
    return hmac.new(key, body, hashlib.sha256).digest()[:16]
