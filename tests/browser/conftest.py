"""People in the running instance, and a watch on what the pages report."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page

from tests.cast import PASSWORD
from tests.fixtures.browser import NewPage
from tests.stack import Stack

_CAST = """
import json
from tests.cast import the_cast, joint_case
cast = the_cast()
case = joint_case(cast)
names = ("alice", "bob", "carol", "dan", "rhea", "mallory")
people = {name: getattr(cast, name).user.username for name in names}
print("CAST " + json.dumps({"people": people, "case": case.reference, "contoso": str(cast.contoso)}))
"""


@dataclass(frozen=True)
class Story:
    """Who can sign in to the running instance, and the joint case that they share."""

    url: str
    people: dict[str, str]
    case: str
    contoso: str


@pytest.fixture(scope="session")
def told(stack: Stack) -> Story:
    said = stack.manage("shell", "-c", _CAST).stdout
    line = next(line for line in said.splitlines() if line.startswith("CAST "))
    return Story(url=stack.url, **json.loads(line.removeprefix("CAST ")))


SignIn = Callable[..., Page]


@pytest.fixture
def sign_in(told: Story, new_page: NewPage) -> Iterator[SignIn]:
    """sign_in("alice", width=…) -> a page behind the sign-in; every console error fails the test."""
    errors: list[str] = []

    def enter(name: str, **options: object) -> Page:
        page = new_page(**options)
        page.on(
            "console",
            # A refused form answers 422 by design, which Chromium reports as an error of loading.
            lambda said: (
                errors.append(said.text) if said.type == "error" and "status of 4" not in said.text else None
            ),
        )
        page.goto(f"{told.url}/accounts/login/")
        page.get_by_label("User name or e-mail address").fill(told.people[name])
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(f"{told.url}/")
        return page

    yield enter
    assert errors == [], "the console reported errors"
