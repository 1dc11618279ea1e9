"""Custody events as a person reads them: the particulars as words, and what all of them together say."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from cases.models import CustodyEvent
from web.templatetags.countersign import format_name

# Closer than this, "happened" and "recorded" are one moment to a reader.
SAME = timedelta(seconds=2)


def _acquired(p: Mapping[str, Any]) -> str:
    tool = " ".join(str(p[name]) for name in ("tool", "tool_version") if p.get(name))
    where = ", ".join(f"{name} {p[name]}" for name in ("account", "tenant", "host") if p.get(name))
    return "; ".join(part for part in (p.get("method", ""), tool, where) if part)


def _examined(p: Mapping[str, Any]) -> str:
    query = f" for {p['query']}" if p.get("query") else ""
    records = p.get("records", 0)
    shown = f", {records:,} record{'' if records == 1 else 's'} shown" if records and records > 0 else ""
    return f"{p.get('how', 'read')}{query}{shown}"


def _searchable(p: Mapping[str, Any]) -> str:
    rejects = f"{p['rejects']:,} rejects" if p.get("rejects") else "no reject"
    parser = f"parser {p.get('parser')} {p.get('parser_version')}"
    return f"{format_name(str(p.get('format')))}, {parser}, {p.get('records', 0):,} records, {rejects}"


def _offered(p: Mapping[str, Any]) -> str:
    what = "a return" if p.get("returns") else ""
    return "; ".join(part for part in (what, _stated(p)) if part)


def _stated(p: Mapping[str, Any]) -> str:
    said = (f"condition: {p['condition']}" if p.get("condition") else "", _under(p))
    return "; ".join(part for part in said if part)


def _under(p: Mapping[str, Any]) -> str:
    return f"seal {p['seal']}" if p.get("seal") else ""


def _refused(p: Mapping[str, Any]) -> str:
    return f"by itself: {p['reason']}" if p.get("wrong") else str(p.get("reason", ""))


def _derived(p: Mapping[str, Any]) -> str:
    tool = f"by {p.get('tool')} {p.get('tool_version')}"
    if p.get("records") is None:
        return f"unpacked {tool}"
    chosen = f"columns {', '.join(p['columns'])}" if p.get("columns") else ""
    blotted = f"masked {', '.join(p['masked'])}" if p.get("masked") else ""
    query = f"records found by {p['query']}" if p.get("query") else "all records"
    return "; ".join(part for part in (f"{p['records']:,} records {tool}", query, chosen, blotted) if part)


def _stored(p: Mapping[str, Any]) -> str:
    said = (f"barcode {p['barcode']}" if p.get("barcode") else "", _under(p))
    return "; ".join(part for part in said if part)


def _disposal(p: Mapping[str, Any]) -> str:
    by = f", authorised by {p['authoriser']}" if p.get("authoriser") else ""
    copies = p.get("copies") or []
    made = f"; {len(copies)} made from it stay{'s' if len(copies) == 1 else ''}" if copies else ""
    return f"{p.get('method')}{by}: {p.get('reason')}; other copies: {p.get('remaining')}{made}"


def _an(how: Any) -> str:
    return "a redaction" if how == "redaction" else "an extract"


SAID = {
    "acquired": _acquired,
    "received": lambda p: f"{p.get('size', 0):,} bytes through the {p.get('via')} door: {p.get('filename')}",
    "sealed": lambda p: "SHA-256 and BLAKE3 taken while the bytes came in",
    "verified": lambda p: (
        "hashed again for the receiver, equal to the seal"
        if p.get("offer")
        else "hashed again, equal to the seal"
    ),
    "derived": _derived,
    "extracted": lambda p: f"{p.get('records', 0):,} records became E-{p.get('number')}, {_an(p.get('how'))}",
    "offered": _offered,
    "accepted": _stated,
    "refused": _refused,
    "withdrawn": lambda p: str(p.get("reason", "")),
    "stored": _stored,
    "moved": lambda p: "; ".join(part for part in (str(p.get("reason", "")), _under(p)) if part),
    "released": lambda p: "; ".join(
        part for part in (f"to {p.get('recipient')}: {p.get('reason')}", _stated(p)) if part
    ),
    "disposal": _disposal,
    "cancelled": lambda p: str(p.get("reason", "")),
    "disposed": _disposal,
    "corrected": lambda p: f"entry {p.get('entry')}: {p.get('text')}",
    "unpacked": lambda p: f"content became E-{p.get('number')}",
    "searchable": _searchable,
    "indexed": lambda p: "every word can be found",
    "quarantined": lambda p: f"{p.get('step')}: {p.get('reason')}",
    "retried": lambda p: "by the host’s operator",
    "disclosed": lambda p: f"basis: {p['legal_basis']}" if p.get("legal_basis") else "",
    "examined": _examined,
}


NAMES_A_PARTY = {"disclosed": "party", "offered": "to", "withdrawn": "to"}


def told(events: Iterable[CustodyEvent], parties: Mapping[UUID, Any]) -> list[CustodyEvent]:
    """The events with `said` (particulars in words), `to_party` and `from_party` where they name one, `late`,
    `anew` (hashed for a receiver), `alarm`, and the `corrections` of each that is in the list."""
    listed = list(events)
    corrected: dict[tuple[Any, Any], list[CustodyEvent]] = {}
    for event in listed:
        p = event.particulars
        said = SAID[event.kind](p)
        event.said = said[:1].upper() + said[1:]  # type: ignore[attr-defined]
        to, from_ = p.get(NAMES_A_PARTY.get(event.kind, "")), p.get("from")
        event.to_party = parties.get(UUID(to)) if to else None  # type: ignore[attr-defined]
        event.from_party = parties.get(UUID(from_)) if from_ else None  # type: ignore[attr-defined]
        event.late = abs(event.recorded_at - event.occurred_at) > SAME  # type: ignore[attr-defined]
        event.anew = event.kind == "verified" and bool(p.get("offer"))  # type: ignore[attr-defined]
        event.alarm = event.kind == "refused" and bool(p.get("wrong"))  # type: ignore[attr-defined]
        if event.kind == "corrected":
            corrected.setdefault((event.item_id, p.get("entry")), []).append(event)
    for event in listed:
        event.corrections = corrected.get((event.item_id, event.entry), [])  # type: ignore[attr-defined]
    return listed


def summed_up(events: Iterable[CustodyEvent]) -> str:
    """One sentence on the whole: holders, verifications, and whether each hash was the sealed one."""
    listed = list(events)
    takings = sum(event.kind == "accepted" for event in listed)
    holders = "One holder at every moment" + (
        f", {takings} hand-over{'' if takings == 1 else 's'}" if takings else ""
    )
    if any(event.kind == "refused" and event.particulars.get("wrong") for event in listed):
        return "A hash taken for a receiver differs from the seal."
    if any(event.kind == "stored" for event in listed):
        return f"{holders}; an object, so there is no hash."
    sealed = next((event.hash_after for event in listed if event.kind == "sealed"), "")
    checks = [event for event in listed if event.kind == "verified"]
    if not sealed:
        return "Not sealed yet."
    if any(event.hash_after != sealed for event in checks):
        return "A later hash differs from the seal."
    if not checks:
        return f"{holders}; not yet verified since the seal."
    many = "1 verification, equal" if len(checks) == 1 else f"{len(checks)} verifications, all equal"
    return f"{holders}; {many} to the seal."
