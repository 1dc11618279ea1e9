"""What the pages are tested with: the cast, a joint case, and a browser-like client for each person."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client
from pytest_django import Settings

from cases.models import Case, EvidenceItem
from tests import cast as story
from tests.cast import Cast, Person


@dataclass(frozen=True)
class World:
    """A case of Northwind (alice) with Contoso and a regulator; one item of each party, not shared."""

    cast: Cast
    case: Case
    ours: EvidenceItem
    theirs: EvidenceItem

    def url(self, path: str = "") -> str:
        return f"/cases/{self.case.reference}{path}"


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    """Nobody signs in by password here, so hashing one slowly proves nothing."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def world(db: None) -> World:
    cast = story.the_cast()
    case = story.joint_case(cast)
    ours = story.sealed_item(cast, case, title="Northwind gateway log")
    theirs = story.sealed_item(
        cast,
        case,
        by=cast.carol,
        title="Contoso trail, their words",
        content=b'{"theirs":1}\n',
        filename="their-secret.jsonl",
    )
    return World(cast, case, ours, theirs)


@pytest.fixture
def signed_in() -> Callable[[Person], Client]:
    def client(person: Person) -> Client:
        one = Client()
        one.force_login(person.user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return one

    return client
