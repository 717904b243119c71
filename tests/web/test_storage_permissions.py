"""The editor of permissions, who may do what and why, and the jobs that the page starts."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.web.browsing import Visit, inaccessible
from tests.web.site import Person, WebSite
from tests.web.storage_pages import Space, browse, open_space, pick, row

pytestmark = pytest.mark.web


@pytest.fixture
def space(site: WebSite, alice: Person) -> Iterator[Space]:
    """A space of Alice's."""
    with open_space(site, alice) as opened:
        yield opened


def edit(page: Page, name: str) -> None:
    """Open the editor for an entry, by keyboard."""
    row(page, name).focus()
    page.keyboard.press("p")
    expect(page.get_by_role("heading", name=f"Permissions of {name}")).to_be_visible()


def save(page: Page) -> None:
    """Save what the editor shows."""
    page.get_by_role("button", name="Save the permissions").click()
    expect(page.get_by_text("The permissions were saved.")).to_be_visible()


def group_uri(name: str) -> str:
    """What nodes call a group."""
    return f"ivo://localhost/gms?{name}"


def test_groups_are_given_access_by_keyboard_alone(
    site: WebSite, visit: Visit, alice: Person, space: Space
) -> None:
    space.folder("data")
    reading = site.new_group(alice, "readers", description="people who read")
    writing = site.new_group(alice, "writers")
    page = browse(visit, alice, space.page)
    keys = page.keyboard

    edit(page, "data")
    page.get_by_role("combobox", name="Groups that may read", exact=True).focus()
    keys.type("readers")
    expect(page.get_by_role("option", name=reading)).to_be_visible()
    assert inaccessible(page) == []
    keys.press("ArrowDown")
    keys.press("Enter")
    page.get_by_role("combobox", name="Groups that may read and write").focus()
    keys.type(writing)
    expect(page.get_by_role("option", name=writing)).to_be_visible()
    keys.press("Enter")
    expect(page.get_by_text(f"Can read: {alice.name}, {writing}, {reading}.")).to_be_visible()
    page.get_by_role("button", name="Save the permissions").focus()
    keys.press("Enter")

    expect(page.get_by_text("The permissions were saved.")).to_be_visible()
    entry = space.entry("data")
    assert entry["read_groups"] == [group_uri(reading)]
    assert entry["write_groups"] == [group_uri(writing)]
    expect(row(page, "data").locator(".access")).to_contain_text("+1")


def test_a_group_that_is_none_is_never_accepted(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.put("a.txt")
    page = browse(visit, alice, space.page)
    edit(page, "a.txt")

    page.get_by_role("combobox", name="Groups that may read", exact=True).fill("no-such-group")
    expect(page.get_by_text("No group of this name that you know of")).to_be_visible()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Save the permissions").click()

    expect(page.get_by_text("“no-such-group” is none yet").first).to_be_visible()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert space.entry("a.txt")["read_groups"] == []


def test_several_get_the_same_permissions_and_lose_a_group(
    site: WebSite, visit: Visit, alice: Person, space: Space
) -> None:
    group = site.new_group(alice)
    for name in ("a.txt", "b.txt"):
        space.put(name)
        space.change(name, read_groups=[group_uri(group)])
    page = browse(visit, alice, space.page)
    pick(page, "a.txt", "b.txt")

    page.get_by_role("toolbar").get_by_role("button", name="Permissions").click()
    page.get_by_role("button", name=f"Take {group} out").click()
    page.get_by_label("Everybody may read, also without logging in").check()
    save(page)

    for name in ("a.txt", "b.txt"):
        entry = space.entry(name)
        assert (entry["public"], entry["read_groups"]) == (True, [])


def test_access_is_explained_with_the_rule(
    site: WebSite, visit: Visit, alice: Person, bob: Person, space: Space
) -> None:
    group = site.new_group(alice, "team")
    space.folder("data")
    space.put("data/a.txt")
    space.change("data/a.txt", read_groups=[group_uri(group)])
    page = browse(visit, alice, f"{space.page}/data")
    edit(page, "a.txt")

    page.get_by_text("Explain access").click()
    expect(page.get_by_text("You can read this: owner of this")).to_be_visible()
    person = page.get_by_label("Check somebody: user name")
    person.fill(bob.name)
    page.keyboard.press("Enter")
    expect(
        page.get_by_text(f"{bob.name} can't read this: the folder “{alice.name}” above it")
    ).to_be_visible()
    assert inaccessible(page) == []
    space.change("", public=True)
    space.change("data", public=True)
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"{bob.name} can't read this: neither the owner")).to_be_visible()
    site.groups.add_member(group, bob.name, expires=None, by=alice.identity)
    page.keyboard.press("Enter")
    expect(
        page.get_by_text(f"{bob.name} can read this: member of the group {group}")
    ).to_be_visible()
    person.fill("nobody-of-this-name")
    page.keyboard.press("Enter")
    expect(page.get_by_text("there is no open account of the name")).to_be_visible()
    person.fill("")
    page.keyboard.press("Enter")
    expect(page.get_by_text("People who are not logged in can't read this")).to_be_visible()


def test_nobody_has_others_explained_who_may_not_change_the_node(
    site: WebSite, bob: Person, space: Space
) -> None:
    space.change("", public=True)
    space.put("a.txt")
    with open_space(site, bob) as other:
        own = other.client.get(f"/api/v1/access{space.quoted('a.txt')}")
        foreign = other.client.get(
            f"/api/v1/access{space.quoted('a.txt')}", params={"user": space.owner.name}
        )

    assert own.json()["verdicts"]["read"]["allowed"] is False
    assert foreign.status_code == 403


def test_permissions_are_applied_to_everything_in_a_folder(
    visit: Visit, alice: Person, space: Space
) -> None:
    space.folder("data")
    space.folder("data/deep")
    space.put("data/deep/a.txt")
    page = browse(visit, alice, space.page)
    edit(page, "data")

    page.get_by_label("Everybody may read, also without logging in").check()
    apply_to = page.get_by_label("Apply to")
    expect(apply_to).to_contain_text("1 file in it and the folders they are in")
    apply_to.select_option("all")
    save(page)

    expect(page.locator("#tray")).to_be_hidden(timeout=30_000)
    assert space.entry("data/deep/a.txt")["public"] is True
    assert space.entry("data/deep")["public"] is True


def test_things_are_copied_as_a_job(visit: Visit, alice: Person, space: Space) -> None:
    space.folder("to")
    space.folder("data")
    space.put("data/a & b.txt", b"bytes")
    page = browse(visit, alice, space.page)
    row(page, "data").focus()

    page.keyboard.press("c")
    page.get_by_role("treeitem", name="to", exact=True).click()
    page.get_by_role("button", name="Copy here").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#live")).to_contain_text("Copy data: done", timeout=30_000)
    assert space.read("to/data/a & b.txt") == b"bytes"
    assert space.read("data/a & b.txt") == b"bytes"


@pytest.mark.parametrize(("label", "kind"), [("As zip", "zip"), ("As tar", "tar")])
def test_many_are_downloaded_as_one_archive(
    visit: Visit, alice: Person, space: Space, label: str, kind: str
) -> None:
    space.folder("data")
    space.put("data/a.txt", b"aaa")
    space.put("b & c.txt", b"bbb")
    page = browse(visit, alice, space.page)
    pick(page, "data", "b & c.txt")

    page.get_by_role("toolbar").get_by_role("button", name="Download").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name=label).click()

    assert download.value.suggested_filename.endswith(f".{kind}")
    content = download.value.path().read_bytes()
    assert b"b & c.txt" in content
    assert b"data/a.txt" in content
