"""Transfer documents."""

from collections.abc import Callable

import pytest
from hypothesis import given

from tests.vospace_model.schemas import Schemas
from tests.vospace_model.strategies import transfers
from vospace_model import (
    Core,
    Direction,
    ExternalTransfer,
    Fault,
    InternalTransfer,
    InvalidArgument,
    InvalidURI,
    NegotiatedProtocol,
    Param,
    ProtocolUri,
    RequestedProtocol,
    SecurityMethod,
    SecurityMethodUri,
    Transfer,
    View,
    ViewUri,
    VosUri,
)
from vospace_model.xml import MAX_RESPONSE_BYTES, read_transfer, write_transfer

VOSPACE = "http://www.ivoa.net/xml/VOSpace/v2.0"
FILE = VosUri.parse("vos://localhost~vault/durand/f.fits")

DOCUMENTS: dict[str, Transfer] = {
    "transfer-push.xml": ExternalTransfer(
        targets=(FILE,),
        direction=Direction.PUSH_TO_VOSPACE,
        view=View(uri=ViewUri.DEFAULT),
        protocols=(
            RequestedProtocol(
                uri=ProtocolUri.HTTPS_PUT,
                security_methods=(
                    SecurityMethod(),
                    SecurityMethod(uri=SecurityMethodUri.CERTIFICATE),
                ),
            ),
            RequestedProtocol(uri=ProtocolUri.HTTP_PUT),
        ),
        params=(Param(uri=Core.LENGTH, value="8640"),),
    ),
    "transfer-details.xml": ExternalTransfer(
        targets=(FILE,),
        direction=Direction.PULL_FROM_VOSPACE,
        protocols=(
            NegotiatedProtocol(
                uri=ProtocolUri.HTTP_GET,
                endpoint="http://localhost:8080/vault/data/ticket/f.fits?a=1&b=2",
                security_methods=(SecurityMethod(uri=SecurityMethodUri.TOKEN),),
                params=(Param(uri="urn:p", value="q"),),
            ),
        ),
    ),
    "transfer-package.xml": ExternalTransfer(
        targets=(FILE, FILE.parent),
        direction=Direction.PULL_FROM_VOSPACE,
        view=View(
            uri=ViewUri.CADC_PACKAGE, params=(Param(uri=Core.FORMAT, value="application/zip"),)
        ),
    ),
    "transfer-move.xml": InternalTransfer(
        source=FILE, destination=FILE.parent.child("g.fits"), keep_bytes=False
    ),
    "transfer-copy.xml": InternalTransfer(
        source=FILE, destination=FILE.parent.child("g.fits"), keep_bytes=True
    ),
}


def transfer_document(content: str) -> bytes:
    """A transfer with this content."""
    return f"<vos:transfer xmlns:vos='{VOSPACE}'>{content}</vos:transfer>".encode()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_transfer_is_written_as_reviewed_and_read_back(
    name: str, golden: Callable[[str, bytes], None], schemas: Schemas
) -> None:
    document = write_transfer(DOCUMENTS[name])

    schemas.check(document)
    golden(name, document)
    assert read_transfer(document) == DOCUMENTS[name]


@given(transfers)
def test_every_transfer_survives_its_document(schemas: Schemas, transfer: Transfer) -> None:
    document = write_transfer(transfer)

    schemas.check(document)
    assert read_transfer(document, max_bytes=MAX_RESPONSE_BYTES) == transfer


def test_push_of_the_vos_client_is_read(received: Callable[[str], bytes]) -> None:
    assert read_transfer(received("vos-client-push.xml")) == ExternalTransfer(
        targets=(VosUri.parse("vos://cadc.nrc.ca~vault/durand/a b.fits"),),
        direction=Direction.PUSH_TO_VOSPACE,
        protocols=(RequestedProtocol(uri=ProtocolUri.HTTPS_PUT),),
        params=(Param(uri=Core.LENGTH, value="8640"),),
    )


def test_move_of_the_vos_client_is_read(received: Callable[[str], bytes]) -> None:
    assert read_transfer(received("vos-client-move.xml")) == InternalTransfer(
        source=VosUri.parse("vos://cadc.nrc.ca~vault/durand/a"),
        destination=VosUri.parse("vos://cadc.nrc.ca~vault/durand/b"),
        keep_bytes=False,
    )


def test_empty_endpoint_is_no_endpoint() -> None:
    transfer = read_transfer(
        transfer_document(
            "<vos:target>vos://a~s/f</vos:target><vos:direction>pullFromVoSpace</vos:direction>"
            "<vos:protocol uri='urn:p'><vos:endpoint> </vos:endpoint></vos:protocol>"
        )
    )

    assert isinstance(transfer, ExternalTransfer)
    assert transfer.protocols == (RequestedProtocol(uri="urn:p"),)


@pytest.mark.parametrize(
    ("content", "fault", "reason"),
    [
        ("", InvalidArgument, "the transfer has no target"),
        ("<vos:target>x</vos:target>", InvalidURI, "'x' is not a VOSpace URI"),
        (
            "<vos:target>vos://a~s/f</vos:target>",
            InvalidArgument,
            "line 1: transfer has no direction",
        ),
        (
            "<vos:target>vos://a~s/f</vos:target><vos:direction>sideways</vos:direction>",
            InvalidArgument,
            (
                "the direction is not one of pushToVoSpace, pullToVoSpace, pullFromVoSpace, "
                "pushFromVoSpace, and 'sideways' is not a VOSpace URI"
            ),
        ),
        (
            "<vos:target>vos://a~s/f</vos:target><vos:direction>vos://a~s/g</vos:direction>",
            InvalidArgument,
            "line 1: transfer has no keepBytes",
        ),
        (
            (
                "<vos:target>vos://a~s/f</vos:target><vos:direction>vos://a~s/g</vos:direction>"
                "<vos:keepBytes>perhaps</vos:keepBytes>"
            ),
            InvalidArgument,
            "line 1: keepBytes has 'perhaps' instead of true or false",
        ),
        (
            (
                "<vos:target>vos://a~s/f</vos:target><vos:target>vos://a~s/e</vos:target>"
                "<vos:direction>vos://a~s/g</vos:direction><vos:keepBytes>true</vos:keepBytes>"
            ),
            InvalidArgument,
            "a move or copy has exactly one target",
        ),
        (
            (
                "<vos:target>vos://a~s/f</vos:target><vos:direction>pushToVoSpace</vos:direction>"
                "<vos:protocol/>"
            ),
            InvalidArgument,
            "line 1: protocol has no attribute uri",
        ),
        (
            (
                "<vos:target>vos://a~s/f</vos:target><vos:direction>pushToVoSpace</vos:direction>"
                "<protocol/>"
            ),
            InvalidArgument,
            f"line 1: protocol is of no namespace; it belongs to {VOSPACE}",
        ),
    ],
)
def test_wrong_transfer_is_refused_with_the_reason(
    content: str, fault: type[Fault], reason: str
) -> None:
    with pytest.raises(fault) as refused:
        read_transfer(transfer_document(content))

    assert refused.value.detail.startswith(reason)
