"""Who has read what, who sees what and why, and what a party knew when."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from cases import reads
from cases.actors import Actor
from cases.insight import asof, exposure, subject, viewas, why
from cases.models import EvidenceItem
from cases.refusals import Invalid, Refused, Unseen
from cases.rules.values import ROLES, instant
from web import shared
from web.door import member_view
from web.views.frame import CasePage

HOW = {
    "search": "searched",
    "preview": "previewed",
    "download": "downloaded",
    "aggregate": "counted",
    "broken_off": "download broken off",
}
DRAWN = 200


def _uuid(given: str) -> UUID | None:
    """An id asked for; nonsense names nothing that there is."""
    if not given:
        return None
    try:
        return UUID(given)
    except ValueError:
        raise Unseen from None


def _item(page: CasePage, request: HttpRequest) -> EvidenceItem | None:
    label = request.GET.get("item", "")
    return reads.item(page.actor, page.case, label) if label else None


def _reading(one: Any, labels: Mapping[UUID, str], parties: Mapping[UUID, Any]) -> dict[str, Any]:
    named = sorted(((labels[pk], count) for pk, count in one.shown.items() if pk in labels), key=_number)
    return {
        "at": one.at,
        "entry": one.entry,
        "who": one.who,
        "party": parties.get(one.party),
        "how": HOW[one.how],
        "query": one.query,
        "purpose": one.purpose,
        "items": named[:8],
        "more": max(len(named) - 8, 0),
        "records": sum(one.shown.values()),
        "sent": one.sent,
    }


def _number(named: tuple[str, int]) -> int:
    return int(named[0][2:])


@member_view("GET", "HEAD")
def exposure_report(request: HttpRequest, actor: Actor, reference: str) -> HttpResponse:
    """What was read of the actor's own items: by a party, of an item, or under a share."""
    page = CasePage(actor, reference, "sharing")
    share_id, before = request.GET.get("share", ""), request.GET.get("before", "")
    share = reads.share(actor, page.case, share_id) if share_id else None
    found = exposure.exposure(
        actor,
        page.case,
        party=_uuid(request.GET.get("party", "")),
        item=_item(page, request),
        share=share,
        before=int(before) if before.isascii() and before.isdecimal() and len(before) < 16 else None,
    )
    labels = {line.item.pk: line.item.label for line in found.lines}
    known = page.parties | ({found.party.pk: found.party} if found.party else {})
    asked = request.GET.copy()
    asked["before"] = str(found.older or "")
    context = page.context(
        report=found,
        readings=[_reading(one, labels, known) for one in found.readings],
        others=[one for one in page.parties.values() if one.pk != actor.party],
        standing=shared.standing(share, page.context()["now"]) if share else None,
        older=asked.urlencode() if found.older else "",
    )
    return render(request, "web/insight/exposure.html", context)


@member_view("GET", "HEAD")
def item_who(request: HttpRequest, actor: Actor, reference: str, label: str) -> HttpResponse:
    """Who can see an item, and why: for one party or member at a time."""
    page = CasePage(actor, reference, "evidence", with_members=True)
    whom = request.GET.get("whom", "")
    answer = why.why_item(actor, page.case, label.upper(), _subject(page, whom)) if whom else None
    item = answer.item if answer else None
    if item is None:
        item = reads.item(actor, page.case, label)
        subject.asking(actor)
    context = page.context(item=item, answer=answer, whom=whom, choices=_choices(page, item))
    return render(request, "web/insight/why.html", context)


@member_view("GET", "HEAD")
def view_as(request: HttpRequest, actor: Actor, reference: str) -> HttpResponse:
    """What another's lists would show of the actor's own items, and why it sees the case at all."""
    page = CasePage(actor, reference, "sharing", with_members=True)
    whom = request.GET.get("whom", "")
    view, answer = None, None
    if whom:
        about = _subject(page, whom)
        view = viewas.view_as(actor, page.case, about)
        answer = why.why_case(actor, page.case, about)
    else:
        subject.asking(actor)
    context = page.context(
        view=view,
        answer=answer,
        whom=whom,
        choices=_choices(page, None),
        items=view.items[:DRAWN] if view else [],
        more=max(len(view.items) - DRAWN, 0) if view else 0,
    )
    return render(request, "web/insight/view_as.html", context)


def _subject(page: CasePage, whom: str) -> subject.Subject:
    """The party or member that the form names: "party:<id>" or "member:<id>"."""
    kind, _, id_ = whom.partition(":")
    if kind not in ("party", "member"):
        raise Unseen
    asked = {kind: _uuid(id_)}
    return subject.subject(page.actor, page.case, parts=page.parts, **asked)


def _choices(page: CasePage, item: EvidenceItem | None) -> list[tuple[Any, list[tuple[str, str]]]]:
    """The parties with their members, to ask about; of an item of another party one's own people alone."""
    found = []
    for part in page.parts:
        members: Any = part.party.shown_members  # type: ignore[attr-defined]
        own = part.party_id == page.actor.party
        if item is not None and item.owner_id != page.actor.party and not own:
            continue
        people = [
            (f"member:{member.pk}", f"{member.name}, {ROLES[member.role].lower()}") for member in members
        ]
        whole = [] if own and item is None else [(f"party:{part.party_id}", f"All of {part.party.name}")]
        found.append((part.party, [*whole, *people]))
    return found


@member_view("GET", "HEAD")
def as_of(request: HttpRequest, actor: Actor, reference: str) -> HttpResponse:
    """What a party knew at a time, or after an entry."""
    page = CasePage(actor, reference, "sharing")
    asked, trouble, found = request.GET.get("as_of", "").strip(), "", None
    party = _uuid(request.GET.get("party", ""))
    item = request.GET.get("item", "").strip()
    if asked and party is not None:
        if party not in page.parties:
            raise Unseen
        try:
            moment = _moment(asked)
            found = asof.as_of(actor, page.case, page.parties[party], moment, item=item or None)
        except Invalid as refused:
            trouble = refused.sentence
    told = [_reading(one, found.labels, page.parties) for one in found.readings] if found else []
    context = page.context(
        found=found,
        known=found.known[:DRAWN] if found else [],
        more=max(len(found.known) - DRAWN, 0) if found else 0,
        readings=told,
        asked=asked,
        asked_party=party,
        item=item,
        trouble=trouble,
        others=[page.parties[actor.party], *(p for p in page.parties.values() if p.pk != actor.party)],
        query=urlencode({"party": party or "", "as_of": asked}),
    )
    return render(request, "web/insight/as_of.html", context, status=422 if trouble else 200)


def _moment(asked: str) -> datetime | int:
    if asked.isascii() and asked.isdecimal() and len(asked) < 16:
        return int(asked)
    if len(asked) == len("2026-03-03"):
        asked = f"{asked}T23:59:59Z"
    utc = instant(asked, "as_of", "The time", needed=True).utc
    if utc is None:
        raise Refused("invalid", "The time is missing.", status=422)
    return utc
