"""The custody of one item: its line, what waits for an answer, and the acts of both sides."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from cases import extracts, handing, policy, reads
from cases.actors import Actor
from cases.models import CustodyOffer, Disposal, EvidenceItem, Participation
from cases.perform import perform
from cases.refusals import Refused, Unseen
from cases.rules.acquisition import AcquisitionFacts
from cases.rules.custody import OneItem
from cases.rules.disposal import CancelDisposal, DisposeEvidence, ProposeDisposal, ReleaseEvidence
from cases.rules.making import MovePhysicalItem, RecordPhysicalItem
from cases.rules.transfer import (
    AcceptCustodyTransfer,
    CorrectCustody,
    OfferCustodyTransfer,
    RefuseCustodyTransfer,
    WithdrawCustodyTransfer,
)
from ledger.entries import Receipt
from web import charts, receipts
from web import signing as hand
from web.custodial import summed_up, told
from web.door import command_id, made_from, member_view
from web.forms import custody as forms
from web.forms.shape import CommandForm
from web.views.frame import CasePage


@dataclass(frozen=True, kw_only=True)
class Act:
    """An act as its form shows it: what it is called, what it means, and what it asks for."""

    title: str
    means: str
    form: type[CommandForm]
    command: type[OneItem] | None = None
    danger: bool = False

    @property
    def binding(self) -> bool:
        """Whether a member may sign it."""
        return self.command is not None and self.command.__name__ in policy.BINDING


ACTS: dict[str, Act] = {
    "accept": Act(
        title="Accept custody",
        means="Your party holds the item from this moment on, and answers for it. The bytes were hashed again"
        " for you and are those that were sealed.",
        form=forms.AcceptForm,
        command=AcceptCustodyTransfer,
    ),
    "refuse": Act(
        title="Refuse",
        means="The item stays with its holder.",
        form=forms.RefuseForm,
        command=RefuseCustodyTransfer,
    ),
    "withdraw": Act(
        title="Withdraw the offer",
        means="The item stays with your party.",
        form=forms.WithdrawForm,
        command=WithdrawCustodyTransfer,
    ),
    "return": Act(
        title="Return it",
        means="Offers the item back to the party that it came from. Your party holds it until that party"
        " accepts.",
        form=forms.ReturnForm,
        command=OfferCustodyTransfer,
    ),
    "offer": Act(
        title="Offer custody",
        means="The bytes are hashed again for the receiver; when it accepts, it holds the item and your party"
        " no longer does. Until then nothing changes, and you may withdraw the offer.",
        form=forms.OfferForm,
        command=OfferCustodyTransfer,
    ),
    "move": Act(
        title="Move it",
        means="Says where the object is kept from now on.",
        form=forms.MoveForm,
        command=MovePhysicalItem,
    ),
    "extract": Act(
        title="Make an extract",
        means="Selected records become an item of their own, with their own hash, that you can share without"
        " this one. Masking covers whole columns: the same words in another column stay.",
        form=forms.ExtractForm,
    ),
    "release": Act(
        title="Release it",
        means="The item goes to somebody outside of the case. Nothing of it is read here any more.",
        form=forms.ReleaseForm,
        command=ReleaseEvidence,
        danger=True,
    ),
    "disposal": Act(
        title="Dispose of it",
        means="Authorises that the item is destroyed. It happens when the witness confirms, and cannot be"
        " undone: the bytes leave the vault, the history stays.",
        form=forms.DisposalForm,
        command=ProposeDisposal,
        danger=True,
    ),
    "dispose": Act(
        title="Confirm the disposal",
        means="You confirm as the witness. The bytes leave the vault, the history stays. This cannot be"
        " undone.",
        form=forms.DisposeForm,
        command=DisposeEvidence,
        danger=True,
    ),
    "call-off": Act(
        title="Call the disposal off",
        means="The item stays.",
        form=forms.CallOffForm,
        command=CancelDisposal,
    ),
    "correct": Act(
        title="Correct an entry",
        means="Says what is wrong about an entry that your party made. The entry stays as it was recorded.",
        form=forms.CorrectForm,
        command=CorrectCustody,
    ),
}


@dataclass
class Desk:
    """An item's custody as the actor stands to it."""

    page: CasePage
    item: EvidenceItem

    def __post_init__(self) -> None:
        actor = self.page.actor
        self.custody = told(reads.custody(actor, self.item), self.page.parties)
        kinds = {step.kind for step in self.custody}
        offered, disposing = "offered" in kinds, "disposal" in kinds
        self.offers: list[CustodyOffer] = list(handing.offers_of(actor, self.item)) if offered else []
        self.open = next((one for one in self.offers if one.status == "offered"), None)
        taken = [one for one in self.offers if one.status == "accepted"]
        self.came = max(taken, key=lambda one: one.decided_entry or 0, default=None)
        self.disposal: Disposal | None = handing.open_disposal(actor, self.item) if disposing else None
        self.may = policy.offers(actor, self.item)

    @cached_property
    def seeing(self) -> list[Participation]:
        """The parties that could take the item over, or witness its disposal."""
        return handing.receivers(self.page.actor, self.item, self.page.parts)

    def names(self) -> Iterator[str]:
        """The acts that can be done now, in order of likelihood."""
        party, may = self.page.actor.party, self.may
        if self.open and self.open.receiver_id == party and "AcceptCustodyTransfer" in may:
            if self.open.rehashed_at or not self.open.sha256:
                yield "accept"
            yield "refuse"
        if self.open and self.open.giver_id == party and "WithdrawCustodyTransfer" in may:
            yield "withdraw"
        if self.disposal and self.disposal.witness_id == self.page.actor.member:
            yield "dispose"
        if self.disposal and "CancelDisposal" in may:
            mine = self.disposal.witness_id == self.page.actor.member
            if mine or self.item.owner_id == party:
                yield "call-off"
        if not self.open and not self.disposal:
            yield from self._beginnings()
        if "CorrectCustody" in may:
            yield "correct"

    def _beginnings(self) -> Iterator[str]:
        party, may = self.page.actor.party, self.may
        if "OfferCustodyTransfer" in may and self.item.parent_id is None:
            if self.came and self.came.receiver_id == party:
                yield "return"
            yield "offer"
        if "MovePhysicalItem" in may:
            yield "move"
        records = self.item.state in ("searchable", "indexed") and self.item.format not in reads.CONTAINERS
        if "ExtractEvidence" in self.page.offers and self.item.owner_id == party and records:
            yield "extract"
        if not self.page.case.legal_hold:
            if "ReleaseEvidence" in may:
                yield "release"
            if "ProposeDisposal" in may:
                yield "disposal"

    def drawn(self, name: str, form: CommandForm | None = None) -> CommandForm:
        """The form of an act, fresh or as it was sent, with its choices."""
        if form is None:
            first: dict[str, Any] = {"marking": self.item.marking}
            if self.open:
                first["offer"] = self.open.pk
            if self.disposal:
                first["disposal"] = self.disposal.pk
            form = ACTS[name].form(auto_id=f"id_{name}_%s", initial=first)
        if name == "offer" and isinstance(form, forms.OfferForm):
            form.choose("to", [(str(part.party_id), part.party.name) for part in self.seeing])
        if name == "disposal" and isinstance(form, forms.DisposalForm):
            able = handing.witnesses(self.page.actor, self.seeing)
            form.choose("witness", [(str(one.pk), f"{one.name}, {one.party.name}") for one in able])
        return form

    def command(self, name: str, id_: UUID, said: dict[str, Any]) -> OneItem:
        """What a valid form asks for."""
        actor, item = self.page.actor, self.item
        if name == "return":
            return handing.return_of(actor, item, id_=id_, **said)
        if name == "offer":
            said["to"] = UUID(said["to"])
        if name == "disposal":
            said["witness"] = UUID(said["witness"])
        kind = ACTS[name].command
        if kind is None:
            raise Unseen
        return kind(id=id_, case=item.case_id, item=item.pk, **said)


@member_view("GET", "HEAD")
def item_custody(request: HttpRequest, actor: Actor, reference: str, label: str) -> HttpResponse:
    """The custody of one item: line, offers, and what may be done."""
    page = CasePage(actor, reference, "custody")
    return _page(request, Desk(page, reads.item(actor, page.case, label)))


@member_view("POST")
def item_custody_act(
    request: HttpRequest, actor: Actor, reference: str, label: str, name: str
) -> HttpResponse:
    """Do one of the acts that the page of an item's custody offers."""
    page = CasePage(actor, reference, "custody")
    desk = Desk(page, reads.item(actor, page.case, label))
    if name not in ACTS:
        raise Unseen
    form = desk.drawn(name, ACTS[name].form(request.POST, auto_id=f"id_{name}_%s"))
    status = 422
    if form.is_valid():
        try:
            done = _done(request, desk, name, form)
            if isinstance(done, HttpResponse):
                return done
            receipts.give(request, done, case=page.case.reference)
            return redirect("item_custody", page.case.reference, desk.item.label)
        except Refused as refused:
            if refused.status == 404:
                raise
            form.refused(refused)
            status = refused.status
    if hand.by_script(request):
        return hand.trouble(form)
    return _page(request, desk, tried=name, form=form, status=status)


def _done(request: HttpRequest, desk: Desk, name: str, form: CommandForm) -> Receipt | HttpResponse:
    actor, id_, said = desk.page.actor, command_id(request), forms.said_by(form)
    if name == "extract":
        selection = extracts.Selection(**{key: said.pop(key) for key in ("query", "columns", "masked")})
        return extracts.make(actor, desk.item, selection, command_id=id_, **said)[1]
    command = desk.command(name, id_, said)
    if hand.wanted(request):
        title = f"{ACTS[name].title}: {desk.item.label}"
        back = reverse("item_custody", args=[desk.page.case.reference, desk.item.label])
        return hand.draw(request, actor, command, form, case=desk.page.case, title=title, back=back)
    return perform(command, actor=actor, authorship=hand.given(request, actor))


def _page(
    request: HttpRequest,
    desk: Desk,
    *,
    tried: str = "",
    form: CommandForm | None = None,
    status: int = 200,
) -> HttpResponse:
    page, item = desk.page, desk.item
    names = list(desk.names())
    shown = []
    for name in names if not tried or tried in names else [tried, *names]:
        drawn = form if name == tried else desk.drawn(name)
        if name == "offer" and drawn is not None and not drawn.fields["to"].choices:  # type: ignore[attr-defined]
            continue
        shown.append({"name": name, "act": ACTS[name], "form": drawn, "open": name == tried})
    context = page.context(
        item=item,
        custody=desk.custody,
        custody_sentence=summed_up(desk.custody),
        line=charts.custody_line(desk.custody, holder=item.holder),
        offer=desk.open,
        past_offers=[one for one in desk.offers if one.status != "offered"],
        disposal=desk.disposal,
        acts=shown,
        nobody_sees="OfferCustodyTransfer" in desk.may
        and "offer" in names
        and not any(one["name"] == "offer" for one in shown),
        signing=hand.signing(page.parties[page.actor.party], page.own_keys),
    )
    return render(request, "web/custody/item.html", context, status=status)


@member_view("GET", "HEAD", "POST")
def object_new(request: HttpRequest, actor: Actor, reference: str) -> HttpResponse:
    """Take an object without bytes into custody."""
    page = CasePage(actor, reference, "evidence")
    if "RecordPhysicalItem" not in page.offers:
        raise Unseen
    form, status = forms.ObjectForm(request.POST or None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            said = forms.said_by(form)
            where = {key: said.pop(key) for key in ("barcode", "seal", "place")}
            id_ = command_id(request)
            item = made_from(id_, "item")
            facts = AcquisitionFacts(**said)
            try:
                command = RecordPhysicalItem(id=id_, case=page.case.pk, item=item, facts=facts, **where)
                receipts.give(request, perform(command, actor=actor), case=page.case.reference)
                return redirect("item", page.case.reference, reads.item(actor, page.case, item).label)
            except Refused as refused:
                if refused.status == 404:
                    raise
                form.refused(refused)
                status = refused.status
    return render(request, "web/custody/object.html", page.context(form=form), status=status)
