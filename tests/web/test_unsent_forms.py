"""Forms of people who are not logged in any more: what was typed comes back, to be sent."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.browsing import Visit, inaccessible
from tests.web.site import PASSWORD, Person, WebSite, csrf_token
from vospace_server.domain.identity import OPERATOR

pytestmark = pytest.mark.web

Client = Callable[..., httpx.Client]
KEPT = "Nothing was sent yet. Look at what you typed, then send it once more."
HOSTILE = "<b>x</b> \"&'>\n  two\n\nlines\u00e9"


def button(page: Page, name: str) -> Locator:
    """A button of the page's own form."""
    return page.get_by_role("main").get_by_role("button", name=name, exact=True)


def log_in(page: Page, person: Person, password: str = PASSWORD) -> None:
    """Fill the login in and send it."""
    page.fill("#username", person.name)
    page.fill("#password", password)
    button(page, "Log in").click()


@dataclass(frozen=True, kw_only=True)
class Typed:
    """A page with `{group}` and `{user}` in its address, what is typed, and the button."""

    path: str
    fields: dict[str, str]
    button: str
    chosen: dict[str, str] = field(default_factory=dict)
    ticked: tuple[str, ...] = ()


FORMS = {
    "a group": Typed(
        path="/groups/new",
        fields={"name": "NEW-{user}", "description": HOSTILE},
        button="Create group",
    ),
    "a description": Typed(
        path="/groups/show/{group}/edit",
        fields={"description": HOSTILE, "readers": "a\nb"},
        ticked=("public",),
        button="Save",
    ),
    "a member": Typed(
        path="/groups/show/{group}",
        fields={"member": "{user}", "expires": "2099-12-31"},
        button="Add",
    ),
    "an administrator": Typed(
        path="/groups/show/{group}", fields={"admin": "nobody"}, button="Add"
    ),
    "a list": Typed(
        path="/groups/show/{group}/bulk", fields={"lines": "{user}\n" * 900}, button="Add"
    ),
    "an invitation": Typed(
        path="/groups/show/{group}",
        fields={"email": "b@example.org", "days": "3", "until": "2099-12-31"},
        chosen={"role": "admin"},
        button="Make the link",
    ),
    "a token": Typed(
        path="/account",
        fields={"label": HOSTILE.split(maxsplit=1)[0], "days": "12"},
        chosen={"scope": "write"},
        button="Make",
    ),
    "a user": Typed(
        path="/admin/users",
        fields={"name": "new-{user}", "email": "n@example.org", "dn": "/O=Grid/CN=N"},
        ticked=("admin",),
        button="Add",
    ),
    "a name of a user": Typed(
        path="/admin/users/show/{user}", fields={"dn": "/O=Grid/CN={user}"}, button="Add"
    ),
    "an allocation": Typed(
        path="/admin/allocations",
        fields={"path": "new-{user}", "owner": "{user}", "size": "1GiB", "files": "7"},
        button="Make",
    ),
}


@pytest.mark.parametrize("kind", FORMS)
def test_what_was_typed_is_there_after_the_login(
    visit: Visit, site: WebSite, boss: Person, kind: str
) -> None:
    typed, group = FORMS[kind], site.new_group(boss)
    names = {"group": group, "user": boss.name}
    wanted = {name: value.format(**names) for name, value in typed.fields.items()}
    page = visit(boss, typed.path.format(**names), script=False)
    for fold in page.locator("details.fold").all():
        fold.locator("summary").click()
    for name, value in wanted.items():
        page.fill(f"#{name}", value)
    for name, value in typed.chosen.items():
        page.select_option(f"#{name}", value)
    for name in typed.ticked:
        page.check(f"[name={name}]")
    before = recorded(site)
    site.sessions.end_all(boss.user_id, by=OPERATOR)
    ended = recorded(site)
    sender = page.locator("form", has=page.locator(f"#{next(iter(wanted))}"))
    sender.get_by_role("button", name=typed.button, exact=True).click()

    expect(page.get_by_text("You are not logged in any more")).to_be_visible()
    assert page.locator("a", has_text="Log in again").count() == 0
    log_in(page, boss, "wrong")
    expect(page.get_by_text("The user name or the password is wrong.")).to_be_visible()
    log_in(page, boss)
    expect(page.get_by_text(KEPT)).to_be_visible()
    for name, value in (wanted | typed.chosen).items():
        expect(page.locator(f"#{name}")).to_be_visible()
        assert page.locator(f"#{name}").input_value() == value
    for name in typed.ticked:
        expect(page.locator(f"[name={name}]")).to_be_checked()
    assert recorded(site) == ended + 1, "a session has begun, and nothing else happened"
    assert before < ended

    sender = page.locator("form", has=page.locator(f"#{next(iter(wanted))}"))
    sender.get_by_role("button", name=typed.button, exact=True).click()
    expect(page.get_by_text(KEPT)).to_have_count(0)


def recorded(site: WebSite) -> int:
    """How many deeds the log of the whole service has."""
    with closing(sqlite3.connect(site.server.data_dir / "vospace.sqlite")) as connection:
        (count,) = connection.execute("SELECT count(*) FROM audit_event").fetchone()
    return int(count)


def test_it_is_so_with_script_too(visit: Visit, site: WebSite, alice: Person) -> None:
    page = visit(alice, "/groups/new")
    page.fill("#name", f"NEW-{alice.name}")
    page.fill("#description", HOSTILE)
    site.sessions.end_all(alice.user_id, by=OPERATOR)
    button(page, "Create group").click()
    expect(page.get_by_text("You are not logged in any more")).to_be_visible()
    assert inaccessible(page) == []
    log_in(page, alice)

    expect(page.get_by_text(KEPT)).to_be_visible()
    assert page.input_value("#description") == HOSTILE
    assert inaccessible(page) == []
    button(page, "Create group").click()
    expect(page.get_by_text(f"The group NEW-{alice.name} is there")).to_be_visible()
    assert site.groups.get(f"NEW-{alice.name}").description.splitlines() == HOSTILE.splitlines()


def test_a_form_of_an_older_session_is_shown_again(
    visit: Visit, site: WebSite, alice: Person
) -> None:
    page = visit(alice, "/groups/new", script=False)
    page.fill("#name", f"NEW-{alice.name}")
    site.sessions.end_all(alice.user_id, by=OPERATOR)
    other = page.context.new_page()
    other.goto("/login")
    log_in(other, alice)
    expect(other.get_by_text(f"Welcome, {alice.name}")).to_be_visible()
    button(page, "Create group").click()

    expect(page.get_by_text(KEPT)).to_be_visible()
    assert page.input_value("#name") == f"NEW-{alice.name}"
    button(page, "Create group").click()
    expect(page.get_by_text(f"The group NEW-{alice.name} is there")).to_be_visible()


def refused(browser: httpx.Client, path: str, **fields: str) -> httpx.Response:
    """What somebody who is not logged in is answered."""
    return browser.post(path, data=fields, headers={"accept": "text/html"})


def test_passwords_are_not_taken_along(client: Client) -> None:
    answer = refused(
        client(), "/admin/users", name="x", password="s3cret-a", Password2="s3cret-b"
    )

    assert "unsent:name" in answer.text
    assert "s3cret" not in answer.text
    changed = refused(client(), "/account/password", current="s3cret-c", new="s3cret-d")
    assert changed.status_code == 303
    assert "s3cret" not in str(changed.headers)


def test_only_what_fits_into_a_form_is_taken_along(client: Client) -> None:
    kept = refused(client(), "/groups/new", description="x" * 50_000)
    dropped = refused(client(), "/groups/new", description="x" * 60_000)

    assert kept.text.count("x" * 50_000) == 1
    assert (dropped.status_code, dropped.headers["location"][:7]) == (303, "/login?")
    answer = client().post("/groups/new", files={"name": b"x"}, headers={"accept": "text/html"})
    assert answer.status_code == 400
    assert "unsent" not in answer.text


def test_a_form_of_another_site_is_not_taken_along(client: Client, alice: Person) -> None:
    answer = client().post(
        "/groups/new",
        data={"name": "planted"},
        headers={"accept": "text/html", "origin": "https://evil.example"},
    )
    assert answer.status_code == 403
    assert "planted" not in answer.text
    # Nor does a link to the login plant anything.
    page = client().get("/login?unsent-action=/groups/new&unsent:name=planted")
    assert 'name="unsent' not in page.text


@pytest.mark.parametrize(
    "action",
    [
        "/account/password",
        "/account/sessions/end",
        "/logout",
        "/login",
        "/nothing",
        "//evil.example",
        "https://evil.example/",
        "/groups/show/none/edit",
        "/admin/users",
        "/groups/new\r\nx: y",
        "\u00e9",
    ],
)
def test_a_login_shows_no_other_form_and_does_nothing_else(
    client: Client, site: WebSite, alice: Person, action: str
) -> None:
    before = site.sessions.of_user(alice.user_id)
    answer = client().post(
        "/login",
        data={
            "username": alice.name,
            "password": PASSWORD,
            "next": "/about",
            "unsent-action": action,
            "unsent:new": "x",
        },
    )

    assert (answer.status_code, answer.headers["location"]) == (303, "/about")
    assert "set-cookie" in answer.headers
    assert len(site.sessions.of_user(alice.user_id)) == len(before) + 1


def test_somebody_else_who_logs_in_sees_what_they_may(
    client: Client, site: WebSite, alice: Person, bob: Person
) -> None:
    group = site.new_group(alice)
    answer = client().post(
        "/login",
        data={
            "username": bob.name,
            "password": PASSWORD,
            "unsent-action": f"/groups/show/{group}/edit",
            "unsent:description": "x",
        },
    )

    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_the_session_that_begins_can_send_the_form(
    client: Client, site: WebSite, alice: Person
) -> None:
    browser = client()
    shown = browser.post(
        "/login",
        data={
            "username": alice.name,
            "password": PASSWORD,
            "unsent-action": "/groups/new",
            "unsent:name": f"BY-HAND-{alice.name}",
        },
    )

    assert shown.status_code == 422
    fields = {"name": f"BY-HAND-{alice.name}", "csrf_token": csrf_token(shown)}
    assert browser.post("/groups/new", data=fields).status_code == 303
    assert site.groups.get(f"BY-HAND-{alice.name}").owner == alice.name
