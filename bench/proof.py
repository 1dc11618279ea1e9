"""Proofs and appends in logs of any length: the work of either must not grow with the log.

The logs are filled in bulk, as a re-feed would: real leaves and a real tree, without openings.
"""

import random
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

from django.db import connection, transaction

from bench.lines import line
from ledger import leaf, merkle, proofs, signing
from ledger.entries import Draft
from ledger.host import host_key, memory
from ledger.log import open_for_writing
from ledger.signer import Stand
from ledger.verify import verify_log

PARTY = UUID(int=1)
CHUNK = 50_000


def main(*, sizes: tuple[int, ...] = (1_000, 100_000, 1_000_000), rounds: int = 300) -> None:
    """Print the figures for each of `sizes`."""
    chance = random.Random(4)
    for size in sizes:
        log = uuid4()
        fill(log, size)
        indexes = [chance.randrange(size) for _ in range(rounds)]
        included = _each(indexes, lambda n, log=log, size=size: proofs.inclusion_proof(log, n, size))  # type: ignore[misc]
        followed = _each(indexes, lambda n, log=log, size=size: proofs.consistency_proof(log, n + 1, size))  # type: ignore[misc]
        receipts = _each(indexes, lambda n, log=log: proofs.receipt_proof(log, n))  # type: ignore[misc]
        appends = _each(indexes, lambda n, log=log: _append(log))  # type: ignore[misc]
        at = f"at {size:,} entries"
        line(f"inclusion proof {at}", statistics.median(included), "ms", most=3.0)
        line(f"inclusion proof {at}, 95 %", sorted(included)[rounds * 95 // 100], "ms")
        line(f"consistency proof {at}", statistics.median(followed), "ms", most=3.0)
        line(f"receipt as tlog-proof {at}", statistics.median(receipts), "ms")
        line(f"append alone, with receipt, {at}", statistics.median(appends), "ms")
    count, fresh = sizes[len(sizes) // 2], uuid4()
    fill(fresh, count)
    began = time.perf_counter()
    if verify_log(fresh):
        raise RuntimeError("The log made for the benchmark does not verify.")
    line("verify_log", count / (time.perf_counter() - began), "entries per second")


def fill(log: UUID, size: int) -> None:
    """Make a log of `size` entries by COPY, in one transaction under one signed checkpoint."""
    at = datetime.now(UTC)
    with transaction.atomic():
        opened = open_for_writing(log, kind="case", command_id=uuid4(), command_digest="", streams=[])
        origin, peaks = opened.log.origin, opened.log.peaks
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")
            for start in range(0, size, CHUNK):
                _copy(log, origin, peaks, start, min(start + CHUNK, size), at)
            root = merkle.root_of(peaks)
            note = host_key().sign(origin, signing.checkpoint_text(origin, size, root))
            cursor.execute("INSERT INTO ledger_refeed VALUES (%s, 0, %s, %s)", (log, size, at))
            cursor.execute(
                "INSERT INTO ledger_checkpoint VALUES (%s, %s, 0, %s, %s, %s, '', %s, 0)",
                (log, size, root, note, uuid4(), at),
            )
            cursor.execute(
                "UPDATE ledger_head SET size = %s, root = %s, peaks = %s, recorded_at = %s WHERE log = %s",
                (size, root, b"".join(peaks), at, log),
            )
    memory().adopt(log, Stand(size, root))


def _copy(log: UUID, origin: str, peaks: list[bytes], start: int, end: int, at: datetime) -> None:
    nodes: list[tuple[UUID, int, int, bytes]] = []

    def entries() -> Iterator[tuple[object, ...]]:
        for index in range(start, end):
            data = leaf.build(leaf.Leaf(origin, index, at, PARTY, index.to_bytes(32)))
            hashed = merkle.leaf_hash(data)
            for level, node in enumerate(merkle.push(peaks, index, hashed), start=1):
                nodes.append((log, index, level, node))
            yield log, index, data, hashed, at, PARTY

    _copied("COPY ledger_entry (log, index, leaf, leaf_hash, recorded_at, party) FROM STDIN", entries())
    _copied("COPY ledger_node (log, last_leaf, level, hash) FROM STDIN", iter(nodes))


def _copied(statement: str, rows: Iterator[tuple[object, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _append(log: UUID) -> None:
    command = uuid4()
    with transaction.atomic(durable=True):
        opened = open_for_writing(log, kind="case", command_id=command, command_digest="d", streams=["case"])
        opened.log.append(
            [Draft("case", "Measured", 1, {"purpose": "see how long it takes"})],
            party=PARTY,
            actor={"kind": "worker"},
            command_id=command,
            command_digest="d",
        )


def _each(indexes: list[int], work: Callable[[int], object]) -> list[float]:
    """Milliseconds of each run, the first ones as warming up not counted."""
    for index in indexes[:20]:
        work(index)
    found = []
    for index in indexes:
        began = time.perf_counter()
        work(index)
        found.append((time.perf_counter() - began) * 1000)
    return found
