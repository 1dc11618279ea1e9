"""The cards of parties and of closing on a case's front page."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from cases import reads, together
from tests import cast as story
from tests.cast import Person
from tests.keyholders import FileKey, register
from tests.web.conftest import World
from tests.web.test_keys import hidden

SignedIn = Callable[[Person], Client]


def asked(world: World, by: Person) -> UUID:
    """The proposal that is open."""
    (question,) = [one for one in together.questions(by.actor, world.case) if one.open]
    return question.proposal.pk


def step(world: World, client: Client, name: str, **said: str) -> int:
    form = {"command": str(uuid4()), **said}
    return int(client.post(world.url(f"/steps/{name}"), form).status_code)


def answer(world: World, client: Client, proposal: UUID, name: str, **said: str) -> int:
    form = {"command": str(uuid4()), **said}
    return int(client.post(world.url(f"/proposals/{proposal}/{name}"), form).status_code)


def test_a_party_is_proposed_and_the_other_one_consents(world: World, signed_in: SignedIn) -> None:
    alice, carol, rhea = (signed_in(p) for p in (world.cast.alice, world.cast.carol, world.cast.rhea))
    assert "until then it sees nothing" in alice.get(world.url()).text
    assert step(world, alice, "AddParty", party=str(world.cast.outsiders), role="partner") == 302
    proposal = asked(world, world.cast.alice)
    for client, offered in ((alice, "Withdraw"), (carol, "Consent"), (rhea, None)):
        page = client.get(world.url()).text
        assert "still to answer" in page
        assert ("/ConsentToParty" in page) == (offered == "Consent")
        assert ("/WithdrawProposal" in page) == (offered == "Withdraw")
    assert answer(world, carol, proposal, "ConsentToParty") == 302
    assert signed_in(world.cast.mallory).get(world.url()).status_code == 200
    assert "consented to" in alice.get(world.url()).text


def test_an_objection_needs_its_reason(world: World, signed_in: SignedIn) -> None:
    alice, carol = signed_in(world.cast.alice), signed_in(world.cast.carol)
    step(world, alice, "AddParty", party=str(world.cast.outsiders), role="partner")
    proposal = asked(world, world.cast.alice)
    silent = carol.post(world.url(f"/proposals/{proposal}/ObjectToParty"), {"reason": ""})
    assert silent.status_code == 422
    assert "Reason is missing." in silent.text
    assert answer(world, carol, proposal, "ObjectToParty", reason="A competitor") == 302
    assert "A competitor" in alice.get(world.url()).text
    late = carol.post(world.url(f"/proposals/{proposal}/ConsentToParty"), {})
    assert late.status_code == 409
    assert "not open any more" in late.text


def test_the_closing_card_says_who_agreed_and_who_dissented(world: World, signed_in: SignedIn) -> None:
    alice, carol = signed_in(world.cast.alice), signed_in(world.cast.carol)
    page = alice.get(world.url()).text
    assert "It is closed once Contoso" in page
    assert step(world, alice, "CloseCase", reason="Settled between us") == 302
    for client in (alice, carol):
        page = client.get(world.url()).text
        assert "Closing is proposed" in page and "Settled between us" in page
        assert "/steps/CloseCase" not in page
    proposal = asked(world, world.cast.carol)
    assert answer(world, carol, proposal, "DissentFromClosing", reason="They are back") == 302
    page = alice.get(world.url()).text
    assert "How the case was closed" in page
    assert "dissented" in page and "They are back" in page


def test_the_lead_is_handed_over(world: World, signed_in: SignedIn) -> None:
    alice, carol = signed_in(world.cast.alice), signed_in(world.cast.carol)
    assert step(world, alice, "OfferLead", to=str(world.cast.contoso)) == 302
    assert "offers the lead to" in carol.get(world.url()).text
    assert "/steps/OfferLead" not in alice.get(world.url()).text
    assert answer(world, carol, asked(world, world.cast.carol), "AcceptLead") == 302
    assert reads.case(world.cast.alice.actor, world.case.pk).lead_id == world.cast.contoso


def test_who_leaves_is_led_away_from_the_case(world: World, signed_in: SignedIn) -> None:
    alice, carol = signed_in(world.cast.alice), signed_in(world.cast.carol)
    assert "/steps/LeaveCase" not in alice.get(world.url()).text, "the lead hands over first"
    assert "sees nothing of the case from that moment on" in carol.get(world.url()).text
    gone = carol.post(world.url("/steps/LeaveCase"), {"command": str(uuid4()), "reason": "Sold"})
    assert (gone.status_code, gone.headers["Location"]) == (302, "/")
    assert carol.get("/").status_code == 200
    for path in ("", "/evidence", "/ledger", "/custody", "/evidence/E-2"):
        assert carol.get(world.url(path)).status_code == 404
    page = alice.get(world.url()).text
    assert "Have left" in page and "Sold" in page
    assert "Contoso" in alice.get(world.url("/ledger")).text
    refused = alice.post(world.url("/steps/LeaveCase"), {"command": str(uuid4()), "reason": "x"})
    assert refused.status_code == 409
    assert "hand the case over" in refused.text


def test_an_answer_is_signed_with_ones_own_key(world: World, signed_in: SignedIn) -> None:
    alice, carol, key = signed_in(world.cast.alice), signed_in(world.cast.carol), FileKey()
    register(key, by=world.cast.carol)
    step(world, alice, "CloseCase", reason="Settled")
    at = world.url(f"/proposals/{asked(world, world.cast.carol)}/AgreeToClose")
    drawn = carol.post(at, {"command": str(uuid4()), "sign": "file"})
    assert "Sign: Agree to close" in drawn.text
    fields = hidden(drawn.text)
    assert carol.post(at, fields | {"signature": key.sign(fields["intent"]).sig}).status_code == 302
    assert reads.case(world.cast.carol.actor, world.case.pk).status == "closed"


@pytest.mark.parametrize("name", ["ConsentToParty", "AgreeToClose", "WithdrawProposal", "Nonsense"])
def test_answers_are_for_those_in_the_case_to_what_is_proposed_there(
    world: World, signed_in: SignedIn, name: str
) -> None:
    step(world, signed_in(world.cast.alice), "CloseCase", reason="Settled")
    proposal = asked(world, world.cast.alice)
    assert answer(world, signed_in(world.cast.mallory), proposal, name) == 404
    assert answer(world, signed_in(world.cast.carol), uuid4(), name) == 404
    other = story.joint_case(world.cast)
    elsewhere = f"/cases/{other.reference}/proposals/{proposal}/{name}"
    assert signed_in(world.cast.carol).post(elsewhere).status_code == 404
    assert signed_in(world.cast.carol).get(world.url(f"/proposals/{proposal}/{name}")).status_code == 405
    assert answer(world, signed_in(world.cast.rhea), proposal, name) in (403, 404)


def test_the_page_with_all_of_it_asks_few_queries(
    world: World, signed_in: SignedIn, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    alice = signed_in(world.cast.alice)
    step(world, alice, "OfferLead", to=str(world.cast.contoso))
    step(world, alice, "AddParty", party=str(world.cast.outsiders), role="partner")
    step(world, alice, "CloseCase", reason="Settled")
    alice.get(world.url())
    with django_assert_max_num_queries(12):
        page = alice.get(world.url()).text
    assert "Closing is proposed" in page
