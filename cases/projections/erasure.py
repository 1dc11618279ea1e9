"""What an erasure leaves of the tables: they are told once more what the erased entry's stream still says."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Model

from cases import events
from cases.models import (
    Case,
    CustodyEvent,
    CustodyOffer,
    Disposal,
    EvidenceItem,
    Participation,
    Proposal,
    ProposalAnswer,
    Referral,
    ReferralNote,
    Share,
)
from cases.projections import case, evidence, proposals, referral, sharing, transfer
from cases.projections.batch import Batch, Handlers
from cases.rules.erasure import ERASABLE, OF_THE_CASE, ValuesErased
from ledger import reading
from ledger.entries import StoredEvent

TERMS = ("purpose", "legal_basis", "agreement", "summary")

# Where words of erasable fields stand. The rest of a row follows from what cannot be erased.
WORDS: Mapping[type[Model], tuple[str, ...]] = {
    Case: ("title", "summary", "status_reason"),
    Participation: ("hold_reason", "left_reason"),
    Proposal: ("reason", "end_reason"),
    ProposalAnswer: ("reason",),
    EvidenceItem: (*ERASABLE["EvidenceAcquired"], "filename", "place"),
    CustodyEvent: ("who", "place", "purpose", "particulars"),
    # With what is worked out from the words: by which digest the terms as they now read are accepted.
    Share: (*TERMS, "digest", "proposed", "proposed_digest", "reason"),
    CustodyOffer: ("purpose", "condition", "place", "reason"),
    Disposal: ("reason", "remaining"),
    Referral: (*TERMS, "digest", "reason"),
    ReferralNote: ("text",),
}
TELLING: Handlers = {
    **case.HANDLERS,
    **proposals.HANDLERS,
    **evidence.HANDLERS,
    **transfer.HANDLERS,
    **sharing.HANDLERS,
    **referral.HANDLERS,
}


def _values_erased(batch: Batch, event: ValuesErased, stored: StoredEvent) -> None:
    """The ledger has lost the values by now, so the same handlers that wrote the rows give what is left. In a
    rebuild they never had them, and this says what the rows say already."""
    if event.event in OF_THE_CASE:
        batch.change(Case, stored.log, version=stored.version, updated_at=stored.recorded_at)
    told = _told_again(stored.log, event.entry)
    for model, names in WORDS.items():
        for row in told.added(model):
            if not isinstance(row, CustodyEvent) or row.entry == event.entry:
                batch.change(model, row.pk, **_words(row, names))


def _told_again(log: UUID, entry: int) -> Batch:
    """Rows as the stream of an entry makes them, collected and never written."""
    told = Batch()
    for each in reading.stream_of(log, entry):
        happened = events.read(each)
        if type(happened) in TELLING:
            TELLING[type(happened)](told, happened, each)
    return told


def _words(row: Model, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


HANDLERS: Handlers = {ValuesErased: _values_erased}
