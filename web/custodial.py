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


SAID = {
    "acquired": _acquired,
    "received": lambda p: f"{p.get('size', 0):,} bytes through the {p.get('via')} door: {p.get('filename')}",
    "sealed": lambda p: "SHA-256 and BLAKE3 taken while the bytes came in",
    "verified": lambda p: "hashed again, equal to the seal",
    "derived": lambda p: f"unpacked by {p.get('tool')} {p.get('tool_version')}",
    "unpacked": lambda p: f"content became E-{p.get('number')}",
    "searchable": _searchable,
    "indexed": lambda p: "every word can be found",
    "quarantined": lambda p: f"{p.get('step')}: {p.get('reason')}",
    "retried": lambda p: "by the host’s operator",
    "disclosed": lambda p: f"basis: {p['legal_basis']}" if p.get("legal_basis") else "",
    "examined": _examined,
}


def told(events: Iterable[CustodyEvent], parties: Mapping[UUID, Any]) -> list[CustodyEvent]:
    """The events with `said` (particulars in words), `to_party` (of a disclosure) and `late`."""
    listed = list(events)
    for event in listed:
        said = SAID[event.kind](event.particulars)
        event.said = said[:1].upper() + said[1:]  # type: ignore[attr-defined]
        to = event.particulars.get("party") if event.kind == "disclosed" else None
        event.to_party = parties.get(UUID(to)) if to else None  # type: ignore[attr-defined]
        event.late = abs(event.recorded_at - event.occurred_at) > SAME  # type: ignore[attr-defined]
    return listed


def summed_up(events: Iterable[CustodyEvent]) -> str:
    """One sentence on the whole: holders, verifications, and whether each hash was the sealed one."""
    listed = list(events)
    sealed = next((event.hash_after for event in listed if event.kind == "sealed"), "")
    checks = [event for event in listed if event.kind == "verified"]
    if not sealed:
        return "Not sealed yet."
    if any(event.hash_after != sealed for event in checks):
        return "A later hash differs from the seal."
    if not checks:
        return "One holder at every moment; not yet verified since the seal."
    many = "1 verification, equal" if len(checks) == 1 else f"{len(checks)} verifications, all equal"
    return f"One holder at every moment; {many} to the seal."
