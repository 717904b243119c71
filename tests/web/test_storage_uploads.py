"""Uploads: by button, in folders, over names that are taken, with a network that fails."""

import csv
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Locator, Page, Route, expect

from tests.web.browsing import Visit, inaccessible
from tests.web.site import Person, WebSite
from tests.web.storage_pages import (
    Space,
    browse,
    is_second_part,
    open_space,
    row,
    wait_for_rows,
)

pytestmark = pytest.mark.web

MIB = 1 << 20


@pytest.fixture
def space(site: WebSite, alice: Person) -> Iterator[Space]:
    """A space of Alice's."""
    with open_space(site, alice) as opened:
        yield opened


def payload(name: str, content: bytes = b"content") -> FilePayload:
    """A file to be chosen."""
    return {"name": name, "mimeType": "", "buffer": content}


def tray(page: Page) -> Locator:
    """The tray of uploads."""
    return page.get_by_role("region", name="Uploads and jobs")


@contextmanager
def asked_for_files(page: Page) -> Iterator[None]:
    """What is done within opens the window of the system that chooses files."""
    page.evaluate(
        """() => document.querySelector("#pick-files").addEventListener("click", (event) => {
          event.preventDefault();
          document.documentElement.dataset.asked = "yes";
        }, {once: true})"""
    )
    yield
    expect(page.locator("html")).to_have_attribute("data-asked", "yes")


def hold(page: Page) -> list[Route]:
    """Keep every upload from being sent; the list holds them."""
    held: list[Route] = []

    def keep(route: Route) -> None:
        held.append(route)

    page.route("**/vault/files/**", keep)
    return held


def test_files_that_are_chosen_arrive_with_their_bytes_and_times(
    visit: Visit, alice: Person, space: Space, tmp_path: Path
) -> None:
    for name in ("a b.fits", "ü'<b>.txt"):
        (tmp_path / name).write_bytes(name.encode())
        os.utime(tmp_path / name, (1_000_000_000, 1_000_000_000))
    page = browse(visit, alice, space.page)

    with asked_for_files(page):
        page.keyboard.press("u")
    chosen = [tmp_path / "a b.fits", tmp_path / "ü'<b>.txt"]
    page.locator("#pick-files").set_input_files(chosen)

    expect(tray(page)).to_contain_text("All 2 files have arrived")
    expect(row(page, "a b.fits")).to_be_visible()
    assert space.read("ü'<b>.txt") == "ü'<b>.txt".encode()
    assert space.entry("a b.fits")["mtime_ns"] == 10**18
    assert inaccessible(page) == []


def test_a_folder_arrives_with_everything_in_it(
    visit: Visit, alice: Person, space: Space, tmp_path: Path
) -> None:
    deep = tmp_path / "night" / "raw" / "ccd 1"
    deep.mkdir(parents=True)
    for number in range(120):
        (deep / f"{number:03}.fits").write_bytes(b"%d" % number)
    (tmp_path / "night" / "log.txt").write_text("clear")
    page = browse(visit, alice, space.page)

    page.locator("#pick-folder").set_input_files(tmp_path / "night")

    expect(tray(page)).to_contain_text("All 121 files have arrived", timeout=60_000)
    assert len(space.names("night/raw/ccd 1")) == 120
    assert space.read("night/raw/ccd 1/007.fits") == b"7"


def test_files_that_are_dropped_arrive(visit: Visit, alice: Person, space: Space) -> None:
    space.folder("into")
    page = browse(visit, alice, space.page)
    dropped = page.evaluate_handle(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["dropped"], "d.txt"));
          return data;
        }"""
    )

    page.dispatch_event("#drop", "drop", {"dataTransfer": dropped})
    row(page, "into").dispatch_event("drop", {"dataTransfer": dropped})

    expect(row(page, "d.txt")).to_be_visible()
    expect(tray(page)).to_contain_text("All 2 files have arrived")
    assert space.read("into/d.txt") == b"dropped"


@pytest.mark.parametrize(
    ("answer", "now"),
    [
        ("Replace", {"a.txt": b"new", "b.txt": b"new"}),
        ("Skip", {"a.txt": b"old", "b.txt": b"new"}),
        ("Keep both", {"a (2).txt": b"new", "a.txt": b"old", "b.txt": b"new"}),
    ],
)
def test_a_name_that_is_taken_is_asked_about_before_the_first_byte(
    visit: Visit, alice: Person, space: Space, answer: str, now: dict[str, bytes]
) -> None:
    space.put("a.txt", b"old")
    page = browse(visit, alice, space.page)

    page.locator("#pick-files").set_input_files(
        [payload("a.txt", b"new"), payload("b.txt", b"new")]
    )
    assert inaccessible(page) == []
    page.get_by_role("button", name=answer).click()

    expect(tray(page)).to_contain_text("arrived")
    expect(row(page, "b.txt")).to_be_visible()
    assert {name: space.read(name) for name in space.names()} == now


def test_what_the_quota_has_no_room_for_is_refused_before_the_first_byte(
    site: WebSite, visit: Visit, bob: Person
) -> None:
    with open_space(site, bob, quota_bytes=1000) as space:
        page = browse(visit, bob, space.page)
        sent: list[str] = []
        page.on("request", lambda each: sent.append(each.method))

        page.locator("#pick-files").set_input_files([payload("big", b"x" * 1001)])

        expect(page.get_by_role("alert")).to_contain_text("only 1000 B are left of the quota")
        assert "PUT" not in sent
        assert space.names() == []


def test_an_upload_outlives_a_change_of_folder(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.folder("other")
    page = browse(visit, alice, space.page)
    held = hold(page)

    page.locator("#pick-files").set_input_files([payload("a.txt")])
    expect(tray(page)).to_contain_text("Uploading: 0 of 1 files")
    row(page, "other").get_by_role("link").click()
    expect(page.get_by_role("heading", name="other")).to_be_visible()
    assert inaccessible(page) == []
    held[0].continue_()

    expect(tray(page)).to_contain_text("1 file has arrived")
    assert space.read("a.txt") == b"content"
    assert space.names("other") == []


def test_uploads_go_on_by_themselves_when_the_network_is_back(
    visit: Visit, alice: Person, space: Space
) -> None:
    page = browse(visit, alice, space.page)
    held = hold(page)
    page.locator("#pick-files").set_input_files([payload(f"{n}.txt") for n in range(6)])
    expect(tray(page)).to_contain_text("Uploading: 0 of 6 files")

    page.context.set_offline(True)
    for each in held:
        each.abort("connectionreset")
    expect(tray(page)).to_contain_text("The network is gone.")
    page.unroute("**/vault/files/**")
    page.context.set_offline(False)

    expect(tray(page)).to_contain_text("All 6 files have arrived", timeout=20_000)
    assert len(space.names()) == 6


def test_uploads_pause_and_go_on(visit: Visit, alice: Person, space: Space) -> None:
    page = browse(visit, alice, space.page)
    hold(page)
    page.locator("#pick-files").set_input_files([payload("a.txt"), payload("b.txt")])
    expect(tray(page)).to_contain_text("Uploading")

    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    expect(tray(page)).to_contain_text("Paused at 0 of 2 files")
    page.unroute("**/vault/files/**")
    page.get_by_role("button", name="Go on").focus()
    page.keyboard.press("Enter")

    expect(tray(page)).to_contain_text("All 2 files have arrived")
    assert space.names() == ["a.txt", "b.txt"]


def test_what_fails_is_said_saved_and_tried_again(
    visit: Visit, alice: Person, space: Space
) -> None:
    page = browse(visit, alice, space.page)
    page.route(
        "**/vault/files/**/bad.txt",
        lambda route: route.fulfill(status=409, body="NodeBusy: somebody writes to it"),
    )
    page.locator("#pick-files").set_input_files([payload("bad.txt"), payload("good.txt")])
    expect(tray(page)).to_contain_text("1 of 2 files have arrived, 1 have failed")
    expect(tray(page)).to_contain_text("somebody writes to it")
    assert inaccessible(page) == []

    with page.expect_download() as saved:
        page.get_by_role("button", name="Save the failures").click()
    page.unroute("**/vault/files/**/bad.txt")
    page.get_by_role("button", name="Try again").click()

    expect(tray(page)).to_contain_text("All 2 files have arrived")
    rows = list(csv.reader(io.StringIO(saved.value.path().read_text())))
    assert rows[1:] == [[space.path("bad.txt"), "7", "somebody writes to it"]]
    assert space.read("bad.txt") == b"content"


def test_a_file_that_appears_meanwhile_is_not_written_over(
    visit: Visit, alice: Person, space: Space
) -> None:
    page = browse(visit, alice, space.page)
    held = hold(page)
    page.locator("#pick-files").set_input_files([payload("a.txt", b"mine")])
    expect(tray(page)).to_contain_text("Uploading")

    space.put("a.txt", b"theirs")
    held[0].continue_()

    expect(tray(page)).to_contain_text("Something of this name has appeared meanwhile.")
    assert space.read("a.txt") == b"theirs"


def test_uploads_wait_for_a_new_login(
    site: WebSite, visit: Visit, alice: Person, space: Space
) -> None:
    page = browse(visit, alice, space.page)
    page.route(
        "**/vault/files/**",
        lambda route: route.fulfill(status=401, body="NotAuthenticated: log in"),
        times=1,
    )
    page.locator("#pick-files").set_input_files([payload("a.txt")])

    expect(tray(page).get_by_text("Your session has ended.")).to_be_visible()
    page.get_by_role("button", name="Go on").last.click()

    expect(tray(page)).to_contain_text("1 file has arrived")
    assert space.read("a.txt") == b"content"


def test_a_large_file_goes_on_where_it_was_after_a_reload(
    visit: Visit, alice: Person, space: Space, tmp_path: Path
) -> None:
    large = tmp_path / "large.fits"
    large.write_bytes(os.urandom(MIB) * 40)
    page = browse(visit, alice, space.page)

    def keep_second_part(route: Route) -> None:
        if not is_second_part(route.request):
            route.continue_()

    page.route("**/vault/files/**", keep_second_part)
    with page.expect_request(is_second_part, timeout=30_000):
        page.locator("#pick-files").set_input_files(large)
    assert page.evaluate(
        """() => {
          const leaving = new Event("beforeunload", {cancelable: true});
          dispatchEvent(leaving);
          return leaving.defaultPrevented;
        }"""
    )
    again = page.context.new_page()
    page.close()
    again.goto(space.page)
    wait_for_rows(again)

    expect(tray(again)).to_contain_text("1 large upload was interrupted.")
    assert inaccessible(again) == []
    parts: list[str] = []
    again.on("request", lambda each: parts.append(each.headers.get("content-range", "")))
    with asked_for_files(again):
        again.get_by_role("button", name="Choose the files").click()
    again.locator("#pick-files").set_input_files(large)

    expect(tray(again)).to_contain_text("1 file has arrived", timeout=30_000)
    # A part that was under way when the page closed may have come whole.
    starts = [int(found[1]) for each in parts if (found := re.match(r"bytes (\d+)-", each))]
    assert starts
    assert min(starts) >= 16 * MIB
    assert space.read("large.fits") == large.read_bytes()


def test_ten_thousand_files_leave_the_page_alive(
    visit: Visit, alice: Person, space: Space
) -> None:
    page = browse(visit, alice, space.page)
    hold(page)
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          for (let n = 0; n < 10000; n += 1) data.items.add(new File(["x"], `f${n}.txt`));
          const input = document.querySelector("#pick-files");
          input.files = data.files;
          input.dispatchEvent(new Event("change"));
        }"""
    )

    expect(tray(page)).to_contain_text("Uploading: 0 of 10,000 files", timeout=30_000)
    assert tray(page).get_by_role("listitem").count() <= 60
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    tray(page).get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Stop them").click()
    expect(tray(page)).to_be_hidden()
