"""Cosignatures: what is taken in and what is not, how notes show them, and how far each witness has come."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from ledger import cosigning, merkle, proofs, reading, signing
from ledger.cosignatures import add_cosignatures, checkpoint_note, cosignatures
from ledger.cosigning import parse_vkey
from ledger.errors import (
    FromTheFuture,
    LedgerError,
    MalformedNote,
    NoSuchEntry,
    UnknownKey,
    VerificationError,
)
from ledger.glance import Vouched, around, where_it_stands
from ledger.host import host_key
from ledger.models import Cosignature
from ledger.verify import verify_log
from tests.ledger.conftest import Superuser, Witness, Writer

NOON = 1_770_552_000
KEYS = [Witness(f"contoso.example/w{n}") for n in range(3)]
VKEYS = [one.key.vkey for one in KEYS]


def instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_the_specifications_own_example_is_read() -> None:
    """The vector of C2SP tlog-cosignature: its time is 1679315147."""
    lines = (
        "— witness.example.com/w1 "
        "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
    )
    ((name, key_id, raw),) = signing.parse_signatures(lines)
    assert (name, key_id.hex(), len(raw)) == ("witness.example.com/w1", "8d66cf3f", cosigning.SIGNATURE_SIZE)
    assert int.from_bytes(raw[:8]) == 1679315147
    message = cosigning.cosigned_message("example.com/behind-the-sofa\n20852163\nroot\n", 1679315147)
    assert message == b"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\nroot\n"


@pytest.mark.parametrize("given", ["note", "lines"], ids=["as a whole note", "as signature lines"])
def test_a_cosignature_is_kept_once_and_shown_with_the_note(writer: Writer, given: str) -> None:
    writer.grow([1, 2])
    note, (one, other, _) = checkpoint_note(writer.log), KEYS
    lines = one.cosign(note, NOON) + other.cosign(note, NOON + 1) + Witness("stranger").cosign(note)
    offered = note + lines if given == "note" else lines
    held = add_cosignatures(writer.log, offered, VKEYS, size=3)
    assert {(h.vkey, h.size, h.at) for h in held} == {
        (VKEYS[0], 3, instant(NOON)),
        (VKEYS[1], 3, instant(NOON + 1)),
    }
    assert add_cosignatures(writer.log, offered, VKEYS, size=3) == held
    again = one.cosign(note, NOON + 60)
    assert add_cosignatures(writer.log, again, VKEYS, size=3) == held[:1]  # the first one stays
    whole = checkpoint_note(writer.log)
    assert whole.startswith(note)
    parsed = signing.parse_checkpoint(whole)
    assert len(parsed.signatures) == 3
    found = cosigning.verified(parsed.text, parsed.signatures, [key.key for key in KEYS])
    assert {one.key.vkey for one in found} == set(VKEYS[:2])
    signing.verify_checkpoint(whole, name=parsed.origin, public=host_key().public)
    assert verify_log(writer.log) == []


def test_what_is_refused_leaves_nothing(writer: Writer) -> None:
    writer.grow([1, 3])
    note, one = checkpoint_note(writer.log), KEYS[0]
    text = signing.parse_checkpoint(note).text
    forked = host_key().sign(
        text.split("\n")[0], text.replace(text.split("\n")[2], base64.b64encode(bytes(32)).decode())
    )
    good = one.cosign(note, NOON)
    wrong = f"{good[:-5]}{'A' if good[-5] != 'A' else 'B'}{good[-4:]}"
    now = instant(NOON)
    refusals: list[tuple[str, int | None, type[LedgerError]]] = [
        (forked + one.cosign(forked, NOON), None, VerificationError),
        (wrong, 4, VerificationError),
        (Witness(one.name).cosign(note, NOON), 4, UnknownKey),
        (note, None, UnknownKey),
        (one.cosign(note, NOON + 301), 4, FromTheFuture),
        (one.cosign(note, 0), 4, VerificationError),
        (one.cosign(note, 2**63), 4, VerificationError),
        (good, 1, VerificationError),
        (good, 2, NoSuchEntry),
        (good, None, MalformedNote),
        (note + good, 1, VerificationError),
        (good.rstrip("\n"), 4, MalformedNote),
        (f"— {one.name} {base64.b64encode(one.key.id + bytes(64)).decode()}\n", 4, VerificationError),
        ("", 4, MalformedNote),
        (good * 1000, 4, MalformedNote),
    ]
    for given, size, refusal in refusals:
        with pytest.raises(refusal):
            add_cosignatures(writer.log, given, VKEYS, size=size, at=now)
    assert cosignatures(writer.log, 4) == []
    assert add_cosignatures(writer.log, one.cosign(note, NOON + 300), VKEYS, size=4, at=now)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name",
        "name+00000000+AAAA",
        KEYS[0].key.vkey[:-4] + "AAA=",
        signing.vkey("name", bytes(32)),
        " " + VKEYS[0],
    ],
    ids=[
        "nothing",
        "a name alone",
        "no key",
        "another key's bytes",
        "not a witness key",
        "a blank before it",
    ],
)
def test_a_witness_key_is_read_strictly(vkey: str) -> None:
    assert parse_vkey(VKEYS[0]) == KEYS[0].key
    with pytest.raises(MalformedNote):
        parse_vkey(vkey)


def test_how_far_each_witness_has_come(writer: Writer) -> None:
    assert where_it_stands(writer.log, VKEYS, until={}) == (None, {})
    writer.grow([1] * 6)
    assert where_it_stands(writer.log, VKEYS, until={}) == (reading.head(writer.log), {})
    notes = {size: checkpoint_note(writer.log, size) for size in range(1, 7)}
    for key, size, at in ((0, 1, 10), (0, 5, 50), (1, 3, 30), (1, 4, 41), (2, 2, 20)):
        add_cosignatures(writer.log, KEYS[key].cosign(notes[size], NOON + at), VKEYS, size=size)
    head, newest = where_it_stands(writer.log, VKEYS, until={})
    assert head == reading.head(writer.log)
    stands = zip(VKEYS, ((5, 50), (4, 41), (2, 20)), strict=True)
    assert newest == {key: Vouched(size, instant(NOON + at)) for key, (size, at) in stands}
    assert where_it_stands(writer.log, [], until={}) == (head, {})
    found = around(writer.log, 3, VKEYS, until={})
    assert {key: one.size for key, one in found.above.items()} == {VKEYS[0]: 5, VKEYS[1]: 4}
    assert {key: one.size for key, one in found.below.items()} == dict(zip(VKEYS, (1, 3, 2), strict=True))
    assert found.stamps == ()


def test_a_key_that_has_ended_counts_as_far_as_it_is_dated_before(writer: Writer) -> None:
    writer.grow([1] * 4)
    for size, at in ((1, 10), (2, 20), (4, 40)):
        line = KEYS[0].cosign(checkpoint_note(writer.log, size), NOON + at)
        add_cosignatures(writer.log, line, VKEYS, size=size)
    for end, size in ((40, 4), (39, 2), (20, 2), (19, 1)):
        _, newest = where_it_stands(writer.log, VKEYS, until={VKEYS[0]: instant(NOON + end)})
        assert newest[VKEYS[0]].size == size
    ended = {VKEYS[0]: instant(NOON + 15)}
    assert around(writer.log, 1, VKEYS, until=ended).above == {}
    assert around(writer.log, 3, VKEYS, until=ended).below == {VKEYS[0]: Vouched(1, instant(NOON + 10))}
    assert where_it_stands(writer.log, VKEYS, until={VKEYS[0]: instant(NOON)})[1] == {}


@pytest.mark.parametrize(
    "change",
    [
        "key_name = key_name || 'x'",
        "key_id = '\\x00000000'",
        "public = sha256('x')",
        "timestamp = timestamp + 1",
        "signature = set_byte(signature, 5, get_byte(signature, 5) # 1)",
        "size = 2",
        "size = 1",
        "size = 9",
        "log = '00000000-0000-4000-8000-000000000000'",
    ],
)
def test_a_changed_cosignature_is_a_finding(writer: Writer, superuser: Superuser, change: str) -> None:
    writer.grow([1, 2])
    add_cosignatures(writer.log, KEYS[0].cosign(checkpoint_note(writer.log), NOON), VKEYS, size=3)
    superuser.change(f"UPDATE ledger_cosignature SET {change} WHERE log = %(log)s", {"log": writer.log})
    if change.startswith("log"):  # moved away: this log alone cannot tell, and its party can
        superuser.change(
            "DELETE FROM ledger_cosignature WHERE log = '00000000-0000-4000-8000-000000000000'", {}
        )
        return
    findings = verify_log(writer.log)
    assert findings and "cosignature" in findings[0].sentence


def test_a_receipt_as_a_tlog_proof(writer: Writer) -> None:
    writer.grow([1, 2, 4])
    note = checkpoint_note(writer.log, 3)
    add_cosignatures(writer.log, KEYS[0].cosign(note, NOON), VKEYS, size=3)
    text = proofs.receipt_proof(writer.log, 1, 3)
    head, gap, checkpoint = text.partition("\n\n")
    magic, place, *hashes = head.split("\n")
    assert (magic, place, gap) == ("c2sp.org/tlog-proof@v1", "index 1", "\n\n")
    assert checkpoint == checkpoint_note(writer.log, 3)
    signed = signing.parse_checkpoint(checkpoint)
    entry = reading.read_entries(writer.log)[1]
    merkle.verify_inclusion(
        1, 3, merkle.leaf_hash(entry.leaf), [base64.b64decode(one) for one in hashes], signed.root
    )
    assert proofs.receipt_proof(writer.log, 0).split("\n\n")[1].split("\n")[1] == "7"
    alone = Writer()
    alone.grow([1])
    assert proofs.receipt_proof(alone.log, 0).startswith("c2sp.org/tlog-proof@v1\nindex 0\n\ncountersign/")
    for index, size in ((3, 3), (0, 2), (-1, 3)):
        with pytest.raises(NoSuchEntry):
            proofs.receipt_proof(writer.log, index, size)


def test_leaves_come_by_tiles(writer: Writer) -> None:
    writer.grow([100] * 6)
    entries = [row.leaf for row in reading.read_entries(writer.log, limit=1000)]
    assert reading.leaves(writer.log, 0, 600) == entries[:256]
    assert reading.leaves(writer.log, 256, 600) == entries[256:512]
    assert reading.leaves(writer.log, 300, 600) == entries[300:512]
    assert reading.leaves(writer.log, 512, 600) == entries[512:]
    assert reading.leaves(writer.log, 599, 600) == entries[599:]
    assert reading.leaves(writer.log, 600, 600) == []
    for start, end in ((512, 601), (-1, 3), (5, 3), (700, 701)):
        with pytest.raises(NoSuchEntry):
            reading.leaves(writer.log, start, end)


def test_received_times_are_ours(writer: Writer) -> None:
    writer.grow([1])
    add_cosignatures(writer.log, KEYS[0].cosign(checkpoint_note(writer.log), NOON), VKEYS, size=1)
    row = Cosignature.objects.get(log=writer.log)
    assert abs(row.received_at - datetime.now(UTC)) < timedelta(minutes=1)
