"""Adding evidence: rights first, then the body, straight into the vault."""

from dataclasses import fields

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from cases import intake, reads
from cases.actors import Actor
from cases.refusals import Refused
from cases.rules.acquisition import AcquisitionFacts
from evidence.uploads import VaultUpload, VaultUploadHandler, upload_into_vault
from web import receipts
from web.door import command_id, member_view
from web.forms.evidence import AcquireForm
from web.views.frame import CasePage

_FACTS = {fact.name for fact in fields(AcquisitionFacts)}
# The rules name a field as the ledger does; the form may call it otherwise.
_FIELD = {"sha256": "declared_sha256"}


# The token lies in the body, which is read only after the rights were checked: _take checks it then.
@csrf_exempt
@member_view("GET", "HEAD", "POST")
def evidence_add(request: HttpRequest, actor: Actor, reference: str) -> HttpResponseBase:
    """The form for a file, and its arrival."""
    page = CasePage(actor, reference, "evidence")
    intake.may_receive(actor, page.case)
    if request.method != "POST":
        return _form(
            request,
            page,
            AcquireForm(
                initial={"marking": page.case.tlp if page.case.tlp != "TLP:RED" else "TLP:AMBER+STRICT"}
            ),
        )
    handler = upload_into_vault(request)
    return _take(request, page, handler)


@csrf_protect
def _take(request: HttpRequest, page: CasePage, handler: VaultUploadHandler) -> HttpResponseBase:
    form = AcquireForm(request.POST)
    upload = request.FILES.get("file")
    if handler.error is not None:
        return _refused(request, page, form, Refused("vault-full", handler.error.sentence, status=507))
    if not isinstance(upload, VaultUpload):
        return _refused(
            request,
            page,
            form,
            Refused("no-file", "Choose a file; nothing was sent.", status=422, field="file"),
        )
    if not form.is_valid():
        return _answer(request, page, form, status=422)
    facts = AcquisitionFacts(**{name: form.cleaned_data[name] for name in _FACTS})
    try:
        item = intake.receive(
            upload,
            actor=page.actor,
            case=page.case,
            facts=facts,
            filename=upload.name or "",
            command_id=command_id(request),
        )
    except Refused as refused:
        return _refused(request, page, form, refused)
    receipts.give(request, reads.sealing_receipt(page.actor, item), case=page.case.reference)
    url = reverse("item", args=[page.case.reference, item.label])
    if _wants_json(request):
        made = {
            "id": str(item.pk),
            "number": item.label,
            "sha256": item.sha256,
            "size": item.size,
            "state": item.state,
            "url": url,
            "list": reverse("evidence", args=[page.case.reference]),
        }
        return JsonResponse(made, status=201)
    return redirect(url)


def _refused(request: HttpRequest, page: CasePage, form: AcquireForm, refused: Refused) -> HttpResponse:
    if refused.field in _FIELD:
        refused.field = _FIELD[refused.field]
    if refused.field == "file":
        refused.field = None
    form.refused(refused)
    return _answer(request, page, form, status=refused.status)


def _answer(request: HttpRequest, page: CasePage, form: AcquireForm, *, status: int) -> HttpResponse:
    if _wants_json(request):
        sentences = [
            error if name == "__all__" else f"{form.fields[name].label}: {error}"
            for name, errors in form.errors.items()
            for error in errors
        ]
        return JsonResponse({"sentence": " ".join(map(str, sentences))}, status=status)
    return _form(request, page, form, status=status)


def _form(request: HttpRequest, page: CasePage, form: AcquireForm, *, status: int = 200) -> HttpResponse:
    return render(request, "web/evidence/add.html", page.context(form=form), status=status)


def _wants_json(request: HttpRequest) -> bool:
    return request.headers.get("Accept") == "application/json"
