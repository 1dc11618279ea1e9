"""The four digests of an item, taken while its bytes pass by."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

CHUNK = 1 << 20
# Below this size handing work to another thread costs more than the hashing itself.
WORTH_A_THREAD = 1 << 17


@dataclass(frozen=True)
class Fingerprint:
    """What identifies the bytes of an item: SHA-256 and BLAKE3 prove, SHA-1 and MD5 match older lists."""

    sha256: str
    blake3: str
    sha1: str
    md5: str
    size: int


class Digests:
    """Feed bytes with `update`, end with `close` (always) and read `fingerprint`."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._blake3 = blake3()
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._size = 0
        # One thread of its own for each running intake: an executor shared by the module would be dead after
        # a fork.
        self._beside: ThreadPoolExecutor | None = None

    @property
    def size(self) -> int:
        return self._size

    def update(self, chunk: bytes) -> None:
        """Take the next bytes. MD5, the slowest, runs beside the three others: hashlib lets go of the GIL."""
        self._size += len(chunk)
        if len(chunk) < WORTH_A_THREAD:
            self._md5.update(chunk)
            self._strong(chunk)
            return
        if self._beside is None:
            self._beside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="md5")
        slow = self._beside.submit(self._md5.update, chunk)
        self._strong(chunk)
        slow.result()

    def _strong(self, chunk: bytes) -> None:
        self._sha256.update(chunk)
        self._blake3.update(chunk)
        self._sha1.update(chunk)

    def fingerprint(self) -> Fingerprint:
        return Fingerprint(
            sha256=self._sha256.hexdigest(),
            blake3=self._blake3.hexdigest(),
            sha1=self._sha1.hexdigest(),
            md5=self._md5.hexdigest(),
            size=self._size,
        )

    def close(self) -> None:
        """End the thread beside; safe to call twice."""
        if self._beside is not None:
            self._beside.shutdown(wait=True)
            self._beside = None


def sha256_of(path: Path, progress: Callable[[int, int], None]) -> str:
    """Read a whole file and return its SHA-256, telling `progress` (bytes done, bytes in all) on the way."""
    digest = hashlib.sha256()
    total = path.stat().st_size
    done = 0
    buffer = bytearray(CHUNK)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(view[:count])
            done += count
            progress(done, total)
    return digest.hexdigest()
