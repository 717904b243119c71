"""Account, jobs and administration by keyboard alone; by mouse: docs/web.md."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.web.keyboard import Keyboard
from tests.web.site import PASSWORD, Person, WebSite
from vospace_server.domain.account import IdentityKind
from vospace_server.domain.identity import OPERATOR
from vospace_server.services.accounts import NewUser

pytestmark = [pytest.mark.web, pytest.mark.journey("postgres")]

Keys = Callable[..., Keyboard]
NEW_PASSWORD = "another long sentence"


def test_somebody_registers(keyboard: Keys, alice: Person) -> None:
    keys = keyboard(None, "/")
    keys.use("link", "Register")
    keys.write("User name", f"keys-{alice.name}")
    keys.write("Password", NEW_PASSWORD)
    keys.write("Password again", NEW_PASSWORD)
    keys.press("Enter")
    expect(keys.page.get_by_text(f"Welcome, keys-{alice.name}. Your account")).to_be_visible()


def test_somebody_logs_in_and_out(keyboard: Keys, alice: Person) -> None:
    keys = keyboard(None, "/login?next=/about")
    keys.write("User name", alice.name)
    keys.write("Password", "wrong")
    keys.press("Enter")
    expect(keys.page.get_by_role("alert")).to_be_focused()
    keys.write("Password", PASSWORD)
    keys.press("Enter")
    expect(keys.page).to_have_url(re.compile("/about$"))
    keys.use("button", "Log out")
    expect(keys.page.get_by_text("You are logged out.")).to_be_visible()


def test_a_password_is_changed(keyboard: Keys, site: WebSite, alice: Person) -> None:
    keys = keyboard(alice, "/account")
    keys.write("Password of now", PASSWORD)
    keys.write("New password", NEW_PASSWORD)
    keys.write("New password again", NEW_PASSWORD)
    keys.use("button", "Change password")
    keys.toast("The password is changed")


def test_a_token_is_made_and_revoked(keyboard: Keys, site: WebSite, alice: Person) -> None:
    keys = keyboard(alice, "/account")
    keys.write("What for", "night pipeline")
    keys.use("button", "Make")
    ready = keys.page.get_by_role("status").filter(has_text="The token is ready.")
    expect(ready).to_be_focused()
    keys.go("button", "Copy the token")
    keys.use("button", "Revoke the token for night pipeline")
    expect(keys.dialog().get_by_role("button", name="Cancel")).to_be_focused()
    keys.press("Escape")
    expect(
        keys.page.get_by_role("button", name="Revoke the token for night pipeline")
    ).to_be_focused()
    keys.press("Enter")
    keys.use("button", "Revoke", within="dialog")
    keys.toast("The token is revoked.")
    assert site.accounts.tokens(alice.name)[0].revoked


def test_a_certificate_is_taken_away(keyboard: Keys, site: WebSite, alice: Person) -> None:
    name = f"cn={alice.name},o=grid"
    site.accounts.change_identities(alice.name, add=[(IdentityKind.X500, name)], by=OPERATOR)
    keys = keyboard(alice, "/account")
    keys.use("button", f"Remove {name}")
    keys.dialog()
    keys.press("Tab")
    keys.send()
    keys.toast("The certificate is no way in any more.")
    assert site.accounts.get(alice.name).distinguished_names == ()


def test_all_browsers_are_logged_out(keyboard: Keys, site: WebSite, alice: Person) -> None:
    keys = keyboard(alice, "/account")
    keys.use("button", "Log out everywhere")
    keys.dialog()
    keys.use("button", "Log out everywhere", within="dialog")
    expect(keys.page.get_by_text("You are logged out.")).to_be_visible()
    assert site.sessions.of_user(alice.user_id) == []


def test_a_job_is_stopped(keyboard: Keys, site: WebSite, alice: Person) -> None:
    site.new_job(alice, "x")
    keys = keyboard(alice, "/")
    keys.press("g", "j")
    keys.page.wait_for_url("**/jobs")
    stop = keys.page.get_by_role("button", name=re.compile("Stop the job of"))
    expect(stop).to_be_visible()
    keys.use("button", re.compile("Stop the job of"))
    keys.dialog()
    keys.press("Tab")
    keys.send()
    expect(keys.page.get_by_role("cell", name="stopped")).to_be_visible()


def test_an_administrator_opens_an_account(keyboard: Keys, site: WebSite, boss: Person) -> None:
    name = f"newcomer-{boss.name}"
    site.accounts.add(NewUser(name=name, password=PASSWORD, waiting=True), by=OPERATOR)
    keys = keyboard(boss, "/admin")
    keys.use("link", name)
    keys.use("button", "Open the account")
    keys.toast(f"The account {name} is open.")
    assert not site.accounts.get(name).disabled


def test_an_administrator_makes_an_allocation(
    keyboard: Keys, boss: Person, alice: Person
) -> None:
    keys = keyboard(boss, "/admin")
    keys.use("link", "Allocations")
    keys.write("Folder", f"/{alice.name}")
    keys.write("Owner", alice.name)
    keys.write("Quota optional", "1GiB")
    keys.use("button", "Make")
    expect(keys.page.get_by_role("link", name=alice.name).first).to_be_visible()


def test_an_administrator_looks_at_state_and_health(keyboard: Keys, boss: Person) -> None:
    keys = keyboard(boss, "/admin")
    keys.use("link", "State")
    expect(keys.page.get_by_text("The service does everything.")).to_be_visible()
    keys.go("radio", re.compile("^Reads and writes"))
    keys.use("link", "Health", back=True)
    expect(keys.page.get_by_role("heading", name="What the doctor finds")).to_be_visible(
        timeout=20_000
    )
