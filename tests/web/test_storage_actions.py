"""Making, naming, moving, linking and deleting, by mouse and by keyboard."""

import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.web.browsing import Visit, inaccessible
from tests.web.site import Person, WebSite, csrf_token
from tests.web.storage_pages import Space, browse, open_space, pick, row, wait_for_rows

pytestmark = pytest.mark.web


@pytest.fixture
def space(site: WebSite, alice: Person) -> Iterator[Space]:
    """A space of Alice's."""
    with open_space(site, alice) as opened:
        yield opened


def act(page: Page, name: str) -> None:
    """Press a button of the toolbar."""
    page.get_by_role("toolbar").get_by_role("button", name=name).click()


def choose(page: Page, menu: str, item: str) -> None:
    """Choose from a menu of the toolbar."""
    act(page, menu)
    page.get_by_role("menuitem", name=item).click()


def test_a_folder_is_made_by_mouse(visit: Visit, alice: Person, space: Space) -> None:
    page = browse(visit, alice, space.page)

    choose(page, "New", "Add folder")
    page.get_by_label("Name of the folder").fill("night 1")
    page.get_by_role("button", name="Make the folder").click()

    expect(row(page, "night 1")).to_be_focused()
    assert space.entry("night 1")["type"] == "container"


def test_a_folder_is_made_by_keyboard_and_a_wrong_name_is_said_beside_it(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.folder("taken")
    page = browse(visit, alice, space.page)
    keys = page.keyboard

    keys.press("n")
    field = page.get_by_label("Name of the folder")
    expect(field).to_be_focused()
    for typed, said in (
        ("", "Type a name."),
        ("a/b", "A name can't hold a slash."),
        ("..", "This name means a folder already."),
        ("é" * 128, "This name is too long"),
        ("taken", "Something of this name is there already."),
    ):
        field.fill(typed)
        keys.press("Enter")
        expect(page.get_by_role("dialog").get_by_text(said)).to_be_visible()
        expect(field).to_have_value(typed)
    assert inaccessible(page) == []
    field.fill("free")
    keys.press("Enter")
    expect(row(page, "free")).to_be_focused()


def test_something_is_renamed_and_the_name_taken_back(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.put("old.fits", b"bytes")
    page = browse(visit, alice, space.page)
    row(page, "old.fits").focus()

    page.keyboard.press("e")
    field = page.get_by_label("New name")
    expect(field).to_be_focused()
    page.keyboard.type("new")
    page.keyboard.press("Enter")

    expect(row(page, "new.fits")).to_be_visible()
    assert space.read("new.fits") == b"bytes"
    page.get_by_role("button", name="Undo").click()
    expect(row(page, "old.fits")).to_be_visible()


def test_things_are_moved_by_drag_and_drop(visit: Visit, alice: Person, space: Space) -> None:
    space.folder("to")
    space.put("a.txt")
    space.put("b.txt")
    page = browse(visit, alice, space.page)
    pick(page, "a.txt", "b.txt")

    row(page, "a.txt").drag_to(row(page, "to"))

    expect(row(page, "b.txt")).to_have_count(0)
    assert space.names("to") == ["a.txt", "b.txt"]
    row(page, "to").get_by_role("link").click()
    wait_for_rows(page)
    row(page, "a.txt").drag_to(page.locator("#crumbs li").nth(1))
    expect(row(page, "a.txt")).to_have_count(0)
    assert space.names() == ["a.txt", "to"]


@pytest.mark.parametrize(
    ("answer", "left", "arrived"),
    [
        ("Replace", [], {"a.txt": b"new"}),
        ("Skip", ["a.txt"], {"a.txt": b"old"}),
        ("Keep both", [], {"a.txt": b"old", "a (2).txt": b"new"}),
    ],
)
def test_a_name_that_is_taken_is_asked_about_once(
    visit: Visit,
    alice: Person,
    space: Space,
    answer: str,
    left: list[str],
    arrived: dict[str, bytes],
) -> None:
    space.folder("to")
    space.put("to/a.txt", b"old")
    space.put("a.txt", b"new")
    page = browse(visit, alice, space.page)

    row(page, "a.txt").drag_to(row(page, "to"))
    expect(page.get_by_role("dialog").get_by_text("A name is taken already")).to_be_visible()
    page.get_by_role("button", name=answer).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    wait_for_rows(page)
    page.keyboard.press("r")
    expect(row(page, "a.txt")).to_have_count(len(left))

    assert {name: space.read(f"to/{name}") for name in space.names("to")} == arrived


def test_a_row_has_a_menu_of_its_own_by_mouse_and_by_keyboard(
    visit: Visit, alice: Person, space: Space
) -> None:
    for name in ("a.txt", "b.txt"):
        space.put(name)
    page = browse(visit, alice, space.page)

    row(page, "a.txt").locator(".owner").click(button="right")
    expect(page.get_by_role("menuitem", name="Open")).to_be_focused()
    assert inaccessible(page) == []
    page.get_by_role("menuitem", name="Delete").click()
    expect(row(page, "a.txt")).to_have_count(0)
    row(page, "b.txt").focus()
    page.keyboard.press("Shift+F10")
    expect(page.get_by_role("menuitem", name="Open")).to_be_focused()
    page.keyboard.press("Escape")
    expect(row(page, "b.txt")).to_be_focused()


def test_a_folder_does_not_go_into_itself(visit: Visit, alice: Person, space: Space) -> None:
    space.folder("a")
    page = browse(visit, alice, space.page)
    pick(page, "a")

    act(page, "Move")
    page.get_by_role("treeitem", name="a", exact=True).click()
    page.get_by_role("button", name="Move here").click()

    expect(page.get_by_role("alert")).to_contain_text("A folder can't go into itself.")
    page.keyboard.press("Escape")
    assert space.exists("a")


def test_what_is_deleted_can_be_taken_back_at_once(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.folder("data")
    space.put("data/a.txt", b"precious")
    page = browse(visit, alice, space.page)
    row(page, "data").focus()

    page.keyboard.press("Delete")
    expect(page.get_by_text("data was deleted.")).to_be_visible()
    expect(row(page, "data")).to_have_count(0)
    assert not space.exists("data")
    select_all = page.get_by_role("checkbox", name="Select everything")
    assert select_all.evaluate("(box) => !box.checked && !box.indeterminate")
    page.get_by_role("button", name="Undo").click()

    expect(row(page, "data")).to_be_visible()
    assert space.read("data/a.txt") == b"precious"


def test_the_trash_puts_things_back_or_lets_them_go_without_script(
    visit: Visit, alice: Person, space: Space
) -> None:
    for name in ("keep", "drop"):
        space.put(name, name.encode())
        space.client.delete(f"/api/v1/details{space.quoted(name)}")
    page = visit(alice, "/storage/trash", script=False)

    page.get_by_role("button", name="Put keep back").click()
    expect(page.get_by_text("keep is back where it was.")).to_be_visible()
    page.get_by_role("button", name="Delete drop for good").click()
    expect(page.get_by_text("drop is gone for good.")).to_be_visible()

    expect(page.get_by_text("The trash is empty")).to_be_visible()
    assert space.read("keep") == b"keep"
    assert not space.exists("drop")


def test_the_trash_is_accessible_and_needs_a_login_and_a_token(
    visit: Visit, client: Callable[..., httpx.Client], alice: Person, space: Space
) -> None:
    space.put("a")
    deleted = space.client.delete(f"/api/v1/details{space.quoted('a')}").json()

    assert inaccessible(visit(alice, "/storage/trash")) == []
    assert client().get("/storage/trash").headers["location"].startswith("/login")
    browser = client(alice)
    assert browser.post("/storage/trash", data={"id": deleted["id"]}).status_code == 403
    token = csrf_token(browser.get("/storage/trash"))
    answer = browser.post("/storage/trash", data={"id": "x", "csrf_token": token})
    assert answer.status_code == 400


def test_what_can_not_be_deleted_says_why(
    site: WebSite, visit: Visit, alice: Person, space: Space
) -> None:
    space.put("locked.txt")
    space.change("locked.txt", locked=True)
    page = browse(visit, alice, space.page)
    pick(page, "locked.txt")

    act(page, "Delete")

    expect(page.get_by_role("alert")).to_contain_text("the node is locked")
    assert space.exists("locked.txt")


def test_a_link_is_made_by_the_tree_and_followed(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.folder("data")
    page = browse(visit, alice, space.page)

    choose(page, "New", "Add link")
    page.get_by_role("treeitem", name="data").click()
    expect(page.get_by_label("Name of the link")).to_have_value("data")
    page.get_by_label("Name of the link").fill("short")
    page.get_by_role("button", name="Make the link").click()

    row(page, "short").get_by_role("link").click()
    expect(page).to_have_url(re.compile("/data$"))


def test_a_link_to_nothing_is_refused_and_one_that_breaks_says_so(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.put("a.txt")
    space.link("broken", f"vos://localhost~vault{space.path('a.txt')}")
    space.client.delete(f"/vault/nodes{space.quoted('a.txt')}")
    page = browse(visit, alice, space.page)

    choose(page, "New", "Add link")
    page.get_by_label("Target").fill("vos://elsewhere~vault/x")
    page.get_by_label("Name of the link").fill("x")
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_text("This is not a place in this service.")).to_be_visible()
    page.get_by_label("Target").fill(space.path("nothing"))
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_text("There is nothing at this place.")).to_be_visible()
    page.keyboard.press("Escape")

    row(page, "broken").get_by_role("link").click()
    expect(page.locator("#panel")).to_contain_text("This link is broken")
    assert inaccessible(page) == []


def test_a_tree_that_opens_late_leaves_what_was_typed_before(
    visit: Visit, alice: Person, space: Space
) -> None:
    page = browse(visit, alice, space.page)
    held: list[Route] = []
    page.route("**/api/v1/**", lambda route: held.append(route))  # noqa: PLW0108 (no builtin)

    choose(page, "New", "Add link")
    target = page.get_by_label("Target")
    target.fill("vos://elsewhere~vault/x")
    opened = page.get_by_role("tree").locator("[aria-selected=true]")
    while not opened.count():
        page.wait_for_timeout(50)
        while held:
            held.pop().continue_()

    expect(target).to_have_value("vos://elsewhere~vault/x")
    expect(page.get_by_label("Name of the link")).to_have_value("")


def test_a_bookmark_leads_out_only_by_schemes_that_run_nothing(
    visit: Visit, alice: Person, space: Space
) -> None:
    page = browse(visit, alice, space.page)

    choose(page, "New", "Add bookmark link")
    page.get_by_label("Name of the bookmark").fill("out")
    for wrong in ("javascript:hacked()", "data:text/html,x", "file:///etc/passwd", "example"):
        page.get_by_label("Address").fill(wrong)
        page.get_by_role("button", name="Make the bookmark").click()
        expect(page.get_by_text("A bookmark begins with https://")).to_be_visible()
        answer = space.client.put(
            f"/api/v1/details{space.quoted('x')}", json={"type": "link", "target": wrong}
        )
        assert answer.status_code == 400
    page.get_by_label("Address").fill("https://example.org/a?b=1")
    page.get_by_role("button", name="Make the bookmark").click()
    row(page, "out").get_by_role("link").click()

    link = page.get_by_role("link", name="Open example.org")
    expect(link).to_have_attribute("href", "https://example.org/a?b=1")
    expect(link).to_have_attribute("rel", "noopener noreferrer")


def test_addresses_and_a_script_of_many_files_are_saved(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.folder("data")
    space.put("data/it's.txt", b"1")
    space.put("b.txt", b"2")
    page = browse(visit, alice, space.page)

    with page.expect_download() as addresses:
        choose(page, "Download", "List of addresses")
    with page.expect_download() as script:
        choose(page, "Download", "Shell script")

    listed = addresses.value.path().read_text().splitlines()
    assert [each.rpartition("/files")[2] for each in listed] == [
        space.quoted("b.txt"),
        space.quoted("data/it's.txt").replace("%27", "'"),
    ]
    assert "'./data/it'\\''s.txt'" in script.value.path().read_text()


def test_one_file_is_downloaded_with_its_name(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.put("ünïcode [1].txt", b"1")
    page = browse(visit, alice, space.page)
    pick(page, "ünïcode [1].txt")

    with page.expect_download() as download:
        choose(page, "Download", "This file")

    assert download.value.suggested_filename == "ünïcode [1].txt"


def test_a_session_that_has_ended_is_said_and_nothing_typed_is_lost(
    site: WebSite, visit: Visit, alice: Person, space: Space
) -> None:
    page = browse(visit, alice, space.page)
    page.keyboard.press("n")
    page.get_by_label("Name of the folder").fill("night")
    site.sessions.end_all(alice.user_id, by=alice.identity)

    page.keyboard.press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("Your session has ended.")
    expect(page.get_by_label("Name of the folder")).to_have_value("night")
