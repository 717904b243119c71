"""Looking at folders: with and without script, by mouse and by keyboard, small and huge."""

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.web.browsing import Visit, inaccessible
from tests.web.site import Person, WebSite
from tests.web.storage_pages import (
    Space,
    browse,
    open_space,
    pick,
    row,
    shown_names,
    wait_for_rows,
)

pytestmark = pytest.mark.web

HOSTILE = [
    "<img src=x onerror=hacked()>",
    "\"'><script>hacked()<",
    "{{ 7*7 }}",
    "javascript:hacked()",
    "%3Cb%3E",
    "tab & amp; \u202e.txt",
]


@pytest.fixture
def space(site: WebSite, alice: Person) -> Iterator[Space]:
    """A space of Alice's."""
    with open_space(site, alice) as opened:
        yield opened


def test_a_folder_shows_what_the_page_of_2013_showed(
    visit: Visit, alice: Person, space: Space
) -> None:
    """Contract 5 row 102: names, sizes, dates, and what is left."""
    space.folder("data")
    space.put("data/a.fits", b"x" * 2048)
    space.put("b.txt", b"12345")

    page = browse(visit, alice, space.page)

    expect(page.get_by_text(re.compile(r"^2 items, [\d.]+\s.iB available$"))).to_be_visible()
    cells = row(page, "b.txt").get_by_role("gridcell").all_inner_texts()
    assert cells[1] == "5\u00a0B"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", cells[2])
    assert cells[3:] == [alice.name, "Private"]
    page.keyboard.press("r")
    expect(row(page, "data").locator(".number")).to_have_text("2.00 KiB")


def test_folders_can_be_walked_through_and_files_fetched_without_script(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.folder("data")
    space.put("data/a b.txt", b"the bytes")
    page = visit(alice, space.page, script=False)

    page.get_by_role("link", name="data").click()
    expect(page).to_have_title("data · vospace")
    with page.expect_download() as download:
        page.get_by_role("link", name="a b.txt").click()

    assert download.value.path().read_bytes() == b"the bytes"
    page.get_by_role("link", name="Up to the folder above").click()
    expect(page.get_by_role("heading", name=alice.name)).to_be_visible()
    expect(page.get_by_role("button", name="Upload")).to_be_hidden()


def test_without_script_long_folders_come_in_pages_and_can_be_sorted(
    site: WebSite, visit: Visit, alice: Person, space: Space
) -> None:
    fill(site, space, 90)
    page = visit(alice, f"{space.page}?sort=size&order=desc", script=False)

    assert shown_names(page)[0] == "file-000089"
    page.get_by_role("link", name="Next page").click()
    page.get_by_role("link", name="Next page").click()
    assert len(shown_names(page)) == 30
    assert shown_names(page)[-1] == "file-000000"
    expect(page.get_by_role("link", name="Next page")).to_have_count(0)
    page.get_by_role("link", name="First page", exact=True).click()
    assert shown_names(page)[0] == "file-000089"


def test_a_page_that_begins_at_a_name_that_is_gone_begins_at_the_top(
    client: Callable[..., httpx.Client], alice: Person, space: Space
) -> None:
    space.put("a")

    answer = client(alice).get(f"{space.page}?start=nothing")

    assert answer.status_code == 200
    assert "<bdi>a</bdi>" in answer.text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_hostile_names_stay_names_in_every_view(
    visit: Visit, alice: Person, space: Space, theme: str
) -> None:
    for name in HOSTILE:
        space.put(name, f"<script>hacked()</script>{name}".encode(), "text/html")
    page = browse(visit, alice, space.page, theme=theme)

    assert sorted(shown_names(page)) == sorted(HOSTILE)
    for name in shown_names(page):
        page.locator("#rows bdi").filter(has_text=re.compile(f"^{re.escape(name)}$")).click()
        expect(page.locator("#panel h2")).to_have_text(name)
        expect(page.locator("#panel")).to_contain_text("MD5")
    assert inaccessible(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("checkbox", name="Select everything").check()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("This folder is empty")).to_be_visible()
    page.goto("/storage/trash")
    expect(page.get_by_role("rowheader")).to_have_count(len(HOSTILE))


def test_the_sheet_of_shortcuts_names_those_of_the_browser(
    visit: Visit, alice: Person, space: Space
) -> None:
    page = browse(visit, alice, space.page)
    page.keyboard.press("?")

    sheet = page.get_by_role("dialog")
    for label in ("Add folder", "Add files", "Permissions", "Delete", "Select a range"):
        expect(sheet.get_by_role("definition").filter(has_text=label).first).to_be_visible()
    assert inaccessible(page) == []


def test_clicks_pick_rows_as_everywhere(visit: Visit, alice: Person, space: Space) -> None:
    for name in "abcd":
        space.put(name)
    page = browse(visit, alice, space.page)

    row(page, "a").locator(".owner").click()
    row(page, "c").locator(".owner").click(modifiers=["Shift"])
    expect(page.locator("#picked")).to_contain_text("3 items selected, 33")
    row(page, "b").locator(".owner").click(modifiers=["Control"])
    expect(page.locator("#picked")).to_contain_text("2 items selected")
    row(page, "d").locator(".owner").click()
    expect(page.locator("#picked")).to_contain_text("1 item selected")


def test_the_address_keeps_filter_and_order(visit: Visit, alice: Person, space: Space) -> None:
    for name, length in (("one.fits", 3), ("two.fits", 9), ("three.txt", 5)):
        space.put(name, b"x" * length)
    page = browse(visit, alice, space.page)

    page.get_by_label("Filter this folder").fill("FITS")
    expect(row(page, "three.txt")).to_have_count(0)
    page.get_by_role("link", name="Size").click()
    page.get_by_role("link", name="Size").click()
    expect(page).to_have_url(re.compile(r"\?sort=size&order=desc&filter=FITS$"))
    assert shown_names(page) == ["two.fits", "one.fits"]
    page.reload()
    wait_for_rows(page)
    assert shown_names(page) == ["two.fits", "one.fits"]
    page.get_by_label("Filter this folder").fill("nothing of this kind")
    page.get_by_role("button", name="Show everything").click()
    assert shown_names(page) == ["two.fits", "three.txt", "one.fits"]


def test_a_name_is_found_below_a_folder(visit: Visit, alice: Person, space: Space) -> None:
    for folder in ("a", "a/b", "a/b/c"):
        space.folder(folder)
    space.put("a/b/c/Needle <b>.txt")
    space.put("needle.txt")
    page = browse(visit, alice, space.page)

    page.keyboard.press("f")
    page.get_by_label("Part of a name").fill("needle")
    expect(page.get_by_role("dialog")).to_contain_text("2 were found")
    assert inaccessible(page) == []
    page.get_by_role("link", name="a/b/c/Needle <b>.txt").click()

    expect(page).to_have_url(re.compile("/a/b/c$"))
    expect(row(page, "Needle <b>.txt")).to_be_focused()


@pytest.mark.parametrize(
    ("used", "said"), [(80, "more than 80 %"), (95, "more than 90 %"), (100, "is full")]
)
def test_a_space_that_fills_up_says_so(
    site: WebSite, visit: Visit, bob: Person, used: int, said: str
) -> None:
    with open_space(site, bob, quota_bytes=1000) as space:
        space.put("much", b"x" * used * 10)
        page = browse(visit, bob, space.page)

    expect(page.locator("#warnings")).to_contain_text(said)
    assert inaccessible(page) == []


def test_an_empty_folder_says_what_to_do(visit: Visit, alice: Person, space: Space) -> None:
    page = browse(visit, alice, space.page)

    expect(page.get_by_text("This folder is empty")).to_be_visible()
    expect(page.get_by_text(f"vcp FILE vos://localhost~vault/{alice.name}")).to_be_visible()


def test_a_folder_that_may_not_be_listed_says_whose_it_is(
    visit: Visit, bob: Person, space: Space
) -> None:
    page = browse(visit, bob, space.page)

    expect(page.locator("#nothing")).to_contain_text(space.owner.name)
    expect(page.locator("#quota")).to_be_hidden()
    for name in ("Upload", "New", "Download"):
        button = page.get_by_role("button", name=name)
        expect(button).to_have_attribute("aria-disabled", "true")


def test_access_that_is_taken_away_leaves_nothing_on_an_open_page(
    visit: Visit, bob: Person, space: Space
) -> None:
    space.folder("data")
    space.put("data/secret.txt")
    space.change("", public=True)
    space.change("data", public=True)
    page = browse(visit, bob, f"{space.page}/data")
    expect(row(page, "secret.txt")).to_be_visible()

    space.change("", public=False)
    page.keyboard.press("r")

    expect(page.get_by_text("You may not see this folder any more")).to_be_visible()
    expect(row(page, "secret.txt")).to_have_count(0)


def test_files_and_links_have_addresses_of_their_own(
    client: Callable[..., httpx.Client], alice: Person, space: Space
) -> None:
    space.folder("data")
    space.put("data/a.txt")
    space.link("short", f"vos://localhost~vault{space.path('data')}")
    browser = client(alice)

    to_file = browser.get(f"/storage/list{space.path('data/a.txt')}")
    to_target = browser.get(f"/storage/list{space.path('short')}")
    missing = browser.get(f"/storage/list{space.path('nothing')}")

    assert to_file.headers["location"] == f"/storage/list{space.path('data')}?open=a.txt"
    assert to_target.headers["location"] == f"/storage/list{space.path('data')}"
    assert missing.status_code == 404
    assert "There is nothing here" in missing.text


def test_a_folder_of_100000_entries_opens_at_once_and_scrolls(
    site: WebSite, visit: Visit, alice: Person, space: Space
) -> None:
    fill(site, space, 100_000)
    page = browse(visit, alice, space.page)
    expect(page.locator("#place-line")).to_contain_text("100,000 items")
    assert rows_that_exist(page) < 100

    page.locator("#rows tr").first.focus()
    page.keyboard.press("End")
    expect(row(page, "file-099999")).to_be_focused(timeout=60_000)
    assert rows_that_exist(page) < 100
    page.keyboard.press("Control+a")
    expect(page.locator("#picked")).to_contain_text("100,000 items selected, ")
    page.get_by_label("Filter this folder").fill("file-09876")
    expect(row(page, "file-098765")).to_be_visible()
    assert len(shown_names(page)) == 10
    # The page answers while it holds all this: a frame comes within a moment.
    assert page.evaluate(LONGEST_FRAME_MS) < 1000


@pytest.mark.parametrize("width", [320, 375, 1440])
def test_the_browser_fits_every_screen(
    visit: Visit, alice: Person, space: Space, width: int
) -> None:
    space.put("a-rather-long-name-of-a-file-that-somebody-gave-with-care-and-love.fits.fz")
    page = browse(visit, alice, space.page, width=width)

    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert inaccessible(page) == []
    pick(page, "a-rather-long-name-of-a-file-that-somebody-gave-with-care-and-love.fits.fz")
    page.keyboard.press("i")
    expect(page.locator("#panel h2")).to_be_focused()
    assert inaccessible(page) == []


@pytest.mark.parametrize("language", ["en-CA", "fr-CA"])
def test_the_page_is_light_and_nothing_moves(
    site: WebSite, visit: Visit, alice: Person, space: Space, language: str
) -> None:
    fill(site, space, 500)
    page = browse(visit, alice, space.page, language=language)
    page.wait_for_load_state("networkidle")

    weight, shift = page.evaluate(WEIGHT_AND_SHIFT)
    assert 0 < weight < 100_000
    assert shift < 0.01


@pytest.mark.parametrize("language", ["en-CA", "fr-CA"])
def test_a_folder_of_500_is_painted_at_once(
    site: WebSite, visit: Visit, alice: Person, space: Space, language: str
) -> None:
    fill(site, space, 500)
    page = browse(visit, alice, space.page, language=language)
    painted: list[float] = []
    # The machine may be busy with something else; what the page can do, it shows sometimes.
    while not painted or (min(painted) > 300 and len(painted) < 10):
        page.reload()
        wait_for_rows(page)
        painted.append(page.evaluate(FIRST_PAINT_MS))
    assert min(painted) <= 300, painted


FIRST_PAINT_MS = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
LONGEST_FRAME_MS = """() => new Promise((done) => {
  let [last, longest, left] = [performance.now(), 0, 10];
  const tick = (now) => {
    longest = Math.max(longest, now - last);
    last = now;
    left -= 1;
    if (left) { scrollBy(0, 300); requestAnimationFrame(tick); } else done(longest);
  };
  requestAnimationFrame(tick);
})"""
# What is asked for while a page is used is its content; the page itself is what comes before.
WEIGHT_AND_SHIFT = """() => new Promise((done) => {
  let shift = 0;
  const add = (list) => list.getEntries().forEach((each) => { shift += each.value; });
  new PerformanceObserver(add).observe({type: "layout-shift", buffered: true});
  setTimeout(() => done([
    performance.getEntries().filter((e) => !e.name.includes("/api/"))
      .reduce((sum, e) => sum + (e.transferSize ?? 0), 0), shift,
  ]), 100);
})"""


def rows_that_exist(page: Page) -> int:
    """How many rows the table is made of."""
    return page.locator("#rows tr").count()


def fill(site: WebSite, space: Space, number: int) -> None:
    """That many files without bytes of their own, by the database."""
    top, now = space.entry()["id"], time.time_ns()
    rows = (
        (top, f"file-{at:06}", space.owner.user_id, at, now, now, now) for at in range(number)
    )
    with (
        closing(sqlite3.connect(site.server.data_dir / "vospace.sqlite", timeout=30)) as db,
        db,
    ):
        db.executemany(
            "INSERT INTO node (parent_id, name, kind, owner_id, public, inherit, locked,"
            " immutable, read_groups, write_groups, length, created_ns, modified_ns,"
            " changed_ns, has_properties, version)"
            " VALUES (?, ?, 1, ?, 0, 0, 0, 0, '', '', ?, ?, ?, ?, 0, 1)",
            rows,
        )
