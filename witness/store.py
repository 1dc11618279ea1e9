"""The witness's folder for one log: leaves, checkpoints, what was last seen. One process at a time.

    leaves.jsonl               every leaf mirrored, appended and fsynced before `seen` moves on
    checkpoint                 the newest note that was verified; its size and root are what was last seen
    served                     the newest note that was cosigned by `serve`, which sees no leaves
    checkpoints/<size>.note    each note that was cosigned, with the cosignature made on it
    alarms/<kind>-<hash>.json  evidence against the host, never removed by this program
    lock                       held by the running process

The larger of `checkpoint` and `served` is what this witness vouched for last. A crash after leaves were added
and before `checkpoint` was replaced leaves some that nothing covers, or half a line; the next start cuts it.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from verifier.merkle import leaf_hash, push, root_of_peaks
from verifier.note import Note, parse_note
from witness.errors import Refused, Trouble


def replace(path: Path, data: bytes) -> None:
    """Write a file so that a crash leaves the old one or the new one, and wait until the disk has it."""
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(folder: Path, *, wait: bool) -> Iterator[None]:
    """Hold a log's folder; while another process has it, wait or raise Trouble."""
    for name in ("checkpoints", "alarms"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise Trouble(f"Another witness is at work in {folder}.") from error
        yield


def last_seen(folder: Path) -> Note | None:
    """What this witness vouched for last in a log, whichever way it came."""
    notes = [
        parse_note((folder / one).read_bytes()) for one in ("checkpoint", "served") if (folder / one).exists()
    ]
    return max(notes, key=lambda note: note.size, default=None)


class Store:
    """The mirror of one log, open for this process alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.leaves = folder / "leaves.jsonl"
        self.peaks: list[bytes] = []
        self.size = 0
        self.seen: Note | None = None

    @contextmanager
    def opened(self) -> Iterator["Store"]:
        """Take the lock and repair what a crash left; another running process is Trouble."""
        with locked(self.folder, wait=False):
            self._load()
            yield self

    def _load(self) -> None:
        """Read what was last seen, and cut the mirror back to it: what is beyond was never vouched for."""
        path = self.folder / "checkpoint"
        self.seen = parse_note(path.read_bytes()) if path.exists() else None
        wanted = self.seen.size if self.seen else 0
        self.peaks, self.size, offset = [], 0, 0
        self.leaves.touch()
        with self.leaves.open("r+b") as file:
            while self.size < wanted and (line := file.readline()).endswith(b"\n"):
                push(self.peaks, self.size, leaf_hash(line[:-1]))
                self.size, offset = self.size + 1, offset + len(line)
            if self.size == wanted:
                file.truncate(offset)
                file.flush()
                os.fsync(file.fileno())
        if self.seen and (self.size != wanted or root_of_peaks(self.peaks) != self.seen.root):
            raise Refused(
                f"The mirror in {self.folder} is not what its own checkpoint of size {wanted} says; "
                "somebody changed it. Put it back from a backup, or mirror the log anew into an empty folder."
            )

    def read(self, start: int, end: int) -> list[bytes]:
        """The mirrored leaves from `start` up to `end`."""
        with self.leaves.open("rb") as file:
            return [line[:-1] for index, line in zip(range(end), file, strict=False) if index >= start]

    def append(self, leaves: Iterable[bytes]) -> None:
        """Add leaves to the mirror, on the disk when this returns; they count once `vouch` has run."""
        with self.leaves.open("ab") as file:
            for leaf in leaves:
                file.write(leaf + b"\n")
                push(self.peaks, self.size, leaf_hash(leaf))
                self.size += 1
            file.flush()
            os.fsync(file.fileno())

    def vouch(self, note: Note, line: str) -> None:
        """Record a verified checkpoint and the cosignature on it; only then may the cosignature leave."""
        replace(self.folder / "checkpoints" / f"{note.size}.note", note.raw + line.encode())
        replace(self.folder / "checkpoint", note.raw + line.encode())
        self.seen = note

    def cosigned(self) -> Iterator[Note]:
        """The checkpoints that were cosigned, each with the cosignature on it, the largest first."""
        kept = {
            int(path.stem): path
            for path in (self.folder / "checkpoints").glob("*.note")
            if path.stem.isdecimal()
        }
        for size in sorted(kept, reverse=True):
            yield parse_note(kept[size].read_bytes())

    def root(self) -> bytes:
        """The root over the mirrored leaves."""
        return root_of_peaks(self.peaks)

    def cut_back(self) -> None:
        """Forget the leaves that no checkpoint vouches for."""
        self._load()

    def alarm(self, kind: str, evidence: Mapping[str, object]) -> Path:
        """Keep evidence against the host for good; the same evidence again is kept once."""
        data = json.dumps(evidence, indent=1, ensure_ascii=False).encode() + b"\n"
        path = self.folder / "alarms" / f"{kind}-{sha256(data).hexdigest()[:16]}.json"
        replace(path, data)
        return path
