"""A case's log as one party takes it along: a zip that countersign-verify checks without this host.

It holds every leaf, and of what the entries say exactly what the party's pages show. Taking it is no step in
anybody's custody and therefore no event: nothing is in it that the party may not read here at any time, the
ledger's own history without a byte of evidence; and a log that grew by each export would never be out whole.

Whatever is appended meanwhile stays out: the size is taken first, and entries below it never change. Equal
states give equal bytes. Memory does not grow with the log; the zip leaves while it is being made, so a client
that goes away, or a crash, leaves nothing behind here and a file without its directory there, which no
program takes for a whole one.
"""

import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.utils.text import slugify

from cases import listings, openings, reads
from cases.bundle_readme import readme
from cases.models import Case
from cases.rules.acting import Actor
from cases.rules.shape import stamp
from ledger import jcs, reading, vouched
from ledger.entries import EntryRow, Head
from ledger.jcs import Json
from ledger.signing import parse_checkpoint
from ledger.timestamps import time_stamps

PAGE = 500  # entries read at once
PIECE = 1 << 17  # bytes sent at once
MOST_NOTES = 1_000  # older notes with cosignatures, about; a day's work of a verifier must not lie in them
LEVEL = 1  # half of a bundle is random salts: level 6 takes longer and saves a twentieth

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Export:
    """A bundle about to be made: what it will be called, how many entries it has, and its bytes, once."""

    filename: str
    size: int
    parts: Iterator[bytes]


def export(actor: Actor, case: Case, *, progress: Progress | None = None) -> Export:
    """The bundle of a visible case for the actor's party. Its size, and what the party sees, are those of
    this moment, whenever the bytes are asked for. Raises Unseen for a stranger."""
    head, name = reads.ledger_head(actor, case), filename(actor, case)
    seen = dict(reads.items(actor, case).values_list("pk", "number"))
    members = _members(actor, case, head, seen, name, progress or (lambda done, total: None))
    return Export(filename=name, size=head.size, parts=_zipped(members))


def filename(actor: Actor, case: Case) -> str:
    """What a party's export of a case's log is called."""
    return f"{case.reference}-{slugify(listings.own_party(actor).short_name) or 'party'}-ledger.zip"


def _members(
    actor: Actor, case: Case, head: Head, seen: Mapping[UUID, int], name: str, progress: Progress
) -> Iterator[tuple[str, Iterable[bytes]]]:
    """The files by name, each as a run of bytes; they are asked for one after the other."""
    origin = parse_checkpoint(head.checkpoint_text).origin
    yield "README.txt", [readme(name, case.reference, origin, head.size).encode()]
    yield "bundle.json", [_about(actor, origin, head)]
    yield "checkpoint", [note.encode() for _, note in vouched.notes(case.pk, [head.size])]
    stamped = vouched.stamped_sizes(case.pk, up_to=head.size, most=MOST_NOTES)
    cosigned = vouched.cosigned_sizes(case.pk, up_to=head.size, most=MOST_NOTES)
    for size, note in vouched.notes(case.pk, sorted({*stamped, *cosigned} - {head.size})):
        yield f"checkpoints/{size}.note", [note.encode()]
    for size in stamped:
        for number, one in enumerate(time_stamps(case.pk, size), start=1):
            yield f"timestamps/{size}.{number}.tsr", [one.response]
            yield f"timestamps/{size}.{number}.pem", [one.chain.encode()]
            yield f"timestamps/{size}.{number}.note", [one.note.encode()]
    yield "leaves.jsonl", _leaves(case.pk, head.size, progress)
    with tempfile.SpooledTemporaryFile(max_size=PIECE) as evidence:
        yield "openings.jsonl", _openings(actor, case, head.size, seen, evidence.write, progress)
        evidence.seek(0)
        yield "evidence.jsonl", iter(lambda: evidence.read(PIECE), b"")


def _about(actor: Actor, origin: str, head: Head) -> bytes:
    """For people: a verifier trusts nothing in it. `as_of` is the time of the last entry."""
    told = {
        "bundle": "countersign/bundle/v1",
        "origin": origin,
        "size": head.size,
        "for": str(actor.party),
        "as_of": stamp(head.recorded_at),
    }
    return json.dumps(told, indent=2).encode() + b"\n"


def _pages(log: UUID, size: int) -> Iterator[list[EntryRow]]:
    for at in range(0, size, PAGE):
        yield reading.read_entries(log, after=at - 1, limit=min(PAGE, size - at))


def _leaves(log: UUID, size: int, progress: Progress) -> Iterator[bytes]:
    at = 0
    while at < size:
        page = reading.leaves(log, at, size)
        yield b"".join(leaf + b"\n" for leaf in page)
        at += len(page)
        progress(at, 2 * size)


def _openings(
    actor: Actor,
    case: Case,
    size: int,
    seen: Mapping[UUID, int],
    list_evidence: Callable[[bytes], object],
    progress: Progress,
) -> Iterator[bytes]:
    """A line for each entry that the party may open; the seals among them are listed on the way."""
    for page in _pages(case.pk, size):
        opened = [one for one in openings.told(case.pk, page) if openings.opened_to(actor, one, seen)]
        yield b"".join(_line(one.row) for one in opened)
        for one in opened:
            if one.stored and one.stored.type == "EvidenceSealed":
                list_evidence(_evidence_line(one.row.index, one.stored.fields, seen))
        progress(size + page[-1].index + 1, 2 * size)


def _line(row: EntryRow) -> bytes:
    shown: Json = {name: [salt, value] for name, (salt, value) in (row.opening or {}).items()}
    hidden: Json = [*sorted(row.erased.values())]
    return jcs.encode({"i": row.index, "fields": shown, "hidden": hidden}) + b"\n"


def _evidence_line(index: int, sealed: Mapping[str, Json], seen: Mapping[UUID, int]) -> bytes:
    told: dict[str, Json] = {"i": index, "number": seen[UUID(str(sealed["item"]))]}
    told |= {name: sealed[name] for name in ("item", "filename", "size", "sha256") if name in sealed}
    return jcs.encode(told) + b"\n"


def _zipped(members: Iterable[tuple[str, Iterable[bytes]]]) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for name, pieces in members:
            # Without a date of its own a member gets that of 1980: equal states give equal bytes. How long
            # these become is not known when their headers are written.
            with archive.open(name, "w", force_zip64=name.endswith(".jsonl")) as member:
                for piece in pieces:
                    member.write(piece)
                    if sink.held >= PIECE:
                        yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """Where the zip is written to: it cannot seek, and is emptied all the time."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.held = 0

    def writable(self) -> bool:
        """It takes bytes, and only that."""
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        """Hold bytes until they are taken."""
        self._pieces.append(bytes(data))
        self.held += len(data)
        return len(data)

    def taken(self) -> bytes:
        """All that is held, once."""
        whole = b"".join(self._pieces)
        self._pieces.clear()
        self.held = 0
        return whole
