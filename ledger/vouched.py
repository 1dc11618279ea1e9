"""The notes of the past that somebody vouches for: they bound the times of the entries around them."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db import connection

from ledger.cosigning import Cosigned, WitnessKey

TOGETHER = 200  # notes read at once

# Of every set of witnesses that ever stood together under a note the first and the last, so that whatever
# quorum a reader asks for is found where it was last met; of the rest every n-th, evenly over the log.
_COSIGNED = """
    WITH cosigned AS (
        SELECT size, array_agg(encode(key_id, 'hex') || key_name ORDER BY key_id, key_name) AS keys
        FROM ledger_cosignature WHERE log = %(log)s AND size <= %(size)s GROUP BY size
    ), placed AS (
        SELECT size, row_number() OVER (ORDER BY size) - 1 AS place, count(*) OVER () AS total,
            size IN (min(size) OVER same, max(size) OVER same) AS an_end
        FROM cosigned WINDOW same AS (PARTITION BY keys)
    )
    SELECT size FROM placed WHERE an_end OR place %% ceil(total::numeric / %(most)s)::bigint = 0
    ORDER BY size
"""
_STAMPED = """
    WITH stamped AS (
        SELECT DISTINCT size FROM ledger_timestamp WHERE log = %(log)s AND size <= %(size)s
    ), placed AS (
        SELECT size, row_number() OVER (ORDER BY size) - 1 AS place, count(*) OVER () AS total FROM stamped
    )
    SELECT size FROM placed WHERE place %% ceil(total::numeric / %(most)s)::bigint = 0 OR place = total - 1
    ORDER BY size
"""
_NOTES = """
    SELECT k.size, k.note, c.key_name, c.public, c.timestamp, c.signature
    FROM ledger_checkpoint k LEFT JOIN ledger_cosignature c ON c.log = k.log AND c.size = k.size
    WHERE k.log = %s AND k.size = ANY(%s) ORDER BY k.size, c.received_at, c.key_name, c.key_id
"""


def cosigned_sizes(log_id: UUID, *, up_to: int, most: int) -> list[int]:
    """The sizes of the checkpoints that a witness cosigned; where they are more than `most`, about as many,
    spread evenly, and with them the first and last of each set of witnesses."""
    return _sizes(_COSIGNED, log_id, up_to, most)


def stamped_sizes(log_id: UUID, *, up_to: int, most: int) -> list[int]:
    """The sizes of the checkpoints that an authority stamped; where they are more than `most`, about as many,
    spread evenly, and with them the last."""
    return _sizes(_STAMPED, log_id, up_to, most)


def notes(log_id: UUID, sizes: Sequence[int]) -> Iterator[tuple[int, str]]:
    """The checkpoints of these sizes with every cosignature line that the host holds, a few at a time."""
    for at in range(0, len(sizes), TOGETHER):
        with connection.cursor() as cursor:
            cursor.execute(_NOTES, (log_id, list(sizes[at : at + TOGETHER])))
            rows = cursor.fetchall()
        found: dict[int, str] = {}
        for size, note, name, public, timestamp, signature in rows:
            text = found.get(size, note)
            if name is not None:
                text += Cosigned(WitnessKey(name, bytes(public)), timestamp, bytes(signature)).line
            found[size] = text
        yield from found.items()


def _sizes(query: str, log_id: UUID, up_to: int, most: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(query, {"log": log_id, "size": up_to, "most": most})
        return [size for (size,) in cursor.fetchall()]
