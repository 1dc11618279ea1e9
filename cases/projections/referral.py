"""Referrals as tables: their words, questions and answers, and whose consent they wait for."""

from typing import Any
from uuid import UUID

from cases.models import Referral, ReferralConsent, ReferralNote
from cases.projections.batch import Batch, Handlers, derived_id
from cases.rules.referral_events import (
    ENDS,
    ReferralAccepted,
    ReferralAnswered,
    ReferralAsked,
    ReferralConsented,
    ReferralEvent,
    ReferralObjected,
    ReferralPutToParties,
    ReferralRefused,
    ReferralSent,
    ReferralWithdrawn,
)
from ledger.entries import StoredEvent

SAID = ("summary", "tlp", "purpose", "legal_basis", "agreement", "expires_at", "onward")


def _sent(batch: Batch, event: ReferralSent, stored: StoredEvent) -> None:
    batch.add(
        Referral(
            id=event.referral,
            case_id=stored.log,
            sender_id=event.party,
            receiver_id=event.to,
            status="consenting" if event.asked else "waiting",
            indicators=list(event.indicators),
            items=[str(item) for item in event.items],
            labels=list(event.labels),
            allowed=list(event.allowed),
            digest=event.digest,
            sent_at=stored.recorded_at,
            sent_by=_who(stored),
            released_at=None if event.asked else stored.recorded_at,
            version=stored.version,
            **{name: getattr(event, name) for name in SAID},
        )
    )


def _put_to_parties(batch: Batch, event: ReferralPutToParties, stored: StoredEvent) -> None:
    for party in event.asked:
        batch.add(
            ReferralConsent(
                id=_consent(event.referral, party), referral_id=event.referral, party_id=party, agreed=None
            )
        )
    _change(batch, event, stored)


def _consented(batch: Batch, event: ReferralConsented, stored: StoredEvent) -> None:
    _answered_by(batch, event, stored, agreed=True)
    if event.left:
        _change(batch, event, stored)
    else:
        _change(batch, event, stored, status="waiting", released_at=stored.recorded_at)


def _objected(batch: Batch, event: ReferralObjected, stored: StoredEvent) -> None:
    _answered_by(batch, event, stored, agreed=False)
    _ended(batch, event, stored)


def _asked(batch: Batch, event: ReferralAsked, stored: StoredEvent) -> None:
    _note(batch, event, stored, kind="question", text=event.question)
    _change(batch, event, stored, asking=True)


def _answered(batch: Batch, event: ReferralAnswered, stored: StoredEvent) -> None:
    _note(batch, event, stored, kind="answer", text=event.text)
    _change(batch, event, stored, asking=False)


def _ended(batch: Batch, event: ReferralEvent, stored: StoredEvent) -> None:
    _change(
        batch,
        event,
        stored,
        status=ENDS[type(event)],
        asking=False,
        decided_at=stored.recorded_at,
        decided_by=_who(stored),
        reason=getattr(event, "reason", ""),
    )


def _answered_by(
    batch: Batch, event: ReferralConsented | ReferralObjected, stored: StoredEvent, *, agreed: bool
) -> None:
    row = _consent(event.referral, event.by)
    batch.change(ReferralConsent, row, agreed=agreed, by=_who(stored), at=stored.recorded_at)


def _note(batch: Batch, event: ReferralEvent, stored: StoredEvent, *, kind: str, text: str) -> None:
    batch.add(
        ReferralNote(
            id=derived_id(event.referral, f"note/{stored.version}"),
            referral_id=event.referral,
            kind=kind,
            by=_who(stored),
            at=stored.recorded_at,
            text=text,
            version=stored.version,
        )
    )


def _change(batch: Batch, event: ReferralEvent, stored: StoredEvent, **values: Any) -> None:
    batch.change(Referral, event.referral, version=stored.version, **values)


def _consent(referral: UUID, party: UUID) -> UUID:
    return derived_id(referral, f"consent/{party}")


def _who(stored: StoredEvent) -> str:
    return str(stored.actor.get("name") or "")


HANDLERS: Handlers = {
    ReferralSent: _sent,
    ReferralPutToParties: _put_to_parties,
    ReferralConsented: _consented,
    ReferralObjected: _objected,
    ReferralAsked: _asked,
    ReferralAnswered: _answered,
    ReferralAccepted: _ended,
    ReferralRefused: _ended,
    ReferralWithdrawn: _ended,
}
