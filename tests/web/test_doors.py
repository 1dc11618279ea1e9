"""Who gets in: signed out, members, strangers, and people without a party."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.cast import Person
from tests.keyholders import FileKey, register
from tests.web.conftest import World

SignedIn = Callable[[Person], Client]

CASE_PAGES = (
    "",
    "/evidence",
    "/evidence/add",
    "/search",
    "/search?q=",
    "/custody",
    "/ledger",
    "/ledger?show=open",
    "/ledger/policy",
    "/ledger/0",
    "/ledger/1/erase",
    "/ledger/0/proof",
    "/revise",
    "/sharing",
    "/sharing/offer",
    "/sharing/read",
    "/sharing/seen-by",
    "/sharing/as-of",
)
ITEM_PAGES = ("", "/state", "/records/1", "?show=records", "/who")
POSTS = (
    "/ledger/1/erase",
    "/steps/OpenCase",
    "/steps/AddParty",
    "/evidence/E-1/share",
    "/evidence/E-1/download",
    "/evidence/add",
    "/revise",
    "/sharing/offer",
    f"/sharing/{UUID(int=1)}/accept",
    f"/sharing/{UUID(int=1)}/change",
)


KEY_POSTS = ("/keys/new", "/keys/register", "/keys/signatures", f"/keys/{'0' * 64}/revoke")


@pytest.mark.parametrize("path", ["/", "/cases/new", "/keys"])
def test_signed_out_people_are_sent_to_sign_in(db: None, path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("path", CASE_PAGES)
def test_a_stranger_gets_404_on_every_page_of_a_case(world: World, signed_in: SignedIn, path: str) -> None:
    answer = signed_in(world.cast.mallory).get(world.url(path))
    assert answer.status_code == 404
    assert world.case.title not in answer.text


@pytest.mark.parametrize("path", ITEM_PAGES)
def test_a_stranger_and_a_partner_get_404_for_an_item_not_shared(
    world: World, signed_in: SignedIn, path: str
) -> None:
    for person in (world.cast.mallory, world.cast.carol, world.cast.rhea):
        answer = signed_in(person).get(world.url(f"/evidence/E-1{path}"))
        assert answer.status_code == 404
        assert world.ours.title not in answer.text


@pytest.mark.parametrize("path", POSTS)
def test_a_stranger_gets_404_for_every_post(world: World, signed_in: SignedIn, path: str) -> None:
    answer = signed_in(world.cast.mallory).post(world.url(path), {"title": "x", "reason": "x"})
    assert answer.status_code == 404


def test_a_stranger_cannot_tell_a_case_from_none(world: World, signed_in: SignedIn) -> None:
    mallory = signed_in(world.cast.mallory)
    there = mallory.get(world.url()).content
    nowhere = mallory.get("/cases/CS-1999-0000").content
    # The pages differ only in what is drawn by chance: tokens and nonces.
    assert len(there) == len(nowhere)


@pytest.mark.parametrize("path", KEY_POSTS)
def test_keys_are_changed_by_members_in_a_form_of_ours_alone(
    world: World, signed_in: SignedIn, path: str
) -> None:
    assert Client().post(path).headers["Location"].startswith("/accounts/login/")
    assert signed_in(world.cast.alice).get(path).status_code == 405
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(world.cast.alice.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert forged.post(path, {"required": "yes", "reason": "x"}).status_code == 403


def test_a_key_of_another_party_cannot_be_told_from_none(world: World, signed_in: SignedIn) -> None:
    theirs = register(FileKey(), by=world.cast.alice)
    mallory = signed_in(world.cast.mallory)
    for key in (theirs, "0" * 64):
        assert mallory.post(f"/keys/{key}/revoke", {"reason": "x"}).status_code == 404
        assert mallory.post("/keys/new", {"replaces": key}).status_code == 404
        assert mallory.post("/keys/register", {"replaces": key}).status_code == 404
    assert theirs not in mallory.get("/keys").text


@pytest.mark.parametrize("path", ["/steps/OpenCase", "/evidence/E-1/share", "/evidence/E-1/download"])
def test_state_changes_are_refused_by_get(world: World, signed_in: SignedIn, path: str) -> None:
    assert signed_in(world.cast.alice).get(world.url(path)).status_code == 405


def test_a_user_without_a_party_is_told_so(db: None) -> None:
    client = Client()
    client.force_login(
        User.objects.create_user(f"nobody-{uuid4().hex[:6]}"),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    answer = client.get("/")
    assert answer.status_code == 403
    assert "no party" in answer.text


def test_a_form_without_its_token_is_refused(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.cast.alice.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    for path in ("/cases/new", world.url("/evidence/add"), world.url("/steps/ContainCase")):
        answer = client.post(path, {"title": "x"})
        assert answer.status_code == 403, path
        assert "out of date" in answer.text


@pytest.mark.parametrize(
    "path",
    ["/", "/keys", *(f"case{path}" for path in CASE_PAGES), *(f"item{path}" for path in ("", "/state"))],
)
def test_pages_answer_with_few_queries(
    world: World, signed_in: SignedIn, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    alice = signed_in(world.cast.alice)
    url = path.replace("case", world.url(), 1).replace("item", world.url("/evidence/E-1"), 1)
    alice.get(url)
    # A search over nothing readable records nothing; one that records is counted in test_search.
    with django_assert_max_num_queries(12):
        answer = alice.get(url)
    assert answer.status_code == 200
    # Strict styles: nothing may stand in style attributes or inline handlers.
    assert " style=" not in answer.text
    assert " onclick=" not in answer.text
