"""The ledger in a real browser: rings in the parties' hues, the proof drawn, the check done as it says."""

import json
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn, Story
from tests.browser.test_pages import CONTRAST, NAMELESS, SPILL
from tests.cluster import REPO
from tests.stack import Stack

_SCENES = """
import json
from datetime import UTC, datetime, timedelta
from django.contrib.auth.models import User
from cases import keyring, reads
from cases.actors import actor_for_user
from cases.perform import perform
from cases.rules.case import AddParty, CreateCase, OpenCase, ReviseCase
from ledger.host import memory
from ledger.signer import Stand
from tests.cast import Person
from tests.witnesses import witness_of
told = json.loads({told!r})

def person(name):
    user = User.objects.get(username=told["people"][name])
    return Person(user=user, member=user.member.pk, party=user.member.party_id)

alice, carol = person("alice"), person("carol")
ids = {{}}
for title in ("Whole", "Waiting", "Alone", "Doubt"):
    case = CreateCase(case=__import__("uuid").uuid4(), title=title, summary="As it began.", category="other")
    perform(case, actor=alice.actor)
    perform(OpenCase(case=case.case), actor=alice.actor)
    if title != "Alone":
        perform(AddParty(case=case.case, party=carol.party, role="partner"), actor=alice.actor)
    for n in range(30):
        perform(ReviseCase(case=case.case, summary=f"Draft {{n}}."), actor=alice.actor)
    ids[title] = case.case
ours, theirs = witness_of(alice), witness_of(carol)
for case in ids.values():  # what the worker would do in a moment, which would make the newest entries wait
    for party in reads.parties_of(alice.actor, reads.case(alice.actor, case)):
        keyring.spread(case, party.party_id)
for witness in (ours, theirs):
    witness.cosign(ids["Whole"])
    witness.cosign(ids["Waiting"])
for n in range(3):
    perform(ReviseCase(case=ids["Waiting"], summary=f"Later {{n}}."), actor=alice.actor)
ours.cosign(ids["Waiting"])
memory().adopt(ids["Doubt"], Stand(99, bytes(32)))
references = {{title: reads.case(alice.actor, case).reference for title, case in ids.items()}}
print("SCENES " + json.dumps(references))
"""


@dataclass(frozen=True)
class Scenes:
    """Cases in each state of the proof, by their pages."""

    whole: str
    waiting: str
    alone: str
    doubt: str


@pytest.fixture(scope="session")
def scenes(stack: Stack, told: Story) -> Scenes:
    said = stack.manage("shell", "-c", _SCENES.format(told=json.dumps({"people": told.people}))).stdout
    line = next(line for line in said.splitlines() if line.startswith("SCENES "))
    cases = json.loads(line.removeprefix("SCENES "))
    return Scenes(**{title.lower(): f"{told.url}/cases/{case}" for title, case in cases.items()})


def hues(page: Page, where: str) -> list[list[object]]:
    """The colours of the rings, and whether each is open."""
    rings = page.locator(f"{where} .rings").first.locator("circle")
    look = "c => { const s = getComputedStyle(c); return [s.stroke, s.strokeDasharray !== 'none']; }"
    return [list(ring.evaluate(look)) for ring in rings.all()]


def hue(page: Page, name: str) -> str:
    """The colour of a party's dot in the header."""
    dot = page.locator(".head .under .chip", has_text=name).locator(".dot")
    return str(dot.evaluate("dot => getComputedStyle(dot).backgroundColor"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 400])
def test_each_state_holds_in_both_widths_and_themes(
    scenes: Scenes, sign_in: SignIn, width: int, scheme: str
) -> None:
    page = sign_in("alice", width=width, color_scheme=scheme)
    for case in (scenes.whole, scenes.waiting, scenes.alone, scenes.doubt):
        for path in ("/ledger", "/ledger?show=waiting", "/ledger/20"):
            page.goto(case + path)
            page.locator("main details").evaluate_all("all => all.forEach(fold => { fold.open = true; })")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (case, path)
            for look in (SPILL, NAMELESS, CONTRAST):
                assert page.evaluate(look) == [], (case, path)


def test_the_rings_are_the_parties_own_and_closed_once_they_have_countersigned(
    scenes: Scenes, sign_in: SignIn
) -> None:
    page = sign_in("alice")
    page.goto(f"{scenes.whole}/ledger")
    ours, theirs = hue(page, "Northwind"), hue(page, "Contoso")
    assert ours != theirs
    assert hues(page, ".glance") == hues(page, ".head") == [[ours, False], [theirs, False]]
    expect(page.locator(".glance")).to_contain_text("History whole")
    page.goto(f"{scenes.waiting}/ledger")
    assert hues(page, ".head") == hues(page, ".glance") == [[ours, False], [theirs, True]]
    expect(page.locator(".head")).to_contain_text("recorded, 3 waiting")
    assert hues(page, "table.ledger tr:nth-child(1)") == [[ours, False], [theirs, True]]
    assert hues(page, "table.ledger tr:nth-child(9)") == [[ours, False], [theirs, False]]
    page.goto(f"{scenes.doubt}")
    expect(page.get_by_role("alert")).to_contain_text("in doubt")
    assert page.get_by_role("alert").locator("button").count() == 0


def test_the_state_comes_first_in_a_narrow_window(scenes: Scenes, sign_in: SignIn) -> None:
    page = sign_in("alice", width=400)
    page.goto(f"{scenes.whole}/ledger")
    tops = [page.locator(where).bounding_box() for where in (".glance", "table.ledger", ".verify")]
    assert all(tops)
    assert [box["y"] for box in tops if box] == sorted(box["y"] for box in tops if box)


def test_entries_are_gone_through_by_keyboard(scenes: Scenes, sign_in: SignIn) -> None:
    page = sign_in("alice")
    page.goto(f"{scenes.waiting}/ledger")
    newest = int(page.locator("table.ledger tbody tr td").first.inner_text())
    for key in ("j", "j", "k", "j"):
        page.locator("body").press(key)
    chosen = page.locator("table.ledger tr[aria-selected=true]")
    expect(chosen).to_have_count(1)
    expect(chosen).to_have_id(f"e{newest - 1}")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{scenes.waiting}/ledger/{newest - 1}")
    page.goto(f"{scenes.waiting}/ledger")
    page.get_by_label("Go to entry").fill("2")
    page.keyboard.press("Enter")
    expect(page.locator("#e2")).to_have_attribute("aria-selected", "true")


def test_copying_a_hash_does_not_open_the_entry(scenes: Scenes, sign_in: SignIn) -> None:
    page = sign_in("alice")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{scenes.whole}/ledger")
    button = page.locator("table.ledger .copy").first
    button.click()
    expect(button).to_have_attribute("aria-label", "Copied")
    assert page.evaluate("navigator.clipboard.readText()") == button.get_attribute("data-copy")
    assert page.url == f"{scenes.whole}/ledger"


@pytest.mark.parametrize("state", ["whole", "waiting"])
def test_what_the_page_says_to_do_verifies_what_the_page_gives(
    scenes: Scenes, sign_in: SignIn, tmp_path: Path, state: str
) -> None:
    page = sign_in("carol", accept_downloads=True)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{getattr(scenes, state)}/ledger")
    for name in ("Download the ledger", "Download the keys"):
        with page.expect_download() as coming:
            page.get_by_role("link", name=name).click()
        coming.value.save_as(tmp_path / coming.value.suggested_filename)
    page.get_by_role("button", name="Copy the command").first.click()
    command = shlex.split(page.evaluate("navigator.clipboard.readText()"))
    assert command[0] == "countersign-verify" and ("--allow-pending" in command) == (state == "waiting")
    done = subprocess.run(
        [sys.executable, "-m", "verifier", *command[1:]],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPO)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All holds" in done.stdout


def test_the_proof_is_a_tree_from_the_entry_up_to_the_root(scenes: Scenes, sign_in: SignIn) -> None:
    for options in ({"width": 400, "java_script_enabled": False}, {"width": 1440}):
        page = sign_in("alice", **options)
        page.goto(f"{scenes.whole}/ledger/20")
        tree = page.locator("svg.tree")
        frame = tree.bounding_box()
        steps = tree.locator("line.way").count()
        assert steps == tree.locator("line.other").count() == tree.locator("circle.beside").count() == 6
        this, top = tree.locator("circle.this").bounding_box(), tree.locator("circle.top").bounding_box()
        assert this and top and this["y"] > top["y"] + 200
        assert frame
        for text in tree.locator("text").all():
            box = text.bounding_box()
            assert box and box["x"] >= frame["x"] and box["x"] + box["width"] <= frame["x"] + frame["width"]
        expect(page.get_by_text("the path ends at this root")).to_be_visible()
        with page.expect_download() as coming:
            page.get_by_role("link", name="Download the receipt").click()
        assert coming.value.suggested_filename.endswith("-entry-20.tlog-proof")


def test_a_step_gives_its_receipt_once(scenes: Scenes, sign_in: SignIn) -> None:
    page = sign_in("alice")
    page.goto(scenes.alone)
    page.locator("summary", has_text="Mark as contained").click()
    form = page.locator("form", has_text="Mark as contained")
    form.get_by_label("Reason").fill("All keys are revoked")
    form.get_by_role("button", name="Mark as contained").click()
    notice = page.locator(".receipt")
    expect(notice).to_contain_text("Recorded")
    notice.get_by_role("link", name="entry").first.click()
    expect(page.get_by_text("marked the case contained: All keys are revoked")).to_be_visible()
    expect(page.locator(".receipt")).to_have_count(0)


def test_on_paper_the_ledger_is_whole(scenes: Scenes, sign_in: SignIn) -> None:
    page = sign_in("alice")
    page.goto(f"{scenes.whole}/ledger")
    leaf = page.locator("table.ledger .digest .v").first
    whole = leaf.get_attribute("title") or ""
    page.emulate_media(media="print")
    for gone in (".side", ".tabs", ".verify", ".switch", ".pager"):
        expect(page.locator(gone).first).to_be_hidden()
    expect(page.locator(".only-print").first).to_contain_text("History whole")
    assert leaf.evaluate("v => getComputedStyle(v, '::after').content") == f'"{whole}"'
    page.goto(f"{scenes.whole}/ledger/20")
    page.emulate_media(media="print")
    for line in page.locator("svg.tree line").all():
        assert line.evaluate("line => getComputedStyle(line).display") == "inline"
