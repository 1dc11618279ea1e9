"""Keys of parties as tables: what they are from the host log, how far each case's log has them from that."""

from cases.models import Participation, Party, PartyKey
from cases.projections.batch import Batch, Handlers, derived_id
from cases.rules.acting import HOST_LOG
from cases.rules.key_events import (
    KeyEvent,
    KeyRegistered,
    KeyRevoked,
    KeyRotated,
    NewKey,
    SignaturesRequired,
)
from ledger.entries import StoredEvent


def _key_registered(batch: Batch, event: KeyRegistered, stored: StoredEvent) -> None:
    if _counted(batch, event, stored):
        _add(batch, event, stored)


def _key_rotated(batch: Batch, event: KeyRotated, stored: StoredEvent) -> None:
    if _counted(batch, event, stored):
        _add(batch, event, stored)
        _end(batch, event.replaces, stored, ended_why="rotated", replaced_by_id=event.key)


def _key_revoked(batch: Batch, event: KeyRevoked, stored: StoredEvent) -> None:
    if _counted(batch, event, stored):
        _end(batch, event.key, stored, ended_why="revoked")


def _signatures_required(batch: Batch, event: SignaturesRequired, stored: StoredEvent) -> None:
    if _counted(batch, event, stored):
        batch.change(Party, event.party, signatures_required=event.required)


def _counted(batch: Batch, event: KeyEvent, stored: StoredEvent) -> bool:
    """Note how many key events the log has now; whether it is the host log, whose word they are."""
    if stored.log == HOST_LOG:
        batch.change(Party, event.party, keys=stored.version)
        return True
    batch.change(Participation, derived_id(stored.log, event.party), keys=stored.version)
    return False


def _add(batch: Batch, event: NewKey, stored: StoredEvent) -> None:
    batch.add(
        PartyKey(
            id=event.key,
            party_id=event.party,
            member_id=event.member,
            alg=event.alg,
            public=event.public,
            purpose=event.purpose,
            name=event.name,
            registered_at=stored.recorded_at,
        )
    )


def _end(batch: Batch, key: str, stored: StoredEvent, **how: str) -> None:
    batch.change(PartyKey, key, ended_at=stored.recorded_at, **how)


HANDLERS: Handlers = {
    KeyRegistered: _key_registered,
    KeyRotated: _key_rotated,
    KeyRevoked: _key_revoked,
    SignaturesRequired: _signatures_required,
}
