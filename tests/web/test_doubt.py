"""When the host's own word is in doubt, every page of the case says so, and what to do."""

from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from cases import reads
from ledger.host import memory
from ledger.signer import Stand
from tests import cast as story
from tests.cast import Person
from tests.web.conftest import World
from tests.web.test_doors import CASE_PAGES, ITEM_PAGES

SignedIn = Callable[[Person], Client]
TITLE = "This case’s history is in doubt"
PAGES = [
    path for path in CASE_PAGES if "/proof" not in path and "/policy" not in path and "/export" not in path
]


@pytest.fixture
def put_back(world: World) -> Iterator[World]:
    """The host has signed more entries of this case than its database holds."""
    head = reads.ledger_head(world.cast.alice.actor, world.case)
    memory().adopt(world.case.pk, Stand(head.size + 7, b"\x07" * 32))
    yield world
    memory().adopt(world.case.pk, Stand(head.size, bytes.fromhex(head.root_hex)))


@pytest.mark.parametrize("path", [*PAGES, "/evidence/E-1"])
def test_every_page_of_the_case_says_it(put_back: World, signed_in: SignedIn, path: str) -> None:
    page = signed_in(put_back.cast.alice).get(put_back.url(path)).text
    assert TITLE in page
    assert "was put back to an older state" in page
    assert "refeed" in page, "what to do next"


def test_whoever_is_about_to_sign_is_told(put_back: World, signed_in: SignedIn) -> None:
    form = {"reason": "All is done", "sign": "1"}
    page = signed_in(put_back.cast.alice).post(put_back.url("/steps/CloseCase"), form).text
    assert "Sign: Close the case" in page and TITLE in page


def test_every_party_is_told(put_back: World, signed_in: SignedIn) -> None:
    for person in (put_back.cast.alice, put_back.cast.carol, put_back.cast.rhea):
        page = signed_in(person).get(put_back.url("/ledger")).text
        assert TITLE in page and "History in doubt" in page and "history in doubt" in page
        assert "History whole" not in page


def test_it_cannot_be_dismissed_and_goes_by_itself(put_back: World, signed_in: SignedIn) -> None:
    alice = signed_in(put_back.cast.alice)
    banner = alice.get(put_back.url()).text.split(TITLE)[1].split("</section>")[0]
    assert "<button" not in banner and "<form" not in banner
    assert TITLE in alice.get(put_back.url()).text, "the second time as the first"
    head = reads.ledger_head(put_back.cast.alice.actor, put_back.case)
    memory().adopt(put_back.case.pk, Stand(head.size, bytes.fromhex(head.root_hex)))
    assert TITLE not in alice.get(put_back.url()).text


def test_another_case_of_the_host_is_not_in_doubt(put_back: World, signed_in: SignedIn) -> None:
    other = story.joint_case(put_back.cast, title="Another one")
    assert TITLE not in signed_in(put_back.cast.alice).get(f"/cases/{other.reference}/ledger").text


def test_strangers_learn_nothing_of_it(put_back: World, signed_in: SignedIn) -> None:
    for path in (*PAGES, *(f"/evidence/E-1{each}" for each in ITEM_PAGES)):
        assert "in doubt" not in signed_in(put_back.cast.mallory).get(put_back.url(path)).text
