"""What follows a commit: work rows, written within it, and a nudge for the worker after it."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from celery import current_app
from django.db import transaction

from evidence.models import Ingest
from ledger.entries import StoredEvent


def take_up(stored: Sequence[StoredEvent]) -> None:
    """Queue the work that these new events ask for. The rows are part of the commit; the nudge may get lost,
    and then the sweep finds the rows within a minute."""
    work = [event for event in stored if event.type in ("EvidenceSealed", "EvidenceRetried")]
    if not work:
        return
    sealed = [event for event in work if event.type == "EvidenceSealed"]
    Ingest.objects.bulk_create([_row(event) for event in sealed], ignore_conflicts=True)
    retried = [_item(event) for event in work if event.type == "EvidenceRetried"]
    if retried:
        Ingest.objects.filter(pk__in=retried).update(
            pending=True, attempts=0, error="", updated_at=work[-1].recorded_at
        )
    for item in {_item(event) for event in work}:
        transaction.on_commit(partial(nudge, item), robust=True)


def nudge(item: UUID) -> None:
    """Tell a worker, if one listens, that an item waits."""
    current_app.send_task("cases.tasks.ingest", args=[str(item)])


def _row(event: StoredEvent) -> Ingest:
    return Ingest(
        item=_item(event),
        case=event.log,
        sha256=str(event.fields["sha256"]),
        total_bytes=int(str(event.fields["size"])),
        updated_at=event.recorded_at,
    )


def _item(event: StoredEvent) -> UUID:
    return UUID(str(event.fields["item"]))
