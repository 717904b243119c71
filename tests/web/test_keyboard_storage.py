"""Folders by keyboard alone; each journey by mouse is in docs/web.md beside its own here."""

import re
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.web.keyboard import Keyboard
from tests.web.site import Person, WebSite
from tests.web.storage_pages import Space, row, shown_names, wait_for_rows

pytestmark = [pytest.mark.web, pytest.mark.journey("postgres")]

Keys = Callable[..., Keyboard]


def browse(keyboard: Keys, person: Person, address: str) -> Keyboard:
    """A folder, once the module has taken it over."""
    keys = keyboard(person, address)
    wait_for_rows(keys.page)
    return keys


def pick(keys: Keyboard, *names: str) -> None:
    """Select rows."""
    for name in names:
        keys.row(name)
        keys.press("Space")
    expect(keys.page.locator("#rows tr[aria-selected=true]")).to_have_count(len(names))


def test_folders_are_opened_and_left(keyboard: Keys, alice: Person, space: Space) -> None:
    space.folder("data")
    space.put("data/a.txt")
    space.put("data/b.txt")
    keys = browse(keyboard, alice, space.page)
    keys.row("data")
    keys.press("Enter")
    expect(keys.page).to_have_url(re.compile("/data$"))
    wait_for_rows(keys.page)
    keys.row("a.txt")
    keys.press("Space", "Shift+ArrowDown")
    expect(keys.page.locator("#picked")).to_contain_text("2 items selected")
    keys.press("Control+a")
    expect(keys.page.locator("#picked")).to_contain_text("2 items selected")
    keys.press("Escape")
    expect(keys.page.locator("#picked")).to_be_empty()
    keys.press("Backspace")
    expect(keys.page).to_have_url(re.compile(f"/{alice.name}$"))
    expect(row(keys.page, "data")).to_be_focused()
    keys.page.go_back()
    expect(keys.page.get_by_role("heading", name="data")).to_be_visible()
    keys.page.go_forward()
    expect(keys.page.get_by_role("heading", name=alice.name)).to_be_visible()


def test_a_folder_is_sorted_and_filtered(keyboard: Keys, alice: Person, space: Space) -> None:
    for name, size in (("small.txt", 1), ("large.fits", 30), ("middle.fits", 20)):
        space.put(name, b"x" * size)
    keys = browse(keyboard, alice, space.page)
    keys.use("link", "Size", within="#files")
    expect(keys.page).to_have_url(re.compile("sort=size"))
    keys.press("Enter")
    expect(keys.page).to_have_url(re.compile("order=desc"))
    assert shown_names(keys.page) == ["large.fits", "middle.fits", "small.txt"]
    keys.press("/")
    expect(keys.page.locator("#filter")).to_be_focused()
    keys.type("fits")
    expect(row(keys.page, "small.txt")).to_have_count(0)
    keys.press("Enter")
    expect(row(keys.page, "large.fits")).to_be_focused()


def test_a_name_is_found_below(keyboard: Keys, alice: Person, space: Space) -> None:
    space.folder("data")
    space.put("data/ngc4321.fits")
    keys = browse(keyboard, alice, space.page)
    keys.press("f")
    keys.dialog()
    keys.type("4321")
    expect(keys.page.get_by_role("dialog").get_by_role("status")).to_have_text("1 was found")
    keys.use("link", "data/ngc4321.fits")
    expect(row(keys.page, "ngc4321.fits")).to_be_focused()


def test_a_folder_is_made_and_a_wrong_name_said(
    keyboard: Keys, alice: Person, space: Space
) -> None:
    space.folder("taken")
    keys = browse(keyboard, alice, space.page)
    keys.choose("New", "Add folder")
    keys.dialog()
    for wrong, said in (("a/b", "A name can't hold a slash."), ("taken", "is there already")):
        keys.type(wrong)
        keys.press("Enter")
        expect(keys.page.get_by_role("dialog")).to_contain_text(said)
        expect(keys.page.get_by_label("Name of the folder")).to_be_focused()
    keys.press("Escape")
    expect(keys.page.get_by_role("button", name="New", exact=True)).to_be_focused()
    keys.press("n")
    keys.dialog()
    keys.type("night 1")
    keys.press("Enter")
    expect(row(keys.page, "night 1")).to_be_focused()
    assert space.exists("night 1")


def test_a_link_and_a_bookmark_are_made(keyboard: Keys, alice: Person, space: Space) -> None:
    space.folder("data")
    keys = browse(keyboard, alice, space.page)
    keys.choose("New", "Add link")
    keys.dialog()
    keys.go("treeitem", alice.name)
    expect(keys.page.get_by_role("treeitem", name="data")).to_be_visible()
    keys.press("ArrowRight")
    expect(keys.page.get_by_label("Target")).to_have_value(
        f"vos://localhost~vault/{alice.name}/data"
    )
    keys.write("Name of the link", "shortcut")
    keys.press("Enter")
    expect(row(keys.page, "shortcut")).to_be_focused()

    keys.choose("New", "Add bookmark link")
    keys.dialog()
    keys.type("https://example.org/data")
    keys.write("Name of the bookmark", "paper")
    keys.press("Enter")
    expect(row(keys.page, "paper")).to_be_focused()
    assert space.entry("paper")["target"] == "https://example.org/data"
    keys.row("shortcut")
    keys.press("Enter")
    expect(keys.page).to_have_url(re.compile("/data$"))


@pytest.mark.parametrize(
    "item", ["This file", "As zip", "As tar", "List of addresses", "Shell script"]
)
def test_files_are_downloaded(
    keyboard: Keys, site: WebSite, alice: Person, space: Space, item: str
) -> None:
    space.put("a.txt", b"first")
    space.put("b.txt", b"second")
    keys = browse(keyboard, alice, space.page)
    pick(keys, "a.txt", *[] if item == "This file" else ["b.txt"])
    with keys.page.expect_download() as saved:
        keys.choose("Download", item)
    path = saved.value.path()
    assert has_come(path, item, site.url)
    expect(keys.page.get_by_role("button", name="Download", exact=True)).to_be_focused()


def has_come(path: Path, item: str, url: str) -> bool:
    """Whether a file holds what an item of the menu promises of `a.txt` and `b.txt`."""
    if item == "This file":
        return path.read_bytes() == b"first"
    if item == "As zip":
        with zipfile.ZipFile(path) as packed:
            return [
                packed.read(each) for each in packed.namelist() if each.endswith("b.txt")
            ] == [b"second"]
    if item == "As tar":
        with tarfile.open(path) as tarred:
            return {"a.txt", "b.txt"} <= {Path(each).name for each in tarred.getnames()}
    text = path.read_text()
    start = "#!/bin/sh" if item == "Shell script" else url
    return text.startswith(start) and "b.txt" in text


def test_things_are_deleted_and_taken_back(keyboard: Keys, alice: Person, space: Space) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        space.put(name)
    keys = browse(keyboard, alice, space.page)
    keys.row("b.txt")
    keys.press("Delete")
    keys.toast("b.txt was deleted.")
    expect(row(keys.page, "b.txt")).to_have_count(0)
    expect(row(keys.page, "c.txt")).to_be_focused()
    keys.press("z")
    expect(row(keys.page, "b.txt")).to_be_visible()
    expect(keys.page.locator("#rows :focus, #rows:focus-within").first).to_be_visible()

    pick(keys, "a.txt", "c.txt")
    keys.use("button", "Delete", within="#toolbar")
    keys.toast("2 items were deleted.")
    keys.use("button", "Undo", within=".toast")
    expect(row(keys.page, "a.txt")).to_be_visible()
    # The message is gone; the focus is where it was before.
    expect(keys.page.locator("#toolbar").get_by_role("button", name="Delete")).to_be_focused()


def test_the_trash_gives_back_and_lets_go(keyboard: Keys, alice: Person, space: Space) -> None:
    for name in ("keep.txt", "drop.txt"):
        space.put(name)
        space.client.delete(f"/api/v1/details{space.quoted(name)}").raise_for_status()
    keys = browse(keyboard, alice, space.page)
    keys.use("link", "Trash")
    keys.use("button", "Put keep.txt back")
    expect(keys.page.get_by_role("rowheader", name="keep.txt")).to_have_count(0)
    assert space.exists("keep.txt")
    keys.use("button", "Delete drop.txt for good")
    expect(keys.dialog().get_by_role("button", name="Cancel")).to_be_focused()
    keys.press("Escape")
    expect(keys.page.get_by_role("button", name="Delete drop.txt for good")).to_be_focused()
    keys.press("Enter")
    keys.use("button", "Delete for good", within="dialog")
    expect(keys.page.get_by_text("The trash is empty")).to_be_visible()


@pytest.mark.parametrize("deed", ["move", "copy"])
def test_things_are_moved_and_copied(
    keyboard: Keys, alice: Person, space: Space, deed: str
) -> None:
    space.folder("to")
    space.folder("to/deep")
    space.put("a.txt", b"a")
    keys = browse(keyboard, alice, space.page)
    keys.row("a.txt")
    keys.press(deed[0])
    keys.dialog()
    expect(keys.page.get_by_role("treeitem", name=alice.name)).to_be_focused()
    keys.press("Escape")
    expect(row(keys.page, "a.txt")).to_be_focused()

    keys.press(deed[0])
    expect(keys.page.get_by_role("treeitem", name=alice.name)).to_be_focused()
    keys.press("ArrowDown")
    expect(keys.page.get_by_role("treeitem", name="to", exact=True)).to_be_focused()
    keys.press("ArrowRight")
    expect(keys.page.get_by_role("treeitem", name="deep")).to_be_visible()
    keys.press("ArrowDown")
    keys.use("button", f"{deed.title()} here")

    if deed == "move":
        expect(row(keys.page, "a.txt")).to_have_count(0)
        assert space.read("to/deep/a.txt") == b"a"
        keys.press("z")
        expect(row(keys.page, "a.txt")).to_be_visible()
    else:
        expect(keys.page.locator("#live")).to_contain_text("Copy a.txt: done", timeout=30_000)
        assert space.read("to/deep/a.txt") == b"a"
    assert space.read("a.txt") == b"a"


def test_something_is_renamed(keyboard: Keys, alice: Person, space: Space) -> None:
    space.put("old.fits", b"bytes")
    keys = browse(keyboard, alice, space.page)
    keys.row("old.fits")
    keys.press("e")
    expect(keys.page.get_by_label("New name")).to_be_focused()
    # The part before the extension is selected.
    keys.page.keyboard.type("new")
    keys.press("Enter")
    expect(row(keys.page, "new.fits")).to_be_focused()
    assert space.read("new.fits") == b"bytes"


def test_a_row_has_a_menu(keyboard: Keys, alice: Person, space: Space) -> None:
    space.put("a.txt")
    keys = browse(keyboard, alice, space.page)
    keys.row("a.txt")
    keys.press("Shift+F10")
    expect(keys.page.get_by_role("menuitem").first).to_be_focused()
    keys.press("Escape")
    expect(row(keys.page, "a.txt")).to_be_focused()
    keys.press("Shift+F10", "End")
    expect(keys.page.get_by_role("menuitem", name="Delete")).to_be_focused()
    keys.press("Enter")
    keys.toast("a.txt was deleted.")


def test_permissions_are_given_and_explained(
    keyboard: Keys, site: WebSite, alice: Person, bob: Person, space: Space
) -> None:
    space.folder("data")
    space.put("data/a.txt")
    reading = site.new_group(alice, "readers")
    keys = browse(keyboard, alice, space.page)
    keys.row("data")
    keys.press("p")
    keys.dialog()
    # The name is known before the list is there: Enter waits for the server.
    keys.write("Groups that may read", reading, "combobox")
    keys.press("Enter")
    expect(keys.page.get_by_role("button", name=f"Take {reading} out")).to_be_visible()
    expect(keys.page.get_by_text(f"Can read: {alice.name}, {reading}.")).to_be_visible()
    keys.go("combobox", "Apply to")
    keys.press("ArrowDown")
    keys.use("button", "Save the permissions")
    keys.toast("The permissions were saved.")
    expect(row(keys.page, "data")).to_be_focused()
    expect(keys.page.locator("#tray")).to_be_hidden(timeout=30_000)
    assert space.entry("data/a.txt")["read_groups"] == [f"ivo://localhost/gms?{reading}"]

    keys.press("p")
    keys.dialog()
    keys.unfold(".explain summary")
    expect(keys.page.get_by_text("You can read this: owner of this")).to_be_visible()
    keys.write("Check somebody: user name", bob.name)
    keys.press("Enter")
    expect(keys.page.get_by_text(f"{bob.name} can't read this")).to_be_visible()
    keys.press("Escape")
    expect(row(keys.page, "data")).to_be_focused()
    keys.use("link", "Manage groups", back=True)
    keys.page.wait_for_url("**/groups")


def test_details_are_opened_edited_and_left(
    keyboard: Keys, alice: Person, space: Space
) -> None:
    space.put("a.txt")
    keys = browse(keyboard, alice, space.page)
    keys.row("a.txt")
    keys.press("i")
    expect(keys.page.locator("#panel h2")).to_be_focused()
    keys.unfold("#panel summary:text('propert')")
    keys.use("button", "Add a property", within="#panel")
    keys.dialog()
    keys.press("Escape")
    expect(keys.page.get_by_role("button", name="Add a property")).to_be_focused()
    keys.press("Escape")
    expect(keys.page.locator("#panel")).to_be_hidden()
    expect(row(keys.page, "a.txt")).to_be_focused()
