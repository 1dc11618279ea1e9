"""Custody as tables: who held what and when, the offers, the disposals, and each step of an item."""

from typing import Any

from cases.models import CustodyOffer, Disposal, Holding
from cases.projections.batch import Batch, Handlers
from cases.projections.evidence import changed, step
from cases.rules.transfer_events import (
    CustodyCorrected,
    CustodyTransferAccepted,
    CustodyTransferOffered,
    CustodyTransferRefused,
    CustodyTransferWithdrawn,
    DisposalCancelled,
    DisposalProposed,
    EvidenceDisposed,
    EvidenceExtracted,
    EvidenceReleased,
    PhysicalItemMoved,
    PhysicalItemStored,
    TransferEvent,
)
from ledger.entries import StoredEvent


def _offered(batch: Batch, event: CustodyTransferOffered, stored: StoredEvent) -> None:
    changed(batch, event, stored)
    batch.add(
        CustodyOffer(
            id=event.offer,
            case_id=stored.log,
            item_id=event.item,
            giver_id=event.party,
            receiver_id=event.to,
            status="offered",
            returns_id=event.returns,
            purpose=event.purpose,
            condition=event.condition,
            seal=event.seal,
            place=event.place,
            sha256=event.sha256,
            offered_at=stored.recorded_at,
            offered_by=str(stored.actor["name"]),
            entry=stored.index,
        )
    )
    told = {"condition": event.condition, "seal": event.seal, "returns": event.returns is not None}
    _step(
        batch,
        event,
        stored,
        "offered",
        place=event.place,
        purpose=event.purpose,
        hash_before=event.sha256,
        particulars=_with(event, told),
    )


def _accepted(batch: Batch, event: CustodyTransferAccepted, stored: StoredEvent) -> None:
    changed(batch, event, stored, holder_id=event.to, seal=event.seal, place=event.place)
    _decide(batch, event, stored, "accepted", "")
    batch.change(Holding, event.since, until_entry=stored.index, until=stored.recorded_at)
    batch.add(
        Holding(
            id=event.offer,
            item_id=event.item,
            party_id=event.to,
            entry=stored.index,
            since=stored.recorded_at,
        )
    )
    batch.handed_over(event.item, event.party, event.to)
    told = {"condition": event.condition, "seal": event.seal}
    _step(
        batch,
        event,
        stored,
        "accepted",
        place=event.place,
        hash_before=event.sha256,
        hash_after=event.sha256,
        particulars=_with(event, told),
    )


def _refused(batch: Batch, event: CustodyTransferRefused, stored: StoredEvent) -> None:
    changed(batch, event, stored)
    _decide(batch, event, stored, "refused", event.reason, wrong=event.wrong)
    told = {"reason": event.reason, "wrong": event.wrong}
    _step(batch, event, stored, "refused", hash_after=event.found, particulars=_with(event, told))


def _withdrawn(batch: Batch, event: CustodyTransferWithdrawn, stored: StoredEvent) -> None:
    changed(batch, event, stored)
    _decide(batch, event, stored, "withdrawn", event.reason)
    _step(batch, event, stored, "withdrawn", particulars=_with(event, {"reason": event.reason}))


def _extracted(batch: Batch, event: EvidenceExtracted, stored: StoredEvent) -> None:
    changed(batch, event, stored)
    told = {
        "derived": str(event.derived),
        "number": event.number,
        "records": event.records,
        "how": event.how,
    }
    _step(batch, event, stored, "extracted", place="Worker", hash_after=event.sha256, particulars=told)


def _stored(batch: Batch, event: PhysicalItemStored, stored: StoredEvent) -> None:
    changed(
        batch,
        event,
        stored,
        state="stored",
        holder_id=event.holder,
        barcode=event.barcode,
        seal=event.seal,
        place=event.place,
    )
    told = {"barcode": event.barcode, "seal": event.seal}
    _step(batch, event, stored, "stored", place=event.place, particulars=told)


def _moved(batch: Batch, event: PhysicalItemMoved, stored: StoredEvent) -> None:
    changed(batch, event, stored, seal=event.seal, place=event.place)
    told = {"seal": event.seal, "reason": event.reason}
    _step(batch, event, stored, "moved", place=event.place, particulars=told)


def _released(batch: Batch, event: EvidenceReleased, stored: StoredEvent) -> None:
    changed(batch, event, stored, state="released", seal=event.seal, place=event.place)
    told = {
        "recipient": event.recipient,
        "reason": event.reason,
        "condition": event.condition,
        "seal": event.seal,
    }
    _step(batch, event, stored, "released", place=event.place, particulars=told)


def _disposal_proposed(batch: Batch, event: DisposalProposed, stored: StoredEvent) -> None:
    changed(batch, event, stored)
    batch.add(
        Disposal(
            id=event.disposal,
            item_id=event.item,
            status="proposed",
            authoriser_id=event.authoriser,
            witness_id=event.witness,
            method=event.method,
            reason=event.reason,
            remaining=event.remaining,
            proposed_at=stored.recorded_at,
            entry=stored.index,
        )
    )
    told = {"method": event.method, "reason": event.reason, "remaining": event.remaining}
    _step(batch, event, stored, "disposal", particulars=told)


def _disposal_cancelled(batch: Batch, event: DisposalCancelled, stored: StoredEvent) -> None:
    changed(batch, event, stored)
    batch.change(Disposal, event.disposal, status="cancelled", decided_at=stored.recorded_at)
    _step(batch, event, stored, "cancelled", particulars={"reason": event.reason})


def _disposed(batch: Batch, event: EvidenceDisposed, stored: StoredEvent) -> None:
    changed(batch, event, stored, state="disposed")
    batch.change(Disposal, event.disposal, status="done", decided_at=stored.recorded_at)
    told = {
        "method": event.method,
        "reason": event.reason,
        "authoriser": event.authoriser_name,
        "remaining": event.remaining,
        "copies": [str(copy) for copy in event.copies],
    }
    _step(batch, event, stored, "disposed", hash_before=event.sha256, particulars=told)


def _corrected(batch: Batch, event: CustodyCorrected, stored: StoredEvent) -> None:
    changed(batch, event, stored)
    _step(batch, event, stored, "corrected", particulars={"entry": event.entry, "text": event.text})


def _decide(
    batch: Batch,
    event: TransferEvent,
    stored: StoredEvent,
    status: str,
    reason: str,
    **more: Any,
) -> None:
    batch.change(
        CustodyOffer,
        event.offer,
        status=status,
        decided_at=stored.recorded_at,
        decided_by=str(stored.actor["name"]),
        decided_entry=stored.index,
        reason=reason,
        **more,
    )


def _with(event: TransferEvent, told: dict[str, Any]) -> dict[str, Any]:
    named = {"offer": str(event.offer), "from": str(event.party), "to": str(event.to)}
    return named | {name: value for name, value in told.items() if value}


def _step(batch: Batch, event: Any, stored: StoredEvent, kind: str, **told: Any) -> None:
    batch.add(step(stored, event.item, kind, **told))


HANDLERS: Handlers = {
    CustodyTransferOffered: _offered,
    CustodyTransferAccepted: _accepted,
    CustodyTransferRefused: _refused,
    CustodyTransferWithdrawn: _withdrawn,
    EvidenceExtracted: _extracted,
    PhysicalItemStored: _stored,
    PhysicalItemMoved: _moved,
    EvidenceReleased: _released,
    DisposalProposed: _disposal_proposed,
    DisposalCancelled: _disposal_cancelled,
    EvidenceDisposed: _disposed,
    CustodyCorrected: _corrected,
}
