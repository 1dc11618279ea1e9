"""What one takes along from the ledger: an entry's receipt as a file."""

from django.http import HttpRequest, HttpResponse

from cases import reads
from cases.actors import Actor
from cases.refusals import Unseen
from ledger import proofs
from ledger.errors import NoSuchEntry
from web.door import member_view


def file_of_text(text: str, *, name: str) -> HttpResponse:
    """A text to keep, as a download."""
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@member_view("GET", "HEAD")
def entry_proof(request: HttpRequest, actor: Actor, reference: str, index: int) -> HttpResponse:
    """The receipt of one entry, sealed or open, as a tlog-proof under the newest checkpoint."""
    case = reads.case(actor, reference)
    try:
        text = proofs.receipt_proof(case.pk, index)
    except NoSuchEntry as error:
        raise Unseen from error
    return file_of_text(text, name=f"{case.reference}-entry-{index}.tlog-proof")
