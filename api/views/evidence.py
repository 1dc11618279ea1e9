"""Evidence items: list, upload, look at, follow, download."""

from django.http.response import HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from api import content
from api.filters import CURSOR, LIMIT, ItemFilter, narrowed, parameters
from api.paging import page_of
from api.problems import LengthRequired
from api.serializers.evidence import (
    CustodyPage,
    ItemAnswer,
    ItemDetail,
    ItemPage,
    ItemWithReceipt,
    NewEvidence,
)
from api.serializers.receipts import ReceiptAnswer
from api.views.cases import CASE, KEY
from api.views.door import Door, receipt_facts
from cases import examination, intake, reads
from evidence.uploads import upload_into_vault

ITEM = OpenApiParameter("item", str, OpenApiParameter.PATH, description="The item's id or number: E-3 or 3.")


class Evidence(Door):
    """The items of a case that your party may see."""

    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="evidence_list",
        parameters=[CASE, CURSOR, LIMIT, *parameters(ItemFilter)],
        responses=ItemPage,
        tags=["Evidence"],
    )
    def get(self, request: Request, case: str) -> Response:
        """The items by number; those of other parties only where they are shared with you."""
        found = narrowed(reads.items(self.actor, self.case(case)), request, ItemFilter)
        page = page_of(found, request, keys=["number"])
        return Response(ItemPage({"results": page.rows, "next": page.next}).data)

    @extend_schema(
        operation_id="evidence_upload",
        parameters=[CASE, KEY],
        request={"multipart/form-data": NewEvidence},
        responses={201: ItemWithReceipt},
        tags=["Evidence"],
    )
    def post(self, request: Request, case: str) -> Response:
        """Upload a file of any size; its bytes are hashed on the way and sealed before the answer comes."""
        found = self.case(case)
        # Rights before bytes: nothing of the body has been read when this refuses.
        intake.may_receive(self.actor, found)
        command_id = self.command_id()
        if not (request.content_type or "").startswith("multipart/form-data"):
            raise UnsupportedMediaType(request.content_type or "", "Send the file as multipart/form-data.")
        if "CONTENT_LENGTH" not in request.META or not request.META["CONTENT_LENGTH"]:
            raise LengthRequired
        handler = upload_into_vault(request._request)  # noqa: SLF001 - the request that parses
        sent = NewEvidence(data=request.data)
        if handler.error is not None:
            raise handler.error
        sent.is_valid(raise_exception=True)
        upload = sent.validated_data["file"]
        item = intake.receive(
            upload,
            actor=self.actor,
            case=found,
            facts=sent.facts(),
            filename=upload.name,
            declared_sha256=sent.validated_data["sha256"] or None,
            command_id=command_id,
        )
        receipt = ReceiptAnswer(receipt_facts(reads.sealing_receipt(self.actor, item))).data
        response = Response({**ItemAnswer(item).data, "receipt": receipt}, status=201)
        response["Location"] = reverse("api:item", args=[found.pk, item.pk])
        return response


class OneItem(Door):
    """One item."""

    @extend_schema(
        operation_id="evidence_get", parameters=[CASE, ITEM], responses=ItemDetail, tags=["Evidence"]
    )
    def get(self, request: Request, case: str, item: str) -> Response:
        """The item, and how far the worker is with it."""
        found = self.item(case, item)
        ingest = reads.ingest_of(self.actor, found)
        shown = ItemDetail().fields["ingest"].to_representation(ingest) if ingest else None
        return Response({**ItemAnswer(found).data, "ingest": shown})


class Custody(Door):
    """What happened to an item."""

    @extend_schema(
        operation_id="evidence_custody",
        parameters=[CASE, ITEM, CURSOR, LIMIT],
        responses=CustodyPage,
        tags=["Evidence"],
    )
    def get(self, request: Request, case: str, item: str) -> Response:
        """Its custody events in order; other parties' examinations are told to its owner only."""
        steps = reads.custody(self.actor, self.item(case, item))
        page = page_of(steps, request, keys=["entry", "id"])
        return Response(CustodyPage({"results": page.rows, "next": page.next}).data)


class Content(Door):
    """The sealed bytes."""

    @extend_schema(
        operation_id="evidence_content",
        parameters=[
            CASE,
            ITEM,
            OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="One range: bytes=0-1023."),
            OpenApiParameter("If-Range", str, OpenApiParameter.HEADER),
            OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER),
        ],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            (206, "application/octet-stream"): OpenApiTypes.BINARY,
            304: OpenApiResponse(description="You hold these bytes already; nothing was recorded."),
        },
        tags=["Evidence"],
    )
    def get(self, request: Request, case: str, item: str) -> HttpResponseBase:
        """Download the bytes, or one range of them.
        The custody event is in the ledger before the first byte leaves."""
        found = reads.readable_item(self.actor, self.item(case, item), "download")
        if content.unchanged(request, found.sha256):
            return content.not_modified(found.sha256)
        part = content.asked_range(request, sha256=found.sha256, size=found.size)
        if request.method == "HEAD":
            return content.headers_only(name=found.filename, sha256=found.sha256, size=found.size, part=part)
        sealed = examination.open_content(self.actor, found)
        return content.download(sealed, sha256=found.sha256, part=part)
