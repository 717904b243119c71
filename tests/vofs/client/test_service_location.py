"""From what a user writes to the address of a service."""

import pytest

from tests.vofs.client.conftest import Reply, ScriptedServer
from vofs.client.connection import Connection
from vofs.client.errors import MalformedAnswer, ServiceNotFound
from vofs.client.service import read_endpoints
from vofs.client.service_location import LocationConfig, Source, locate, parse_source
from vospace_model.faults import InvalidURI
from vospace_model.uris import NodePath


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("vos:durand/data", Source(path=NodePath(("durand", "data")))),
        ("vos:", Source(path=NodePath())),
        ("vos:/durand/", Source(path=NodePath(("durand",)))),
        (
            "vos://cadc.nrc.ca~vault/durand/a b",
            Source(path=NodePath(("durand", "a b")), authority="cadc.nrc.ca~vault"),
        ),
        (
            "vos://cadc.nrc.ca!vault/durand",
            Source(path=NodePath(("durand",)), authority="cadc.nrc.ca~vault"),
        ),
        (
            "https://host/vault/nodes/durand/a%20b",
            Source(path=NodePath(("durand", "a b")), base_url="https://host/vault"),
        ),
        (
            "http://host:8080/vault/nodes",
            Source(path=NodePath(), base_url="http://host:8080/vault"),
        ),
    ],
)
def test_forms_of_a_source(text: str, source: Source) -> None:
    assert parse_source(text) == source


@pytest.mark.parametrize(
    "text",
    [
        "durand",
        "/tmp/x",
        "https://host/vault",
        "vos:a//b",
        "vos:a/../b",
        "https://h/v/nodes/a%2Fb",
    ],
)
def test_what_is_no_source_is_refused(text: str) -> None:
    with pytest.raises(InvalidURI):
        parse_source(text)


def test_order_of_the_places_where_a_service_is_looked_for(
    server: ScriptedServer, connection: Connection
) -> None:
    server.replies(Reply(body=b"# all\nivo://localhost/vault = http://r/vault/capabilities\n"))
    registry = f"{server.url}/reg/resource-caps"
    services = {"ivo://localhost/vault": "http://table/vault"}
    short = parse_source("vos:durand")

    def base(source: Source, **settings: object) -> str:
        config = LocationConfig(**settings)  # type: ignore[arg-type]
        return locate(source, config, connection).base_url

    assert base(short, registry=registry) == "http://r/vault"
    assert base(short, registry=registry, services=services) == "http://table/vault"
    assert base(short, services=services, service="https://own/vault/") == "https://own/vault"
    url = parse_source("http://host/space/nodes/durand")
    assert base(url, service="https://own/vault") == "http://host/space"


def test_host_alone_means_the_service_named_in_the_resource_id(connection: Connection) -> None:
    config = LocationConfig(service="http://127.0.0.1:8080")
    location = locate(parse_source("vos:durand"), config, connection)
    assert (location.base_url, location.authority) == (
        "http://127.0.0.1:8080/vault",
        "localhost~vault",
    )
    assert (location.host, location.secure) == ("127.0.0.1", False)


def test_unknown_service_says_what_to_do(
    server: ScriptedServer, connection: Connection
) -> None:
    with pytest.raises(ServiceNotFound, match="give --service URL, set VOSPACE_URL"):
        locate(parse_source("vos:durand"), LocationConfig(), connection)
    server.replies(Reply(body=b"ivo://other/vault = http://r\n"))
    with pytest.raises(ServiceNotFound, match="doesn't know ivo://localhost/vault"):
        locate(parse_source("vos:durand"), LocationConfig(registry=server.url), connection)
    with pytest.raises(ServiceNotFound, match="not the address of a service"):
        locate(parse_source("vos:durand"), LocationConfig(service="vault.org"), connection)


@pytest.mark.parametrize("body", [b"<html/>", b"not xml", b"", b"<!DOCTYPE x><x/>"])
def test_what_is_no_vospace_service_is_said_to_be_none(
    server: ScriptedServer, connection: Connection, body: bytes
) -> None:
    server.replies(Reply(body=body))
    with pytest.raises(MalformedAnswer, match="is no VOSpace service"):
        read_endpoints(connection, server.url, authority="localhost~vault")
