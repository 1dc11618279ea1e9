"""RFC 3161 over checkpoint notes, against an authority that runs here."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import transaction

from ledger.cosignatures import add_cosignatures, checkpoint_note
from ledger.errors import Misuse, NoSuchEntry, TimeStampFailed
from ledger.glance import around
from ledger.timestamps import (
    Authority,
    newest_of_each,
    stamp,
    time_stamps,
    verify_time_stamp,
)
from ledger.verify import verify_log
from tests.ledger.authority import make, serve
from tests.ledger.conftest import Superuser, Witness, Writer


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """An authority's folder and its root certificate."""
    folder = tmp_path_factory.mktemp("tsa")
    return folder, make(folder)


def test_a_cosigned_note_is_stamped_once(writer: Writer, tsa: tuple[Path, str], tmp_path: Path) -> None:
    writer.grow([1, 2, 1])
    witness, size = Witness("contoso.example/w"), 3
    add_cosignatures(
        writer.log, witness.cosign(checkpoint_note(writer.log, size)), [witness.key.vkey], size=size
    )
    with serve(*tsa) as authority:
        stamped = stamp(writer.log, size, authority)
        late = Witness("late.example/w")
        add_cosignatures(writer.log, late.cosign(stamped.note), [late.key.vkey], size=size)
        assert stamp(writer.log, size, authority) == stamped
        newest = stamp(writer.log, None, authority)
    assert (stamped.size, stamped.authority, newest.size) == (3, "Test authority", 4)
    assert abs(stamped.at - datetime.now(UTC)) < timedelta(minutes=2)
    assert witness.name in stamped.note
    assert late.name not in stamped.note
    assert checkpoint_note(writer.log, size).startswith(stamped.note)
    assert verify_time_stamp(stamped.response, stamped.note, tsa[1]) == stamped.at
    assert stamped.chain.count("BEGIN CERTIFICATE") == 3
    assert time_stamps(writer.log) == [stamped, newest]
    assert newest_of_each(writer.log) == [(newest.authority, 4, newest.at)]
    covering = [around(writer.log, index, [], until={}).stamps for index in (0, 3, 4)]
    assert covering == [((stamped.authority, 3, stamped.at),), ((newest.authority, 4, newest.at),), ()]
    assert verify_log(writer.log) == []
    # Anybody can check it without our code.
    for name, content in (
        ("n", stamped.note.encode()),
        ("r", stamped.response),
        ("c", stamped.chain.encode()),
    ):
        (tmp_path / name).write_bytes(content)
    subprocess.run(
        ["openssl", "ts", "-verify", "-data", tmp_path / "n", "-in", tmp_path / "r",
         "-CAfile", tsa[0] / "ca.pem", "-untrusted", tmp_path / "c"],
        check=True, capture_output=True,
    )  # fmt: skip


@pytest.mark.parametrize("spoil", ["error", "page", "garbage", "long", "flip", "other message", "old answer"])
def test_a_bad_answer_is_not_kept(writer: Writer, tsa: tuple[Path, str], spoil: str) -> None:
    writer.grow([1])
    with serve(*tsa, spoil=spoil) as authority, pytest.raises(TimeStampFailed):
        stamp(writer.log, None, authority)
    assert time_stamps(writer.log) == []


def test_another_root_does_not_do(writer: Writer, tsa: tuple[Path, str], tmp_path: Path) -> None:
    writer.grow([1])
    other = make(tmp_path)
    with serve(*tsa) as authority, pytest.raises(TimeStampFailed, match="does not hold"):
        stamp(writer.log, None, Authority(authority.name, authority.url, other))
    with pytest.raises(TimeStampFailed, match="does not hold"):
        verify_time_stamp(b"x", "note", "no certificate")


def test_nobody_there(writer: Writer) -> None:
    writer.grow([1])
    with pytest.raises(TimeStampFailed, match="does not answer"):
        stamp(writer.log, None, Authority("A", "http://127.0.0.1:9/", ""))
    with pytest.raises(TimeStampFailed, match="no web address"):
        stamp(writer.log, None, Authority("A", "file:///etc/hostname", ""))
    with pytest.raises(NoSuchEntry):
        stamp(writer.log, 7, Authority("A", "http://127.0.0.1:9/", ""))
    with transaction.atomic(), pytest.raises(Misuse):
        stamp(writer.log, None, Authority("A", "http://127.0.0.1:9/", ""))


@pytest.mark.parametrize(
    "change",
    [
        "note = replace(note, 'localhost', 'elsewhere')",
        "note = 'x'",
        "response = set_byte(response, length(response) - 20, 7)",
        "chain = ''",
        "stamped_at = stamped_at - interval '1 second'",
        "size = 1",
        "size = 2",
        "size = 7",
    ],
)
def test_a_changed_time_stamp_is_a_finding(
    writer: Writer, superuser: Superuser, tsa: tuple[Path, str], change: str
) -> None:
    writer.grow([1, 2])
    with serve(*tsa) as authority:
        stamp(writer.log, None, authority)
    superuser.change(f"UPDATE ledger_timestamp SET {change} WHERE log = %(log)s", {"log": writer.log})
    (finding, *_) = verify_log(writer.log)
    assert "time stamp" in finding.sentence.lower()
