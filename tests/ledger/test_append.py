"""Appending: receipts, repeats, versions, time, and many writers at once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connections, transaction
from pytest_django.fixtures import Settings

from ledger import leaf, merkle, proofs, reading, signing
from ledger.commitments import commit_digests, field_digest
from ledger.entries import Draft, Head
from ledger.errors import (
    CommandIdReused,
    HeadMoved,
    LeafTooLarge,
    LedgerError,
    Misuse,
    NoSuchEntry,
    NotCanonical,
    SignerRefuses,
    StaleStream,
)
from ledger.host import host_key, memory
from ledger.log import open_for_writing
from ledger.models import Checkpoint
from ledger.verify import verify_log
from tests.ledger.conftest import ALICE, NORTHWIND, Superuser, Writer, draft

NOON = datetime(2026, 2, 8, 12, tzinfo=UTC)


def test_an_append_gives_a_receipt_that_the_log_keeps(writer: Writer) -> None:
    writer.write(draft())
    receipt = writer.write(draft("item/1", number="E-1", size=7), draft("case"), draft("item/1", note=None))
    assert (receipt.first, receipt.count, receipt.size, receipt.replayed) == (1, 3, 4, False)
    assert [(event.stream, event.version) for event in receipt.events] == [
        ("item/1", 1),
        ("case", 2),
        ("item/1", 2),
    ]
    assert tuple(reading.read_events(writer.log, after=0)) == receipt.events
    entries = reading.read_entries(writer.log)
    assert [entry.index for entry in entries] == [0, 1, 2, 3]
    assert tuple(merkle.leaf_hash(entry.leaf).hex() for entry in entries[1:]) == receipt.leaf_hashes
    origin = f"countersign/{settings.HOST_NAME}/case/{writer.log}"
    signed = signing.verify_checkpoint(receipt.checkpoint, name=origin, public=host_key().public)
    assert (signed.size, signed.root) == (4, merkle.root_of_leaves(entry.leaf_hash for entry in entries))
    head = reading.head(writer.log)
    assert head == Head(4, signed.root.hex(), receipt.checkpoint, receipt.recorded_at)
    assert (writer.log, "case", origin, 4) in [
        (log.id, log.kind, log.origin, log.size) for log in reading.logs()
    ]
    assert verify_log(writer.log) == []


def test_an_entry_hides_everything_but_place_party_and_time(writer: Writer) -> None:
    receipt = writer.write(draft("item/secret-name", purpose="secret purpose"))
    (entry,) = reading.read_entries(writer.log)
    for secret in (b"secret", b"alice", b"EvidenceExamined", str(receipt.events[0].command).encode()):
        assert secret not in entry.leaf
    sealed = leaf.parse(entry.leaf)
    assert (sealed.index, sealed.party, sealed.recorded_at) == (0, NORTHWIND, receipt.recorded_at)
    assert entry.opening is not None
    assert entry.opening.keys() == {"type", "schema", "actor", "stream", "version", "command", "purpose"}
    digests = (
        field_digest(bytes.fromhex(salt), name, value) for name, (salt, value) in entry.opening.items()
    )
    assert commit_digests(digests) == sealed.commit
    assert len({salt for salt, _ in entry.opening.values()}) == 7


def test_the_same_command_again_gives_the_same_receipt(writer: Writer) -> None:
    command = uuid4()
    first = writer.write(draft(), draft("item/1"), command=command)
    writer.write(draft())
    again = writer.write(draft(), draft("item/1"), command=command)
    assert again == replace(first, replayed=True)
    with pytest.raises(CommandIdReused):
        writer.write(draft(), command=command, digest="other")
    assert reading.head(writer.log).size == 3  # type: ignore[union-attr]


def test_a_stale_writer_is_refused_and_leaves_no_trace(writer: Writer) -> None:
    writer.write(draft(), expect={"case": 0})
    writer.write(draft(), expect={"case": 1})
    with pytest.raises(StaleStream, match="at 2, not at 1"):
        writer.write(draft("item/1"), expect={"case": 1}, streams=["case", "item/1"])
    assert [event.version for event in reading.read_events(writer.log)] == [1, 2]


def test_open_hands_out_the_streams_as_they_stand(writer: Writer) -> None:
    writer.write(draft("case", a=1), draft("item/1", b=[{"c": None}]), draft("item/2"))
    with transaction.atomic():
        opened = open_for_writing(
            writer.log,
            kind="case",
            command_id=uuid4(),
            command_digest="d",
            streams=["item/1", "case", "item/9", "case"],
        )
    assert opened.versions == {"item/1": 1, "case": 1, "item/9": 0}
    stored = list(reading.read_events(writer.log))
    assert opened.streams == {"item/1": [stored[1]], "case": [stored[0]], "item/9": []}
    assert (opened.log.size, opened.log.host_key) == (3, host_key().public.hex())


@pytest.mark.usefixtures("committed_db")
def test_a_log_is_opened_in_a_transaction_and_takes_one_append(writer: Writer) -> None:
    named = {"kind": "case", "command_id": uuid4(), "command_digest": "d", "streams": ["case"]}
    said = {"party": NORTHWIND, "actor": ALICE, "command_id": named["command_id"], "command_digest": "d"}
    with pytest.raises(Misuse, match="transaction"):
        open_for_writing(writer.log, **named)  # type: ignore[arg-type]
    with transaction.atomic():
        log = open_for_writing(writer.log, **named).log  # type: ignore[arg-type]
        with pytest.raises(Misuse, match="at least one event"):
            log.append([], **said)  # type: ignore[arg-type]
        log.append([draft()], **said)  # type: ignore[arg-type]
        with pytest.raises(Misuse, match="one append"):
            log.append([draft()], **said)  # type: ignore[arg-type]
    with pytest.raises(Misuse, match="not named"):
        writer.write(draft("item/1"), streams=["case"])
    with transaction.atomic(), pytest.raises(Misuse, match="is not a host log"):
        open_for_writing(writer.log, **named | {"kind": "host"})  # type: ignore[arg-type]


@pytest.mark.parametrize(("memories", "refusal"), [(1, SignerRefuses), (0, HeadMoved)])
def test_a_stale_handle_writes_nothing(writer: Writer, memories: int, refusal: type[LedgerError]) -> None:
    writer.write(draft())
    if not memories:
        (memory().folder / str(writer.log)).unlink()
    with transaction.atomic():
        command = uuid4()
        log = open_for_writing(
            writer.log, kind="case", command_id=command, command_digest="d", streams=["case"]
        ).log
        log.size = 0
        log.peaks.clear()
        with pytest.raises(refusal):
            log.append([draft()], party=NORTHWIND, actor=ALICE, command_id=command, command_digest="d")
    assert verify_log(writer.log) == []


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"share": 0.5}, "decimal number"),
        ({"stream": "x"}, "stream, which every event has"),
        ({"Item": 1}, "key"),
    ],
)
def test_what_cannot_be_recorded_exactly_is_refused(
    writer: Writer, fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(NotCanonical, match=sentence):
        writer.write(Draft("case", "EvidenceExamined", 1, fields))
    assert reading.head(writer.log) is None


def test_time_never_runs_backwards_and_the_skew_is_noted(writer: Writer) -> None:
    early, late = NOON, NOON + timedelta(seconds=3, microseconds=7)
    assert writer.write(draft(), at=late).recorded_at == late
    assert writer.write(draft(), at=early).recorded_at == late
    assert writer.write(draft(), at=late + timedelta(seconds=1)).recorded_at == late + timedelta(seconds=1)
    skews = Checkpoint.objects.filter(log=writer.log).order_by("size").values_list("skew_us", flat=True)
    assert list(skews) == [0, 3_000_007, 0]
    assert verify_log(writer.log) == []


def test_a_rolled_back_append_leaves_no_trace(writer: Writer) -> None:
    writer.write(draft())
    before = reading.head(writer.log)
    with transaction.atomic():
        writer.write(draft(), durable=False)
        transaction.set_rollback(True)
    assert reading.head(writer.log) == before
    assert writer.write(draft()).first == 1
    assert verify_log(writer.log) == []


def test_eight_writers_at_once_leave_dense_logs(committed_db: None) -> None:
    logs = [Writer(), Writer()]

    def work(number: int) -> None:
        for turn in range(8):
            writer = logs[(number + turn) % 2]
            # every command is sent twice, as a client does that lost the answer
            command = uuid4()
            sent = [draft("case"), draft(f"item/{number}", turn=turn)][: 1 + turn % 2]
            first = writer.write(*sent, command=command)
            assert writer.write(*sent, command=command).first == first.first
        connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    sizes = []
    for writer in logs:
        assert verify_log(writer.log) == []
        events = list(reading.read_events(writer.log))
        assert [event.index for event in events] == list(range(len(events)))
        sizes.append(len(events))
    assert sum(sizes) == 8 * (4 + 8)


def test_the_reader_waits_for_the_lock_and_then_sees_the_newest_stream(writer: Writer) -> None:
    """Locking and reading in one snapshot would see the new head with the old stream."""
    writer.write(draft())

    def second() -> int:
        try:
            return writer.write(draft()).events[0].version
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            writer.write(draft(), durable=False)
            waiting = pool.submit(second)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
        assert waiting.result(timeout=10) == 3


def test_proofs_from_stored_nodes_verify(writer: Writer) -> None:
    writer.grow([1, 2, 4, 7, 1, 1, 5])
    hashes = [entry.leaf_hash for entry in reading.read_entries(writer.log)]
    assert len(hashes) == 21
    roots = [merkle.root_of_leaves(hashes[:size]) for size in range(22)]
    for size in (1, 2, 3, 8, 13, 21):
        for index in range(size):
            proof = proofs.inclusion_proof(writer.log, index, size)
            merkle.verify_inclusion(index, size, hashes[index], proof, roots[size])
        for old in range(size + 1):
            proof = proofs.consistency_proof(writer.log, old, size)
            merkle.verify_consistency(old, size, proof, roots[old], roots[size])
    for index, size in ((21, 21), (-1, 3), (0, 22), (0, 0)):
        with pytest.raises(NoSuchEntry):
            proofs.inclusion_proof(writer.log, index, size)
    for old, new in ((3, 2), (1, 22), (-1, 2)):
        with pytest.raises(NoSuchEntry):
            proofs.consistency_proof(writer.log, old, new)


def test_reading_pages(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE", 4)
    writer.grow([3, 3, 3])
    assert [event.index for event in reading.read_events(writer.log)] == list(range(9))
    assert [event.index for event in reading.read_events(writer.log, after=2, limit=5)] == [3, 4, 5, 6, 7]
    assert [event.index for event in reading.read_events(writer.log, after=7, limit=50)] == [8]
    assert [entry.index for entry in reading.read_entries(writer.log, after=6, limit=1)] == [7]
    assert list(reading.read_events(uuid4())) == []
    assert reading.head(uuid4()) is None
    with pytest.raises(NoSuchEntry):
        reading.receipt_of(writer.log, 4)


def test_a_head_that_disagrees_with_itself_takes_no_append(writer: Writer, superuser: Superuser) -> None:
    writer.write(draft())
    statement = "UPDATE ledger_head SET root = %(root)s WHERE log = %(log)s"
    superuser.change(statement, {"root": bytes(32), "log": writer.log})
    with pytest.raises(HeadMoved, match="does not agree with itself"):
        writer.write(draft())


def test_a_members_signature_stands_in_the_leaf_of_its_act_alone(writer: Writer) -> None:
    auth = {"key": "a1b2c3d4", "alg": "ed25519", "intent": "0" * 64, "sig": "c2ln"}
    writer.write(replace(draft(), auth=auth), draft("item/1"))
    writer.write(draft())
    assert [leaf.parse(row.leaf).auth for row in reading.read_entries(writer.log)] == [auth, None, None]
    assert verify_log(writer.log) == []
    with pytest.raises(NotCanonical):
        writer.write(replace(draft(), auth={"Key": "x"}))


def test_a_leaf_larger_than_32_kib_is_refused(writer: Writer) -> None:
    writer.write(draft())
    most = leaf.LARGEST_LEAF - len(reading.read_entries(writer.log)[0].leaf) - len(',"auth":{"sig":""}')
    with pytest.raises(LeafTooLarge, match="at most 32 KiB"):
        writer.write(replace(draft(), auth={"sig": "x" * (most + 1)}))
    writer.write(replace(draft(), auth={"sig": "x" * most}))
    assert len(reading.read_entries(writer.log)[1].leaf) == leaf.LARGEST_LEAF
    assert verify_log(writer.log) == []


def test_a_host_key_is_checked_for_the_sizes_it_signed(
    writer: Writer, tmp_path: Path, settings: Settings
) -> None:
    old, old_file = host_key().public, settings.HOST_KEY_FILE
    writer.write(draft())
    writer.write(draft())
    new_file = tmp_path / "new.key"
    remembered = memory().folder / str(writer.log)
    settings.HOST_KEY_FILE = new_file
    new = host_key().public
    assert new != old
    (tmp_path / "new.key.signed").mkdir()
    (tmp_path / "new.key.signed" / str(writer.log)).write_bytes(remembered.read_bytes())
    writer.write(draft())
    assert verify_log(writer.log, keys={0: old, 3: new}) == []
    assert [one.index for one in verify_log(writer.log, keys={0: old})] == [2]
    assert [one.index for one in verify_log(writer.log)] == [0, 1]
    settings.HOST_KEY_FILE = old_file
