"""Who joins, who leads, when the case is closed: what the parties of a case decide together."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from cases import policy
from cases.rules.acting import Actor
from cases.rules.case import (
    AddParty,
    CaseClosed,
    CaseContained,
    CaseOpened,
    CaseReopened,
    CloseCase,
    ContainCase,
    LegalHoldPlaced,
    OpenCase,
    PartyAdded,
    PartyLeft,
    PlaceLegalHold,
    ReopenCase,
    ReviseCase,
)
from cases.rules.known import Around, Ending
from cases.rules.proposal_events import (
    ClosingAgreed,
    ClosingDissented,
    ClosingProposed,
    LeadAccepted,
    LeadOffered,
    LeadRefused,
    PartyConsented,
    PartyObjected,
    PartyProposed,
    ProposalLapsed,
    ProposalWithdrawn,
)
from cases.rules.proposals import (
    AcceptLead,
    AgreeToClose,
    ConsentToParty,
    DissentFromClosing,
    LeaveCase,
    ObjectToParty,
    OfferLead,
    RefuseLead,
    WithdrawProposal,
    proposal_of,
)
from cases.rules.shape import CaseCommand, Event
from cases.rules.share_events import ShareGivenUp, ShareRefused, ShareRevoked
from tests.rules.given import (
    ALICE,
    BOB,
    CAROL,
    CASE,
    CONTOSO,
    CREATED,
    JOINT,
    MALLORY,
    NORTHWIND,
    OUTSIDERS,
    REGULATOR,
    decide,
    member,
    name,
    refused,
)

FABRIKAM = name("fabrikam")
FRED = member("fred", FABRIKAM)
RUTH = member("ruth", REGULATOR, "counsel")
NAMED = Around(party_name="Outsiders", witnesses=("a key",))
P, Q = name("proposal"), name("another proposal")
THREE: tuple[Event, ...] = (*JOINT, PartyAdded(party=FABRIKAM, name="Fabrikam", role="partner"))
ALONE: tuple[Event, ...] = (
    CREATED,
    CaseOpened(),
    PartyAdded(party=REGULATOR, name="Regulator", role="observer"),
)
PROPOSED = PartyProposed(proposal=P, by=NORTHWIND, party=OUTSIDERS, name="Outsiders", role="partner")
CLOSING = ClosingProposed(proposal=P, by=NORTHWIND, reason="Done")
OFFERED = LeadOffered(proposal=P, by=NORTHWIND, to=CONTOSO)
ADD = AddParty(case=CASE, party=OUTSIDERS, role="partner")
CLOSE = CloseCase(case=CASE, reason="Done")
JOINED = PartyAdded(party=OUTSIDERS, name="Outsiders", role="partner", keys=("a key",), proposal=P)


def consented(by: UUID) -> PartyConsented:
    return PartyConsented(proposal=P, by=by, party=OUTSIDERS, name="Outsiders", role="partner")


def lapsed(why: str, kind: str = "party", title: str = "Outsiders", proposal: UUID = P) -> ProposalLapsed:
    return ProposalLapsed(proposal=proposal, kind=kind, name=title, why=why)


# Joining


def test_a_party_joins_at_once_where_the_lead_decides_alone() -> None:
    added = PartyAdded(party=OUTSIDERS, name="Outsiders", role="partner", keys=("a key",))
    assert decide(ALONE, ADD, around=NAMED) == [added]


def test_add_party_is_a_proposal_where_others_decide_as_well() -> None:
    told = PartyProposed(
        proposal=proposal_of(ADD), by=NORTHWIND, party=OUTSIDERS, name="Outsiders", role="partner"
    )
    assert decide(JOINT, ADD, around=NAMED) == [told]
    refused("party-proposed", [*JOINT, told], ADD, around=NAMED)
    assert refused("invalid", JOINT, ADD).field == "party"


def test_a_partner_may_propose_a_party_and_then_the_lead_is_asked() -> None:
    (told,) = decide(JOINT, ADD, CAROL, NAMED)
    assert isinstance(told, PartyProposed) and told.by == CONTOSO
    answer = ConsentToParty(case=CASE, proposal=told.proposal)
    refused("answered-already", [*JOINT, told], answer, CAROL, NAMED)
    assert [type(event) for event in decide([*JOINT, told], answer, ALICE, NAMED)] == [
        PartyConsented,
        PartyAdded,
    ]


def test_consent_to_party_lets_it_in_once_all_have_consented() -> None:
    consent = ConsentToParty(case=CASE, proposal=P)
    given = [*THREE, PROPOSED]
    assert decide(given, consent, CAROL, NAMED) == [consented(CONTOSO)]
    refused("answered-already", [*given, consented(CONTOSO)], consent, CAROL, NAMED)
    assert decide([*given, consented(CONTOSO)], consent, FRED, NAMED) == [consented(FABRIKAM), JOINED]


def test_an_observer_is_not_asked() -> None:
    assert decide([*JOINT, PROPOSED], ConsentToParty(case=CASE, proposal=P), CAROL, NAMED)[-1] == JOINED
    for command in (ConsentToParty(case=CASE, proposal=P), ObjectToParty(case=CASE, proposal=P, reason="No")):
        assert refused("part", [*JOINT, PROPOSED], command, RUTH, NAMED).status == 403


def test_object_to_party_ends_the_proposal() -> None:
    objection = ObjectToParty(case=CASE, proposal=P, reason="A competitor")
    objected = decide([*THREE, PROPOSED, consented(FABRIKAM)], objection, CAROL)
    assert objected == [
        PartyObjected(
            proposal=P,
            by=CONTOSO,
            party=OUTSIDERS,
            name="Outsiders",
            role="partner",
            reason="A competitor",
        )
    ]
    silent = ObjectToParty(case=CASE, proposal=P, reason=" ")
    assert refused("invalid", [*JOINT, PROPOSED], silent, CAROL).field == "reason"
    refused("not-open", [*THREE, PROPOSED, *objected], ConsentToParty(case=CASE, proposal=P), FRED, NAMED)
    assert isinstance(decide([*THREE, PROPOSED, *objected], ADD, around=NAMED)[0], PartyProposed)


def test_a_party_comes_in_again_after_it_has_left() -> None:
    given = [*ALONE, PartyAdded(party=OUTSIDERS, name="Outsiders", role="partner")]
    given.append(PartyLeft(party=OUTSIDERS, reason="Sold"))
    (added,) = decide(given, ADD, around=NAMED)
    assert isinstance(added, PartyAdded) and added.again


# Withdrawing, and what makes a proposal lapse


def test_withdraw_proposal_is_for_who_made_it() -> None:
    withdraw = WithdrawProposal(case=CASE, proposal=P, reason="Too early")
    assert decide([*JOINT, PROPOSED], withdraw) == [
        ProposalWithdrawn(proposal=P, by=NORTHWIND, kind="party", name="Outsiders", reason="Too early")
    ]
    assert refused("not-yours", [*JOINT, PROPOSED], withdraw, CAROL).status == 403
    refused("not-open", JOINT, withdraw)
    done = [*JOINT, PROPOSED, *decide([*JOINT, PROPOSED], withdraw)]
    refused("not-open", done, ConsentToParty(case=CASE, proposal=P), CAROL, NAMED)


@pytest.mark.parametrize(
    ("command", "actor", "event", "why"),
    [
        (ContainCase(case=CASE, reason="Banned"), ALICE, CaseContained(reason="Banned"), "status"),
        (LeaveCase(case=CASE, reason="Done"), CAROL, PartyLeft(party=CONTOSO, reason="Done"), "left"),
        (LeaveCase(case=CASE, reason="Done"), RUTH, PartyLeft(party=REGULATOR, reason="Done"), "left"),
    ],
)
@pytest.mark.parametrize(
    ("proposal", "lapses"),
    [
        (PROPOSED, lapsed("")),
        (CLOSING, lapsed("", "closing", "")),
        (OFFERED, lapsed("", "lead", "")),
    ],
)
def test_what_is_open_lapses_when_the_case_moves_on(
    proposal: Event, lapses: ProposalLapsed, command: CaseCommand, actor: Actor, event: Event, why: str
) -> None:
    expected = lapsed(why, lapses.kind, lapses.name)
    assert decide([*JOINT, proposal], command, actor) == [event, expected]
    refused("not-open", [*JOINT, proposal, event, expected], WithdrawProposal(case=CASE, proposal=P))


def test_opening_and_reopening_let_proposals_lapse() -> None:
    draft = [JOINT[0], *JOINT[2:], PROPOSED]
    assert decide(draft, OpenCase(case=CASE)) == [CaseOpened(), lapsed("status")]
    contained = [*JOINT, CaseContained(reason="x"), PROPOSED]
    again = ReopenCase(case=CASE, reason="New")
    assert decide(contained, again) == [CaseReopened(reason="New"), lapsed("status")]


def test_a_party_that_joins_lets_the_other_proposals_lapse() -> None:
    closing = ClosingProposed(proposal=Q, by=NORTHWIND, reason="Done")
    told = decide([*JOINT, PROPOSED, closing], ConsentToParty(case=CASE, proposal=P), CAROL, NAMED)
    assert told == [consented(CONTOSO), JOINED, lapsed("joined", "closing", "", Q)]


# Closing


def test_a_case_is_closed_at_once_where_the_lead_decides_alone() -> None:
    assert decide(ALONE, CLOSE) == [CaseClosed(reason="Done")]


def test_close_case_is_a_proposal_where_others_decide_as_well() -> None:
    told = ClosingProposed(proposal=proposal_of(CLOSE), by=NORTHWIND, reason="Done")
    assert decide(JOINT, CLOSE) == [told]
    refused("closing-proposed", [*JOINT, told], CLOSE)
    refused("answered-already", [*JOINT, CLOSING], AgreeToClose(case=CASE, proposal=P))


def test_agree_to_close_closes_once_all_have_answered() -> None:
    agree = AgreeToClose(case=CASE, proposal=P)
    given, agreed = [*THREE, CLOSING], ClosingAgreed(proposal=P, by=CONTOSO)
    assert decide(given, agree, CAROL) == [agreed]
    refused("answered-already", [*given, agreed], agree, CAROL)
    assert decide([*given, agreed], agree, FRED) == [
        ClosingAgreed(proposal=P, by=FABRIKAM),
        CaseClosed(reason="", proposal=P),
    ]


def test_dissent_from_closing_is_an_answer_that_stays() -> None:
    dissent = DissentFromClosing(case=CASE, proposal=P, reason="The accounts are back")
    dissented = ClosingDissented(proposal=P, by=CONTOSO, reason="The accounts are back")
    assert decide([*THREE, CLOSING], dissent, CAROL) == [dissented]
    assert decide([*JOINT, CLOSING], dissent, CAROL) == [dissented, CaseClosed(reason="", proposal=P)]
    silent = DissentFromClosing(case=CASE, proposal=P, reason="")
    assert refused("invalid", [*JOINT, CLOSING], silent, CAROL).field == "reason"
    refused("answered-already", [*THREE, CLOSING, dissented], AgreeToClose(case=CASE, proposal=P), CAROL)


def test_a_closing_is_answered_as_a_closing() -> None:
    refused("other-proposal", [*JOINT, PROPOSED], AgreeToClose(case=CASE, proposal=P), CAROL)
    refused("other-proposal", [*JOINT, CLOSING], ConsentToParty(case=CASE, proposal=P), CAROL, NAMED)
    refused("other-proposal", [*JOINT, CLOSING], AcceptLead(case=CASE, proposal=P), CAROL)


def test_reopening_is_for_the_lead_with_its_reason() -> None:
    closed = [*JOINT, CLOSING, ClosingAgreed(proposal=P, by=CONTOSO), CaseClosed(reason="", proposal=P)]
    again = ReopenCase(case=CASE, reason="New accounts")
    assert decide(closed, again) == [CaseReopened(reason="New accounts")]
    refused("part", closed, again, CAROL)
    refused("not-open", [*closed, CaseReopened(reason="x")], AgreeToClose(case=CASE, proposal=P), CAROL)


# Leading and leaving


def test_offer_lead_is_to_a_partner_and_once() -> None:
    offer = OfferLead(case=CASE, to=CONTOSO)
    assert decide(JOINT, offer) == [LeadOffered(proposal=proposal_of(offer), by=NORTHWIND, to=CONTOSO)]
    for other in (REGULATOR, OUTSIDERS, NORTHWIND):
        assert refused("invalid", JOINT, OfferLead(case=CASE, to=other)).field == "to"
    refused("lead-offered", [*JOINT, OFFERED], offer)
    refused("part", JOINT, OfferLead(case=CASE, to=NORTHWIND), CAROL)


def test_accept_lead_passes_it_on() -> None:
    accept = AcceptLead(case=CASE, proposal=P)
    taken = decide([*THREE, OFFERED], accept, CAROL)
    assert taken == [LeadAccepted(proposal=P, lead=CONTOSO, before=NORTHWIND)]
    refused("not-asked", [*THREE, OFFERED], accept, FRED)
    after = [*THREE, OFFERED, *taken]
    refused("part", after, ContainCase(case=CASE, reason="x"))
    assert decide(after, ContainCase(case=CASE, reason="x"), CAROL) == [CaseContained(reason="x")]
    assert decide(after, LeaveCase(case=CASE, reason="Sold"))[0] == PartyLeft(party=NORTHWIND, reason="Sold")


def test_the_lead_passing_on_lets_a_closing_lapse() -> None:
    closing = ClosingProposed(proposal=Q, by=NORTHWIND, reason="Done")
    told = decide([*JOINT, closing, OFFERED], AcceptLead(case=CASE, proposal=P), CAROL)
    assert told[1:] == [lapsed("lead", "closing", "", Q)]


def test_refuse_lead_leaves_it_where_it_is() -> None:
    refusal = RefuseLead(case=CASE, proposal=P, reason="Too much")
    no = decide([*JOINT, OFFERED], refusal, CAROL)
    assert no == [LeadRefused(proposal=P, by=CONTOSO, reason="Too much")]
    assert isinstance(decide([*JOINT, OFFERED, *no], OfferLead(case=CASE, to=CONTOSO))[0], LeadOffered)


def test_leave_case_is_not_for_the_lead() -> None:
    leave = LeaveCase(case=CASE, reason="Sold")
    refused("lead-stays", JOINT, leave)
    assert decide(JOINT, leave, CAROL) == [PartyLeft(party=CONTOSO, reason="Sold")]
    assert refused("invalid", JOINT, LeaveCase(case=CASE, reason=""), CAROL).field == "reason"


def test_who_holds_the_case_lifts_its_hold_before_it_leaves() -> None:
    held = [*JOINT, LegalHoldPlaced(party=CONTOSO, reason="Dispute")]
    refused("hold-stands", held, LeaveCase(case=CASE, reason="Sold"), CAROL)


def test_what_a_party_shared_and_was_shared_ends_as_it_leaves() -> None:
    given, taken, offered = (
        Ending(share=name("given"), giver=CONTOSO, receiver=NORTHWIND, accepted=True),
        Ending(share=name("taken"), giver=NORTHWIND, receiver=CONTOSO, accepted=True),
        Ending(share=name("offered"), giver=NORTHWIND, receiver=CONTOSO, accepted=False),
    )
    leave = LeaveCase(case=CASE, reason="Sold")
    told = decide([*JOINT, PROPOSED], leave, CAROL, Around(ending=(given, taken, offered)))
    assert told == [
        PartyLeft(party=CONTOSO, reason="Sold"),
        ShareRevoked(share=given.share, party=CONTOSO, to=NORTHWIND, reason="Its giver has left the case."),
        ShareGivenUp(
            share=taken.share, party=NORTHWIND, to=CONTOSO, reason="Its receiver has left the case."
        ),
        ShareRefused(
            share=offered.share, party=NORTHWIND, to=CONTOSO, reason="Its receiver has left the case."
        ),
        lapsed("left"),
    ]


def test_who_holds_an_item_of_another_hands_it_back_before_it_leaves() -> None:
    refused("custody-stays", JOINT, LeaveCase(case=CASE, reason="x"), CAROL, Around(holds_others=True))


def test_who_has_left_hears_that_there_is_nothing() -> None:
    gone = [*JOINT, PROPOSED, PartyLeft(party=CONTOSO, reason="Sold"), lapsed("left")]
    for command in (
        ConsentToParty(case=CASE, proposal=P),
        PlaceLegalHold(case=CASE, reason="x"),
        LeaveCase(case=CASE, reason="x"),
    ):
        refused("not-found", gone, command, CAROL, NAMED)
    assert decide(gone, CLOSE) == [CaseClosed(reason="Done")]


# Who may


TOGETHER: Sequence[CaseCommand] = (
    ADD,
    CLOSE,
    ConsentToParty(case=CASE, proposal=P),
    ObjectToParty(case=CASE, proposal=P, reason="x"),
    AgreeToClose(case=CASE, proposal=P),
    DissentFromClosing(case=CASE, proposal=P, reason="x"),
    OfferLead(case=CASE, to=CONTOSO),
    AcceptLead(case=CASE, proposal=P),
    RefuseLead(case=CASE, proposal=P, reason="x"),
    WithdrawProposal(case=CASE, proposal=P),
    LeaveCase(case=CASE, reason="x"),
)


@pytest.mark.parametrize("command", TOGETHER, ids=lambda command: type(command).__name__)
def test_what_binds_a_party_is_for_its_leaders_and_may_be_signed(command: CaseCommand) -> None:
    for role in ("investigator", "custodian", "viewer"):
        refused("role", [*JOINT, PROPOSED], command, member("vera", CONTOSO, role), NAMED)
    refused("not-found", [*JOINT, PROPOSED], command, MALLORY, NAMED)
    assert type(command).__name__ in policy.BINDING


def test_an_observer_changes_nothing_of_the_case() -> None:
    given = [*JOINT, PROPOSED]
    changing = [command for command in TOGETHER if not isinstance(command, LeaveCase)]
    for command in (
        *changing,
        ReviseCase(case=CASE, severity="low"),
        ContainCase(case=CASE, reason="x"),
        PlaceLegalHold(case=CASE, reason="x"),
        ReopenCase(case=CASE, reason="x"),
    ):
        refused("part", given, command, member("rita", REGULATOR), NAMED)
    assert decide(given, LeaveCase(case=CASE, reason="Not ours"), RUTH)[0] == PartyLeft(
        party=REGULATOR, reason="Not ours"
    )


def test_no_answer_is_given_twice_by_two_members_of_a_party() -> None:
    agreed = [*THREE, CLOSING, ClosingAgreed(proposal=P, by=CONTOSO)]
    refused(
        "answered-already", agreed, AgreeToClose(case=CASE, proposal=P), member("cora", CONTOSO, "counsel")
    )
    refused("role", JOINT, CLOSE, BOB)
