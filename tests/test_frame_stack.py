"""The running instance as a stranger sees it."""

import requests

from tests.fixtures.browser import NewPage
from tests.stack import Stack


def test_healthz_names_each_part(stack: Stack) -> None:
    status, parts = stack.health()
    assert (status, parts) == (
        200,
        {"status": "up", "database": "up", "broker": "up", "worker": "up", "vault": "up"},
    )


def test_every_answer_carries_the_fixed_headers(stack: Stack) -> None:
    answer = requests.get(f"{stack.url}/accounts/login/", timeout=10)
    policy = answer.headers["Content-Security-Policy"]
    assert answer.status_code == 200
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"].find("no-store") >= 0
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_nobody_signs_up_by_themselves(stack: Stack) -> None:
    answer = requests.get(f"{stack.url}/accounts/signup/", timeout=10)
    assert 'name="password1"' not in answer.text


def test_sign_in_page_in_a_browser(stack: Stack, new_page: NewPage) -> None:
    page = new_page()
    page.goto(f"{stack.url}/accounts/login/")
    assert page.locator("input[name=login]").count() == 1
