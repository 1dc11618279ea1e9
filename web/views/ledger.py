"""The ledger of a case: its entries, how far they are proven, and each entry's bytes and proof."""

from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from cases import proof as proofs
from cases import reads
from cases.actors import Actor
from cases.proof import ProofState
from web.door import member_view
from web.selfcheck import self_check
from web.views.frame import CasePage

PAGE = 100
# A filter by what may be read looks through so many entries at once, however few of them it finds.
SIFTED = 500
SHOWN = {"": "All", "open": "Mine to read", "waiting": "Not countersigned yet"}


def number(given: str | None) -> int | None:
    """An index asked for; nonsense is none."""
    return int(given) if given and given.isascii() and given.isdecimal() and len(given) < 16 else None


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """The entries that one page shows, from `bottom` up to `top`, out of a log of `size` entries; a filter
    may leave out those below `floor`."""

    bottom: int
    top: int
    floor: int
    size: int

    @property
    def older(self) -> int | None:
        return self.bottom - 1 if self.bottom > self.floor else None

    @property
    def newer(self) -> int | None:
        length = self.top - self.bottom + 1
        return min(self.top + max(length, 1), self.size - 1) if self.top < self.size - 1 else None


def _stretch(request: HttpRequest, state: ProofState, *, shown: str) -> Stretch:
    """`from` is the highest index shown, `at` one to find in the middle."""
    size, length = state.head.size, SIFTED if shown == "open" else PAGE
    floor = state.countersigned if shown == "waiting" else 0
    at, top = number(request.GET.get("at")), number(request.GET.get("from"))
    if at is not None and top is None:
        top = at + PAGE // 2
    top = min(size - 1 if top is None else max(top, floor), size - 1)
    return Stretch(bottom=max(top - length + 1, floor), top=top, floor=floor, size=size)


def drawn(row: reads.LedgerRow, page: CasePage) -> dict[str, Any]:
    """An entry as the pages draw it: a sealed one with index, party and time, and nothing else."""
    state = page.standing
    signed = [one.party for one in state.needed if one.size > row.index]
    return {
        "index": row.index,
        "recorded_at": row.recorded_at,
        "party": page.known_parties.get(row.party),
        "leaf_hash": row.leaf_hash,
        "opening": row.opening,
        "lost": row.lost,
        "sentence": row.sentence,
        "signed": signed,
        "missing": [one.party for one in state.needed if one.size <= row.index] if signed else [],
    }


@member_view("GET", "HEAD")
def entries(request: HttpRequest, actor: Actor, reference: str) -> HttpResponse:
    """Entries from the newest down, all or some of them, beside the state of the proof."""
    page = CasePage(actor, reference, "ledger")
    state = proofs.proof_state(actor, page.case, known=page.standing)
    shown = request.GET.get("show", "") if request.GET.get("show") in SHOWN else ""
    part = _stretch(request, state, shown=shown)
    found = reads.ledger_page(
        actor,
        page.case,
        after=part.bottom - 1,
        limit=max(part.top - part.bottom + 1, 0),
        names={pk: party.short_name for pk, party in page.known_parties.items()},
    )
    rows = [drawn(row, page) for row in reversed(found) if shown != "open" or row.opening][:PAGE]
    if shown == "open" and len(rows) == PAGE:
        part = replace(part, bottom=rows[-1]["index"])
    for row in rows:
        row["state"] = state.state_of(row["index"])
    at = number(request.GET.get("at"))
    context = page.context(
        proof=state,
        rows=rows,
        part=part,
        shown=shown,
        filters=SHOWN.items(),
        waiting=state.head.size - state.countersigned,
        at=at,
        nowhere=at is not None and at >= state.head.size,
        check=self_check(page.case, page.parties[actor.party], state),
        watched=any(one.vkeys for one in (*state.needed, *state.others) if one.party.pk == actor.party),
        away=[one for one in state.authorities if one not in {stamp.authority for stamp in state.stamps}],
    )
    return render(request, "web/ledger/list.html", context)
