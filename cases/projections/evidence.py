"""Evidence items, their custody, and who may see and read them, as tables."""

from dataclasses import fields
from typing import Any
from uuid import UUID

from cases.models import Case, CustodyEvent, CustodyOffer, EvidenceItem, Holding
from cases.projections import sharing
from cases.projections.batch import Batch, Handlers, derived_id
from cases.rules.acting import HOST_PARTY
from cases.rules.custody_events import (
    DownloadBrokenOff,
    EvidenceAcquired,
    EvidenceDerived,
    EvidenceDisclosed,
    EvidenceExamined,
    EvidenceIndexed,
    EvidenceMadeSearchable,
    EvidenceQuarantined,
    EvidenceReceived,
    EvidenceRetried,
    EvidenceSealed,
    EvidenceUnpacked,
    EvidenceVerified,
    ItemEvent,
)
from cases.rules.shape import stamp
from cases.rules.values import HOW
from ledger.entries import StoredEvent

FACTS = tuple(field.name for field in fields(EvidenceAcquired) if field.name not in ("item", "owner"))
PARTICULARS = ("method", "tool", "tool_version", "query", "account", "tenant", "host", "acquired_at_text")


def _acquired(batch: Batch, event: EvidenceAcquired, stored: StoredEvent) -> None:
    told = {name: getattr(event, name) for name in FACTS}
    _new_item(batch, event, stored, **told)
    _custody(
        batch,
        event,
        stored,
        "acquired",
        who=event.acquired_by,
        occurred_at=event.acquired_at,
        place=event.source_system,
        purpose=event.legal_basis,
        particulars={name: getattr(event, name) for name in PARTICULARS if getattr(event, name)},
    )


def _received(batch: Batch, event: EvidenceReceived, stored: StoredEvent) -> None:
    changed(batch, event, stored, holder_id=event.holder, filename=event.filename, size=event.size)
    told = {"filename": event.filename, "size": event.size, "via": event.via}
    _custody(batch, event, stored, "received", place="Countersign", particulars=told)


def _sealed(batch: Batch, event: EvidenceSealed, stored: StoredEvent) -> None:
    changed(
        batch,
        event,
        stored,
        state="sealed",
        filename=event.filename,
        size=event.size,
        sha256=event.sha256,
        blake3=event.blake3,
        sha1=event.sha1,
        md5=event.md5,
        sealed_at=stored.recorded_at,
        sealed_by_id=_member(stored),
    )
    told = {"blake3": event.blake3, "size": event.size}
    _custody(batch, event, stored, "sealed", place="Vault", hash_after=event.sha256, particulars=told)


def _derived(batch: Batch, event: EvidenceDerived, stored: StoredEvent) -> None:
    _new_item(
        batch,
        event,
        stored,
        number=event.number,
        title=event.title,
        kind=event.kind,
        marking=event.marking,
        parent_id=event.parent,
        method="Derived",
        note=event.note,
        query=_asked(event),
        tool=event.tool,
        tool_version=event.tool_version,
    )
    told: dict[str, Any] = {"parent": str(event.parent)}
    told |= {"tool": event.tool, "tool_version": event.tool_version}
    if event.records is not None:
        told |= {
            "records": event.records,
            "query": _asked(event),
            "columns": list(event.columns),
            "masked": list(event.masked),
        }
    _custody(batch, event, stored, "derived", place="Worker", hash_before=event.hash_before, particulars=told)


def _asked(event: EvidenceDerived) -> str:
    """Which records were taken, as a person reads it."""
    since = f" from {stamp(event.start)}" if event.start else ""
    until = f" until {stamp(event.end)}" if event.end else ""
    return f"{event.query}{since}{until}".strip()


def _unpacked(batch: Batch, event: EvidenceUnpacked, stored: StoredEvent) -> None:
    changed(batch, event, stored)
    told = {"derived": str(event.derived), "number": event.number}
    _custody(batch, event, stored, "unpacked", place="Worker", hash_after=event.sha256, particulars=told)


def _verified(batch: Batch, event: EvidenceVerified, stored: StoredEvent) -> None:
    changed(batch, event, stored, verified_at=stored.recorded_at)
    told = {}
    if event.offer is not None:
        batch.change(CustodyOffer, event.offer, rehashed_at=stored.recorded_at)
        told = {"offer": str(event.offer)}
    hashes = {"hash_before": event.sha256, "hash_after": event.sha256}
    _custody(batch, event, stored, "verified", place="Vault", particulars=told, **hashes)


def _made_searchable(batch: Batch, event: EvidenceMadeSearchable, stored: StoredEvent) -> None:
    told = {
        name: getattr(event, name)
        for name in ("format", "parser", "parser_version", "lines", "records", "rejects")
    }
    changed(
        batch,
        event,
        stored,
        state="searchable",
        first_time=event.first_time,
        last_time=event.last_time,
        **told,
    )
    _custody(batch, event, stored, "searchable", place="Worker", particulars=told)


def _indexed(batch: Batch, event: EvidenceIndexed, stored: StoredEvent) -> None:
    named = {"format": event.format} if event.format else {}
    changed(batch, event, stored, state="indexed", **named)
    _custody(batch, event, stored, "indexed", place="Worker")


def _quarantined(batch: Batch, event: EvidenceQuarantined, stored: StoredEvent) -> None:
    changed(
        batch,
        event,
        stored,
        state="quarantined",
        quarantine_step=event.step,
        quarantine_reason=event.reason,
        quarantines=event.count,
    )
    told = {"step": event.step, "reason": event.reason}
    _custody(batch, event, stored, "quarantined", place="Worker", particulars=told)


def _retried(batch: Batch, event: EvidenceRetried, stored: StoredEvent) -> None:
    changed(batch, event, stored, state=event.state, quarantine_step="", quarantine_reason="")
    _custody(batch, event, stored, "retried", place="Countersign")


def _disclosed(batch: Batch, event: EvidenceDisclosed, stored: StoredEvent) -> None:
    changed(batch, event, stored)
    sharing.disclosed(batch, event, stored, derived_id(stored.log, f"disclosed/{event.item}/{event.party}"))
    told = {"party": str(event.party), "legal_basis": event.legal_basis}
    _custody(batch, event, stored, "disclosed", place="Countersign", purpose=event.purpose, particulars=told)


def _examined(batch: Batch, event: EvidenceExamined, stored: StoredEvent) -> None:
    for shown in event.items:
        if event.how == "search" and not shown.records:
            continue  # the ledger has it; on the item's own page nothing was shown
        told = {"how": HOW[event.how], "query": event.query, "records": shown.records}
        batch.add(
            step(stored, shown.item, "examined", place="Countersign", purpose=event.purpose, particulars=told)
        )


def _broken_off(batch: Batch, event: DownloadBrokenOff, stored: StoredEvent) -> None:
    told = {"how": "broke off a download", "query": "", "records": 0}
    told |= {"sent": event.sent, "reader": str(event.reader)}
    batch.add(step(stored, event.item, "examined", place="Countersign", particulars=told))


def _new_item(
    batch: Batch, event: EvidenceAcquired | EvidenceDerived, stored: StoredEvent, **told: Any
) -> None:
    batch.add(
        EvidenceItem(
            id=event.item,
            case_id=stored.log,
            state="received",
            owner_id=event.owner,
            holder_id=event.owner,
            version=stored.version,
            **told,
        )
    )
    # Its first holding: there is a holder from the first moment on.
    batch.add(
        Holding(
            id=event.item,
            item_id=event.item,
            party_id=event.owner,
            entry=stored.index,
            since=stored.recorded_at,
        )
    )
    batch.change(Case, stored.log, last_number=event.number, updated_at=stored.recorded_at)


def changed(batch: Batch, event: ItemEvent, stored: StoredEvent, **values: Any) -> None:
    """The item has a newer version, and these values."""
    batch.change(EvidenceItem, event.item, version=stored.version, **values)


def _custody(batch: Batch, event: ItemEvent, stored: StoredEvent, kind: str, **told: Any) -> None:
    batch.add(step(stored, event.item, kind, **told))


def step(
    stored: StoredEvent, item: UUID, kind: str, *, who: str = "", occurred_at: Any = None, **told: Any
) -> CustodyEvent:
    """A step in the life of an item."""
    return CustodyEvent(
        id=derived_id(stored.log, f"{stored.index}/{item}"),
        item_id=item,
        entry=stored.index,
        kind=kind,
        who=who or str(stored.actor["name"]),
        member_id=_member(stored),
        party_id=None if stored.party == HOST_PARTY else stored.party,
        occurred_at=occurred_at or stored.recorded_at,
        recorded_at=stored.recorded_at,
        **told,
    )


def _member(stored: StoredEvent) -> UUID | None:
    member = stored.actor["member"]
    return UUID(str(member)) if member else None


HANDLERS: Handlers = {
    EvidenceAcquired: _acquired,
    EvidenceReceived: _received,
    EvidenceSealed: _sealed,
    EvidenceDerived: _derived,
    EvidenceUnpacked: _unpacked,
    EvidenceVerified: _verified,
    EvidenceMadeSearchable: _made_searchable,
    EvidenceIndexed: _indexed,
    EvidenceQuarantined: _quarantined,
    EvidenceRetried: _retried,
    EvidenceDisclosed: _disclosed,
    EvidenceExamined: _examined,
    DownloadBrokenOff: _broken_off,
}
