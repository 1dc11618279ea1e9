"""Searching records, counting them, and looking at one in its place."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.filters import CURSOR, LIMIT
from api.paging import limit_of, whole_number
from api.serializers.evidence import RejectPage
from api.serializers.search import (
    AggregateAnswer,
    AggregateQuery,
    FieldsAnswer,
    HistogramAnswer,
    HistogramQuery,
    InContext,
    SearchAnswer,
    SearchQuery,
)
from api.views.cases import CASE
from api.views.door import Door
from api.views.evidence import ITEM
from cases import examination, reads
from cases.models import Case
from evidence.search import Record

MAX_AROUND = 50


class _OverItems(Door):
    def scope(self, case: Case, asked: dict[str, Any]) -> dict[str, Any]:
        """Query, range and items as cases.examination takes them."""
        return {
            "query": asked["query"],
            "start": asked["from"],
            "end": asked["to"],
            "items": self.ids(case, asked["items"]),
        }

    def ids(self, case: Case, given: Sequence[str] | None) -> list[UUID] | None:
        """Items by id or number as ids; Unseen where one is not to be seen. None where all are meant."""
        return reads.item_ids(self.actor, case, given) if given else None


class Search(_OverItems):
    """Records."""

    @extend_schema(
        operation_id="search", parameters=[CASE], request=SearchQuery, responses=SearchAnswer, tags=["Search"]
    )
    def post(self, request: Request, case: str) -> Response:
        """Records of the items that you may read, in order of time.
        Showing them is recorded in their custody."""
        found = self.case(case)
        asked = self.asked(SearchQuery)
        findings = examination.search(
            self.actor, found, **self.scope(found, asked), limit=asked["limit"], cursor=asked["cursor"]
        )
        page = findings.page
        return Response(
            {
                "total": page.total,
                "total_is_exact": page.total_is_exact,
                "records": [record_facts(one) for one in page.records],
                "next": page.next,
                "warnings": list(page.warnings),
            }
        )


class Histogram(_OverItems):
    """Counts over time."""

    @extend_schema(
        operation_id="histogram",
        parameters=[CASE],
        request=HistogramQuery,
        responses=HistogramAnswer,
        tags=["Search"],
    )
    def post(self, request: Request, case: str) -> Response:
        """How many records match in each interval."""
        found = self.case(case)
        asked = self.asked(HistogramQuery)
        bars = examination.histogram(
            self.actor, found, **self.scope(found, asked), interval=asked["interval"]
        )
        return Response(
            {
                "buckets": [{"start": one.start, "count": one.count} for one in bars.buckets],
                "interval_seconds": int(bars.interval.total_seconds()),
                "total": bars.total,
                "warnings": list(bars.warnings),
            }
        )


class Aggregate(_OverItems):
    """Top values."""

    @extend_schema(
        operation_id="aggregate",
        parameters=[CASE],
        request=AggregateQuery,
        responses=AggregateAnswer,
        tags=["Search"],
    )
    def post(self, request: Request, case: str) -> Response:
        """The values of a field with the largest figure: a count, a sum, or a number of distinct values."""
        found = self.case(case)
        asked = self.asked(AggregateQuery)
        wanted = {name: asked[name] for name in ("by", "metric", "limit")}
        table = examination.aggregate(self.actor, found, **self.scope(found, asked), **wanted)
        return Response(
            {
                "rows": [
                    {"value": one.value, "metric": one.metric, "count": one.count} for one in table.rows
                ],
                "total": table.total,
                "distinct": table.distinct,
                "warnings": list(table.warnings),
            }
        )


class Fields(_OverItems):
    """What can be searched."""

    @extend_schema(operation_id="fields", parameters=[CASE], responses=FieldsAnswer, tags=["Search"])
    def get(self, request: Request, case: str) -> Response:
        """The fields of the items that you may read, by name."""
        told = examination.fields(self.actor, self.case(case))
        return Response(
            {
                "fields": [
                    {"name": f.name, "type": f.type, "aliases": list(f.aliases), "items": f.items}
                    for f in told
                ]
            }
        )


class OneRecord(Door):
    """One record in its place."""

    @extend_schema(
        operation_id="record",
        parameters=[
            CASE,
            ITEM,
            OpenApiParameter(
                "around", {"type": "integer", "minimum": 0, "maximum": MAX_AROUND}, OpenApiParameter.QUERY
            ),
        ],
        responses=InContext,
        tags=["Search"],
    )
    def get(self, request: Request, case: str, item: str, line: int) -> Response:
        """The record of a line, and its raw text among its neighbours, read from the sealed bytes."""
        around = whole_number(request, "around", default=5, low=0, high=MAX_AROUND)
        found = self.item(case, item)
        record = examination.record(self.actor, found, line)
        lines = examination.raw_context(self.actor, found, line, around)
        return Response(
            {
                "record": record_facts(record),
                "context": [
                    {
                        "line": one.line,
                        "offset": one.offset,
                        "text": one.text,
                        "cut": one.cut,
                        "asked": one.line == line,
                    }
                    for one in lines
                ],
            }
        )


class Rejects(Door):
    """Lines that did not parse."""

    @extend_schema(
        operation_id="evidence_rejects",
        parameters=[CASE, ITEM, CURSOR, LIMIT],
        responses=RejectPage,
        tags=["Evidence"],
    )
    def get(self, request: Request, case: str, item: str) -> Response:
        """The lines that did not parse, each with the reason.
        Showing them is recorded in the item's custody."""
        found = self.item(case, item)
        limit = limit_of(request)
        page = examination.rejects(self.actor, found, limit=limit, cursor=request.query_params.get("cursor"))
        return Response(RejectPage({"total": page.total, "results": page.records, "next": page.next}).data)


def record_facts(record: Record) -> dict[str, Any]:
    """A record as the API gives it."""
    return {
        "item": record.item,
        "item_number": record.number,
        "line": record.line,
        "offset": record.offset,
        "time": record.time,
        "time_text": record.time_text,
        "message": record.message,
        "fields": {**record.ecs, **record.fields},
        "error": record.error,
    }
