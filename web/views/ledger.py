"""The ledger of a case: its entries, the checkpoint, and each entry's bytes and proof."""

import base64
import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from cases import listings, reads
from cases.actors import Actor
from cases.refusals import Unseen
from web.door import member_view
from web.views.frame import CasePage

PAGE = 100


def _number(given: str | None) -> int | None:
    return int(given) if given and given.isascii() and given.isdecimal() and len(given) < 16 else None


@member_view("GET", "HEAD")
def entries(request: HttpRequest, actor: Actor, reference: str) -> HttpResponse:
    """Entries from the newest down; `from` is the highest index shown, `at` one to find."""
    page = CasePage(actor, reference, "ledger")
    context = page.context()
    size = context["ledger_head"].size
    at = _number(request.GET.get("at"))
    top = _number(request.GET.get("from"))
    if at is not None and top is None:
        top = at + PAGE // 2
    top = min(size - 1 if top is None else top, size - 1)
    bottom = max(top - PAGE + 1, 0)
    rows = reads.ledger_page(actor, page.case, after=bottom - 1, limit=top - bottom + 1)
    context |= {
        "rows": [_with_party(row, page) for row in reversed(rows)],
        "older": bottom - 1 if bottom > 0 else None,
        "newer": min(top + PAGE, size - 1) if top < size - 1 else None,
        "at": at,
    }
    return render(request, "web/ledger/list.html", context)


def _with_party(row: reads.LedgerRow, page: CasePage) -> dict[str, Any]:
    return {
        "index": row.index,
        "recorded_at": row.recorded_at,
        "party": page.parties.get(row.party),
        "leaf_hash": row.leaf_hash,
        "opening": row.opening,
        "sentence": row.sentence if row.opening else "sealed entry, not shared with you",
    }


@member_view("GET", "HEAD")
def entry(request: HttpRequest, actor: Actor, reference: str, index: int) -> HttpResponse:
    """One entry: what was sealed where it is shared, its bytes and its proof in any case."""
    page = CasePage(actor, reference, "ledger")
    rows = reads.ledger_page(actor, page.case, after=index - 1, limit=1)
    if not rows or rows[0].index != index:
        raise Unseen
    row = rows[0]
    leaf = base64.b64decode(row.leaf_b64)
    proven = listings.inclusion(actor, page.case, index=index, leaf=leaf)
    fields = [
        (field, field.value if isinstance(field.value, str) else json.dumps(field.value, ensure_ascii=False))
        for field in (listings.opened_fields(row.opening) if row.opening else [])
    ]
    context = page.context(ledger_head=proven.head) | {
        "row": _with_party(row, page),
        "fields": [
            {"name": f.name, "value": shown, "salt": f.salt, "digest": f.digest} for f, shown in fields
        ],
        "leaf_text": leaf.decode(errors="replace"),
        "leaf_size": len(leaf),
        "commit": json.loads(leaf).get("commit"),
        "proof": proven.path,
        "proof_holds": proven.holds,
        "previous": index - 1,
        "next": index + 1 if index + 1 < proven.head.size else None,
    }
    return render(request, "web/ledger/entry.html", context)
