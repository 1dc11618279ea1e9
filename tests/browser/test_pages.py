"""Each page in both widths and themes: nothing spills over, all has a name, text stands out."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SignIn, Story

PAGES = (
    "/",
    "/cases/new",
    "/keys",
    "{case}",
    "{case}/evidence",
    "{case}/evidence/add",
    "{case}/search",
    "{case}/search?q=",
    "{case}/custody",
    "{case}/ledger",
    "{case}/ledger/1",
    "{case}/search?q=a)",
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/sessions/",
    "/cases/none",
)

# Every element with text of its own: its colour against the nearest painted ground (WCAG 2.2, 1.4.3).
CONTRAST = """() => {
  const lum = ([r, g, b]) => {
    const f = (c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
  };
  const rgba = (text) => {
    const n = text.match(/[\\d.]+/g).map(Number);
    return text.startsWith("rgb") ? [n[0], n[1], n[2], n[3] ?? 1] : null;
  };
  const poor = [];
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    if (e.closest("svg") || !e.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const box = e.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) continue;
    const style = getComputedStyle(e);
    let ground = null;
    for (let up = e; up && !ground; up = up.parentElement) {
      const c = rgba(getComputedStyle(up).backgroundColor);
      if (c && c[3] === 1) ground = c;
    }
    const ink = rgba(style.color);
    if (!ground || !ink) continue;
    const [a, b] = [lum(ink), lum(ground)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const said = e.textContent.trim().slice(0, 30);
    if (ratio < (large ? 3 : 4.5)) poor.push(`${ratio.toFixed(2)} ${e.tagName}.${e.className} "${said}"`);
  }
  return poor;
}"""

NAMELESS = """() => [...document.querySelectorAll(
  "a[href], button, input:not([type=hidden]), select, textarea, summary"
)].filter((e) => {
  if (!e.checkVisibility() || e.closest("svg")) return false;
  const labels = e.labels ? [...e.labels].map((l) => l.textContent).join("") : "";
  const own = (e.getAttribute("aria-label") ?? "") + e.textContent + (e.getAttribute("title") ?? "");
  return !(labels + own).trim();
}).map((e) => e.outerHTML.slice(0, 120))"""

SPILL = """() => [...document.querySelectorAll("body *")].filter((e) => {
  const box = e.getBoundingClientRect();
  const edge = document.documentElement.clientWidth + 1;
  const inside = ".tabs, .scroll, .away, .raw, pre, .ellipsis, .records";
  return box.width > 0 && box.right > edge && !e.closest(inside);
}).map((e) => `${e.tagName}.${e.getAttribute("class")}`).slice(0, 5)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 400])
def test_every_page_holds_in_both_widths_and_themes(
    told: Story, sign_in: SignIn, width: int, scheme: str
) -> None:
    page = sign_in("alice", width=width, color_scheme=scheme)
    for path in PAGES:
        page.goto(told.url + path.format(case=f"/cases/{told.case}"))
        assert page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        ), f"{path} scrolls sideways"
        assert page.evaluate(SPILL) == [], path
        assert page.evaluate(NAMELESS) == [], path
        assert page.evaluate(CONTRAST) == [], path
        assert page.locator("h1").count() == 1, path


def test_focus_is_seen(told: Story, sign_in: SignIn) -> None:
    page = sign_in("alice")
    page.goto(f"{told.url}/cases/{told.case}")
    for _ in range(12):
        page.keyboard.press("Tab")
        style = page.evaluate(
            "(() => { const s = getComputedStyle(document.activeElement);"
            " return [s.outlineStyle, parseFloat(s.outlineWidth)]; })()"
        )
        assert style[0] != "none" and style[1] >= 2


def test_long_values_copy_whole(told: Story, sign_in: SignIn) -> None:
    page = sign_in("alice")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{told.url}/cases/{told.case}/ledger/1")
    button = page.locator(".copy").first
    button.click()
    expect(button).to_have_attribute("aria-label", "Copied")
    assert page.evaluate("navigator.clipboard.readText()") == button.get_attribute("data-copy")


def test_strangers_see_nothing(told: Story, sign_in: SignIn) -> None:
    page = sign_in("mallory")
    expect(page.get_by_text("No case yet")).to_be_visible()
    answer = page.goto(f"{told.url}/cases/{told.case}")
    assert answer is not None and answer.status == 404
    _calm(page)


def _calm(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing here")
