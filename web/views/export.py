"""The ledger of a case to take along."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from cases import bundle, reads
from cases.actors import Actor
from web.door import member_view

ZIP = "application/zip"


@member_view("GET", "HEAD")
def ledger_export(request: HttpRequest, actor: Actor, reference: str) -> HttpResponseBase:
    """The bundle that countersign-verify checks; nothing is recorded, for all of it is shown here anyway."""
    case = reads.case(actor, reference)
    headers = {
        "Content-Disposition": f'attachment; filename="{bundle.filename(actor, case)}"',
        "Cache-Control": "private, no-store",
    }
    if request.method == "HEAD":
        return HttpResponse(content_type=ZIP, headers=headers)
    return StreamingHttpResponse(bundle.export(actor, case).parts, content_type=ZIP, headers=headers)
