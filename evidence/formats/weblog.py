"""Access logs of nginx and Apache: common and combined, with whatever a server adds at the end of the line.

The line has no names of its own, so its columns carry ECS names. Texts are kept as the server wrote them,
escapes included; "-" means that the server had nothing to say and becomes NULL.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from evidence.formats.plan import BLANK, Clock, Column, Plan, Recognised, Sample, literal, quoted

VERSION = "1"
NOT_WEBLOG = "not an access log line"

TEXT = r'"((?:[^"\\]|\\.)*)"'
COMMON = rf"^(\S+) (\S+) (.*?) \[([^\]]*)\] {TEXT} (\d{{3}}|-) (\d+|-)"
PATTERN = rf"{COMMON}(?: {TEXT} {TEXT})?(?: (.*))?$"
GROUPS = ("ip", "ident", "user", "time", "request", "status", "bytes", "referrer", "agent", "rest")
REQUEST = r"^(\S+) (\S+)(?: HTTP/(\S+))?$"
CLF = "%d/%b/%Y:%H:%M:%S %z"

CLOCK = Clock("_time_text", CLF, f"try_strptime({{0}}, '{CLF}')")

COLUMNS = (
    Column("source.ip", "VARCHAR"),
    Column("client.ident", "VARCHAR"),
    Column("user.name", "VARCHAR"),
    Column("http.request.method", "VARCHAR"),
    Column("url.original", "VARCHAR"),
    Column("url.path", "VARCHAR"),
    Column("url.query", "VARCHAR"),
    Column("http.version", "VARCHAR"),
    Column("http.response.status_code", "BIGINT"),
    Column("http.response.body.bytes", "BIGINT"),
    Column("http.request.referrer", "VARCHAR"),
    Column("user_agent.original", "VARCHAR"),
    Column("rest", "VARCHAR"),
)


@dataclass(frozen=True)
class WebLog(Plan):
    """The plan of one access log; the same for all of them."""

    columns: tuple[Column, ...] = COLUMNS
    clock: Clock | None = CLOCK
    message: str | None = "url.original"

    def select(self, entries: str, *, guarded: bool) -> str:
        """See Plan. `r` holds the parts of the line, `q` those of the request."""
        names = "[" + ", ".join(literal(one) for one in GROUPS) + "]"
        parts = {
            "source.ip": "nullif(r.ip, '-')",
            "client.ident": "nullif(r.ident, '-')",
            "user.name": "nullif(r.user, '-')",
            "http.request.method": "nullif(q.method, '')",
            "url.original": "CASE WHEN q.method <> '' THEN q.url ELSE nullif(nullif(r.request, '-'), '') END",
            "url.path": "CASE WHEN q.method <> '' THEN split_part(q.url, '?', 1) END",
            "url.query": "CASE WHEN contains(q.url, '?') THEN substr(q.url, strpos(q.url, '?') + 1) END",
            "http.version": "nullif(q.version, '')",
            "http.response.status_code": "try_cast(r.status AS BIGINT)",
            "http.response.body.bytes": "try_cast(r.bytes AS BIGINT)",
            "http.request.referrer": "nullif(nullif(r.referrer, '-'), '')",
            "user_agent.original": "nullif(nullif(r.agent, '-'), '')",
            "rest": "nullif(r.rest, '')",
        }
        fields = ", ".join(
            f"CASE WHEN err IS NULL THEN {parts[column.name]} END AS {quoted(column.name)}"
            for column in self.columns
        )
        return f"""
            SELECT n AS _line, CASE WHEN err IS NULL THEN try_strptime(r.time, '{CLF}')::TIMESTAMP END AS _time,
                CASE WHEN err IS NULL THEN r.time END AS _time_text,
                err AS _error, CASE WHEN err IS NOT NULL THEN coalesce(l, '') END AS _text, {fields}
            FROM (SELECT *, regexp_extract(r.request, '{REQUEST}', ['method', 'url', 'version']) AS q,
                    CASE WHEN e IS NOT NULL THEN e WHEN l IS NULL OR trim(l, ' \t') = '' THEN '{BLANK}'
                        WHEN r.ip = '' THEN '{NOT_WEBLOG}' END AS err
                FROM (SELECT *, regexp_extract(coalesce(l, ''), {literal(PATTERN)}, {names}) AS r FROM ({entries})))"""

    def widened(self, leftovers: Iterator[str]) -> None:
        """See Plan. An access log has no more fields than these."""


def recognise(sample: Sample) -> Recognised | None:
    """An access log where at least six lines of ten read as one."""
    telling = [line for line in sample.lines if line.strip()]
    fits = sum(1 for line in telling if re.match(COMMON, line))
    if not telling or fits < 0.6 * len(telling):
        return None
    combined = sum(1 for line in telling if re.match(rf"{COMMON} {TEXT} {TEXT}", line))
    return Recognised(
        "combined" if combined * 2 > fits else "common", "weblog", VERSION, fits / len(telling), WebLog()
    )
