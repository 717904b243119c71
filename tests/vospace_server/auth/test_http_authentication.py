"""Credentials over HTTP: a real server with the real middleware and the login endpoints."""

import base64
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Router

from tests.vospace_server.auth.conftest import Desk
from vospace_model.faults import NotAuthenticated
from vospace_server.domain.identity import OPERATOR, Identity
from vospace_server.domain.token_scope import TokenScope
from vospace_server.http.authentication import Authentication, caller_of
from vospace_server.http.challenges import LOGIN_STANDARD_ID, Challenges
from vospace_server.http.faults import FaultRendering
from vospace_server.http.login import LoginEndpoints
from vospace_server.http.metrics import RequestMetrics
from vospace_server.http.request_log import RequestLog
from vospace_server.http.responses import text
from vospace_server.http.routing import ExactRoute, TreeRoute
from vospace_server.services.accounts import NewUser

PASSWORD = "correct horse"


async def who(request: Request) -> Response:
    """Answers with the name of the caller, or refuses anonymous ones below /private."""
    caller = caller_of(request)
    if isinstance(caller, Identity):
        return text(caller.name)
    if request.scope["raw_path"].startswith(b"/private"):
        raise NotAuthenticated("log in to see this")
    return text("anonymous")


def make_app(desk: Desk) -> FaultRendering | RequestLog:
    login = LoginEndpoints(
        authenticator=desk.authenticator,
        accounts=desk.accounts,
        token_lifetime=timedelta(days=2),
        group_service_id="ivo://localhost/gms",
    )
    paths = ("/open", "/private", "/vault/data", "/vault/capabilities")
    routes = [*login.routes, *(TreeRoute(path, {"GET": who, "HEAD": who}) for path in paths)]
    challenges = Challenges(realm="VOSpace")
    authentication = Authentication(
        Router(routes=[*routes, ExactRoute("/", {"GET": who})]),
        authenticator=desk.authenticator,
        challenges=challenges,
        open_prefixes=("/vault/data/", "/ac/login"),
    )
    rendering = FaultRendering(authentication, challenges=challenges)
    return RequestLog(rendering, metrics=RequestMetrics(), ticket_prefixes=["/vault/data/"])


@pytest.fixture
def client(desk: Desk) -> Iterator[httpx.Client]:
    config = uvicorn.Config(make_app(desk), port=0, log_config=None, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        yield client
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def token(desk: Desk) -> str:
    """A token of ann, who has the password PASSWORD and a distinguished name."""
    names = ["/C=CA/O=R&D/CN=Ann"]
    new = NewUser(name="ann", password=PASSWORD, distinguished_names=names)
    desk.accounts.add(new, by=OPERATOR)
    return desk.accounts.make_token(
        "ann", scope=TokenScope.WRITE, lifetime=timedelta(hours=1), label="", by=OPERATOR
    )


def test_without_credentials_one_is_anonymous(client: httpx.Client) -> None:
    answer = client.get("/open")

    assert (answer.status_code, answer.text) == (200, "anonymous")
    assert "x-vo-authenticated" not in answer.headers


@pytest.mark.parametrize(
    "header",
    ["Authorization: Bearer {}", "Authorization: bearer {}", "X-CADC-DelegationToken: {}"],
)
def test_a_token_is_taken_from_either_header(
    client: httpx.Client, token: str, header: str
) -> None:
    name, _, value = header.format(token).partition(": ")

    answer = client.get("/open", headers={name: value})

    assert (answer.status_code, answer.text) == (200, "ann")
    assert answer.headers["x-vo-authenticated"] == "ann"


def test_a_token_in_both_headers_at_once_is_taken(client: httpx.Client, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "X-CADC-DelegationToken": token}

    assert client.get("/open", headers=headers).text == "ann"


def test_basic_is_taken(client: httpx.Client, token: str) -> None:
    answer = client.get("/open", auth=("ann", PASSWORD))

    assert (answer.text, answer.headers["x-vo-authenticated"]) == ("ann", "ann")


def test_a_refusal_offers_every_way_to_log_in(client: httpx.Client) -> None:
    login = f"{client.base_url}/ac/login"

    answer = client.get("/private/x")

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "text/plain"
    assert answer.text == "NotAuthenticated: log in to see this\n"
    assert answer.headers.get_list("www-authenticate") == [
        'Basic realm="VOSpace", charset="UTF-8"',
        "Bearer",
        f'ivoa_bearer standard_id="{LOGIN_STANDARD_ID}", access_url="{login}"',
        f'ivoa_cookie standard_id="{LOGIN_STANDARD_ID}", access_url="{login}"',
    ]


def test_bad_credentials_are_refused_where_none_are_needed(
    client: httpx.Client, token: str
) -> None:
    answer = client.get("/open", auth=("ann", "wrong horse"))

    assert answer.status_code == 401
    assert answer.text == "NotAuthenticated: wrong user name or password\n"
    assert "www-authenticate" in answer.headers
    assert "x-vo-authenticated" not in answer.headers


def test_an_expired_token_is_refused_with_the_time(
    client: httpx.Client, desk: Desk, token: str
) -> None:
    desk.clock.move(hours=1)

    answer = client.get("/open", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 401
    assert answer.text == "NotAuthenticated: the token expired at 2026-01-01T01:00:00Z\n"


def test_two_authorization_headers_are_refused(client: httpx.Client, token: str) -> None:
    basic = base64.b64encode(b"ann:x").decode()
    headers = [("Authorization", f"Bearer {token}"), ("Authorization", f"Basic {basic}")]

    answer = client.get("/open", headers=headers)

    assert answer.status_code == 401
    assert answer.text == "NotAuthenticated: there is more than one Authorization header\n"


def test_too_many_wrong_passwords_are_answered_503_with_the_seconds(
    client: httpx.Client, token: str
) -> None:
    for _ in range(5):
        client.get("/open", auth=("ann", "wrong horse"))

    answer = client.get("/open", auth=("ann", PASSWORD))

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "60"
    assert answer.text == "ServiceBusy: too many wrong passwords; try again in 60 s\n"


def test_foreign_credentials_do_no_harm_on_byte_endpoints(client: httpx.Client) -> None:
    answer = client.get("/vault/data/ticket/f.fits", headers={"Authorization": "Bearer x"})

    assert (answer.status_code, answer.text) == (200, "anonymous")


def test_capabilities_tell_anonymous_callers_how_to_log_in(
    client: httpx.Client, token: str
) -> None:
    anonymous = client.head("/vault/capabilities")
    known = client.head("/vault/capabilities", headers={"authorization": f"bearer {token}"})

    assert anonymous.status_code == 200
    assert len(anonymous.headers.get_list("www-authenticate")) == 4
    assert "www-authenticate" not in known.headers
    assert known.headers["x-vo-authenticated"] == "ann"


def test_a_host_header_that_is_no_host_is_not_repeated(client: httpx.Client) -> None:
    answer = client.get("/private", headers={"Host": 'x", realm="evil'})

    assert "evil" not in answer.headers["www-authenticate"]


def test_login_gives_a_token_in_body_and_header(client: httpx.Client, token: str) -> None:
    answer = client.post("/ac/login", data={"username": "ann", "password": PASSWORD})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["x-vo-authenticated"] == "ann"
    assert answer.headers["x-vo-bearer"] == answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert client.get("/open", headers={"Authorization": f"Bearer {answer.text}"}).text == "ann"


def test_the_token_of_a_login_ends_after_two_days(
    client: httpx.Client, desk: Desk, token: str
) -> None:
    given = client.post("/ac/login", data={"username": "ann", "password": PASSWORD}).text

    desk.clock.move(days=2)

    answer = client.get("/open", headers={"Authorization": f"Bearer {given}"})
    assert answer.text == "NotAuthenticated: the token expired at 2026-01-03T00:00:00Z\n"


@pytest.mark.parametrize(
    ("form", "status", "message"),
    [
        ({"username": "ann"}, 400, "InvalidArgument: the form lacks password\n"),
        ({}, 400, "InvalidArgument: the form lacks username and password\n"),
        (
            {"username": "ann", "password": "wrong"},
            401,
            "NotAuthenticated: wrong user name or password\n",
        ),
        (
            {"username": "ann", "password": PASSWORD, "scope": "read:hst"},
            400,
            "InvalidArgument: the path of the scope 'read:hst' must begin with a slash\n",
        ),
        (
            {"username": "ann", "password": "x" * 10_000},
            413,
            "RequestEntityTooLarge: the request's document may have 8192 bytes at most\n",
        ),
    ],
)
def test_a_bad_login_form_is_refused_with_the_reason(
    client: httpx.Client, token: str, form: dict[str, str], status: int, message: str
) -> None:
    answer = client.post("/ac/login", data=form)

    assert (answer.status_code, answer.text) == (status, message)


def test_a_login_with_an_old_token_in_the_header_still_logs_in(
    client: httpx.Client, token: str
) -> None:
    form = {"username": "ann", "password": PASSWORD}

    answer = client.post("/ac/login", data=form, headers={"Authorization": "Bearer old"})

    assert answer.status_code == 200


def test_whoami_leads_to_the_identities_of_the_caller(client: httpx.Client, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}

    answer = client.get("/ac/whoami", headers=headers)
    document = client.get(answer.headers["location"], headers=headers)

    assert answer.status_code == 302
    assert answer.headers["location"] == "/ac/users/ann?idType=HTTP"
    assert document.headers["content-type"] == "text/xml"
    assert '<identity type="HTTP">ann</identity>' in document.text
    assert '<identity type="X500">cn=ann,o=r&amp;d,c=ca</identity>' in document.text


def test_whoami_of_nobody_is_refused(client: httpx.Client) -> None:
    answer = client.get("/ac/whoami")

    assert (answer.status_code, answer.text) == (401, "NotAuthenticated: nobody is logged in\n")


def test_accounts_of_others_are_closed(client: httpx.Client, token: str) -> None:
    answer = client.get("/ac/users/bob", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 403
    assert answer.text == (
        "PermissionDenied: accounts of others are seen by administrators only\n"
    )
