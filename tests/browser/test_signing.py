"""Passkeys in a real browser with a virtual authenticator: register, sign, replace, revoke, fail."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import CDPSession, Page, expect

from tests.browser.test_pages import CONTRAST, NAMELESS, SPILL
from tests.cast import PASSWORD
from tests.cluster import REPO
from tests.fixtures.browser import NewPage
from tests.stack import Stack

_CAST = """
import json
from tests.cast import the_cast, joint_case, sealed_item
cast = the_cast()
case = joint_case(cast)
sealed_item(cast, case)
alone = joint_case(cast, title="Led by one party", partner=False)
told = {"alice": cast.alice.user.username, "party": str(cast.northwind), "case": case.reference}
told["alone"] = alone.reference
print("CAST " + json.dumps(told))
"""


@dataclass(frozen=True)
class Desk:
    """alice at her browser, a joint case, one that her party closes alone, and an authenticator."""

    page: Page
    url: str
    login: str
    party: str
    case: str
    alone: str
    cdp: CDPSession
    authenticator: str

    def goto(self, path: str) -> None:
        self.page.goto(f"{self.url}{path}")

    def credentials(self) -> list[dict[str, Any]]:
        """What the authenticator holds."""
        said = self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.authenticator})
        return list(said["credentials"])

    def register(self, name: str = "Laptop") -> None:
        """Register a passkey on the keys page."""
        self.goto("/keys")
        form = self.page.locator("form[data-passkey]:not([data-old])")
        if not form.is_visible():
            self.page.locator("summary", has_text="Register a passkey").click()
        form.get_by_label("Name").fill(name)
        form.get_by_role("button", name="Register a passkey").click()
        expect(self.page.locator("#mine td.main", has_text=name)).to_be_visible()


@pytest.fixture
def desk(stack: Stack, new_page: NewPage) -> Callable[..., Desk]:
    def open_desk(**options: Any) -> Desk:
        said = stack.manage("shell", "-c", _CAST).stdout
        line = next(line for line in said.splitlines() if line.startswith("CAST "))
        told = json.loads(line.removeprefix("CAST "))
        page = new_page(**options)
        cdp = page.context.new_cdp_session(page)
        cdp.send("WebAuthn.enable")
        made = cdp.send(
            "WebAuthn.addVirtualAuthenticator",
            {
                "options": {
                    "protocol": "ctap2",
                    "transport": "internal",
                    "hasResidentKey": True,
                    "hasUserVerification": True,
                    "isUserVerified": True,
                    "automaticPresenceSimulation": True,
                }
            },
        )
        page.goto(f"{stack.url}/accounts/login/")
        page.get_by_label("User name or e-mail address").fill(told["alice"])
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(f"{stack.url}/")
        return Desk(
            page=page,
            url=stack.url,
            login=told["alice"],
            party=told["party"],
            case=told["case"],
            alone=told["alone"],
            cdp=cdp,
            authenticator=made["authenticatorId"],
        )

    return open_desk


def step(page: Page, name: str, reason: str) -> Any:
    """Open a step of the case's front page and fill in its reason."""
    box = page.locator("details", has=page.locator("summary", has_text=name)).last
    if box.get_attribute("open") is None:
        box.locator("summary").click()
    box.get_by_label("Reason").fill(reason)
    return box


def close(desk: Desk, reason: str = "Settled.") -> Any:
    """The step that closes the case, filled in."""
    desk.goto(f"/cases/{desk.alone}")
    return step(desk.page, "Close the case", reason)


def test_a_passkey_signs_the_closing_and_the_bundle_shows_it(
    stack: Stack, desk: Callable[..., Desk], tmp_path: Path
) -> None:
    alice = desk()
    alice.register()
    (credential,) = alice.credentials()
    assert credential["rpId"] == "localhost"
    box = close(alice)
    expect(box.get_by_role("button", name="Close the case")).to_be_visible()
    box.get_by_role("button", name="Sign with my passkey").click()
    expect(alice.page.locator(".status.closed").first).to_be_visible()

    # The entry's exact bytes carry the signature.
    alice.goto(f"/cases/{alice.alone}/ledger")
    alice.page.get_by_role("link", name="closed the case").first.click()
    expect(alice.page.locator("pre", has_text='"alg":"webauthn"').first).to_be_visible()
    expect(alice.page.get_by_text("Signed by Alice")).to_be_visible()

    # And so does the export, checked offline with the member's key pinned.
    exported = alice.page.request.get(f"{alice.url}/cases/{alice.alone}/ledger/export")
    assert exported.ok
    bundle, policy = tmp_path / "bundle.zip", tmp_path / "policy"
    bundle.write_bytes(exported.body())
    token = stack.manage("token", alice.login).stdout.split()[-1]
    told = requests.get(
        f"{alice.url}/api/v1/cases/{alice.alone}/ledger/policy",
        headers={"Authorization": f"Bearer {token}"},
        timeout=20,
    )
    policy.write_text(told.text)
    assert f" {alice.party}" in told.text and "#key " in told.text
    assert verify(bundle, policy).returncode == 0, verify(bundle, policy).stdout
    # A member of this party who pinned another key does not take the host's word for this one.
    key = next(line for line in told.text.splitlines() if line.startswith("#key "))
    policy.write_text(told.text.replace(key, f"#key {'0' * 64} {alice.party}"))
    refused = verify(bundle, policy)
    assert refused.returncode == 1
    assert "finding: entry" in refused.stdout


def verify(bundle: Path, policy: Path) -> "subprocess.CompletedProcess[str]":
    """countersign-verify."""
    return subprocess.run(
        [sys.executable, "-m", "verifier", str(bundle), "--policy", str(policy)],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=False,
    )


def test_signing_an_offer_by_keyboard(desk: Callable[..., Desk]) -> None:
    alice = desk()
    alice.register()
    alice.goto(f"/cases/{alice.case}/evidence/E-1#share")
    page = alice.page
    page.get_by_text("Share with a party").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Purpose").fill("Joint analysis")
    button = page.get_by_role("button", name="Sign with my passkey")
    page.get_by_label("Until").focus()
    for _ in range(4):
        page.keyboard.press("Tab")
        if button.evaluate("e => e === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.locator(".notice.receipt")).to_be_visible()


def test_where_signatures_are_demanded_only_the_signed_button_is_there(desk: Callable[..., Desk]) -> None:
    alice = desk()
    alice.register()
    alice.page.get_by_role("button", name="Demand signatures").click()
    expect(alice.page.locator("#required")).to_contain_text("Demanded")
    box = close(alice)
    expect(box.get_by_role("button", name="Close the case")).to_have_count(0)
    expect(box).to_contain_text("wants its members to sign")
    # Enter in a field, or a form sent without the script, does not slip through either.
    sent = alice.page.evaluate(
        """async (form) => {
          const body = new URLSearchParams(new FormData(form));
          const answer = await fetch(form.action, { method: "POST", body });
          return [answer.status, await answer.text()];
        }""",
        box.locator("form").element_handle(),
    )
    assert sent[0] == 409 and "wants this act signed" in sent[1]
    box.get_by_role("button", name="Sign with my passkey").click()
    expect(alice.page.locator(".status.closed").first).to_be_visible()


def test_a_passkey_is_replaced_and_the_old_one_revoked_in_effect(desk: Callable[..., Desk]) -> None:
    alice = desk()
    alice.register("Old laptop")
    (old,) = alice.credentials()
    alice.page.locator("summary", has_text="Replace").click()
    alice.page.get_by_role("button", name="Replace this passkey").click()
    expect(alice.page.get_by_text("Keys that have ended (1)")).to_be_visible()
    assert len(alice.credentials()) == 2
    # Only the old passkey is at hand: the browser finds none that would do.
    new = next(one for one in alice.credentials() if one["credentialId"] != old["credentialId"])
    alice.cdp.send(
        "WebAuthn.removeCredential",
        {"authenticatorId": alice.authenticator, "credentialId": new["credentialId"]},
    )
    box = close(alice)
    box.get_by_role("button", name="Sign with my passkey").click()
    expect(box.get_by_role("alert")).to_contain_text("Nothing was signed")
    expect(box.get_by_role("button", name="Sign with my passkey")).to_be_enabled()


def test_the_browser_finds_a_passkey_that_the_host_has_lost_sight_of(
    stack: Stack, desk: Callable[..., Desk]
) -> None:
    alice = desk()
    alice.register()
    raw = alice.credentials()[0]["credentialId"]
    name = raw.replace("+", "-").replace("/", "_").rstrip("=")
    forget = f"from web.models import Passkey; print(Passkey.objects.filter(credential={name!r}).delete()[0])"
    assert stack.manage("shell", "-c", forget).stdout.split()[-1] == "1"
    close(alice).get_by_role("button", name="Sign with my passkey").click()
    expect(alice.page.locator(".status.closed").first).to_be_visible()


def test_a_revoked_key_is_offered_no_more(desk: Callable[..., Desk]) -> None:
    alice = desk()
    alice.register()
    alice.page.locator("summary", has_text="Revoke").click()
    alice.page.get_by_label("Reason").fill("Lost on a train.")
    alice.page.get_by_role("button", name="Revoke this key").click()
    expect(alice.page.get_by_text("No signing key yet")).to_be_visible()
    box = close(alice)
    expect(box.get_by_role("button", name="Sign with my passkey")).to_have_count(0)


def test_what_goes_wrong_is_said_in_words(desk: Callable[..., Desk]) -> None:
    alice = desk()
    alice.register()
    uses = alice.credentials()[0]["signCount"]
    box = close(alice, "")
    sign = box.get_by_role("button", name="Sign with my passkey")
    sign.click()
    # The browser's own word for a field that is missing; nothing was asked of the authenticator.
    assert alice.credentials()[0]["signCount"] == uses
    box.get_by_label("Reason").fill("   ")
    sign.click()
    expect(box.get_by_role("alert")).to_have_text("Reason is missing.")
    # By number there is no name that a passkey could belong to.
    port = alice.url.rsplit(":", 1)[1]
    page = alice.page.context.new_page()
    page.goto(f"http://127.0.0.1:{port}/accounts/login/")
    page.get_by_label("User name or e-mail address").fill(alice.login)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"http://127.0.0.1:{port}/")
    page.goto(f"http://127.0.0.1:{port}/keys")
    form = page.locator("form[data-passkey]:not([data-old])")
    if not form.is_visible():
        page.locator("summary", has_text="Register a passkey").click()
    form.get_by_role("button", name="Register a passkey").click()
    expect(form.get_by_role("alert")).to_contain_text(f"http://localhost:{port}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 400])
def test_the_pages_of_keys_hold_in_both_widths_and_themes(
    desk: Callable[..., Desk], width: int, scheme: str
) -> None:
    alice = desk(width=width, color_scheme=scheme)
    alice.goto("/keys")
    sound(alice.page)
    alice.register("A laptop with a name that is rather long for one line")
    alice.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true;")
    sound(alice.page)
    form = alice.page.locator("#witnesses form").last
    form.get_by_label("Name of the witness").fill("northwind.example/witness")
    form.get_by_label("Public key").fill("ab" * 32)
    form.get_by_role("button", name="Show what it has to sign").click()
    expect(alice.page.get_by_role("heading", name="The statement")).to_be_visible()
    sound(alice.page)


def sound(page: Page) -> None:
    """Nothing spills over, all has a name, text stands out."""
    assert page.evaluate(SPILL) == []
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert page.locator("h1").count() == 1
