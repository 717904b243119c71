"""Uploads by keyboard alone; the window that chooses files is the system's own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, Route, expect

from tests.web.keyboard import Keyboard
from tests.web.site import Person
from tests.web.storage_pages import Space, is_second_part, row, wait_for_rows

pytestmark = [pytest.mark.web, pytest.mark.journey("postgres")]

Keys = Callable[..., Keyboard]


def browse(keyboard: Keys, person: Person, space: Space) -> Keyboard:
    """The space, once the module has taken it over."""
    keys = keyboard(person, space.page)
    wait_for_rows(keys.page)
    # Playwright gets the window that chooses files only some time after it was first asked to.
    keys.page.on("filechooser", lambda _: None)
    keys.page.evaluate("1")
    return keys


def choose(keys: Keyboard, *files: FilePayload) -> None:
    """Open the system's window by key, and choose there."""
    with keys.page.expect_file_chooser() as chooser:
        keys.press("u")
    chooser.value.set_files(list(files))


def file(name: str, content: bytes = b"content") -> FilePayload:
    """A file to be chosen."""
    return {"name": name, "mimeType": "", "buffer": content}


def tray(page: Page) -> Locator:
    """The tray of uploads."""
    return page.get_by_role("region", name="Uploads and jobs")


def test_files_are_added_from_the_menu(keyboard: Keys, alice: Person, space: Space) -> None:
    keys = browse(keyboard, alice, space)
    with keys.page.expect_file_chooser() as chooser:
        keys.choose("Upload", "Add files")
    chooser.value.set_files([file("a.fits", b"bytes")])
    expect(tray(keys.page)).to_contain_text("1 file has arrived")
    expect(row(keys.page, "a.fits")).to_be_visible()
    assert space.read("a.fits") == b"bytes"
    keys.use("button", "Close", within="#tray")
    expect(tray(keys.page)).to_be_hidden()


def test_a_folder_is_added_from_the_menu(
    keyboard: Keys, alice: Person, space: Space, tmp_path: Path
) -> None:
    (tmp_path / "night" / "raw").mkdir(parents=True)
    (tmp_path / "night" / "raw" / "a.fits").write_bytes(b"bytes")
    (tmp_path / "night" / "log.txt").write_text("clear")
    keys = browse(keyboard, alice, space)
    with keys.page.expect_file_chooser() as chooser:
        keys.choose("Upload", "Upload a folder")
    chooser.value.set_files(tmp_path / "night")
    expect(tray(keys.page)).to_contain_text("All 2 files have arrived")
    assert space.read("night/raw/a.fits") == b"bytes"


def test_uploads_are_paused_and_gone_on_with(
    keyboard: Keys, alice: Person, space: Space
) -> None:
    keys = browse(keyboard, alice, space)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    keys.page.route("**/vault/files/**", hold)
    choose(keys, file("a.txt"), file("b.txt"))
    expect(tray(keys.page)).to_contain_text("Uploading")
    keys.use("button", "Pause", within="#tray")
    expect(tray(keys.page)).to_contain_text("Paused at 0 of 2 files")
    keys.page.unroute("**/vault/files/**")
    keys.use("button", "Go on", within="#tray")
    expect(tray(keys.page)).to_contain_text("All 2 files have arrived")
    assert space.names() == ["a.txt", "b.txt"]


def test_what_has_failed_is_tried_again(keyboard: Keys, alice: Person, space: Space) -> None:
    keys = browse(keyboard, alice, space)
    keys.page.route(
        "**/vault/files/**/bad.txt",
        lambda route: route.fulfill(status=409, body="NodeBusy: somebody writes to it"),
    )
    choose(keys, file("bad.txt"), file("good.txt"))
    expect(tray(keys.page)).to_contain_text("1 of 2 files have arrived, 1 have failed")
    with keys.page.expect_download():
        keys.use("button", "Save the failures", within="#tray")
    keys.page.unroute("**/vault/files/**/bad.txt")
    keys.use("button", "Try again", within="#tray")
    expect(tray(keys.page)).to_contain_text("All 2 files have arrived")
    assert space.read("bad.txt") == b"content"


def test_a_name_that_is_taken_is_asked_about(
    keyboard: Keys, alice: Person, space: Space
) -> None:
    space.put("a.txt", b"old")
    keys = browse(keyboard, alice, space)
    choose(keys, file("a.txt", b"new"))
    keys.dialog()
    keys.use("button", "Keep both", within="dialog")
    expect(row(keys.page, "a (2).txt")).to_be_visible()
    assert space.read("a (2).txt") == b"new"
    assert space.read("a.txt") == b"old"


def test_a_large_file_is_chosen_again_after_a_reload(
    keyboard: Keys, alice: Person, space: Space, tmp_path: Path
) -> None:
    large = tmp_path / "large.fits"
    large.write_bytes(bytes(range(256)) * 160 * 1024)
    before = browse(keyboard, alice, space)

    def keep_second_part(route: Route) -> None:
        if not is_second_part(route.request):
            route.continue_()

    before.page.route("**/vault/files/**", keep_second_part)
    with before.page.expect_request(is_second_part, timeout=30_000):
        with before.page.expect_file_chooser() as chooser:
            before.press("u")
        chooser.value.set_files(large)
    keys = Keyboard(before.page.context.new_page())
    before.page.close()
    keys.page.goto(space.page)
    wait_for_rows(keys.page)
    keys.page.on("filechooser", lambda _: None)
    keys.page.evaluate("1")

    expect(tray(keys.page)).to_contain_text("1 large upload was interrupted.")
    with keys.page.expect_file_chooser() as chooser:
        keys.use("button", "Choose the files", within="#tray")
    chooser.value.set_files(large)
    expect(tray(keys.page)).to_contain_text("1 file has arrived", timeout=30_000)
    assert space.read("large.fits") == large.read_bytes()
