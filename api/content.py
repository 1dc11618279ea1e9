"""Sealed bytes over HTTP: whole or one byte range, always as a download, named by their SHA-256."""

import re
from urllib.parse import quote

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from api.problems import RangeNotSatisfiable
from cases.examination import Content
from cases.streams import Pieces


def unchanged(request: Request, sha256: str) -> bool:
    """True where the client holds these very bytes already and says so."""
    asked = request.headers.get("If-None-Match", "")
    tags = {tag.strip().removeprefix("W/").strip('"') for tag in asked.split(",")}
    return sha256 in tags


def not_modified(sha256: str) -> HttpResponse:
    """304: sealed bytes never change."""
    return HttpResponse(status=304, headers={"ETag": f'"{sha256}"'})


def asked_range(request: Request, *, sha256: str, size: int) -> tuple[int, int] | None:
    """First and last byte of the one range that was asked, or None for the whole; raises RangeNotSatisfiable.

    A range in a unit we do not know, of several parts, or under an If-Range that does not match is ignored,
    as RFC 9110 14.2 lets a server do.
    """
    condition = request.headers.get("If-Range")
    if condition is not None and condition.strip() != f'"{sha256}"':
        return None
    found = re.fullmatch(
        r"\s*bytes\s*=\s*([0-9]{0,18})\s*-\s*([0-9]{0,18})\s*", request.headers.get("Range", "")
    )
    if not found or not (found[1] or found[2]):
        return None
    if found[1]:
        first, last = int(found[1]), int(found[2]) if found[2] else size - 1
        if found[2] and last < first:
            return None
    else:
        first, last = max(0, size - int(found[2])), size - 1
    if first >= size:
        raise RangeNotSatisfiable(size=size)
    return first, min(last, size - 1)


def download(sealed: Content, *, sha256: str, part: tuple[int, int] | None) -> HttpResponseBase:
    """The bytes, streamed; the file is closed when the response is."""
    name, size = sealed.name, sealed.size
    first, last = part or (0, size - 1)
    return StreamingHttpResponse(
        Pieces(sealed, first=first, length=last + 1 - first),
        status=206 if part else 200,
        content_type="application/octet-stream",
        headers=_headers(name=name, sha256=sha256, size=size, part=part),
    )


def headers_only(*, name: str, sha256: str, size: int, part: tuple[int, int] | None) -> HttpResponse:
    """What HEAD answers: no byte of the evidence leaves, so nothing is recorded."""
    return HttpResponse(
        status=206 if part else 200,
        content_type="application/octet-stream",
        headers=_headers(name=name, sha256=sha256, size=size, part=part),
    )


def _headers(*, name: str, sha256: str, size: int, part: tuple[int, int] | None) -> dict[str, str]:
    first, last = part or (0, size - 1)
    headers = {
        "Content-Length": str(last + 1 - first),
        "Content-Disposition": disposition(name),
        "ETag": f'"{sha256}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return headers | {"Content-Range": f"bytes {first}-{last}/{size}"} if part else headers


def disposition(name: str) -> str:
    """Content-Disposition for a download:
    a plain ASCII name for old clients, the true one in UTF-8 (RFC 6266)."""
    shown = re.sub(r"[^A-Za-z0-9._ -]", "_", name) or "evidence"
    return f"attachment; filename=\"{shown}\"; filename*=UTF-8''{quote(name or 'evidence', safe='')}"
