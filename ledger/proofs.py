"""Inclusion and consistency proofs from stored nodes: one query a proof, O(log n) rows."""

import base64
from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from ledger import merkle
from ledger.cosignatures import checkpoint_note
from ledger.errors import NoSuchEntry
from ledger.signing import parse_checkpoint

PROOF_HEADER = "c2sp.org/tlog-proof@v1"

# Leaves are level 0 and lie with their entries; a node lies under the last leaf it covers.
_NODES = """
    SELECT 0, e.index, e.leaf_hash FROM ledger_entry e WHERE e.log = %(log)s AND e.index = ANY (%(leaves)s)
    UNION ALL
    SELECT n.level, n.last_leaf, n.hash FROM ledger_node n
        JOIN unnest(%(levels)s::smallint[], %(lasts)s::bigint[]) AS t (level, last_leaf)
        ON n.log = %(log)s AND n.last_leaf = t.last_leaf AND n.level = t.level
"""


def inclusion_proof(log_id: UUID, index: int, size: int) -> list[bytes]:
    """The hashes that lead from entry `index` to the root of the log when it was of `size`."""
    if not 0 <= index < size:
        raise NoSuchEntry(f"A log of {size} entries has no entry {index}.")
    return _roots(log_id, merkle.inclusion_ranges(index, size), size)


def consistency_proof(log_id: UUID, size1: int, size2: int) -> list[bytes]:
    """The hashes that show the log of `size2` to begin with all of the log of `size1`; empty from size 0."""
    if not 0 <= size1 <= size2:
        raise NoSuchEntry(f"A log of {size2} entries cannot follow one of {size1}.")
    if size1 == 0:
        return []
    return _roots(log_id, merkle.consistency_ranges(size1, size2), size2)


def root_at(log_id: UUID, size: int) -> bytes:
    """The root of the log when it was of `size`, whether or not a checkpoint of that size exists."""
    if size == 0:
        return merkle.EMPTY_ROOT
    return _roots(log_id, [(0, size)], size)[0]


def receipt_proof(log_id: UUID, index: int, size: int | None = None) -> str:
    """A C2SP tlog-proof: that entry `index` is under the checkpoint of `size`, or the newest one.

    With the leaf, the party's pinned keys and nothing else it can be checked anywhere, at any time.
    """
    note = checkpoint_note(log_id, size)
    proof = inclusion_proof(log_id, index, parse_checkpoint(note).size)
    hashes = "".join(f"{base64.b64encode(one).decode()}\n" for one in proof)
    return f"{PROOF_HEADER}\nindex {index}\n{hashes}\n{note}"


def _roots(log_id: UUID, ranges: Sequence[tuple[int, int]], size: int) -> list[bytes]:
    wanted = [merkle.subtrees(start, end) for start, end in ranges]
    flat = [subtree for subtrees in wanted for subtree in subtrees]
    leaves = [index for level, index in flat if level == 0]
    above = [(level, ((index + 1) << level) - 1) for level, index in flat if level]
    with connection.cursor() as cursor:
        cursor.execute(
            _NODES,
            {
                "log": log_id,
                "leaves": [*leaves, size - 1],
                "levels": [level for level, _ in above],
                "lasts": [last for _, last in above],
            },
        )
        found = {(level, last): bytes(node) for level, last, node in cursor.fetchall()}
    if (0, size - 1) not in found:
        raise NoSuchEntry(f"This log does not have {size} entries yet.")
    try:
        return [
            merkle.root_of([found[level, ((index + 1) << level) - 1] for level, index in subtrees])
            for subtrees in wanted
        ]
    except KeyError as error:
        raise NoSuchEntry("The log lacks a node of its tree; run the verification to see where.") from error
