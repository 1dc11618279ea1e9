"""From sealed to searchable and indexed: what the worker does with one item.

Every step looks at the item's state and is done or not; its work is repeatable and its command has an id that
follows from the item, so a step that was cut off anywhere is simply done again, and recorded once.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from uuid import UUID, uuid5

from django.db import OperationalError, connection
from django.utils import timezone

from cases.actors import worker_for
from cases.models import EvidenceItem
from cases.perform import perform
from cases.rules.acquisition import SealedBytes
from cases.rules.custody import (
    DeriveEvidence,
    IndexEvidence,
    MakeEvidenceSearchable,
    QuarantineEvidence,
    VerifyEvidence,
)
from evidence.models import Ingest
from evidence.segments import IngestError, segment_dir, write_segment
from evidence.tokens import index_segment
from evidence.unpack import UnpackError, packing_of, unpack
from evidence.vault import vault
from ledger.holding import doubt_of

ATTEMPTS = 3
PATIENCE = 2.0
"""Seconds after which a lock belongs to a worker that lives: the database notices within that time that one
died."""

DEEPEST = 4
"""How many times bytes may be packed into each other: some gzip files contain themselves."""

log = logging.getLogger(__name__)


def run(item_id: UUID) -> None:
    """Bring an item as far as it can come now. Returns at once where another worker has it."""
    with _alone(item_id) as mine:
        if not mine:
            return
        while True:
            item = EvidenceItem.objects.filter(pk=item_id).first()
            work = Ingest.objects.filter(pk=item_id).first()
            if item is None or work is None or doubt_of(item.case_id):
                return  # where nothing can be recorded, a try would be counted for nothing
            step = _next(item)
            if step is None:
                break
            if work.step == step.__name__ and work.attempts >= ATTEMPTS:
                _quarantine(item, work, work.error or "The worker was lost at this step each time.")
                continue
            with Attempt(item, work, step.__name__):
                step(item, work)
        Ingest.objects.filter(pk=item_id, pending=True).update(
            pending=_waits(item), error=item.quarantine_reason, updated_at=timezone.now()
        )
    if item.parent_id and item.state == "indexed":
        run(item.parent_id)


Step = Callable[[EvidenceItem, Ingest], None]


def _next(item: EvidenceItem) -> Step | None:
    """What remains to be done first, or None."""
    if item.state == "searchable":
        return index
    if item.state != "sealed":
        return None
    if item.verified_at is None:
        return verify
    if not _packed(item):
        return parse
    children = list(item.derived.values_list("state", flat=True))
    if not children:
        return take_out
    return finish if set(children) == {"indexed"} else None


def _waits(item: EvidenceItem) -> bool:
    """A container waits for its content; everything else that has no next step is done with."""
    return item.state == "sealed"


def verify(item: EvidenceItem, work: Ingest) -> None:
    """The bytes in the vault still have the hash under which they were sealed."""
    found = vault().rehash(item.sha256, _telling(work))
    if found != item.sha256:
        raise IngestError(f"The bytes in the vault have changed: they now have the SHA-256 {found}.")
    perform(
        VerifyEvidence(id=uuid5(item.pk, "verify"), case=item.case_id, item=item.pk, sha256=found),
        actor=worker_for(item.owner_id),
    )


def take_out(item: EvidenceItem, work: Ingest) -> None:
    """What a gzip file contains becomes an item of its own. Unpacked twice after a crash, it is the same
    blob."""
    if _depth(item) >= DEEPEST:
        raise IngestError(f"This is packed more than {DEEPEST} times over.")
    with vault().intake() as intake:
        unpacked = unpack(vault().path(item.sha256), intake, progress=_telling(work))
        sealed = intake.seal()
    perform(
        DeriveEvidence(
            id=uuid5(item.pk, "derive"),
            case=item.case_id,
            item=uuid5(item.pk, "unpacked"),
            parent=item.pk,
            tool="Countersign gzip",
            tool_version="1",
            note=unpacked.sentence or "",
            sealed=SealedBytes(
                sha256=sealed.sha256,
                blake3=sealed.blake3,
                sha1=sealed.sha1,
                md5=sealed.md5,
                size=sealed.size,
                filename=_without_gz(item.filename),
            ),
        ),
        actor=worker_for(item.owner_id),
    )


def finish(item: EvidenceItem, work: Ingest) -> None:
    """A container is done when all that came out of it is indexed."""
    perform(
        IndexEvidence(id=uuid5(item.pk, "index"), case=item.case_id, item=item.pk, format="gzip"),
        actor=worker_for(item.owner_id),
    )


def parse(item: EvidenceItem, work: Ingest) -> None:
    """Recognise the format and write the segment: complete or absent."""
    report = write_segment(vault().path(item.sha256), segment_dir(item.pk), progress=_telling(work))
    perform(
        MakeEvidenceSearchable(
            id=uuid5(item.pk, "searchable"),
            case=item.case_id,
            item=item.pk,
            format=report.format,
            parser=report.parser,
            parser_version=report.parser_version,
            lines=report.lines,
            records=report.records,
            rejects=report.rejects,
            first_time=report.first_time,
            last_time=report.last_time,
        ),
        actor=worker_for(item.owner_id),
    )


def index(item: EvidenceItem, work: Ingest) -> None:
    """Write the token index beside the segment: complete or absent."""
    index_segment(segment_dir(item.pk), progress=_telling(work))
    perform(
        IndexEvidence(id=uuid5(item.pk, "index"), case=item.case_id, item=item.pk),
        actor=worker_for(item.owner_id),
    )


class Attempt:
    """One try at one step. It is counted before it begins, so that a worker that dies counts as well."""

    def __init__(self, item: EvidenceItem, work: Ingest, step: str) -> None:
        self._item = item
        self._work = work
        self._step = step

    def __enter__(self) -> None:
        same = self._work.step == self._step
        self._work.step = self._step
        self._work.attempts = self._work.attempts + 1 if same else 1
        self._work.done_bytes = 0
        self._work.updated_at = timezone.now()
        self._work.save(update_fields=["step", "attempts", "done_bytes", "updated_at"])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None:
            self._work.attempts, self._work.error = 0, ""
            self._work.save(update_fields=["attempts", "error"])
            return False
        if isinstance(
            error, IngestError | UnpackError
        ):  # the bytes themselves are the reason: trying again would not help
            _quarantine(self._item, self._work, error.sentence)
            return True
        if not isinstance(error, OperationalError):
            told = getattr(error, "sentence", None) or f"{type(error).__name__}: {error}"
            Ingest.objects.filter(pk=self._item.pk).update(error=str(told)[:2_000], updated_at=timezone.now())
        return False


def _quarantine(item: EvidenceItem, work: Ingest, reason: str) -> None:
    log.warning("Item %s goes into quarantine at %s", item.pk, work.step)
    perform(
        QuarantineEvidence(
            id=uuid5(item.pk, f"quarantine/{item.quarantines}"),
            case=item.case_id,
            item=item.pk,
            step=work.step,
            reason=reason,
        ),
        actor=worker_for(item.owner_id),
    )


@contextmanager
def _alone(item: UUID) -> Iterator[bool]:
    """Whether this process is the only one at the item. The lock belongs to the database session: it ends
    with the worker, however the worker ends."""
    mine = _locked(item)
    patience = time.monotonic() + PATIENCE
    while not mine and time.monotonic() < patience:
        time.sleep(0.1)
        mine = _locked(item)
    try:
        yield mine
    finally:
        if mine and connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [f"countersign ingest {item}"]
                )


def _locked(item: UUID) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [f"countersign ingest {item}"])
        return bool(cursor.fetchone()[0])


def _telling(work: Ingest) -> Callable[[int, int], None]:
    """A progress function that writes into the work row twice a second at most, outside of any
    transaction."""
    told = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= 0.5 or done >= total:
            told = now
            Ingest.objects.filter(pk=work.pk).update(
                done_bytes=done, total_bytes=total, updated_at=timezone.now()
            )

    return tell


def _packed(item: EvidenceItem) -> bool:
    return packing_of(vault().path(item.sha256)) is not None


def _depth(item: EvidenceItem) -> int:
    depth, parent = 0, item.parent
    while parent is not None:
        depth, parent = depth + 1, parent.parent
    return depth


def _without_gz(filename: str) -> str:
    return filename.removesuffix(".gz").removesuffix(".GZ") or "unpacked"
