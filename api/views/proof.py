"""What a case's log is checked with: its checkpoint, its leaves, its proofs. Open to every party of the case,
for nothing here tells what an entry says."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import whole_number
from api.serializers.proof import ConsistencyAnswer
from api.views.cases import CASE
from api.views.door import Door
from cases import reads
from cases.proof import policy_text
from ledger import proofs, reading
from ledger.cosignatures import checkpoint_note
from ledger.signing import parse_checkpoint

LAST = 2**53
TEXT = (200, "text/plain")
LINES = (200, "application/jsonl")


def size_parameter(name: str, description: str, *, required: bool = False) -> OpenApiParameter:
    """A size or an index in the query string, said in OpenAPI."""
    kind = {"type": "integer", "minimum": 0, "maximum": LAST}
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=description, required=required)


FROM = size_parameter("from", "The first one wanted; at first 0.")
SIZE = size_parameter("size", "Under the checkpoint of this size instead of the newest one.")


def text(said: str) -> HttpResponse:
    """A note, a proof or a policy as a C2SP client expects it: text, never kept by anything in between."""
    return HttpResponse(
        said, content_type="text/plain; charset=utf-8", headers={"Cache-Control": "private, no-store"}
    )


def size_of(request: Request, name: str = "size") -> int | None:
    """A size in the query string, or None where it is left out."""
    given = whole_number(request, name, default=-1, low=0, high=LAST)
    return None if given < 0 else given


class NewestCheckpoint(Door):
    """The signed size and root."""

    @extend_schema(
        operation_id="ledger_checkpoint",
        parameters=[CASE, SIZE],
        responses={TEXT: OpenApiTypes.STR},
        tags=["Ledger"],
    )
    def get(self, request: Request, case: str) -> HttpResponse:
        """The newest checkpoint, or that of a size, as a C2SP note with all cosignatures that are here."""
        return text(checkpoint_note(self.case(case).pk, size_of(request)))


class Leaves(Door):
    """What the tree is made of."""

    @extend_schema(
        operation_id="ledger_leaves",
        parameters=[CASE, FROM, size_parameter("to", "The first one not wanted; at first the log's end.")],
        responses={LINES: OpenApiTypes.STR},
        tags=["Ledger"],
    )
    def get(self, request: Request, case: str) -> HttpResponse:
        """The exact leaves, one a line. A page ends where an index is a multiple of 256, and at the log's
        end: fewer lines than asked for are no error, ask again from there."""
        found = self.case(case)
        start = whole_number(request, "from", default=0, low=0, high=LAST)
        end = whole_number(request, "to", default=LAST, low=0, high=LAST)
        if end < start:
            raise ValidationError({"to": ["Not before `from`, please."]})
        end = min(end, reads.ledger_head(self.actor, found).size)
        page = reading.leaves(found.pk, start, end) if start < end else []
        return HttpResponse(
            b"".join(leaf + b"\n" for leaf in page),
            content_type="application/jsonl",
            headers={"Cache-Control": "private, no-store"},
        )


class Consistency(Door):
    """That the log only grew."""

    @extend_schema(
        operation_id="ledger_consistency",
        parameters=[
            CASE,
            size_parameter("from", "The smaller size.", required=True),
            size_parameter("to", "The larger size; at first the newest."),
        ],
        responses=ConsistencyAnswer,
        tags=["Ledger"],
    )
    def get(self, request: Request, case: str) -> Response:
        """The RFC 9162 consistency proof between two sizes of the log."""
        found = self.case(case)
        head = reads.ledger_head(self.actor, found)
        older, newer = size_of(request, "from"), size_of(request, "to")
        if older is None:
            raise ValidationError({"from": ["A size is needed here."]})
        newer = head.size if newer is None else newer
        if newer < older:
            raise ValidationError({"to": ["Not less than `from`, please."]})
        told = {
            "origin": parse_checkpoint(head.checkpoint_text).origin,
            "size1": older,
            "size2": newer,
            "root1": proofs.root_at(found.pk, older).hex(),
            "root2": proofs.root_at(found.pk, newer).hex(),
            "proof": [step.hex() for step in proofs.consistency_proof(found.pk, older, newer)],
        }
        return Response(ConsistencyAnswer(told).data)


class EntryProof(Door):
    """One entry's place, proven."""

    @extend_schema(
        operation_id="ledger_entry_proof",
        parameters=[CASE, SIZE],
        responses={TEXT: OpenApiTypes.STR},
        tags=["Ledger"],
    )
    def get(self, request: Request, case: str, index: int) -> HttpResponse:
        """A C2SP tlog-proof: the entry is under the checkpoint. With the leaf it is checked anywhere."""
        return text(proofs.receipt_proof(self.case(case).pk, index, size_of(request)))


class Policy(Door):
    """Whom to trust."""

    @extend_schema(
        operation_id="ledger_policy", parameters=[CASE], responses={TEXT: OpenApiTypes.STR}, tags=["Ledger"]
    )
    def get(self, request: Request, case: str) -> HttpResponse:
        """The keys of this log and its witnesses in tlog-policy syntax, as this host knows them: compare them
        with the other parties by another way before you pin them."""
        return text(policy_text(self.actor, self.case(case)))
