"""The pages of custody: each side sees what it may do, and doing it says so."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from cases import errands, ingest
from cases.models import CustodyOffer, EvidenceItem
from tests import cast as story
from tests.cast import Person
from tests.web.conftest import World

SignedIn = Callable[[Person], Client]


@dataclass
class Pages:
    """Custody of one item, as one person clicks through it."""

    client: Client
    at: str

    def page(self) -> str:
        return self.client.get(self.at).content.decode()

    def press(self, name: str, **fields: Any) -> Any:
        """Press the button of a form as it is drawn, with these fields filled in."""
        form = re.search(rf'<form[^>]*action="{self.at}/{name}".*?</form>', self.page(), re.DOTALL)
        assert form, f"no form to {name}"
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0]))
        return self.client.post(f"{self.at}/{name}", hidden | fields)


@pytest.fixture
def both(world: World, signed_in: SignedIn) -> tuple[Pages, Pages]:
    """alice of Northwind and dan of Contoso before the same item, which is shared."""
    ingest.run(world.ours.pk)
    story.disclose(world.case, world.ours, world.cast.contoso, by=world.cast.alice)
    at = world.url("/evidence/E-1/custody")
    return Pages(signed_in(world.cast.alice), at), Pages(signed_in(world.cast.dan), at)


def test_an_item_is_offered_hashed_again_and_accepted(world: World, both: tuple[Pages, Pages]) -> None:
    alice, dan = both
    answer = alice.press("offer", to=str(world.cast.contoso), purpose="Parallel reconstruction", seal="N-17")
    assert answer.status_code == 302
    offer = CustodyOffer.objects.get(item=world.ours)
    before = dan.page()
    assert "being hashed again" in before
    assert f"{dan.at}/accept" not in before
    errands.run(offer.pk)
    assert "equal to the seal" in dan.page()
    assert dan.press("accept", condition="Whole", place="Vault B").status_code == 302
    assert EvidenceItem.objects.get(pk=world.ours.pk).holder_id == world.cast.contoso
    page = dan.page()
    assert "handover" in page
    assert "1 hand-over" in page
    assert f"{dan.at}/return" in page
    assert f"{alice.at}/offer" not in alice.page()


def test_a_refusal_needs_its_reason(world: World, both: tuple[Pages, Pages]) -> None:
    alice, dan = both
    alice.press("offer", to=str(world.cast.contoso), purpose="Analysis")
    assert "Reason is missing." in dan.press("refuse", reason="").content.decode()
    assert dan.press("refuse", reason="No room").status_code == 302
    assert "No room" in alice.page()


def test_what_waits_is_shown_on_the_custody_page(world: World, both: tuple[Pages, Pages]) -> None:
    alice, dan = both
    alice.press("offer", to=str(world.cast.contoso), purpose="Analysis")
    assert "1 offer of custody waits" in dan.client.get(world.url("/custody")).content.decode()


def test_an_entry_is_corrected_beside_itself(world: World, both: tuple[Pages, Pages]) -> None:
    alice, _ = both
    entry = world.ours.custody.order_by("entry")[0].entry
    assert alice.press("correct", entry=str(entry), text="Taken a day earlier").status_code == 302
    assert re.search(r"Corrected by <a[^>]*>entry \d+</a>: Taken a day earlier", alice.page())


def test_a_disposal_goes_before_a_witness_of_the_other_side(world: World, both: tuple[Pages, Pages]) -> None:
    alice, dan = both
    told = {"method": "Deletion", "reason": "Ended", "remaining": "None"}
    assert alice.press("disposal", witness=str(world.cast.dan.member), **told).status_code == 302
    assert dan.press("dispose").status_code == 302
    assert "Disposed of; last held by" in alice.page()
    item = alice.client.get(world.url("/evidence/E-1"))
    assert item.status_code == 200
    assert "/evidence/E-1/download" not in item.content.decode()


def test_an_extract_is_made_from_the_page(world: World, both: tuple[Pages, Pages]) -> None:
    alice, _ = both
    form = {"title": "One address", "query": "requester_ip_address:203.0.113.3", "columns": "ts, note"}
    assert alice.press("extract", marking="TLP:AMBER", **form).status_code == 302
    assert "Made into" in alice.client.get(world.url("/evidence/E-1")).content.decode()
    wrong = alice.press("extract", marking="TLP:AMBER", title="x", columns="nope").content.decode()
    assert "No record of this item has a column nope." in wrong


def test_an_object_is_recorded_and_has_a_page(world: World, signed_in: SignedIn) -> None:
    client = signed_in(world.cast.bob)
    form = {"title": "Laptop", "barcode": "BC-1", "place": "Safe 2", "marking": "TLP:AMBER"}
    answer = client.post(world.url("/evidence/object"), form)
    page = client.get(answer["Location"]).content.decode()
    assert "Safe 2" in page
    assert "From file to records" not in page
    assert "BC-1" in client.get(world.url("/evidence")).content.decode()


def test_the_page_asks_few_questions(
    both: tuple[Pages, Pages], django_assert_max_num_queries: Callable[..., Any]
) -> None:
    alice, _ = both
    with django_assert_max_num_queries(12):
        alice.page()


def test_a_stranger_gets_the_same_as_for_nothing(world: World, signed_in: SignedIn) -> None:
    client = signed_in(world.cast.rhea)
    assert client.get(world.url("/evidence/E-1/custody")).status_code == 404
    assert client.get(world.url("/evidence/E-99/custody")).status_code == 404
    assert client.post(world.url("/evidence/E-1/custody/offer"), {}).status_code == 404
