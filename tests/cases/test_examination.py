"""Nothing is shown that was not recorded first, and nothing is recorded that others may not see."""

from uuid import uuid4

import pytest

from cases import examination, ingest, reads
from cases.models import Case, CustodyEvent, EvidenceItem
from cases.perform import perform
from cases.refusals import Forbidden, Invalid, Refused, Unseen
from cases.rules.parties import DisableMember
from evidence.vault import vault
from ledger import reading
from ledger.entries import StoredEvent
from tests import cast

pytestmark = pytest.mark.django_db

BROKEN = (
    b'{"ts":"2026-02-08T10:00:00Z","ip":"203.0.113.9","note":"first"}\n'
    b"not json at all\n"
    b'{"ts":"2026-02-08T10:00:02Z"}\n'
)


@pytest.fixture
def people() -> cast.Cast:
    return cast.the_cast()


@pytest.fixture
def case(people: cast.Cast) -> Case:
    return cast.joint_case(people)


@pytest.fixture
def item(people: cast.Cast, case: Case) -> EvidenceItem:
    return indexed(people, case)


def indexed(
    people: cast.Cast, case: Case, *, by: cast.Person | None = None, content: bytes = cast.LINES
) -> EvidenceItem:
    item = cast.sealed_item(people, case, by=by, content=content)
    ingest.run(item.pk)
    person = by or people.alice
    return reads.item(person.actor, reads.case(person.actor, case.pk), item.pk)


def told(case: Case) -> list[StoredEvent]:
    return [event for event in reading.read_events(case.pk) if event.type == "EvidenceExamined"]


def test_a_search_is_recorded_with_what_it_showed(people: cast.Cast, case: Case, item: EvidenceItem) -> None:
    found = examination.search(
        people.bob.actor, case, query="203.0.113.3", facets=("requester_ip_address",), interval="auto"
    )
    assert found.page.total == len(found.page.records) == 29
    assert found.histogram is not None
    assert found.histogram.total == 29
    assert found.facets["requester_ip_address"].rows[0].value == "203.0.113.3"
    (event,) = told(case)
    assert event.fields["query"] == "203.0.113.3"
    assert event.fields["items"] == [{"item": str(item.pk), "records": 29}]
    step = CustodyEvent.objects.get(item=item, kind="examined")
    assert (step.who, step.particulars["records"]) == ("Bob", 29)


def test_a_search_reaches_what_the_actor_may_read_and_nothing_else(
    people: cast.Cast, case: Case, item: EvidenceItem
) -> None:
    theirs = indexed(people, case, by=people.dan, content=b'{"note":"contoso only"}\n')
    bob, carol, rhea = people.bob.actor, people.carol.actor, people.rhea.actor
    assert examination.search(bob, case, query="note:*").page.total == 200
    assert examination.search(carol, case, query="note:*").page.total == 1
    assert examination.search(rhea, case, query="*").page.total == 0
    assert {field.name for field in examination.fields(rhea, case)} == set()
    assert "tokens" not in {field.name for field in examination.fields(carol, case)}
    with pytest.raises(Unseen):
        examination.search(carol, case, query="*", items=[item.pk])
    with pytest.raises(Unseen):
        examination.search(carol, case, query="*", items=[uuid4()])
    cast.disclose(case, item, people.contoso, by=people.alice)
    assert examination.search(carol, case, query="note:*").page.total == 201
    assert examination.search(carol, case, query="note:*", items=[theirs.pk]).page.total == 1
    owners = {event.fields["owner"] for event in told(case)}
    assert owners == {str(people.northwind), str(people.contoso)}


def test_counting_is_examining(people: cast.Cast, case: Case, item: EvidenceItem) -> None:
    alice = people.alice.actor
    table = examination.aggregate(alice, case, query="*", by="requester_ip_address", metric="sum:tokens")
    assert table.total == sum(range(200))
    assert examination.histogram(alice, case, query="*", interval="1m").total == 200
    assert [event.fields["how"] for event in told(case)] == ["aggregate", "aggregate"]
    assert CustodyEvent.objects.filter(item=item, kind="examined").count() == 2


def test_a_bad_query_says_what_is_wrong_and_leaves_no_trace(
    people: cast.Cast, case: Case, item: EvidenceItem
) -> None:
    with pytest.raises(Invalid) as caught:
        examination.search(people.alice.actor, case, query='note:"unended')
    assert caught.value.field == "query"
    assert caught.value.position is not None
    assert told(case) == []


def test_who_was_disabled_meanwhile_is_shown_nothing(
    people: cast.Cast, case: Case, item: EvidenceItem
) -> None:
    bob = people.bob.actor
    perform(DisableMember(member=people.bob.member), actor=people.operator)
    for read in (
        lambda: examination.search(bob, case, query="*"),
        lambda: examination.open_content(bob, item),
        lambda: examination.raw_context(bob, item, 3),
    ):
        with pytest.raises(Forbidden):
            read()
    assert told(case) == []


def test_a_record_its_raw_lines_and_the_whole_content(
    people: cast.Cast, case: Case, item: EvidenceItem
) -> None:
    alice = people.alice.actor
    record = examination.record(alice, item, 7)
    assert record.fields["tokens"] == 6
    lines = examination.raw_context(alice, item, 7, around=2)
    assert [line.line for line in lines] == [5, 6, 7, 8, 9]
    raw = cast.LINES.splitlines()
    assert [line.text.encode() for line in lines] == raw[4:9]
    assert [cast.LINES[line.offset :].startswith(raw[line.line - 1]) for line in lines] == [True] * 5
    assert [line.line for line in examination.raw_context(alice, item, 1, around=2)] == [1, 2, 3]
    for line in (0, 201, 10**12):
        with pytest.raises(Unseen):
            examination.raw_context(alice, item, line)
        with pytest.raises(Unseen):
            examination.record(alice, item, line)
    content = examination.open_content(alice, item)
    with content.file:
        told_of = (content.file.read(), content.name, content.size)
    assert told_of == (cast.LINES, "gateway.jsonl", len(cast.LINES))
    assert content.receipt.events[0].type == "EvidenceExamined"
    assert [event.fields["how"] for event in told(case)] == ["preview", "preview", "preview", "download"]


def test_rejects_come_with_line_and_reason(people: cast.Cast, case: Case) -> None:
    item = indexed(people, case, content=BROKEN)
    assert (item.lines, item.records, item.rejects) == (3, 2, 1)
    page = examination.rejects(people.alice.actor, item)
    (reject,) = page.records
    assert reject.line == 2
    assert reject.error
    seen = examination.preview(people.alice.actor, item, records=2)
    assert [record.line for record in seen.records] == [1, 2]
    assert [record.line for record in seen.rejects] == [2]
    assert len(told(case)) == 2


def test_nothing_of_an_item_is_read_by_whom_it_was_not_shown_to(
    people: cast.Cast, case: Case, item: EvidenceItem
) -> None:
    before = reading.head(case.pk)
    for person in (people.carol, people.rhea, people.mallory):
        for read in (
            lambda actor: examination.open_content(actor, item),
            lambda actor: examination.raw_context(actor, item, 1),
            lambda actor: examination.record(actor, item, 1),
            lambda actor: examination.rejects(actor, item),
            lambda actor: examination.preview(actor, item),
        ):
            with pytest.raises(Unseen):
                read(person.actor)
    assert reading.head(case.pk) == before


def test_what_is_not_parsed_yet_can_be_downloaded_only(people: cast.Cast, case: Case) -> None:
    item = cast.sealed_item(people, case)
    with pytest.raises(Refused) as caught:
        examination.preview(people.alice.actor, item)
    assert caught.value.code == "not-searchable"
    assert examination.search(people.alice.actor, case, query="*").page.total == 0
    with examination.open_content(people.alice.actor, item).file as content:
        assert content.read() == vault().path(item.sha256).read_bytes()
