"""Which notes of the past are worth keeping: all of them, and of very many the ones that bound the most."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from ledger import signing, vouched
from ledger.cosignatures import add_cosignatures, checkpoint_note
from ledger.models import TimeStamp
from tests.ledger.conftest import Witness, Writer

A, B = Witness("a.example/w"), Witness("b.example/w")


@pytest.fixture
def log(writer: Writer) -> Writer:
    """Forty appends of one entry: A saw every one from 3 on, B those from 5 to 20 that five divides."""
    writer.grow([1] * 40)
    for size in range(3, 41):
        seen = [A, B] if size % 5 == 0 and size <= 20 else [A]
        note = checkpoint_note(writer.log, size)
        lines = "".join(one.cosign(note, 1_770_547_450 + size) for one in seen)
        add_cosignatures(writer.log, lines, [A.key.vkey, B.key.vkey], size=size)
    return writer


def test_few_are_kept_whole(log: Writer) -> None:
    assert vouched.cosigned_sizes(log.log, up_to=40, most=1_000) == list(range(3, 41))
    assert vouched.cosigned_sizes(log.log, up_to=11, most=1_000) == list(range(3, 12))
    assert vouched.cosigned_sizes(log.log, up_to=2, most=1_000) == []


@pytest.mark.parametrize("most", [1, 3, 10])
def test_of_many_the_ends_of_each_set_of_witnesses_stay(log: Writer, most: int) -> None:
    """So the largest size that both countersigned together is there, and the newest that A did."""
    kept = vouched.cosigned_sizes(log.log, up_to=40, most=most)
    assert {3, 40, 5, 20} <= {*kept}
    assert len(kept) <= most + 4
    assert kept == sorted(kept)
    assert max(b - a for a, b in pairwise(kept)) <= 38 // most + 1


def test_time_stamps_are_thinned_alike(log: Writer) -> None:
    at = datetime(2026, 2, 8, tzinfo=UTC)
    TimeStamp.objects.bulk_create(
        TimeStamp(log=log.log, size=size, authority=authority, note="", response=b"", chain="", stamped_at=at,
                  received_at=at)
        for size in range(1, 31)
        for authority in ("One", "Two")
    )  # fmt: skip
    assert vouched.stamped_sizes(log.log, up_to=40, most=1_000) == list(range(1, 31))
    kept = vouched.stamped_sizes(log.log, up_to=40, most=4)
    assert (kept[0], kept[-1]) == (1, 30)
    assert len(kept) <= 5
    assert vouched.stamped_sizes(log.log, up_to=0, most=4) == []


def test_notes_are_those_that_the_host_shows_one_by_one(log: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vouched, "TOGETHER", 3)
    sizes = [1, 5, 7, 20, 21, 22, 40]
    found = dict(vouched.notes(log.log, sizes))
    assert list(found) == sizes
    for size, note in found.items():
        assert note == checkpoint_note(log.log, size)
        assert signing.parse_checkpoint(note).size == size
    assert dict(vouched.notes(log.log, [])) == {}
