"""What people do to pages: twice, backwards, in two tabs, after the session, when busy."""

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import FilePayload, Route, expect

from tests.web.browsing import Visit
from tests.web.forms import send
from tests.web.site import PASSWORD, Person, WebSite
from tests.web.storage_pages import Space, browse, row, wait_for_rows

pytestmark = pytest.mark.web


def test_a_form_is_sent_once_however_often_its_button_is_pressed(
    visit: Visit, site: WebSite, alice: Person
) -> None:
    group = site.new_group(alice)
    page = visit(alice, f"/groups/show/{group}")
    sent: list[str] = []
    page.on("request", lambda each: sent.append(each.method))
    page.get_by_label("Add a member").fill("ann@example.org")
    page.get_by_role("button", name="Add", exact=True).first.dblclick()
    expect(page.get_by_role("rowheader", name="ann@example.org")).to_be_visible()
    assert sent.count("POST") == 1


def test_a_dialog_does_its_deed_once(visit: Visit, alice: Person, space: Space) -> None:
    page = browse(visit, alice, space.page)
    page.keyboard.press("n")
    page.keyboard.type("new")
    sent: list[str] = []
    page.on("request", lambda each: sent.append(each.method))
    page.get_by_role("button", name="Make the folder").dblclick()
    expect(row(page, "new")).to_be_visible()
    assert sent.count("PUT") == 1


def test_the_button_back_after_a_deletion_says_what_is_gone(
    visit: Visit, site: WebSite, alice: Person
) -> None:
    group = site.new_group(alice)
    page = visit(alice, f"/groups/show/{group}")
    page.get_by_role("link", name="Delete").click()
    page.get_by_label("Name of the group, to confirm").fill(group)
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".toast")).to_contain_text("is deleted")
    page.go_back()
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    expect(page.get_by_text(f"there is no group '{group}'")).to_be_visible()


def test_the_button_back_after_a_deleted_folder_leads_to_what_is_there(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.folder("gone")
    page = browse(visit, alice, f"{space.page}/gone")
    page.keyboard.press("Backspace")
    expect(page.get_by_role("heading", name=alice.name)).to_be_visible()
    space.client.delete(f"/api/v1/details{space.quoted('gone')}").raise_for_status()
    page.go_back()
    expect(page.get_by_role("alert")).to_contain_text("is not there any more")
    expect(page.get_by_role("heading", name=alice.name)).to_be_visible()
    expect(page).to_have_url(re.compile(f"{re.escape(space.page)}$"))


def test_what_another_tab_has_done_is_said_and_seen(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.put("a.txt")
    one, other = browse(visit, alice, space.page), browse(visit, alice, space.page)
    row(one, "a.txt").focus()
    one.keyboard.press("Delete")
    expect(row(one, "a.txt")).to_have_count(0)
    row(other, "a.txt").focus()
    other.keyboard.press("Delete")
    expect(other.get_by_role("alert")).to_contain_text("a.txt: ")
    expect(row(other, "a.txt")).to_have_count(0)


def test_a_session_that_ends_in_a_form_leads_back_to_the_form(
    visit: Visit, site: WebSite, alice: Person
) -> None:
    group = site.new_group(alice)
    page = visit(alice, f"/groups/show/{group}/edit")
    page.get_by_label("Description").fill("a long text that took an hour")
    site.sessions.end_all(alice.user_id, by=alice.identity)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("You are not logged in any more")).to_be_visible()
    page.get_by_label("User name").fill(alice.name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    expect(page.get_by_label("Description")).to_have_value("a long text that took an hour")
    assert site.groups.get(group).description == ""


def test_a_session_that_ends_in_a_dialog_keeps_what_was_typed(
    visit: Visit, site: WebSite, alice: Person, space: Space
) -> None:
    page = browse(visit, alice, space.page)
    page.keyboard.press("n")
    page.keyboard.type("night 1")
    site.sessions.end_all(alice.user_id, by=alice.identity)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Your session has ended.")
    expect(page.get_by_label("Name of the folder")).to_have_value("night 1")


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (
            413,
            "QuotaExceeded: the quota is 1 GiB (1 bytes), 0 bytes are left, 1 more are needed",
            "0 bytes are left",
        ),
        (423, "NodeLocked: a.txt is locked", "a.txt is locked"),
        (
            403,
            "PermissionDenied: can't write: the container is locked",
            "the container is locked",
        ),
    ],
)
def test_an_upload_that_is_refused_says_why(
    visit: Visit, alice: Person, space: Space, status: int, body: str, said: str
) -> None:
    page = browse(visit, alice, space.page)
    page.route("**/vault/files/**", lambda route: route.fulfill(status=status, body=body))
    page.locator("#pick-files").set_input_files(
        FilePayload(name="a.txt", mimeType="", buffer=b"x")
    )
    tray = page.get_by_role("region", name="Uploads and jobs")
    expect(tray).to_contain_text("1 have failed")
    expect(tray).to_contain_text(said)
    expect(tray.get_by_role("button", name="Try again")).to_be_visible()


def test_an_upload_to_a_busy_server_waits_as_long_as_it_asks(
    visit: Visit, alice: Person, space: Space
) -> None:
    page = browse(visit, alice, space.page)
    page.clock.install()
    asked: list[str] = []

    def busy(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) > 1:
            route.continue_()
        else:
            body = "ServiceBusy: too many uploads"
            route.fulfill(status=503, body=body, headers={"retry-after": "60"})

    page.route("**/vault/files/**", busy)
    page.locator("#pick-files").set_input_files(
        FilePayload(name="a.txt", mimeType="", buffer=b"x")
    )
    tray = page.get_by_role("region", name="Uploads and jobs")
    page.clock.run_for(1000)
    expect(tray).to_contain_text("too many uploads")
    page.clock.run_for(58_000)
    assert len(asked) == 1
    page.clock.run_for(3_000)
    expect(tray).to_contain_text("1 file has arrived")
    assert space.read("a.txt") == b"x"


def test_a_service_that_only_reads_says_so_in_words(
    client: Callable[..., httpx.Client],
    visit: Visit,
    site: WebSite,
    alice: Person,
    boss: Person,
) -> None:
    group = site.new_group(alice)
    page = visit(alice, f"/groups/show/{group}")
    administrator = client(boss)
    try:
        send(administrator, "/admin/state", mode="ReadOnly")
        page.get_by_label("Add a member").fill("ann@example.org")
        page.get_by_role("button", name="Add", exact=True).first.click()
        expect(
            page.get_by_role("heading", name="The service is busy or closed")
        ).to_be_visible()
        expect(page.get_by_text("service in read-only mode")).to_be_visible()
    finally:
        send(administrator, "/admin/state", mode="ReadWrite")
    # What was typed is one step back.
    page.go_back()
    page.get_by_label("Add a member").fill("ann@example.org")
    page.get_by_role("button", name="Add", exact=True).first.click()
    expect(page.get_by_role("rowheader", name="ann@example.org")).to_be_visible()


@pytest.mark.parametrize(
    "name",
    [
        "\u0645\u062c\u0644\u062f \u0627\u0644\u0644\u064a\u0644",
        "\u05dc\u05d9\u05dc\u05d4.fits",
        "n" * 255,
    ],
)
def test_names_from_right_to_left_and_very_long_ones_go_all_ways(
    visit: Visit, alice: Person, space: Space, name: str
) -> None:
    page = browse(visit, alice, space.page)
    page.keyboard.press("n")
    page.keyboard.insert_text(name)
    page.keyboard.press("Enter")
    expect(row(page, name)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    wait_for_rows(page)
    page.reload()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    wait_for_rows(page)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.keyboard.press("Backspace")
    expect(row(page, name)).to_be_focused()
    page.keyboard.press("Delete")
    expect(row(page, name)).to_have_count(0)
    page.keyboard.press("z")
    expect(row(page, name)).to_be_visible()
