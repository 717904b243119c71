"""/properties, /views and /protocols: what the service understands (VOSpace 2.1, 6.1)."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.properties import READ_ONLY_PROPERTIES, STANDARD_PROPERTIES, Cadc, Core
from vospace_model.protocols import RequestedProtocol
from vospace_model.views import View, ViewUri
from vospace_model.xml.service_metadata import (
    write_properties_document,
    write_protocols_document,
    write_views_document,
)
from vospace_server.http.responses import document
from vospace_server.http.threads import in_thread
from vospace_server.services.archive_views import ACCEPTED_ARCHIVES, PROVIDED_ARCHIVES
from vospace_server.services.properties_in_use import PropertiesInUse
from vospace_server.services.remote_transfers import ACCEPTED_PROTOCOLS
from vospace_server.services.transfers import SERVED_PROTOCOLS

_ACCEPTED_VIEWS: Final = (ViewUri.ANY, ViewUri.BINARY, *ACCEPTED_ARCHIVES)
_PROVIDED_VIEWS: Final = (
    ViewUri.DEFAULT,
    ViewUri.BINARY,
    *PROVIDED_ARCHIVES,
    ViewUri.CADC_PACKAGE,
)
# `publicread` is understood and shown as `ispublic`; tokens of creators are not kept.
_NEVER_SHOWN: Final = frozenset({Core.PUBLICREAD, Cadc.CREATOR_JWT})
# Made of the bytes that are stored.
_PART_VIEWS: Final = (ViewUri.CADC_CUTOUT, ViewUri.CADC_HEADER)


class MetadataEndpoints:
    """The three documents; each is the same for every caller."""

    def __init__(self, *, properties_in_use: PropertiesInUse) -> None:
        self._properties_in_use = properties_in_use

    async def properties(self, _request: Request) -> Response:
        """Those of the standard that can be set, those that are shown, and all in use."""
        used = await in_thread(self._properties_in_use.uris)
        return document(
            write_properties_document(
                accepts=sorted(STANDARD_PROPERTIES - READ_ONLY_PROPERTIES),
                provides=sorted(STANDARD_PROPERTIES - _NEVER_SHOWN),
                contains=used,
            )
        )

    async def views(self, _request: Request) -> Response:
        """Bytes as they are, in and out, parts of them, and containers as archives."""
        accepted = (View(uri=uri) for uri in _ACCEPTED_VIEWS)
        provided = [
            *(View(uri=uri) for uri in _PROVIDED_VIEWS),
            *(View(uri=uri, original=False) for uri in _PART_VIEWS),
        ]
        return document(write_views_document(accepts=accepted, provides=provided))

    async def protocols(self, _request: Request) -> Response:
        """HTTP to read and to write, as a server and as a client."""
        accepted = (RequestedProtocol(uri=uri) for uri in ACCEPTED_PROTOCOLS)
        provided = (RequestedProtocol(uri=uri) for uri in SERVED_PROTOCOLS)
        return document(write_protocols_document(accepts=accepted, provides=provided))
