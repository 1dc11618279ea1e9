"""The only writer of read models and of guardian's permissions: what the events say, as tables.

Handlers run in the commit of their events, in order, and again whenever the tables are rebuilt: all that they
write follows from the events alone, ids and times included.
"""

from collections.abc import Iterable

from cases import events
from cases.projections import case, erasure, evidence, keys, parties, proposals, referral, sharing, transfer
from cases.projections.batch import Batch, Handlers
from ledger.entries import StoredEvent

HANDLERS: Handlers = {
    **parties.HANDLERS,
    **keys.HANDLERS,
    **case.HANDLERS,
    **proposals.HANDLERS,
    **evidence.HANDLERS,
    **transfer.HANDLERS,
    **sharing.HANDLERS,
    **referral.HANDLERS,
    **erasure.HANDLERS,
}


def apply(stored: Iterable[StoredEvent]) -> None:
    """Write what these events change, few statements however many they are."""
    batch = Batch()
    for each in stored:
        event = events.read(each)
        handler = HANDLERS.get(type(event))
        if handler is not None:
            handler(batch, event, each)
    batch.write()
