"""Giving entries back to a log whose database was put back to an older state, from a party's mirror.

Leaves come back byte for byte, and only such as lead to a root that the host's own key signed before; nothing
is written until all of them are checked. Openings are not in a mirror of leaves: where nobody supplies them
the entries stand sealed, their content lost to this host until a party that holds an opening gives it back.
Until then the log is held (ledger.holding): nobody decides on top of what nobody here can read.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import cast
from uuid import UUID, uuid4

from django.db import connection, transaction

from ledger import commitments, holding, jcs, leaf, merkle, signing
from ledger.entries import RESERVED, Opening, StoredEvent
from ledger.errors import LedgerError, NoSuchEntry, SignerRefuses, VerificationError
from ledger.host import Kind, host_key, memory
from ledger.jcs import Json
from ledger.log import APPEND, Log, call, open_for_writing
from ledger.models import Refeed
from ledger.reading import read_entries, stored_event
from ledger.signer import Stand

_LOST = """
    SELECT e.index FROM ledger_refeed r
    JOIN ledger_entry e ON e.log = r.log AND e.index >= r.first AND e.index < r.size
    WHERE r.log = %s AND NOT EXISTS (SELECT FROM ledger_opening o WHERE o.log = e.log AND o.index = e.index)
    ORDER BY e.index
"""
_OPEN_LATER = """
    INSERT INTO ledger_opening (log, index, stream, version, type, schema, command, body, salts, erased)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s::jsonb) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Refed:
    """What came back: the entries from `first` up to `size`, the events of those whose opening came along.

    `lost` are the indexes of the others: the host knows that, when and by which party something was recorded
    there, and no more.
    """

    first: int
    size: int
    events: tuple[StoredEvent, ...]
    lost: tuple[int, ...]


@dataclass(frozen=True)
class _Returned:
    """One entry on its way back, checked."""

    sealed: leaf.Leaf
    data: bytes
    hash: bytes
    body: dict[str, Json] | None
    salts: bytes

    @property
    def together(self) -> tuple[datetime, UUID, str | None]:
        """Entries of one append share these; lost ones of one moment count as one."""
        command = str(self.body["command"]) if self.body is not None else None
        return self.sealed.recorded_at, self.sealed.party, command


@transaction.atomic(durable=True)
def refeed(
    log_id: UUID,
    leaves: Iterable[bytes],
    note: str,
    *,
    start: int = 0,
    openings: Mapping[int, Opening] | None = None,
    kind: Kind = "case",
    public: bytes | None = None,
) -> Refed:
    """Take back what the log lacks up to the checkpoint `note`, whose host signature is checked first.

    `leaves` are those from index `start` on; those that the log has must be byte-equal. `openings` are whole
    ones, by index. `public` is the host key that signed the note where it was another than today's.
    VerificationError, and nothing written, where anything does not fit.
    """
    log = open_for_writing(log_id, kind=kind, command_id=uuid4(), command_digest="", streams=[]).log
    signed = signing.verify_checkpoint(note, name=log.origin, public=public or host_key().public)
    returned = list(_missing(log, leaves, start=start, until=signed.size))
    entries = [
        _checked(log, log.size + n, data, (openings or {}).get(log.size + n))
        for n, data in enumerate(returned)
    ]
    if log.size > signed.size:
        raise VerificationError(f"The log has {log.size} entries; the checkpoint given is of {signed.size}.")
    _check_tree(log, entries, signed)
    first, events, lost = log.size, [], []
    for (at, party, command), group in groupby(entries, key=lambda one: one.together):
        same = list(group)
        _write(log, same, party=party, command=command, at=at, last=note, signed=signed)
        for one in same:
            if one.body is None:
                lost.append(one.sealed.index)
            else:
                events.append(stored_event(log_id, one.sealed.index, one.body, party=party, recorded_at=at))
    holding.settle(log_id, Stand(log.size, merkle.root_of(log.peaks)))
    if lost:
        # Before the commit. Where that fails, a hold without a lost opening is ended like any other.
        holding.begin_regaining(log_id)
    return Refed(first, signed.size, tuple(events), tuple(lost))


@transaction.atomic(durable=True)
def reopen(
    log_id: UUID,
    openings: Mapping[int, Opening],
    *,
    erased: Mapping[int, Mapping[str, str]] | None = None,
) -> tuple[StoredEvent, ...]:
    """Take back openings that a re-feed came without; return the events of those that were missing.

    `erased` are the digests, in hex, of fields that were erased, by index and name: that they were is the
    caller's to know, for no commitment tells it.

    An opening that is here already is passed over. One whose place in its stream was taken meanwhile stays
    out: two events would claim one version.
    """
    size = holding.locked(log_id).size
    lost, found = set(lost_openings(log_id)), []
    for index in sorted(openings):
        if not 0 <= index < size:
            raise NoSuchEntry(f"This log has no entry {index}.")
        if index not in lost:
            continue
        (row,) = read_entries(log_id, after=index - 1, limit=1)
        gone = dict((erased or {}).get(index, {}))
        body, salts = _opened(index, leaf.parse(row.leaf).commit, openings[index], gone)
        event = stored_event(log_id, index, body, party=row.party, recorded_at=row.recorded_at)
        values = (event.stream, event.version, event.type, event.schema, event.command)
        with connection.cursor() as cursor:
            told = (jcs.encode(body).decode(), salts, json.dumps(gone) if gone else None)
            cursor.execute(_OPEN_LATER, (log_id, index, *values, *told))
            if cursor.rowcount == 1:
                found.append(event)
    return tuple(found)


@transaction.atomic(durable=True)
def go_on_from_here(log_id: UUID) -> None:
    """Let the signer go on from the log as it stands, giving up what it signed beyond; the operator's word.

    What is given up is remembered, so that a checkpoint of it, shown later, does not stop the log again.
    Witnesses that saw the entries given up will never cosign this log again, and say so.
    """
    head = holding.locked(log_id)
    try:
        signed = memory().read(log_id)
    except SignerRefuses:  # a damaged memory is what the operator's word replaces
        signed = None
    holding.give_up(log_id, head, (signed.released, signed.pending) if signed else ())
    memory().adopt(log_id, head)


def regained_from(log_id: UUID) -> int | None:
    """The first entry that ever came back from a mirror, or None."""
    return Refeed.objects.filter(log=log_id).order_by("first").values_list("first", flat=True).first()


def lost_openings(log_id: UUID) -> list[int]:
    """The indexes of the entries that came back from a mirror and whose opening is still missing."""
    with connection.cursor() as cursor:
        cursor.execute(_LOST, (log_id,))
        return [index for (index,) in cursor.fetchall()]


def _missing(log: Log, leaves: Iterable[bytes], *, start: int, until: int) -> Iterator[bytes]:
    """The leaves that the log lacks; those it has are compared a page at a time."""
    index = start
    held: dict[int, bytes] = {}
    for data in leaves:
        if index >= until:
            break
        if index < log.size:
            if index not in held:
                held = {row.index: row.leaf for row in read_entries(log.id, after=index - 1, limit=1000)}
            if held.get(index) != data:
                raise VerificationError(f"Entry {index} of the mirror is not entry {index} of this log.")
        else:
            yield data
        index += 1
    if index < until:
        raise VerificationError(f"The mirror lacks the entries {index} to {until - 1}.")


def _checked(log: Log, index: int, data: bytes, opening: Opening | None) -> _Returned:
    try:
        sealed = leaf.parse(data)
    except LedgerError as error:
        raise VerificationError(f"Entry {index} of the mirror is no leaf. {error.sentence}") from error
    if (sealed.log, sealed.index) != (log.origin, index):
        raise VerificationError(f"Entry {index} of the mirror is entry {sealed.index} of {sealed.log}.")
    body, salts = (None, b"") if opening is None else _opened(index, sealed.commit, opening, {})
    return _Returned(sealed, data, merkle.leaf_hash(data), body, salts)


def _opened(
    index: int, commit: bytes, opening: Opening, erased: Mapping[str, str]
) -> tuple[dict[str, Json], bytes]:
    """The body and the salts of an opening that is whole but for `erased`, and is the one that was sealed."""
    try:
        body = cast("dict[str, Json]", jcs.plain({name: value for name, (_, value) in opening.items()}))
        salts = b"".join(bytes.fromhex(opening[name][0]) for name in sorted(body))
        gone = [bytes.fromhex(digest) for digest in erased.values()]
        whole = len(salts) == commitments.SALT_SIZE * len(body) and body.keys() >= RESERVED
        whole = whole and not erased.keys() & body.keys()
    except (LedgerError, ValueError, TypeError) as error:
        raise VerificationError(f"The opening given for entry {index} is none.") from error
    if not whole or commitments.commit_digests([*commitments.field_digests(body, salts), *gone]) != commit:
        raise VerificationError(f"The opening given for entry {index} is not what was sealed there.")
    return body, salts


def _check_tree(log: Log, entries: Sequence[_Returned], signed: signing.Checkpoint) -> None:
    """The entries lead from the log's head to the signed root, past whatever the signer remembers."""
    known, hold = memory().read(log.id), holding.hold_of(log.id)
    stands = {(known.released.size, known.released.root)} if known else set()
    stands |= {(one.size, one.root) for one in hold.seen} if hold else set()
    sizes = {of for of, _ in stands}
    peaks, size, split = list(log.peaks), log.size, False
    for one in entries:
        merkle.push(peaks, size, one.hash)
        size += 1
        if size in sizes:
            root = merkle.root_of(peaks)
            split = split or any(of == size and was != root for of, was in stands)
    if merkle.root_of(peaks) != signed.root:
        raise VerificationError("These entries do not lead to the root that the host signed.")
    if split:
        raise SignerRefuses("The host has signed another history of this log than the one given.")


def _write(
    log: Log,
    group: Sequence[_Returned],
    *,
    party: UUID,
    command: str | None,
    at: datetime,
    last: str,
    signed: signing.Checkpoint,
) -> None:
    """Append one group under a checkpoint. Ed25519 has one signature a text: the notes are those of old."""
    nodes = [
        (one.sealed.index, level, node)
        for one in group
        for level, node in enumerate(merkle.push(log.peaks, one.sealed.index, one.hash), start=1)
    ]
    before, root = log.size, merkle.root_of(log.peaks)
    log.size += len(group)
    if log.size == signed.size:
        lines = [line for line in last.splitlines(keepends=True)[4:] if f" {log.origin} " in line]
        note = f"{signed.text}\n{''.join(lines)}"
    else:
        note = host_key().sign(log.origin, signing.checkpoint_text(log.origin, log.size, root))
    opened = [one for one in group if one.body is not None]
    bodies = [cast("dict[str, Json]", one.body) for one in opened]
    if not opened:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO ledger_refeed (log, first, size, at) VALUES (%s, %s, %s, %s)",
                (log.id, before, log.size, datetime.now(UTC)),
            )
    call(
        APPEND,
        (
            log.id, before, root, b"".join(log.peaks), at, 0, note,
            UUID(command) if command else uuid4(), "", party,
            [one.data for one in group], [one.hash for one in group],
            [body["stream"] for body in bodies], [body["version"] for body in bodies],
            [body["type"] for body in bodies], [body["schema"] for body in bodies],
            [json.dumps(body) for body in bodies], [one.salts for one in opened],
            [node[0] for node in nodes], [node[1] for node in nodes], [node[2] for node in nodes],
        ),
    )  # fmt: skip
