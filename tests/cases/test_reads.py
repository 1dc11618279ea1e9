"""Who sees what: lists, counts, custody and the ledger."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases import policy, reads
from cases.models import Case, EvidenceItem
from cases.perform import perform
from cases.refusals import Unseen
from cases.rules.examining import Examination, ExamineEvidence
from tests import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> cast.Cast:
    return cast.the_cast()


@pytest.fixture
def case(people: cast.Cast) -> Case:
    return cast.joint_case(people)


@pytest.fixture
def item(people: cast.Cast, case: Case) -> EvidenceItem:
    return cast.sealed_item(people, case)


def test_a_case_is_there_for_its_parties_alone(people: cast.Cast, case: Case) -> None:
    for person, part in ((people.alice, "lead"), (people.dan, "partner"), (people.rhea, "observer")):
        seen = reads.case(person.actor, str(case.pk))
        assert seen == case
        assert seen.my_part == part
        assert reads.case(person.actor, case.reference) == case
        assert case in reads.my_cases(person.actor)
    assert not reads.my_cases(people.mallory.actor).exists()
    for wanted in (case.pk, case.reference, uuid4(), "CS-1999-0000", "nonsense", "0"):
        with pytest.raises(Unseen):
            reads.case(people.mallory.actor, wanted)
    assert not reads.parties_of(people.mallory.actor, case).exists()


def test_cases_are_found_by_text_and_status(people: cast.Cast, case: Case) -> None:
    alice = people.alice.actor
    assert list(reads.my_cases(alice, text="bulk EXTRACTION", status="open")) == [case]
    assert list(reads.my_cases(alice, text=case.reference.lower())) == [case]
    assert not reads.my_cases(alice, text="100%").exists()
    assert not reads.my_cases(alice, status="closed").exists()


def test_an_item_is_its_owners_until_it_is_disclosed(
    people: cast.Cast, case: Case, item: EvidenceItem
) -> None:
    carol, rhea = people.carol.actor, people.rhea.actor
    theirs = cast.sealed_item(people, case, by=people.dan, title="Contoso's own")
    assert list(reads.items(people.bob.actor, case)) == [item]
    assert list(reads.items(carol, case)) == [theirs]
    for wanted in (item.pk, "E-1", "1", uuid4(), "E-99"):
        with pytest.raises(Unseen):
            reads.item(carol, case, wanted)
    assert reads.overview(carol, case).items == 1
    assert not reads.items(rhea, case).exists()
    assert reads.overview(rhea, case).bytes == 0
    assert not reads.custody(carol, item).exists()

    cast.disclose(case, item, people.contoso, by=people.alice)
    assert reads.item(carol, case, "e-1") == item
    assert list(reads.items(carol, case)) == [item, theirs]
    assert reads.overview(carol, case).items == 2
    assert not reads.items(rhea, case).exists()
    assert not reads.items(people.mallory.actor, case).exists()
    assert [party.pk for party in reads.shared_with(people.alice.actor, item)] == [people.contoso]


def test_readable_items_are_searchable_ones_in_scope(
    people: cast.Cast, case: Case, item: EvidenceItem
) -> None:
    alice, carol = people.alice.actor, people.carol.actor
    assert reads.readable_items(alice, case) == []  # sealed, not yet searchable
    EvidenceItem.objects.filter(pk=item.pk).update(state="searchable")
    assert reads.readable_items(alice, case, [item.pk]) == [item]
    assert reads.readable_items(carol, case) == []
    with pytest.raises(Unseen):
        reads.readable_items(carol, case, [item.pk])
    with pytest.raises(Unseen):
        reads.readable_item(carol, item, "preview")


def test_examinations_are_shown_to_owner_and_reader_alone(
    people: cast.Cast, case: Case, item: EvidenceItem
) -> None:
    cast.disclose(case, item, people.contoso, by=people.alice)
    cast.disclose(case, item, people.regulator, by=people.alice)
    seen = (Examination(item=item.pk, how="download"),)
    perform(ExamineEvidence(case=case.pk, examinations=seen), actor=people.carol.actor)
    for person, sees in ((people.alice, True), (people.dan, True), (people.rhea, False)):
        kinds = {step.kind for step in reads.custody(person.actor, item)}
        assert ("examined" in kinds) is sees
        assert {"acquired", "sealed"} <= kinds
        row = reads.ledger_page(person.actor, case)[-1]
        assert (row.opening is not None) is sees
        assert any(step.kind == "examined" for step in reads.overview(person.actor, case).recent) is sees


def test_the_ledger_is_sealed_where_the_item_is_not_seen(
    people: cast.Cast, case: Case, item: EvidenceItem
) -> None:
    mine = reads.ledger_page(people.alice.actor, case)
    theirs = reads.ledger_page(people.carol.actor, case)
    assert [row.leaf_hash for row in mine] == [row.leaf_hash for row in theirs]
    assert all(row.opening for row in mine)
    sealed = [row for row in theirs if row.opening is None]
    assert [row.index for row in sealed] == [5, 6, 7]
    assert all(row.type is None and "E-1" not in row.sentence for row in sealed)
    assert "Gateway log" not in str(theirs)
    assert item.sha256 not in str(theirs)
    assert mine[5].sentence.startswith("Alice (Northwind")
    assert "acquired E-1" in mine[5].sentence
    assert [row.index for row in reads.ledger_page(people.alice.actor, case, after=2, limit=2)] == [3, 4]
    assert reads.ledger_head(people.carol.actor, case).size == 8


def test_offers_are_what_perform_would_allow(people: cast.Cast, case: Case, item: EvidenceItem) -> None:
    def offered(person: cast.Person) -> set[str]:
        return policy.offers(person.actor, reads.case(person.actor, case.pk))

    assert {"AddParty", "CloseCase", "AcquireEvidence", "PlaceLegalHold"} <= offered(people.alice)
    assert "OpenCase" not in offered(people.alice)
    assert {"ReviseCase", "AcquireEvidence"} <= offered(people.bob)
    assert not offered(people.bob) & {"AddParty", "CloseCase", "PlaceLegalHold", "OfferShare"}
    assert {"AcquireEvidence", "PlaceLegalHold", "EraseValues", "OfferShare"} <= offered(people.carol)
    assert "AddParty" in offered(people.carol)  # a partner proposes too
    assert not offered(people.carol) & {"ReviseCase", "AcceptShare", "RevokeShare"}
    assert offered(people.rhea) == set()
    cast.disclose(case, item, people.contoso, by=people.alice)
    for person, expected in (
        (people.alice, {"ExamineEvidence"}),
        (people.carol, {"ExamineEvidence"}),
    ):
        seen = reads.item(person.actor, reads.case(person.actor, case.pk), item.pk)
        assert expected <= policy.offers(person.actor, seen)


def test_lists_ask_the_same_however_long(people: cast.Cast, case: Case) -> None:
    carol = people.carol.actor

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            seen = reads.case(carol, case.pk)
            [item.owner.name for item in reads.items(carol, seen)]
            list(reads.my_cases(carol))
            reads.overview(carol, seen)
            reads.ledger_page(carol, seen)
        return len(queries)

    cast.sealed_item(people, case, by=people.dan)
    few = asked()
    for _ in range(5):
        cast.sealed_item(people, case, by=people.dan)
        cast.joint_case(people)
    assert asked() == few <= 12
