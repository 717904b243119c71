"""Ways through groups, account and administration by mouse; by keyboard: test_keyboard_*.py."""

import pytest
from playwright.sync_api import expect

from tests.web.browsing import Visit
from tests.web.site import PASSWORD, Person, WebSite

pytestmark = [pytest.mark.web, pytest.mark.journey("sqlite")]

NEW_PASSWORD = "another long sentence"


def test_administrators_of_a_group_come_and_go(
    visit: Visit, site: WebSite, alice: Person, bob: Person
) -> None:
    group = site.new_group(alice)
    page = visit(alice, f"/groups/show/{group}")
    page.get_by_label("Add an administrator").fill(bob.name)
    page.get_by_role("button", name="Add", exact=True).last.click()
    page.get_by_role("button", name=f"Take the administration from {bob.name}").click()
    expect(page.get_by_text("Take the administration")).to_have_count(0)
    assert site.groups.get(group).admins == ()


def test_a_group_is_found_and_its_use_and_history_read(
    visit: Visit, site: WebSite, alice: Person
) -> None:
    group = site.new_group(alice)
    site.allocate(alice.name, alice)
    site.grant(alice.name, group)
    page = visit(alice, "/groups")
    page.get_by_role("link", name="All groups").click()
    page.get_by_role("searchbox").fill(group)
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=group, exact=True).click()
    page.get_by_role("link", name="Where used").click()
    expect(page.get_by_role("link", name=f"/{alice.name}")).to_be_visible()
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("rowheader").first).to_be_visible()


def test_a_password_is_changed(visit: Visit, alice: Person) -> None:
    page = visit(alice, "/account")
    page.get_by_label("Password of now").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password again").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change password").click()
    expect(page.locator(".toast")).to_contain_text("The password is changed")


def test_a_job_is_stopped(visit: Visit, site: WebSite, alice: Person) -> None:
    site.new_job(alice, "x")
    page = visit(alice, "/jobs")
    page.get_by_role("button", name="Stop the job").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.get_by_role("cell", name="stopped")).to_be_visible()


def test_an_administrator_makes_an_allocation(
    visit: Visit, boss: Person, alice: Person
) -> None:
    page = visit(boss, "/admin")
    page.get_by_role("link", name="Allocations").click()
    page.get_by_label("Folder").fill(f"/{alice.name}")
    page.get_by_label("Owner").fill(alice.name)
    page.get_by_role("button", name="Make").click()
    expect(page.get_by_role("link", name=alice.name).first).to_be_visible()
    page.get_by_role("link", name="State", exact=True).click()
    expect(page.get_by_text("The service does everything.")).to_be_visible()
