"""Sessions and forms without a browser: cookies, CSRF, and what a login leads to."""

from collections.abc import Callable

import httpx
import pytest

from tests.web.site import PASSWORD, Person, WebSite, csrf_token

Client = Callable[..., httpx.Client]


def log_in(client: httpx.Client, name: str, password: str, **more: str) -> httpx.Response:
    return client.post("/login", data={"username": name, "password": password, **more})


def test_a_login_gives_a_cookie_that_scripts_and_other_sites_do_not_get(
    client: Client, alice: Person
) -> None:
    """Contract 5 row 92: the cookie of a login."""
    answer = log_in(client(), alice.name, PASSWORD)

    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("vospace=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie


def test_a_login_leads_to_the_page_that_was_asked_for(client: Client, alice: Person) -> None:
    answer = log_in(client(), alice.name, PASSWORD, next="/about?x=1")

    assert answer.headers["location"] == "/about?x=1"


@pytest.mark.parametrize(
    "target",
    ["//evil.example/", "/\\evil.example", "https://evil.example/", "/\t/evil.example"],
)
def test_a_login_never_leads_to_another_host(
    client: Client, alice: Person, target: str
) -> None:
    assert log_in(client(), alice.name, PASSWORD, next=target).headers["location"] == "/"


def test_a_wrong_password_is_said_and_keeps_what_was_typed(
    client: Client, alice: Person
) -> None:
    answer = log_in(client(), alice.name, "wrong")

    assert answer.status_code == 422
    assert "The user name or the password is wrong." in answer.text
    assert f'value="{alice.name}"' in answer.text
    assert "set-cookie" not in answer.headers


def test_an_unknown_name_is_answered_like_a_wrong_password(
    client: Client, alice: Person
) -> None:
    known, unknown = (
        log_in(client(), name, "wrong").text.replace(name, "")
        for name in (alice.name, "nobody-of-this-name")
    )

    assert known == unknown


def test_empty_fields_are_said_beside_them(client: Client) -> None:
    answer = log_in(client(), "", "")

    assert answer.status_code == 422
    assert "Type your user name." in answer.text
    assert "Type your password." in answer.text
    assert "2 fields need another look." in answer.text


def test_too_many_wrong_passwords_have_to_wait(client: Client, alice: Person) -> None:
    for _ in range(4):
        log_in(client(), alice.name, "wrong")
    answer = log_in(client(), alice.name, "wrong")

    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "too many wrong passwords" in answer.text


def test_the_id_of_a_session_changes_at_login(
    client: Client, site: WebSite, alice: Person
) -> None:
    planted = site.new_cookie(alice)
    browser = client()
    browser.cookies.set("vospace", planted, domain="127.0.0.1")
    page = browser.get("/")
    answer = log_in(browser, alice.name, PASSWORD, csrf_token=csrf_token(page))

    assert answer.status_code == 303
    assert planted not in answer.headers["set-cookie"]
    assert site.sessions.find(planted) is None


def test_a_login_form_that_is_older_than_the_session_still_logs_in(
    client: Client, alice: Person, bob: Person
) -> None:
    answer = log_in(client(alice), bob.name, PASSWORD)

    assert answer.status_code == 303
    assert "set-cookie" in answer.headers


def test_a_password_that_the_operator_sets_ends_all_sessions(
    client: Client, site: WebSite, alice: Person
) -> None:
    browser = client(alice)
    site.server.administer(
        "user", "password", alice.name, "--password-stdin", stdin="a new one\n"
    )

    assert alice.name not in browser.get("/").text


def test_logging_out_ends_the_session_at_once_and_needs_a_post(
    client: Client, site: WebSite, alice: Person
) -> None:
    browser = client(alice)
    page = browser.get("/logout")
    assert page.status_code == 200, "asking does nothing"
    assert alice.name in browser.get("/").text

    answer = browser.post("/logout", data={"csrf_token": csrf_token(page)})

    assert answer.status_code == 303
    assert site.sessions.of_user(alice.user_id) == []
    assert alice.name not in browser.get("/").text


def test_logging_out_everywhere_ends_every_session(
    client: Client, site: WebSite, alice: Person
) -> None:
    here, there = client(alice), client(alice)
    token = csrf_token(here.get("/logout"))

    here.post("/logout", data={"csrf_token": token, "everywhere": "yes"})

    assert alice.name not in there.get("/").text
    assert site.sessions.of_user(alice.user_id) == []


def test_a_disabled_account_is_logged_out_at_once(
    client: Client, site: WebSite, alice: Person, boss: Person
) -> None:
    browser = client(alice)
    assert alice.name in browser.get("/").text

    site.accounts.set_disabled(alice.name, disabled=True, by=boss.identity)

    page = browser.get("/")
    assert alice.name not in page.text
    assert "Your session has ended." in page.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_a_form_of_another_site_is_refused_even_with_the_token(
    client: Client, site: WebSite, alice: Person, headers: dict[str, str]
) -> None:
    browser = client(alice)
    token = csrf_token(browser.get("/"))

    answer = browser.post("/logout", data={"csrf_token": token}, headers=headers)

    assert answer.status_code == 403
    assert len(site.sessions.of_user(alice.user_id)) == 1


@pytest.mark.parametrize("token", [None, "", "wrong", "é"])
def test_a_form_without_the_token_of_the_session_is_refused(
    client: Client, site: WebSite, alice: Person, token: str | None
) -> None:
    answer = client(alice).post("/logout", data={} if token is None else {"csrf_token": token})

    assert answer.status_code == 403
    assert len(site.sessions.of_user(alice.user_id)) == 1


def test_the_token_of_another_session_is_no_good(
    client: Client, site: WebSite, alice: Person, bob: Person
) -> None:
    foreign = csrf_token(client(bob).get("/"))

    answer = client(alice).post("/logout", data={"csrf_token": foreign})

    assert answer.status_code == 403
    assert len(site.sessions.of_user(alice.user_id)) == 1


def test_a_form_of_another_site_can_not_log_anybody_in(client: Client, alice: Person) -> None:
    data = {"username": alice.name, "password": PASSWORD}
    answer = client().post("/login", data=data, headers={"Origin": "https://evil.example"})

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_session_counts_for_the_api_and_needs_the_header_to_change_anything(
    client: Client, site: WebSite, alice: Person
) -> None:
    site.allocate(alice.name, alice)
    browser = client(alice)
    token = csrf_token(browser.get("/"))
    address = f"/api/v1/nodes/{alice.name}"
    change = {"mtime_ns": 1_000_000_000}

    assert browser.get(address).status_code == 200
    assert browser.patch(address, json=change).status_code == 403
    assert (
        browser.patch(address, json=change, headers={"X-CSRF-Token": token}).status_code == 200
    )
    crossed = {"X-CSRF-Token": token, "Sec-Fetch-Site": "cross-site"}
    assert browser.patch(address, json=change, headers=crossed).status_code == 403


def test_a_bearer_token_needs_no_proof_of_origin(site: WebSite, alice: Person) -> None:
    site.allocate(alice.name, alice)
    headers = {
        "Authorization": f"Bearer {site.new_token(alice)}",
        "Origin": "https://tools.example",
    }

    answer = httpx.patch(
        f"{site.url}/api/v1/nodes/{alice.name}", json={"mtime_ns": 10**9}, headers=headers
    )

    assert answer.status_code == 200


def test_a_page_that_needs_a_login_leads_there_and_back(client: Client, alice: Person) -> None:
    browser = client()
    answer = browser.get("/ac/whoami?x=1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=%2Fac%2Fwhoami%3Fx%3D1"

    answer = log_in(browser, alice.name, PASSWORD, next="/ac/whoami?x=1")
    assert answer.headers["location"] == "/ac/whoami?x=1"


def test_programs_get_text_where_people_get_pages(site: WebSite) -> None:
    program = httpx.get(f"{site.url}/nowhere")
    person = httpx.get(f"{site.url}/nowhere", headers={"Accept": "text/html,*/*;q=0.8"})

    assert program.text == "NotFound: there is nothing at this address\n"
    assert program.headers["content-type"] == "text/plain"
    assert person.status_code == 404
    assert "<h1>There is nothing here</h1>" in person.text


def test_a_browser_is_never_made_to_open_its_own_password_window(site: WebSite) -> None:
    headers = {"Sec-Fetch-Mode": "cors", "Authorization": "Bearer wrong"}
    answer = httpx.get(f"{site.url}/vault/nodes/x", headers=headers)

    assert answer.status_code == 401
    assert "Basic" not in answer.headers["www-authenticate"]


def test_every_page_says_what_may_run_on_it(client: Client) -> None:
    for path in ("/", "/login", "/about", "/nowhere"):
        headers = client().get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "require-trusted-types-for 'script'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cache-control"] == "private, no-store"


def test_assets_are_kept_for_ever_under_the_hash_of_what_they_are(client: Client) -> None:
    browser = client()
    address = browser.get("/").text.split('rel="stylesheet" href="')[1].split('"')[0]
    now = browser.get(address)
    before = browser.get("/assets/0123456789ab/css/base.css")

    assert "immutable" in now.headers["cache-control"]
    assert before.headers["cache-control"] == "no-cache"
    assert before.content == now.content
    assert browser.get("/assets/x/css/none.css").status_code == 404


def test_the_language_is_the_browsers_until_a_person_chooses(client: Client) -> None:
    browser = client()
    browser.headers["Accept-Language"] = "de, fr-CA;q=0.8, en;q=0.5"
    assert '<html lang="fr"' in browser.get("/").text

    answer = browser.post("/preferences", data={"language": "en", "next": "/about"})

    assert answer.headers["location"] == "/about"
    assert '<html lang="en"' in browser.get("/").text


def test_an_unknown_theme_or_language_is_not_kept(client: Client) -> None:
    answer = client().post("/preferences", data={"theme": '"><script>', "language": "xx"})

    assert "set-cookie" not in answer.headers
