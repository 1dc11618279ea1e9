"""Search over the sealed records of the items a member may read. The list of sources is the allow-list:
nothing else is opened.

    search(sources, query=…, start=…, end=…, limit=100, cursor=None) -> Page
    histogram(sources, query=…, start=…, end=…, interval="auto", by_item=False) -> Histogram
    aggregate(sources, query=…, start=…, end=…, by=…, metric="count", limit=20) -> Table
    fields(sources) -> list[FieldInfo]
    records_at(sources, item=…, lines=[…]) -> list[Record]
    narrow(field, value) -> str          the clause that matches exactly that whole value, as a facet click
    adds it choose_interval(start, end) -> str   the interval "auto" would take check(query) -> None
    raises QueryError without touching a file

`start` is included, `end` is not; both aware datetimes or None. Raised: QueryError, SearchLimit.
"""

from evidence.search.errors import QueryError, SearchLimit
from evidence.search.language import check, narrow
from evidence.search.model import Bucket, FieldInfo, Histogram, Page, Record, Row, Source, Table, Value
from evidence.search.pages import records_at, search
from evidence.search.summaries import aggregate, choose_interval, fields, histogram

__all__ = [
    "Bucket",
    "FieldInfo",
    "Histogram",
    "Page",
    "QueryError",
    "Record",
    "Row",
    "SearchLimit",
    "Source",
    "Table",
    "Value",
    "aggregate",
    "check",
    "choose_interval",
    "fields",
    "histogram",
    "narrow",
    "records_at",
    "search",
]
