"""Groups in a browser: every journey by mouse and by keyboard alone, and what others see."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.web import hostile
from tests.web.browsing import Visit, inaccessible
from tests.web.site import Person, WebSite
from vospace_server.domain.group import GroupChange
from vospace_server.domain.identity import OPERATOR

pytestmark = pytest.mark.web


def toast(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.locator(".toast").get_by_text(text)).to_be_visible()


def test_a_group_is_made_filled_and_emptied_by_mouse(
    visit: Visit, site: WebSite, alice: Person, bob: Person
) -> None:
    name = f"HST-{alice.name}"
    page = visit(alice, "/groups")
    page.get_by_role("link", name="Create group").first.click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Description").fill("Reference files")
    page.get_by_role("button", name="Create group").click()
    toast(page, f"The group {name} is there.")

    page.get_by_label("Add a member").fill(bob.name)
    page.get_by_role("button", name="Add", exact=True).first.click()
    toast(page, f"{bob.name} is a member now.")
    expect(page.get_by_role("rowheader", name=bob.name)).to_be_visible()

    page.get_by_role("button", name=f"Remove {bob.name}").click()
    toast(page, f"{bob.name} is no member any more.")
    assert site.groups.get(name).members == ()
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.get_by_role("rowheader", name=bob.name)).to_be_visible()

    page.get_by_role("link", name="Modify details").click()
    page.get_by_label("Everybody who is logged in").check()
    page.get_by_role("button", name="Save").click()
    expect(
        page.get_by_text("Public read access").locator("..").get_by_text("yes")
    ).to_be_visible()

    page.get_by_role("link", name="Delete").click()
    page.get_by_label("Name of the group, to confirm").fill(name)
    page.get_by_role("button", name="Delete").click()
    toast(page, f"The group {name} is deleted.")


def test_everything_about_a_group_works_without_script(
    visit: Visit, site: WebSite, alice: Person, bob: Person
) -> None:
    name = f"PLAIN-{alice.name}"
    inner = site.new_group(alice, "inner")
    page = visit(alice, "/groups/new", script=False)
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Create group").click()
    for member in (bob.name, f"ivo://localhost/gms?{inner}"):
        page.get_by_label("Add a member").fill(member)
        page.get_by_role("button", name="Add", exact=True).first.click()
    assert len(site.groups.get(name).members) == 2

    page.locator("th summary").click()
    page.get_by_role("link", name=f"Open the group {inner}").click()
    expect(page.get_by_role("heading", name=inner, exact=True)).to_be_visible()

    page.goto(f"/groups/show/{name}")
    page.get_by_role("button", name=f"Remove {bob.name}").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("rowheader", name=bob.name)).to_be_visible()
    page.get_by_role("link", name="Paste a list").click()
    page.get_by_label("One in a line").fill(f"{alice.name}\nnobody-here")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_text("1 member added")).to_be_visible()
    expect(page.get_by_text("there is no user 'nobody-here'")).to_be_visible()


def test_a_nested_group_opens_in_place_down_to_the_last(
    visit: Visit, site: WebSite, alice: Person, bob: Person
) -> None:
    outer, middle, inner = (
        site.new_group(alice, name) for name in ("outer", "middle", "inner")
    )
    site.groups.add_member(outer, f"ivo://localhost/gms?{middle}", expires=None, by=OPERATOR)
    site.groups.add_member(middle, f"ivo://localhost/gms?{inner}", expires=None, by=OPERATOR)
    site.groups.add_member(inner, bob.name, expires=None, by=OPERATOR)
    page = visit(alice, f"/groups/show/{outer}")
    row = page.locator("tr", has_text=middle)
    row.locator("summary").first.focus()
    page.keyboard.press("Enter")
    nested = row.locator(".nested summary")
    nested.focus()
    page.keyboard.press("Enter")

    expect(row.get_by_text(bob.name)).to_be_visible()
    assert inaccessible(page) == []


def test_a_group_that_one_may_not_see_says_so_where_it_is_nested(
    visit: Visit, site: WebSite, alice: Person, bob: Person
) -> None:
    outer, closed = site.new_group(alice), site.new_group(bob, "closed")
    site.groups.add_member(outer, f"ivo://localhost/gms?{closed}", expires=None, by=OPERATOR)
    page = visit(alice, f"/groups/show/{outer}")
    page.locator("th summary").click()

    expect(page.get_by_text(f"can't look into the group {closed}")).to_be_visible()


def test_names_of_groups_are_offered_while_one_types(
    visit: Visit, site: WebSite, alice: Person
) -> None:
    group, other = site.new_group(alice), site.new_group(alice, "offered")
    page = visit(alice, f"/groups/show/{group}")
    page.get_by_label("Add a member").press_sequentially("offer")
    offer = page.locator("#known-groups option")
    expect(offer.filter(has_text=other)).to_have_count(1)
    assert offer.first.get_attribute("value") == f"ivo://localhost/gms?{other}"


def test_the_identifier_is_copied(visit: Visit, site: WebSite, alice: Person) -> None:
    group = site.new_group(alice)
    page = visit(alice, f"/groups/show/{group}")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the identifier").click()
    expect(page.locator("#live")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"ivo://localhost/gms?{group}"


def test_a_membership_gets_an_end(
    visit: Visit, site: WebSite, alice: Person, bob: Person
) -> None:
    group = site.new_group(alice)
    site.groups.add_member(group, bob.name, expires=None, by=OPERATOR)
    page = visit(alice, f"/groups/show/{group}")
    page.get_by_role("cell").locator("summary", has_text="no end").click()
    page.get_by_label(f"Until the end of (UTC), for {bob.name}").fill("2099-12-31")
    page.get_by_role("button", name="Set").click()

    expect(page.get_by_role("cell").get_by_text("2099-12-31")).to_be_visible()


def test_an_invitation_goes_from_one_browser_to_another(
    visit: Visit, site: WebSite, alice: Person, bob: Person
) -> None:
    """Contract 5 rows 87 and 88: the group pages in two browsers."""
    group = site.new_group(alice)
    owner = visit(alice, f"/groups/show/{group}")
    owner.get_by_text("Invite by link").click()
    owner.get_by_label("E-mail address").fill("bob@example.org")
    owner.get_by_role("button", name="Make the link").click()
    link = owner.locator("[data-copied]", has_text="/groups/join/").inner_text()
    mail = owner.get_by_role("link", name="Write the mail").get_attribute("href") or ""
    assert mail.startswith("mailto:bob@example.org?subject=Invitation")
    assert inaccessible(owner) == []

    guest = visit(bob, link.removeprefix(site.url))
    expect(guest.get_by_role("heading", name=f"Join {group}?")).to_be_visible()
    assert inaccessible(guest) == []
    guest.get_by_role("button", name="Accept").click()
    toast(guest, f"You are a member of {group} now.")
    owner.reload()
    expect(owner.get_by_role("rowheader", name=bob.name)).to_be_visible()


def test_a_revocation_holds_while_the_page_is_open(
    visit: Visit, site: WebSite, alice: Person, bob: Person
) -> None:
    site.allocate(alice.name, alice)
    group = site.new_group(alice)
    site.grant(alice.name, group)
    site.groups.add_member(group, bob.name, expires=None, by=OPERATOR)
    site.groups.add_admin(group, bob.name, by=OPERATOR)
    owner = visit(alice, f"/groups/show/{group}")
    guest = visit(bob, f"/groups/show/{group}")
    inside = f"/vault/nodes/{alice.name}/nothing"
    assert guest.request.get(inside).status == 404

    owner.get_by_role("button", name=f"Take the administration from {bob.name}").click()
    owner.get_by_role("button", name=f"Remove {bob.name}").click()
    toast(owner, f"{bob.name} is no member any more.")

    assert guest.request.get(inside).status == 403
    guest.get_by_label("Add a member").fill(bob.name)
    guest.get_by_role("button", name="Add", exact=True).first.click()
    expect(guest.get_by_role("heading", name="You may not do this")).to_be_visible()
    assert bob.name not in [member.value for member in site.groups.get(group).members]


def test_two_owners_at_once_see_each_other_after_the_next_click(
    visit: Visit, site: WebSite, alice: Person, bob: Person
) -> None:
    group = site.new_group(alice)
    site.groups.add_admin(group, bob.name, by=OPERATOR)
    first, second = (visit(person, f"/groups/show/{group}") for person in (alice, bob))
    first.get_by_label("Add a member").fill("one@example.org")
    second.get_by_label("Add a member").fill("two@example.org")
    for page in (first, second):
        page.get_by_role("button", name="Add", exact=True).first.click()
    second.reload()
    for address in ("one@example.org", "two@example.org"):
        expect(second.get_by_role("rowheader", name=address)).to_be_visible()


@pytest.fixture
def hostile_group(site: WebSite, alice: Person, bob: Person) -> str:
    """A group in which everything that people can write is hostile."""
    name = site.new_group(alice, hostile.GROUP_NAME, description=hostile.DESCRIPTION)
    inner = site.new_group(alice, hostile.GROUP_NAME)
    for member in (
        f"dn:{hostile.DISTINGUISHED_NAME}",
        f"email:{hostile.EMAIL}",
        f"group:ivo://localhost/gms?{inner}",
        bob.name,
    ):
        site.groups.add_member(name, member, expires=None, by=OPERATOR)
        site.groups.add_admin(name, member, by=OPERATOR)
    site.groups.change(name, GroupChange(description=hostile.DESCRIPTION), by=OPERATOR)
    site.allocate(alice.name, alice)
    site.grant(alice.name, name)
    return name


GROUP_VIEWS = ["", "/edit", "/use", "/history", "/bulk", "/delete"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_hostile_text_runs_and_every_view_of_a_group_is_accessible(
    visit: Visit, site: WebSite, alice: Person, hostile_group: str, theme: str
) -> None:
    page = visit(alice, "/groups", theme=theme)
    for path in ["/groups", "/groups/find?text=%3Cimg", "/groups/help", "/groups/new"]:
        page.goto(path)
        assert inaccessible(page) == [], path
    for view in GROUP_VIEWS:
        page.goto(f"/groups/show/{hostile_group}{view}")
        assert inaccessible(page) == [], view
    page.goto(f"/groups/show/{hostile_group}")
    for summary in page.locator("summary").all():
        summary.click()
    expect(page.get_by_text("Nobody is in this group.")).to_be_visible()
    assert inaccessible(page) == []
    assert page.locator("img, main script").count() == 0


def test_what_was_typed_comes_back_as_text_when_it_is_wrong(
    visit: Visit, site: WebSite, alice: Person
) -> None:
    group = site.new_group(alice)
    page = visit(alice, f"/groups/show/{group}")
    for text in hostile.SCRIPTS:
        page.get_by_label("Add a member").fill(f"user:{text}")
        page.get_by_role("button", name="Add", exact=True).first.click()
        expect(page.get_by_role("alert")).to_be_visible()
        assert page.get_by_label("Add a member").input_value() == f"user:{text}"


@pytest.mark.parametrize("width", [320, 1440])
def test_the_pages_of_a_group_fit_every_screen(
    visit: Visit, alice: Person, hostile_group: str, width: int
) -> None:
    page = visit(alice, "/groups", width=width)
    for path in ["/groups", *(f"/groups/show/{hostile_group}{view}" for view in GROUP_VIEWS)]:
        page.goto(path)
        too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert too_wide <= 0, path
