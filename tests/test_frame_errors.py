"""What people see when something is wrong: a page that says so, also while the database is away."""

import os
import signal

import pytest
import requests
from django.template import loader

from tests.stack import Stack


def test_a_page_says_that_the_database_does_not_answer(breakable_stack: Stack) -> None:
    cookie = {f"session-{breakable_stack.url.rpartition(':')[2]}": "s" * 32}
    launcher = breakable_stack.launcher
    assert launcher is not None
    launcher.send_signal(signal.SIGSTOP)  # so that nobody brings the database back yet
    try:
        os.kill(breakable_stack.children()["database"], signal.SIGKILL)
        page = requests.get(breakable_stack.url, cookies=cookie, timeout=30)
        program = requests.get(
            f"{breakable_stack.url}/api/v1/me", headers={"Authorization": "Bearer cst_x"}, timeout=30
        )
    finally:
        launcher.send_signal(signal.SIGCONT)
    assert page.status_code == program.status_code == 503
    assert page.headers["Retry-After"] == program.headers["Retry-After"] == "2"
    assert "The database does not answer just now" in page.text
    assert program.json()["type"] == "urn:countersign:problem:database"
    breakable_stack.wait_until_well()
    assert requests.get(breakable_stack.url, cookies=cookie, timeout=30).status_code == 200


@pytest.mark.parametrize("status", [400, 403, 404, 413, 500, 503])
def test_the_pages_of_errors_need_nothing_of_a_request(status: int) -> None:
    assert "<h1>" in loader.get_template(f"{status}.html").render()
