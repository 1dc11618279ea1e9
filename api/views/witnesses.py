"""What the parties' witnesses bring: cosignatures, what they saw last, and entries that the host has lost.

Every route takes the word of nobody: a cosignature must be by a key registered for the log, a checkpoint by
this host's own, a leaf or an opening is compared with what was signed and sealed. So any member of a party in
the case may call them, and none of them writes an entry that was not in the log before.
"""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import whole_number
from api.parsers import BoundedLines, BoundedText
from api.serializers.proof import CosignaturesAnswer, RegainedAnswer, StagedAnswer
from api.views.cases import CASE
from api.views.door import Door
from api.views.proof import LAST, size_of, size_parameter
from cases import followers, regain
from cases.proof import witness_keys
from cases.refusals import Refused
from ledger.cosignatures import add_cosignatures
from ledger.errors import NoSuchEntry
from ledger.signing import parse_checkpoint

NOTE = {"text/plain": OpenApiTypes.STR}
LINES = {"application/jsonl": OpenApiTypes.STR}


class _Text(Door):
    """A door that takes a text."""

    parser_classes = [BoundedText]

    def said(self) -> str:
        """The text of the body; empty where there was none."""
        data: object = self.request.data
        return data if isinstance(data, str) else ""


class _Lines(Door):
    """A door that takes JSON lines."""

    parser_classes = [BoundedLines]

    def said(self) -> bytes:
        """The bytes of the body; empty where there was none."""
        data: object = self.request.data
        return data if isinstance(data, bytes) else b""


class Cosignatures(_Text):
    """Witnesses vouch for a checkpoint."""

    @extend_schema(
        operation_id="ledger_cosign",
        parameters=[CASE, size_parameter("size", "Of the checkpoint; needed where only lines are sent.")],
        request=NOTE,
        responses=CosignaturesAnswer,
        tags=["Ledger"],
    )
    def post(self, request: Request, case: str) -> Response:
        """Hand in cosignature lines (C2SP tlog-cosignature, Ed25519) for a checkpoint, or a whole note with
        them. Of each key and size the first is kept; the same again is answered with what is held."""
        found, said, size = self.case(case), self.said(), size_of(request)
        try:
            held = add_cosignatures(found.pk, said, witness_keys(found.pk), size=size)
        except NoSuchEntry as error:
            raise Refused("no-such-checkpoint", error.sentence) from error
        followers.take_note(found.pk)
        told = parse_checkpoint(said).size if size is None else size
        return Response(CosignaturesAnswer({"size": told, "cosignatures": held}).data)


class Seen(_Text):
    """What a witness has seen, when the host shows less or something else."""

    @extend_schema(
        operation_id="ledger_seen", parameters=[CASE], request=NOTE, responses=RegainedAnswer, tags=["Ledger"]
    )
    def post(self, request: Request, case: str) -> Response:
        """Show a checkpoint with this host's own signature. Where the log does not show it, nothing more is
        written to the case until that is resolved, and all its pages say so."""
        return Response(RegainedAnswer(regain.show(self.actor, self.case(case), self.said())).data)


class Refeed(_Lines):
    """Entries come back from a mirror."""

    @extend_schema(
        operation_id="ledger_refeed",
        parameters=[
            CASE,
            OpenApiParameter(
                "from",
                {"type": "integer", "minimum": 0, "maximum": LAST},
                OpenApiParameter.QUERY,
                required=True,
                description="The index of the first leaf in the body.",
            ),
        ],
        request=LINES,
        responses={202: StagedAnswer},
        tags=["Ledger"],
    )
    def post(self, request: Request, case: str) -> Response:
        """Give leaves back, byte for byte, at most 256 at a time. They wait until their checkpoint comes."""
        found = self.case(case)
        start = whole_number(request, "from", default=-1, low=0, high=LAST)
        if start < 0:
            raise Refused(
                "invalid", "Say with `from` which entry the first line is.", status=422, field="from"
            )
        reached = regain.put(self.actor, found, self.said(), start=start)
        return Response(StagedAnswer({"next": reached}).data, status=202)


class RefeedCheckpoint(_Text):
    """The host's own signature over what was given back."""

    @extend_schema(
        operation_id="ledger_refeed_checkpoint",
        parameters=[CASE],
        request=NOTE,
        responses=RegainedAnswer,
        tags=["Ledger"],
    )
    def post(self, request: Request, case: str) -> Response:
        """Write the leaves that wait, up to this checkpoint, if they lead to its root. Then their openings
        have to come back."""
        return Response(RegainedAnswer(regain.take_back(self.actor, self.case(case), self.said())).data)


class RefeedOpenings(_Lines):
    """What the entries that came back mean."""

    @extend_schema(
        operation_id="ledger_refeed_openings",
        parameters=[CASE],
        request=LINES,
        responses=RegainedAnswer,
        tags=["Ledger"],
    )
    def post(self, request: Request, case: str) -> Response:
        """Lines of a bundle's openings.jsonl, up to 8 MiB at a time. When the last one is back the pages are
        made anew and writing goes on."""
        return Response(RegainedAnswer(regain.open_again(self.actor, self.case(case), self.said())).data)
