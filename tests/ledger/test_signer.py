"""The signer's memory: what it stops, and what it must not stop."""

from pathlib import Path
from uuid import uuid4

import pytest
from django.db import transaction

from ledger import reading
from ledger.errors import SignerRefuses
from ledger.host import host_key, memory
from ledger.log import open_for_writing
from ledger.refeeding import go_on_from_here
from ledger.signer import Memory, Signed, Stand
from ledger.verify import verify_log
from tests.ledger.conftest import ALICE, NORTHWIND, Superuser, Writer, draft
from tests.ledger.snapshot import Rows, dump, restore


def stand(writer: Writer) -> Stand:
    head = reading.head(writer.log)
    assert head is not None
    return Stand(head.size, bytes.fromhex(head.root_hex))


def test_what_is_committed_is_remembered(writer: Writer) -> None:
    writer.grow([1, 2])
    assert memory().read(writer.log) == Signed(stand(writer), stand(writer))
    assert (memory().folder / str(writer.log)).stat().st_mode & 0o777 == 0o600
    assert memory().folder.stat().st_mode & 0o777 == 0o700


def test_an_append_rolled_back_was_never_signed(writer: Writer) -> None:
    writer.grow([1])
    for _ in range(2):
        with transaction.atomic():
            writer.write(draft(note="lost"), durable=False)
            transaction.set_rollback(True)
        assert verify_log(writer.log) == []
    signed = memory().read(writer.log)
    assert signed is not None
    assert (signed.released, signed.pending.size) == (stand(writer), 2)
    writer.grow([1])  # another root at the size that was once pending
    assert verify_log(writer.log) == []


def test_a_process_killed_between_commit_and_memory_does_no_harm(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.grow([1])
    monkeypatch.setattr(Memory, "_release", lambda *_: None)
    writer.grow([1, 1, 1])
    signed = memory().read(writer.log)
    assert signed is not None
    assert (signed.released.size, signed.pending) == (1, stand(writer))
    monkeypatch.undo()
    writer.grow([1])
    assert memory().read(writer.log) == Signed(stand(writer), stand(writer))


def test_several_appends_in_a_transaction_that_fails(writer: Writer) -> None:
    for _ in range(2):
        with transaction.atomic():
            for _ in range(3):
                writer.write(draft(), durable=False)
            transaction.set_rollback(True)
    writer.grow([1])
    assert verify_log(writer.log) == []


@pytest.mark.parametrize("keep", [1, 3, 6])
def test_a_database_put_back_is_noticed(writer: Writer, superuser: Superuser, keep: int) -> None:
    writer.grow([1] * keep)
    old = dump(superuser, writer.log)
    writer.grow([1] * (7 - keep))
    restore(superuser, writer.log, old)
    assert [finding.index for finding in verify_log(writer.log)] == [keep]
    with pytest.raises(SignerRefuses, match=f"at 7 entries, but its database holds {keep}"):
        writer.grow([1])
    assert stand(writer).size == keep
    go_on_from_here(writer.log)
    writer.grow([1])
    assert verify_log(writer.log) == []


def test_a_log_rewritten_in_the_database_is_noticed(writer: Writer, superuser: Superuser) -> None:
    writer.grow([1] * 3)
    empty: Rows = {table: [] for table in dump(superuser, writer.log)}
    released = (memory().folder / str(writer.log)).read_bytes()
    restore(superuser, writer.log, empty)
    (memory().folder / str(writer.log)).unlink()
    writer.grow([1] * 3)
    (memory().folder / str(writer.log)).write_bytes(released)
    assert ["the log was rewritten" in finding.sentence for finding in verify_log(writer.log)] == [True]
    with pytest.raises(SignerRefuses, match="another root for 3 entries"):
        writer.grow([1])


def test_a_lagging_memory_is_caught_up_by_a_proof(writer: Writer, superuser: Superuser) -> None:
    writer.grow([1, 1, 1])
    older = (memory().folder / str(writer.log)).read_bytes()
    writer.grow([2, 1])
    (memory().folder / str(writer.log)).write_bytes(older)
    writer.grow([1])
    assert memory().read(writer.log) == Signed(stand(writer), stand(writer))
    memory().adopt(writer.log, Stand(3, bytes(32)))
    with pytest.raises(SignerRefuses, match="does not follow from what the host signed at 3"):
        writer.grow([1])
    memory().adopt(writer.log, Stand(3, bytes(32)))
    assert any("another root for 3" in finding.sentence for finding in verify_log(writer.log))


def test_without_memory_the_stored_note_must_hold(writer: Writer, superuser: Superuser) -> None:
    writer.grow([1, 1])
    file = memory().folder / str(writer.log)
    file.unlink()
    writer.grow([1])
    file.unlink()
    here = "WHERE log = %(log)s AND size = 3"
    superuser.change(
        f"UPDATE ledger_checkpoint SET note = replace(note, E'\\n3\\n', E'\\n4\\n') {here}",
        {"log": writer.log},
    )
    with pytest.raises(SignerRefuses, match="signature on the checkpoint is wrong"):
        writer.grow([1])
    superuser.change("DELETE FROM ledger_checkpoint WHERE log = %(log)s AND size = 3", {"log": writer.log})
    with pytest.raises(SignerRefuses, match="No signed checkpoint"):
        writer.grow([1])


@pytest.mark.parametrize("damage", [b"short", bytes(88), b"x" * 100])
def test_a_damaged_memory_stops_the_signer_and_says_so(writer: Writer, damage: bytes) -> None:
    writer.grow([1])
    (memory().folder / str(writer.log)).write_bytes(damage)
    with pytest.raises(SignerRefuses, match="its content is damaged"):
        writer.grow([1])
    assert any("damaged" in finding.sentence for finding in verify_log(writer.log))


def test_a_memory_that_cannot_be_used_is_a_refusal(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("in the way")
    with pytest.raises(SignerRefuses, match="Not a directory"):
        Memory(tmp_path / "folder").adopt(uuid4(), Stand(1, bytes(32)))
    with pytest.raises(SignerRefuses, match="Not a directory"):
        Memory(tmp_path / "folder").read(uuid4())


def test_memory_only_goes_forward(tmp_path: Path) -> None:
    """Writers come to release after their lock is gone: in any order, with proposals in between."""
    kept, log = Memory(tmp_path / "signed"), uuid4()
    one, two, three = (Stand(size, bytes([size]) * 32) for size in (1, 2, 3))
    seen: list[Signed | None] = []
    first = kept.propose(log, Stand(0, bytes(32)), one, check=seen.append)
    second = kept.propose(log, one, two, check=seen.append)
    second()
    first()
    assert kept.read(log) == Signed(two, two)
    third = kept.propose(log, two, three, check=seen.append)
    second()
    assert kept.read(log) == Signed(two, three)
    third()
    assert kept.read(log) == Signed(three, three)
    assert seen == [None, Signed(Stand(0, bytes(32)), one), Signed(two, two)]
    (kept.folder / str(log)).unlink()
    third()
    assert kept.read(log) == Signed(three, three)
    assert kept.read(uuid4()) is None
    assert len(list(kept.folder.iterdir())) == 1


def test_a_refusal_leaves_the_log_as_it_was(writer: Writer) -> None:
    writer.grow([1])
    before = reading.head(writer.log)
    memory().adopt(writer.log, Stand(9, bytes(32)))
    command = uuid4()
    with transaction.atomic():
        opened = open_for_writing(
            writer.log, kind="case", command_id=command, command_digest="d", streams=["case"]
        )
        with pytest.raises(SignerRefuses):
            opened.log.append([draft()], party=NORTHWIND, actor=ALICE, command_id=command, command_digest="d")
    assert reading.head(writer.log) == before
    assert host_key().public.hex() == opened.log.host_key
