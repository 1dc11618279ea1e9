"""Two parties decide together, each in its own browser: a third one joins, the case is closed against a
dissent. In both widths and themes."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn, Story
from tests.browser.test_pages import CONTRAST, NAMELESS, SPILL
from tests.stack import Stack

_CASE = """
import json
from types import SimpleNamespace as Person
from uuid import uuid4
from cases.actors import actor_for_member, operator
from cases.models import Member, Party
from cases.perform import perform
from cases.rules.case import CreateCase, OpenCase
from cases.rules.parties import RegisterParty
from tests import cast
alice = Member.objects.get(user__username={alice!r})
by = Person(actor=actor_for_member(alice, via="web"))
name, third, case = "Fabrikam " + uuid4().hex[:6], uuid4(), uuid4()
perform(RegisterParty(party=third, name=name + " Hosting", short_name=name), actor=operator())
made = CreateCase(case=case, title="Resold keys", summary="Two resellers.", category="other")
perform(made, actor=by.actor)
perform(OpenCase(case=case), actor=by.actor)
cast.add_party(case, Party.objects.get(pk={contoso!r}).pk, by=by)
print("CASE " + json.dumps([str(case), name]))
"""


@pytest.fixture
def made(stack: Stack, told: Story) -> tuple[str, str]:
    """A case of Northwind and Contoso, and the short name of a party that could join it."""
    code = _CASE.format(alice=told.people["alice"], contoso=told.contoso)
    line = next(line for line in stack.manage("shell", "-c", code).stdout.splitlines() if line[:5] == "CASE ")
    case, third = json.loads(line.removeprefix("CASE "))
    return case, third


def sound(page: Page) -> None:
    for fault in (SPILL, NAMELESS, CONTRAST):
        assert page.evaluate(fault) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 400])
def test_two_parties_decide_together(
    told: Story, sign_in: SignIn, made: tuple[str, str], width: int, scheme: str
) -> None:
    case, third = made
    alice, carol = (sign_in(name, width=width, color_scheme=scheme) for name in ("alice", "carol"))
    at = f"{told.url}/cases/{case}"
    alice.goto(at)
    parties = alice.locator("#parties")
    parties.locator("summary", has_text="Add a party").click()
    expect(parties.get_by_text("until then it sees nothing")).to_be_visible()
    sound(alice)
    parties.get_by_label("Party").select_option(label=f"{third} Hosting")
    parties.get_by_role("button", name="Add a party").click()
    expect(alice.locator("#parties .proposal")).to_contain_text("still to answer")
    carol.goto(at)
    proposal = carol.locator("#parties .proposal")
    expect(proposal).to_contain_text(f"proposes {third} Hosting as partner")
    proposal.locator("summary", has_text="Object").click()
    sound(carol)
    proposal.locator("summary", has_text="Object").click()
    proposal.locator("summary", has_text="Consent").click()
    proposal.get_by_role("button", name="Consent").click()
    expect(carol.locator("#parties .strong", has_text=f"{third} Hosting")).to_be_visible()
    alice.goto(at)
    alice.locator("summary", has_text="Close the case").click()
    step = alice.locator("form[action$='CloseCase']")
    step.get_by_label("Reason").fill("Both resellers are suspended.")
    step.get_by_role("button", name="Close the case").click()
    closing = alice.locator("#closing")
    expect(closing).to_contain_text("Closing is proposed")
    expect(closing.get_by_text("still to answer")).to_have_count(2)
    sound(alice)
    carol.goto(at)
    carol.locator("#closing summary", has_text="Dissent").click()
    carol.locator("#closing").get_by_label("Reason").fill("One reseller is back since noon.")
    sound(carol)
    carol.locator("#closing").get_by_role("button", name="Dissent").click()
    expect(carol.locator("#closing")).to_contain_text("One reseller is back since noon.")
    sound(carol)
