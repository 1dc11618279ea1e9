"""Custody goes over in two real browsers: offered by one party, hashed again by the worker, accepted by the
other; the line changes its hue. On a phone and in the dark as well."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn, Story
from tests.browser.test_pages import CONTRAST, NAMELESS, SPILL
from tests.stack import Stack

_ITEM = """
import json
from tests import cast
from cases import reads
from cases.models import Case, Member, Party
from types import SimpleNamespace as Person
from cases.actors import actor_for_member
case = Case.objects.get(reference={case!r})
alice = Member.objects.get(user__username={alice!r})
by = Person(actor=actor_for_member(alice, via="web"))
item = cast.sealed_item(None, case, by=by, title="Edge access log")
cast.disclose(case, item, Party.objects.get(pk={contoso!r}).pk, by=by)
print("ITEM " + json.dumps(item.label))
"""


@pytest.fixture
def label(stack: Stack, told: Story) -> str:
    """An item of Northwind's that Contoso sees."""
    code = _ITEM.format(case=told.case, alice=told.people["alice"], contoso=told.contoso)
    line = next(line for line in stack.manage("shell", "-c", code).stdout.splitlines() if line[:5] == "ITEM ")
    return str(json.loads(line.removeprefix("ITEM ")))


def sound(page: Page) -> None:
    for fault in (SPILL, NAMELESS, CONTRAST):
        assert page.evaluate(fault) == []


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (400, "dark")])
def test_two_parties_hand_an_item_over(
    told: Story, sign_in: SignIn, label: str, width: int, scheme: str
) -> None:
    alice = sign_in("alice", width=width, color_scheme=scheme)
    at = f"{told.url}/cases/{told.case}/evidence/{label}/custody"
    alice.goto(f"{told.url}/cases/{told.case}/evidence/{label}")
    expect(
        alice.locator(".status", has_text="indexed").or_(alice.get_by_text("JSON lines")).first
    ).to_be_visible(timeout=60_000)
    alice.get_by_role("link", name="Hand over").click()
    alice.get_by_text("Offer custody", exact=True).first.click()
    form = alice.locator("#act-offer")
    form.get_by_label("Purpose").fill("Parallel reconstruction")
    form.get_by_label("Condition").fill("Whole, as sealed")
    form.get_by_label("Seal").fill("N-17")
    sound(alice)
    form.get_by_role("button", name="Offer custody").click()
    expect(alice.locator("#offer")).to_contain_text("An offer waits")
    dan = sign_in("dan", width=width, color_scheme=scheme)
    dan.goto(f"{told.url}/cases/{told.case}/custody")
    expect(dan.get_by_text("offer of custody waits")).to_be_visible()
    dan.goto(at)
    for _ in range(60):
        if dan.locator("#act-accept").count():
            break
        dan.wait_for_timeout(500)
        dan.reload()
    expect(dan.locator("#offer")).to_contain_text("equal to the seal")
    sound(dan)
    accept = dan.locator("#act-accept")
    accept.get_by_label("Condition").fill("Seal N-17 whole")
    accept.get_by_label("Place").fill("Contoso vault B")
    accept.get_by_role("button", name="Accept custody").click()
    expect(dan.get_by_text("1 hand-over")).to_be_visible()
    assert dan.locator("line.handover").count() == 2  # one for each way the line is drawn
    hues = dan.locator("line.held").evaluate_all("all => [...new Set(all.map(e => e.className.baseVal))]")
    assert len(hues) == 2
    sound(dan)
    alice.goto(at)
    assert alice.locator("#act-offer").count() == 0
    sound(alice)
    alice.goto(f"{told.url}/cases/{told.case}/evidence/object")
    sound(alice)
