"""Appending: `open_for_writing` locks a log's head, `Log.append` writes; two round trips, one transaction.

Between the two the caller decides what happened. Until the transaction ends nobody else writes to the log;
when it rolls back the log is as it was. Only `cases/perform.py` may call this module.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import psycopg
from django.db import connection, transaction

from ledger import commitments, holding, jcs, leaf, merkle, signer, signing
from ledger.entries import RESERVED, Draft, Receipt, StoredEvent
from ledger.errors import (
    CommandIdReused,
    HeadMoved,
    LeafTooLarge,
    Misuse,
    NotCanonical,
    SignerRefuses,
    StaleStream,
)
from ledger.host import Kind, host_key, memory, origin_of
from ledger.jcs import Json
from ledger.reading import receipt_of, stored_event

MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# %b: binary parameters; arrays of bytes as text would be escaped twice over.
_OPEN = "SELECT * FROM ledger_open(%b, %b, %b, %b, %b, %b::text[], %b::bigint[])"
APPEND = (
    "SELECT ledger_append(%b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b, %b::bigint[], %b, %b::int[],"
    " %b, %b, %b::bigint[], %b::smallint[], %b::bytea[])"
)


@dataclass(frozen=True)
class Opened:
    """What a writer finds: the log, the named streams, or the receipt of the same command from earlier."""

    log: "Log"
    receipt: Receipt | None
    streams: Mapping[str, list[StoredEvent]]
    versions: Mapping[str, int]


class Log:
    """A log whose head this transaction has locked. Good for one append."""

    def __init__(
        self,
        *,
        log_id: UUID,
        origin: str,
        size: int,
        peaks: list[bytes],
        last: datetime | None,
        versions: Mapping[str, int],
        key: signing.HostKey,
    ) -> None:
        self.id = log_id
        self.origin = origin
        self.size = size
        self.host_key = key.public.hex()
        self.host_key_id = signing.key_id(origin, key.public).hex()
        self._key = key
        self.peaks = peaks
        self._last = last
        self._versions = dict(versions)
        self._spent = False
        self._release: Callable[[], None]

    def append(
        self,
        events: Sequence[Draft],
        *,
        party: UUID,
        actor: Mapping[str, Json],
        command_id: UUID,
        command_digest: str,
        at: datetime | None = None,
        expect: Mapping[str, int] | None = None,
    ) -> Receipt:
        """Seal `events` as the next entries, under a signed checkpoint; they count once committed.

        Time never runs backwards in a log: where the clock is behind the last entry, that entry's time is
        taken and the difference kept beside the checkpoint. `expect` names the versions that the writer has
        seen, else StaleStream.
        """
        if self._spent or not events:
            raise Misuse("A log opened for writing takes one append of at least one event.")
        self._spent = True
        self._check_versions(events, expect or {})
        now = (at or datetime.now(UTC)).astimezone(UTC)
        recorded_at = now if self._last is None else max(self._last, now)
        before = signer.Stand(self.size, merkle.root_of(self.peaks))
        said_by = cast("dict[str, Json]", jcs.plain(actor, at="actor"))
        sealed = [
            self._seal(
                draft,
                self.size + n,
                party=party,
                actor=said_by,
                command_id=command_id,
                recorded_at=recorded_at,
            )
            for n, draft in enumerate(events)
        ]
        nodes = [
            (entry.event.index, level, node)
            for entry in sealed
            for level, node in enumerate(merkle.push(self.peaks, entry.event.index, entry.leaf_hash), start=1)
        ]
        size, root = self.size + len(sealed), merkle.root_of(self.peaks)
        note = self._sign(before, signer.Stand(size, root))
        moved = call(
            APPEND,
            (
                self.id, self.size, root, b"".join(self.peaks), recorded_at,
                (recorded_at - now) // MICROSECOND, note, command_id, command_digest, party,
                [entry.leaf for entry in sealed], [entry.leaf_hash for entry in sealed],
                [entry.event.stream for entry in sealed], [entry.event.version for entry in sealed],
                [entry.event.type for entry in sealed], [entry.event.schema for entry in sealed],
                [entry.body for entry in sealed], [entry.salts for entry in sealed],
                [node[0] for node in nodes], [node[1] for node in nodes], [node[2] for node in nodes],
            ),
        )  # fmt: skip
        if not moved[0]:
            raise HeadMoved(f"The log {self.origin} is no longer at size {self.size}; nothing was written.")
        # Robust: the entries are committed by then, and a memory that lags is caught up with a proof.
        transaction.on_commit(self._remember, robust=True)
        return Receipt(
            log=self.id,
            first=self.size,
            count=len(sealed),
            size=size,
            leaf_hashes=tuple(entry.leaf_hash.hex() for entry in sealed),
            checkpoint=note,
            recorded_at=recorded_at,
            replayed=False,
            events=tuple(entry.event for entry in sealed),
        )

    def _remember(self) -> None:
        # No partial as a hook: Django names what failed by its __qualname__, which a partial lacks.
        self._release()

    def _sign(self, before: signer.Stand, after: signer.Stand) -> str:
        def check(signed: signer.Signed | None) -> None:
            signer.check(self.id, before, signed, origin=self.origin, public=self._key.public)
            if (sentence := holding.why_held(self.id, before)) is not None:
                raise SignerRefuses(sentence)

        self._release = memory().propose(self.id, before, after, check=check)
        return self._key.sign(self.origin, signing.checkpoint_text(self.origin, after.size, after.root))

    def _check_versions(self, events: Sequence[Draft], expect: Mapping[str, int]) -> None:
        for stream in {draft.stream for draft in events} | expect.keys():
            if stream not in self._versions:
                raise Misuse(f"The stream {stream} was not named when the log was opened.")
        for stream, version in expect.items():
            if self._versions[stream] != version:
                raise StaleStream(
                    f"{stream} has changed meanwhile: it is at {self._versions[stream]}, not at {version}."
                )

    def _seal(
        self,
        draft: Draft,
        index: int,
        *,
        party: UUID,
        actor: dict[str, Json],
        command_id: UUID,
        recorded_at: datetime,
    ) -> "_Sealed":
        fields = cast("dict[str, Json]", jcs.plain(draft.fields, at=draft.type))
        if taken := RESERVED & fields.keys():
            raise NotCanonical(f"{draft.type} names a field {min(taken)}, which every event has already.")
        version = self._versions[draft.stream] = self._versions[draft.stream] + 1
        body: dict[str, Json] = {
            **fields,
            "type": jcs.plain(draft.type),
            "schema": jcs.plain(draft.schema),
            "actor": actor,
            "stream": jcs.plain(draft.stream),
            "version": version,
            "command": str(command_id),
        }
        salts = commitments.new_salts(len(body))
        auth = cast("dict[str, Json] | None", jcs.plain(draft.auth, at="auth"))
        data = leaf.build(
            leaf.Leaf(self.origin, index, recorded_at, party, commitments.commit_body(body, salts), auth)
        )
        if len(data) > leaf.LARGEST_LEAF:
            raise LeafTooLarge("A signed act is sealed in at most 32 KiB; this signature is larger.")
        event = StoredEvent(
            log=self.id,
            index=index,
            stream=draft.stream,
            version=version,
            type=draft.type,
            schema=draft.schema,
            party=party,
            actor=actor,
            command=command_id,
            recorded_at=recorded_at,
            fields=fields,
        )
        return _Sealed(event, data, merkle.leaf_hash(data), jcs.encode(body).decode(), salts)


@dataclass(frozen=True)
class _Sealed:
    event: StoredEvent
    leaf: bytes
    leaf_hash: bytes
    body: str
    salts: bytes


def open_for_writing(
    log_id: UUID,
    *,
    kind: Kind,
    command_id: UUID,
    command_digest: str,
    streams: Sequence[str],
    since: Mapping[str, int] | None = None,
) -> Opened:
    """Lock the head of a log, made if it is new, and read the named streams; one round trip.

    A stream named in `since` is read from that version on, this one included: by it the caller sees that what
    it remembers of the stream is true.
    A command recorded earlier comes back with its receipt; under another digest it is CommandIdReused.
    """
    if not connection.in_atomic_block:
        raise Misuse("A log is opened for writing inside a transaction only.")
    found: dict[str, list[StoredEvent]] = {stream: [] for stream in streams}
    found_kind, origin, size, root, peaks, last, known_size, known_digest, events = call(
        _OPEN,
        (
            log_id,
            kind,
            origin_of(kind, log_id),
            merkle.EMPTY_ROOT,
            command_id,
            list(found),
            [(since or {}).get(stream, 1) for stream in found],
        ),
    )
    if found_kind != kind:
        raise Misuse(f"{origin} is not a {kind} log.")
    if known_size is not None and known_digest != command_digest:
        raise CommandIdReused("This command id was used before, with other content.")
    edge = [peaks[at : at + merkle.HASH_SIZE] for at in range(0, len(peaks), merkle.HASH_SIZE)]
    if merkle.root_of(edge) != root:
        raise HeadMoved(f"The head of {origin} does not agree with itself; nothing is written to this log.")
    for index, body, party, recorded_us in json.loads(events) if events else ():
        event = stored_event(
            log_id, index, body, party=UUID(party), recorded_at=EPOCH + timedelta(microseconds=recorded_us)
        )
        found[event.stream].append(event)
    versions = {stream: events[-1].version if events else 0 for stream, events in found.items()}
    log = Log(
        log_id=log_id,
        origin=origin,
        size=size,
        peaks=edge,
        last=last.astimezone(UTC) if last else None,
        versions=versions,
        key=host_key(),
    )
    receipt = receipt_of(log_id, known_size) if known_size is not None else None
    return Opened(log, receipt, found, versions)


def call(query: str, parameters: tuple[object, ...]) -> Any:
    """One row from the server, with binary parameters and results, on Django's own connection."""
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        return cursor.execute(query, parameters, binary=True).fetchone()
