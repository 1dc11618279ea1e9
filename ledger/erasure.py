"""Erasing values: salt and value go, the field's digest stays, and the log verifies as before."""

import json
from collections.abc import Collection, Mapping
from uuid import UUID

from django.db import connection

from ledger.commitments import field_digest
from ledger.entries import RESERVED
from ledger.errors import Misuse, NoSuchEntry, NotErasable
from ledger.reading import read_entries


def erase(log_id: UUID, index: int, fields: Collection[str]) -> Mapping[str, str]:
    """Destroy salt and value of these fields of an entry; return the digests, in hex, that stand for them.

    Belongs into the transaction that appends the event which says so. Fields erased before count as done.
    The row's old bytes leave the disk when the database next vacuums the table, and its backups when those
    are thrown away.
    """
    if not connection.in_atomic_block:
        raise Misuse("A value is erased only together with the event that says so, in one transaction.")
    if needed := RESERVED & set(fields):
        raise NotErasable(f"The field {min(needed)} belongs to every event and cannot be erased.")
    found = read_entries(log_id, after=index - 1, limit=1)
    if not found or found[0].index != index:
        raise NoSuchEntry(f"This log has no entry {index}.")
    if found[0].opening is None:
        raise NotErasable(f"The opening of entry {index} is not there; nothing in it can be erased.")
    opening, erased = found[0].opening, found[0].erased
    if missing := set(fields) - opening.keys() - erased.keys():
        raise NotErasable(f"Entry {index} has no field {min(missing)}.")
    digests = {
        name: field_digest(bytes.fromhex(salt), name, value) for name, (salt, value) in opening.items()
    }
    digests |= {name: bytes.fromhex(digest) for name, digest in erased.items()}
    now = {name: digests[name].hex() for name in fields if name in opening}
    if now:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT ledger_erase(%s, %s, %s::jsonb, %s)",
                (log_id, index, json.dumps(now), list(digests.values())),
            )
            if cursor.fetchone() != (True,):
                raise NotErasable(f"Entry {index} was changed at the same time; nothing was erased.")
    return {name: digests[name].hex() for name in fields}
