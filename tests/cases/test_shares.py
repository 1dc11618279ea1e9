"""Shares on the wall: what each lets whom do, from when until when, and that nothing is left when it ends."""

from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import examination, ingest, intake, policy, reads, wall
from cases.actors import actor_for_member, operator, worker_for
from cases.models import (
    Case,
    EvidenceItem,
    EvidenceItemGroupObjectPermission,
    EvidenceItemUserObjectPermission,
    Member,
    Share,
)
from cases.perform import perform
from cases.projections.wall import shares_changed
from cases.rebuilding import compare
from cases.refusals import Forbidden, Refused, Unseen
from cases.rules.acquisition import SealedBytes
from cases.rules.acting import Actor
from cases.rules.custody import DeriveEvidence, VerifyEvidence
from cases.rules.examining import Examination, ExamineEvidence
from cases.rules.parties import DisableMember
from cases.rules.share_terms import OPERATIONS
from cases.rules.sharing import AcceptShare, ChangeShare, GiveUpShare, RefuseShare, RevokeShare
from cases.streams import Pieces
from ledger import reading
from tests import cast

pytestmark = pytest.mark.usefixtures("whole_db")


@pytest.fixture
def people() -> cast.Cast:
    return cast.the_cast()


@pytest.fixture
def case(people: cast.Cast) -> Case:
    return cast.joint_case(people)


@pytest.fixture
def item(people: cast.Cast, case: Case) -> EvidenceItem:
    item = cast.sealed_item(people, case)
    ingest.run(item.pk)
    return reads.item(people.alice.actor, case, item.pk)


def opens(actor: Actor, case: Case, item: EvidenceItem) -> set[str]:
    """The doors that are open to this actor, each tried."""
    seen = case if actor.kind == "worker" else reads.case(actor, case.pk)

    def particulars() -> None:
        assert reads.item(actor, seen, item.pk).title == item.title
        assert list(reads.custody(actor, item))

    def listed() -> None:
        if item not in list(reads.items(actor, seen)):
            raise Unseen

    def content() -> None:
        examination.open_content(actor, item).file.close()

    doors: dict[str, Callable[[], object]] = {
        "item": particulars,
        "list": listed,
        "search": lambda: examination.search(actor, seen, query="hello", items=[item.pk]),
        "histogram": lambda: examination.histogram(actor, seen, query="hello", items=[item.pk]),
        "aggregate": lambda: examination.aggregate(actor, seen, query="*", items=[item.pk], by="tokens"),
        "fields": lambda: examination.fields(actor, seen, items=[item.pk]),
        "record": lambda: examination.record(actor, item, 1),
        "preview": lambda: examination.preview(actor, item),
        "raw": lambda: examination.raw_context(actor, item, 1),
        "content": content,
    }
    found = set()
    for name, door in doors.items():
        try:
            door()
        except Unseen:
            continue
        found.add(name)
    everything = examination.search(actor, seen, query="hello")
    assert (item in everything.items) is ("search" in found)
    return found


METADATA = {"item", "list"}
SEARCH = {"search", "histogram", "aggregate", "fields"}
PREVIEW = {"record", "preview", "raw"}
ALL = METADATA | SEARCH | PREVIEW | {"content"}


@pytest.mark.parametrize(
    ("operation", "doors"),
    [
        ("exists", set()),
        ("metadata", METADATA),
        ("search", METADATA | SEARCH),
        ("preview", METADATA | PREVIEW),
        ("download", METADATA | {"content"}),
        ("export", METADATA),
        ("share_on", METADATA),
    ],
)
def test_each_operation_alone_opens_just_its_doors(
    people: cast.Cast, case: Case, item: EvidenceItem, operation: str, doors: set[str]
) -> None:
    on = operation == "share_on"
    offered = cast.offer(case, item, to=people.contoso, by=people.alice, operations=(operation,), onward=on)
    carol = people.carol.actor
    assert opens(carol, case, item) == set()
    cast.accepted(case, offered)
    assert opens(carol, case, item) == doors
    share = reads.share(carol, case, offered)
    [known] = reads.items_of_share(carol, share)
    assert known.number == 1
    assert known.seen is bool(doors)  # type: ignore[attr-defined]
    held = wall.held(carol, [item.pk], case=case.pk)
    assert (item.pk in held) is bool(doors)
    if held:
        assert {operation, "metadata", "exists"} == held[item.pk].operations
    assert opens(people.alice.actor, case, item) == ALL
    assert opens(people.rhea.actor, case, item) == set()


def test_before_it_accepts_the_receiver_reads_the_terms_and_nothing_of_the_items(
    people: cast.Cast, case: Case, item: EvidenceItem
) -> None:
    other = cast.sealed_item(people, case, title="Second")
    cast.offer(case, item, other, to=people.contoso, by=people.alice, summary="Two logs of the gateway")
    carol = people.carol.actor
    [share] = reads.shares(carol, case)
    assert (share.status, share.summary, share.item_count) == ("offered", "Two logs of the gateway", 2)  # type: ignore[attr-defined]
    assert reads.items_of_share(carol, share) == []
    assert not reads.items(carol, case).exists()
    assert len(reads.items_of_share(people.alice.actor, share)) == 2
    for stranger in (people.rhea, people.mallory):
        assert not reads.shares(stranger.actor, case).exists()
        with pytest.raises(Unseen):
            reads.share(stranger.actor, case, share.pk)


def test_entries_of_a_share_are_for_its_two_parties(
    people: cast.Cast, case: Case, item: EvidenceItem
) -> None:
    share = cast.disclose(case, item, people.contoso, by=people.alice)
    perform(RevokeShare(case=case.pk, share=share, reason="Over"), actor=people.alice.actor)
    of_share = {"ShareOffered", "ShareAccepted", "ShareRevoked"}

    def told(person: cast.Person) -> set[str | None]:
        return {row.type for row in reads.ledger_page(person.actor, case)}

    assert of_share <= told(people.alice)
    assert of_share <= told(people.carol)
    assert not of_share & told(people.rhea)


def test_a_role_is_meant_or_a_named_member_and_nobody_else(
    people: cast.Cast, case: Case, item: EvidenceItem
) -> None:
    cast.accepted(case, cast.offer(case, item, to=people.contoso, by=people.alice, roles=("custodian",)))
    assert opens(people.dan.actor, case, item) == ALL
    assert opens(people.carol.actor, case, item) == set()
    second = cast.sealed_item(people, case, title="Second")
    cast.accepted(
        case,
        cast.offer(case, second, to=people.contoso, by=people.alice, members=(people.carol.member,)),
    )
    assert list(reads.items(people.carol.actor, case)) == [second]
    assert list(reads.items(people.dan.actor, case)) == [item]
    assert not reads.items(worker_for(people.contoso), case).exists()
    assert compare(lambda done, total: None) == []


def test_red_goes_to_the_named_member_alone(people: cast.Cast, case: Case) -> None:
    facts = intake.AcquisitionFacts(title="Informant", marking="TLP:RED")
    alice = people.alice.actor
    red = intake.receive(BytesIO(b"{}\n"), actor=alice, case=case, facts=facts, filename="a.jsonl")
    with pytest.raises(Refused, match="at least as strictly"):
        cast.offer(case, red, to=people.contoso, by=people.alice)
    with pytest.raises(Refused, match="named members only"):
        cast.offer(case, red, to=people.contoso, by=people.alice, tlp="TLP:RED")
    named = {"tlp": "TLP:RED", "members": (people.dan.member,)}
    cast.accepted(case, cast.offer(case, red, to=people.contoso, by=people.alice, **named))
    assert list(reads.items(people.dan.actor, case)) == [red]
    assert not reads.items(people.carol.actor, case).exists()


def moved(share: UUID, **window: datetime | None) -> None:
    """As if the share had been given this window when it was accepted."""
    Share.objects.filter(pk=share).update(**window)
    shares_changed({Share.objects.get(pk=share).case_id}, [share])


def test_a_window_is_kept_to_the_moment(people: cast.Cast, case: Case, item: EvidenceItem) -> None:
    share = cast.disclose(case, item, people.contoso, by=people.alice)
    carol, second = people.carol.actor, timedelta(seconds=1)
    moved(share, not_before=timezone.now() + timedelta(hours=1))
    assert opens(carol, case, item) == set()
    moved(share, not_before=timezone.now() - second, expires_at=timezone.now() + timedelta(hours=1))
    assert opens(carol, case, item) == ALL
    moved(share, not_before=None, expires_at=timezone.now() - second)
    assert opens(carol, case, item) == set()
    read = ExamineEvidence(case=case.pk, examinations=(Examination(item=item.pk, how="preview"),))
    with pytest.raises(Unseen):
        perform(read, actor=carol)
    assert opens(people.alice.actor, case, item) == ALL
    moved(share, not_before=None, expires_at=None)  # as the ledger tells it, for those who compare


def test_revoked_given_up_and_granted_again(people: cast.Cast, case: Case, item: EvidenceItem) -> None:
    carol, alice = people.carol.actor, people.alice.actor
    share = cast.disclose(case, item, people.contoso, by=people.alice)
    assert opens(carol, case, item) == ALL
    perform(RevokeShare(case=case.pk, share=share, reason="Over"), actor=alice)
    assert opens(carol, case, item) == set()
    assert not EvidenceItemGroupObjectPermission.objects.filter(share=share).exists()
    with pytest.raises(Refused):
        perform(AcceptShare(case=case.pk, share=share), actor=carol)
    assert opens(carol, case, item) == set()

    again = cast.disclose(case, item, people.contoso, by=people.alice)
    assert opens(carol, case, item) == ALL
    perform(GiveUpShare(case=case.pk, share=again, reason="Done"), actor=carol)
    assert opens(carol, case, item) == set()
    row = reads.share(carol, case, again)
    assert (row.status, row.reason, row.ended_at is not None) == ("given_up", "Done", True)


def test_two_shares_of_one_item_stand_for_themselves(
    people: cast.Cast, case: Case, item: EvidenceItem
) -> None:
    first = cast.disclose(case, item, people.contoso, by=people.alice)
    looked = cast.offer(case, item, to=people.contoso, by=people.alice, operations=("metadata",))
    cast.accepted(case, looked)
    perform(RevokeShare(case=case.pk, share=first, reason="Over"), actor=people.alice.actor)
    assert opens(people.carol.actor, case, item) == METADATA


def test_new_terms_hold_when_they_are_accepted(people: cast.Cast, case: Case, item: EvidenceItem) -> None:
    carol, alice = people.carol.actor, people.alice.actor
    share = cast.accepted(
        case, cast.offer(case, item, to=people.contoso, by=people.alice, operations=("search",))
    )

    def change(*operations: str) -> None:
        terms: dict[str, Any] = {"items": (item.pk,), "operations": operations, "purpose": "More"}
        perform(ChangeShare(case=case.pk, share=share, **terms), actor=alice)

    change("download")
    row = reads.share(carol, case, share)
    assert (row.pending, row.operations, row.terms) == (True, ["search"], 2)
    assert opens(carol, case, item) == METADATA | SEARCH
    perform(RefuseShare(case=case.pk, share=share, reason="No"), actor=carol)
    assert opens(carol, case, item) == METADATA | SEARCH
    change("preview")
    digest = reads.share(carol, case, share).proposed_digest
    change("preview", "download")
    with pytest.raises(Refused, match="changed since you read them"):
        perform(AcceptShare(case=case.pk, share=share, terms=digest), actor=carol)
    newest = reads.share(carol, case, share).proposed_digest
    perform(AcceptShare(case=case.pk, share=share, terms=newest), actor=carol)
    assert opens(carol, case, item) == METADATA | PREVIEW | {"content"}
    row = reads.share(carol, case, share)
    assert (row.pending, row.proposed, row.digest, row.purpose) == (False, None, newest, "More")
    assert compare(lambda done, total: None) == []


def test_a_share_of_the_whole_case_takes_in_what_comes_later_but_nothing_stricter(
    people: cast.Cast, case: Case, item: EvidenceItem
) -> None:
    theirs = cast.sealed_item(people, case, by=people.dan, title="Contoso's own")
    share = cast.offer(case, scope="case", to=people.contoso, by=people.alice)
    [row] = reads.shares(people.carol.actor, case)
    assert row.item_count == 1  # type: ignore[attr-defined]
    cast.accepted(case, share)
    carol = people.carol.actor
    assert set(reads.items(carol, case)) == {item, theirs}
    later = cast.sealed_item(people, case, title="Later")
    assert set(reads.items(carol, case)) == {item, theirs, later}
    facts = intake.AcquisitionFacts(title="Strict", marking="TLP:AMBER+STRICT")
    alice = people.alice.actor
    strict = intake.receive(BytesIO(b"{}\n"), actor=alice, case=case, facts=facts, filename="s.jsonl")
    assert strict not in set(reads.items(carol, case))
    assert compare(lambda done, total: None) == []
    perform(RevokeShare(case=case.pk, share=share, reason="Over"), actor=alice)
    assert set(reads.items(carol, case)) == {theirs}
    after = cast.sealed_item(people, case, title="After")
    assert after not in set(reads.items(carol, case))


def derived(people: cast.Cast, case: Case, parent: EvidenceItem) -> UUID:
    """An item made from another by the worker."""
    child, sha = uuid4(), "ab" * 32
    found = SealedBytes(sha256=sha, blake3=sha, sha1="ab" * 20, md5="ab" * 16, size=3, filename="in.jsonl")
    worker = worker_for(people.northwind)
    if parent.verified_at is None:
        perform(VerifyEvidence(case=case.pk, item=parent.pk, sha256=parent.sha256), actor=worker)
    perform(
        DeriveEvidence(
            case=case.pk, item=child, parent=parent.pk, tool="gzip", tool_version="1", sealed=found
        ),
        actor=worker,
    )
    return child


def test_what_is_derived_goes_along_before_and_after(people: cast.Cast, case: Case) -> None:
    parent = cast.sealed_item(people, case)
    first = derived(people, case, parent)
    share = cast.disclose(case, parent, people.contoso, by=people.alice)
    cast.accepted(
        case, cast.offer(case, parent, to=people.regulator, by=people.alice, operations=("metadata",))
    )
    parent = reads.item(people.alice.actor, case, parent.pk)
    second = derived(people, case, parent)
    carol = people.carol.actor
    family = {parent.pk, first, second}
    assert set(reads.items(carol, case).values_list("pk", flat=True)) == family
    held = wall.held(people.rhea.actor, list(family), case=case.pk)
    assert {each.operations for each in held.values()} == {frozenset({"metadata", "exists"})}
    assert held.keys() == family
    assert compare(lambda done, total: None) == []
    perform(RevokeShare(case=case.pk, share=share, reason="Over"), actor=people.alice.actor)
    assert not reads.items(carol, case).exists()
    assert set(reads.items(people.rhea.actor, case).values_list("pk", flat=True)) == family


def test_sharing_on_stands_and_falls_with_what_it_stands_on(
    people: cast.Cast, case: Case, item: EvidenceItem
) -> None:
    alice, carol, rhea = people.alice.actor, people.carol.actor, people.rhea.actor
    plain = cast.disclose(case, item, people.contoso, by=people.alice)
    with pytest.raises(Forbidden, match="by its owner"):
        cast.offer(case, item, to=people.regulator, by=people.carol)
    ends = timezone.now() + timedelta(days=3)
    on = cast.offer(
        case,
        item,
        to=people.contoso,
        by=people.alice,
        operations=("search", "share_on"),
        onward=True,
        expires_at=ends,
    )
    cast.accepted(case, on)
    perform(RevokeShare(case=case.pk, share=plain, reason="Less"), actor=alice)
    with pytest.raises(Forbidden, match="more than it may do itself"):
        cast.offer(case, item, to=people.regulator, by=people.carol, operations=("download",))
    further = cast.offer(case, item, to=people.regulator, by=people.carol, operations=("search",))
    cast.accepted(case, further)
    assert opens(rhea, case, item) == METADATA | SEARCH
    rows = EvidenceItemGroupObjectPermission.objects.filter(share=further)
    assert {row.expires_at for row in rows} == {ends}
    assert [p.pk for p in reads.shared_with(carol, item)] == [people.regulator]
    assert {p.pk for p in reads.shared_with(alice, item)} == {people.contoso, people.regulator}
    assert reads.shared_with(rhea, item) == []
    assert compare(lambda done, total: None) == []
    perform(RevokeShare(case=case.pk, share=on, reason="Over"), actor=alice)
    assert opens(carol, case, item) == set()
    assert opens(rhea, case, item) == set()
    assert compare(lambda done, total: None) == []


def test_a_running_download_breaks_off_when_its_share_ends(
    people: cast.Cast, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cases.streams.CHUNK", 1_000)
    monkeypatch.setattr("cases.streams.EVERY", 0.0)
    item = cast.sealed_item(people, case)
    share = cast.disclose(case, item, people.contoso, by=people.alice)
    carol = people.carol.actor
    content = examination.open_content(carol, item)
    stream = Pieces(content, first=0, length=content.size)
    assert len(next(stream)) == 1_000
    assert len(next(stream)) == 1_000
    perform(RevokeShare(case=case.pk, share=share, reason="Over"), actor=people.alice.actor)
    assert list(stream) == []
    stream.close()
    [told] = [event for event in reading.read_events(case.pk) if event.type == "DownloadBrokenOff"]
    assert told.fields["sent"] == 2_000
    assert told.fields["reader"] == str(people.contoso)
    for person in (people.alice, people.carol):
        assert "DownloadBrokenOff" in {row.type for row in reads.ledger_page(person.actor, case)}
    assert "DownloadBrokenOff" not in {row.type for row in reads.ledger_page(people.rhea.actor, case)}
    steps = reads.custody(people.alice.actor, item).filter(kind="examined")
    assert {step.particulars["how"] for step in steps} == {"downloaded", "broke off a download"}


def test_a_running_download_goes_on_while_it_may(
    people: cast.Cast, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cases.streams.EVERY", 0.0)
    item = cast.sealed_item(people, case)
    cast.disclose(case, item, people.contoso, by=people.alice)
    content = examination.open_content(people.carol.actor, item)
    stream = Pieces(content, first=0, length=content.size)
    assert b"".join(stream) == cast.LINES
    stream.close()


def test_a_disabled_member_gets_no_further_byte(
    people: cast.Cast, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cases.streams.CHUNK", 1_000)
    monkeypatch.setattr("cases.streams.EVERY", 0.0)
    item = cast.sealed_item(people, case)
    content = examination.open_content(people.alice.actor, item)
    stream = Pieces(content, first=0, length=content.size)
    next(stream)
    perform(DisableMember(member=people.alice.member), actor=people.operator)
    assert list(stream) == []
    stream.close()


def test_offering_and_accepting_is_for_who_may_bind_a_party(
    people: cast.Cast, case: Case, item: EvidenceItem
) -> None:
    share = cast.offer(case, item, to=people.regulator, by=people.alice)
    with pytest.raises(Forbidden):
        perform(AcceptShare(case=case.pk, share=share), actor=people.rhea.actor)
    with pytest.raises(Forbidden):
        cast.offer(case, item, to=people.contoso, by=people.bob)
    with pytest.raises(Unseen):
        perform(AcceptShare(case=case.pk, share=share), actor=people.carol.actor)
    cast.accepted(case, share)
    assert opens(people.rhea.actor, case, item) == ALL
    assert policy.may(people.rhea.actor, "OfferShare", part="observer", status="open") is False


def test_a_page_of_items_asks_the_same_however_many_shares(people: cast.Cast, case: Case) -> None:
    carol = people.carol.actor

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            list(reads.items(carol, case)[:100])
            list(reads.shares(carol, case)[:100])
        return len(queries)

    items = [cast.sealed_item(people, case, title=f"Log {n}") for n in range(3)]
    cast.disclose(case, items[0], people.contoso, by=people.alice)
    few = asked()
    for one in items:
        cast.disclose(case, one, people.contoso, by=people.alice)
    assert asked() == few == 2
    assert reads.items(carol, case).count() == 3


def test_the_wall_is_asked_by_one_key_of_its_index(people: cast.Cast, case: Case) -> None:
    """However many rows there are, each item costs a step: object, group and permission are the index."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname LIKE 'cases_wall_of_%'")
        told = {row[0].split(" btree ")[1] for row in cursor.fetchall()}
    assert told == {
        "(content_object_id, group_id, permission_id, share_id) NULLS NOT DISTINCT",
        "(content_object_id, user_id, permission_id, share_id) NULLS NOT DISTINCT",
    }


def test_a_command_on_a_shared_item_asks_the_wall_once(
    people: cast.Cast, case: Case, item: EvidenceItem
) -> None:
    share = cast.disclose(case, item, people.contoso, by=people.alice)
    actor = actor_for_member(Member.objects.get(pk=people.carol.member), via="web")
    assert wall.visible(actor, [item.pk]) == {item.pk}
    assert wall.visible(people.rhea.actor, [item.pk]) == frozenset()
    assert wall.visible(operator(), [item.pk]) == frozenset()
    assert set(OPERATIONS) == wall.held(people.alice.actor, [item.pk], case=case.pk)[item.pk].operations
    assert not EvidenceItemUserObjectPermission.objects.filter(share=share).exists()
