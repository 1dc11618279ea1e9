"""One entry of a case's ledger: what was sealed, how far it is proven, and the proof itself, drawn."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from cases import listings, reads
from cases import proof as proofs
from cases.actors import Actor
from cases.proof import EntryState
from cases.refusals import Unseen
from cases.rules.erasure import ERASABLE
from ledger.entries import RESERVED
from ledger.jcs import Json
from web import charts, proofwords
from web.door import member_view
from web.views.frame import CasePage
from web.views.ledger import drawn

# What every entry holds beside what happened, and what belongs to a member's signature: shown after the rest.
ALSO = {*RESERVED, "intent", "signed", "authenticator_data", "client_data"}
WITH = {"ed25519": "with a key of their own", "webauthn": "with a passkey of their own"}


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A stop on the line from recorded to time-stamped."""

    name: str
    at: datetime | None
    hue: int
    done: bool
    note: str = ""


def _line(row: dict[str, Any], state: EntryState, page: CasePage) -> list[Stop]:
    """Recorded, countersigned by each party that is needed, time-stamped; what is missing as well."""
    by = dict(state.cosigned)
    hue = row["party"].hue if row["party"] else 0
    line = [Stop(name="Recorded", at=state.recorded_at, hue=hue, done=True, note="signed by the host")]
    for one in page.standing.needed:
        at = by.get(one.party)
        waits = "waits for its witness" if one.vkeys else "has no witness yet"
        line.append(
            Stop(
                name=f"Countersigned by {one.party.short_name}",
                at=at,
                hue=one.party.hue,
                done=at is not None,
                note="" if at else waits,
            )
        )
    line += [
        Stop(name="Time-stamped", at=stamp.at, hue=0, done=True, note=stamp.authority)
        for stamp in state.stamped
    ]
    if not state.stamped:
        line.append(Stop(name="Time-stamped", at=None, hue=0, done=False, note="no authority has yet"))
    return line


def _field(one: listings.OpenedField) -> dict[str, str]:
    value = one.value if isinstance(one.value, str) else json.dumps(one.value, ensure_ascii=False)
    return {"name": one.name, "value": value, "salt": one.salt, "digest": one.digest}


def _signature(row: reads.LedgerRow, leaf: dict[str, Any], fields: dict[str, Json]) -> dict[str, Any] | None:
    """Who signed the act and what; of a sealed entry nothing is told."""
    auth = leaf.get("auth")
    if not auth or row.opening is None:
        return None
    actor = fields.get("actor")
    name = actor.get("name") if isinstance(actor, dict) else None
    return {
        "name": name or "A member",
        "how": WITH.get(str(auth["alg"]), "with a key of their own"),
        "key": auth["key"],
        "intent": fields.get("intent"),
    }


def _erase_url(page: CasePage, row: reads.LedgerRow) -> str:
    """Where what this entry says can be erased, if the actor may and there is something. What came into the
    log with the entry may still speak against it; that page says so."""
    opening = row.opening or {}
    texts = [name for name in ERASABLE.get(row.type or "", ()) if name in opening and opening[name][1]]
    mine = row.party == page.actor.party and "EraseValues" in page.offers and not page.case.legal_hold
    if not texts or not mine or "intent" in opening:
        return ""
    return reverse("entry_erase", args=[page.case.reference, row.index])


@member_view("GET", "HEAD")
def entry(request: HttpRequest, actor: Actor, reference: str, index: int) -> HttpResponse:
    """One entry: what was sealed where it is shared, its bytes and its proof in any case."""
    page = CasePage(actor, reference, "ledger")
    names = {pk: party.short_name for pk, party in page.known_parties.items()}
    found = reads.ledger_page(actor, page.case, after=index - 1, limit=1, names=names)
    if not found or found[0].index != index:
        raise Unseen
    row, head = found[0], page.standing.head
    leaf = base64.b64decode(row.leaf_b64)
    told = json.loads(leaf)
    proven = listings.inclusion(actor, page.case, index=index, leaf=leaf, head=head)
    state = proofs.entry_state(actor, page.case, index, known=page.standing, recorded_at=row.recorded_at)
    tree = charts.proof_tree(
        index=index, size=head.size, leaf_hash=row.leaf_hash, path=proven.path, root=head.root_hex
    )
    opened = listings.opened_fields(row.opening) if row.opening else []
    shown = drawn(row, page)
    context = page.context(
        row=shown,
        said=[_field(one) for one in opened if one.name not in ALSO],
        also=[_field(one) for one in opened if one.name in ALSO],
        erased=sorted(row.erased.items()),
        signature=_signature(row, told, {f.name: f.value for f in opened}),
        line=_line(shown, state, page),
        bounds=proofwords.bounds(state, index=index),
        state=state,
        leaf_text=leaf.decode(errors="replace"),
        leaf_size=len(leaf),
        commit=told.get("commit"),
        tree=tree,
        proof_holds=proven.holds and tree.holds,
        previous=index - 1,
        next=index + 1 if index + 1 < head.size else None,
        erase_url=_erase_url(page, row),
    )
    return render(request, "web/ledger/entry.html", context)
