"""What a party finds out about its own evidence: what was read, who sees it and why, what was known when."""

from datetime import datetime
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import limit_of, whole_number
from api.serializers.fields import Instant
from api.serializers.insight import ExposureAnswer, KnowledgeAnswer, ViewAnswer, WhyAnswer
from api.views.cases import CASE
from api.views.door import Door
from cases import reads
from cases.insight import asof, exposure, viewas, why
from cases.insight.subject import Subject, subject
from cases.models import Case
from cases.refusals import Unseen

PARTY = OpenApiParameter("party", {"type": "string", "format": "uuid"}, description="A party of the case.")
MEMBER = OpenApiParameter(
    "member", {"type": "string", "format": "uuid"}, description="Or one of its members."
)
ITEM = OpenApiParameter("item", str, description="An item's id or number: E-3 or 3.")
SHARE = OpenApiParameter("share", {"type": "string", "format": "uuid"}, description="A share that you give.")
BEFORE = OpenApiParameter("before", int, description="Only readings below this entry.")
LIMIT = OpenApiParameter("limit", int, description="At most so many readings: 1 to 200, otherwise 50.")
AS_OF = OpenApiParameter(
    "as_of", str, required=True, description="A time as in RFC 3339, or the index of an entry."
)


class _InsightDoor(Door):
    def asked_for(self, name: str) -> str | None:
        """A query parameter; an empty one is none."""
        return self.request.query_params.get(name) or None

    def uuid(self, name: str) -> UUID | None:
        """The same as an id; nonsense names nothing that there is."""
        given = self.asked_for(name)
        try:
            return UUID(given) if given else None
        except ValueError:
            raise Unseen from None

    def subject(self, case: Case) -> Subject:
        """The party or member that is asked about."""
        party, member = self.uuid("party"), self.uuid("member")
        if party is None and member is None:
            raise ValidationError({"party": ["Name a party or a member, please."]})
        return subject(self.actor, case, party=party, member=member)


class Exposure(_InsightDoor):
    """What others have had."""

    @extend_schema(
        operation_id="exposure",
        parameters=[CASE, PARTY, ITEM, SHARE, BEFORE, LIMIT],
        responses=ExposureAnswer,
        tags=["Shares"],
    )
    def get(self, request: Request, case: str) -> Response:
        """Every search, preview and download of your own items: by a party, of an item, under a share."""
        found = self.case(case)
        item, share = self.asked_for("item"), self.asked_for("share")
        before = self.asked_for("before")
        report = exposure.exposure(
            self.actor,
            found,
            party=self.uuid("party"),
            item=reads.item(self.actor, found, item) if item else None,
            share=reads.share(self.actor, found, share) if share else None,
            before=whole_number(request, "before", default=0, low=0, high=10**15) if before else None,
            limit=limit_of(request),
        )
        return Response(ExposureAnswer(report).data)


class Why(_InsightDoor):
    """Why somebody can see something."""

    @extend_schema(
        operation_id="why", parameters=[CASE, PARTY, MEMBER, ITEM], responses=WhyAnswer, tags=["Shares"]
    )
    def get(self, request: Request, case: str) -> Response:
        """The chain of events by which a party or member can, or cannot, see an item or the case."""
        found = self.case(case)
        about, item = self.subject(found), self.asked_for("item")
        if item is None:
            return Response(WhyAnswer(why.why_case(self.actor, found, about)).data)
        label = reads.item(self.actor, found, item).label
        return Response(WhyAnswer(why.why_item(self.actor, found, label, about)).data)


class ViewAs(_InsightDoor):
    """What another would see."""

    @extend_schema(
        operation_id="view_as", parameters=[CASE, PARTY, MEMBER], responses=ViewAnswer, tags=["Shares"]
    )
    def get(self, request: Request, case: str) -> Response:
        """What the lists of a party or member would show of your own items, by the wall that they meet."""
        found = self.case(case)
        return Response(ViewAnswer(viewas.view_as(self.actor, found, self.subject(found))).data)


class Knowledge(_InsightDoor):
    """What was known when."""

    @extend_schema(
        operation_id="knowledge",
        parameters=[CASE, PARTY, AS_OF, ITEM],
        responses=KnowledgeAnswer,
        tags=["Shares"],
    )
    def get(self, request: Request, case: str) -> Response:
        """What a party could see and had read at a time, or after an entry; of your own items alone, or of
        all that was open to it where you ask about your own party."""
        found = self.case(case)
        about = self.subject(found)
        told = asof.as_of(self.actor, found, about.party, self.moment(), item=self.asked_for("item"))
        return Response(KnowledgeAnswer(told).data)

    def moment(self) -> datetime | int:
        """`as_of`: an entry's index, or a time with its zone."""
        given = self.asked_for("as_of")
        if given is None:
            raise ValidationError({"as_of": ["A time or the index of an entry, please."]})
        if given.isascii() and given.isdecimal() and len(given) < 16:
            return int(given)
        try:
            at: datetime = Instant().to_internal_value(given)
        except ValidationError as error:
            raise ValidationError({"as_of": error.detail}) from error
        return at
