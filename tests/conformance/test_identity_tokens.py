"""Tokens, cookies, certificates: each into the other, and never into more."""

import base64
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from tests.conformance.conftest import SecureSpace

CREDENTIALS = {"username": "ann", "password": "ann-secret-1"}


def token_of(space: SecureSpace, scope: str) -> str:
    with space.plain() as client:
        return client.post("/ac/login", data={**CREDENTIALS, "scope": scope}).text


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# ------------------------------------------------------------------ headers


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_in_any_case(secure_space: SecureSpace, scheme: str) -> None:
    """Contract 3.4: CADC's suite sends a lower-case `bearer`."""
    headers = {"authorization": f"{scheme} {secure_space.ann.token}"}
    with secure_space.plain() as client:
        answer = client.get("/ac/whoami", headers=headers)

    assert answer.headers["x-vo-authenticated"] == "ann"


def test_cadcs_header_is_taken_alone_and_beside_the_other(secure_space: SecureSpace) -> None:
    """Contract 2.4: `vos --token` sends X-CADC-DelegationToken and Authorization."""
    own = {"X-CADC-DelegationToken": secure_space.ann.token}
    with secure_space.plain() as client:
        alone = client.get("/ac/whoami", headers=own)
        both = client.get("/ac/whoami", headers=own | bearer(secure_space.ann.token))
        wrong = client.get("/ac/whoami", headers={"X-CADC-DelegationToken": "vost_wrong"})

    assert {each.headers["x-vo-authenticated"] for each in (alone, both)} == {"ann"}
    assert wrong.status_code == 401


# ------------------------------------------------------------------ cookies


def test_a_login_gives_the_cookie_when_asked(secure_space: SecureSpace) -> None:
    """Contract 3.5: CADC_SSO holds the token; it is out of reach of scripts."""
    with secure_space.secure() as client:
        plain = client.post("/ac/login", data=CREDENTIALS)
        asked = client.post("/ac/login", data={**CREDENTIALS, "cookie": "true"})
        known = client.get("/ac/whoami")

    cookie = asked.headers["set-cookie"]
    assert "set-cookie" not in plain.headers
    assert cookie.startswith(f"CADC_SSO={asked.text};")
    assert {"HttpOnly", "SameSite=lax", "Secure"} <= set(cookie.split("; "))
    assert known.headers["x-vo-authenticated"] == "ann"


def test_the_cookie_is_taken_as_cadc_writes_it(secure_space: SecureSpace) -> None:
    """Contract 2.4: `Cookie: CADC_SSO="…"`, between others."""
    token = secure_space.ann.token
    with secure_space.plain() as client:
        known = client.get("/ac/whoami", headers={"Cookie": f'a=b; CADC_SSO="{token}"; c=d'})
        old = client.get("/ac/whoami", headers={"Cookie": "CADC_SSO=vost_old"})

    assert known.headers["x-vo-authenticated"] == "ann"
    assert old.status_code == 401


@pytest.mark.parametrize(
    "page", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_pages_of_others_change_nothing_with_the_cookie(
    secure_space: SecureSpace, page: dict[str, str]
) -> None:
    """Contract 3.5: a browser sends the cookie for any page that asks for it."""
    cookie = {"Cookie": f"CADC_SSO={secure_space.ann.token}"}
    with secure_space.plain() as client:
        forged = client.put("/vault/files/ann/forged", content=b"x", headers=cookie | page)
        own = client.put(
            "/vault/files/ann/own",
            content=b"x",
            headers=cookie | {"Origin": secure_space.server.root_url},
        )
        program = client.put("/vault/files/ann/own", content=b"y", headers=cookie)

    assert (forged.status_code, own.is_success, program.is_success) == (403, True, True)


# ------------------------------------------------------------------ exchange


def test_a_certificate_becomes_a_token(secure_space: SecureSpace, tmp_path: Path) -> None:
    """Contract 3.4: one handshake, then a token for bulk work; it ends with the certificate."""
    certificate = secure_space.authority.user("Ann", lives=timedelta(days=1, hours=1))
    pem = certificate.proxy().write(tmp_path / "ann.pem")

    with secure_space.secure(pem) as client:
        answer = client.post("/ac/token")
    with secure_space.plain() as client:
        known = client.get("/ac/whoami", headers=bearer(answer.text))
    listed = secure_space.server.administer("user", "token", "ann", "--list")

    ends = certificate.certificate.not_valid_after_utc
    (made,) = (line for line in listed.splitlines() if line.endswith("exchange"))
    assert answer.headers["x-vo-bearer"] == answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert known.headers["x-vo-authenticated"] == "ann"
    assert f"{ends:%Y-%m-%d}" in made


@pytest.mark.parametrize("scope", ["read", "write"])
def test_nothing_is_exchanged_for_more(secure_space: SecureSpace, scope: str) -> None:
    """Contract 3.5: scopes only narrow, from token to token and from token to certificate."""
    token = token_of(secure_space, scope)
    with secure_space.plain() as client:
        exchanged = client.post(
            "/ac/token", data={"scope": "admin"}, headers=bearer(token)
        ).text
        written = client.put(
            f"/vault/files/ann/{scope}", content=b"x", headers=bearer(exchanged)
        )

    assert written.status_code == (403 if scope == "read" else 201)


def test_a_path_in_a_scope_goes_along_into_tokens_and_certificates(
    secure_space: SecureSpace, tmp_path: Path
) -> None:
    """Contract 3.5: what is limited to a path is exchanged for the same or for less."""
    with secure_space.plain() as client:
        for name in ("in", "in/deep", "out"):
            client.put(
                f"/api/v1/details/ann/{name}",
                json={"type": "container"},
                headers=bearer(secure_space.ann.token),
            )
    token = token_of(secure_space, "write:/ann/in")
    pem = tmp_path / "limited.pem"
    pem.write_bytes(proxy_for(secure_space, bearer(token)).content)

    with secure_space.plain() as client:
        made = {
            scope: client.post("/ac/token", data={"scope": scope}, headers=bearer(token))
            for scope in ("admin", "read", "write:/ann/in/deep read:/", "read:/ann/out")
        }
        written = {
            scope: [
                client.put(
                    f"/vault/files/ann/{name}/f", content=b"x", headers=bearer(each.text)
                ).status_code
                for name in ("in/deep", "in", "out")
            ]
            for scope, each in made.items()
            if each.is_success
        }
    with secure_space.secure(pem) as client:
        certified = [
            client.put(f"/vault/files/ann/{name}/g", content=b"x").status_code
            for name in ("in", "out")
        ]
        renewed = client.post("/ac/token", data={"scope": "admin"}).text
        outside = client.get("/vault/nodes/ann/out", headers=bearer(renewed))

    assert written == {
        "admin": [201, 201, 403],
        "read": [403, 403, 403],
        "write:/ann/in/deep read:/": [200, 403, 403],
    }
    assert (made["read:/ann/out"].status_code, made["read:/ann/out"].text) == (
        403,
        "PermissionDenied: the credential is limited to write:/ann/in\n",
    )
    assert (certified, outside.status_code) == ([201, 403], 403)


def test_an_anonymous_caller_gets_nothing(secure_space: SecureSpace) -> None:
    """Contract 3.5: certificates and tokens are for those who have shown who they are."""
    with secure_space.secure() as client:
        answers = [client.post("/ac/token"), client.get("/cred/priv")]

    assert [each.status_code for each in answers] == [401, 401]


# ------------------------------------------------------------------ /cred/priv


def proxy_for(
    space: SecureSpace, headers: dict[str, str], days: str | None = None
) -> httpx.Response:
    with space.secure() as client:
        parameters = {} if days is None else {"daysValid": days}
        return client.get("/cred/priv", params=parameters, headers=headers)


def test_a_certificate_is_given_to_whoever_logs_in(
    secure_space: SecureSpace, tmp_path: Path
) -> None:
    """Contract 3.5: Basic or Bearer; PEM of proxy, key and chain, which log in again."""
    name = base64.b64encode(b"ann:ann-secret-1").decode()
    answers = {
        kind: proxy_for(secure_space, {"Authorization": value}, days="2")
        for kind, value in {
            "basic": f"Basic {name}",
            "bearer": f"Bearer {token_of(secure_space, 'write')}",
        }.items()
    }

    for kind, answer in answers.items():
        pem = tmp_path / f"{kind}.pem"
        pem.write_bytes(answer.content)
        proxy, holder = x509.load_pem_x509_certificates(answer.content)
        assert answer.headers["cache-control"] == "no-store"
        assert proxy.issuer == holder.subject
        assert proxy.not_valid_after_utc <= datetime.now(UTC) + timedelta(days=2)
        with secure_space.secure(pem) as client:
            assert client.get("/ac/whoami").headers["x-vo-authenticated"] == "ann"
            again = client.get("/cred/priv", params={"daysValid": "30"})
        renewed = x509.load_pem_x509_certificates(again.content)[0]
        assert renewed.not_valid_after_utc <= proxy.not_valid_after_utc


def test_a_certificate_for_a_reading_token_only_reads(
    secure_space: SecureSpace, tmp_path: Path
) -> None:
    """Contract 3.5: the scope is in the certificate, where nobody but we can write it."""
    answer = proxy_for(secure_space, bearer(token_of(secure_space, "read")))
    pem = tmp_path / "reader.pem"
    pem.write_bytes(answer.content)

    with secure_space.secure(pem) as client:
        read = client.get("/vault/nodes/ann")
        written = client.put("/vault/files/ann/f", content=b"x")
        exchanged = client.post("/ac/token", data={"scope": "write"}).text
        later = client.put("/vault/files/ann/f", content=b"x", headers=bearer(exchanged))

    assert (read.status_code, written.status_code, later.status_code) == (200, 403, 403)


@pytest.mark.parametrize("days", ["0", "-1", "31", "x", "1e3", "99999999999999999999"])
def test_an_impossible_life_is_refused(secure_space: SecureSpace, days: str) -> None:
    """Contract 3.5: daysValid is a number of days that this service gives."""
    answer = proxy_for(secure_space, bearer(secure_space.ann.token), days=days)

    assert answer.status_code == 400
    assert answer.text.startswith("InvalidArgument: daysValid must be")


def test_the_authority_is_shown_and_believed_elsewhere(secure_space: SecureSpace) -> None:
    """Contract 3.5: other servers may take our certificates too, with the authority's own."""
    with secure_space.secure() as client:
        published = client.get("/cred/ca").text
    printed = secure_space.server.administer("ca", "show")

    assert printed == published
    ssl.create_default_context(cadata=printed)


def test_a_disabled_account_has_no_way_in(secure_space: SecureSpace, tmp_path: Path) -> None:
    """Contract 3.5: certificates given before end with the account."""
    server = secure_space.server
    server.administer("user", "add", "eve", "--password-stdin", stdin="eve-secret-1\n")
    name = base64.b64encode(b"eve:eve-secret-1").decode()
    pem = tmp_path / "eve.pem"
    pem.write_bytes(proxy_for(secure_space, {"Authorization": f"Basic {name}"}).content)

    server.administer("user", "disable", "eve")

    with secure_space.secure(pem) as client:
        answer = client.get("/ac/whoami")
    assert answer.status_code == 401
    assert answer.text == "NotAuthenticated: the account 'eve' is disabled\n"


def test_the_command_adds_names_to_a_user(secure_space: SecureSpace, tmp_path: Path) -> None:
    """Contract 3.3: a user may have several X500 identities."""
    pem = secure_space.authority.user("Ann Elsewhere").write(tmp_path / "other.pem")

    said = secure_space.server.administer(
        "user", "identity", "ann", "--add-dn", "/O=Grid/CN=Ann Elsewhere"
    )
    with secure_space.secure(pem) as client:
        known = client.get("/ac/whoami").headers["x-vo-authenticated"]
    secure_space.server.administer(
        "user", "identity", "ann", "--remove-dn", "CN=Ann Elsewhere,O=Grid"
    )
    with secure_space.secure(pem) as client:
        forgotten = client.get("/ac/whoami").status_code

    assert said.splitlines() == ["cn=ann,o=grid", "cn=ann elsewhere,o=grid"]
    assert (known, forgotten) == ("ann", 403)
