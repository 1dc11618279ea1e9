"""Referrals: what others put before my party, what it sent, and what waits for its consent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from cases import listings, matters, policy, reads, referring
from cases.actors import Actor
from cases.models import Case, Referral
from cases.perform import perform
from cases.refusals import Refused, Unseen
from cases.rules import referral as commands
from cases.rules.share_terms import OPERATIONS
from ledger.entries import Receipt
from web import receipts
from web import signing as hand
from web.door import command_id, made_from, member_view, page_number
from web.forms.case import ReasonForm
from web.forms.referral import AcceptForm, AnswerForm, AskForm, NewMatterForm, ReferralForm
from web.forms.shape import CommandForm
from web.signing import signing
from web.views.frame import CasePage

PAGE = 50


@dataclass(frozen=True)
class Act:
    """A thing that may be done with a referral: its command, its form and its words."""

    name: str
    of: type[CommandForm]
    label: str
    means: str


ACTS: Mapping[str, Act] = {
    "accept": Act("AcceptReferral", AcceptForm, "Accept and join", ""),
    "refuse": Act(
        "RefuseReferral", ReasonForm, "Refuse", "The sender reads your reason; after it nobody can accept."
    ),
    "ask": Act("AskBack", AskForm, "Ask back", "The sender reads your question; nothing is decided by it."),
    "answer": Act("AnswerReferral", AnswerForm, "Answer", "The other party reads just this."),
    "withdraw": Act(
        "WithdrawReferral", ReasonForm, "Withdraw", "It can no longer be accepted; what was read stays known."
    ),
    "consent": Act("ConsentToReferral", CommandForm, "Agree", ""),
    "object": Act("ObjectToReferral", ReasonForm, "Do not agree", ""),
}


@member_view("GET", "HEAD")
def referral_list(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Referrals received or sent, and those that need this party's consent."""
    return _list(request, actor)


def _list(
    request: HttpRequest,
    actor: Actor,
    *,
    tried: tuple[str, str] = ("", ""),
    form: CommandForm | None = None,
    status: int = 200,
) -> HttpResponse:
    side = "sent" if request.GET.get("show") == "sent" else "received"
    page = page_number(request)
    found = list(referring.referrals(actor, side=side)[(page - 1) * PAGE : page * PAGE + 1])
    asked = [
        {
            "one": one,
            "consent": CommandForm(auto_id=f"id_agree_{one.id.hex}_%s"),
            "object": form
            if form is not None and tried == ("object", str(one.id))
            else ReasonForm(auto_id=f"id_object_{one.id.hex}_%s"),
        }
        for one in referring.asked(actor)
    ]
    context = {
        "place": "referrals",
        "side": side,
        "referrals": found[:PAGE],
        "older": page + 1 if len(found) > PAGE else 0,
        "page_number": page,
        "asked": asked,
        "may_consent": _may(actor, "ConsentToReferral"),
        "may_refer": _may(actor, "SendReferral") and _may(actor, "CreateCase"),
    }
    return render(request, "web/referrals/list.html", context, status=status)


@member_view("GET", "HEAD")
def referral_page(request: HttpRequest, actor: Actor, referral: str) -> HttpResponse:
    """One referral: its words, its terms, what was asked and answered, and what may be done."""
    return _page(request, actor, referring.referral(actor, referral))


def _page(
    request: HttpRequest,
    actor: Actor,
    referral: Referral,
    *,
    tried: str = "",
    form: CommandForm | None = None,
    status: int = 200,
) -> HttpResponse:
    offers = referring.offers(actor, referral)
    acts = []
    for name, act in ACTS.items():
        if act.name not in offers and name != tried:
            continue
        drawn = form if name == tried and form is not None else _form(name, act, referral)
        acts.append({"name": name, "label": act.label, "means": act.means, "form": drawn})
    context = {
        "place": "referrals",
        "referral": referral,
        "notes": referring.notes(actor, referral),
        "consents": referring.consents(actor, referral),
        "items": referring.items_of(actor, referral),
        "count": len(referral.items),
        "allowed": [OPERATIONS[name] for name in referral.allowed],
        "joined": referring.case_of(actor, referral),
        "acts": acts,
        "signing": _hands(actor) if "AcceptReferral" in offers else None,
    }
    return render(request, "web/referrals/page.html", context, status=status)


def _form(name: str, act: Act, referral: Referral) -> CommandForm:
    initial = {"terms": referral.digest} if name == "accept" else None
    return act.of(auto_id=f"id_{name}_%s", initial=initial)


@member_view("POST")
def referral_act(request: HttpRequest, actor: Actor, referral: str, name: str) -> HttpResponse:
    """Do one of the things that the page of a referral, or the list, offers."""
    if name not in ACTS:
        raise Unseen
    if name in ("consent", "object"):
        return _consent(request, actor, referral, name)
    act, found = ACTS[name], referring.referral(actor, referral)
    form = act.of(request.POST, auto_id=f"id_{name}_%s")
    status = 422
    if form.is_valid():
        said = {key: value for key, value in form.cleaned_data.items() if key != "command"}
        try:
            command = _command(act)(id=command_id(request), case=found.case_id, referral=found.pk, **said)
            if hand.wanted(request):
                seen = referring.case_of(actor, found)
                back = reverse("referral", args=[found.pk])
                return hand.draw(request, actor, command, form, case=seen, title=act.label, back=back)
            receipt = perform(command, actor=actor, authorship=hand.given(request, actor))
            seen = referring.case_of(actor, found)
            _recorded(request, receipt, seen)
            if name == "accept" and seen is not None:
                return redirect("case", seen.reference)
            return redirect("referral", found.pk)
        except Refused as refused:
            if refused.status == 404:
                raise
            form.refused(refused)
            status = refused.status
    if hand.by_script(request):
        return hand.trouble(form)
    return _page(request, actor, found, tried=name, form=form, status=status)


def _consent(request: HttpRequest, actor: Actor, referral: str, name: str) -> HttpResponse:
    act, case = ACTS[name], referring.asked_case(actor, referral)
    form = act.of(request.POST, auto_id=f"id_{name}_{referral}_%s")
    status = 422
    if form.is_valid():
        said = {key: value for key, value in form.cleaned_data.items() if key != "command"}
        try:
            command = _command(act)(id=command_id(request), case=case, referral=UUID(referral), **said)
            receipt = perform(command, actor=actor)
            receipts.give(request, receipt, case=reads.case(actor, case).reference)
            return redirect("referrals")
        except Refused as refused:
            if refused.status == 404:
                raise
            form.refused(refused)
            status = refused.status
            if name == "consent":
                messages.error(request, refused.sentence)
    return _list(request, actor, tried=(name, referral), form=form, status=status)


@member_view("GET", "HEAD", "POST")
def refer(request: HttpRequest, actor: Actor, reference: str) -> HttpResponse:
    """Refer the matter of a case to a party that is not in it."""
    page = CasePage(actor, reference, "overview")
    if "SendReferral" not in page.offers:
        raise Refused("role", "The case cannot be referred by you as it stands now.", status=403)
    form = ReferralForm(request.POST or None)
    form.choose(referring.candidates(actor, page.case), list(referring.own_items(actor, page.case)))
    return _sending(request, actor, form, page.case, others=_others(page))


@member_view("GET", "HEAD", "POST")
def referral_new(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Refer something that has no case yet: the draft and the referral are made by one press.

    A crash between the two leaves a draft; the same press again finds it and goes on.
    """
    if not (_may(actor, "SendReferral") and _may(actor, "CreateCase")):
        raise Refused(
            "role",
            "Your role does not let you refer something; ask a lead investigator of your party.",
            status=403,
        )
    form = NewMatterForm(request.POST or None)
    form.choose(referring.candidates(actor))
    return _sending(request, actor, form, None, others=[])


def _sending(
    request: HttpRequest, actor: Actor, form: ReferralForm, case: Case | None, *, others: list[Any]
) -> HttpResponse:
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                return _sent(request, actor, form, case)
            except Refused as refused:
                if refused.status == 404:
                    raise
                form.refused(refused)
                status = refused.status
        if hand.by_script(request):
            return hand.trouble(form)
    context = {
        "place": "case" if case else "referrals",
        "case": case,
        "form": form,
        "others": others,
        "signing": _hands(actor),
    }
    return render(request, "web/referrals/form.html", context, status=status)


def _sent(request: HttpRequest, actor: Actor, form: ReferralForm, case: Case | None) -> HttpResponse:
    id_ = command_id(request)
    command = commands.SendReferral(
        id=id_,
        case=case.pk if case else matters.case_made_by(id_),
        referral=made_from(id_, "referral"),
        **form.said(),
    )
    if hand.wanted(request):
        back = reverse("referrals")
        return hand.draw(request, actor, command, form, case=case, title="Send the referral", back=back)
    signed = hand.given(request, actor)
    if isinstance(form, NewMatterForm):
        receipt = matters.refer(command, actor=actor, said=form.case_said(), authorship=signed)
    else:
        receipt = perform(command, actor=actor, authorship=signed)
    receipts.give(request, receipt, case=reads.case(actor, command.case).reference)
    return redirect("referral", command.referral)


def _others(page: CasePage) -> list[Any]:
    """The parties whose consent a referral from this case needs."""
    return [
        part.party
        for part in page.parts
        if part.role in ("lead", "partner") and part.party_id != page.actor.party
    ]


def _recorded(request: HttpRequest, receipt: Receipt, seen: Case | None) -> None:
    """A receipt names its place in a log; who is not in the case learns that of its own entry alone which
    gives no size away."""
    if seen is not None:
        receipts.give(request, receipt, case=seen.reference)
    else:
        messages.success(request, f"Recorded under the leaf hash {receipt.leaf_hashes[0]}.")


def _command(act: Act) -> Any:
    return getattr(commands, act.name)


def _may(actor: Actor, name: str) -> bool:
    return actor.role in policy.POLICY[name].who.split()


def _hands(actor: Actor) -> hand.Signing:
    return signing(listings.own_party(actor), listings.signing_keys(actor))
