"""Groups by keyboard alone; each journey by mouse is in docs/web.md beside its own here."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from tests.web.keyboard import Keyboard
from tests.web.site import Person, WebSite

pytestmark = [pytest.mark.web, pytest.mark.journey("postgres")]

Keys = Callable[..., Keyboard]
DN = "CN=Ann,O=Grid,C=ca"


def add(keys: Keyboard, who: str) -> None:
    """Adds a member on the page of a group."""
    keys.write("Add a member", who, "combobox")
    keys.send()
    keys.toast("is a member now.")


def member(page: Page, name: str) -> None:
    expect(page.get_by_role("rowheader", name=name)).to_be_visible()


def test_a_group_is_made_changed_and_deleted(keyboard: Keys, alice: Person) -> None:
    name = f"KEYS-{alice.name}"
    keys = keyboard(alice, "/groups")
    keys.use("link", "Create group")
    keys.write("Name", name)
    keys.write("Description optional", "Reference files")
    keys.use("button", "Create group")
    keys.toast(f"The group {name} is there.")

    keys.use("link", "Modify details")
    keys.go("checkbox", "Everybody who is logged in (public read access)")
    keys.press("Space")
    keys.use("button", "Save")
    expect(
        keys.page.get_by_text("Public read access").locator("..").get_by_text("yes")
    ).to_be_visible()

    keys.use("link", "Delete")
    keys.write("Name of the group, to confirm", name)
    keys.press("Enter")
    keys.toast(f"The group {name} is deleted.")


def test_members_are_added_by_each_way_removed_and_taken_back(
    keyboard: Keys, site: WebSite, alice: Person, bob: Person
) -> None:
    group, inner = site.new_group(alice), site.new_group(alice, "inner")
    keys = keyboard(alice, f"/groups/show/{group}")
    for who in (bob.name, DN, "ann@example.org", f"ivo://localhost/gms?{inner}"):
        add(keys, who)
    assert len(site.groups.get(group).members) == 4

    keys.use("button", f"Remove {bob.name}")
    keys.toast(f"{bob.name} is no member any more.")
    assert len(site.groups.get(group).members) == 3
    keys.use("button", "Undo", within=".toast")
    member(keys.page, bob.name)
    keys.use("button", f"Remove {bob.name}")
    keys.toast(f"{bob.name} is no member any more.")
    # The same by one key: the message may be gone before Tab has come to it.
    keys.press("z")
    member(keys.page, bob.name)


def test_a_list_is_pasted(keyboard: Keys, site: WebSite, alice: Person, bob: Person) -> None:
    group = site.new_group(alice)
    keys = keyboard(alice, f"/groups/show/{group}")
    keys.use("link", "Paste a list")
    keys.write("One in a line", f"{bob.name}\nnobody-here")
    keys.use("button", "Add", within="main")
    expect(keys.page.get_by_role("heading", name="What came of each line")).to_be_focused()
    expect(keys.page.get_by_text("1 member added")).to_be_visible()
    expect(keys.page.get_by_text("there is no user 'nobody-here'")).to_be_visible()


def test_a_nested_group_is_opened_in_place(
    keyboard: Keys, site: WebSite, alice: Person, bob: Person
) -> None:
    group, inner = site.new_group(alice), site.new_group(alice, "inner")
    site.groups.add_member(inner, bob.name, expires=None, by=alice.identity)
    site.groups.add_member(
        group, f"ivo://localhost/gms?{inner}", expires=None, by=alice.identity
    )
    keys = keyboard(alice, f"/groups/show/{group}")
    keys.unfold("th summary")
    expect(keys.page.locator(".nested .people").get_by_text(bob.name)).to_be_visible()
    keys.use("link", f"Open the group {inner}")
    expect(keys.page.get_by_role("heading", name=inner, exact=True)).to_be_visible()


def test_administrators_are_added_and_taken_out(
    keyboard: Keys, site: WebSite, alice: Person, bob: Person
) -> None:
    group = site.new_group(alice)
    keys = keyboard(alice, f"/groups/show/{group}")
    keys.write("Add an administrator", bob.name)
    keys.press("Enter")
    keys.go("button", f"Take the administration from {bob.name}")
    assert len(site.groups.get(group).admins) == 1
    keys.press("Enter")
    expect(
        keys.page.get_by_role("button", name=f"Take the administration from {bob.name}")
    ).to_have_count(0)
    assert site.groups.get(group).admins == ()


def test_a_membership_gets_an_end(
    keyboard: Keys, site: WebSite, alice: Person, bob: Person
) -> None:
    group = site.new_group(alice)
    site.groups.add_member(group, bob.name, expires=None, by=alice.identity)
    keys = keyboard(alice, f"/groups/show/{group}")
    keys.unfold("td summary")
    keys.press("Tab")
    # Twice up in each part of a day, in whatever order a language has them: in a year or two.
    for part in range(3):
        keys.press("ArrowUp", "ArrowUp", *["ArrowRight"] * (part < 2))
    keys.use("button", "Set")
    expect(keys.page.locator("td summary").get_by_text("no end")).to_have_count(0)
    expires = site.groups.get(group).members[0].expires
    assert expires is not None
    assert expires > datetime.now(UTC)


def test_an_invitation_is_made_and_accepted(
    keyboard: Keys, site: WebSite, alice: Person, bob: Person
) -> None:
    group = site.new_group(alice)
    keys = keyboard(alice, f"/groups/show/{group}")
    keys.unfold("details.fold > summary")
    keys.use("button", "Make the link")
    shown = keys.page.locator("[data-copied]", has_text="/groups/join/")
    expect(keys.page.get_by_text("The invitation is ready.")).to_be_visible()

    guest = keyboard(bob, shown.inner_text().removeprefix(site.url))
    guest.use("button", "Accept")
    expect(guest.page.get_by_role("heading", name=group)).to_be_visible()
    assert site.groups.get(group).members[0].value == bob.name


def test_the_use_and_the_history_of_a_group_are_read(
    keyboard: Keys, site: WebSite, alice: Person
) -> None:
    group = site.new_group(alice)
    site.allocate(alice.name, alice)
    site.grant(alice.name, group)
    keys = keyboard(alice, f"/groups/show/{group}")
    keys.use("link", "Where used")
    keys.go("link", f"/{alice.name}")
    keys.use("link", "History", back=True)
    expect(keys.page.get_by_role("heading", name=group)).to_be_visible()
    expect(keys.page.get_by_role("rowheader").first).to_be_visible()


def test_groups_are_looked_for(keyboard: Keys, site: WebSite, alice: Person) -> None:
    group = site.new_group(alice, description="people with a telescope")
    keys = keyboard(alice, "/groups")
    keys.use("link", "All groups")
    keys.page.wait_for_url("**/groups/find")
    keys.press("/")
    expect(keys.page.get_by_role("searchbox")).to_be_focused()
    keys.type(group)
    keys.press("Enter")
    keys.use("link", group)
    expect(keys.page.get_by_role("heading", name=group)).to_be_visible()
