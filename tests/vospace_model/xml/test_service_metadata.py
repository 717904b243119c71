"""The documents of getProperties, getViews and getProtocols."""

from collections.abc import Callable

from tests.vospace_model.schemas import Schemas
from vospace_model import Core, Param, ProtocolUri, RequestedProtocol, View, ViewUri
from vospace_model.xml import (
    write_properties_document,
    write_protocols_document,
    write_views_document,
)


def test_properties_are_written_as_reviewed(
    golden: Callable[[str, bytes], None], schemas: Schemas
) -> None:
    document = write_properties_document(
        accepts=[Core.TITLE], provides=[Core.TITLE, Core.LENGTH], contains=["custom:a&b"]
    )

    schemas.check(document, response="GetPropertiesResponse")
    golden("properties.xml", document)


def test_views_are_written_as_reviewed(
    golden: Callable[[str, bytes], None], schemas: Schemas
) -> None:
    document = write_views_document(
        accepts=[View(uri=ViewUri.ANY)],
        provides=[
            View(uri=ViewUri.DEFAULT),
            View(uri="urn:v", original=False, params=(Param(uri="urn:p", value="q"),)),
        ],
    )

    schemas.check(document, response="GetViewsResponse")
    golden("views.xml", document)


def test_protocols_are_written_as_reviewed(
    golden: Callable[[str, bytes], None], schemas: Schemas
) -> None:
    document = write_protocols_document(
        accepts=[],
        provides=[
            RequestedProtocol(uri=ProtocolUri.HTTP_GET),
            RequestedProtocol(uri=ProtocolUri.HTTP_PUT),
        ],
    )

    schemas.check(document, response="GetProtocolsResponse")
    golden("protocols.xml", document)
