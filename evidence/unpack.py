"""gzip: from packed sealed bytes to the bytes of a derived item, through a vault intake, bounded."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from django.conf import settings

CHUNK = 1 << 18
GZIP = b"\x1f\x8b\x08"
# Real logs stay far below this; a bomb does not. Small files may be as repetitive as they like.
MOST_RATIO = 200
RATIO_FROM = 64 << 20
DEFAULT_CAP = 64 << 30


class UnpackError(Exception):
    """The packed bytes cannot become an item; `sentence` says why."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class NotReadable(UnpackError):
    """Nothing could be unpacked."""


class TooLarge(UnpackError):
    """What comes out grows beyond every bound: a bomb, or more than this installation takes."""


class Sink(Protocol):
    def write(self, chunk: bytes, /) -> None: ...


@dataclass(frozen=True)
class Unpacked:
    """What came out. Where `complete` is false, `sentence` says what is missing; the readable part is in the
    sink.
    """

    size: int
    members: int
    complete: bool
    sentence: str | None


def packing_of(source: Path) -> Literal["gzip"] | None:
    """How these bytes are packed, judged by what they begin with."""
    with source.open("rb") as file:
        return "gzip" if file.read(3) == GZIP else None


def unpack(source: Path, sink: Sink, *, progress: Callable[[int, int], None]) -> Unpacked:
    """Unpack all gzip members of `source` into `sink` (an Intake). `progress` gets (packed bytes read, in
    all).

    Raises NotReadable or TooLarge; the caller's `with` then aborts the intake. A file that breaks off half-
    way is not an error: its readable part is kept and `complete` is false.
    """
    total = source.stat().st_size
    cap = int(getattr(settings, "UNPACK_CAP", DEFAULT_CAP))
    size = members = done = 0
    wrong: str | None = None
    member = None
    with source.open("rb", buffering=0) as file:
        data = b""
        while True:
            if not data:
                data = file.read(CHUNK)
                done += len(data)
                progress(done, total)
                if not data:
                    break
            if member is None:
                # Padding with zeros after a member is common on tapes and allowed by gzip itself.
                data = data.lstrip(b"\x00") if members else data
                if not data:
                    continue
                if members and not data.startswith(GZIP[: len(data)]):
                    wrong = f"After {members} gzip members other bytes follow; they were not unpacked."
                    break
                member = zlib.decompressobj(wbits=31)
            try:
                out = member.decompress(data, CHUNK * 4)
            except zlib.error as error:
                wrong = f"The gzip is damaged after {size:,} unpacked bytes ({_reason(error)})."
                break
            sink.write(out)
            size += len(out)
            if size > cap:
                raise TooLarge(f"The gzip unpacks to more than {cap:,} bytes; it was not taken.")
            if size > RATIO_FROM and size > MOST_RATIO * done:
                raise TooLarge(
                    f"The gzip unpacks to more than {MOST_RATIO} times its size; it was not taken."
                )
            data = member.unused_data if member.eof else member.unconsumed_tail
            if member.eof:
                members += 1
                member = None
    if member is not None and wrong is None:
        wrong = f"The gzip is cut short; {size:,} bytes of it could be unpacked."
    if wrong is not None and size == 0:
        raise NotReadable(wrong)
    return Unpacked(size, members, wrong is None, wrong)


def _reason(error: zlib.error) -> str:
    return str(error).rsplit(": ", 1)[-1]
