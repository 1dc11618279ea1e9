"""The ledger's pages."""

from collections.abc import Callable

from django.test import Client

from cases import reads
from tests.cast import Person
from tests.web.conftest import World

SignedIn = Callable[[Person], Client]


def test_sealed_entries_are_counted_and_say_nothing(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    page = alice.get(world.url("/ledger")).text
    assert "sealed entry, not shared with you" in page
    assert "Contoso trail" not in page


def test_every_entry_has_bytes_and_a_proof_that_holds(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    size = reads.ledger_head(world.cast.alice.actor, world.case).size
    for index in range(size):
        page = alice.get(world.url(f"/ledger/{index}"))
        assert page.status_code == 200
        assert "the path ends at this root" in page.text
        assert "their words" not in page.text
    assert alice.get(world.url(f"/ledger/{size}")).status_code == 404


def test_opened_entries_show_fields_with_their_digests(world: World, signed_in: SignedIn) -> None:
    page = signed_in(world.cast.alice).get(world.url("/ledger/1")).text
    assert "Field digest" in page and world.case.title in page


def test_the_ledger_is_paged(world: World, signed_in: SignedIn) -> None:
    alice = signed_in(world.cast.alice)
    first = alice.get(world.url("/ledger?from=0")).text
    assert "Entry 0" not in first and 'ledger/0"' in first and "Newer" in first
    assert alice.get(world.url("/ledger?from=99999999999999")).status_code == 200
    assert alice.get(world.url("/ledger?at=1")).status_code == 200
    assert alice.get(world.url("/ledger?from=x&at=-1")).status_code == 200
