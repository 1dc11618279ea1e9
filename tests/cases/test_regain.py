"""A case whose database was put back to an older state: how it comes back, what a crash on the way leaves."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from cases import givenback, ingest, reads, regain, tasks
from cases.actors import HOST_LOG
from cases.models import Case, EvidenceItem, Proposal
from cases.perform import perform
from cases.rebuilding import compare
from cases.refusals import Refused
from cases.rules.case import AddParty, LiftLegalHold, PlaceLegalHold, ReviseCase
from cases.rules.erasure import EraseValues
from config.embedded.postgres import ADMIN
from evidence.models import Ingest
from ledger import holding, reading, refeeding
from ledger.commitments import field_digest
from ledger.cosignatures import checkpoint_note
from ledger.errors import VerificationError
from ledger.host import memory
from ledger.verify import verify_log
from tests import cast
from tests.cast import Cast
from tests.cluster import url
from tests.ledger.conftest import Superuser
from tests.ledger.snapshot import Rows, dump, restore


def nothing(done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def superuser(run_root: Path, whole_db: None) -> Iterator[Superuser]:
    """The superuser of the database of this test alone."""
    with psycopg.connect(url(run_root, ADMIN, str(connection.settings_dict["NAME"]))) as opened:
        yield Superuser(opened)


@dataclass
class Lost:
    """A case put back by a day, and what its parties still hold of that day."""

    people: Cast
    case: Case
    item: EvidenceItem
    old: Rows
    leaves: list[bytes]
    note: str
    openings: list[bytes]

    @property
    def since(self) -> int:
        """The size that the backup held."""
        return len(self.old["ledger_entry"])

    def leaves_back(self) -> None:
        """A mirror gives the leaves back."""
        carol = self.people.carol.actor
        regain.show(carol, self.case, self.note)
        lines = b"".join(leaf + b"\n" for leaf in self.leaves[self.since :])
        assert regain.put(carol, self.case, lines, start=self.since) == len(self.leaves)
        told = regain.take_back(carol, self.case, self.note)
        assert (told.size, told.missing) == (len(self.leaves), len(self.leaves) - self.since)

    def write(self) -> None:
        """Somebody goes on working."""
        perform(ReviseCase(case=self.case.pk, severity="low"), actor=self.people.alice.actor)

    def in_doubt(self) -> bool:
        """Whether work is refused."""
        with pytest.raises(Refused) as refused:
            self.write()
        return (refused.value.code, refused.value.status) == ("log-in-doubt", 503)


@pytest.fixture
def lost(superuser: Superuser) -> Lost:
    """A joint case; then an item, a hold; then the day before, without the signer's memory."""
    people = cast.the_cast()
    case = cast.joint_case(people)
    waiting = cast.sealed_item(people, case, content=b'{"early": 1}\n')
    old = dump(superuser, case.pk)
    item = cast.sealed_item(people, case)
    ingest.run(item.pk)
    perform(PlaceLegalHold(case=case.pk, reason="Dispute"), actor=people.carol.actor)
    rows = reading.read_entries(case.pk, limit=1000)
    openings = [
        json.dumps({"i": row.index, "fields": row.opening, "hidden": []}).encode() + b"\n" for row in rows
    ]
    kept = Lost(people, case, waiting, old, [row.leaf for row in rows], checkpoint_note(case.pk), openings)
    restore(superuser, case.pk, old)
    (memory().folder / str(case.pk)).unlink()
    return kept


def test_it_comes_back_whole_whoever_has_the_parts(lost: Lost) -> None:
    lost.leaves_back()
    assert lost.in_doubt()
    assert verify_log(lost.case.pk, mirror=lost.leaves) == []
    alice, carol = lost.people.alice.actor, lost.people.carol.actor
    # Which entries come in which order, and some of them twice, makes no difference.
    newest_first = lost.openings[::-1]
    told = regain.open_again(carol, lost.case, b"".join(newest_first[::2]))
    assert told.missing > 0
    assert lost.in_doubt()
    told = regain.open_again(alice, lost.case, b"".join(newest_first[1:]))
    assert (told.missing, told.first_missing, told.doubt) == (0, None, None)
    assert compare(nothing) == []
    assert reads.case(alice, lost.case.pk).legal_hold
    assert [item.state for item in reads.items(alice, lost.case)] == ["sealed", "indexed"]
    lost.write()
    assert verify_log(lost.case.pk, mirror=lost.leaves) == []
    assert holding.held_logs() == []


def test_killed_before_the_pages_were_made_the_sweep_makes_them(lost: Lost) -> None:
    lost.leaves_back()
    given = regain.openings_of(b"".join(lost.openings))
    refeeding.reopen(lost.case.pk, {index: one.opening for index, one in given.items()})
    assert lost.in_doubt()
    tasks.sweep()
    assert compare(nothing) == []
    lost.write()


def test_killed_before_the_leaves_were_committed_nothing_is_lost(lost: Lost) -> None:
    """The hold is written before the commit: alone it is no more than a look that finds nothing to do."""
    regain.show(lost.people.carol.actor, lost.case, lost.note)
    holding.begin_regaining(lost.case.pk)
    tasks.sweep()
    assert lost.in_doubt()
    lost.leaves_back()
    told = regain.open_again(lost.people.alice.actor, lost.case, b"".join(lost.openings))
    assert told.doubt is None
    lost.write()


def test_the_operator_ends_the_wait(lost: Lost, capsys: pytest.CaptureFixture[str]) -> None:
    lost.leaves_back()
    call_command("accept_log", str(lost.case.pk), "--yes")
    lost.write()
    assert regain.show(lost.people.carol.actor, lost.case, lost.note).doubt is None
    # The day is given up in name only: its entries stand, sealed for everybody here.
    assert reading.leaves(lost.case.pk, 0, len(lost.leaves)) == lost.leaves


def openings_now(case: UUID) -> list[bytes]:
    """The openings as a bundle made now has them."""
    return [
        json.dumps({"i": row.index, "fields": row.opening, "hidden": list(row.erased.values())}).encode()
        + b"\n"
        for row in reading.read_entries(case, limit=1000)
    ]


@pytest.mark.parametrize("bundle", ["before", "after"])
def test_what_was_erased_stays_erased(superuser: Superuser, bundle: str) -> None:
    """Words of an entry in the backup and of one after it were erased; the backup brings the first back, and
    a bundle from before the erasure would bring the second."""
    people = cast.the_cast()
    case, alice = cast.joint_case(people), people.alice.actor
    perform(PlaceLegalHold(case=case.pk, reason="Named a person"), actor=alice)
    perform(LiftLegalHold(case=case.pk, reason="Settled"), actor=alice)
    old, early = dump(superuser, case.pk), reads.ledger_head(alice, case).size - 2
    perform(ReviseCase(case=case.pk, summary="Names another person"), actor=alice)
    openings = openings_now(case.pk)
    for entry, field in ((early, "reason"), (early + 2, "summary")):
        perform(EraseValues(case=case.pk, entry=entry, names=(field,), reason="Not needed"), actor=alice)
    rows, now = reading.read_entries(case.pk, limit=1000), openings_now(case.pk)
    whole = now if bundle == "after" else [*openings, *now[len(openings) :]]
    lost = Lost(
        people, case, EvidenceItem(), old, [row.leaf for row in rows], checkpoint_note(case.pk), whole
    )
    restore(superuser, case.pk, old)
    (memory().folder / str(case.pk)).unlink()
    assert b"Named a person" in b"".join(openings_now(case.pk))
    lost.leaves_back()
    assert regain.open_again(alice, case, b"".join(whole)).doubt is None
    assert openings_now(case.pk) == now
    assert verify_log(case.pk, mirror=lost.leaves) == []
    assert compare(nothing) == []


def test_nobody_hides_what_nobody_erased(lost: Lost) -> None:
    lost.leaves_back()
    index, alice = lost.since, lost.people.alice.actor
    told = json.loads(lost.openings[index])
    salt, value = told["fields"].pop("title")
    digest = field_digest(bytes.fromhex(salt), "title", value).hex()
    told["hidden"] = [digest]
    hiding = json.dumps(told).encode() + b"\n"
    assert regain.open_again(alice, lost.case, hiding).first_missing == index
    said = {"type": "ValuesErased", "entry": index, "names": ["title"], "digests": [digest]}
    for place in (0, index + 1):
        false = {"i": place, "fields": {name: ["00" * 32, one] for name, one in said.items()}, "hidden": []}
        body = hiding + json.dumps(false).encode() + b"\n"
        if place == 0:  # its own opening is here: nobody's word is asked
            assert regain.open_again(alice, lost.case, body).first_missing == index
            continue
        with pytest.raises(VerificationError):
            regain.open_again(alice, lost.case, body)
    assert regain.standing(lost.case.pk).first_missing == index
    assert regain.open_again(alice, lost.case, b"".join(lost.openings)).doubt is None


def test_evidence_waits_out_the_doubt(lost: Lost) -> None:
    lost.leaves_back()
    for _ in range(ingest.ATTEMPTS + 1):
        ingest.run(lost.item.pk)
    assert Ingest.objects.get(pk=lost.item.pk).attempts == 0
    regain.open_again(lost.people.alice.actor, lost.case, b"".join(lost.openings))
    ingest.run(lost.item.pk)
    assert EvidenceItem.objects.get(pk=lost.item.pk).state == "indexed"


def test_evidence_that_came_back_is_worked_on_again(lost: Lost) -> None:
    """Its row in the queue went with the database."""
    Ingest.objects.filter(case=lost.case.pk).exclude(pk=lost.item.pk).delete()
    lost.leaves_back()
    regain.open_again(lost.people.alice.actor, lost.case, b"".join(lost.openings))
    assert Ingest.objects.filter(case=lost.case.pk).count() == 2


def test_pages_that_cannot_be_made_keep_the_case_closed(superuser: Superuser) -> None:
    """The party that is proposed was registered after the backup: the host's own log does not know it."""
    people = cast.the_cast()
    case = cast.joint_case(people)
    host, old = dump(superuser, HOST_LOG), dump(superuser, case.pk)
    others = cast.the_cast()
    perform(AddParty(case=case.pk, party=others.contoso, role="observer"), actor=people.alice.actor)
    rows = reading.read_entries(case.pk, limit=1000)
    newest = Lost(people, case, EvidenceItem(), old, [row.leaf for row in rows], checkpoint_note(case.pk), [])
    told = json.dumps({"i": rows[-1].index, "fields": rows[-1].opening, "hidden": []}).encode() + b"\n"
    for log, rows_of in ((HOST_LOG, host), (case.pk, old)):
        restore(superuser, log, rows_of)
        (memory().folder / str(log)).unlink()
    newest.leaves_back()
    with pytest.raises(Refused) as refused:
        regain.open_again(people.alice.actor, case, told)
    assert (refused.value.code, refused.value.status) == ("pages-behind", 503)
    assert newest.in_doubt()
    assert Proposal.objects.filter(case=case, party=others.contoso).exists()  # the pages are as they were
    tasks.sweep()  # tells it in the log, and goes on with the rest
    assert holding.held_logs() == [case.pk]


def pages(lost: Lost, start: int, end: int) -> bytes:
    return b"".join(leaf + b"\n" for leaf in lost.leaves[start:end])


def waiting(case: UUID) -> list[str]:
    return sorted(path.name for path in (givenback._root() / str(case)).glob("*/*.jsonl"))


def test_leaves_come_in_order_and_may_be_sent_again(lost: Lost) -> None:
    carol, first = lost.people.carol.actor, lost.since
    regain.show(carol, lost.case, lost.note)
    for start, end in ((first, first + 2), (first + 2, first + 4), (first + 2, first + 3), (first + 3, None)):
        stop = len(lost.leaves) if end is None else end
        assert regain.put(carol, lost.case, pages(lost, start, stop), start=start) == stop
    for start in (first + 1, first + 5):
        with pytest.raises(Refused, match="come next"):
            regain.put(carol, lost.case, pages(lost, start, start + 1), start=start)
    # Another party's are its own: neither can spoil the other's.
    assert (
        regain.put(lost.people.alice.actor, lost.case, pages(lost, first, first + 1), start=first)
        == first + 1
    )
    assert regain.take_back(carol, lost.case, lost.note).size == len(lost.leaves)
    assert len(waiting(lost.case.pk)) == 1


def test_what_nobody_finishes_is_thrown_away_after_a_day(lost: Lost) -> None:
    carol = lost.people.carol.actor
    regain.show(carol, lost.case, lost.note)
    regain.put(carol, lost.case, pages(lost, lost.since, lost.since + 1), start=lost.since)
    tasks.sweep()
    assert len(waiting(lost.case.pk)) == 1
    (folder,) = (givenback._root() / str(lost.case.pk)).iterdir()
    day_before = time.time() - givenback.KEPT - 1
    os.utime(folder, (day_before, day_before))
    tasks.sweep()
    assert waiting(lost.case.pk) == []


def test_one_party_cannot_fill_the_disk(lost: Lost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(givenback, "MOST_BYTES", 1000)
    carol = lost.people.carol.actor
    regain.show(carol, lost.case, lost.note)
    at = regain.put(carol, lost.case, pages(lost, lost.since, lost.since + 1), start=lost.since)
    with pytest.raises(Refused) as refused:
        regain.put(carol, lost.case, pages(lost, at, at + 4), start=at)
    assert refused.value.status == 413
    assert len(waiting(lost.case.pk)) == 1
