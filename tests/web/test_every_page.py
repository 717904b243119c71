"""What holds for every page: accessible in both themes, usable by keyboard, small, still."""

import pytest
from playwright.sync_api import Page, expect

from tests.web.browsing import Visit, inaccessible
from tests.web.site import PASSWORD, Person, WebSite
from tests.web.storage_pages import Space

pytestmark = pytest.mark.web

OPEN_PAGES = ["/", "/login", "/about", "/nowhere"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", OPEN_PAGES)
def test_open_pages_are_accessible(visit: Visit, path: str, theme: str) -> None:
    assert inaccessible(visit(None, path, theme=theme)) == []


def test_the_first_stop_of_the_keyboard_skips_to_the_content(visit: Visit) -> None:
    page = visit(None, "/about")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_wrong_form_puts_the_focus_on_the_complaint(visit: Visit, alice: Person) -> None:
    page = visit(None, "/login")
    page.fill("#username", alice.name)
    page.fill("#password", "wrong")
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_focused()
    assert page.locator("#username").input_value() == alice.name
    assert inaccessible(page) == []


def test_the_question_mark_opens_the_sheet_and_the_focus_comes_back(visit: Visit) -> None:
    page = visit(None, "/")
    link = page.get_by_role("link", name="About", exact=True)
    link.focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert inaccessible(page) == []
    page.keyboard.press("Escape")
    expect(link).to_be_focused()


def test_shortcuts_of_one_key_can_be_turned_off(visit: Visit) -> None:
    page = visit(None, "/")
    page.keyboard.press("?")
    page.get_by_label("Use shortcuts of a single key").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_the_theme_changes_in_place_and_is_kept(visit: Visit) -> None:
    page = visit(None, "/about")
    page.get_by_role("button", name="Appearance and language").click()
    with page.expect_response("**/preferences"):
        page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert inaccessible(page) == []
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_logging_in_works_without_script(visit: Visit, alice: Person) -> None:
    page = visit(None, "/login", script=False)
    page.fill("#username", alice.name)
    page.fill("#password", PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    expect(page.get_by_text(f"Welcome, {alice.name}")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("You are logged out.")).to_be_visible()


@pytest.mark.parametrize("width", [320, 375, 3840])
@pytest.mark.parametrize("path", OPEN_PAGES)
def test_pages_fit_every_screen(visit: Visit, path: str, width: int) -> None:
    assert overflow(visit(None, path, width=width)) <= 0


def test_a_page_weighs_little_and_nothing_moves(visit: Visit) -> None:
    page = visit(None, "/about")
    page.wait_for_load_state("networkidle")
    weight, shift = page.evaluate(
        """() => new Promise((done) => {
          let shift = 0;
          const add = (list) => list.getEntries().forEach((each) => { shift += each.value; });
          new PerformanceObserver(add).observe({type: "layout-shift", buffered: true});
          setTimeout(() => done([
            performance.getEntries().reduce((sum, e) => sum + (e.transferSize ?? 0), 0), shift,
          ]), 100);
        })"""
    )
    assert 0 < weight < 100_000
    assert shift == 0


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return width


LONG = "a-name-that-somebody-gave-with-care-and-love-" * 5
ARABIC = "\u0635\u0648\u0631\u0629.fits"
# Lines of running text that have more than some 100 characters; tables and code are none.
LONG_LINES = """() => {
  const found = [];
  const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const holder = texts.currentNode.parentElement;
    if (holder.closest("code, pre, table, svg, .unseen, h1, .crumbs")) continue;
    const range = document.createRange();
    range.selectNodeContents(texts.currentNode);
    const character = parseFloat(getComputedStyle(holder).fontSize) / 2;
    if ([...range.getClientRects()].some((line) => line.width > 110 * character)) {
      found.push(texts.currentNode.textContent.trim());
    }
  }
  return found;
}"""

HIDDEN_SECTIONS = """() => [...document.querySelectorAll(".sections a")]
  .filter((link) => link.getBoundingClientRect().right > innerWidth)
  .map((link) => link.textContent)"""


@pytest.mark.parametrize(("width", "theme"), [(320, "light"), (3840, "dark")])
def test_every_page_fits_with_long_names_and_can_be_read(
    visit: Visit,
    site: WebSite,
    alice: Person,
    boss: Person,
    space: Space,
    width: int,
    theme: str,
) -> None:
    group = site.new_group(alice, description=f"{LONG} {ARABIC} " * 3)
    for member in (f"CN={LONG},O=Grid", "ann@example.org", boss.name):
        site.groups.add_member(group, member, expires=None, by=alice.identity)
    site.new_job(alice, f"{alice.name}/{LONG}")
    site.new_token(alice)
    for name in (LONG, ARABIC):
        space.put(name)
        space.put(f"gone-{name}")
        space.client.delete(f"/api/v1/details{space.quoted(f'gone-{name}')}").raise_for_status()
    here = f"/groups/show/{group}"
    own = [here, *(f"{here}/{part}" for part in ("edit", "bulk", "use", "history", "delete"))]
    lists = [f"/groups{part}" for part in ("", "/find", "/joined", "/help", "/new")]
    mine = [*own, *lists, space.page, "/storage/list/", "/storage/trash", "/account", "/jobs"]
    admin = [f"/admin{part}" for part in ("/users", "/allocations", "/state", "/health")]
    visits = [(None, [*OPEN_PAGES, "/register"]), (alice, mine)]
    for person, paths in [*visits, (boss, [*admin, f"/admin/users/show/{alice.name}"])]:
        page = visit(person, "/about", width=width, theme=theme)
        for path in paths:
            page.goto(path)
            assert overflow(page) <= 0, path
            assert page.evaluate(LONG_LINES) == [], path
            assert page.evaluate(HIDDEN_SECTIONS) == [], path
