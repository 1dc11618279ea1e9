"""Two organisations side by side: one refers a matter, the other asks back, is answered, and joins."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn, Story
from tests.browser.test_pages import CONTRAST, NAMELESS, SPILL

WORDS = "Accounts of yours extract our answers in bulk."


def holds(page: Page, shot: Path) -> None:
    """Nothing spills over, all has a name, text stands out; a picture is kept for who looks."""
    page.screenshot(path=shot, full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    for question in (SPILL, NAMELESS, CONTRAST):
        assert page.evaluate(question) == []
    expect(page.get_by_role("heading", level=1)).to_have_count(1)


@pytest.mark.parametrize(
    ("width", "scheme"), [(1440, "light"), (400, "dark"), (1440, "dark"), (400, "light")]
)
def test_from_referral_to_acceptance(
    told: Story, sign_in: SignIn, tmp_path: Path, width: int, scheme: str
) -> None:
    tail = f"{width} {scheme}"
    alice, mallory = (sign_in(name, width=width, color_scheme=scheme) for name in ("alice", "mallory"))
    alice.get_by_role("link", name="Referrals").click()
    alice.get_by_role("link", name="Refer something").click()
    holds(alice, tmp_path / "form.png")
    alice.get_by_label("Title of the draft case").fill(f"Secret title {tail}")
    to = alice.locator("#id_to option", has_text=f"Outsiders {told.people['mallory'].rsplit('-', 1)[1]}")
    alice.get_by_label("To", exact=True).select_option(to.get_attribute("value"))
    alice.get_by_label("Summary").fill(WORDS)
    alice.get_by_label("Indicators").fill("203.0.113.7\nsk-ring-0042")
    alice.get_by_label("Purpose").fill(f"Stop the accounts, {tail}")
    alice.get_by_role("button", name="Send the referral").click()
    expect(alice.get_by_role("heading", level=1)).to_contain_text("Referral to Outsiders")
    holds(alice, tmp_path / "sent.png")

    mallory.reload()
    mallory.get_by_role("link", name="Referrals").click()
    holds(mallory, tmp_path / "inbox.png")
    mallory.get_by_role("link", name=f"Stop the accounts, {tail}").click()
    expect(mallory.get_by_text(WORDS)).to_be_visible()
    expect(mallory.get_by_text(f"Secret title {tail}")).to_have_count(0)
    holds(mallory, tmp_path / "received.png")
    mallory.locator("summary", has_text="Ask back").click()
    mallory.get_by_label("Your question").fill("Since when?")
    mallory.get_by_role("button", name="Ask back").click()
    expect(mallory.get_by_text("Recorded under the leaf hash")).to_be_visible()

    alice.reload()
    alice.get_by_label("Your answer").fill("Since the 5th of October.")
    alice.get_by_role("button", name="Answer", exact=True).click()
    mallory.reload()
    expect(mallory.get_by_text("Since the 5th of October.")).to_be_visible()
    holds(mallory, tmp_path / "answered.png")
    mallory.get_by_role("button", name="Accept and join").click()
    expect(mallory.get_by_role("heading", level=1)).to_have_text(f"Secret title {tail}")
    alice.goto(f"{told.url}/referrals?show=sent")
    expect(alice.get_by_role("row", name=tail).get_by_text("accepted")).to_be_visible()
    holds(alice, tmp_path / "list.png")
