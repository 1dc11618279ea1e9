"""Where leaves wait that a party's mirror gives back, until a signed checkpoint shows that they are the ones.

`VAR_DIR/refeed/<log>/<party>/<from>-<to>.jsonl`, one file for each request, renamed into place when it is
whole. A crash leaves a file that does not count, or none. Nothing here is trusted: a leaf is only looked at
for its form and its place, and the ledger compares roots before it takes one.
"""

import fcntl
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

from django.conf import settings

from cases.refusals import Refused
from ledger import leaf
from ledger.errors import VerificationError

MOST_BYTES = 256 << 20
"""What one party may have waiting for one log; more comes in several goes, each with its checkpoint."""

KEPT = 24 * 3600
"""Seconds after which what nobody finished is thrown away."""

_NAME = re.compile(r"(\d{15})-(\d{15})\.jsonl", re.ASCII)


class Stage:
    """What one party has given back of one log so far."""

    def __init__(self, log: UUID, party: UUID) -> None:
        self.folder = _root() / str(log) / str(party)

    def put(self, leaves: Sequence[bytes], *, origin: str, start: int, size: int) -> int:
        """Keep leaves from index `start` on and return the index that comes next. They go on where the last
        ones ended, or begin anew within the log of `size`."""
        for index, data in enumerate(leaves, start):
            found = leaf.parse(data)
            if (found.log, found.index) != (origin, index):
                raise VerificationError(f"Line {index - start + 1} is entry {found.index} of {found.log}.")
        with self._alone():
            files = self._files()
            known = [] if start <= size else [each for each in files if each[1] <= start]
            expected = known[-1][1] if known else size
            if start > expected:
                raise Refused("gap", f"The entries from {expected} on come next.")
            data = b"".join(one + b"\n" for one in leaves)
            if sum(path.stat().st_size for _, _, path in known) + len(data) > MOST_BYTES:
                raise Refused(
                    "too-much",
                    "More than 256 MiB would wait here: show the checkpoint of what is there, then go on.",
                    status=413,
                )
            for _, _, path in files[len(known) :]:
                path.unlink()
            end = start + len(leaves)
            fresh = self.folder / "new"
            fresh.write_bytes(data)
            fresh.replace(self.folder / f"{start:015}-{end:015}.jsonl")
            return end

    def leaves(self) -> tuple[int, Iterator[bytes]]:
        """The first index that waits, and the leaves from there on."""
        files = self._files()
        if not files:
            raise Refused("nothing-given", "Give the missing entries back first, then their checkpoint.")
        return files[0][0], (line for _, _, path in files for line in path.read_bytes().split(b"\n")[:-1])

    def clear(self) -> None:
        """Throw away what waits."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _files(self) -> list[tuple[int, int, Path]]:
        if not self.folder.is_dir():
            return []
        named = ((_NAME.fullmatch(path.name), path) for path in self.folder.iterdir())
        return sorted((int(name[1]), int(name[2]), path) for name, path in named if name)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def sweep() -> None:
    """Throw away what has waited for a day."""
    if not _root().is_dir():
        return
    for folder in _root().glob("*/*"):
        with suppress(FileNotFoundError):
            if folder.stat().st_mtime < time.time() - KEPT:
                shutil.rmtree(folder, ignore_errors=True)


def _root() -> Path:
    return Path(settings.VAR_DIR) / "refeed"
