"""What the service says of itself, and what it says when something is wrong with it."""

import errno
import logging
import os
import re
import socket
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest

from tests.vospace_server.http.conftest import ServerThread
from tests.vospace_server.http.documents import transfer
from tests.vospace_server.http.test_upload_wire import eventually
from vospace_server.config import ServerConfig, ServiceSection
from vospace_server.database.engine import Database
from vospace_server.services.nodes import NodeService
from vospace_server.storage.filesystem import FilesystemReader, FilesystemWriter
from vospace_server.storage.object_store import StoreError, StoreFullError


def test_the_capabilities_lead_to_every_part(anonymous: httpx.Client) -> None:
    """Compliance rows 36 and 37; Contract 7-24: each with a standardID and an address that
    answers."""
    response = anonymous.get("/vault/capabilities")

    assert (response.status_code, response.headers["content-type"]) == (200, "text/xml")
    found = re.findall(
        r'<capability standardID="([^"]*)">.*?<accessURL use="(?:full|base)">([^<]*)<',
        response.text,
    )
    urls = dict(found)
    assert urls["ivo://ivoa.net/std/VOSpace/v2.0#nodes"].endswith("/vault/nodes")
    assert urls["ivo://ivoa.net/std/VOSpace#files-proto"].endswith("/vault/files")
    assert urls["ivo://ivoa.net/std/VOSpace#sync-2.1"].endswith("/vault/synctrans")
    assert urls["ivo://ivoa.net/std/VOSpace/v2.0#transfers"].endswith("/vault/transfers")
    assert urls["ivo://ivoa.net/std/VOSI#availability"].endswith("/vault/availability")
    assert urls["ivo://vospace/std/VOSpace#api-1.0"].endswith("/api/v1")
    for standard_id, url in urls.items():
        assert re.match(r"(ivo|vos)://[^/]+/.+", standard_id), standard_id
        assert anonymous.get(url).status_code != 404 or "/api/v1" in url, url


def test_the_addresses_are_those_that_the_client_sees(server: ServerThread) -> None:
    answer = httpx.get(
        f"http://127.0.0.1:{server.port}/vault/capabilities",
        headers={"Host": "space.example:8443"},
    )

    assert "http://space.example:8443/vault/nodes" in answer.text


def test_the_availability_is_told(anonymous: httpx.Client) -> None:
    """Contract 5 row 96 and 7-24: VOSI availability."""
    response = anonymous.get("/vault/availability")

    assert "<vosi:available>true</vosi:available>" in response.text
    assert "<!--<clientip>127.0.0.1</clientip>-->" in response.text
    assert anonymous.get("/vault/availability?detail=min").status_code == 200
    assert anonymous.head("/vault/availability").content == b""


def test_an_invalid_token_is_refused_even_where_none_is_needed(
    anonymous: httpx.Client,
) -> None:
    """Contract 7-24: 401 with challenges, not 500."""
    response = anonymous.get("/vault/capabilities", headers={"Authorization": "Bearer expired"})

    assert response.status_code == 401
    assert 'Bearer error="invalid_token"' in response.headers.get_list("www-authenticate")


@pytest.mark.parametrize("part", ["properties", "views", "protocols"])
def test_the_service_lists_what_it_understands(anonymous: httpx.Client, part: str) -> None:
    """Compliance rows 21, 22, 36 and 40; Contract 5 row 18: three documents for everybody."""
    response = anonymous.get(f"/vault/{part}")

    assert (response.status_code, response.headers["content-type"]) == (200, "text/xml")
    root = ET.fromstring(response.text)
    assert root.tag == f"{{http://www.ivoa.net/xml/VOSpace/v2.0}}{part}"


def test_registries_find_the_service(anonymous: httpx.Client) -> None:
    response = anonymous.get("/reg/resource-caps")

    assert re.sub(r"http://127\.0\.0\.1:\d+/", "/", response.text).splitlines() == [
        "ivo://localhost/vault = /vault/capabilities",
        "ivo://localhost/gms = /gms/capabilities",
        "ivo://localhost/ums = /ac/capabilities",
        "ivo://localhost/cred = /cred/capabilities",
    ]


def test_registries_find_the_service_under_the_names_of_others(tmp_path: Path) -> None:
    service = ServiceSection(registry_authorities=("cadc.nrc.ca", "example.org"))
    running = ServerThread(ServerConfig(data_dir=tmp_path, service=service))
    running.start()
    try:
        url = f"http://127.0.0.1:{running.port}"
        lines = httpx.get(f"{url}/reg/resource-caps").text.splitlines()
    finally:
        running.stop()

    # CADC's tools ask for ids of CADC's; each leads here as ours does.
    led = dict(line.split(" = ") for line in lines)
    assert len(led) == len(lines) == 12
    for name in ("vault", "gms", "ums", "cred"):
        own = led[f"ivo://localhost/{name}"]
        assert own.startswith(f"{url}/")
        assert led[f"ivo://cadc.nrc.ca/{name}"] == led[f"ivo://example.org/{name}"] == own


def test_probes_are_answered(anonymous: httpx.Client) -> None:
    for path in ("/healthz", "/readyz"):
        assert (anonymous.get(path).status_code, anonymous.get(path).text) == (200, "ok\n")


@pytest.mark.logs("failed; it goes on")  # the housekeeping may run into it as well
def test_a_broken_database_is_not_ready(
    anonymous: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_database: Database) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Database, "read", broken)

    response = anonymous.get("/readyz")
    availability = anonymous.get("/vault/availability")
    assert anonymous.get("/healthz").status_code == 200
    assert response.status_code == 503
    assert "retry-after" in response.headers
    assert "<vosi:available>false</vosi:available>" in availability.text


def test_no_header_names_a_product(anonymous: httpx.Client) -> None:
    """Contract 7-24: nothing that clients take for a product they know."""
    for path in ("/vault/capabilities", "/vault/nodes", "/none"):
        server = anonymous.get(path).headers.get("server", "")
        assert not any(word in server for word in ("ac", "vault", "cavern", "cred"))


def test_an_unknown_address_is_not_found(anonymous: httpx.Client) -> None:
    response = anonymous.get("/nothing/here")

    assert (response.status_code, response.text) == (
        404,
        "NotFound: there is nothing at this address\n",
    )
    assert response.headers["content-type"] == "text/plain"


@pytest.mark.logs("unexpected RuntimeError")
def test_a_defect_is_logged_once_and_told_without_details(
    alice: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Compliance row 54: InternalFault, 500, with the number of the request."""

    def defective(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(NodeService, "create_all", defective)

    from_document = '<vos:node xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0"'
    response = alice.put(
        "/vault/nodes/alice/x",
        content=f'{from_document} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'uri="vos://localhost~vault/alice/x" xsi:type="vos:DataNode"/>',
    )

    assert response.status_code == 500
    request_id = response.headers["x-request-id"]
    assert response.text.startswith("InternalFault: ")
    assert request_id in response.text
    assert "secret detail" not in response.text
    logged = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert len(logged) == 1
    assert request_id in logged[0].getMessage()
    assert logged[0].exc_info is not None


@pytest.mark.logs("the store is full")
def test_a_full_store_is_busy_and_says_so(
    alice: httpx.Client, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice.put(f"/vault/files/{folder}/f", content=b"old").raise_for_status()

    def full(_writer: FilesystemWriter, _chunk: bytes) -> None:
        raise StoreFullError("the store is full (No space left on device)")

    with monkeypatch.context() as patched:
        patched.setattr(FilesystemWriter, "write", full)
        response = alice.put(f"/vault/files/{folder}/f", content=b"new")

    assert response.status_code == 503
    assert response.text.startswith("ServiceBusy: the store is full")
    assert int(response.headers["retry-after"]) > 0
    kept = alice.get(f"/vault/files/{folder}/f", follow_redirects=True)
    assert kept.content == b"old"


@pytest.mark.logs("Input/output error")
def test_a_disk_that_fails_in_the_middle_cuts_the_connection(
    alice: httpx.Client, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice.put(f"/vault/files/{folder}/f", content=bytes(5 << 20)).raise_for_status()
    real = FilesystemReader.read_at

    def failing(reader: FilesystemReader, offset: int, size: int) -> bytes:
        if offset > 0:
            raise StoreError("Input/output error while reading an object")
        return real(reader, offset, size)

    monkeypatch.setattr(FilesystemReader, "read_at", failing)

    with pytest.raises(httpx.RemoteProtocolError):
        alice.get(f"/vault/files/{folder}/f", follow_redirects=True)


def request_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == "vospace_server.requests"]


def test_each_request_is_one_line_without_secrets(
    alice: httpx.Client, folder: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Contract 5 row 99: the log of requests."""
    caplog.set_level(logging.INFO, logger="vospace_server")
    document = transfer(f"{folder}/f", "pushToVoSpace", protocols=("httpput",))
    alice.put(f"/vault/files/{folder}/f", content=b"12345").raise_for_status()
    push = alice.post("/vault/synctrans", content=document, follow_redirects=True).text
    url = alice.get(f"/vault/files/{folder}/f").headers["location"]
    assert eventually(lambda: len(request_lines(caplog)) == 4)
    caplog.clear()

    response = alice.get(url)
    alice.put(push.partition("<vos:endpoint>")[2].partition("<")[0], content=b"54321")

    # A line is written when the request has ended, which the client may see a moment earlier.
    assert eventually(lambda: len(request_lines(caplog)) == 2)
    lines = request_lines(caplog)
    assert f"id={response.headers['x-request-id']} " in lines[0]
    assert "method=GET path=/vault/data/(ticket)/f status=200 " in lines[0]
    assert " in=0 out=5 " in lines[0]
    assert "method=PUT path=/vault/data/(ticket)/f status=201 " in lines[1]
    ticket = url.split("/data/")[1].split("/")[0]
    token = alice.headers["authorization"].removeprefix("Bearer ")
    for record in caplog.records:
        assert ticket not in record.getMessage()
        assert token not in record.getMessage()


def test_metrics_count_routes_and_never_names(alice: httpx.Client, folder: str) -> None:
    """Contract 5 row 100: Prometheus metrics."""
    alice.get(f"/vault/nodes/{folder}")

    response = alice.get("/metrics")

    assert response.status_code == 200
    assert 'method="GET",route="/vault/nodes/{path}",status="200"' in response.text
    assert folder not in response.text
    assert "vospace_request_seconds_bucket" in response.text


def test_strange_methods_do_not_grow_the_metrics(anonymous: httpx.Client) -> None:
    for method in ("PROPFIND", "LOCK"):
        assert anonymous.request(method, "/vault/nodes").status_code == 405

    text = anonymous.get("/metrics").text

    assert 'method="OTHER"' in text
    assert "PROPFIND" not in text


def test_a_head_that_never_ends_is_bounded(server: ServerThread) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 200_000)
        assert connection.recv(100).startswith(b"HTTP/1.1 431 ")
