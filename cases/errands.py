"""Work on sealed bytes that acts ask for: hashing them again for whom custody is offered to, and taking out
of the vault what was disposed of.

An errand is a row, written in the commit of its act. Its work is repeatable and its command has an id that
follows from the row, so a worker that dies anywhere leaves an errand that the next one does, recorded once.
"""

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID, uuid5

from django.db import connection
from django.utils import timezone

from cases.actors import worker_for
from cases.models import EvidenceItem
from cases.perform import perform
from cases.refusals import Refused
from cases.rules.transfer import CheckOfferedBytes
from evidence.models import Errand
from evidence.segments import segment_dir
from evidence.vault import DamagedBlob, NoSuchBlob, vault
from ledger.holding import doubt_of

PATIENCE: Final = 2.0
"""Seconds after which another's lock belongs to a worker that lives."""

log = logging.getLogger(__name__)


def run(errand_id: UUID) -> None:
    """Do one errand, unless it is done or another worker is at it."""
    with _alone(errand_id) as mine:
        errand = Errand.objects.filter(pk=errand_id, pending=True).first() if mine else None
        if errand is None or doubt_of(errand.case):
            return  # where nothing can be recorded, the row waits
        Errand.objects.filter(pk=errand.pk).update(
            attempts=errand.attempts + 1, done_bytes=0, updated_at=timezone.now()
        )
        done = rehash(errand) if errand.kind == "rehash" else remove(errand)
        Errand.objects.filter(pk=errand.pk).update(pending=not done, updated_at=timezone.now())


def rehash(errand: Errand) -> bool:
    """Hash the bytes again for the party that the item is offered to, and record what came out: as verified,
    or as a refusal where they are not the ones that were sealed. Whether there is nothing left to do."""
    found, trouble = "", ""
    try:
        found = vault().rehash(errand.sha256, _telling(errand))
    except (NoSuchBlob, DamagedBlob) as error:
        trouble = error.sentence
    if found != errand.sha256:
        # Somebody has to look at the vault now, whatever becomes of this offer.
        log.critical(
            "Item %s: the vault no longer has the bytes that were sealed as %s (found %s)",
            errand.item,
            errand.sha256,
            found or trouble,
        )
    command = CheckOfferedBytes(
        id=uuid5(errand.pk, "rehash"),
        case=errand.case,
        item=errand.item,
        offer=errand.pk,
        sha256=found,
        trouble=trouble,
    )
    try:
        perform(command, actor=worker_for(errand.party))
    except Refused as refused:
        # The offer was answered or the receiver lost sight of the item meanwhile: nobody waits for the hash.
        log.info("Offer %s: %s", errand.pk, refused.sentence)
        Errand.objects.filter(pk=errand.pk).update(error=refused.sentence)
        return refused.status < 500
    return True


def remove(errand: Errand) -> bool:
    """Take the disposed item's records and index away, and its bytes where no other item has them. Whether
    that is settled: bytes that came in just now are looked at again later."""
    shutil.rmtree(segment_dir(errand.item), ignore_errors=True)

    def needed() -> bool:
        return EvidenceItem.objects.filter(sha256=errand.sha256).exclude(state="disposed").exists()

    settled = vault().remove(errand.sha256, unless=needed)
    if not settled:
        Errand.objects.filter(pk=errand.pk).update(error="The same bytes came in a short while ago.")
    return settled


@contextmanager
def _alone(errand: UUID) -> Iterator[bool]:
    """Whether this process is the only one at the errand. The lock ends with the database session, and so
    with the worker."""
    mine, patience = _locked(errand), time.monotonic() + PATIENCE
    while not mine and time.monotonic() < patience:
        time.sleep(0.1)
        mine = _locked(errand)
    try:
        yield mine
    finally:
        if mine and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [_key(errand)])


def _locked(errand: UUID) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [_key(errand)])
        return bool(cursor.fetchone()[0])


def _key(errand: UUID) -> str:
    return f"countersign errand {errand}"


def _telling(errand: Errand) -> Callable[[int, int], None]:
    """Writes into the row twice a second at most, outside of any transaction."""
    told = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= 0.5 or done >= total:
            told = now
            Errand.objects.filter(pk=errand.pk).update(
                done_bytes=done, total_bytes=total, updated_at=timezone.now()
            )

    return tell
