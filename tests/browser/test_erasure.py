"""A value is erased in a real browser: chosen, explained, gone; on a phone and in the dark as well."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SignIn, Story
from tests.browser.test_pages import CONTRAST, NAMELESS, SPILL


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (400, "dark")])
def test_a_lead_investigator_erases_a_value(told: Story, sign_in: SignIn, width: int, scheme: str) -> None:
    page = sign_in("alice", width=width, color_scheme=scheme)
    title, summary = f"The name of a person {width}", f"Who lives at {width} Elm Street. " * 12
    page.goto(f"{told.url}/cases/{told.case}/revise")
    page.get_by_label("Title").fill(title)
    page.get_by_label("Summary").fill(summary)
    page.get_by_role("button", name="Record the change").click()
    page.goto(f"{told.url}/cases/{told.case}/ledger")
    page.get_by_role("link", name="changed the case's title and summary").first.click()
    page.get_by_role("link", name="Erase a field").click()
    assert page.evaluate(SPILL) == []
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(CONTRAST) == []
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_text("What to erase is missing.")).to_be_visible()
    page.get_by_label(title).check()
    page.get_by_label("Reason").fill("Asked for by the person concerned")
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_text("value and salt were destroyed")).to_be_visible()
    assert title not in page.content()
    expect(page.get_by_role("heading", level=1)).to_have_text("(erased)")
