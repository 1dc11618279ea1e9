"""Parties that join, lead, close and leave, on the real database: who sees what from when on."""

import pytest

from cases import copies, keyring, openings, policy, reads, together
from cases.models import Case, EvidenceItem, Participation, Proposal, Share
from cases.perform import perform
from cases.refusals import Refused, Unseen
from cases.rules.case import AddParty, CloseCase, ContainCase, PlaceLegalHold
from cases.rules.examining import Examination, ExamineEvidence
from cases.rules.proposals import (
    AcceptLead,
    AgreeToClose,
    ConsentToParty,
    DissentFromClosing,
    LeaveCase,
    ObjectToParty,
    OfferLead,
    proposal_of,
)
from ledger import reading
from ledger.verify import verify_log
from tests import cast, keyholders
from tests.keyholders import FileKey


@pytest.fixture
def people(db: None) -> cast.Cast:
    return cast.the_cast()


@pytest.fixture
def case(people: cast.Cast) -> Case:
    return cast.joint_case(people)


def seen_by(person: cast.Person, case: Case) -> set[object]:
    return set(reads.items(person.actor, case).values_list("pk", flat=True))


def told(case: Case, person: cast.Person) -> list[str]:
    return [row.sentence for row in reads.ledger_page(person.actor, case)]


def test_a_proposed_party_sees_nothing_until_all_have_consented(people: cast.Cast, case: Case) -> None:
    adding = AddParty(case=case.pk, party=people.outsiders, role="partner")
    perform(adding, actor=people.alice.actor)
    with pytest.raises(Unseen):
        reads.case(people.mallory.actor, case.pk)
    assert not reads.candidates(people.alice.actor, case).filter(pk=people.outsiders).exists()
    (asked,) = together.questions(people.rhea.actor, case)
    assert [party.pk for party in asked.waits_for] == [people.contoso]
    perform(ConsentToParty(case=case.pk, proposal=proposal_of(adding)), actor=people.carol.actor)
    assert reads.case(people.mallory.actor, case.pk).my_part == "partner"
    (carried,) = together.questions(people.mallory.actor, case)
    assert (carried.proposal.status, carried.waits_for) == ("carried", ())
    assert [answer.party_id for answer in carried.answers] == [people.contoso]
    assert "consented to Outsiders" in told(case, people.mallory)[-2]
    assert "is in the case as partner" in told(case, people.mallory)[-1]


def test_questions_are_for_those_in_the_case(people: cast.Cast, case: Case) -> None:
    adding = AddParty(case=case.pk, party=people.outsiders, role="partner")
    perform(adding, actor=people.alice.actor)
    with pytest.raises(Unseen):
        together.questions(people.mallory.actor, case)
    with pytest.raises(Unseen):
        together.question(people.alice.actor, case, proposal_of(adding), kind="closing")


def test_an_objection_is_kept_with_its_reason(people: cast.Cast, case: Case) -> None:
    adding = AddParty(case=case.pk, party=people.outsiders, role="partner")
    perform(adding, actor=people.alice.actor)
    no = ObjectToParty(case=case.pk, proposal=proposal_of(adding), reason="A competitor")
    perform(no, actor=people.carol.actor)
    (asked,) = together.questions(people.alice.actor, case)
    assert (asked.proposal.status, asked.answers[0].reason) == ("refused", "A competitor")
    assert reads.candidates(people.alice.actor, case).filter(pk=people.outsiders).exists()


def test_a_closing_shows_who_agreed_and_who_dissented(people: cast.Cast, case: Case) -> None:
    cast.add_party(case.pk, people.outsiders, by=people.alice, consenting=[people.carol])
    close = CloseCase(case=case.pk, reason="Settled")
    perform(close, actor=people.alice.actor)
    assert reads.case(people.alice.actor, case.pk).status == "open"
    dissent = DissentFromClosing(case=case.pk, proposal=proposal_of(close), reason="The accounts are back")
    perform(dissent, actor=people.carol.actor)
    assert reads.case(people.alice.actor, case.pk).status == "open"
    perform(AgreeToClose(case=case.pk, proposal=proposal_of(close)), actor=people.mallory.actor)
    closed = reads.case(people.carol.actor, case.pk)
    assert (closed.status, closed.status_reason) == ("closed", "Settled")
    asked = together.question(people.rhea.actor, case, proposal_of(close))
    assert [(answer.party_id, answer.answer) for answer in asked.answers] == [
        (people.contoso, "dissented"),
        (people.outsiders, "agreed"),
    ]


def test_what_was_proposed_lapses_when_the_case_moves_on(people: cast.Cast, case: Case) -> None:
    close = CloseCase(case=case.pk, reason="Settled")
    perform(close, actor=people.alice.actor)
    perform(ContainCase(case=case.pk, reason="Banned"), actor=people.alice.actor)
    lapsed = Proposal.objects.get(pk=proposal_of(close))
    assert (lapsed.status, lapsed.end_reason) == ("lapsed", "status")
    assert lapsed.ended_at is not None
    with pytest.raises(Refused) as late:
        perform(AgreeToClose(case=case.pk, proposal=proposal_of(close)), actor=people.carol.actor)
    assert late.value.code == "not-open"


def test_the_lead_passes_on_with_all_that_goes_with_it(people: cast.Cast, case: Case) -> None:
    offer = OfferLead(case=case.pk, to=people.contoso)
    perform(offer, actor=people.alice.actor)
    perform(AcceptLead(case=case.pk, proposal=proposal_of(offer)), actor=people.carol.actor)
    now = reads.case(people.carol.actor, case.pk)
    assert (now.lead_id, now.my_part) == (people.contoso, "lead")
    parts = [(part.party_id, part.role) for part in reads.parties_of(people.rhea.actor, case)]
    assert parts == [
        (people.contoso, "lead"),
        (people.northwind, "partner"),
        (people.regulator, "observer"),
    ]
    assert "CloseCase" in policy.offers(people.carol.actor, now)
    assert "CloseCase" not in policy.offers(people.alice.actor, reads.case(people.alice.actor, case.pk))


def test_who_leaves_sees_nothing_more_at_once(people: cast.Cast, case: Case) -> None:
    ours, theirs = cast.sealed_item(people, case), cast.sealed_item(people, case, by=people.carol)
    cast.disclose(case, ours, people.contoso, by=people.alice)
    cast.disclose(case, theirs, people.northwind, by=people.carol)
    cast.offer(case, theirs, to=people.regulator, by=people.carol)
    assert seen_by(people.carol, case) == seen_by(people.alice, case) == {ours.pk, theirs.pk}
    perform(LeaveCase(case=case.pk, reason="Sold"), actor=people.carol.actor)
    with pytest.raises(Unseen):
        reads.case(people.carol.actor, case.pk)
    assert not reads.my_cases(people.carol.actor).exists()
    assert not reads.my_items(people.carol.actor).exists()
    assert not reads.parties_of(people.carol.actor, case).exists()
    read = ExamineEvidence(case=case.pk, examinations=(Examination(item=theirs.pk, how="download"),))
    for person in (people.carol, people.alice):
        with pytest.raises(Unseen):
            perform(read, actor=person.actor)
    # What it had shared is shared no longer; what it owned stays recorded.
    assert seen_by(people.alice, case) == {ours.pk}
    assert EvidenceItem.objects.get(pk=theirs.pk).owner_id == people.contoso
    states = Share.objects.filter(case=case).values_list("giver", "receiver", "status")
    assert set(states) == {
        (people.northwind, people.contoso, "given_up"),
        (people.contoso, people.northwind, "revoked"),
        (people.contoso, people.regulator, "revoked"),
    }
    assert verify_log(case.pk) == []


def test_the_others_read_on_who_left_and_what_it_had_done(people: cast.Cast, case: Case) -> None:
    perform(PlaceLegalHold(case=case.pk, reason="Dispute"), actor=people.alice.actor)
    short = case.participations.get(party=people.contoso).party.short_name
    perform(LeaveCase(case=case.pk, reason="Sold"), actor=people.carol.actor)
    assert told(case, people.alice)[-1] == f"Carol ({short}) left the case: Sold"
    everyone = reads.everyone_in(people.rhea.actor, case)
    (past,) = [part for part in everyone if part.left_at is not None]
    assert (past.party_id, past.role, past.left_reason) == (people.contoso, "partner", "Sold")
    # The lead decides alone now.
    perform(CloseCase(case=case.pk, reason="Done"), actor=people.alice.actor)
    assert reads.case(people.alice.actor, case.pk).status == "closed"


def test_who_comes_back_sees_what_it_owns_and_no_more(people: cast.Cast, case: Case) -> None:
    ours, theirs = cast.sealed_item(people, case), cast.sealed_item(people, case, by=people.carol)
    cast.disclose(case, ours, people.contoso, by=people.alice)
    cast.disclose(case, theirs, people.northwind, by=people.carol)
    perform(LeaveCase(case=case.pk, reason="Sold"), actor=people.carol.actor)
    cast.add_party(case.pk, people.contoso, by=people.alice)
    assert Participation.objects.get(case=case, party=people.contoso).left_at is None
    assert seen_by(people.carol, case) == {theirs.pk}
    assert seen_by(people.alice, case) == {ours.pk}
    assert "Contoso" in told(case, people.carol)[-1] and "again as partner" in told(case, people.carol)[-1]


def test_a_case_that_a_party_has_left_is_told_none_of_its_keys(people: cast.Cast, case: Case) -> None:
    keyholders.register(FileKey(), by=people.carol)
    perform(LeaveCase(case=case.pk, reason="Sold"), actor=people.carol.actor)
    assert copies.due(case.pk, people.contoso) is None
    assert not keyring.lagging().filter(case=case, party=people.contoso).exists()
    cast.add_party(case.pk, people.contoso, by=people.alice)
    keyring.spread(case.pk, people.contoso)
    assert "KeyRegistered" in [event.type for event in reading.read_events(case.pk)]


def test_every_party_may_read_what_is_decided_together(people: cast.Cast, case: Case) -> None:
    cast.close(case.pk, by=people.alice, agreeing=[people.carol])
    entries = openings.told(case.pk, reading.read_entries(case.pk, limit=100))
    for person in (people.alice, people.carol, people.rhea):
        assert all(openings.opened_to(person.actor, one, set()) for one in entries)


def test_the_same_answer_again_is_the_first_receipt(people: cast.Cast, case: Case) -> None:
    close = CloseCase(case=case.pk, reason="Settled")
    perform(close, actor=people.alice.actor)
    agree = AgreeToClose(case=case.pk, proposal=proposal_of(close))
    first, again = (perform(agree, actor=people.carol.actor) for _ in range(2))
    assert again.replayed and again.events == first.events
    assert [event.type for event in first.events] == ["ClosingAgreed", "CaseClosed"]
