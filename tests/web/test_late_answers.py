"""Answers that come late: they neither replace what is newer nor take the focus."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect

from tests.web.browsing import Visit
from tests.web.site import Person, WebSite
from tests.web.storage_pages import Space, browse, pick, row, shown_names, wait_for_rows

pytestmark = pytest.mark.web

SETTLED = "() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))"


@contextmanager
def held_back(page: Page, address: str, *, most: int = 1) -> Iterator[list[Route]]:
    """The first requests to an address wait until the block is over, then are answered."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if len(held) < most:
            held.append(route)
        else:
            route.continue_()

    page.route(address, hold)
    yield held
    for _ in range(500):
        if held:
            break
        page.wait_for_timeout(20)
    assert held, f"nobody has asked for {address}"
    for route in held:
        with page.expect_response(route.request.url):
            route.continue_()
    page.unroute(address)
    page.evaluate(SETTLED)


@contextmanager
def loading_again(page: Page, name: str) -> Iterator[None]:
    """From the row of that name, load the folder again, which lasts as long as the block."""
    with held_back(page, "**/api/v1/children/**"):
        row(page, name).focus()
        page.keyboard.press("r")
        expect(page.locator("[data-browser][aria-busy]")).to_be_attached()
        yield


def test_what_is_typed_before_the_first_rows_filters_them(
    visit: Visit, alice: Person, space: Space
) -> None:
    for name in ("a.fits", "b.txt"):
        space.put(name)
    page = visit(alice, "/about")
    with held_back(page, "**/api/v1/folder/**"):
        page.goto(space.page)
        page.get_by_label("Filter this folder").fill("fits")
    wait_for_rows(page)
    expect(row(page, "b.txt")).to_have_count(0)
    assert shown_names(page) == ["a.fits"]
    assert page.get_by_label("Filter this folder").input_value() == "fits"
    expect(page).to_have_url(f"{space.page}?filter=fits")


def test_what_is_picked_and_typed_while_a_folder_is_loaded_again_holds(
    visit: Visit, alice: Person, space: Space
) -> None:
    for name in ("a.fits", "b.fits", "c.txt"):
        space.put(name)
    page = browse(visit, alice, space.page)
    with loading_again(page, "a.fits"):
        pick(page, "b.fits")
        page.get_by_label("Filter this folder").fill("fits")
    wait_for_rows(page)
    expect(row(page, "c.txt")).to_have_count(0)
    expect(row(page, "b.fits")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_label("Filter this folder")).to_have_value("fits")
    expect(page.get_by_label("Filter this folder")).to_be_focused()


def test_a_folder_that_was_made_does_not_take_the_focus_back(
    visit: Visit, alice: Person, space: Space
) -> None:
    page = browse(visit, alice, space.page)
    page.keyboard.press("n")
    page.keyboard.type("new")
    with held_back(page, "**/api/v1/children/**"):
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.get_by_label("Filter this folder").focus()
    expect(row(page, "new")).to_be_visible()
    expect(page.get_by_label("Filter this folder")).to_be_focused()


def test_a_dialog_gives_the_focus_back_to_a_row_that_was_made_anew_behind_it(
    visit: Visit, alice: Person, space: Space
) -> None:
    for name in ("a.txt", "b.txt"):
        space.put(name)
    page = browse(visit, alice, space.page)
    with loading_again(page, "b.txt"):
        page.keyboard.press("e")
        expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.locator("[data-browser][aria-busy]")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(row(page, "b.txt")).to_be_focused()


def test_a_link_that_is_looked_up_late_does_not_lead_away_again(
    visit: Visit, alice: Person, space: Space
) -> None:
    for name in ("here", "there"):
        space.folder(name)
    space.link("link", f"vos://localhost~vault{space.path('there')}")
    page = browse(visit, alice, space.page)
    with held_back(page, "**/api/v1/details/**"):
        row(page, "link").get_by_role("link").click()
        row(page, "here").get_by_role("link").click()
        expect(page.get_by_role("heading", name="here")).to_be_visible()
    expect(page.get_by_role("heading", name="here")).to_be_visible()
    expect(page).to_have_url(f"{space.page}/here")


def test_a_tree_that_opens_late_leaves_the_focus_where_it_is(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.put("a.txt")
    page = browse(visit, alice, space.page)
    with held_back(page, "**/api/v1/children*"):
        row(page, "a.txt").focus()
        page.keyboard.press("m")
        page.get_by_role("button", name="Move here").focus()
    expect(page.get_by_role("button", name="Move here")).to_be_focused()


def test_a_menu_that_comes_late_calls_nobody_back(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.put("a.txt")
    page = browse(visit, alice, space.page)
    with held_back(page, "**/storage/downloads.js"):
        page.get_by_role("button", name="Download").click()
        page.get_by_label("Filter this folder").focus()
    expect(page.get_by_role("menu")).to_have_count(0)
    expect(page.get_by_label("Filter this folder")).to_be_focused()


def test_a_key_that_is_pressed_twice_opens_one_dialog(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.put("a.txt")
    page = browse(visit, alice, space.page)
    with held_back(page, "**/api/v1/details/**", most=2):
        row(page, "a.txt").focus()
        with page.expect_request("**/api/v1/details/**"):
            page.keyboard.press("p")
            page.keyboard.press("p")
    expect(page.get_by_role("dialog")).to_have_count(1)


def test_a_group_is_taken_by_its_name_before_the_list_is_there(
    site: WebSite, visit: Visit, alice: Person, space: Space
) -> None:
    space.folder("data")
    group = site.new_group(alice, "late")
    page = browse(visit, alice, space.page)
    row(page, "data").focus()
    page.keyboard.press("p")
    box = page.get_by_role("combobox", name="Groups that may read", exact=True)
    with held_back(page, f"**/api/v1/groups?text={group}"):
        box.fill(group)
        page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=f"Take {group} out")).to_be_visible()
    expect(page.get_by_text("is none yet")).to_have_count(0)
    # The list does not open again for what was typed before.
    expect(page.get_by_role("listbox")).to_have_count(0)


def test_an_explanation_is_of_whom_was_asked_for_last(
    visit: Visit, alice: Person, bob: Person, space: Space
) -> None:
    space.put("a.txt")
    page = browse(visit, alice, space.page)
    row(page, "a.txt").focus()
    page.keyboard.press("p")
    page.get_by_text("Explain access").click()
    person = page.get_by_label("Check somebody: user name")
    with held_back(page, f"**/api/v1/access/**user={bob.name}"):
        person.fill(bob.name)
        page.keyboard.press("Enter")
        person.fill(alice.name)
        page.keyboard.press("Enter")
        expect(page.get_by_text(f"{alice.name} can read this")).to_be_visible()
    expect(page.get_by_text(f"{alice.name} can read this")).to_be_visible()
    expect(page.get_by_text(f"{bob.name} can't read this")).to_have_count(0)
