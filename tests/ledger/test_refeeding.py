"""After a rollback: what a mirror can give back, and what it cannot smuggle in."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from ledger import leaf, merkle, reading, signing
from ledger.entries import Opening
from ledger.errors import (
    CommandIdReused,
    LedgerError,
    MalformedNote,
    NoSuchEntry,
    SignerRefuses,
    VerificationError,
)
from ledger.holding import doubt_of, end_regaining, recall
from ledger.host import host_key, memory
from ledger.models import Checkpoint
from ledger.refeeding import Refed, go_on_from_here, lost_openings, refeed, regained_from, reopen
from ledger.verify import verify_log
from tests.ledger.conftest import Superuser, Writer, draft
from tests.ledger.snapshot import dump, restore

COMMAND = UUID(int=77)


class Mirror:
    """What a party holds of a log: leaves, the newest note, and here all openings."""

    def __init__(self, log: UUID) -> None:
        rows = reading.read_entries(log, limit=1000)
        self.leaves = [row.leaf for row in rows]
        self.openings: dict[int, Opening] = {row.index: row.opening for row in rows if row.opening}
        self.notes = list(Checkpoint.objects.filter(log=log).order_by("size").values_list("note", flat=True))


@pytest.fixture
def put_back(writer: Writer, superuser: Superuser) -> tuple[Writer, Mirror]:
    """A log of twelve entries, put back to five of them."""
    writer.grow([1, 3, 1])
    old = dump(superuser, writer.log)
    writer.grow([1, 2, 1])
    writer.write(draft("case"), draft("item/0", n=1), command=COMMAND)
    writer.grow([1])
    mirror = Mirror(writer.log)
    restore(superuser, writer.log, old)
    assert [finding.index for finding in verify_log(writer.log, mirror=mirror.leaves)] == [5, 5]
    return writer, mirror


def stored(log: UUID) -> tuple[list[Any], list[Any]]:
    entries = [(row.index, row.leaf, row.opening) for row in reading.read_entries(log, limit=1000)]
    notes = Checkpoint.objects.filter(log=log).order_by("size")
    return entries, list(notes.values_list("size", "first", "note", "command", "recorded_at"))


def test_with_openings_all_of_it_comes_back(writer: Writer, superuser: Superuser) -> None:
    writer.grow([1, 3, 1])
    old = dump(superuser, writer.log)
    writer.grow([1, 2, 1])
    writer.write(draft("case"), draft("item/0", n=1), command=COMMAND)
    before, mirror = stored(writer.log), Mirror(writer.log)
    restore(superuser, writer.log, old)
    found = refeed(writer.log, mirror.leaves, mirror.notes[-1], openings=mirror.openings)
    assert (found.first, found.size, found.lost) == (5, 11, ())
    assert found.events == tuple(reading.read_events(writer.log, after=4))
    assert stored(writer.log) == before  # the very notes, made again
    assert verify_log(writer.log, mirror=mirror.leaves) == []
    writer.grow([2])
    assert verify_log(writer.log, mirror=mirror.leaves) == []
    with pytest.raises(CommandIdReused):
        writer.write(draft("case"), command=COMMAND)


def test_without_openings_the_entries_stand_sealed(put_back: tuple[Writer, Mirror]) -> None:
    writer, mirror = put_back
    found = refeed(writer.log, mirror.leaves[5:], mirror.notes[-1], start=5)
    assert found == Refed(5, 12, (), tuple(range(5, 12)))
    assert [row.leaf for row in reading.read_entries(writer.log)] == mirror.leaves
    assert [row.opening is None for row in reading.read_entries(writer.log)] == [False] * 5 + [True] * 7
    assert lost_openings(writer.log) == list(range(5, 12))
    assert len(list(reading.read_events(writer.log))) == 5
    assert verify_log(writer.log, mirror=mirror.leaves) == []
    assert reading.head(writer.log).checkpoint_text == mirror.notes[-1]  # type: ignore[union-attr]
    events = reopen(writer.log, {index: mirror.openings[index] for index in (6, 5)})
    assert [event.index for event in events] == [5, 6]
    assert reopen(writer.log, {5: mirror.openings[5]}) == ()
    assert verify_log(writer.log) == []
    reopen(writer.log, mirror.openings)
    assert lost_openings(writer.log) == []
    assert verify_log(writer.log) == []
    with pytest.raises(SignerRefuses):
        writer.grow([1])
    end_regaining(writer.log)
    assert doubt_of(writer.log) is None
    writer.grow([2])
    assert verify_log(writer.log) == []


def test_some_openings_and_a_mirror_that_ends_early(put_back: tuple[Writer, Mirror]) -> None:
    writer, mirror = put_back
    some = {index: mirror.openings[index] for index in (6, 7, 11)}
    found = refeed(writer.log, mirror.leaves, mirror.notes[4], openings=some)  # 8 of 12
    assert (found.size, found.lost, [event.index for event in found.events]) == (8, (5,), [6, 7])
    assert [finding.index for finding in verify_log(writer.log)] == [8]
    with pytest.raises(SignerRefuses, match="at 12 entries, but its database holds 8"):
        writer.grow([1])
    assert refeed(writer.log, mirror.leaves, mirror.notes[-1], openings=some).lost == (8, 9, 10)
    assert verify_log(writer.log) == []
    with pytest.raises(SignerRefuses, match="do not say yet what they mean"):
        writer.grow([1])
    reopen(writer.log, {index: mirror.openings[index] for index in (5, 8, 9, 10)})
    end_regaining(writer.log)
    writer.grow([1])
    assert verify_log(writer.log) == []


def test_a_version_taken_meanwhile_stays_out(put_back: tuple[Writer, Mirror]) -> None:
    writer, mirror = put_back
    refeed(writer.log, mirror.leaves, mirror.notes[-1])
    go_on_from_here(writer.log)
    writer.grow([3])  # on streams whose newest versions the host has lost
    assert len(reopen(writer.log, mirror.openings)) < 7
    assert lost_openings(writer.log)
    assert (
        verify_log(writer.log, mirror=mirror.leaves) != []
    )  # versions no longer rise: it is told, not hidden


def test_nothing_is_missing(writer: Writer) -> None:
    writer.grow([1, 2])
    mirror = Mirror(writer.log)
    assert refeed(writer.log, mirror.leaves, mirror.notes[-1]) == Refed(3, 3, (), ())
    with pytest.raises(VerificationError, match="the checkpoint given is of 1"):
        refeed(writer.log, mirror.leaves, mirror.notes[0])


def test_a_log_that_is_gone_altogether(writer: Writer, superuser: Superuser) -> None:
    empty: Any = {table: [] for table in dump(superuser, writer.log)}
    writer.grow([1, 2])
    mirror = Mirror(writer.log)
    restore(superuser, writer.log, empty)
    refeed(writer.log, mirror.leaves, mirror.notes[-1], openings=mirror.openings)
    assert verify_log(writer.log, mirror=mirror.leaves) == []


def test_what_a_mirror_cannot_bring_in(put_back: tuple[Writer, Mirror]) -> None:
    writer, mirror = put_back
    leaves, note = mirror.leaves, mirror.notes[-1]
    before = stored(writer.log)
    sealed = leaf.parse(leaves[7])
    forged = leaf.build(leaf.Leaf(sealed.log, 7, sealed.recorded_at, uuid4(), sealed.commit))
    other = host_key().sign("another", signing.checkpoint_text("another", 12, bytes(32)))
    unsigned = note.replace("\n12\n", "\n11\n")
    attempts: list[tuple[list[bytes], str, dict[int, Opening], type[LedgerError]]] = [
        ([*leaves[:7], forged, *leaves[8:]], note, {}, VerificationError),
        (leaves[:7] + leaves[8:], note, {}, VerificationError),
        ([*leaves[:7], leaves[8], leaves[7], *leaves[9:]], note, {}, VerificationError),
        (leaves[:11], note, {}, VerificationError),
        ([*leaves[:3], forged, *leaves[4:]], note, {}, VerificationError),
        ([*leaves[:11], b"{}"], note, {}, VerificationError),
        (leaves, unsigned, {}, VerificationError),
        (leaves, other, {}, VerificationError),
        (leaves, note, {7: mirror.openings[8]}, VerificationError),
        (leaves, note, {7: {"n": ("zz", 1)}}, VerificationError),
        (leaves, note, {7: dict(list(mirror.openings[7].items())[1:])}, VerificationError),
    ]
    for given, signed, openings, refusal in attempts:
        with pytest.raises(refusal):
            refeed(writer.log, given, signed, openings=openings)
    with pytest.raises(VerificationError, match="not signed by the expected key"):
        refeed(writer.log, leaves, note, public=bytes(32))
    with pytest.raises(NoSuchEntry):
        reopen(writer.log, {5: mirror.openings[5]})
    assert stored(writer.log) == before


def test_a_second_history_signed_by_the_host_is_refused(put_back: tuple[Writer, Mirror]) -> None:
    """The key alone is not enough: the signer remembers which root it released."""
    writer, mirror = put_back
    sealed = leaf.parse(mirror.leaves[11])
    forged = leaf.build(leaf.Leaf(sealed.log, 11, sealed.recorded_at, uuid4(), sealed.commit))
    root = merkle.root_of_leaves(map(merkle.leaf_hash, [*mirror.leaves[:11], forged]))
    note = host_key().sign(sealed.log, signing.checkpoint_text(sealed.log, 12, root))
    with pytest.raises(SignerRefuses, match="another history of this log"):
        refeed(writer.log, [*mirror.leaves[:11], forged], note)
    (memory().folder / str(writer.log)).unlink()
    assert refeed(writer.log, [*mirror.leaves[:11], forged], note).size == 12


@pytest.fixture
def forgotten(put_back: tuple[Writer, Mirror]) -> tuple[Writer, Mirror]:
    """The same, and the signer's memory went with the database: the host by itself notices nothing."""
    writer, mirror = put_back
    (memory().folder / str(writer.log)).unlink()
    assert doubt_of(writer.log) is None
    return writer, mirror


def test_a_checkpoint_that_a_witness_kept_stops_the_log(forgotten: tuple[Writer, Mirror]) -> None:
    writer, mirror = forgotten
    for known in mirror.notes[:3]:
        assert not recall(writer.log, known)
    assert recall(writer.log, mirror.notes[5])
    assert recall(writer.log, mirror.notes[-1])
    assert recall(writer.log, mirror.notes[-1])
    with pytest.raises(SignerRefuses, match="at 9 entries, but its database holds 5"):
        writer.grow([1])
    assert "put back to an older state" in (doubt_of(writer.log) or "")
    assert [finding.index for finding in verify_log(writer.log)] == [5]
    refeed(writer.log, mirror.leaves, mirror.notes[-1])
    assert "do not say yet what they mean" in (doubt_of(writer.log) or "")
    assert regained_from(writer.log) == 5
    reopen(writer.log, mirror.openings)
    end_regaining(writer.log)
    assert doubt_of(writer.log) is None
    writer.grow([1])
    assert verify_log(writer.log, mirror=mirror.leaves) == []
    assert not recall(writer.log, mirror.notes[-1])


def test_it_stops_a_log_that_has_gone_on_as_if_nothing_were(forgotten: tuple[Writer, Mirror]) -> None:
    """The database was put back, and others have written since: the checkpoint proves a second history."""
    writer, mirror = forgotten
    writer.grow([4, 4])
    assert recall(writer.log, mirror.notes[-1])
    with pytest.raises(SignerRefuses, match="another root for 12 entries"):
        writer.grow([1])
    with pytest.raises(VerificationError, match="Entry 5 of the mirror is not entry 5"):
        refeed(writer.log, mirror.leaves, mirror.notes[-1])


def test_what_was_given_up_stops_nothing_any_more(forgotten: tuple[Writer, Mirror]) -> None:
    writer, mirror = forgotten
    assert recall(writer.log, mirror.notes[-1])
    go_on_from_here(writer.log)
    writer.grow([1])
    assert not recall(writer.log, mirror.notes[-1])
    writer.grow([9])
    assert not recall(writer.log, mirror.notes[-1])
    assert recall(writer.log, mirror.notes[-2])  # nobody had shown that one: it is news
    with pytest.raises(SignerRefuses):
        writer.grow([1])
    go_on_from_here(writer.log)
    writer.grow([1])
    assert verify_log(writer.log) == []


def test_what_the_signer_remembered_itself_is_given_up_too(put_back: tuple[Writer, Mirror]) -> None:
    writer, mirror = put_back
    go_on_from_here(writer.log)
    writer.grow([1])
    assert not recall(writer.log, mirror.notes[-1])
    writer.grow([1])


def test_only_the_hosts_own_signature_stops_a_log(put_back: tuple[Writer, Mirror]) -> None:
    writer, mirror = put_back
    other = host_key().sign("another", signing.checkpoint_text("another", 12, bytes(32)))
    for note, refusal in (
        (mirror.notes[-1].replace("\n12\n", "\n13\n"), VerificationError),
        (other, VerificationError),
        ("", MalformedNote),
    ):
        with pytest.raises(refusal):
            recall(writer.log, note)
    with pytest.raises(NoSuchEntry):
        recall(uuid4(), mirror.notes[-1])


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}", '{"seen": [[1, "00"]], "regaining": false}'])
def test_a_damaged_hold_stops_the_log_until_the_operator_says_so(
    put_back: tuple[Writer, Mirror], damage: str
) -> None:
    writer, _ = put_back
    go_on_from_here(writer.log)
    held = memory().folder / f"{writer.log}.held"
    held.write_text(damage)
    with pytest.raises(SignerRefuses, match="is damaged"):
        writer.grow([1])
    assert "is damaged" in (doubt_of(writer.log) or "")
    go_on_from_here(writer.log)
    assert not held.exists()
    writer.grow([1])


def test_a_hold_lets_no_second_history_in(forgotten: tuple[Writer, Mirror]) -> None:
    writer, mirror = forgotten
    assert recall(writer.log, mirror.notes[-1])
    sealed = leaf.parse(mirror.leaves[11])
    forged = leaf.build(leaf.Leaf(sealed.log, 11, sealed.recorded_at, uuid4(), sealed.commit))
    root = merkle.root_of_leaves(map(merkle.leaf_hash, [*mirror.leaves[:11], forged]))
    note = host_key().sign(sealed.log, signing.checkpoint_text(sealed.log, 12, root))
    with pytest.raises(SignerRefuses, match="another history of this log"):
        refeed(writer.log, [*mirror.leaves[:11], forged], note)
