"""Search in a case, and one record with its raw line."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from cases import examination, reads
from cases.actors import Actor
from cases.refusals import Invalid, Refused
from evidence.search import FieldInfo, Record, Row, Table
from web import asked, marks
from web.charts.histogram import Histogram
from web.charts.histogram import histogram as columns_of
from web.door import from_elsewhere, is_partial, member_view
from web.facets import chosen_facets, facet_blocks, names_for_choice
from web.records import Columns, by_alias, drawn, shared_year
from web.views.frame import CasePage

AROUND = 4


@member_view("GET", "HEAD")
def search(request: HttpRequest, actor: Actor, reference: str) -> HttpResponse:
    """The query, what it finds, over time and by value. Running it is recorded before anything is shown."""
    page = CasePage(actor, reference, "search")
    readable = reads.readable_items(actor, page.case)
    ask = asked.Asked(request.GET, readable)
    context = page.context(
        ask=ask,
        readable=readable,
        total_lines=sum((item.records or 0) + (item.rejects or 0) for item in readable),
    )
    if ask.trouble:
        context["refused"] = Refused("invalid", ask.trouble, status=422)
        return render(request, "web/search/page.html", context, status=422)
    context["fields"] = fields = examination.fields(actor, page.case, items=ask.only) if readable else []
    if not ask.runs or not readable:
        return render(request, "web/search/page.html", context)
    if from_elsewhere(request):
        context["elsewhere"] = True
        return render(request, "web/search/page.html", context)
    facets = [] if ask.cursor else chosen_facets(fields, ask.facets)
    try:
        found = examination.search(
            actor,
            page.case,
            query=ask.query,
            start=ask.start,
            end=ask.end,
            items=ask.only,
            limit=asked.LIMIT,
            cursor=ask.cursor or None,
            facets=facets,
            interval=None if ask.cursor else "auto",
        )
        table = None
        if ask.by and not ask.cursor:
            table = examination.aggregate(
                actor,
                page.case,
                query=ask.query,
                start=ask.start,
                end=ask.end,
                items=ask.only,
                by=ask.by,
                metric=ask.metric,
                limit=20,
            )
    except Refused as refused:
        if refused.status == 404:
            raise
        position = refused.position if isinstance(refused, Invalid) else None
        context |= {
            "refused": refused,
            "wrong": marks.at(ask.query, position) if refused.field == "query" else None,
        }
        template = "web/parts/refused.html" if is_partial(request) and ask.cursor else "web/search/page.html"
        return render(request, template, context, status=refused.status)
    # What was searched, not what could be a moment earlier: the worker may have finished an item in between.
    owners = {item.pk: item.owner for item in found.items}
    shown = Columns.of(fields, found.page.records)
    if ask.columns:
        # A later page keeps the columns that the first one chose.
        shown = Columns.named(fields, ask.columns)
    # A later page goes on under the first one's heading.
    year = ask.year if ask.cursor else shared_year(found.page.records)
    needles = marks.needles(ask.query)
    context |= {
        "page": found.page,
        "rows": drawn(found.page.records, shown, owners, needles),
        "columns": shown,
        "needles": needles,
        "year": year,
        "more": ask.link(cursor=found.page.next, columns=shown.names, year=year) if found.page.next else "",
        "searched": found.items,
        "recorded": found.receipt,
    }
    if is_partial(request) and ask.cursor:
        return render(request, "web/search/rows.html", context)
    if found.histogram is not None:
        context["histogram"] = columns_of(
            found.histogram.buckets, step=found.histogram.interval, owners=owners
        )
        context["by_party"] = asked.by_party(found.histogram, owners)
        _link(context["histogram"], ask)
    context |= {
        "facets": facet_blocks(found.facets, facets, ask, set(ask.facets)),
        "choices": names_for_choice(fields),
        "table": table,
        "table_links": _linked_rows(table, ask) if table else [],
    }
    return render(request, "web/search/page.html", context)


@member_view("GET", "HEAD")
def record(request: HttpRequest, actor: Actor, reference: str, label: str, line: int) -> HttpResponse:
    """One record with all its fields, and its line among its neighbours as they stand in the sealed bytes."""
    page = CasePage(actor, reference, "search")
    item = reads.item(actor, page.case, label)
    if from_elsewhere(request):
        return render(request, "web/search/record_ask.html", page.context(item=item, line=line))
    found, raw, receipt = examination.in_context(actor, item, line, around=AROUND)
    context = {
        "item": item,
        "record": found,
        "named": _named(found, examination.fields(actor, page.case, items=[item.pk])),
        "raw": raw,
        "recorded": receipt,
        "needles": marks.needles(request.GET.get("q", "")[: asked.LONGEST]),
        "q": request.GET.get("q", ""),
    }
    if is_partial(request):
        return render(request, "web/search/record.html", context | {"case": page.case, "in_drawer": True})
    return render(request, "web/search/record_page.html", page.context(**context))


def _link(drawn_over_time: Histogram | None, ask: asked.Asked) -> None:
    """Each column of the histogram leads to itself."""
    for column in drawn_over_time.columns if drawn_over_time else []:
        column.link = ask.link(start=column.start, end=column.end)


def _linked_rows(table: Table, ask: asked.Asked) -> list[tuple[Row, str]]:
    """Each value leads to its records."""
    return [(row, ask.link(and_=(ask.by, row.value))) for row in table.rows]


def _named(found: Record, fields: list[FieldInfo]) -> list[tuple[str, tuple[str, ...], object, str]]:
    """Every field of a record: its own name, the names that stand for it, its value, the link's clause."""
    aliases = {name: infos[0].aliases for name, infos in by_alias(fields).items() if infos[0].name == name}
    return [
        (name, aliases.get(name, ()), _plain(value), asked.clause(name, value))
        for name, value in found.fields.items()
        if value is not None
    ]


def _plain(value: object) -> object:
    """A value as its source writes it."""
    return str(value).lower() if isinstance(value, bool) else value
