"""Two organisations and one share in a real browser: offered, accepted, read, revoked, reported."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn, Story
from tests.browser.test_pages import CONTRAST, NAMELESS, SPILL
from tests.stack import Stack

_ITEM = """
from cases.models import Case, Member
from cases import actors, ingest
from tests import cast as story
case = Case.objects.get(reference="{case}")
member = Member.objects.get(user__username="{alice}")
person = story.Person(user=member.user, member=member.pk, party=member.party_id)
item = story.sealed_item(None, case, by=person, title="Gateway log, one week")
ingest.run(item.pk)
print("ITEM " + item.label)
"""


@pytest.fixture
def item(stack: Stack, told: Story) -> str:
    """A searchable item of alice's party."""
    said = stack.manage("shell", "-c", _ITEM.format(case=told.case, alice=told.people["alice"])).stdout
    return next(line for line in said.splitlines() if line.startswith("ITEM ")).removeprefix("ITEM ")


def sound(page: Page, name: str) -> None:
    """Nothing spills over, all has a name, text stands out. SHOTS names a folder to keep pictures in."""
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    assert page.evaluate(SPILL) == []
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.locator("h1").count() == 1


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (400, "dark")])
def test_a_share_from_offer_to_report(
    told: Story, sign_in: SignIn, item: str, width: int, scheme: str
) -> None:
    case = f"{told.url}/cases/{told.case}"
    mark = f"{width}-{scheme}"
    alice: Page = sign_in("alice", width=width, color_scheme=scheme)
    carol: Page = sign_in("carol", width=width, color_scheme=scheme)
    _offer(alice, case, item, lambda name: sound(alice, f"{mark}-{name}"), told.contoso)

    carol.goto(f"{case}/sharing")
    sound(carol, f"{mark}-received")
    carol.get_by_role("link", name="Answer").first.click()
    expect(carol.get_by_text("Gateway log, one week")).to_have_count(0)
    sound(carol, f"{mark}-answer")
    carol.get_by_role("button", name="Accept these terms").click()
    expect(carol.locator(".status.share.on")).to_contain_text("in force")
    carol.goto(f"{case}/search?q=hello&item={item}")
    expect(carol.get_by_text("hello").first).to_be_visible()

    alice.goto(f"{case}/sharing")
    sound(alice, f"{mark}-given")
    alice.locator("#given a.name").first.click()
    sound(alice, f"{mark}-share")
    alice.locator("summary", has_text="Revoke").click()
    alice.get_by_label("Reason").fill("The comparison is done.")
    alice.get_by_role("button", name="Revoke").click()
    expect(alice.get_by_text("The share is revoked")).to_be_visible()
    expect(alice.locator("table").last).to_contain_text("hello")
    sound(alice, f"{mark}-exposure")
    carol.goto(f"{case}/evidence/{item}")
    expect(carol.locator("h1")).to_contain_text("nothing here", ignore_case=True)

    alice.goto(f"{case}/evidence/{item}/who")
    sound(alice, f"{mark}-who-empty")
    alice.get_by_label("Party or member").select_option(label="Dan, custodian")
    alice.wait_for_url("**/who?whom=**")
    expect(alice.locator(".chain")).to_contain_text("It is revoked")
    sound(alice, f"{mark}-who")
    alice.goto(f"{case}/sharing/seen-by?whom=party:{told.contoso}")
    sound(alice, f"{mark}-seen-by")
    alice.goto(f"{case}/sharing/as-of?party={told.contoso}&as_of=2999-03-03")
    sound(alice, f"{mark}-as-of")
    alice.goto(f"{case}/evidence/{item}")
    sound(alice, f"{mark}-item")


def _offer(alice: Page, case: str, item: str, sound: Callable[[str], None], to: str) -> None:
    alice.goto(f"{case}/sharing")
    sound("empty")
    alice.goto(f"{case}/sharing/offer?item={item}")
    expect(alice.get_by_label(f"{item} Gateway log, one week")).to_be_checked()
    alice.get_by_label("To", exact=True).select_option(to)
    alice.get_by_label("Purpose").fill("Compare the templates of both sides")
    sound("offer")
    alice.get_by_role("button", name="Show who would see what").click()
    expect(alice.get_by_text("Nothing has been sent yet")).to_be_visible()
    sound("preview")
    alice.get_by_role("button", name="Offer to").click()
    expect(alice.locator(".status.share.waits")).to_contain_text("offered")
    sound("offered")
