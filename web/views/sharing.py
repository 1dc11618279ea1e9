"""What the parties of a case share with each other: the list, one share, an offer and the answer to it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from cases import policy, reads, wall
from cases.actors import Actor
from cases.insight import history
from cases.models import EvidenceItem, Member, Share
from cases.perform import perform
from cases.refusals import Refused, Unseen
from cases.rules.share_terms import OPERATIONS, Terms
from cases.rules.sharing import AcceptShare, ChangeShare, GiveUpShare, OfferShare, RefuseShare, RevokeShare
from cases.rules.values import ROLES
from cases.terms import standing_terms, terms_of
from web import receipts, shared
from web import signing as hand
from web.door import command_id, made_from, member_view, page_number
from web.forms.case import ReasonForm
from web.forms.shape import CommandForm
from web.forms.sharing import AcceptForm, TermsForm
from web.views.frame import CasePage

PAGE = 50
CHOICES = 100  # items offered as boxes; more than these are named by number
DRAWN = 50  # items listed of one share
LABELS = {
    "accept": ("Accept these terms", "The items are there at once, within these terms."),
    "refuse": ("Refuse", "Nothing is shared; terms in force hold on. The other party reads your reason."),
    "revoke": (
        "Revoke",
        "Ends it at once, for open pages and running downloads too. What was read stays known.",
    ),
    "give-up": ("Give up", "Your party sees nothing of the items any more."),
}


@member_view("GET", "HEAD")
def sharing(request: HttpRequest, actor: Actor, reference: str) -> HttpResponse:
    """The shares that the actor's party gives and is given."""
    page = CasePage(actor, reference, "sharing")
    number = page_number(request)
    now = timezone.now()
    found = reads.shares(actor, page.case).prefetch_related("named__item")
    rows = list(found[(number - 1) * PAGE : number * PAGE + 1])
    older = number + 1 if len(rows) > PAGE else None
    drawn = [_row(share, actor, now) for share in rows[:PAGE]]
    context = page.context(
        given=[row for row in drawn if row["given"]],
        received=[row for row in drawn if not row["given"]],
        any=bool(drawn),
        may_offer="OfferShare" in page.offers and len(page.parts) > 1,
        newer=number - 1,
        older=older,
    )
    return render(request, "web/sharing/list.html", context)


def _row(share: Any, actor: Actor, now: Any) -> dict[str, Any]:
    given = share.giver_id == actor.party
    # Of the items of an offer its receiver learns nothing but how many they are.
    labels = [one.item.label for one in share.named.all()] if given else []
    return {
        "share": share,
        "given": given,
        "other": share.receiver if given else share.giver,
        "standing": shared.standing(share, now),
        "may": shared.allowed(share.operations),
        "labels": sorted(labels, key=lambda label: int(label[2:]))[:8],
        "answer": not given and (share.status == "offered" or share.pending),
    }


@member_view("GET", "HEAD", "POST")
def share_offer(request: HttpRequest, actor: Actor, reference: str) -> HttpResponse:
    """Offer something: the form, then who would see what, then the act."""
    page = CasePage(actor, reference, "sharing", with_members=True)
    if "OfferShare" not in page.offers:
        raise Refused("role", "Nothing can be shared by you in this case as it stands.", status=403)
    first = {"items": request.GET.getlist("item"), "operations": ["metadata", "search", "preview"]}
    form, items = _form(request, page, first)
    status = 200
    if request.method == "POST" and request.POST.get("step") != "edit":
        status = 422
        if form.is_valid():
            try:
                return _offered(request, page, form, items)
            except Refused as refused:
                if refused.status == 404:
                    raise
                form.refused(refused)
                status = refused.status
        if hand.by_script(request):
            return hand.trouble(form)
    return _drawn(request, page, form, status=status)


def _offered(
    request: HttpRequest, page: CasePage, form: TermsForm, items: Mapping[str, EvidenceItem]
) -> HttpResponse:
    terms = _terms(page, form, items)
    to = UUID(form.cleaned_data["to"])
    if request.POST.get("step") == "preview":
        return _preview(request, page, form, terms, to)
    id_ = command_id(request)
    share = made_from(id_, "share")
    told = {name: getattr(terms, name) for name in terms.plain()}
    command = OfferShare(id=id_, case=page.case.pk, share=share, to=to, **told)
    return _done(request, page, command, form, f"Offer to {page.parties[to].name}")


@member_view("GET", "HEAD", "POST")
def share_change(request: HttpRequest, actor: Actor, reference: str, share_id: UUID) -> HttpResponse:
    """Propose other terms; those in force hold until the other party accepts."""
    page = CasePage(actor, reference, "sharing", with_members=True)
    share = reads.share(actor, page.case, share_id)
    if "change" not in shared.acts(actor, page.case, share):
        raise Refused("share-state", "The terms of this share cannot be changed by you now.")
    form, items = _form(request, page, _said(terms_of(share), share), share=share)
    status = 200
    if request.method == "POST" and request.POST.get("step") != "edit":
        status = 422
        if form.is_valid():
            try:
                terms = _terms(page, form, items)
                if request.POST.get("step") == "preview":
                    return _preview(request, page, form, terms, share.receiver_id, share=share)
                told = {name: getattr(terms, name) for name in terms.plain()}
                command = ChangeShare(id=command_id(request), case=page.case.pk, share=share.pk, **told)
                return _done(request, page, command, form, "Propose these terms")
            except Refused as refused:
                if refused.status == 404:
                    raise
                form.refused(refused)
                status = refused.status
        if hand.by_script(request):
            return hand.trouble(form)
    return _drawn(request, page, form, share=share, status=status)


def _form(
    request: HttpRequest, page: CasePage, first: Mapping[str, Any], *, share: Share | None = None
) -> tuple[TermsForm, dict[str, EvidenceItem]]:
    """The form with what there is to choose, and the items that the actor may share, by id."""
    actor = page.actor
    able = reads.items(actor, page.case).filter(wall.granted(actor, "share_on")).order_by("-number")
    items = {str(one.pk): one for one in able[: CHOICES + 1]}
    labels = {one.label: pk for pk, one in items.items()}
    initial = {**first, "items": [labels.get(one, one) for one in first.get("items", ())]}
    form = TermsForm(request.POST or None, initial=initial)
    to = [share.receiver] if share else [one for one in page.parties.values() if one.pk != actor.party]
    members = {
        str(member.pk): f"{member.name}, {ROLES[member.role].lower()}, {part.party.short_name}"
        for part in page.parts
        if part.party in to
        for member in _members(part)
    }
    named = list(items.values())[:CHOICES]
    form.offer(parties=to, items=named, members=members, many=len(items) > CHOICES)
    return form, items


def _members(part: Any) -> list[Member]:
    """The active members of a party that CasePage has brought along."""
    return list(part.party.shown_members)


def _terms(page: CasePage, form: TermsForm, items: Mapping[str, EvidenceItem]) -> Terms:
    chosen = [UUID(one) for one in form.cleaned_data["items"]]
    typed = form.cleaned_data.get("others", "").replace(",", " ").split()
    if typed:
        chosen += [one for one in reads.item_ids(page.actor, page.case, typed) if one not in chosen]
    return form.terms(chosen, now=timezone.now())


def _said(terms: Terms, share: Share) -> dict[str, Any]:
    told: dict[str, Any] = terms.plain()
    times = {name: told[name] or "" for name in ("not_before", "expires_at")}
    return told | times | {"to": str(share.receiver_id)}


def _drawn(
    request: HttpRequest, page: CasePage, form: TermsForm, *, share: Share | None = None, status: int = 200
) -> HttpResponse:
    return render(request, "web/sharing/form.html", page.context(form=form, share=share), status=status)


def _preview(
    request: HttpRequest,
    page: CasePage,
    form: TermsForm,
    terms: Terms,
    to: UUID,
    *,
    share: Share | None = None,
) -> HttpResponse:
    """Who would see what, before anything is sent."""
    actor = page.actor
    owned = reads.items(actor, page.case)
    seen = {one.pk: one for one in owned}
    among = [
        history.Thing(item=one.pk, parent=one.parent_id, owner=one.owner_id, marking=one.marking)
        for one in seen.values()
    ]
    meant = history.covered(terms, actor.party, among)
    items = sorted((seen[pk] for pk in meant), key=lambda one: one.number)
    receiver = page.parties.get(to, share.receiver if share else None)
    people = [
        member
        for part in page.parts
        if part.party_id == to
        for member in _members(part)
        if not (terms.roles or terms.members) or member.role in terms.roles or member.pk in terms.members
    ]
    names = {member.pk: member.name for member in people}
    context = page.context(
        form=form,
        share=share,
        to=receiver,
        items=items[:DRAWN],
        more=max(len(items) - DRAWN, 0),
        count=len(items),
        people=people,
        nobody=not people,
        facts=shared.facts(terms, receiver, names),
        may=shared.allowed(terms.operations),
        may_not=[label for name, label in OPERATIONS.items() if name not in terms.allowed],
        to_come=terms.scope == "case",
        signing=hand.signing(page.parties[actor.party], page.own_keys),
        label="Propose these terms"
        if share
        else f"Offer to {receiver.short_name if receiver else 'the party'}",
    )
    return render(request, "web/sharing/preview.html", context)


def _done(request: HttpRequest, page: CasePage, command: Any, form: CommandForm, title: str) -> HttpResponse:
    """Sign first where that was asked, else do it and show the share."""
    actor = page.actor
    if hand.wanted(request):
        return hand.draw(request, actor, command, form, case=page.case, title=title)
    receipt = perform(command, actor=actor, authorship=hand.given(request, actor))
    receipts.give(request, receipt, case=page.case.reference)
    return redirect("share", page.case.reference, command.share)


@member_view("GET", "HEAD")
def share(request: HttpRequest, actor: Actor, reference: str, share_id: UUID) -> HttpResponse:
    """One share: its terms, where it stands, what it covers, and what may be done about it."""
    page = CasePage(actor, reference, "sharing")
    return _share(request, page, reads.share(actor, page.case, share_id))


def _share(
    request: HttpRequest,
    page: CasePage,
    found: Share,
    *,
    tried: str = "",
    form: Any = None,
    status: int = 200,
) -> HttpResponse:
    actor = page.actor
    given = found.giver_id == actor.party
    items = reads.items_of_share(actor, found)
    named = [*found.members, *((found.proposed or {}).get("members", ()))]
    people = Member.objects.filter(pk__in=named, active=True) if named else Member.objects.none()
    names = dict(people.values_list("pk", "name"))
    terms = standing_terms(found)
    proposed = terms_of(found) if found.pending else None
    forms = []
    for act in shared.acts(actor, page.case, found):
        if act in LABELS:
            label, means = LABELS[act]
            of: type[CommandForm] = AcceptForm if act == "accept" else ReasonForm
            first = {"terms": found.proposed_digest or found.digest} if act == "accept" else {}
            drawn = form if act == tried and form is not None else of(initial=first, auto_id=f"id_{act}_%s")
            binds = shared.ACTS[act] in policy.BINDING
            forms.append({"act": act, "label": label, "means": means, "form": drawn, "binds": binds})
    context = page.context(
        share=found,
        given=given,
        standing=shared.standing(found, timezone.now()),
        facts=shared.facts(terms, found.receiver, names),
        proposed=shared.facts(proposed, found.receiver, names) if proposed else None,
        items=items[:DRAWN],
        more=max(len(items) - DRAWN, 0),
        forms=forms,
        may_change="change" in shared.acts(actor, page.case, found),
        signing=hand.signing(page.parties[actor.party], page.own_keys),
    )
    return render(request, "web/sharing/share.html", context, status=status)


COMMANDS: Mapping[str, Any] = {
    "accept": AcceptShare,
    "refuse": RefuseShare,
    "revoke": RevokeShare,
    "give-up": GiveUpShare,
}


@member_view("POST")
def share_act(request: HttpRequest, actor: Actor, reference: str, share_id: UUID, act: str) -> HttpResponse:
    """Answer an offer, or end a share."""
    page = CasePage(actor, reference, "sharing")
    found = reads.share(actor, page.case, share_id)
    if act not in COMMANDS:
        raise Unseen
    form: CommandForm = (AcceptForm if act == "accept" else ReasonForm)(request.POST, auto_id=f"id_{act}_%s")
    status = 422
    if form.is_valid():
        said = {name: value for name, value in form.cleaned_data.items() if name != "command"}
        command = COMMANDS[act](id=command_id(request), case=page.case.pk, share=found.pk, **said)
        try:
            answer = _done(request, page, command, form, LABELS[act][0])
        except Refused as refused:
            if refused.status == 404:
                raise
            form.refused(refused)
            status = refused.status
        else:
            done = act == "revoke" and answer.status_code == 302
            where = reverse("exposure", args=[page.case.reference])
            return redirect(f"{where}?share={found.pk}") if done else answer
    if hand.by_script(request):
        return hand.trouble(form)
    if act not in shared.acts(actor, page.case, found):
        said_of_it = " ".join(str(one) for errors in form.errors.values() for one in errors)
        raise Refused("share-state", said_of_it, status=status)
    return _share(request, page, found, tried=act, form=form, status=status)
