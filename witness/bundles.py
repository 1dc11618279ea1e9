"""A party's own copy of a case: fetching the bundle, and giving openings back from one."""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from witness.errors import Trouble
from witness.host import Host

MOST_AT_ONCE = 4 << 20
LONGEST_LINE = 1 << 20
OPENINGS = "openings.jsonl"


def pull(host: Host, target: Path) -> int:
    """Fetch the bundle into a new file, which has its name only once it is whole; its size."""
    if target.exists():
        raise Trouble(f"{target} is there already and is not overwritten.")
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("wb") as file:
            size = host.pull(file)
            file.flush()
            os.fsync(file.fileno())
        if not zipfile.is_zipfile(part):
            raise Trouble("What the host sent is no whole zip file.")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return size


def give_openings(host: Host, source: Path) -> str:
    """Hand in the openings of a bundle; what the host says is still missing."""
    said, waiting, size = "The bundle holds no openings.", list[bytes](), 0
    try:
        with zipfile.ZipFile(source) as bundle, bundle.open(OPENINGS) as lines:
            for line in _lines(lines):
                if waiting and size + len(line) > MOST_AT_ONCE:
                    said, waiting, size = host.refeed_openings(waiting), [], 0
                waiting.append(line)
                size += len(line)
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise Trouble(f"{source} is no bundle with {OPENINGS} in it.") from error
    return host.refeed_openings(waiting) if waiting else said


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    while line := file.readline(LONGEST_LINE + 1):
        if not line.endswith(b"\n"):
            raise Trouble(f"A line of {OPENINGS} is cut off or too long.")
        yield line
