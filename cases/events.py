"""Every event there is, and how old shapes are read as today's."""

from collections.abc import Callable, Mapping
from typing import Any

from cases.rules import (
    case,
    custody_events,
    erasure,
    key_events,
    parties,
    proposal_events,
    referral_events,
    share_events,
    transfer_events,
)
from cases.rules.shape import Event
from ledger.entries import Draft, StoredEvent

EVENTS: Mapping[str, type[Event]] = {
    event.__name__: event
    for event in (
        *case.EVENTS,
        *custody_events.EVENTS,
        *parties.EVENTS,
        *key_events.EVENTS,
        *erasure.EVENTS,
        *proposal_events.EVENTS,
        *share_events.EVENTS,
        *transfer_events.EVENTS,
        *referral_events.EVENTS,
    )
}

Fields = Mapping[str, Any]

SIGNED = frozenset({"intent", "signed", "authenticator_data", "client_data"})
"""Fields that a member's signature brings into the body of its act; no event has fields of these names."""

# (type, schema as stored) → fields of the next schema. Nothing has changed its shape yet.
UPCASTERS: dict[tuple[str, int], Callable[[Fields], Fields]] = {}


def read(stored: StoredEvent) -> Event:
    """The event that a stored one tells, in today's shape and without a signature; what was erased of it is
    read as ERASED."""
    cls, schema, fields = EVENTS[stored.type], stored.schema, stored.fields
    if "intent" in fields:
        fields = {name: value for name, value in fields.items() if name not in SIGNED}
    if gone := [name for name in erasure.ERASABLE.get(stored.type, ()) if name not in fields]:
        fields = {**fields, **dict.fromkeys(gone, erasure.ERASED)}
    while schema < cls.schema:
        fields = UPCASTERS[stored.type, schema](fields)
        schema += 1
    return cls.of(fields)


def draft(event: Event) -> Draft:
    """The event as the ledger takes it."""
    return Draft(stream=event.stream, type=type(event).__name__, schema=event.schema, fields=event.fields())
