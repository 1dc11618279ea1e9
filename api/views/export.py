"""A case's log to take along."""

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from api.content import disposition
from api.views.cases import CASE
from api.views.door import Door
from cases import bundle

ZIP = "application/zip"


class Export(Door):
    """The bundle that countersign-verify checks."""

    @extend_schema(
        operation_id="ledger_export",
        parameters=[CASE],
        responses={(200, ZIP): OpenApiTypes.BINARY},
        tags=["Ledger"],
    )
    def get(self, request: Request, case: str) -> HttpResponseBase:
        """The whole log with the openings that your party may see, as a zip that anybody can verify without
        this host. It is made while it is sent, so its length is not told beforehand."""
        found = self.case(case)
        name = bundle.filename(self.actor, found)
        headers = {
            "Content-Disposition": disposition(name),
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
        }
        if request.method == "HEAD":
            return HttpResponse(content_type=ZIP, headers=headers)
        made = bundle.export(self.actor, found)
        return StreamingHttpResponse(made.parts, content_type=ZIP, headers=headers)
