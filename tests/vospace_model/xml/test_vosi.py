"""VOSI documents."""

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from tests.vospace_model.schemas import Schemas
from vospace_model import (
    API_STANDARD_ID,
    Availability,
    Fault,
    Interface,
    InvalidArgument,
    SecurityMethod,
    SecurityMethodUri,
    ServiceCapability,
    StandardId,
    UrlUse,
)
from vospace_model.xml import (
    read_availability,
    read_capabilities,
    write_availability,
    write_capabilities,
)

AVAILABILITY = "http://www.ivoa.net/xml/VOSIAvailability/v1.0"
CAPABILITIES = "http://www.ivoa.net/xml/VOSICapabilities/v1.0"
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

OFFER = (
    ServiceCapability(
        standard_id=StandardId.AVAILABILITY,
        interfaces=(Interface(access_url="http://localhost/vault/availability"),),
    ),
    ServiceCapability(
        standard_id=StandardId.NODES,
        interfaces=(
            Interface(
                access_url="http://localhost/vault/nodes?a=1&b=2",
                use=UrlUse.BASE,
                security_methods=(
                    SecurityMethod(),
                    SecurityMethod(uri=SecurityMethodUri.BASIC),
                    SecurityMethod(uri=SecurityMethodUri.TOKEN),
                ),
            ),
        ),
    ),
    ServiceCapability(
        standard_id=API_STANDARD_ID,
        interfaces=(Interface(access_url="http://localhost/api/v1", security_methods=()),),
    ),
)


def test_capabilities_are_written_as_reviewed_and_read_back(
    golden: Callable[[str, bytes], None], schemas: Schemas
) -> None:
    document = write_capabilities(OFFER)

    schemas.check(document)
    golden("capabilities.xml", document)
    assert read_capabilities(document) == OFFER


def test_capabilities_are_as_the_strict_client_wants_them(schemas: Schemas) -> None:
    root = schemas.check(write_capabilities(OFFER))

    assert {"vs", "vr", "xsi"} <= set(root.nsmap)
    assert all("{" not in str(child.tag) for child in root.iterdescendants())
    assert all(urlsplit(child.get("standardID", "")).scheme for child in root)
    methods = root[1].findall("interface/securityMethod")
    assert [method.get("standardID") for method in methods] == [
        None,
        "ivo://ivoa.net/sso#BasicAA",
        "ivo://ivoa.net/sso#token",
    ]


def test_capabilities_of_another_service_are_read(received: Callable[[str], bytes]) -> None:
    assert read_capabilities(received("cadc-capabilities.xml")) == (
        ServiceCapability(
            standard_id=StandardId.AVAILABILITY,
            interfaces=(
                Interface(
                    access_url="https://example.org/vault/availability",
                    security_methods=(),
                    version="",
                ),
            ),
        ),
        ServiceCapability(
            standard_id=StandardId.NODES,
            interfaces=(
                Interface(
                    access_url="https://example.org/vault/nodes",
                    use=UrlUse.BASE,
                    security_methods=(
                        SecurityMethod(),
                        SecurityMethod(uri=SecurityMethodUri.CERTIFICATE),
                    ),
                ),
                Interface(
                    access_url="https://example.org/vault/nodes2",
                    security_methods=(),
                    role="",
                    version="",
                ),
            ),
        ),
    )


def test_interface_without_an_address_is_refused() -> None:
    document = (
        f"<c:capabilities xmlns:c='{CAPABILITIES}'>\n"
        "<capability standardID='ivo://a/b'><interface/></capability></c:capabilities>"
    )

    with pytest.raises(InvalidArgument, match="line 2: an interface has no accessURL"):
        read_capabilities(document.encode())


@pytest.mark.parametrize(
    ("name", "availability"),
    [
        ("availability-up.xml", Availability(available=True, up_since=MOMENT)),
        (
            "availability-down.xml",
            Availability(
                available=False,
                up_since=MOMENT,
                down_at=MOMENT,
                back_at=MOMENT,
                notes=("service is offline", "back at <noon>"),
            ),
        ),
    ],
)
def test_availability_is_written_as_reviewed_and_read_back(
    name: str,
    availability: Availability,
    golden: Callable[[str, bytes], None],
    schemas: Schemas,
) -> None:
    document = write_availability(availability)

    schemas.check(document)
    golden(name, document)
    assert read_availability(document) == availability


@pytest.mark.parametrize(
    ("address", "comment"),
    [
        ("1.2.3.4", b"<!--<clientip>1.2.3.4</clientip>-->"),
        ("::1", b"<!--<clientip>::1</clientip>-->"),
        ("--><x/>", b"<!--<clientip>&gt;&lt;x/&gt;</clientip>-->"),
        ("a---", b"<!--<clientip>a-</clientip>-->"),
    ],
)
def test_address_of_the_client_is_a_comment_that_nothing_ends(
    address: str, comment: bytes, schemas: Schemas
) -> None:
    document = write_availability(Availability(available=True, client_address=address))

    schemas.check(document)
    assert comment in document
    assert read_availability(document) == Availability(available=True)


@pytest.mark.parametrize(
    "document",
    [
        b"<availability/>",
        f"<availability xmlns='{AVAILABILITY}'/>".encode(),
        write_availability(Availability(available=True)).replace(b"true", b"?"),
    ],
)
def test_what_is_no_availability_is_refused(document: bytes) -> None:
    with pytest.raises(Fault) as refused:
        read_availability(document)

    assert isinstance(refused.value, InvalidArgument)
