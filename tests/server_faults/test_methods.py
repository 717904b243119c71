"""Every address and every method: HEAD where GET is, 405 with Allow, 404 for the rest."""

from collections.abc import Mapping

import httpx
import pytest

from tests.server_faults.served import served_methods
from tests.support.space import Space
from tests.vospace_server.http.documents import transfer
from tests.vospace_server.http.wire import Wire

METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND")


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, frozenset[str]]:
    return served_methods(tmp_path_factory.mktemp("methods") / "data")


def test_whatever_can_be_got_can_be_headed(known: Mapping[str, frozenset[str]]) -> None:
    assert len(known) > 15
    for address, methods in known.items():
        assert ("GET" in methods) == ("HEAD" in methods), address


def test_other_methods_are_405_with_those_that_there_are(
    owner: httpx.Client, known: Mapping[str, frozenset[str]]
) -> None:
    for address, methods in known.items():
        for method in METHODS:
            if method in methods:
                continue
            answer = owner.request(method, address)
            allowed = ", ".join(sorted(methods))
            assert answer.headers["allow"] == allowed, (method, address)
            if method == "OPTIONS":
                assert (answer.status_code, answer.content) == (200, b"")
                continue
            assert answer.status_code == 405, (method, address)
            said = f"MethodNotAllowed: this address knows {allowed}\n"
            assert answer.text == ("" if method == "HEAD" else said)


HEADED = [
    "/vault/nodes/{folder}",
    "/vault/files/{folder}/f",
    "/vault/transfers",
    "/vault/properties",
    "/vault/views",
    "/vault/protocols",
    "/vault/capabilities",
    "/vault/availability",
    "/reg/resource-caps",
    "/healthz",
    "/readyz",
    "/metrics",
    "/ac/whoami",
    "/ac/users/durand",
    "/api/v1/nodes/{folder}",
    "/api/v1/children/{folder}",
    "/api/v1/quota/{folder}",
]


@pytest.mark.parametrize("address", HEADED)
def test_a_head_has_the_headers_of_the_get_and_no_body(
    owner: httpx.Client, wire: Wire, login: str, folder: str, address: str
) -> None:
    owner.put(f"/vault/files/{folder}/f", content=b"content").raise_for_status()
    target = address.format(folder=folder)
    got = owner.get(target, follow_redirects="files" in target)

    wire.send(f"HEAD {target} HTTP/1.1\r\nHost: x\r\n{login}\r\n\r\n".encode())
    wire.send(f"GET /healthz HTTP/1.1\r\nHost: x\r\n{login}\r\n\r\n".encode())
    head = wire._until(b"\r\n\r\n").decode()
    # Any byte of a body would stand before the next answer.
    following = wire.read()

    assert (following.status, following.text) == (200, "ok\n")
    assert head.startswith(f"HTTP/1.1 {got.status_code} ")
    for name in ("content-type", "etag", "location"):
        if name in got.headers:
            assert f"\r\n{name}: {got.headers[name]}" in head


def test_head_of_what_is_not_there_is_404_without_a_body(wire: Wire, login: str) -> None:
    for target in ("/vault/nodes/durand/no", "/vault/files/durand/no", "/nosuch", "/vault"):
        wire.send(f"HEAD {target} HTTP/1.1\r\nHost: x\r\n{login}\r\n\r\n".encode())
        assert wire._until(b"\r\n\r\n").startswith(b"HTTP/1.1 404 ")
    assert wire.ask("GET", b"/healthz").text == "ok\n"


def test_head_of_a_job_and_of_its_resources(owner: httpx.Client) -> None:
    job = owner.post(
        "/vault/transfers", content=transfer("durand/f", "pullFromVoSpace")
    ).headers["location"]
    for resource in ("", "/phase", "/results", "/parameters", "/error"):
        assert owner.head(job + resource).status_code == 200
        assert owner.head(job + resource).content == b""


@pytest.mark.parametrize(
    "target",
    [
        b"/vault", b"/vault/", b"/vaultx/nodes", b"/vault/nodesx", b"/VAULT/nodes",
        b"//vault/nodes", b"/vault//nodes", b"/vault/../vault/nodes", b"/vault%2Fnodes",
        b"/%76ault/nodes", b"/api", b"/api/v1", b"/api/v1/move/x", b"/api/v2/nodes", b"/docs",
        b"/openapi.json", b"/favicon.ico", b"/.git/config", b"/reg", b"/healthz/x",
        b"/metricsx", b"/ac", b"/ac/login/x", b"/vault/synctrans/x", b"/vault/capabilities/x",
        b"*", b"/vault/nodes;x=1", b"/vault/nodes.", b"/vault/nodes%20",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_address_is_one_clean_line(
    wire: Wire, login: str, method: str, target: bytes
) -> None:
    answer = wire.ask(method, target, login)

    assert answer.status == 404
    assert answer.text == "NotFound: there is nothing at this address\n"
    assert answer.headers["content-type"] == "text/plain"


def test_options_asks_for_no_login_and_changes_nothing(
    shared_space: Space, folder: str
) -> None:
    with shared_space.client(None) as nobody:
        assert nobody.options(f"/vault/nodes/{folder}").status_code == 200
    with shared_space.client(shared_space.owner) as owner:
        assert owner.get(f"/vault/nodes/{folder}").status_code == 200
