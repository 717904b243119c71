"""Which protocols may be asked for to read or write one node (VOSpace 2.1, getProtocols)."""

from typing import Final

from vospace_model.protocols import ProtocolUri, RequestedProtocol
from vospace_server.domain.node_view import NodeView
from vospace_server.services.transfers import SERVED_PROTOCOLS

_READING: Final = frozenset({ProtocolUri.HTTP_GET, ProtocolUri.HTTPS_GET})


def protocols_of(view: NodeView) -> tuple[RequestedProtocol, ...]:
    """Those by which the caller of the view can have the bytes of the node now, or give some.

    None for containers, which have no bytes of their own.
    """
    if not view.record.has_bytes:
        return ()
    return tuple(
        RequestedProtocol(uri=uri)
        for uri in SERVED_PROTOCOLS
        if (view.readable if uri in _READING else view.writable)
    )
