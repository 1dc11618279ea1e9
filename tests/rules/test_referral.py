"""A referral: sent, asked about, answered, accepted, and what nobody may do with it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cases import policy
from cases.rules.case import CaseClosed, CloseCase, PartyAdded, PartyLeft, ReviseCase
from cases.rules.known import Around
from cases.rules.referral import (
    OVER,
    AcceptReferral,
    AnswerReferral,
    AskBack,
    ConsentToReferral,
    ObjectToReferral,
    ReferralCommand,
    RefuseReferral,
    SendReferral,
    WithdrawReferral,
    share_of,
)
from cases.rules.referral_events import (
    ReferralAccepted,
    ReferralAnswered,
    ReferralAsked,
    ReferralConsented,
    ReferralObjected,
    ReferralPutToParties,
    ReferralRefused,
    ReferralSent,
    ReferralWithdrawn,
)
from cases.rules.shape import Event
from cases.rules.share_events import ShareAccepted, ShareOffered
from cases.rules.sharing import Held
from tests.rules.given import (
    ALICE,
    BOB,
    CAROL,
    CASE,
    CONTOSO,
    CREATED,
    ITEM,
    JOINT,
    MALLORY,
    NORTHWIND,
    OTHER,
    OUTSIDERS,
    RHEA,
    decide,
    member,
    name,
    refused,
)

REFERRAL = name("referral")
NOW = datetime(2026, 2, 8, 12, tzinfo=UTC)
ALONE: tuple[Event, ...] = (CREATED,)
OWN = {ITEM: Held(owner=NORTHWIND, operations=frozenset({"metadata"}))}
KEYS = ("outsiders.example/witness+00000000+AA==",)
AROUND = Around(party_name="Outsiders", witnesses=KEYS, held=OWN, markings=frozenset({"TLP:AMBER"}), now=NOW)
SEND = SendReferral(
    case=CASE,
    referral=REFERRAL,
    to=OUTSIDERS,
    summary="Accounts of yours extract our model's answers in bulk.",
    indicators=("203.0.113.7", "python-requests/2.31"),
    purpose="Find and stop the accounts",
    legal_basis="Terms of service, 4.2",
)
WITH_ITEM = replace(
    SEND, items=(ITEM,), labels=("Gateway log, one week",), allowed=("search", "preview"), tlp="TLP:AMBER"
)
ABOUT: dict[str, Any] = {"referral": REFERRAL, "party": NORTHWIND, "to": OUTSIDERS}
LEFT = PartyLeft(party=OUTSIDERS, reason="Done")
EVE = member("eve", OUTSIDERS, "viewer")
PAT = member("pat", OUTSIDERS, "investigator")


def sent(command: SendReferral = SEND, given: tuple[Event, ...] = ALONE) -> tuple[Event, ...]:
    """A case with a referral in it."""
    return (*given, *decide(given, command, around=AROUND))


def about(of: type[ReferralCommand], **more: Any) -> Any:
    return of(case=CASE, referral=REFERRAL, **more)


ACCEPT = about(AcceptReferral)
CONSENT = about(ConsentToReferral)


# Sending


def test_alone_in_its_case_a_party_refers_at_once() -> None:
    told: dict[str, Any] = {"summary": SEND.summary, "indicators": SEND.indicators, "purpose": SEND.purpose}
    told |= {"legal_basis": SEND.legal_basis, "agreement": "", "tlp": "TLP:AMBER", "onward": False}
    [event] = decide(ALONE, SEND, around=AROUND)
    assert event == ReferralSent(
        **ABOUT, **told, name="Outsiders", items=(), labels=(), allowed=(), expires_at=None, asked=()
    )


def test_the_other_active_parties_are_asked_first_and_an_observer_is_not() -> None:
    first, second = decide(JOINT, SEND, around=AROUND)
    assert isinstance(first, ReferralSent)
    assert first.asked == (CONTOSO,)
    assert second == ReferralPutToParties(**ABOUT, name="Outsiders", asked=(CONTOSO,))


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("summary", " ", "invalid"),
        ("summary", "x" * 4_001, "invalid"),
        ("purpose", "", "invalid"),
        ("legal_basis", "x" * 501, "invalid"),
        ("agreement", "x" * 201, "invalid"),
        ("indicators", ("",), "invalid"),
        ("indicators", ("x",) * 201, "invalid"),
        ("indicators", ("half a pair \ud800",), "invalid"),
        ("labels", ("A name for nothing",), "invalid"),
        ("allowed", ("search",), "invalid"),
        ("tlp", "TLP:WHITE", "invalid"),
        ("tlp", "TLP:RED", "marked-red"),
        ("expires_at", NOW, "invalid"),
        ("to", NORTHWIND, "invalid"),
        ("to", CONTOSO, "party-present"),
    ],
)
def test_what_cannot_be_said_is_refused(field: str, value: Any, code: str) -> None:
    command = replace(SEND, **{field: value})
    assert refused(code, JOINT, command, around=AROUND).field == field


def test_strict_marking_and_onward_sharing_do_not_go_together() -> None:
    command = replace(SEND, tlp="TLP:AMBER+STRICT", onward=True)
    assert refused("marked-strict", ALONE, command, around=AROUND).field == "onward"


def test_a_party_that_the_host_does_not_know_gets_nothing() -> None:
    assert refused("invalid", ALONE, SEND, around=replace(AROUND, party_name=None)).field == "to"


def test_only_own_items_go_along_and_never_freer_than_they_are_marked() -> None:
    refused("not-found", ALONE, replace(WITH_ITEM, items=(OTHER,)), around=AROUND)
    theirs = {ITEM: Held(owner=CONTOSO, operations=frozenset({"metadata", "share_on"}))}
    refused("not-owner", ALONE, WITH_ITEM, around=replace(AROUND, held=theirs))
    stricter = replace(AROUND, markings=frozenset({"TLP:AMBER+STRICT"}))
    assert refused("less-strict", ALONE, WITH_ITEM, around=stricter).field == "tlp"
    assert refused("invalid", ALONE, replace(WITH_ITEM, allowed=()), around=AROUND).field == "operations"


@pytest.mark.parametrize(
    "who", [BOB, member("vera", NORTHWIND, "viewer"), member("cu", NORTHWIND, "custodian")]
)
def test_a_lead_investigator_or_counsel_refers(who: Any) -> None:
    refused("role", ALONE, SEND, who, AROUND)


def test_an_observer_refers_nothing_and_a_stranger_finds_no_case() -> None:
    refused("part", JOINT, SEND, replace(RHEA, role="counsel"), AROUND)
    refused("not-found", JOINT, SEND, MALLORY, AROUND)


def test_nothing_is_sent_twice_or_from_a_closed_case() -> None:
    refused("referral-exists", sent(), SEND, around=AROUND)
    refused("case-status", (*ALONE, CaseClosed(reason="Done")), SEND, around=AROUND)


# Consent


def test_until_all_have_agreed_the_receiver_finds_nothing() -> None:
    three = (*JOINT, PartyAdded(party=name("third"), name="Third", role="partner"))
    given = sent(given=three)
    for command in (ACCEPT, about(AskBack, question="Who?"), about(RefuseReferral, reason="No")):
        refused("not-found", given, command, MALLORY, AROUND)
    [first] = decide(given, CONSENT, CAROL)
    assert first == ReferralConsented(**ABOUT, asked=(CONTOSO, name("third")), by=CONTOSO, left=1)
    refused("not-found", (*given, first), ACCEPT, MALLORY, AROUND)
    refused("consent-given", (*given, first), CONSENT, CAROL)
    [second] = decide((*given, first), CONSENT, member("tom", name("third")))
    assert isinstance(second, ReferralConsented)
    assert second.left == 0
    assert decide((*given, first, second), ACCEPT, MALLORY, AROUND)


def test_one_objection_ends_it_and_the_receiver_never_learns_of_it() -> None:
    [event] = decide(sent(given=JOINT), about(ObjectToReferral, reason="Not them"), CAROL)
    assert event == ReferralObjected(**ABOUT, asked=(CONTOSO,), by=CONTOSO, reason="Not them")
    after = (*sent(given=JOINT), event)
    refused("referral-state", after, CONSENT, CAROL)
    refused("not-found", after, ACCEPT, MALLORY, AROUND)


def test_withdrawn_before_the_consent_the_receiver_never_learns_of_it() -> None:
    [event] = decide(sent(given=JOINT), about(WithdrawReferral, reason="Too early"))
    refused("not-found", (*sent(given=JOINT), event), about(RefuseReferral, reason="No"), MALLORY)


def test_who_is_asked_for_consent_may_not_answer_and_an_observer_finds_nothing() -> None:
    given = sent(given=JOINT)
    refused("not-receiver", given, ACCEPT, CAROL, AROUND)
    refused("not-sender", given, about(WithdrawReferral, reason="No"), CAROL)
    refused("not-found", given, CONSENT, replace(RHEA, role="counsel"))
    refused("role", given, CONSENT, replace(CAROL, role="investigator"))


# Asking back


def test_a_question_and_its_answer() -> None:
    given = sent()
    question = decide(given, about(AskBack, question="Which week?"), PAT)
    assert question == [ReferralAsked(**ABOUT, question="Which week?")]
    answer = decide((*given, *question), about(AnswerReferral, text="The second."), BOB)
    assert answer == [ReferralAnswered(**ABOUT, text="The second.")]
    refused("nothing-asked", (*given, *question, *answer), about(AnswerReferral, text="Still."), BOB)


def test_questions_have_an_end() -> None:
    notes = [ReferralAsked(**ABOUT, question="And?")] * 100
    refused("enough-said", (*sent(), *notes), about(AskBack, question="And?"), PAT)


# Accepting and refusing


def test_accepting_brings_the_receiver_in_as_a_partner() -> None:
    told = decide(sent(), ACCEPT, MALLORY, AROUND)
    assert told == [
        ReferralAccepted(**ABOUT, terms=""),
        PartyAdded(party=OUTSIDERS, name="Outsiders", role="partner", keys=KEYS),
    ]


def test_the_named_items_are_shared_under_the_same_terms_by_the_same_act() -> None:
    command = replace(WITH_ITEM, expires_at=NOW + timedelta(days=30), agreement="NW-O 1")
    first, joined, offered, accepted = decide(sent(command), ACCEPT, MALLORY, AROUND)
    assert isinstance(first, ReferralAccepted)
    assert isinstance(joined, PartyAdded)
    assert isinstance(offered, ShareOffered)
    assert (offered.share, offered.party, offered.to) == (share_of(REFERRAL), NORTHWIND, OUTSIDERS)
    assert (offered.items, offered.operations) == ((ITEM,), ("search", "preview"))
    assert (offered.purpose, offered.agreement, offered.tlp) == (command.purpose, "NW-O 1", "TLP:AMBER")
    assert offered.expires_at == command.expires_at
    assert isinstance(accepted, ShareAccepted)
    assert (accepted.share, accepted.party, accepted.to) == (offered.share, NORTHWIND, OUTSIDERS)
    assert accepted.terms == offered.digest


def test_who_has_left_the_case_may_be_referred_to_and_comes_back() -> None:
    left = (*ALONE, PartyAdded(party=OUTSIDERS, name="Outsiders", role="partner"), LEFT)
    [_, joined] = decide(sent(given=left), ACCEPT, MALLORY, AROUND)
    assert isinstance(joined, PartyAdded)
    assert joined.again


def test_what_was_read_is_what_is_accepted() -> None:
    event = sent()[-1]
    assert isinstance(event, ReferralSent)
    assert decide(sent(), replace(ACCEPT, terms=event.digest), MALLORY, AROUND)
    refused("other-terms", sent(), replace(ACCEPT, terms="0" * 64), MALLORY, AROUND)
    assert event.digest != replace(event, purpose="Something else").digest


def test_what_has_run_out_is_not_accepted_any_more() -> None:
    given = sent(replace(SEND, expires_at=NOW + timedelta(seconds=1)))
    refused("referral-expired", given, ACCEPT, MALLORY, replace(AROUND, now=NOW + timedelta(seconds=1)))
    assert decide(given, about(RefuseReferral, reason="Too late"), MALLORY)


@pytest.mark.parametrize("how", ["closed", "stricter", "sender gone"])
def test_why_it_can_no_longer_be_accepted_says_nothing_of_the_case(how: str) -> None:
    given, around = sent(WITH_ITEM), AROUND
    if how == "closed":
        given = (*given, CaseClosed(reason="A secret reason"))
    elif how == "stricter":
        around = replace(AROUND, markings=frozenset({"TLP:RED"}))
    else:
        given = (*given, PartyAdded(party=NORTHWIND, name="Northwind", role="observer"))
    code = "case-status" if how == "closed" else "referral-over"
    assert refused(code, given, ACCEPT, MALLORY, around).sentence == OVER


@pytest.mark.parametrize(
    "end",
    [
        ReferralAccepted(**ABOUT, terms=""),
        ReferralRefused(**ABOUT, reason="No"),
        ReferralWithdrawn(**ABOUT, reason="Mistaken"),
    ],
)
def test_an_answer_is_given_once(end: Event) -> None:
    for command in (ACCEPT, about(RefuseReferral, reason="No"), about(AskBack, question="?")):
        refused("referral-state", (*sent(), end), command, MALLORY, AROUND)
    refused("referral-state", (*sent(), end), about(WithdrawReferral, reason="No"))


def test_refusing_needs_its_reason_and_a_role() -> None:
    assert decide(sent(), about(RefuseReferral, reason="Not ours"), MALLORY) == [
        ReferralRefused(**ABOUT, reason="Not ours")
    ]
    assert refused("invalid", sent(), about(RefuseReferral, reason=" "), MALLORY).field == "reason"
    refused("role", sent(), about(RefuseReferral, reason="Not ours"), PAT)
    refused("role", sent(), ACCEPT, PAT, AROUND)
    refused("role", sent(), about(AskBack, question="?"), EVE)


# Walls


def test_a_receiver_may_do_nothing_else_in_the_case() -> None:
    given = sent()
    for command in (
        about(WithdrawReferral, reason="Mine"),
        about(AnswerReferral, text="Mine"),
        CONSENT,
        CloseCase(case=CASE, reason="Mine"),
        ReviseCase(case=CASE, title="Mine"),
        replace(SEND, referral=name("another")),
    ):
        refused("not-found", given, command, MALLORY, AROUND)


@pytest.mark.parametrize("who", [CAROL, member("zoe", name("zoe's"))])
def test_who_is_no_side_of_a_referral_finds_none(who: Any) -> None:
    for given in (sent(), ALONE):
        for command in (ACCEPT, CONSENT, about(AskBack, question="?"), about(WithdrawReferral, reason="x")):
            refused("not-found", given, command, who, AROUND)


def test_sending_and_accepting_bind_a_party() -> None:
    assert {"SendReferral", "AcceptReferral"} <= policy.BINDING


def test_the_sender_does_not_answer_itself() -> None:
    refused("not-receiver", sent(), ACCEPT, ALICE, AROUND)
