"""Checking what others said about a log: the stored cosignatures and time stamps, against its checkpoints."""

from collections.abc import Iterator
from datetime import UTC
from typing import Any
from uuid import UUID

from django.db import connection

from ledger import cosigning, signing
from ledger.cosigning import WitnessKey
from ledger.errors import LedgerError
from ledger.timestamps import verify_time_stamp

_COSIGNATURES = """
    SELECT v.size, c.note, v.key_name, v.key_id, v.public, v.timestamp, v.signature
    FROM ledger_cosignature v LEFT JOIN ledger_checkpoint c ON c.log = v.log AND c.size = v.size
    WHERE v.log = %s AND v.size > %s AND v.size <= %s ORDER BY v.size
"""
_TIME_STAMPS = """
    SELECT v.size, c.note, v.authority, v.note, v.response, v.chain, v.stamped_at
    FROM ledger_timestamp v LEFT JOIN ledger_checkpoint c ON c.log = v.log AND c.size = v.size
    WHERE v.log = %s AND v.size > %s AND v.size <= %s ORDER BY v.size
"""


def faults(log_id: UUID, start: int, end: int) -> Iterator[tuple[int, str]]:
    """What does not hold among the vouchers for checkpoints above `start` and up to `end`: index, sentence.

    That a stored key is the party's own, and a stored root the authority's, only who pinned them can tell.
    """
    for size, note, name, key_id, public, timestamp, signature in _rows(_COSIGNATURES, (log_id, start, end)):
        fault = _fault_of_cosignature(
            note, WitnessKey(name, bytes(public)), bytes(key_id), timestamp, bytes(signature)
        )
        if fault:
            yield size - 1, f"The cosignature of {name} over {size} entries {fault}"
    for size, note, authority, stamped, response, chain, at in _rows(_TIME_STAMPS, (log_id, start, end)):
        if fault := _fault_of_time_stamp(note, stamped, bytes(response), chain, at):
            yield size - 1, f"The time stamp of {authority} over {size} entries {fault}"


def _fault_of_cosignature(
    note: str | None, key: WitnessKey, key_id: bytes, timestamp: int, signature: bytes
) -> str | None:
    if note is None:
        return "is of a checkpoint that is not there."
    if len(key.public) != 32 or key.id != key_id:
        return "names another key than the one beside it."
    try:
        cosigning.verify_cosignature(key, signing.parse_checkpoint(note).text, timestamp, signature)
    except LedgerError:
        return "does not hold."
    return None


def _fault_of_time_stamp(note: str | None, stamped: str, response: bytes, chain: str, at: Any) -> str | None:
    if note is None:
        return "is of a checkpoint that is not there."
    try:
        if signing.parse_checkpoint(stamped).text != signing.parse_checkpoint(note).text:
            return "is over another checkpoint."
        if verify_time_stamp(response, stamped, chain) != at.astimezone(UTC):
            return "says another time than is stored beside it."
    except LedgerError as error:
        return f"does not hold. {error.sentence}"
    return None


def _rows(query: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
