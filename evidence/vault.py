"""The vault: sealed bytes by their SHA-256, write-once, on a local folder.

    <root>/tmp/            files of running intakes, each held under flock by the process that writes it
    <root>/blobs/ab/cd/    sealed files, named by their full SHA-256, mode 0400

What a crash leaves: before the link, an unlocked file in tmp/, seen by nobody and removed by `sweep`. After
the link, a complete and fsynced blob, perhaps with its second name still in tmp/, which `sweep` removes too.

Bytes leave by `remove` alone. It and `publish` meet at a lock, and what was published within the last hour
stays: whoever has just sealed the same bytes has that long to record an item that names them.
"""

import errno
import fcntl
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NoReturn, Self

from django.conf import settings

from evidence.hashing import Digests, Fingerprint, sha256_of

SHA256_HEX = re.compile(r"[0-9a-f]{64}")
# Seconds from sealing bytes to recording the item that they belong to, and much more than that takes.
GRACE = 3_600
# The vault calls itself unhealthy below this much free space: an intake would soon fail half-way.
LEAST_FREE = 256 << 20

Sealed = Fingerprint


class VaultError(Exception):
    """Something the vault could not do; `sentence` is fit for a person."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class WrongHash(VaultError):
    """The bytes that arrived are not the bytes that were declared; nothing was kept."""

    def __init__(self, declared: str, computed: str) -> None:
        super().__init__(f"The declared SHA-256 {declared} is not the one of the bytes received, {computed}.")
        self.declared = declared
        self.computed = computed


class VaultFull(VaultError):
    """The disk (or its quota) has no room left; nothing was kept."""


class NoSuchBlob(VaultError):
    """The vault holds nothing under this SHA-256."""


class DamagedBlob(VaultError):
    """What lies in the vault under this SHA-256 cannot be what was sealed."""


def _nothing(done: int, total: int) -> None:
    return None


def _refuse(error: OSError) -> NoReturn:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise VaultFull("The vault's disk is full, so the file was not kept.") from error
    raise VaultError(f"The vault could not write: {os.strerror(error.errno or 0)}.") from error


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Intake:
    """One file on its way into the vault: write, then seal or abort. Leaving the `with` block unsealed
    aborts.
    """

    def __init__(self, vault: "Vault") -> None:
        self._vault = vault
        self._digests = Digests()
        self._descriptor, self._tmp = vault.reserve()
        self._open = True
        self.sealed: Sealed | None = None

    @property
    def size(self) -> int:
        return self._digests.size

    def write(self, chunk: bytes) -> None:
        """Append bytes; raises VaultFull (and aborts) when the disk has no room."""
        if not self._open:
            raise VaultError("This intake is already closed.")
        try:
            view = memoryview(chunk)
            while view.nbytes:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            self.abort()
            _refuse(error)
        self._digests.update(chunk)

    def seal(self, declared_sha256: str | None = None) -> Sealed:
        """Make the bytes durable and visible under their SHA-256, or raise and leave nothing."""
        if not self._open:
            raise VaultError("This intake is already closed.")
        sealed = self._digests.fingerprint()
        if declared_sha256 is not None and declared_sha256.strip().lower() != sealed.sha256:
            self.abort()
            raise WrongHash(declared_sha256.strip().lower(), sealed.sha256)
        try:
            os.fchmod(self._descriptor, 0o400)
            os.fsync(self._descriptor)
            self._vault.publish(self._tmp, sealed)
        except OSError as error:
            self.abort()
            _refuse(error)
        except DamagedBlob:
            self.abort()
            raise
        self._close()
        self.sealed = sealed
        return sealed

    def abort(self) -> None:
        """Forget the bytes; safe to call twice, and after sealing it does nothing."""
        if self._open:
            self._close()

    def _close(self) -> None:
        self._open = False
        self._digests.close()
        # Unlink while the lock is still held, so that a sweep never meets the file half gone.
        self._tmp.unlink(missing_ok=True)
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()


class Vault:
    """Sealed bytes under one folder. Any number of processes may share it."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def intake(self) -> Intake:
        """Begin to receive one file; nothing of it is visible before `seal` returns."""
        return Intake(self)

    def path(self, sha256: str) -> Path:
        """Where these bytes lie; raises NoSuchBlob where the vault does not hold them."""
        path = self._place(sha256)
        if not path.is_file():
            raise NoSuchBlob(f"The vault does not hold {sha256}.")
        return path

    def open(self, sha256: str) -> BinaryIO:
        """The sealed bytes as a readable file."""
        return self.path(sha256).open("rb")

    def rehash(self, sha256: str, progress: Callable[[int, int], None] = _nothing) -> str:
        """Read what lies under this name again and return the SHA-256 it has now."""
        return sha256_of(self.path(sha256), progress)

    def check(self) -> None:
        """Raise VaultError in a sentence where the vault could not take a file now."""
        with self.intake() as intake:
            intake.write(b"vault check")
        room = os.statvfs(self.root)
        if room.f_bavail * room.f_frsize < LEAST_FREE:
            raise VaultFull(f"The vault's disk has less than {LEAST_FREE >> 20} MiB left.")

    def sweep(self) -> int:
        """Remove what dead processes left in tmp/ and return how many files that were.

        A file whose lock can be had belongs to nobody: its writer holds the lock until it is gone.
        """
        gone = 0
        folder = self.root / "tmp"
        if not folder.is_dir():
            return 0
        for path in folder.iterdir():
            try:
                descriptor = os.open(path, os.O_RDONLY)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
                gone += 1
            except BlockingIOError:
                continue
            finally:
                os.close(descriptor)
        return gone

    def _place(self, sha256: str) -> Path:
        if not SHA256_HEX.fullmatch(sha256):
            raise NoSuchBlob("A name in the vault is a SHA-256 in lower-case hex.")
        return self.root / "blobs" / sha256[:2] / sha256[2:4] / sha256

    def reserve(self) -> tuple[int, Path]:
        """For an intake: a new file in tmp/, open and locked."""
        folder = self.root / "tmp"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            while True:
                path = folder / secrets.token_hex(16)
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(descriptor)
                    continue
                # A sweep may have met the file between its creation and its lock: then it has no name any
                # more.
                if os.fstat(descriptor).st_nlink:
                    return descriptor, path
                os.close(descriptor)
        except OSError as error:
            _refuse(error)

    def publish(self, tmp: Path, sealed: Sealed) -> None:
        """For an intake: give the fsynced file its final name. A link never replaces what is there."""
        place = self._place(sealed.sha256)
        self._make_folder(place.parent)
        with self._gate(fcntl.LOCK_SH):
            try:
                os.link(tmp, place)
            except FileExistsError:
                if place.stat().st_size != sealed.size:
                    raise DamagedBlob(
                        f"What the vault holds under {sealed.sha256} is not what was sealed."
                    ) from None
            os.utime(place)  # `remove` leaves alone what was published just now
            _fsync_folder(place.parent)

    def remove(self, sha256: str, *, unless: Callable[[], bool]) -> bool:
        """Take bytes out for good, except where `unless` says that they are needed. Whether that is settled:
        False where they came in within the last hour, so that the question is too early. A crash leaves them
        there or gone."""
        with self._gate(fcntl.LOCK_EX):
            place = self._place(sha256)
            if not place.is_file() or unless():
                return True
            if time.time() - place.stat().st_mtime < GRACE:
                return False
            place.unlink()
            _fsync_folder(place.parent)
        return True

    @contextmanager
    def _gate(self, how: int) -> Iterator[None]:
        """A lock on the vault's folder, shared to publish and alone to remove; it ends with the process."""
        self.root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _fsync_folder(folder.parent)


def vault() -> Vault:
    """The vault of this installation."""
    return Vault(Path(settings.VAULT_DIR))
