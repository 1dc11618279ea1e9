"""Erasing what an entry of one's own party says."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from cases import erasing
from cases.actors import Actor
from cases.perform import perform
from cases.refusals import Refused, Unseen
from cases.rules.erasure import EraseValues
from web import receipts
from web.door import command_id, member_view
from web.forms.erasure import EraseForm
from web.views.frame import CasePage


@member_view("GET", "HEAD", "POST")
def entry_erase(request: HttpRequest, actor: Actor, reference: str, index: int) -> HttpResponse:
    """Choose values of an entry, say why, and destroy them."""
    page = CasePage(actor, reference, "ledger")
    if index >= page.standing.head.size:
        raise Unseen
    form, status = EraseForm(request.POST or None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            names, reason = form.cleaned_data["names"], form.cleaned_data["reason"]
            command = EraseValues(
                id=command_id(request), case=page.case.pk, entry=index, names=tuple(names), reason=reason
            )
            try:
                receipts.give(request, perform(command, actor=actor), case=page.case.reference)
                return redirect("entry", page.case.reference, index)
            except Refused as refused:
                if refused.status in (403, 404):
                    raise
                form.refused(refused)
                status = refused.status
    texts = erasing.erasable(actor, page.case, index)
    if not texts and request.method != "POST":
        raise _nothing(page)
    context = page.context(form=form, index=index, texts=texts, chosen=request.POST.getlist("names"))
    return render(request, "web/ledger/erase.html", context, status=status)


def _nothing(page: CasePage) -> Refused:
    """Why there is no form: all of it is known to who sees the entry."""
    if page.case.legal_hold:
        return Refused("legal-hold", "A legal hold is on this case: nothing is erased while it stands.")
    return Refused(
        "not-erasable",
        "There is nothing here that you may erase: free texts of your own party’s entries are erased, by its "
        "lead investigators and counsel, unless a member has signed them.",
        status=403,
    )
