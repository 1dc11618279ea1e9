"""The cosignatures that the host holds: taking them in and showing them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection

from ledger import cosigning, signing
from ledger.cosigning import Cosigned, WitnessKey, parse_vkey
from ledger.errors import FromTheFuture, NoSuchEntry, UnknownKey, VerificationError
from ledger.models import Checkpoint, Cosignature

AHEAD = timedelta(minutes=5)  # by how much a witness's clock may be in front of ours

_INSERT = """
    INSERT INTO ledger_cosignature (log, size, key_name, key_id, public, timestamp, signature, received_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Held:
    """A cosignature as the host holds it: by whom, over which size, and when by the witness's clock."""

    vkey: str
    size: int
    at: datetime
    line: str


def add_cosignatures(
    log_id: UUID,
    given: str,
    keys: Iterable[str],
    *,
    size: int | None = None,
    at: datetime | None = None,
) -> list[Held]:
    """Take in the cosignatures by these vkeys; return them as held, new ones and those known already.

    `given` is a whole note, or signature lines alone with the `size` they are for. The first cosignature of a
    key for a size is kept, a later one of the same size changes nothing. All of it is refused where the
    checkpoint is not one of ours, where a signature by a known key does not hold, where no key is known, or
    where a witness's time is more than five minutes ahead.
    """
    text, signatures, size = _read(given, size)
    stored = Checkpoint.objects.filter(log=log_id, size=size).first()
    if stored is None:
        raise NoSuchEntry(f"This log has no checkpoint of {size} entries.")
    ours = signing.parse_checkpoint(stored.note).text
    if text not in (None, ours):
        raise VerificationError(f"The checkpoint of {size} entries has another origin or root in this log.")
    found = cosigning.verified(ours, signatures, [parse_vkey(key) for key in keys])
    if not found:
        raise UnknownKey("None of the signatures is by a witness key that is known for this log.")
    now = (at or datetime.now(UTC)).astimezone(UTC)
    for one in found:
        if one.timestamp > (now + AHEAD).timestamp():
            raise FromTheFuture(f"The cosignature of {one.key.name} is dated more than five minutes ahead.")
    with connection.cursor() as cursor:
        for one in found:
            row = (one.key.name, one.key.id, one.key.public, one.timestamp, one.signature, now)
            cursor.execute(_INSERT, (log_id, size, *row))
    return [held for held in cosignatures(log_id, size) if held.vkey in {one.key.vkey for one in found}]


def _read(given: str, size: int | None) -> tuple[str | None, tuple[tuple[str, bytes, bytes], ...], int]:
    if size is not None and given.startswith(signing.DASH):
        return None, signing.parse_signatures(given), size
    note = signing.parse_checkpoint(given)
    if size not in (None, note.size):
        raise VerificationError(f"The note is of {note.size} entries, not of {size}.")
    return note.text, note.signatures, note.size


def cosignatures(log_id: UUID, size: int) -> list[Held]:
    """The cosignatures of one checkpoint, in the order in which they came."""
    rows = Cosignature.objects.filter(log=log_id, size=size).order_by("received_at", "key_name", "key_id")
    return [
        _held(WitnessKey(row.key_name, bytes(row.public)), size, row.timestamp, bytes(row.signature))
        for row in rows
    ]


def checkpoint_note(log_id: UUID, size: int | None = None) -> str:
    """The newest checkpoint's note, or that of `size`, with every cosignature line that the host holds."""
    found = Checkpoint.objects.filter(log=log_id, **({} if size is None else {"size": size}))
    newest = found.order_by("-size").values_list("note", "size").first()
    if newest is None:
        raise NoSuchEntry("This log has no such checkpoint.")
    return newest[0] + "".join(held.line for held in cosignatures(log_id, newest[1]))


def _held(key: WitnessKey, size: int, timestamp: int, signature: bytes) -> Held:
    line = Cosigned(key, timestamp, signature).line
    return Held(key.vkey, size, datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=timestamp), line)
