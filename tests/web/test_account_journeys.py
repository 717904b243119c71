"""Account, jobs and administration in a browser; accessible in every state and both themes."""

import pytest
from playwright.sync_api import expect

from tests.web import hostile
from tests.web.browsing import Visit, inaccessible
from tests.web.site import PASSWORD, Person, WebSite
from vospace_server.domain.account import IdentityKind
from vospace_server.domain.identity import OPERATOR
from vospace_server.domain.token_scope import TokenScope
from vospace_server.services.accounts import NewUser

pytestmark = pytest.mark.web

NEW_PASSWORD = "another long sentence"


@pytest.fixture
def hostile_account(site: WebSite, alice: Person) -> Person:
    """An account in which everything that people can write is hostile."""
    site.accounts.change_identities(
        alice.name, add=[(IdentityKind.X500, f"CN=<b onclick=x>,CN={alice.name}")], by=OPERATOR
    )
    for label in hostile.SCRIPTS:
        site.accounts.make_token(
            alice.name, scope=TokenScope.READ, lifetime=None, label=label[:99], by=OPERATOR
        )
    site.allocate(alice.name, alice)
    for script in hostile.SCRIPTS[:4]:
        site.new_job(alice, f"{alice.name}/{script}")
    return alice


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_hostile_text_runs_and_the_own_pages_are_accessible(
    visit: Visit, hostile_account: Person, theme: str
) -> None:
    page = visit(hostile_account, "/account", theme=theme)
    assert inaccessible(page) == []
    page.goto("/jobs")
    assert inaccessible(page) == []
    page.get_by_role("button", name="Stop the job").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert inaccessible(page) == []
    assert page.locator("img, main script").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_of_administrators_are_accessible(
    visit: Visit, site: WebSite, hostile_account: Person, boss: Person, theme: str
) -> None:
    waiting = NewUser(name=f"wait-{boss.name}-{theme}", password=PASSWORD, waiting=True)
    site.accounts.add(waiting, by=OPERATOR)
    page = visit(boss, "/admin", theme=theme)
    for path in (
        "/admin/users",
        f"/admin/users/show/{hostile_account.name}",
        "/admin/allocations",
        "/admin/state",
        "/admin/health",
    ):
        page.goto(path)
        assert inaccessible(page) == [], path


@pytest.mark.parametrize("width", [320, 1440])
def test_the_pages_of_an_account_and_of_administrators_fit_every_screen(
    visit: Visit, hostile_account: Person, boss: Person, width: int
) -> None:
    own, theirs = visit(hostile_account, width=width), visit(boss, width=width)
    user = f"/admin/users/show/{hostile_account.name}"
    admin = ("/admin", user, "/admin/allocations", "/admin/state", "/admin/health")
    paths = [(own, path) for path in ("/account", "/jobs")] + [(theirs, path) for path in admin]
    for page, path in paths:
        page.goto(path)
        too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert too_wide <= 0, path


def test_a_token_is_made_copied_and_revoked(visit: Visit, site: WebSite, alice: Person) -> None:
    page = visit(alice, "/account")
    page.get_by_label("What for").fill("night pipeline")
    page.get_by_role("button", name="Make").click()
    token = page.locator("[data-copied]", has_text="vost_").inner_text()
    expect(page.get_by_role("status").filter(has_text="The token is ready.")).to_be_focused()
    assert site.accounts.tokens(alice.name)[0].label == "night pipeline"

    page.get_by_role("button", name="Revoke the token for night pipeline").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert not site.accounts.tokens(alice.name)[0].revoked
    page.get_by_role("button", name="Revoke the token for night pipeline").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.locator(".toast").get_by_text("The token is revoked.")).to_be_visible()
    assert site.accounts.tokens(alice.name)[0].revoked
    assert token not in page.content()


def test_a_question_is_answered_by_keyboard_and_gives_the_focus_back(
    visit: Visit, site: WebSite, alice: Person
) -> None:
    site.new_token(alice)
    page = visit(alice, "/account")
    button = page.get_by_role("button", name="Revoke the token for test")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".toast").get_by_text("The token is revoked.")).to_be_visible()


def test_logging_out_everywhere_ends_the_other_browser(visit: Visit, alice: Person) -> None:
    here, there = visit(alice, "/account"), visit(alice, "/account")
    here.get_by_role("button", name="Log out everywhere").click()
    here.get_by_role("dialog").get_by_role("button", name="Log out everywhere").click()
    expect(here.get_by_text("You are logged out.")).to_be_visible()

    there.get_by_role("link", name="Jobs").click()
    there.wait_for_url("**/login?next=%2Fjobs")
    expect(there.get_by_text("Your session has ended.")).to_be_visible()
    there.fill("#username", alice.name)
    there.fill("#password", PASSWORD)
    there.get_by_role("main").get_by_role("button", name="Log in").click()
    there.wait_for_url("**/jobs")


def test_a_job_that_ends_shows_it_without_a_click(
    visit: Visit, site: WebSite, alice: Person
) -> None:
    job = site.new_job(alice, "x")
    page = visit(alice, "/jobs")
    expect(page.get_by_role("cell", name="not started")).to_be_visible()
    site.jobs.abort(alice.identity, job)
    expect(page.get_by_role("cell", name="stopped")).to_be_visible(timeout=10_000)


def test_an_administrator_opens_an_account_that_waits(
    visit: Visit, site: WebSite, boss: Person
) -> None:
    name = f"newcomer-{boss.name}"
    site.accounts.add(NewUser(name=name, password=PASSWORD, waiting=True), by=OPERATOR)
    page = visit(boss, "/admin")
    expect(page.get_by_role("row", name=name).get_by_text("waits")).to_be_visible()
    page.get_by_role("link", name=name).click()
    page.get_by_role("button", name="Open the account").click()
    expect(page.locator(".toast").get_by_text(f"The account {name} is open.")).to_be_visible()
    assert not site.accounts.get(name).disabled


def test_everything_is_said_in_french(visit: Visit, alice: Person) -> None:
    page = visit(alice, "/account", language="fr-CA")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.get_by_role("heading", name="Jetons pour les programmes")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_text("Montrer cette feuille")).to_be_visible()
    assert inaccessible(page) == []
