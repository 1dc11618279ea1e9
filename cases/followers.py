"""What follows a commit: work rows, written within it, and a nudge for the worker after it."""

from collections.abc import Callable, Sequence
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cases import copies, stamping
from cases.rules.acting import HOST_LOG
from evidence.models import Errand, Ingest
from ledger.entries import StoredEvent

ERRANDS = {"CustodyTransferOffered": ("offer", "rehash"), "EvidenceDisposed": ("disposal", "remove")}
"""Acts that ask for work on sealed bytes: which of their fields names the errand, and what is to be done."""


def take_up(stored: Sequence[StoredEvent]) -> None:
    """Queue the work that these new events ask for. The rows are part of the commit; the nudge may get lost,
    and then the sweep finds the rows within a minute."""
    _spread_keys(stored)
    _ask_for_stamps(stored)
    _send_on_errands(stored)
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
        _after_commit(nudge, item)


def _send_on_errands(stored: Sequence[StoredEvent]) -> None:
    """What is offered is hashed again for its receiver; what was disposed of leaves the vault."""
    # An object has no bytes, and so nothing to be hashed or taken away.
    errands = [_errand(event) for event in stored if event.type in ERRANDS and event.fields["sha256"]]
    if errands:
        Errand.objects.bulk_create(errands, ignore_conflicts=True)
    for errand in errands:
        _after_commit(nudge_errand, errand.pk)


def _errand(event: StoredEvent) -> Errand:
    named, kind = ERRANDS[event.type]
    return Errand(
        id=UUID(str(event.fields[named])),
        kind=kind,
        case=event.log,
        item=_item(event),
        party=UUID(str(event.fields["to"])) if kind == "rehash" else event.party,
        sha256=str(event.fields["sha256"]),
        updated_at=event.recorded_at,
    )


def nudge_errand(errand: UUID) -> None:
    """Tell a worker, if one listens, that sealed bytes are to be hashed again or to leave."""
    current_app.send_task("cases.tasks.errand", args=[str(errand)])


def _after_commit(nudge: Callable[..., None], *about: UUID) -> None:
    """Robust: the commit stands, whether a nudge gets through or not. No partial: Django names what failed by
    its __qualname__, which a partial lacks, and would raise instead."""

    def nudged() -> None:
        nudge(*about)

    transaction.on_commit(nudged, robust=True)


def _spread_keys(stored: Sequence[StoredEvent]) -> None:
    """A party's keys go into the logs of its cases: when they change, and when it gets into one. The sweep
    finds what is still to be copied by two numbers, so a nudge lost costs a minute."""
    for event in stored:
        if event.type in ("CaseCreated", "PartyAdded"):
            party = UUID(str(event.fields["lead" if event.type == "CaseCreated" else "party"]))
            _after_commit(_nudge_if_due, event.log, party)
        elif event.log == HOST_LOG and event.stream.startswith("keys/"):
            _after_commit(nudge_keys, event.party)


def _nudge_if_due(case: UUID, party: UUID) -> None:
    if copies.due(case, party) is not None:
        nudge_keys(party)


def nudge_keys(party: UUID) -> None:
    """Tell a worker, if one listens, that a party's keys are missing in some of its cases."""
    current_app.send_task("cases.tasks.spread_keys", args=[str(party)])


def _ask_for_stamps(stored: Sequence[StoredEvent]) -> None:
    """Some acts are time-stamped at once. A nudge lost costs five minutes, until the next round."""
    if settings.TIME_STAMP_AUTHORITIES:
        for log in {event.log for event in stored if event.type in stamping.AT_ONCE}:
            _after_commit(nudge_stamps, log)


def take_note(case: UUID) -> None:
    """A witness has countersigned: have stamped what only waited for that."""
    if stamping.awaited(case, at=timezone.now()):
        _after_commit(nudge_stamps, case)


def nudge_stamps(log: UUID) -> None:
    """Tell a worker, if one listens, that a case asks for a time stamp."""
    current_app.send_task("cases.tasks.stamp_due", args=[str(log)])


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
