"""The evidence of a case: its list, one item, and what may be done with it."""

from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header

from cases import examination, policy, reads
from cases.actors import Actor
from cases.insight.subject import may_ask
from cases.models import CustodyEvent, EvidenceItem
from cases.perform import perform
from cases.refusals import Refused
from cases.rules.sharing import OfferShare
from cases.streams import Pieces
from web import charts, ingest, receipts
from web import signing as hand
from web.custodial import summed_up, told
from web.door import command_id, from_elsewhere, made_from, member_view, page_number
from web.forms.evidence import ShareForm
from web.records import LESS_ROOM, Columns, drawn, shared_year
from web.views.frame import CasePage

FIRST = 8
REJECTS = 50
PAGE = 100
EXAMINED = 30  # the latest of them on the item's page; all of them under Custody


@member_view("GET", "HEAD")
def evidence_list(request: HttpRequest, actor: Actor, reference: str) -> HttpResponse:
    """The items that the actor may see."""
    page = CasePage(actor, reference, "evidence")
    number = page_number(request)
    found = reads.items(actor, page.case)
    items = list(found[(number - 1) * PAGE : number * PAGE + 1])
    more = len(items) > PAGE
    items = items[:PAGE]
    context = page.context(
        items=items,
        total=found.count() if more or number > 1 else len(items),
        total_records=0 if more or number > 1 else sum(item.records or 0 for item in items),
        newer=number - 1,
        older=number + 1 if more else None,
    )
    return render(request, "web/evidence/list.html", context)


def _custody(page: CasePage, item: EvidenceItem) -> tuple[list[CustodyEvent], bool]:
    """Every step of an item, and the latest times it was read; whether there were more of those."""
    events = reads.custody(page.actor, item)
    latest = events.filter(kind="examined").order_by("-entry", "-id").values("pk")[: EXAMINED + 1]
    found = list(events.filter(~Q(kind="examined") | Q(pk__in=latest)))
    read = [event for event in found if event.kind == "examined"]
    cut = len(read) > EXAMINED
    return told([event for event in found if not cut or event is not read[0]], page.known_parties), cut


def _facts(item: EvidenceItem) -> tuple[list[tuple[str, str]], str]:
    """What is stated of an item's acquisition, and the names of what a court would ask for and is not."""
    covered = " – ".join(text for text in (item.covers_from_text, item.covers_until_text) if text)
    stated = [
        ("Source system", item.source_system),
        ("Account", item.account),
        ("Tenant", item.tenant),
        ("Host", item.host),
        ("Covers", covered),
        ("Acquired by", item.acquired_by),
        ("Acquired at", item.acquired_at_text),
        ("Method", item.method),
        ("Tool", f"{item.tool} {item.tool_version}".strip()),
        ("Legal basis", item.legal_basis),
    ]
    wanted = (
        {"Source system", "Covers", "Acquired at", "Method", "Legal basis"} if not item.parent_id else set()
    )
    missing = [name.lower() for name, value in stated if name in wanted and not value]
    return [(name, value) for name, value in stated if value], ", ".join(missing)


def _page(
    request: HttpRequest,
    page: CasePage,
    item: EvidenceItem,
    *,
    form: ShareForm | None = None,
    status: int = 200,
) -> HttpResponse:
    actor = page.actor
    offers = policy.offers(actor, item)
    custody, cut = _custody(page, item)
    facts, missing = _facts(item)
    others = reads.shared_with(actor, item)
    allowed = reads.allowed(actor, item)
    settled = item.state in ingest.SETTLED
    family = Q(parent=item.pk) | Q(pk=item.parent_id)
    has_parts = item.format in reads.CONTAINERS or any(event.kind == "extracted" for event in custody)
    related = item.parent_id is not None or (settled and has_parts)
    seen = list(reads.items(actor, page.case).filter(family)) if related else []
    derived = [one for one in seen if one.parent_id == item.pk]
    if form is None and "OfferShare" in page.offers and "share_on" in allowed:
        form = ShareForm(auto_id="id_share_%s", initial={"tlp": item.marking})
    if form is not None:
        form.offer_to(page.parties.values(), but={item.owner_id, actor.party})
    may_preview = bool(
        "ExamineEvidence" in offers
        and "preview" in allowed
        and item.state in {"searchable", "indexed"}
        and item.records is not None
        and item.format not in reads.CONTAINERS
    )
    # Before the header says how the proof stands: what is shown here is recorded first.
    asked = may_preview and request.GET.get("show") == "records" and not from_elsewhere(request)
    shown = _shown(page, item) if asked else {}
    context = page.context(
        item=item,
        custody=custody,
        custody_sentence=summed_up(custody),
        line=charts.custody_line(custody, holder=item.holder),
        facts=facts,
        facts_missing=missing,
        derived=derived,
        parent_seen=any(one.pk == item.parent_id for one in seen),
        custody_cut=cut,
        seen_by=[item.owner, *others],
        may_ask=may_ask(actor),
        share_form=form if form is not None and form.has_choice else None,
        signing=hand.signing(page.parties[actor.party], page.own_keys) if form is not None else None,
        may_download="ExamineEvidence" in offers and "download" in allowed and item.sha256,
        may_preview=may_preview,
        **shown,
        **ingest.told(item, None if settled else reads.ingest_of(actor, item)),
    )
    return render(request, "web/evidence/item.html", context, status=status)


def _shown(page: CasePage, item: EvidenceItem) -> dict[str, Any]:
    """The first records and the rejects; reading them is recorded before they are read."""
    found = examination.preview(page.actor, item, records=FIRST, rejects=REJECTS)
    columns = Columns.of(
        examination.fields(page.actor, page.case, items=[item.pk]), found.records, room=LESS_ROOM
    )
    return {
        "columns": columns,
        "first_records": drawn(found.records, columns, {item.pk: item.owner}),
        "rejects": found.rejects,
        "recorded": found.receipt,
        "year": shared_year(found.records),
        "shown": True,
    }


@member_view("GET", "HEAD")
def item_page(request: HttpRequest, actor: Actor, reference: str, label: str) -> HttpResponse:
    """One item: its custody, hashes, facts, and how far the worker is."""
    page = CasePage(actor, reference, "evidence")
    return _page(request, page, reads.item(actor, page.case, label))


@member_view("GET", "HEAD")
def item_state(request: HttpRequest, actor: Actor, reference: str, label: str) -> HttpResponse:
    """What changes while the worker is at it; polled until nothing changes any more."""
    page = CasePage(actor, reference, "evidence")
    item = reads.item(actor, page.case, label)
    custody, cut = _custody(page, item)
    context = {
        "case": page.case,
        "item": item,
        "custody": custody,
        "custody_cut": cut,
        "custody_sentence": summed_up(custody),
        "line": charts.custody_line(custody, holder=item.holder),
        "polled": True,
        **ingest.told(item, reads.ingest_of(actor, item)),
    }
    return render(request, "web/evidence/state_poll.html", context)


@member_view("POST")
def item_share(request: HttpRequest, actor: Actor, reference: str, label: str) -> HttpResponse:
    """Offer an item to another party of the case."""
    page = CasePage(actor, reference, "evidence")
    item = reads.item(actor, page.case, label)
    form = ShareForm(request.POST, auto_id="id_share_%s")
    form.offer_to(page.parties.values())
    status = 422
    if form.is_valid():
        try:
            id_ = command_id(request)
            share = made_from(id_, "share")
            command = OfferShare(id=id_, case=page.case.pk, share=share, items=(item.pk,), **form.said())
            if hand.wanted(request):
                return hand.draw(request, actor, command, form, case=page.case, title=f"Share {item.label}")
            receipt = perform(command, actor=actor, authorship=hand.given(request, actor))
            receipts.give(request, receipt, case=page.case.reference)
            return redirect("item", page.case.reference, item.label)
        except Refused as refused:
            if refused.status == 404:
                raise
            form.refused(refused)
            status = refused.status
    if hand.by_script(request):
        return hand.trouble(form)
    return _page(request, page, item, form=form, status=status)


@member_view("POST")
def item_download(request: HttpRequest, actor: Actor, reference: str, label: str) -> HttpResponseBase:
    """The sealed bytes; the download is in custody before the first of them leaves."""
    case = reads.case(actor, reference)
    item = reads.item(actor, case, label)
    content = examination.open_content(actor, item)
    receipts.give(request, content.receipt, case=case.reference)
    # The content is somebody's evidence, never a page of this site.
    name = content.name or f"{case.reference}-{item.label}"
    response = StreamingHttpResponse(
        Pieces(content, first=0, length=content.size),
        content_type="application/octet-stream",
        headers={"Content-Disposition": content_disposition_header(True, name) or "attachment"},
    )
    response.headers["Content-Length"] = str(content.size)
    response.headers["X-Content-SHA256"] = item.sha256
    return response
