"""What stops a log's writers until its parties have resolved it, kept beside the signer's own memory.

Two things do. A checkpoint with this host's own signature that the log does not show: a party's witness kept
it, and neither the database nor the signer's memory knows it any more. And entries that came back from a
mirror and do not yet say what they mean, or whose pages do not yet show it. What an operator gave up is
remembered as well, so that the same checkpoint, shown again, does not stop the log a second time.

`<HOST_KEY_FILE>.signed/<log>.held` and `….given` are small JSON files, replaced whole: a crash leaves the old
one or the new. Whoever changes one holds the log's row lock. A log without trouble has neither file, and its
writers pay one failed open for it.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from django.db import transaction

from ledger import merkle, proofs, signer, signing
from ledger.errors import NoSuchEntry, SignerRefuses
from ledger.host import host_key, memory
from ledger.models import LogHead
from ledger.signer import Stand

MOST_SEEN = 256  # checkpoints that contradict the log; the host's key signed each of them
REGAINING = (
    "Entries that a party gave back do not say yet what they mean. Nothing more is recorded until their"
    " openings are back as well, or the operator gives them up."
)


@dataclass(frozen=True)
class Hold:
    """Why a log is held: the stands that were shown and are not in it, and whether it is being regained."""

    seen: tuple[Stand, ...] = ()
    regaining: bool = False


def hold_of(log_id: UUID) -> Hold | None:
    """What holds a log, as it was written down; None for nearly every log. SignerRefuses where damaged."""
    found = _read(log_id, "held")
    if found is None:
        return None
    try:
        return Hold(_stands(found["seen"]), found["regaining"] is True)
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(log_id, "held") from error


def held_logs() -> list[UUID]:
    """The logs that something holds."""
    return [UUID(path.stem) for path in memory().folder.glob("*.held")]


def given_up(log_id: UUID) -> frozenset[Stand]:
    """The stands of a log that were given up by an operator's explicit word."""
    found = _read(log_id, "given")
    if found is None:
        return frozenset()
    try:
        return frozenset(_stands(found["given"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(log_id, "given") from error


def why_held(log_id: UUID, head: Stand) -> str | None:
    """Why nothing may be written on top of this head, as far as these files tell; None where it may."""
    hold = hold_of(log_id)
    if hold is None:
        return None
    for stand in hold.seen:
        if not _shows(log_id, head, stand):
            return signer.contradiction(stand, head)
    return REGAINING if hold.regaining else None


def doubt_of(log_id: UUID) -> str | None:
    """Why nothing is written to a log just now, in a sentence for its parties; None where all is well.

    One query and two small files. What takes a proof through the whole log to find is left to the append.
    """
    try:
        signed = memory().read(log_id)  # before the head, or a write in between would look like a rollback
        head = stand_of(log_id)
        return signer.doubt(signed, head) or why_held(log_id, head)
    except SignerRefuses as error:
        return error.sentence


def stand_of(log_id: UUID) -> Stand:
    """Where the database says that a log stands."""
    row = LogHead.objects.filter(log=log_id).values_list("size", "root").first()
    return Stand(row[0], bytes(row[1])) if row else Stand(0, merkle.EMPTY_ROOT)


def recall(log_id: UUID, note: str) -> bool:
    """Take up a checkpoint that this host signed, where the log does not show it: writing stops until it is
    resolved. True where it did, now or before; False where the log shows it, or it was given up.

    VerificationError where the note is of another log or not by this host's key.
    """
    head = LogHead.objects.filter(log=log_id).first()
    if head is None:
        raise NoSuchEntry("There is no such log.")
    signed = signing.verify_checkpoint(note, name=head.origin, public=host_key().public)
    stand = Stand(signed.size, signed.root)
    if _shows(log_id, Stand(head.size, bytes(head.root)), stand):
        return False
    with transaction.atomic(durable=True):
        # Under the lock nobody appends: what is contradicted now is so for good.
        now = locked(log_id)
        if _shows(log_id, now, stand) or stand in given_up(log_id):
            return False
        hold = hold_of(log_id) or Hold()
        if stand not in hold.seen:
            keep(log_id, replace(hold, seen=(*hold.seen, stand)[-MOST_SEEN:]))
    return True


def locked(log_id: UUID) -> Stand:
    """Lock a log's head as an append does, and say where it stands."""
    row = LogHead.objects.select_for_update().values_list("size", "root").get(log=log_id)
    return Stand(row[0], bytes(row[1]))


def keep(log_id: UUID, hold: Hold) -> None:
    """Write down what holds a log; nothing left to hold it takes the file away."""
    if hold == Hold():
        _path(log_id, "held").unlink(missing_ok=True)
    else:
        _write(log_id, "held", {"seen": _told(hold.seen), "regaining": hold.regaining})


def settle(log_id: UUID, head: Stand) -> None:
    """Forget the stands that the log shows again; the caller holds the row lock."""
    if hold := hold_of(log_id):
        keep(log_id, replace(hold, seen=tuple(one for one in hold.seen if not _shows(log_id, head, one))))


def begin_regaining(log_id: UUID) -> None:
    """Hold a log while its entries lack their openings; the caller holds the row lock."""
    keep(log_id, replace(hold_of(log_id) or Hold(), regaining=True))


def end_regaining(log_id: UUID) -> None:
    """All is back and shown: let writing go on, unless another stand still contradicts the log."""
    with transaction.atomic(durable=True):
        head = locked(log_id)
        if hold := hold_of(log_id):
            keep(log_id, replace(hold, regaining=False))
            settle(log_id, head)


def give_up(log_id: UUID, head: Stand, stands: Iterable[Stand]) -> None:
    """Remember what an operator gave up, and stop holding the log; the caller holds the row lock."""
    try:
        hold = hold_of(log_id) or Hold()
        before = given_up(log_id)
    except SignerRefuses:  # what cannot be read cannot be kept either: the operator's word goes before it
        hold, before = Hold(), frozenset()
    lost = {one for one in (*stands, *hold.seen) if not _shows(log_id, head, one)}
    if lost:
        _write(log_id, "given", {"given": _told(sorted(before | lost, key=lambda one: one.size))})
    keep(log_id, Hold())


def _shows(log_id: UUID, head: Stand, stand: Stand) -> bool:
    """Whether the log, standing at `head`, once stood at `stand`: O(log n) rows."""
    if stand.size >= head.size:
        return stand == head
    try:
        return proofs.root_at(log_id, stand.size) == stand.root
    except NoSuchEntry:  # a tree with holes shows nothing
        return False


def _path(log_id: UUID, kind: str) -> Path:
    return memory().folder / f"{log_id}.{kind}"


def _read(log_id: UUID, kind: str) -> dict[str, object] | None:
    try:
        with open(f"{memory().folder}/{log_id}.{kind}", encoding="utf-8") as file:  # noqa: PTH123 - each append
            found = json.load(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _damaged(log_id, kind) from error
    if not isinstance(found, dict):
        raise _damaged(log_id, kind)
    return found


def _write(log_id: UUID, kind: str, value: object) -> None:
    path = _path(log_id, kind)
    fresh = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8") as file:
            fresh.chmod(0o600)
            json.dump(value, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise SignerRefuses(f"{path} cannot be written: {error.strerror}. Nothing was changed.") from error


def _stands(found: object) -> tuple[Stand, ...]:
    if not isinstance(found, list):
        raise TypeError("a list of stands is wanted")
    stands = tuple(Stand(size, bytes.fromhex(root)) for size, root in found)
    if any(type(one.size) is not int or len(one.root) != merkle.HASH_SIZE for one in stands):
        raise ValueError("a stand is a size and a root")
    return stands


def _told(stands: Iterable[Stand]) -> list[list[int | str]]:
    return [[one.size, one.root.hex()] for one in stands]


def _damaged(log_id: UUID, kind: str) -> SignerRefuses:
    return SignerRefuses(
        f"{_path(log_id, kind)} is damaged."
        " Nothing is signed for this log until an operator has looked at it."
    )
