"""The operator's console in a real browser, under the content security policy that every page has."""

import re

from playwright.sync_api import Page, expect

from tests.cast import PASSWORD
from tests.fixtures.browser import NewPage
from tests.stack import Stack

SCENE = (
    "from tests.cast import *; c = the_cast(); case = joint_case(c); sealed_item(c, case); token(c.alice); "
    "print(c.olga.username, case.reference)"
)


def open_console(stack: Stack, page: Page) -> tuple[str, str]:
    """Sign in as the operator; returns its login and the reference of a case."""
    login, reference = stack.manage("shell", "--no-imports", "-c", SCENE).stdout.split()[-2:]
    page.goto(f"{stack.url}/admin/")
    page.get_by_label(re.compile("login|user", re.IGNORECASE)).first.fill(login)
    page.get_by_label("Password", exact=True).first.fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{stack.url}/admin/")
    return login, reference


def test_the_operator_walks_the_console(stack: Stack, new_page: NewPage) -> None:
    page = new_page()
    login, reference = open_console(stack, page)
    expect(page.get_by_text(login, exact=True)).to_be_visible()
    for name in ("Cases", "Evidence items", "Members", "Parties", "Api tokens", "Ingest queue"):
        page.goto(f"{stack.url}/admin/")
        page.locator("#content-main").get_by_role("link", name=name, exact=True).last.click()
        page.locator("#result_list tbody th a").first.click()
        expect(page.locator("fieldset.module").first).to_be_visible()
        page.get_by_role("button", name="Toggle theme").first.click()
    page.goto(f"{stack.url}/admin/cases/case/?q={reference}")
    expect(page.get_by_role("link", name=reference)).to_be_visible()
    page.get_by_role("link", name="Health", exact=True).click()
    expect(page.get_by_role("row", name="Database")).to_contain_text("up")


def test_a_party_is_registered_on_a_small_dark_screen(stack: Stack, new_page: NewPage) -> None:
    page = new_page(width=400, color_scheme="dark")
    login, _ = open_console(stack, page)
    page.goto(f"{stack.url}/admin/cases/party/add/")
    page.get_by_label("Name", exact=True).fill(f"Tailspin {login}")
    page.get_by_label("Short name").fill(f"TS {login}")
    page.get_by_role("button", name="Register a party").click()
    expect(page.get_by_text(f"Tailspin {login} is registered.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{stack.url}/admin/")
    expect(page).to_have_url(re.compile("/accounts/login/"))
