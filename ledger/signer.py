"""The signer's own memory: it signs nothing that does not follow from what it signed before.

Beside the host key lies a folder with one small file a log: the size and root that were last released, and
the one whose commit was still open. It is no part of the database, so a database that was restored from an
older copy, or rewritten, no longer fits it, and the signer stops. Who may write the folder may also make it
forget: it guards against mistakes and against whoever holds the database alone.

What a crash leaves. `pending` is written under the log's row lock before the commit and `released` after it,
before anybody gets the receipt. Killed in between, the head is the pending one: fine. Rolled back, the head
is the released one, and another root may be signed at the pending size, since the note for the first was
never given to anybody. Nothing is synced to disk: after a power cut the memory may lag behind the database by
the seconds that the system had not yet written, and the head is then checked by a consistency proof.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from ledger import merkle, proofs, signing
from ledger.errors import LedgerError, SignerRefuses
from ledger.models import Checkpoint

_RECORD = 2 * (8 + merkle.HASH_SIZE) + 8  # released, pending, the first bytes of their hash


@dataclass(frozen=True)
class Stand:
    """A size of a log and its root."""

    size: int
    root: bytes


@dataclass(frozen=True)
class Signed:
    """What the signer remembers of a log: the last stand it released, and the one it was asked for last."""

    released: Stand
    pending: Stand


class Memory:
    """The folder of what this host's key has signed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._folder = str(folder)  # joined for each append: a Path would cost more than the file

    def read(self, log: UUID) -> Signed | None:
        """What was signed for a log, or None where nothing is remembered."""
        try:
            handle = os.open(f"{self._folder}/{log}", os.O_RDONLY)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(log, error.strerror or "it cannot be opened") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_SH)
            return self._decode(log, os.pread(handle, _RECORD + 1, 0))
        finally:
            os.close(handle)

    def propose(
        self, log: UUID, head: Stand, pending: Stand, *, check: Callable[[Signed | None], None]
    ) -> Callable[[], None]:
        """Keep what is about to be committed on top of `head`, unless `check` of what was signed raises.

        The caller holds the log's row lock, and calls what this returns after the commit, when the lock is
        gone. `head` counts as released only where nothing is remembered: its transaction may still be open.
        """
        with self._open(log) as handle:
            found = self._decode(log, os.pread(handle, _RECORD + 1, 0))
            check(found)
            record = _encode(Signed(found.released if found else head, pending))
            os.pwrite(handle, record, 0)
        return partial(self._release, log, pending, record)

    def _release(self, log: UUID, stand: Stand, proposed: bytes) -> None:
        with self._open(log) as handle:
            record = os.pread(handle, _RECORD + 1, 0)
            if record == proposed:
                os.pwrite(handle, _encode(Signed(stand, stand)), 0)
                return
            # Somebody has proposed since, perhaps released: only forward.
            found = self._decode(log, record)
            if found is None or found.released.size < stand.size:
                os.pwrite(handle, _encode(Signed(stand, found.pending if found else stand)), 0)

    def adopt(self, log: UUID, stand: Stand) -> None:
        """Take a stand as the last one signed, whatever was signed before: the operator's explicit word."""
        with self._open(log) as handle:
            os.pwrite(handle, _encode(Signed(stand, stand)), 0)

    @contextmanager
    def _open(self, log: UUID) -> Iterator[int]:
        path = f"{self._folder}/{log}"
        try:
            try:
                handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            except FileNotFoundError:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._unusable(log, error.strerror or "it cannot be opened") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield handle
        except OSError as error:
            raise self._unusable(log, error.strerror or "it cannot be written") from error
        finally:
            os.close(handle)

    def _decode(self, log: UUID, record: bytes) -> Signed | None:
        if not record:
            return None
        body, check = record[:-8], record[-8:]
        if len(record) != _RECORD or sha256(body).digest()[:8] != check:
            raise self._unusable(log, "its content is damaged")
        middle = 8 + merkle.HASH_SIZE
        released = Stand(int.from_bytes(body[:8]), body[8:middle])
        return Signed(released, Stand(int.from_bytes(body[middle : middle + 8]), body[middle + 8 :]))

    def _unusable(self, log: UUID, why: str) -> SignerRefuses:
        return SignerRefuses(
            f"What was signed for the log {log} cannot be told from {self.folder / str(log)}: {why}."
            " Nothing is signed for this log until an operator has looked at it."
        )


def _encode(signed: Signed) -> bytes:
    """The one short record of a log, written within a page: a kill leaves the old one or the new."""
    one, other = signed.released, signed.pending
    body = one.size.to_bytes(8) + one.root + other.size.to_bytes(8) + other.root
    return body + sha256(body).digest()[:8]


def doubt(signed: Signed | None, head: Stand) -> str | None:
    """Why nothing may be signed on top of this head, as far as memory alone tells; None where it may.

    A head ahead of what is remembered is not judged here: it takes a proof.
    """
    if signed is None or head in (signed.released, signed.pending):
        return None
    return contradiction(signed.released, head) if head.size <= signed.released.size else None


def contradiction(signed: Stand, head: Stand) -> str:
    """The sentence for a head that does not show a stand that this host has signed."""
    if head.size < signed.size:
        return (
            f"The host has signed this log at {signed.size} entries, but its database holds {head.size}: it"
            " was put back to an older state. Nothing more is signed until the missing entries are back."
        )
    return (
        f"The host has signed another root for {signed.size} entries than its database holds: the log was"
        " rewritten. Nothing more is signed."
    )


def check(log: UUID, head: Stand, signed: Signed | None, *, origin: str, public: bytes) -> None:
    """Raise SignerRefuses unless this head follows from all that is known to be signed for its log.

    Where memory knows the head this costs nothing. Where it lags or is missing, the stored note must hold,
    and a consistency proof must lead from the remembered root to the head's.
    """
    if (sentence := doubt(signed, head)) is not None:
        raise SignerRefuses(sentence)
    if head.size == 0 or (signed is not None and head in (signed.released, signed.pending)):
        return
    stored = Checkpoint.objects.filter(log=log, size=head.size).first()
    if stored is None:
        raise SignerRefuses(f"No signed checkpoint of {head.size} entries is there; nothing more is signed.")
    last = signed.released if signed else Stand(0, merkle.EMPTY_ROOT)
    try:
        note = signing.verify_checkpoint(stored.note, name=origin, public=public)
        proof = proofs.consistency_proof(log, last.size, head.size)
        merkle.verify_consistency(last.size, head.size, proof, last.root, head.root)
    except LedgerError as error:
        raise SignerRefuses(
            f"The log at {head.size} entries does not follow from what the host signed at {last.size}."
            f" {error.sentence} Nothing more is signed."
        ) from error
    if (note.size, note.root) != (head.size, head.root):
        raise SignerRefuses(
            f"The head at {head.size} entries is not what the host signed; nothing is signed."
        )
