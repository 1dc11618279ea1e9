"""The one door, on the real database."""

import hashlib
import hmac
from dataclasses import replace
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases import events, memory, policy, reads
from cases.models import Case, CustodyEvent, EvidenceItem, Member
from cases.perform import perform
from cases.refusals import Forbidden, Refused, Unseen
from cases.rules.case import CloseCase, CreateCase, LogOpened, ReviseCase
from cases.rules.examining import Examination, ExamineEvidence
from cases.rules.parties import DisableMember, EnableMember
from cases.rules.shape import to_fields
from evidence.models import Ingest
from ledger import jcs, reading
from ledger.host import command_key
from ledger.models import Checkpoint
from ledger.verify import verify_log
from tests import cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> cast.Cast:
    return cast.the_cast()


@pytest.fixture
def case(people: cast.Cast) -> Case:
    return cast.joint_case(people)


def size(case: Case) -> int:
    head = reading.head(case.pk)
    assert head is not None
    return head.size


def test_index_0_names_the_log_its_host_key_its_party_and_the_policy(people: cast.Cast, case: Case) -> None:
    first = events.read(next(reading.read_events(case.pk)))
    assert isinstance(first, LogOpened)
    assert first.origin.endswith(str(case.pk))
    assert len(first.host_key) == 64
    assert [named.party for named in first.parties] == [people.northwind]
    assert first.policy == policy.DIGEST
    assert verify_log(case.pk) == []


def test_the_host_draws_references_at_random(people: cast.Cast) -> None:
    drawn = {cast.joint_case(people).reference for _ in range(3)}
    assert len(drawn) == 3
    assert all(len(reference) == len("CS-2026-0000") for reference in drawn)


def test_the_same_command_again_gives_the_first_receipt(people: cast.Cast, case: Case) -> None:
    command = ReviseCase(case=case.pk, severity="critical")
    first = perform(command, actor=people.alice.actor)
    again = perform(command, actor=people.alice.actor)
    assert again.replayed
    assert not first.replayed
    assert replace(again, replayed=False) == first
    assert size(case) == first.size


def test_another_command_under_the_same_id_is_refused(people: cast.Cast, case: Case) -> None:
    command = ReviseCase(case=case.pk, severity="critical")
    perform(command, actor=people.alice.actor)
    for other, actor in ((replace(command, severity="low"), people.alice.actor), (command, people.bob.actor)):
        with pytest.raises(Refused) as caught:
            perform(other, actor=actor)
        assert caught.value.code == "command-id-reused"


def test_who_holds_the_database_alone_cannot_test_guesses_of_what_was_asked(
    people: cast.Cast, case: Case
) -> None:
    command = ReviseCase(case=case.pk, summary="yes")
    perform(command, actor=people.alice.actor)
    kept = Checkpoint.objects.values_list("command_digest", flat=True).get(log=case.pk, command=command.id)
    asked = to_fields(command) | {"of": "ReviseCase", "by": str(people.alice.member)}
    assert kept != hashlib.sha256(jcs.encode(asked)).hexdigest()
    assert kept == hmac.digest(command_key(), jcs.encode(asked), "sha256").hex()


def test_who_looked_at_an_older_version_is_refused(people: cast.Cast, case: Case) -> None:
    perform(ReviseCase(case=case.pk, severity="low", expect=case.version), actor=people.alice.actor)
    with pytest.raises(Refused) as caught:
        perform(ReviseCase(case=case.pk, severity="high", expect=case.version), actor=people.alice.actor)
    assert caught.value.code == "stale"
    assert reads.case(people.alice.actor, case.pk).severity == "low"


def test_a_member_disabled_a_second_ago_is_refused(people: cast.Cast, case: Case) -> None:
    alice = people.alice.actor
    perform(DisableMember(member=people.alice.member), actor=people.operator)
    with pytest.raises(Forbidden):
        perform(ReviseCase(case=case.pk, severity="low"), actor=alice)
    assert not people.alice.user.groups.exists()
    perform(EnableMember(member=people.alice.member), actor=people.operator)
    perform(ReviseCase(case=case.pk, severity="low"), actor=alice)
    ours = f"party:{people.northwind}"
    groups = set(people.alice.user.groups.values_list("name", flat=True))
    assert groups == {ours, f"{ours}:lead_investigator"}


def test_a_role_taken_away_counts_at_once(people: cast.Cast, case: Case) -> None:
    claims = replace(people.bob.actor, role="lead_investigator")
    with pytest.raises(Forbidden):
        perform(CloseCase(case=case.pk, reason="x"), actor=claims)


def test_a_refusal_leaves_no_trace(people: cast.Cast, case: Case) -> None:
    before = size(case), list(Case.objects.order_by("pk").values())
    for command, actor in (
        (CloseCase(case=case.pk, reason=""), people.alice.actor),
        (CloseCase(case=case.pk, reason="x"), people.mallory.actor),
        (CreateCase(case=uuid4(), title=""), people.alice.actor),
    ):
        with pytest.raises(Refused):
            perform(command, actor=actor)
        assert reading.head(command.case) is None or command.case == case.pk
    assert (size(case), list(Case.objects.order_by("pk").values())) == before


def test_an_acquisition_is_one_commit_with_its_work_row(people: cast.Cast, case: Case) -> None:
    before = size(case)
    item = cast.sealed_item(people, case)
    assert (item.state, item.label, item.owner_id) == ("sealed", "E-1", people.northwind)
    assert size(case) == before + 3
    kinds = list(CustodyEvent.objects.filter(item=item).order_by("entry").values_list("kind", flat=True))
    assert kinds == ["acquired", "received", "sealed"]
    work = Ingest.objects.get(pk=item.pk)
    assert (work.sha256, work.pending, work.case) == (item.sha256, True, case.pk)
    assert cast.sealed_item(people, case).label == "E-2"


def test_perform_asks_little(people: cast.Cast, case: Case) -> None:
    item = cast.sealed_item(people, case)
    alice = people.alice.actor
    one = (Examination(item=item.pk, how="download"),)
    many = tuple(
        Examination(item=cast.sealed_item(people, case).pk, how="search", shown=1) for _ in range(10)
    )
    for command, most in (
        (ReviseCase(case=case.pk, severity="low"), 2),
        (ExamineEvidence(case=case.pk, examinations=one), 3),
        (ExamineEvidence(case=case.pk, examinations=many), 3),
    ):
        with CaptureQueriesContext(connection) as asked:
            perform(command, actor=alice)
        told = [query["sql"] for query in asked if "SAVEPOINT" not in query["sql"]]
        # Beside these there are the ledger's two calls, which go past Django's cursor.
        assert len(told) <= most, told


def test_members_follow_the_events(people: cast.Cast) -> None:
    assert Member.objects.get(pk=people.dan.member).role == "custodian"
    assert EvidenceItem.objects.filter(case__lead=people.northwind).count() == 0


def test_someone_elses_case_looks_like_none(people: cast.Cast, case: Case) -> None:
    told = []
    for id_ in (case.pk, uuid4()):
        with pytest.raises(Unseen) as caught:
            perform(CloseCase(case=id_, reason="x"), actor=people.mallory.actor)
        told.append((caught.value.code, caught.value.sentence, caught.value.status))
    assert told[0] == told[1]


def test_what_a_process_remembers_of_a_case_is_never_believed_against_the_ledger(
    people: cast.Cast, case: Case
) -> None:
    alice = people.alice.actor
    perform(ReviseCase(case=case.pk, severity="low"), actor=alice)
    honest = memory.of(case.pk)
    assert honest is not None
    for forged in (
        replace(
            honest, last=replace(honest.last, command=uuid4())
        ),  # another history, as after a restored backup
        replace(honest, last=replace(honest.last, version=99)),  # a longer one
    ):
        wrong = replace(forged, state=replace(honest.state, status="closed"))
        memory._memories[case.pk] = wrong
        perform(ReviseCase(case=case.pk, title=f"{wrong.last.version}"), actor=alice)
        remembered = memory.of(case.pk)
        assert remembered is not None
        assert remembered.state.status == "open"
    assert verify_log(case.pk) == []
