"""What one takes along from the ledger: the keys to pin, and an entry's receipt as a file."""

from django.http import HttpRequest, HttpResponse

from cases import reads
from cases.actors import Actor
from cases.proof import policy_text
from cases.refusals import Unseen
from ledger import proofs
from ledger.errors import NoSuchEntry
from web.door import member_view
from web.selfcheck import policy_name


def file_of_text(text: str, *, name: str) -> HttpResponse:
    """A text to keep, as a download."""
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@member_view("GET", "HEAD")
def ledger_policy(request: HttpRequest, actor: Actor, reference: str) -> HttpResponse:
    """The keys of the case as this host tells them, in the form in which a party pins them."""
    case = reads.case(actor, reference)
    return file_of_text(policy_text(actor, case), name=policy_name(case))


@member_view("GET", "HEAD")
def entry_proof(request: HttpRequest, actor: Actor, reference: str, index: int) -> HttpResponse:
    """The receipt of one entry, sealed or open, as a tlog-proof under the newest checkpoint."""
    case = reads.case(actor, reference)
    try:
        text = proofs.receipt_proof(case.pk, index)
    except NoSuchEntry as error:
        raise Unseen from error
    return file_of_text(text, name=f"{case.reference}-entry-{index}.tlog-proof")
