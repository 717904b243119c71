"""VOSI: what the services say of themselves, as clients and registries read it."""

import io
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from lxml import etree
from pyvo.io.vosi import parse_availability, parse_capabilities

from tests.conformance.conftest import SecureSpace
from tests.vospace_model.schemas import Schemas, schema_folder

SERVICES = ["/vault", "/gms", "/ac", "/cred"]
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
SSO = "ivo://ivoa.net/sso#"


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Schemas:
    return Schemas(schema_folder(), tmp_path_factory.mktemp("schemas"))


@pytest.fixture(params=["plain", "secure"])
def door(request: pytest.FixtureRequest, secure_space: SecureSpace) -> Iterator[httpx.Client]:
    """An anonymous client at the one port and at the other."""
    opened = secure_space.plain() if request.param == "plain" else secure_space.secure()
    with opened as client:
        yield client


@pytest.mark.parametrize("service", SERVICES)
def test_capabilities_are_valid_and_as_clients_compare_them(
    door: httpx.Client, schemas: Schemas, service: str
) -> None:
    """Contract 1.8, 2.2: XSD, un-namespaced children, literal prefixes vs and vr, xsi at the
    root, an absolute standardID and a path in each accessURL."""
    answer = door.get(f"{service}/capabilities")
    root = schemas.check(answer.content)

    assert answer.headers["content-type"] == "text/xml"
    assert {"vosi", "vs", "vr", "xsi"} <= set(root.nsmap)
    assert {each.tag for each in root.iter() if each is not root} == {
        "capability", "interface", "accessURL", "securityMethod",
    }  # fmt: skip
    for capability in root.iterfind("capability"):
        assert re.match(r"(ivo|vos)://[^/]+/.+", capability.get("standardID", ""))
        for interface in capability.iterfind("interface"):
            assert interface.get(XSI_TYPE) == "vs:ParamHTTP"
            assert interface.get("role") == "std"
            assert interface.find("securityMethod") is not None
            url = interface.findtext("accessURL") or ""
            assert re.match(r"https?://127\.0\.0\.1:\d+/.+", url)


def methods(document: bytes, standard_id: str) -> dict[str, list[str | None]]:
    """Scheme of each interface of a capability, and its security methods."""
    root = etree.fromstring(document)
    (capability,) = (
        each for each in root.iterfind("capability") if each.get("standardID") == standard_id
    )
    return {
        (each.findtext("accessURL") or "").partition(":")[0]: [
            method.get("standardID") for method in each.iterfind("securityMethod")
        ]
        for each in capability.iterfind("interface")
    }


def test_each_way_to_log_in_is_offered_where_it_works(secure_space: SecureSpace) -> None:
    """Contract 2.2: the first method is anonymous; certificates belong to https."""
    nodes = "ivo://ivoa.net/std/VOSpace/v2.0#nodes"
    secrets = [f"{SSO}BasicAA", f"{SSO}token", f"{SSO}cookie"]
    certificate = f"{SSO}tls-with-certificate"
    with secure_space.plain() as plain, secure_space.secure() as secure:
        by_http = methods(plain.get("/vault/capabilities").content, nodes)
        by_https = methods(secure.get("/vault/capabilities").content, nodes)
        proxy = methods(
            secure.get("/cred/capabilities").content, "ivo://ivoa.net/std/CDP#proxy-1.0"
        )

    assert by_http == {"http": [None, *secrets], "https": [certificate]}
    assert by_https == {"https": [None, *secrets, certificate]}
    assert proxy == {"https": [*secrets, certificate]}


def test_the_second_door_is_at_the_host_that_the_client_sees(
    secure_space: SecureSpace,
) -> None:
    """Contract 2.2: the https interface is at the same host, on its own port."""
    with secure_space.plain() as client:
        answer = client.get("/vault/capabilities", headers={"Host": "[::1]:8080"})

    assert f"https://[::1]:{secure_space.tls_port}/vault/nodes" in answer.text


@pytest.mark.parametrize("service", SERVICES)
def test_pyvo_reads_every_document_without_a_warning(door: httpx.Client, service: str) -> None:
    """Contract 2: IVOA's own Python library understands them."""
    capabilities = door.get(f"{service}/capabilities").content
    availability = door.get(f"{service}/availability").content

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = parse_capabilities(io.BytesIO(capabilities))
        told = parse_availability(io.BytesIO(availability))

    assert "ivo://ivoa.net/std/VOSI#availability" in [each.standardid for each in found]
    assert told.available


@pytest.mark.parametrize("service", SERVICES)
def test_availability_is_valid_and_names_the_client(
    door: httpx.Client, schemas: Schemas, service: str
) -> None:
    """Contract 1.8: the comment that CADC's suite demands, and the heartbeat."""
    answer = door.get(f"{service}/availability")
    schemas.check(answer.content)

    assert "<!--<clientip>127.0.0.1</clientip>-->" in answer.text
    assert "<vosi:available>true</vosi:available>" in answer.text
    heartbeat = door.get(f"{service}/availability?detail=min")
    assert (heartbeat.status_code, heartbeat.content) == (200, b"")


def test_every_address_of_the_registry_answers(secure_space: SecureSpace) -> None:
    """Contract 0.2: `/reg/resource-caps` leads to all services, by https when asked so."""
    with secure_space.secure() as client:
        lines = client.get("/reg/resource-caps").text.splitlines()
        found = dict(line.split(" = ") for line in lines)
        statuses = {client.get(url).status_code for url in found.values()}

    assert list(found) == [
        f"ivo://localhost/{name}" for name in ("vault", "gms", "ums", "cred")
    ]
    assert all(url.startswith(secure_space.url) for url in found.values())
    assert statuses == {200}


def test_the_bootstrap_of_cadcs_suite(door: httpx.Client) -> None:
    """Contract 3.4, 7-24: HEAD, the challenge's login, x-vo-bearer, HEAD with `bearer`."""
    first = door.head("/vault/capabilities")
    challenges = first.headers.get_list("www-authenticate")
    (login,) = [
        each.partition('access_url="')[2].rstrip('"')
        for each in challenges
        if each.startswith(f'ivoa_bearer standard_id="{SSO}tls-with-password"')
    ]
    answer = door.post(login, data={"username": "ann", "password": "ann-secret-1"})
    token = answer.headers["x-vo-bearer"]
    second = door.head("/vault/capabilities", headers={"authorization": f"bearer {token}"})

    assert (first.status_code, first.content) == (200, b"")
    assert token == answer.text
    assert second.headers["x-vo-authenticated"] == "ann"
    assert "www-authenticate" not in second.headers


def test_every_way_to_log_in_is_challenged(secure_space: SecureSpace) -> None:
    """Contract 3.4: one WWW-Authenticate header for each way, with a 401 as well."""
    with secure_space.secure() as client:
        answer = client.get("/vault/transfers")

    base = secure_space.url
    assert answer.status_code == 401
    assert answer.headers.get_list("www-authenticate") == [
        'Basic realm="VOSpace", charset="UTF-8"',
        "Bearer",
        f'ivoa_bearer standard_id="{SSO}tls-with-password", access_url="{base}/ac/login"',
        f'ivoa_cookie standard_id="{SSO}tls-with-password", access_url="{base}/ac/login"',
        "ivoa_x509",
        f'ivoa_x509 standard_id="{SSO}BasicAA", access_url="{base}/cred/priv"',
        f'ivoa_bearer standard_id="{SSO}tls-with-certificate", access_url="{base}/ac/token"',
    ]


def test_a_token_that_was_refused_is_said_to_be_invalid(secure_space: SecureSpace) -> None:
    """Contract 3.4: the bare challenge, and error="invalid_token" after a bad bearer token."""
    with secure_space.secure() as client:
        refused = [
            client.get("/vault/nodes", headers={"Authorization": f"{scheme} nobody-has-this"})
            for scheme in ("Bearer", "bearer")
        ]
        others = [
            client.get("/vault/transfers"),
            client.get("/vault/nodes", auth=("ann", "wrong horse")),
            client.head("/vault/capabilities"),
        ]

    for answer in refused:
        challenges = answer.headers.get_list("www-authenticate")
        assert answer.status_code == 401
        assert [c for c in challenges if c.startswith("Bearer")] == [
            'Bearer error="invalid_token"'
        ]
        assert len(challenges) == len(others[0].headers.get_list("www-authenticate"))
    for answer in others:
        assert "Bearer" in answer.headers.get_list("www-authenticate")


def test_a_store_that_is_away_is_not_ready(secure_space: SecureSpace, tmp_path: Path) -> None:
    """Contract 1.8: available is whether it works, and that takes the bytes too."""
    objects = secure_space.server.data_dir / "storage" / "incoming"
    aside = objects.with_name("aside")
    objects.rename(aside)
    try:
        with secure_space.plain() as client:
            ready = client.get("/readyz")
            told = client.get("/vault/availability")
            alive = client.get("/healthz")
    finally:
        aside.rename(objects)

    assert (ready.status_code, alive.status_code) == (503, 200)
    assert int(ready.headers["retry-after"]) > 0
    assert "<vosi:available>false</vosi:available>" in told.text
