"""Erasing what an entry of one's own party says."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.serializers.erasure import Erasure, ErasureAnswer
from api.views.cases import CASE, KEY
from api.views.door import Door, receipt_facts
from cases.perform import perform
from cases.rules.erasure import EraseValues


class Erase(Door):
    """Values of one entry."""

    @extend_schema(
        operation_id="ledger_erase",
        parameters=[CASE, KEY],
        request=Erasure,
        responses={201: ErasureAnswer},
        tags=["Ledger"],
    )
    def post(self, request: Request, case: str, index: int) -> Response:
        """Destroy values and salts of an entry that your party made. The entry and every proof stay; a legal
        hold by any party forbids it."""
        found, asked = self.case(case), self.asked(Erasure)
        command = EraseValues(
            id=self.command_id(),
            case=found.pk,
            entry=index,
            names=tuple(asked["names"]),
            reason=asked["reason"],
        )
        receipt = perform(command, actor=self.actor)
        erased = [
            {"entry": event.fields["entry"], "names": event.fields["names"]} for event in receipt.events
        ]
        return Response(ErasureAnswer({"erased": erased, "receipt": receipt_facts(receipt)}).data, status=201)
