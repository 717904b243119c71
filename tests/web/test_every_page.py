"""What holds for every page: accessible in both themes, usable by keyboard, small, still."""

import pytest
from playwright.sync_api import Page, expect

from tests.web.browsing import Visit, inaccessible
from tests.web.site import PASSWORD, Person

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
