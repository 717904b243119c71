"""The documents of getProperties, getViews and getProtocols (VOSpace 2.1, section 6.1).

The examples of the standard and its schema disagree on the wrapper; these follow the types
GetPropertiesResponse, GetViewsResponse and GetProtocolsResponse of the schema.
"""

from collections.abc import Iterable
from typing import Final

from vospace_model.properties import is_read_only
from vospace_model.protocols import RequestedProtocol
from vospace_model.views import View
from vospace_model.xml.fragments import write_protocols, write_view
from vospace_model.xml.markup import attribute, boolean, document, wrap
from vospace_model.xml.namespaces import VOSPACE
from vospace_model.xml.parser import MAX_DOCUMENT_BYTES, parse_document

_ATTRIBUTES: Final = attribute("xmlns:vos", VOSPACE)


def write_properties_document(
    *, accepts: Iterable[str], provides: Iterable[str], contains: Iterable[str]
) -> bytes:
    """The property URIs that the service understands, gives, and that its nodes use."""
    return document(
        wrap(
            "vos:properties",
            [
                wrap("vos:accepts", map(_property, accepts)),
                wrap("vos:provides", map(_property, provides)),
                wrap("vos:contains", map(_property, contains)),
            ],
            _ATTRIBUTES,
        )
    )


def write_views_document(*, accepts: Iterable[View], provides: Iterable[View]) -> bytes:
    """The views in which the service takes and gives bytes."""
    parts = [
        wrap("vos:accepts", map(write_view, accepts)),
        wrap("vos:provides", map(write_view, provides)),
    ]
    return document(wrap("vos:views", parts, _ATTRIBUTES))


def write_protocols_document(
    *, accepts: Iterable[RequestedProtocol], provides: Iterable[RequestedProtocol]
) -> bytes:
    """The protocols that the service speaks as a client (accepts) and as a server."""
    parts = [
        write_protocols("vos:accepts", accepts),
        write_protocols("vos:provides", provides),
    ]
    return document(wrap("vos:protocols", parts, _ATTRIBUTES))


def asks_for_protocols(data: bytes, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> bool:
    """Whether a document posted to a node is `protocols`, which asks for those of the node.

    Raises InvalidArgument or RequestEntityTooLarge for what is no document at all.
    """
    return parse_document(data, max_bytes=max_bytes).tag == f"{{{VOSPACE}}}protocols"


def _property(uri: str) -> str:
    attributes = attribute("uri", uri) + attribute("readOnly", boolean(is_read_only(uri)))
    return wrap("vos:property", (), attributes)
