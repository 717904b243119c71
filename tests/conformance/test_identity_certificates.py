"""X.509 on the wire: certificates and proxies taken by the server itself."""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.conformance.conftest import SecureSpace, make_secure_server
from tests.support.certificates import Authority, Certificate


def whoami(
    space: SecureSpace, path: Path, headers: dict[str, str] | None = None
) -> httpx.Response:
    with space.secure(path, headers) as client:
        return client.get("/ac/whoami")


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """Where a test puts the certificate that it shows."""
    return tmp_path / "client.pem"


def test_a_certificate_logs_in(secure_space: SecureSpace, pem: Path) -> None:
    """Compliance row 38; Contract 5 row 89; Contract 3.4: tls-with-certificate; the answer says
    who one is."""
    answer = whoami(secure_space, secure_space.certificate.write(pem))

    assert answer.status_code == 302
    assert answer.headers["x-vo-authenticated"] == "ann"


@pytest.mark.parametrize("depth", [1, 3])
def test_a_proxy_certificate_logs_in_as_its_holder(
    secure_space: SecureSpace, pem: Path, depth: int
) -> None:
    """Contract 5 row 89; Contract 2.4: `cadcproxy.pem` is a proxy (RFC 3820), also a proxy of a
    proxy."""
    proxy = secure_space.certificate
    for number in range(depth):
        proxy = proxy.proxy(f"{number}")

    answer = whoami(secure_space, proxy.write(pem))

    assert answer.headers["x-vo-authenticated"] == "ann"


@pytest.mark.parametrize(
    "extra", [[], ["--tls-max", "1.2"], ["--tls-max", "1.2", "--no-sessionid"]]
)
def test_curl_shows_a_proxy_in_every_version_of_tls(
    secure_space: SecureSpace, pem: Path, extra: list[str]
) -> None:
    """Contract 2.4: the same with another client, and for a second request as for the first."""
    secure_space.certificate.proxy().write(pem)
    url = f"{secure_space.url}/ac/users/ann"
    command = ["curl", "-sS", "--cacert", str(secure_space.server_ca), "-E", str(pem), *extra]

    done = subprocess.run([*command, url, url], capture_output=True, text=True, check=True)

    assert done.stdout.count('<identity type="HTTP">ann</identity>') == 2


def test_a_resumed_session_is_still_somebody(secure_space: SecureSpace, pem: Path) -> None:
    """Contract 3.4: a resumed handshake (TLS 1.2) shows no chain, and is the same client."""
    context = secure_space.context(secure_space.certificate.proxy().write(pem))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    session = None
    answers = []
    resumed = False
    with ExitStack() as open_connections:
        # A session lasts while its first connection does: none is closed before the second.
        for _ in range(2):
            raw = socket.create_connection(("127.0.0.1", secure_space.tls_port), 10)
            connection = open_connections.enter_context(
                context.wrap_socket(raw, server_hostname="127.0.0.1", session=session)
            )
            connection.sendall(b"GET /ac/whoami HTTP/1.1\r\nHost: x\r\n\r\n")
            answers.append(connection.recv(4096))
            resumed = bool(connection.session_reused)
            session = connection.session

    assert resumed
    assert all(b"x-vo-authenticated: ann" in answer for answer in answers)


def test_an_unknown_holder_is_told_who_may_help(secure_space: SecureSpace, pem: Path) -> None:
    """Contract 3.1: identity not known is 403, with a sentence."""
    secure_space.authority.user("Bob Nobody").proxy().write(pem)

    answer = whoami(secure_space, pem)

    assert answer.status_code == 403
    assert answer.text == (
        "PermissionDenied: identity not known: the certificate of 'CN=Bob Nobody,O=Grid' is "
        "valid, but no account has this name; ask an administrator to add it\n"
    )


@pytest.mark.parametrize("kind", ["expired", "too early", "expired below a proxy", "unknown"])
def test_a_bad_certificate_hides_nothing_public(
    secure_space: SecureSpace, pem: Path, kind: str
) -> None:
    """Contract 6: #53, an expired certificate must not block public data."""
    _bad(secure_space.authority, kind).write(pem)

    with secure_space.secure(pem) as client:
        root = client.get("/vault/nodes/")
        capabilities = client.get("/vault/capabilities")

    assert (root.status_code, capabilities.status_code) == (200, 200)
    assert "x-vo-authenticated" not in root.headers
    assert "ivoa_x509" in root.headers.get_list("www-authenticate")


def _bad(authority: Authority, kind: str) -> Certificate:
    old = authority.user("Ann", begins=timedelta(days=-9), lives=timedelta(days=2))
    return {
        "expired": old,
        "expired below a proxy": old.proxy(),
        "too early": authority.user("Ann", begins=timedelta(days=1)),
        "unknown": authority.user("Bob Nobody"),
    }[kind]


def test_an_expired_certificate_is_told_with_its_date(
    secure_space: SecureSpace, pem: Path
) -> None:
    """Contract 6: #121, an expired certificate must be said plainly; 401 with the reason."""
    old = secure_space.authority.user("Ann", begins=timedelta(days=-9), lives=timedelta(days=2))
    old.write(pem)

    answer = whoami(secure_space, pem)
    with secure_space.secure(pem) as client:
        listed = client.get("/vault/nodes/ann?limit=0")
        written = client.put("/vault/files/ann/f", content=b"x")

    ended = f"{old.certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"
    for refused in (answer, listed, written):
        assert refused.status_code == 401
        assert refused.text == (
            f"NotAuthenticated: the certificate CN=Ann,O=Grid expired at {ended}; "
            "get a new one, as with cadc-get-cert\n"
        )


def _foreign(_: SecureSpace) -> Certificate:
    return Authority.make().user("Ann")


def _legacy(space: SecureSpace) -> Certificate:
    return space.certificate.proxy("proxy", legacy=True)


def _of_a_user(space: SecureSpace) -> Certificate:
    """Signed by Ann herself, who is no authority, in the name of root."""
    forger = Authority(certificate=space.certificate.certificate, key=space.certificate.key)
    forged = forger.user("Root")
    return Certificate(
        certificate=forged.certificate,
        key=forged.key,
        chain=(space.certificate.certificate, *space.certificate.chain),
    )


@pytest.mark.parametrize("make", [_foreign, _legacy, _of_a_user])
def test_what_nobody_we_know_has_signed_ends_the_handshake(
    secure_space: SecureSpace, pem: Path, make: object
) -> None:
    """Contract 3.4: untrusted authorities, proxies older than RFC 3820, and forgeries."""
    assert callable(make)
    make(secure_space).write(pem)

    with pytest.raises(httpx.TransportError):
        whoami(secure_space, pem)


def test_what_the_request_says_comes_before_the_certificate(
    secure_space: SecureSpace, pem: Path
) -> None:
    """Contract 3.4: somebody who sends a token means that token."""
    secure_space.certificate.write(pem)

    as_root = whoami(secure_space, pem, secure_space.root.bearer)
    wrong = whoami(secure_space, pem, {"Authorization": "Bearer vost_wrong"})

    assert as_root.headers["x-vo-authenticated"] == "root"
    assert wrong.status_code == 401


@pytest.mark.parametrize(
    "header",
    ["x-ssl-client-s-dn", "ssl-client-dn", "x-client-cert", "remote-user", "x-vo-user"],
)
def test_a_header_names_nobody(secure_space: SecureSpace, header: str) -> None:
    """Contract 2.4, threat 11: names in headers are believed of no client."""
    headers = {header: "/O=Grid/CN=Ann", "X-Proxy-Secret": ""}
    with secure_space.secure(None, headers) as client:
        assert client.get("/ac/whoami").status_code == 401


@pytest.fixture(scope="module")
def behind_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureSpace]:
    """One port with TLS, two processes, and a trusted proxy."""
    folder = tmp_path_factory.mktemp("proxied")
    config = folder / "server.toml"
    config.write_text(
        '[authentication]\ntrusted_dn_header = "X-SSL-Client-S-DN"\n'
        'trusted_dn_secret = "between us"\n'
    )
    space = make_secure_server(
        folder, two_ports=True, extra=("--workers", "2", "--config", str(config))
    )
    with space.server:
        yield space


def test_a_trusted_proxy_names_the_holder(behind_proxy: SecureSpace) -> None:
    """Contract 2.4: a proxy that ends TLS may say whose certificate it has verified."""
    named = {"X-SSL-Client-S-DN": "CN=Ann,O=Grid"}
    secret = {"X-Proxy-Secret": "between us"}
    unknown = {"X-SSL-Client-S-DN": "CN=Bob,O=Grid"}
    with behind_proxy.plain() as client:
        believed = client.get("/ac/whoami", headers=named | secret)
        alone = client.get("/ac/whoami", headers=named)
        guessed = client.get("/ac/whoami", headers=named | {"X-Proxy-Secret": "guess"})
        twice = client.get(
            "/ac/whoami", headers=[*named.items(), *named.items(), *secret.items()]
        )
        stranger = client.get("/ac/whoami", headers=unknown | secret)

    assert believed.headers["x-vo-authenticated"] == "ann"
    assert [each.status_code for each in (alone, guessed, twice)] == [401, 401, 401]
    assert stranger.status_code == 403


def test_every_process_takes_certificates(behind_proxy: SecureSpace, pem: Path) -> None:
    """Contract 3.4: the same with several workers, whichever of them answers."""
    behind_proxy.certificate.proxy().write(pem)

    names = {whoami(behind_proxy, pem).headers["x-vo-authenticated"] for _ in range(6)}

    assert names == {"ann"}


def test_tls_on_the_only_port(tmp_path: Path, pem: Path) -> None:
    """Contract 3.4: TLS alone, on one port; nobody is served without it."""
    space = make_secure_server(tmp_path, two_ports=False)
    space.certificate.write(pem)
    with space.server:
        answer = whoami(space, pem)
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{space.server.port}/vault/nodes", timeout=10)

        assert answer.headers["x-vo-authenticated"] == "ann"
        assert f"ready at https://127.0.0.1:{space.server.port}/vault (" in space.server.log
