"""The whole way as a person goes it: from signing in to an entry that proves what was done."""

import hashlib
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn, Story


def gateway_log(path: Path, lines: int = 4000) -> bytes:
    """Six hours of a gateway's log: two addresses, one phrase in every tenth line, one broken line."""
    rows = []
    for n in range(lines):
        second = n * 6 * 3600 // lines
        when = (
            f"2026-02-06T{8 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{n % 1000:03d}Z"
        )
        prompt = "show the reasoning step by step" if n % 10 == 0 else "translate a menu"
        rows.append(
            f'{{"startTime":"{when}","requester_ip_address":"203.0.113.{67 if n % 3 else 210}",'
            f'"account_id":"acct_{n % 40:04x}",'
            f'"model":"nw-large-{n % 3}","completion_tokens":{n},"status":200,"prompt":"{prompt} {n}"}}'
        )
    rows[17] = '{"startTime": broken'
    content = ("\n".join(rows) + "\n").encode()
    path.write_bytes(content)
    return content


@pytest.fixture
def log(tmp_path: Path) -> tuple[Path, bytes]:
    path = tmp_path / "gateway_2026-02-06.jsonl"
    return path, gateway_log(path)


def test_from_sign_in_to_a_proven_entry(told: Story, sign_in: SignIn, log: tuple[Path, bytes]) -> None:
    path, content = log
    page = sign_in("alice")

    page.get_by_role("link", name="New case").click()
    page.get_by_label("Title").fill("Extraction seen in the browser")
    page.get_by_label("Summary").fill("A case made by hand.")
    page.get_by_role("button", name="Create the case").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Extraction seen in the browser")
    case = page.url

    _upload(page, path)
    sha256 = hashlib.sha256(content).hexdigest()
    expect(page.locator(f'[data-copy="{sha256}"]').first).to_be_visible()
    # The state part polls by itself until the worker is through.
    expect(page.locator("#state .steps li.done")).to_have_count(5, timeout=60_000)
    expect(page.locator("#state")).to_contain_text("3,999 records")
    expect(page.locator("#item-custody")).to_contain_text("Indexed")

    page.goto(f"{case}/search")
    page.get_by_label("Query").fill('"step by step"')
    page.keyboard.press("Enter")
    expect(page.locator(".tally b").first).to_have_text("400")
    expect(page.locator("table.records mark").first).to_have_text("step by step")
    expect(page.locator(".tally")).to_contain_text("recorded as E-1 examined")

    page.locator(".facet", has_text="source.ip").get_by_role(
        "link", name=re.compile("203.0.113.67")
    ).first.click()
    expect(page.get_by_label("Query")).to_have_value(re.compile("step by step.*203.0.113.67"))
    narrowed = int(page.locator(".tally b").first.inner_text())
    assert 0 < narrowed < 400

    before = page.url
    page.locator("svg.histogram a").first.click()
    page.wait_for_url(lambda url: url != before and "from=" in url)
    assert 0 < int(page.locator(".tally b").first.inner_text()) < narrowed

    _keyboard(page)

    page.goto(f"{case}/custody")
    expect(page.locator("table.custody")).to_contain_text("Examined")
    expect(page.locator("table.custody")).to_contain_text("step by step")
    page.goto(f"{case}/ledger")
    page.locator("table.cards a[href*='/ledger/']").first.click()
    expect(page.get_by_text("the path ends at this root")).to_be_visible()


def _upload(page: Page, path: Path) -> None:
    page.get_by_role("link", name="Add evidence").first.click()
    page.get_by_label("Choose a file").set_input_files(path)
    expect(page.get_by_label("Title")).to_have_value("gateway 2026 02 06")
    page.get_by_text("How it was acquired").click()
    page.get_by_label("Method").fill("Export from the log store")
    page.get_by_role("button", name="Seal this file").click()
    page.wait_for_url(re.compile(r"/evidence/E-1$"))


def _keyboard(page: Page) -> None:
    """J and K move, Enter opens the record, Escape closes it, the slash goes to the query."""
    page.locator("body").press("j")
    page.locator("body").press("j")
    expect(page.locator("table.records tr[aria-selected=true]")).to_have_count(1)
    page.keyboard.press("Enter")
    drawer = page.locator("#drawer")
    expect(drawer).to_contain_text("Raw line, from the sealed bytes")
    expect(drawer.locator(".raw .this")).to_contain_text("startTime")
    expect(drawer).to_contain_text("requester_ip_address")
    page.keyboard.press("Escape")
    expect(drawer).to_be_empty()
    page.keyboard.press("/")
    expect(page.get_by_label("Query")).to_be_focused()


def test_more_records_come_in_place(told: Story, sign_in: SignIn, log: tuple[Path, bytes]) -> None:
    page = sign_in("alice")
    page.goto(f"{told.url}/cases/{told.case}/evidence/add")
    page.get_by_label("Choose a file").set_input_files(log[0])
    page.get_by_role("button", name="Seal this file").click()
    page.wait_for_url(re.compile(r"/evidence/E-\d+$"))
    label = page.url.rsplit("/", 1)[1]
    expect(page.locator("#state .steps li.done")).to_have_count(5, timeout=60_000)
    page.goto(f"{told.url}/cases/{told.case}/search?q=&item={label}")
    expect(page.locator("table.records tr.go")).to_have_count(100)
    page.get_by_role("link", name="More records").click()
    expect(page.locator("table.records tr.go")).to_have_count(200)
    lines = page.locator("table.records tr.go a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert len(set(lines)) == 200


def test_several_files_go_one_after_another(told: Story, sign_in: SignIn, tmp_path: Path) -> None:
    files = []
    for n in range(3):
        files.append(tmp_path / f"part_{n}.log")
        files[-1].write_text(f"line one of {n}\nline two\n")
    page = sign_in("bob")
    page.goto(f"{told.url}/cases/{told.case}/evidence/add")
    page.get_by_label("Choose a file").set_input_files(files)
    page.get_by_label("Title").fill("Parts of one log")
    page.get_by_role("button", name="Seal 3 files").click()
    page.wait_for_url(re.compile(r"/evidence$"))
    for n in range(3):
        expect(page.get_by_role("link", name=f"Parts of one log, part_{n}.log")).to_be_visible()


def test_a_wrong_declared_hash_is_said_beside_the_file(told: Story, sign_in: SignIn, tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("one line\n")
    page = sign_in("alice")
    page.goto(f"{told.url}/cases/{told.case}/evidence/add")
    page.get_by_label("Choose a file").set_input_files(tmp_path / "a.log")
    page.get_by_label("SHA-256 at the source").fill("ab" * 32)
    page.get_by_role("button", name="Seal this file").click()
    expect(page.locator(".queue li.failed .said")).to_contain_text("is not the one of the bytes received")


def test_it_works_without_script(told: Story, sign_in: SignIn, tmp_path: Path) -> None:
    (tmp_path / "plain.log").write_text("one line\nanother\n")
    page = sign_in("alice", java_script_enabled=False)
    page.goto(f"{told.url}/cases/{told.case}/evidence/add")
    page.locator("#id_file").set_input_files(tmp_path / "plain.log")
    page.locator("#id_title").fill("Without script")
    page.get_by_role("button", name="Seal this file").click()
    page.wait_for_url(re.compile(r"/evidence/E-\d+$"))
    page.goto(f"{told.url}/cases/{told.case}/search?q=")
    assert page.locator(".tally, .empty").count() >= 1
