"""The custody of everything in a case that one may see."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from cases import handing, listings, reads
from cases.actors import Actor
from cases.models.evidence import CUSTODY_KINDS
from web.custodial import told
from web.door import member_view
from web.views.frame import CasePage

PAGE = 200


@member_view("GET", "HEAD")
def custody(request: HttpRequest, actor: Actor, reference: str) -> HttpResponse:
    """Custody events, the newest first; by item and by kind."""
    page = CasePage(actor, reference, "custody")
    items = list(reads.items(actor, page.case))
    label = request.GET.get("item", "").upper()
    kind = request.GET.get("kind", "")
    found = listings.case_custody(actor, page.case)
    if label:
        found = found.filter(item=reads.item(actor, page.case, label))
    if kind in CUSTODY_KINDS:
        found = found.filter(kind=kind)
    before = request.GET.get("before", "")
    if before.isascii() and before.isdecimal() and len(before) < 16:
        found = found.filter(entry__lt=int(before))
    events = list(found[: PAGE + 1])
    older = ""
    if len(events) > PAGE:
        # An entry that speaks of several items stays whole on one page.
        last = events[PAGE].entry
        events = [event for event in events[:PAGE] if event.entry != last] or events[:PAGE]
        query = request.GET.copy()
        query["before"] = str(events[-1].entry)
        older = query.urlencode()
    newest = request.GET.copy()
    newest.pop("before", None)
    context = page.context(
        items=items,
        waiting=handing.waiting(actor, page.case) if not label and not kind and not before else [],
        item_label=label,
        kind=kind,
        kinds=list(CUSTODY_KINDS.items()),
        custody=told(events, page.known_parties),
        older=older,
        newest=newest.urlencode(),
        first_page=not before,
    )
    return render(request, "web/custody/list.html", context)
