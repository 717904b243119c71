"""What the service says of itself: /capabilities, /availability, and for registries."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.api import API_PATH, API_STANDARD_ID
from vospace_model.protocols import SecurityMethod, SecurityMethodUri
from vospace_model.vosi import Availability, Interface, ServiceCapability, StandardId, UrlUse
from vospace_model.xml.vosi import write_availability, write_capabilities
from vospace_server.http.addresses import Addresses
from vospace_server.http.authentication import client_address
from vospace_server.http.challenges import LOGIN_PATH, LOGIN_STANDARD_ID
from vospace_server.http.responses import TEXT, document, text
from vospace_server.http.threads import in_thread

# Anonymous first: clients look at the first one alone (contract 2.2).
_ALL_METHODS: Final = (
    SecurityMethod(),
    SecurityMethod(uri=SecurityMethodUri.BASIC),
    SecurityMethod(uri=SecurityMethodUri.TOKEN),
)
_ANONYMOUS: Final = (SecurityMethod(),)
# A path or the id of a job is appended to the URLs of these (VOResource, use="base").
_EXTENDED: Final = {StandardId.NODES, StandardId.FILES, StandardId.TRANSFERS}
_REGISTRY_CAPABILITY: Final = "capabilities"


class VosiEndpoints:
    """The documents of VOSI 1.1, and the lines by which registries find them.

    `check` raises when the service can't work; it is called in a thread.
    """

    def __init__(
        self, *, addresses: Addresses, resource_id: str, check: Callable[[], None]
    ) -> None:
        self._addresses = addresses
        self._resource_id = resource_id
        self._check = check
        self._up_since = datetime.now(UTC)

    async def capabilities(self, request: Request) -> Response:
        """Every part of the service with its address, as the client sees the server."""
        base = self._addresses.base(request)
        root = f"{base}{self._addresses.root}"
        open_to_all = {
            StandardId.CAPABILITIES: f"{root}/capabilities",
            StandardId.AVAILABILITY: f"{root}/availability",
            LOGIN_STANDARD_ID: f"{base}{LOGIN_PATH}",
        }
        with_identity = {
            StandardId.PROPERTIES: f"{root}/properties",
            StandardId.VIEWS: f"{root}/views",
            StandardId.PROTOCOLS: f"{root}/protocols",
            StandardId.NODES: f"{root}/nodes",
            StandardId.FILES: f"{root}/files",
            StandardId.TRANSFERS: f"{root}/transfers",
            StandardId.SYNC: f"{root}/synctrans",
            StandardId.SYNC_2_1: f"{root}/synctrans",
            StandardId.PACKAGE: f"{base}{self._addresses.packages}",
            StandardId.RECURSIVE_DELETE: f"{base}{self._addresses.deletions}",
            StandardId.RECURSIVE_PROPERTIES: f"{base}{self._addresses.property_changes}",
            API_STANDARD_ID: f"{base}{API_PATH}",
        }
        offers = [_offer(name, url, _ANONYMOUS) for name, url in open_to_all.items()]
        offers += [_offer(name, url, _ALL_METHODS) for name, url in with_identity.items()]
        return document(write_capabilities(offers))

    async def availability(self, request: Request) -> Response:
        """Whether the service works; with detail=min as a status alone."""
        failure = await in_thread(self._failure)
        if request.query_params.get("detail") == "min":
            return document(b"", TEXT, status=200 if failure is None else 503)
        return document(
            write_availability(
                Availability(
                    available=failure is None,
                    up_since=self._up_since,
                    notes=() if failure is None else (failure,),
                    client_address=client_address(request.scope),
                )
            )
        )

    async def resource_caps(self, request: Request) -> Response:
        """Lines `identifier = URL`, as CADC's registry has them."""
        root = f"{self._addresses.base(request)}{self._addresses.root}"
        return text(f"{self._resource_id} = {root}/{_REGISTRY_CAPABILITY}\n")

    async def alive(self, _request: Request) -> Response:
        """The process answers."""
        return text("ok\n")

    async def ready(self, _request: Request) -> Response:
        """The service can work: 200, else 503 with the reason."""
        failure = await in_thread(self._failure)
        if failure is None:
            return text("ok\n")
        return text(f"{failure}\n", status=503, headers={"retry-after": "10"})

    def _failure(self) -> str | None:
        """Why the service can't work; None if it can."""
        try:
            self._check()
        except Exception as error:  # noqa: BLE001 - whatever is wrong is the answer
            return f"{type(error).__name__}: the service can't work now"
        return None


def _offer(
    standard_id: str, url: str, methods: tuple[SecurityMethod, ...]
) -> ServiceCapability:
    use = UrlUse.BASE if standard_id in _EXTENDED else UrlUse.FULL
    interface = Interface(access_url=url, security_methods=methods, use=use)
    return ServiceCapability(standard_id=standard_id, interfaces=(interface,))
