"""Recompute a whole log from its rows and say where it first goes wrong.

Everything is read a page at a time and the tree is grown again from the leaves, so memory stays flat however
long the log is. The signer's memory shows a database that was put back or rewritten; a host that rewrote
that as well, and signed anew, is shown by a party's mirror alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from ledger import holding, leaf, merkle, signing, vouchers
from ledger import sealed as sealing
from ledger.errors import LedgerError, MalformedLeaf, SignerRefuses
from ledger.host import host_key, memory
from ledger.models import LogHead, Refeed
from ledger.sealed import Row
from ledger.signer import Stand

PAGE = 2000
MOST_FINDINGS = 100

_ENTRIES = """
    SELECT e.index, e.leaf, e.leaf_hash, e.recorded_at, e.party,
        o.stream, o.version, o.type, o.schema, o.command, o.body, o.salts, o.erased
    FROM ledger_entry e LEFT JOIN ledger_opening o ON o.log = e.log AND o.index = e.index
    WHERE e.log = %s AND e.index >= %s AND e.index < %s
"""
_NODES = (
    "SELECT last_leaf, level, hash FROM ledger_node WHERE log = %s AND last_leaf >= %s AND last_leaf < %s"
)
_CHECKPOINTS = """
    SELECT size, first, root, note, command, recorded_at FROM ledger_checkpoint
    WHERE log = %s AND size > %s AND first < %s ORDER BY size
"""
# One statement, so that an append between two reads is no stray. A head that is not there counts nothing.
_BEYOND = """
    SELECT min(at), what FROM (
        SELECT index AS at, 'An entry' AS what FROM ledger_entry WHERE log = %(log)s
        UNION ALL SELECT index, 'An opening' FROM ledger_opening WHERE log = %(log)s
        UNION ALL SELECT last_leaf, 'A tree node' FROM ledger_node WHERE log = %(log)s
        UNION ALL SELECT size - 1, 'A checkpoint' FROM ledger_checkpoint WHERE log = %(log)s
        UNION ALL SELECT size - 1, 'A cosignature' FROM ledger_cosignature WHERE log = %(log)s
        UNION ALL SELECT size - 1, 'A time stamp' FROM ledger_timestamp WHERE log = %(log)s
        UNION ALL SELECT size - 1, 'A mark of a re-feed' FROM ledger_refeed WHERE log = %(log)s
    ) AS rows WHERE at >= (SELECT size FROM ledger_head WHERE log = %(log)s) OR at < 0 GROUP BY what
"""
# Where openings were lost, versions are missing with them; they still rise.
_VERSIONS = """
    SELECT index, stream, version, expected FROM (
        SELECT index, stream, version, 1 + coalesce(lag(version) OVER each, 0) AS expected
        FROM ledger_opening WHERE log = %s AND index < %s WINDOW each AS (PARTITION BY stream ORDER BY index)
    ) AS numbered WHERE version < expected OR (version > expected AND NOT %s) ORDER BY index LIMIT 1
"""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Finding:
    """One thing that does not hold.

    `index` is the entry at which it shows, None where no entry is at fault.
    """

    index: int | None
    sentence: str


@dataclass(frozen=True)
class _Checkpoint:
    """A checkpoint's row."""

    size: int
    first: int
    root: bytes
    note: str
    command: UUID
    recorded_at: datetime

    def covers(self, row: Row) -> bool:
        """Whether it could be the checkpoint of the append that sealed the entry, if it claims to be."""
        return row.index < self.first or (row.recorded_at, row.command) == (self.recorded_at, self.command)


@dataclass
class _Run:
    """The state of one pass over a log: what has been recomputed so far and what was found."""

    log: UUID
    head: LogHead
    keys: Mapping[int, bytes]  # from which size on which host key signed
    signed: Stand | None  # what the signer released last
    lost: Sequence[tuple[int, int]]  # spans given back by a mirror, whose openings may be missing
    mirror: Iterator[bytes] | None
    findings: list[Finding] = field(default_factory=list)
    peaks: list[bytes] = field(default_factory=list)
    whole: bool = True  # until the first break; after it the tree cannot be grown further
    last_time: datetime | None = None
    covered: int = 0  # the size of the last checkpoint seen: up to here a signature stands behind the entries

    def report(self, index: int | None, sentence: str) -> None:
        self.findings.append(Finding(index, sentence))

    def key_at(self, size: int) -> bytes:
        """The host key that signed the checkpoint of this size."""
        return self.keys[max((start for start in self.keys if start <= size), default=min(self.keys))]

    def lowest_from(self, begin: int) -> int:
        """Where something was found already at or after `begin`, else `begin`: a tree narrows no further."""
        return min(
            (one.index for one in self.findings if one.index is not None and one.index >= begin),
            default=begin,
        )


def verify_log(
    log_id: UUID,
    progress: Progress | None = None,
    *,
    mirror: Iterable[bytes] | None = None,
    keys: Mapping[int, bytes] | None = None,
) -> list[Finding]:
    """Everything in a log that does not hold, lowest index first, or [] where all of it holds.

    `mirror` are the leaves that a party kept, from the first on: the log must begin with them. `keys` are the
    host's public keys, each under the size from which on it signed; today's key alone where not given.
    At most about a hundred findings; after the first break in the tree only what stands alone is still
    checked.
    """
    signed, doubt = _remembered(log_id)  # before the head, or a write in between would look like a rollback
    head = LogHead.objects.filter(log=log_id).first()
    if head is None:
        return [Finding(None, "There is no such log.")]
    lost = list(Refeed.objects.filter(log=log_id).order_by("first").values_list("first", "size"))
    run = _Run(
        log_id,
        head,
        keys or {0: host_key().public},
        signed,
        lost,
        iter(mirror) if mirror is not None else None,
    )
    for start in range(0, head.size, PAGE):
        end = min(start + PAGE, head.size)
        _check_page(run, start, end)
        run.findings += [Finding(index, sentence) for index, sentence in vouchers.faults(log_id, start, end)]
        if progress is not None:
            progress(end, head.size)
        if len(run.findings) >= MOST_FINDINGS:
            break
    else:
        _check_head(run)
        _check_versions(run)
    _check_beyond(run)
    if signed is not None and signed.size > head.size:
        sentence = f"The host signed {signed.size} entries and has {head.size}: an older state was put back."
        run.report(head.size, sentence)
    if doubt is not None:
        run.report(None, doubt)
    return sorted(run.findings, key=lambda finding: (finding.index is None, finding.index or 0))


def _remembered(log_id: UUID) -> tuple[Stand | None, str | None]:
    try:
        known, hold = memory().read(log_id), holding.hold_of(log_id)
    except SignerRefuses as error:
        return None, error.sentence
    stands = (*((known.released,) if known else ()), *(hold.seen if hold else ()))
    return max(stands, key=lambda one: one.size, default=None), None


def _check_page(run: _Run, start: int, end: int) -> None:
    entries = {row[0]: Row(*row) for row in _rows(_ENTRIES, (run.log, start, end))}
    waiting = iter([_Checkpoint(*row) for row in _rows(_CHECKPOINTS, (run.log, start, end))])
    nodes: dict[int, dict[int, bytes]] = {}
    for last_leaf, level, node in _rows(_NODES, (run.log, start, end)):
        nodes.setdefault(last_leaf, {})[level] = bytes(node)
    above = next(waiting, None)
    for index in range(start, end):
        _check_mirror(run, index, entries.get(index))
        if index in entries:
            _check_entry(run, entries[index], above)
            _check_tree(run, entries[index], nodes.get(index, {}))
            _check_signed(run, index + 1)
        else:
            run.report(index, f"Entry {index} is missing.")
            run.whole = False
        if above is not None and above.size == index + 1:
            _check_checkpoint(run, above)
            above = next(waiting, None)
        if len(run.findings) >= MOST_FINDINGS:
            return


def _check_mirror(run: _Run, index: int, row: Row | None) -> None:
    """Only the first difference is told: after it a rewritten log differs everywhere."""
    if run.mirror is None:
        return
    kept = next(run.mirror, None)
    if kept is None:
        run.mirror = None
    elif row is None or bytes(row.leaf) != kept:
        run.report(index, f"Entry {index} is not the entry {index} of the mirror.")
        run.mirror = None


def _check_entry(run: _Run, row: Row, above: _Checkpoint | None) -> None:
    index = row.index
    try:
        sealed = leaf.parse(bytes(row.leaf))
    except MalformedLeaf as error:
        run.report(index, f"The bytes of entry {index} are damaged. {error.sentence}")
        return
    for sentence in sealing.faults_of_leaf(row, sealed, run.head.origin):
        run.report(index, sentence)
    if run.last_time is not None and sealed.recorded_at < run.last_time:
        run.report(index, f"Entry {index} is dated before the entry in front of it.")
    run.last_time = sealed.recorded_at
    given_back = any(first <= index < size for first, size in run.lost)
    fault = None if given_back and row.body is None else sealing.fault_of_opening(row, sealed.commit)
    if fault is not None:
        run.report(index, f"The opening of entry {index} {fault}")
    elif above is not None and not given_back and not above.covers(row):
        sentence = f"The checkpoint of size {above.size} names another time or command than entry {index}."
        run.report(index, sentence)


def _check_tree(run: _Run, row: Row, nodes: dict[int, bytes]) -> None:
    index, computed = row.index, merkle.leaf_hash(bytes(row.leaf))
    if computed != bytes(row.leaf_hash):
        run.report(index, f"The hash of entry {index} is not the hash of its bytes.")
    if not run.whole:
        return
    for level, node in enumerate(merkle.push(run.peaks, index, computed), start=1):
        if nodes.pop(level, None) != node:
            begin = max(index + 1 - (1 << level), run.covered)
            sentence = f"The stored tree does not agree with the entries {begin} to {index}."
            run.report(run.lowest_from(begin), sentence)
            return
    if nodes:
        run.report(index, f"The stored tree has a node too many above entry {index}.")


def _check_signed(run: _Run, size: int) -> None:
    if not run.whole or run.findings or run.signed is None or run.signed.size != size:
        return
    if merkle.root_of(run.peaks) != run.signed.root:
        run.report(None, f"The host signed another root for {size} entries: the log was rewritten since.")


def _check_checkpoint(run: _Run, found: _Checkpoint) -> None:
    size = found.size
    span = f"entry {size - 1}" if size - run.covered == 1 else f"entries {run.covered} to {size - 1}"
    if found.first != run.covered:
        run.report(run.covered, f"The checkpoint over {span} does not begin where the one before it ended.")
    try:
        signed = signing.verify_checkpoint(found.note, name=run.head.origin, public=run.key_at(size))
    except LedgerError as error:
        run.report(run.covered, f"The checkpoint of size {size} does not hold. {error.sentence}")
    else:
        if (signed.size, signed.root) != (size, bytes(found.root)):
            run.report(
                run.covered, f"What is stored beside the checkpoint of size {size} is not what was signed."
            )
    if run.whole and merkle.root_of(run.peaks) != bytes(found.root):
        worst = run.lowest_from(run.covered)
        run.report(worst, f"The signed root of size {size} is not the root of the entries: look at {span}.")
        run.whole = False
    run.covered = size


def _check_head(run: _Run) -> None:
    size = run.head.size
    if run.mirror is not None and next(run.mirror, None) is not None:
        run.report(size, f"The mirror goes on with an entry {size}, which this log does not have.")
    if run.covered != size:
        run.report(run.covered, f"The entries {run.covered} to {size - 1} have no checkpoint.")
    if run.whole and run.peaks != [
        bytes(run.head.peaks)[at : at + 32] for at in range(0, len(run.head.peaks), 32)
    ]:
        run.report(None, "The head's right edge of the tree is not that of the entries.")
    if run.whole and merkle.root_of(run.peaks) != bytes(run.head.root):
        run.report(None, "The head's root is not the root of the entries.")
    if not run.head.origin.endswith(f"/{run.head.kind}/{run.log}"):
        run.report(None, f"The head's origin, {run.head.origin}, is not that of this log.")
    if run.last_time != run.head.recorded_at:
        run.report(None, "The head's time is not the time of the last entry.")


def _check_versions(run: _Run) -> None:
    for index, stream, version, expected in _rows(_VERSIONS, (run.log, run.head.size, bool(run.lost))):
        run.report(
            index, f"Entry {index} calls itself version {version} of {stream}; by count it is {expected}."
        )


def _check_beyond(run: _Run) -> None:
    for index, what in _rows(_BEYOND, {"log": run.log}):
        run.report(index, f"{what} lies at {index}, where the head does not count it.")


def _rows(query: str, parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return [
            tuple(value.astimezone(UTC) if isinstance(value, datetime) else value for value in row)
            for row in cursor.fetchall()
        ]
