"""The bytes of an entry, built and strictly parsed. What happened is not in them: it lies behind `commit`."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from ledger import jcs
from ledger.errors import MalformedLeaf, NotCanonical
from ledger.jcs import Json

VERSION = 1
LARGEST_LEAF = 32 * 1024
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_HEX32 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_REQUIRED = frozenset({"v", "log", "i", "ts", "party", "commit"})


@dataclass(frozen=True)
class Leaf:
    """What an entry says in the open: its place, its time, its party and the commitment to its body."""

    log: str
    index: int
    recorded_at: datetime
    party: UUID
    commit: bytes
    auth: dict[str, Json] | None = None


def time_text(at: datetime) -> str:
    """A time as the ledger writes it: UTC, microseconds, Z."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """The instant of a time as the ledger writes it, or ValueError."""
    if not _TIME.fullmatch(text):
        raise ValueError("A time in the ledger is UTC with microseconds and Z.")
    return datetime.fromisoformat(text)


def build(leaf: Leaf) -> bytes:
    """The canonical bytes of a leaf."""
    value: dict[str, Json] = {
        "v": VERSION,
        "log": leaf.log,
        "i": leaf.index,
        "ts": time_text(leaf.recorded_at),
        "party": str(leaf.party),
        "commit": leaf.commit.hex(),
    }
    if leaf.auth is not None:
        value["auth"] = leaf.auth
    return jcs.encode(value)


def parse(data: bytes) -> Leaf:
    """The leaf whose bytes these are, byte for byte, or MalformedLeaf."""
    if len(data) > LARGEST_LEAF:
        raise MalformedLeaf("A leaf is at most 32 KiB.")
    try:
        value = jcs.parse(data)
    except NotCanonical as error:
        raise MalformedLeaf(f"A leaf must be canonical JSON. {error.sentence}") from error
    if not isinstance(value, dict) or not _REQUIRED <= value.keys() <= _REQUIRED | {"auth"}:
        raise MalformedLeaf("A leaf holds v, log, i, ts, party, commit and, where a member signed, auth.")
    if value["v"] is True or value["v"] != VERSION:
        raise MalformedLeaf("This leaf is of a version that this program does not know.")
    log, index, time, party, commit = (value[name] for name in ("log", "i", "ts", "party", "commit"))
    auth = value.get("auth")
    if not isinstance(log, str) or not log:
        raise MalformedLeaf("A leaf's log is its origin, a text.")
    if isinstance(index, bool) or not isinstance(index, int) or index < 0:
        raise MalformedLeaf("A leaf's index is a whole number from 0 on.")
    if not isinstance(commit, str) or not _HEX32.fullmatch(commit):
        raise MalformedLeaf("A leaf's commitment is 32 bytes in lower-case hex.")
    if "auth" in value and not isinstance(auth, dict):
        raise MalformedLeaf("A leaf's auth is an object.")
    try:
        at = parse_time(time if isinstance(time, str) else "")
        by = UUID(party if isinstance(party, str) else "")
    except ValueError as error:
        raise MalformedLeaf("A leaf's time or party is not written as the ledger writes it.") from error
    if str(by) != party:
        raise MalformedLeaf("A leaf's party is a UUID in lower-case hex with dashes.")
    return Leaf(log, index, at, by, bytes.fromhex(commit), auth if isinstance(auth, dict) else None)
