"""Register, and the forms of an account: what they do, refuse, and say."""

import re
from collections.abc import Callable
from html import unescape

import httpx
import pytest

from tests.web.forms import send
from tests.web.site import PASSWORD, Person, WebSite
from vospace_server.domain.account import NoSuchUserError
from vospace_server.domain.identity import OPERATOR
from vospace_server.domain.token_scope import TokenScope

Client = Callable[..., httpx.Client]
GOOD = "a long sentence is a good password"


def register(browser: httpx.Client, name: str, password: str, again: str) -> httpx.Response:
    data = {"username": name, "password": password, "again": again}
    return browser.post("/register", data=data)


def test_somebody_registers_and_is_logged_in(
    client: Client, site: WebSite, alice: Person
) -> None:
    name = f"new-{alice.name}"
    browser = client()
    answer = register(browser, name, GOOD, GOOD)

    assert answer.headers["location"] == "/"
    assert f"Welcome, {name}" in browser.get("/").text
    assert site.accounts.get(name).email is None


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        (("", GOOD, GOOD), "username", "Choose a user name."),
        (("x y", GOOD, GOOD), "username", "can't be a user name"),
        (("fine", "", ""), "password", "Choose a password."),
        (("fine", "short", "short"), "password", "The password is too short"),
        (("fine", GOOD, "other"), "again", "The two passwords differ."),
    ],
)
def test_what_is_wrong_with_a_registration_is_said_beside_it(
    client: Client, site: WebSite, fields: tuple[str, str, str], field: str, sentence: str
) -> None:
    answer = register(client(), *fields)

    assert answer.status_code == 422
    said = re.search(rf'id="{field}-wrong">.*?</svg>(.*?)</p>', answer.text, re.DOTALL)
    assert said is not None
    assert sentence in unescape(said[1])
    assert f'value="{fields[0]}"' in answer.text
    assert "set-cookie" not in answer.headers
    with pytest.raises(NoSuchUserError):
        site.accounts.get("fine")


def test_a_name_that_is_taken_can_not_be_registered(client: Client, alice: Person) -> None:
    answer = register(client(), alice.name, GOOD, GOOD)

    assert answer.status_code == 422
    assert "already" in answer.text


def test_a_token_is_shown_once_and_works_until_it_is_revoked(
    client: Client, site: WebSite, alice: Person
) -> None:
    browser = client(alice)
    page = send(browser, "/account/tokens", label="pipeline & co", scope="read", days="7")
    token = re.search(r"vost_[\w-]+", page.text)
    assert token is not None
    assert token[0] not in browser.get("/account").text
    assert "pipeline &amp; co" in browser.get("/account").text

    bearer = {"Authorization": f"Bearer {token[0]}"}
    assert httpx.get(f"{site.url}/ac/whoami", headers=bearer).status_code == 302
    number = re.search(r'name="token" value="(\d+)"', browser.get("/account").text)
    assert number is not None
    send(browser, "/account/tokens/revoke", token=number[1])

    assert httpx.get(f"{site.url}/ac/whoami", headers=bearer).status_code == 401
    assert "pipeline" not in browser.get("/account").text


def test_a_token_may_be_for_one_folder(client: Client, site: WebSite, alice: Person) -> None:
    """Contract 3.5: whoever makes a token says below which folder it is good."""
    browser = client(alice)
    send(browser, "/account/tokens", label="farm", scope="write", folder="my data/a:b")
    (token,) = site.accounts.tokens(alice.name)

    assert token.scope.label == "write:/my%20data/a:b"
    assert "write:/my%20data/a:b" in browser.get("/account").text


def test_a_token_for_one_folder_does_not_open_the_pages_of_an_account(
    site: WebSite, alice: Person
) -> None:
    """Contract 3.5: pages about all that somebody has are for sessions, which are unlimited."""
    token = site.accounts.make_token(
        alice.name,
        scope=TokenScope.parse("write:/farm"),
        lifetime=None,
        label="farm",
        by=OPERATOR,
    )
    bearer = {"Authorization": f"Bearer {token}"}

    for page in ("/account", "/groups", "/jobs", "/storage/trash", "/api/v1/jobs"):
        answer = httpx.get(f"{site.url}{page}", headers=bearer)
        assert (answer.status_code, "limited to write:/farm" in answer.text) == (403, True), (
            page
        )
    for page in ("/storage/list/", "/storage/list/elsewhere"):
        answer = httpx.get(f"{site.url}{page}", headers=bearer)
        assert (answer.status_code, "limited to write:/farm" in answer.text) == (403, True), (
            page
        )


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"label": ""}, "Say what the token is for."),
        ({"label": "x" * 101}, "Use at most 100 characters."),
        ({"label": "x", "days": "0"}, "Write a number of days"),
        ({"label": "x", "days": "many"}, "Write a number of days"),
        ({"label": "x", "scope": "admin"}, "Only administrators have tokens that administer."),
        ({"label": "x", "scope": "root"}, "Choose what the token may do."),
        (
            {"label": "x", "folder": "/a/../b"},
            "Write the path of a folder, such as /hst-refer.",
        ),
        ({"label": "x", "folder": "/" + "long" * 300}, "Write the path of a folder"),
    ],
)
def test_a_token_that_can_not_be_made_is_said(
    client: Client, site: WebSite, alice: Person, fields: dict[str, str], sentence: str
) -> None:
    answer = send(client(alice), "/account/tokens", **fields)

    assert answer.status_code == 422
    assert sentence in unescape(answer.text)
    assert site.accounts.tokens(alice.name) == []


def test_nobody_revokes_the_token_of_somebody_else(
    client: Client, site: WebSite, alice: Person, bob: Person
) -> None:
    site.new_token(alice)
    (token,) = site.accounts.tokens(alice.name)
    answer = send(client(bob), "/account/tokens/revoke", token=str(token.token_id))

    assert answer.status_code == 404
    assert not site.accounts.tokens(alice.name)[0].revoked


def test_a_new_password_ends_all_other_sessions(
    client: Client, site: WebSite, alice: Person
) -> None:
    here, there = client(alice), client(alice)
    fields = {"current": PASSWORD, "new": GOOD, "again": GOOD}
    answer = send(here, "/account/password", **fields)

    assert answer.headers["location"] == "/account"
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 303


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"current": "", "new": GOOD, "again": GOOD}, "Type your password of now."),
        ({"current": "wrong", "new": GOOD, "again": GOOD}, "This is not your password."),
        ({"current": PASSWORD, "new": GOOD, "again": "x"}, "The two passwords differ."),
        ({"current": PASSWORD, "new": "short", "again": "short"}, "The password is too short"),
    ],
)
def test_a_password_that_can_not_be_changed_is_said(
    client: Client, alice: Person, fields: dict[str, str], sentence: str
) -> None:
    answer = send(client(alice), "/account/password", **fields)

    assert answer.status_code == 422
    assert sentence in unescape(answer.text)
    for typed in fields.values():
        assert not typed or f'value="{typed}"' not in answer.text


def test_other_browsers_are_logged_out_and_this_one_stays(
    client: Client, alice: Person
) -> None:
    here, there = client(alice), client(alice)
    send(here, "/account/sessions/end")

    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 303


def test_nobody_adds_a_certificate_that_they_do_not_show(
    client: Client, site: WebSite, alice: Person
) -> None:
    answer = send(client(alice), "/account/certificates", name="CN=somebody else")

    assert answer.status_code == 403
    assert site.accounts.get(alice.name).distinguished_names == ()


def test_the_list_of_jobs_is_ones_own_and_a_job_is_stopped_by_its_owner(
    client: Client, site: WebSite, alice: Person, bob: Person
) -> None:
    site.allocate(alice.name, alice)
    job = site.new_job(alice, f"{alice.name}/x")
    theirs, others = client(alice), client(bob)

    assert job in theirs.get("/jobs").text
    assert f"vos://localhost~vault/{alice.name}/x" in theirs.get("/jobs").text
    assert job not in others.get("/jobs").text
    assert send(others, "/jobs/abort", job=job).status_code == 403
    assert send(theirs, "/jobs/abort", job=job).status_code == 303
    assert "stopped" in theirs.get("/jobs").text
    (standing,) = theirs.get("/api/v1/jobs").json()["jobs"]
    assert (standing["id"], standing["phase"], standing["running"]) == (job, "ABORTED", False)
    assert standing["places"] == [f"vos://localhost~vault/{alice.name}/x"]
    assert send(theirs, "/jobs/forget", job=job).status_code == 303
    assert job not in theirs.get("/jobs").text


def test_a_job_that_there_is_not_is_said(client: Client, alice: Person) -> None:
    assert send(client(alice), "/jobs/abort", job="none").status_code == 404


def test_nothing_of_an_account_is_shown_without_a_login(client: Client) -> None:
    for path in ("/account", "/jobs", "/groups", "/admin", "/admin/health"):
        assert (
            client().get(path).headers["location"] == f"/login?next={path.replace('/', '%2F')}"
        )
    assert client().get("/api/v1/jobs", headers={"Accept": "*/*"}).status_code == 401


ADMIN_PAGES = ("/admin", "/admin/users", "/admin/allocations", "/admin/state", "/admin/health")


def test_the_pages_of_administrators_are_for_them_alone(
    client: Client, site: WebSite, alice: Person, bob: Person
) -> None:
    browser = client(alice)
    for path in (*ADMIN_PAGES, f"/admin/users/show/{bob.name}"):
        assert browser.get(path).status_code == 403, path
    for path, fields in {
        "/admin/users": {"name": "sneaked-in", "admin": "yes"},
        f"/admin/users/show/{bob.name}/access": {"access": "shut"},
        f"/admin/users/show/{bob.name}/password": {},
        f"/admin/users/show/{bob.name}/names": {"dn": "CN=x"},
        "/admin/allocations": {"path": "/stolen", "owner": alice.name},
        "/admin/allocations/quota": {"path": "/x", "new-size": ""},
        "/admin/state": {"mode": "Offline"},
    }.items():
        assert send(browser, path, **fields).status_code == 403, path
    assert not site.accounts.get(bob.name).disabled
    with pytest.raises(NoSuchUserError):
        site.accounts.get("sneaked-in")


def test_an_administrator_adds_somebody_with_a_password_that_is_shown_once(
    client: Client, site: WebSite, boss: Person
) -> None:
    name = f"added-by-{boss.name}"
    browser = client(boss)
    page = send(browser, "/admin/users", name=name, email=f"{name}@example.org", dn="CN=Ed")
    password = re.search(r"<code data-copied>([\w-]{16})</code>", page.text)
    assert password is not None
    login = client().post("/login", data={"username": name, "password": password[1]})

    assert login.status_code == 303
    assert site.accounts.get(name).distinguished_names == ("cn=ed",)
    site.accounts.set_disabled(name, disabled=True, by=OPERATOR)


def test_a_user_that_can_not_be_added_is_said(client: Client, boss: Person) -> None:
    for name, sentence in (("", "Give the user a name."), ("a b", "can't be a user name")):
        answer = send(client(boss), "/admin/users", name=name, email="kept@example.org")
        assert answer.status_code == 422
        assert sentence in unescape(answer.text)
        assert "kept@example.org" in answer.text


def test_an_administrator_shuts_and_opens_an_account_but_not_their_own(
    client: Client, site: WebSite, alice: Person, boss: Person
) -> None:
    theirs, browser = client(alice), client(boss)
    path = f"/admin/users/show/{alice.name}/access"
    send(browser, path, access="shut")
    assert site.accounts.get(alice.name).disabled
    assert theirs.get("/account").status_code == 303

    send(browser, path, access="open")
    assert not site.accounts.get(alice.name).disabled
    own = send(browser, f"/admin/users/show/{boss.name}/access", access="shut")
    assert own.status_code == 422
    assert "You would shut yourself out." in own.text


def test_a_reset_password_ends_all_logins(
    client: Client, site: WebSite, alice: Person, boss: Person
) -> None:
    theirs = client(alice)
    page = send(client(boss), f"/admin/users/show/{alice.name}/password")

    assert "shown this once" in page.text
    assert theirs.get("/account").status_code == 303
    assert site.sessions.of_user(alice.user_id) == []


def test_allocations_are_made_and_quotas_changed(
    client: Client, alice: Person, boss: Person
) -> None:
    """Contract 5 row 79: an administrator gives and changes a quota."""
    browser = client(boss)
    fields = {"path": alice.name, "owner": alice.name, "size": "10GiB", "files": "1000"}
    assert send(browser, "/admin/allocations", **fields).status_code == 303
    page = browser.get("/admin/allocations").text
    assert f"/{alice.name}" in page
    assert "10.00\u00a0GiB" in page

    quota = {"path": f"/{alice.name}", "new-size": "2TiB", "new-files": ""}
    send(browser, "/admin/allocations/quota", **quota)
    assert "2.00\u00a0TiB" in browser.get("/admin/allocations").text


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"path": "", "owner": "x"}, "path"),
        ({"path": "a/../b", "owner": "x"}, "path"),
        ({"path": "fine", "owner": ""}, "owner"),
        ({"path": "fine", "owner": "nobody-here"}, "owner"),
        ({"path": "fine", "owner": "x", "size": "lots"}, "size"),
        ({"path": "fine", "owner": "x", "files": "-3"}, "files"),
    ],
)
def test_an_allocation_that_can_not_be_made_is_said_beside_the_field(
    client: Client, boss: Person, fields: dict[str, str], field: str
) -> None:
    answer = send(client(boss), "/admin/allocations", **fields)

    assert answer.status_code == 422
    assert f'id="{field}-wrong"' in answer.text
    for name, typed in fields.items():
        assert not typed or f'name="{name}" type="text" value="{typed}"' in answer.text


def test_the_page_of_health_says_what_the_doctor_finds(client: Client, boss: Person) -> None:
    page = client(boss).get("/admin/health").text

    for subject in ("database", "storage", "room", "accounts"):
        assert f'<th scope="row">{subject}</th>' in page
    assert "broken" not in page


def test_the_state_of_the_service_is_changed_and_changed_back(
    client: Client, site: WebSite, alice: Person, boss: Person
) -> None:
    browser, theirs = client(boss), client(alice)
    group = site.new_group(alice)
    page = f"/groups/show/{group}"
    theirs.get(page)
    try:
        send(browser, "/admin/state", mode="ReadOnly")
        refused = send(theirs, f"{page}/members", member=alice.name)
        assert refused.status_code == 503
        assert "The service is busy or closed for now" in refused.text
        assert int(refused.headers["retry-after"]) > 0

        send(browser, "/admin/state", page="/admin/state", mode="Offline")
        assert theirs.get(page).status_code == 503
        assert theirs.get("/login").status_code in {200, 303}
    finally:
        send(browser, "/admin/state", page="/admin/state", mode="ReadWrite")
    assert send(theirs, f"{page}/members", member=alice.name).status_code == 303
