"""The ledger of a case: its head, its entries, and the proof that each is in it."""

import base64
from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.paging import whole_number
from api.serializers.cases import HeadAnswer, LedgerPage, ProvenEntry
from api.views.cases import CASE
from api.views.door import Door
from cases import listings, reads
from cases.models import Party
from cases.proof import State, entry_state, proof_state
from cases.refusals import Unseen

MAX_ENTRIES = 1000
LAST = 2**53


class Ledger(Door):
    """Where the log stands."""

    @extend_schema(operation_id="ledger", parameters=[CASE], responses=HeadAnswer, tags=["Ledger"])
    def get(self, request: Request, case: str) -> Response:
        """Size, Merkle root and signed checkpoint, and how far the parties have countersigned."""
        state = proof_state(self.actor, self.case(case))
        told = {
            "size": state.head.size,
            "root": state.head.root_hex,
            "checkpoint": state.head.checkpoint_text,
            "recorded_at": state.head.recorded_at,
            "countersigned": state.countersigned,
            "waiting": state.waiting,
            "waiting_since": state.waiting_since,
            "witnesses": [
                vars(one) | {"party": one.party.pk, "needed": one in state.needed}
                for one in (*state.needed, *state.others)
            ],
            "stamps": state.stamps,
            "doubt": state.doubt,
        }
        return Response(HeadAnswer(told).data)


class Entries(Door):
    """The entries."""

    @extend_schema(
        operation_id="ledger_entries",
        parameters=[
            CASE,
            OpenApiParameter(
                "after", {"type": "integer", "minimum": -1, "default": -1}, OpenApiParameter.QUERY
            ),
            OpenApiParameter(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MAX_ENTRIES, "default": 100},
                OpenApiParameter.QUERY,
            ),
        ],
        responses=LedgerPage,
        tags=["Ledger"],
    )
    def get(self, request: Request, case: str) -> Response:
        """Entries after an index; those that your party may not read stay sealed and still verify."""
        found = self.case(case)
        after = whole_number(request, "after", default=-1, low=-1, high=LAST)
        limit = whole_number(request, "limit", default=100, low=1, high=MAX_ENTRIES)
        rows = reads.ledger_page(self.actor, found, after=after, limit=limit)
        state = proof_state(self.actor, found)
        last = rows[-1].index if len(rows) == limit else None
        told = [_entry(row, state.state_of(row.index), state.signed_by(row.index)) for row in rows]
        return Response({"entries": told, "next": last})


class OneEntry(Door):
    """One entry, proven."""

    @extend_schema(operation_id="ledger_entry", parameters=[CASE], responses=ProvenEntry, tags=["Ledger"])
    def get(self, request: Request, case: str, index: int) -> Response:
        """An entry with the proof that the log, at its present size, includes it."""
        found = self.case(case)
        rows = reads.ledger_page(self.actor, found, after=index - 1, limit=1)
        if not rows or rows[0].index != index:
            raise Unseen
        proven = listings.inclusion(self.actor, found, index=index, leaf=base64.b64decode(rows[0].leaf_b64))
        times = entry_state(self.actor, found, index)
        state: State = "recorded" if times.countersigned_at is None else "countersigned"
        if times.stamped and state == "countersigned":
            state = "time-stamped"
        return Response(
            {
                **_entry(rows[0], state, [party for party, _ in times.cosigned]),
                "size": proven.head.size,
                "root": proven.head.root_hex,
                "checkpoint": proven.head.checkpoint_text,
                "proof": proven.path,
                "countersigned_by": [{"party": party.pk, "at": at} for party, at in times.cosigned],
                "countersigned_at": times.countersigned_at,
                "stamped": [vars(one) for one in times.stamped],
                "after": times.after,
            }
        )


def _entry(row: reads.LedgerRow, state: State, signed_by: Sequence[Party]) -> dict[str, Any]:
    """The entry as LedgerEntry describes it; built by hand, since pages hold up to a thousand."""
    return {
        "index": row.index,
        "recorded_at": row.recorded_at,
        "party": row.party,
        "party_name": row.party_name,
        "leaf": row.leaf_b64,
        "leaf_hash": row.leaf_hash,
        "type": row.type,
        "sentence": row.sentence,
        "opening": row.opening,
        "erased": row.erased,
        "state": state,
        "signed_by": [party.pk for party in signed_by],
    }
