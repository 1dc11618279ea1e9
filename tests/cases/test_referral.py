"""Referrals on the real database: what each side finds, what an acceptance brings, the walls around it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from cases import events, keyring, reads, referring
from cases.actors import worker_for
from cases.models import Case, Participation, Referral, Share
from cases.perform import perform
from cases.rebuilding import compare
from cases.refusals import Refused, Unseen
from cases.rules.case import AddParty, CloseCase, CreateCase, OpenCase, ReviseCase
from cases.rules.erasure import EraseValues
from cases.rules.keys import CopyKeys, RequireSignatures
from cases.rules.referral import (
    OVER,
    AcceptReferral,
    AnswerReferral,
    AskBack,
    ConsentToReferral,
    ObjectToReferral,
    RefuseReferral,
    SendReferral,
    WithdrawReferral,
    share_of,
)
from cases.rules.sharing import RevokeShare
from ledger import reading
from ledger.verify import verify_log
from tests import cast, keyholders
from tests.keyholders import FileKey, Passkey, sign

CANARY = "canary-7f3a"


@dataclass(frozen=True, kw_only=True)
class Told:
    """A referral from Northwind to the outsiders, and who is in it."""

    people: cast.Cast
    case: Case
    referral: UUID

    def perform(self, of: Any, by: cast.Person, **more: Any) -> None:
        perform(of(case=self.case.pk, referral=self.referral, **more), actor=by.actor)

    def seen(self, by: cast.Person) -> Referral:
        return referring.referral(by.actor, self.referral)


@pytest.fixture
def people(db: None) -> cast.Cast:
    return cast.the_cast()


@pytest.fixture
def case(people: cast.Cast) -> Case:
    """A case that Northwind leads alone."""
    case = uuid4()
    perform(CreateCase(case=case, title=f"Title {CANARY}", summary=CANARY), actor=people.alice.actor)
    return reads.case(people.alice.actor, case)


def send(people: cast.Cast, case: Case, **more: Any) -> Told:
    said = {"summary": "Your accounts extract answers.", "purpose": "Find them", **more}
    command = SendReferral(case=case.pk, referral=uuid4(), to=people.outsiders, **said)
    perform(command, actor=people.alice.actor)
    return Told(people=people, case=case, referral=command.referral)


@pytest.fixture
def told(people: cast.Cast, case: Case) -> Told:
    return send(people, case, indicators=("203.0.113.7",))


def test_the_receiver_reads_the_words_and_finds_no_case(told: Told) -> None:
    found = told.seen(told.people.mallory)
    assert (found.summary, found.indicators) == ("Your accounts extract answers.", ["203.0.113.7"])
    assert (found.side, found.waits, found.status) == ("received", True, "waiting")
    assert referring.case_of(told.people.mallory.actor, found) is None
    assert referring.waiting(told.people.mallory.actor) == 1
    with pytest.raises(Unseen):
        reads.case(told.people.mallory.actor, told.case.pk)
    assert told.seen(told.people.alice).side == "sent"
    assert referring.waiting(told.people.alice.actor) == 0


def test_nobody_else_finds_it_by_list_count_or_id(told: Told) -> None:
    for person in (told.people.carol, told.people.rhea):
        assert not referring.referrals(person.actor).exists()
        assert referring.waiting(person.actor) == 0
        with pytest.raises(Unseen):
            told.seen(person)
    for absent in (uuid4(), "nothing", ""):
        with pytest.raises(Unseen):
            referring.referral(told.people.mallory.actor, absent)


def test_asking_back_gives_the_word_to_the_sender_and_the_answer_returns_it(told: Told) -> None:
    mallory, alice = told.people.mallory, told.people.alice
    told.perform(AskBack, mallory, question="Which week?")
    assert (told.seen(mallory).waits, told.seen(alice).waits) == (False, True)
    assert (referring.waiting(mallory.actor), referring.waiting(alice.actor)) == (0, 1)
    told.perform(AnswerReferral, alice, text="The second.")
    assert (told.seen(mallory).waits, told.seen(alice).waits) == (True, False)
    notes = referring.notes(mallory.actor, told.seen(mallory))
    assert [(note.kind, note.text) for note in notes] == [
        ("question", "Which week?"),
        ("answer", "The second."),
    ]


def test_accepting_brings_a_partner_in_with_just_the_named_items(people: cast.Cast, case: Case) -> None:
    named, other = cast.sealed_item(people, case), cast.sealed_item(people, case, title="Kept back")
    until = datetime.now(UTC) + timedelta(days=9)
    told = send(people, case, items=(named.pk,), labels=("One log",), allowed=("search",), expires_at=until)
    mallory = people.mallory
    assert list(reads.my_items(mallory.actor)) == []
    told.perform(AcceptReferral, mallory, terms=told.seen(mallory).digest)
    joined = reads.case(mallory.actor, case.pk)
    assert joined.my_part == "partner"
    assert [item.pk for item in reads.items(mallory.actor, joined)] == [named.pk]
    share = Share.objects.get(pk=share_of(told.referral))
    assert (share.status, share.operations, share.expires_at) == ("accepted", ["search"], until)
    assert (share.giver_id, share.receiver_id) == (people.northwind, people.outsiders)
    assert share.offered_by == "by its referral"
    assert any(
        "was offered a share of one item by the referral of" in one for one in sentences(told, mallory)
    )
    assert reads.allowed(mallory.actor, named) == {"exists", "metadata", "search"}
    assert reads.allowed(mallory.actor, other) == frozenset()
    perform(RevokeShare(case=case.pk, share=share.pk, reason="Done"), actor=people.alice.actor)
    assert list(reads.items(mallory.actor, joined)) == []
    assert told.seen(mallory).status == "accepted"
    assert verify_log(case.pk) == []


def test_an_acceptance_is_one_commit_of_the_receivers(told: Told) -> None:
    told.perform(AcceptReferral, told.people.mallory)
    *_, accepted, joined = reading.read_events(told.case.pk)
    assert [accepted.type, joined.type] == ["ReferralAccepted", "PartyAdded"]
    assert accepted.command == joined.command
    assert {accepted.party, joined.party} == {told.people.outsiders}


def test_a_refusal_ends_it_and_keeps_the_receiver_out(told: Told) -> None:
    told.perform(RefuseReferral, told.people.mallory, reason="Not our accounts")
    found = told.seen(told.people.alice)
    assert (found.status, found.reason, found.waits) == ("refused", "Not our accounts", False)
    with pytest.raises(Unseen):
        reads.case(told.people.mallory.actor, told.case.pk)
    with pytest.raises(Refused) as caught:
        told.perform(AcceptReferral, told.people.mallory)
    assert caught.value.code == "referral-state"


def test_what_has_run_out_says_so_and_waits_for_nobody(people: cast.Cast, case: Case) -> None:
    told = send(people, case, expires_at=datetime.now(UTC) + timedelta(days=1))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE cases_referral SET expires_at = now() - interval '1 second'")
    found = told.seen(people.mallory)
    assert (found.run_out, found.waits) == (True, False)
    assert referring.waiting(people.mallory.actor) == 0
    assert "AcceptReferral" not in referring.offers(people.mallory.actor, found)
    assert "RefuseReferral" in referring.offers(people.mallory.actor, found)


def test_offers_are_what_the_door_lets_through(told: Told) -> None:
    mallory, alice = told.people.mallory, told.people.alice
    assert referring.offers(mallory.actor, told.seen(mallory)) == {
        "AcceptReferral",
        "RefuseReferral",
        "AskBack",
    }
    assert referring.offers(alice.actor, told.seen(alice)) == {"WithdrawReferral"}
    told.perform(AskBack, mallory, question="Who?")
    assert referring.offers(alice.actor, told.seen(alice)) == {"WithdrawReferral", "AnswerReferral"}
    viewer = cast.person(f"vic-{uuid4().hex[:6]}", told.people.outsiders, "viewer", host=told.people.operator)
    assert referring.offers(viewer.actor, told.seen(viewer)) == set()


# Consent


@pytest.fixture
def joint(people: cast.Cast) -> Told:
    """A referral from a case with a partner and an observer."""
    return send(people, cast.joint_case(people))


def test_the_partner_is_asked_and_reads_none_of_the_words(joint: Told) -> None:
    people, carol = joint.people, joint.people.carol
    [asked] = referring.asked(carol.actor)
    assert (asked.id, asked.receiver.pk, asked.sender.pk) == (
        joint.referral,
        people.outsiders,
        people.northwind,
    )
    with pytest.raises(Unseen):
        joint.seen(carol)
    assert referring.asked(people.rhea.actor) == []
    assert (referring.waiting(carol.actor), referring.waiting(people.mallory.actor)) == (1, 0)
    with pytest.raises(Unseen):
        joint.seen(people.mallory)
    joint.perform(ConsentToReferral, carol)
    assert (referring.waiting(carol.actor), referring.waiting(people.mallory.actor)) == (0, 1)
    joint.perform(AcceptReferral, people.mallory)
    assert reads.case(people.mallory.actor, joint.case.pk).my_part == "partner"


def test_whom_a_party_does_not_want_never_learns_of_it(joint: Told) -> None:
    joint.perform(ObjectToReferral, joint.people.carol, reason="A rival")
    assert joint.seen(joint.people.alice).status == "objected"
    with pytest.raises(Unseen):
        joint.seen(joint.people.mallory)


def sentences(told: Told, by: cast.Person) -> list[str]:
    case = reads.case(by.actor, told.case.pk)
    return [row.sentence for row in reads.ledger_page(by.actor, case)]


def test_a_referrals_words_are_opened_to_its_two_sides_alone(joint: Told) -> None:
    joint.perform(ConsentToReferral, joint.people.carol)
    joint.perform(AskBack, joint.people.mallory, question="Whose accounts?")
    alice, carol, rhea = (" ".join(sentences(joint, who)) for who in (
        joint.people.alice, joint.people.carol, joint.people.rhea,
    ))  # fmt: skip
    assert "Find them" in alice
    assert "Whose accounts?" in alice
    assert "asked for consent to refer this" in carol
    assert "agreed to a referral" in carol
    for other in (carol, rhea):
        assert "Find them" not in other
        assert "Whose accounts?" not in other
    assert "referral" not in rhea
    assert "refer this" not in rhea
    assert "by a party that is not in the case" in rhea
    joint.perform(AcceptReferral, joint.people.mallory)
    mallory = " ".join(sentences(joint, joint.people.mallory))
    assert "Find them" in mallory
    assert "asked for consent" not in mallory


# Walls


def test_before_acceptance_nothing_of_the_case_is_in_what_the_receiver_gets(
    people: cast.Cast, case: Case
) -> None:
    """The reads themselves; tests/api and tests/web grep what the doors answer."""
    cast.sealed_item(people, case, title=f"Item {CANARY}")
    perform(ReviseCase(case=case.pk, summary=f"More {CANARY}"), actor=people.alice.actor)
    told = send(people, case)
    mallory = people.mallory.actor
    assert not reads.my_cases(mallory).exists()
    assert not reads.my_items(mallory).exists()
    assert referring.items_of(mallory, told.seen(people.mallory)) == []
    assert referring.consents(mallory, told.seen(people.mallory)) == []
    assert referring.asked(mallory) == []


def test_what_a_receiver_may_not_do_is_refused_as_what_is_not_there(told: Told) -> None:
    mallory, nowhere = told.people.mallory, uuid4()
    for command in (
        CloseCase(case=told.case.pk, reason="Mine"),
        AddParty(case=told.case.pk, party=told.people.contoso, role="partner"),
        WithdrawReferral(case=told.case.pk, referral=told.referral, reason="Mine"),
        AnswerReferral(case=told.case.pk, referral=told.referral, text="Mine"),
        AcceptReferral(case=told.case.pk, referral=nowhere),
    ):
        for case in (told.case.pk, nowhere):
            with pytest.raises(Unseen):
                perform(replace(command, case=case, id=uuid4()), actor=mallory.actor)


def test_a_closed_case_is_not_told_from_another_end(told: Told) -> None:
    alice = told.people.alice.actor
    perform(OpenCase(case=told.case.pk), actor=alice)
    perform(CloseCase(case=told.case.pk, reason=CANARY), actor=alice)
    with pytest.raises(Refused) as caught:
        told.perform(AcceptReferral, told.people.mallory)
    assert caught.value.sentence == OVER


def test_the_same_press_twice_is_one_acceptance(told: Told) -> None:
    command = AcceptReferral(case=told.case.pk, referral=told.referral)
    first = perform(command, actor=told.people.mallory.actor)
    again = perform(command, actor=told.people.mallory.actor)
    assert again.replayed
    assert replace(again, replayed=False) == first


# Signatures


@pytest.mark.parametrize("holder", [FileKey(), Passkey()], ids=["file", "passkey"])
def test_an_acceptance_signed_by_who_is_not_in_the_case_yet(told: Told, holder: Any) -> None:
    mallory, party = told.people.mallory, told.people.outsiders
    keyholders.register(holder, by=mallory)
    perform(RequireSignatures(party=party, required=True), actor=mallory.actor)
    command = AcceptReferral(case=told.case.pk, referral=told.referral, terms=told.seen(mallory).digest)
    with pytest.raises(Refused) as caught:
        perform(command, actor=mallory.actor)
    assert caught.value.code == "signature-needed"
    perform(command, actor=mallory.actor, authorship=sign(holder, command))
    accepted = next(one for one in reading.read_events(told.case.pk) if one.type == "ReferralAccepted")
    assert accepted.fields["signed"]["terms"] == command.terms  # type: ignore[index,call-overload]
    part = Participation.objects.get(case=told.case, party=party)
    assert part.keys == part.party.keys == 2
    assert not keyring.lagging().filter(case=told.case).exists()
    keyholders.register(FileKey(), by=mallory)
    keyring.spread(told.case.pk, party)
    part.refresh_from_db()
    assert part.keys == 3
    assert verify_log(told.case.pk) == []


def test_keys_are_copied_for_nobody_who_is_not_awaited(told: Told) -> None:
    carol = told.people.carol
    keyholders.register(FileKey(), by=carol)
    keyring.spread(told.case.pk, told.people.contoso)
    copy = CopyKeys(case=told.case.pk, party=told.people.contoso, since=0, until=1)
    with pytest.raises(Unseen):
        perform(copy, actor=worker_for(told.people.contoso))
    assert not [one for one in reading.read_events(told.case.pk) if one.stream.startswith("keys/")]


def test_a_signed_referral_says_what_was_signed(people: cast.Cast, case: Case) -> None:
    holder = FileKey()
    keyholders.register(holder, by=people.alice)
    command = SendReferral(
        case=case.pk,
        referral=uuid4(),
        to=people.outsiders,
        summary="Words",
        purpose="Stop it",
        indicators=("a", "b"),
        expires_at=datetime(2036, 1, 1, tzinfo=UTC),
    )
    perform(command, actor=people.alice.actor, authorship=sign(holder, command))
    sent = next(one for one in reading.read_events(case.pk) if one.type == "ReferralSent")
    assert events.read(sent).fields()["indicators"] == ["a", "b"]
    blanks = replace(command, id=uuid4(), referral=uuid4(), summary=" Words ")
    perform(blanks, actor=people.alice.actor, authorship=sign(holder, blanks))
    assert {row.summary for row in Referral.objects.filter(case=case)} == {"Words", " Words "}


@pytest.mark.usefixtures("whole_db")
def test_the_tables_follow_from_the_ledger_alone_also_after_an_erasure() -> None:
    people = cast.the_cast()
    holder = FileKey()
    keyholders.register(holder, by=people.mallory)
    own = uuid4()
    perform(CreateCase(case=own, title="Alone"), actor=people.alice.actor)
    item = cast.sealed_item(people, reads.case(people.alice.actor, own))
    told = send(
        people, reads.case(people.alice.actor, own), items=(item.pk,), allowed=("preview",), summary=CANARY
    )
    told.perform(AskBack, people.mallory, question="Which?")
    told.perform(AnswerReferral, people.alice, text=f"That {CANARY}")
    command = AcceptReferral(case=own, referral=told.referral)
    perform(command, actor=people.mallory.actor, authorship=sign(holder, command))
    joint = send(people, cast.joint_case(people))
    joint.perform(ConsentToReferral, people.carol)
    send(people, joint.case).perform(ObjectToReferral, people.carol, reason="No")
    keyring.spread(own, people.outsiders)
    assert compare(lambda done, total: None) == []
    for one in list(reading.read_events(own)):
        names = {"ReferralSent": "summary", "ReferralAnswered": "text"}.get(one.type)
        if names:
            erase = EraseValues(case=own, entry=one.index, names=(names,), reason="Personal")
            perform(erase, actor=people.alice.actor)
    found = told.seen(people.alice)
    assert found.summary == "(erased)"
    assert [note.text for note in referring.notes(people.alice.actor, found)] == ["Which?", "(erased)"]
    assert compare(lambda done, total: None) == []
