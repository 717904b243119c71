"""What our services say of themselves: /capabilities, /availability, and for registries."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.faults import InvalidArgument
from vospace_model.vosi import Availability
from vospace_model.xml.vosi import write_availability
from vospace_server.domain.service_state import ServiceMode, ServiceState
from vospace_server.http.addresses import Addresses
from vospace_server.http.authentication import caller_of, client_address
from vospace_server.http.capabilities import Part, SecureDoor, capabilities_document
from vospace_server.http.request_bodies import read_document
from vospace_server.http.responses import TEXT, document, see_other, text
from vospace_server.http.routing import ExactRoute, TreeRoute
from vospace_server.http.threads import in_thread
from vospace_server.services.service_states import ServiceStateService

_FORM_BYTES: Final = 1024
_SOON_SECONDS: Final = "10"
_OFFLINE_SECONDS: Final = "180"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What raises when the service can't work; called in a thread.

    `heartbeat` is cheap enough to be asked by anybody at any time.
    """

    whole: Callable[[], None]
    heartbeat: Callable[[], None]


class VosiEndpoints:
    """The documents of VOSI 1.1, and the lines by which registries find them.

    `services` holds the parts of each service by its folder, `identifiers` the lines of the
    registry: an identifier and the folder of the service that it names.
    """

    def __init__(
        self,
        *,
        addresses: Addresses,
        services: Mapping[str, Sequence[Part]],
        identifiers: Sequence[tuple[str, str]],
        door: SecureDoor,
        checks: Checks,
        states: ServiceStateService,
    ) -> None:
        self._addresses = addresses
        self._services = services
        self._identifiers = identifiers
        self._door = door
        self._checks = checks
        self._states = states
        self._up_since = datetime.now(UTC)

    @property
    def routes(self) -> list[TreeRoute]:
        """The addresses with their endpoints."""
        own: list[TreeRoute] = [
            ExactRoute("/reg/resource-caps", {"GET": self.resource_caps}),
            ExactRoute("/healthz", {"GET": self.alive}),
            ExactRoute("/readyz", {"GET": self.ready}),
        ]
        for root, parts in self._services.items():
            own.append(ExactRoute(f"{root}/capabilities", {"GET": self._describing(parts)}))
            own.append(
                ExactRoute(
                    f"{root}/availability", {"GET": self.availability, "POST": self.change}
                )
            )
        return own

    async def availability(self, request: Request) -> Response:
        """Whether the service works; with detail=min as a status alone (the heartbeat)."""
        least = request.query_params.get("detail") == "min"
        check = self._checks.heartbeat if least else self._checks.whole
        state, failure = await in_thread(self._look, check)
        available = failure is None and state.mode is not ServiceMode.OFFLINE
        if least:
            headers = {} if available else {"retry-after": _OFFLINE_SECONDS}
            return document(b"", TEXT, status=200 if available else 503, headers=headers)
        told = Availability(
            available=available,
            up_since=self._up_since,
            down_at=state.since if state.mode is ServiceMode.OFFLINE else None,
            notes=tuple(note for note in (state.mode.sentence, failure) if note),
            client_address=client_address(request.scope),
        )
        return document(write_availability(told))

    async def change(self, request: Request) -> Response:
        """An administrator's form with `state`: ReadWrite, ReadOnly or Offline."""
        body = await read_document(request, _FORM_BYTES)
        fields = [*request.query_params.multi_items(), *parse_qsl(body.decode("latin-1"))]
        states = [value for name, value in fields if name.lower() == "state"]
        if len(states) != 1:
            raise InvalidArgument("the form must say state=ReadWrite, ReadOnly or Offline")
        try:
            mode = ServiceMode.parse(states[0])
        except ValueError as error:
            raise InvalidArgument(str(error)) from error
        await in_thread(self._states.change, mode, by=caller_of(request))
        path = request.scope["raw_path"].decode("ascii")
        return see_other(self._addresses.base(request) + path)

    async def resource_caps(self, request: Request) -> Response:
        """Lines `identifier = URL`, as CADC's registry has them."""
        base = self._addresses.base(request)
        lines = (f"{name} = {base}{root}/capabilities\n" for name, root in self._identifiers)
        return text("".join(lines))

    async def alive(self, _request: Request) -> Response:
        """The process answers."""
        return text("ok\n")

    async def ready(self, _request: Request) -> Response:
        """The service can work: 200, else 503 with the reason."""
        state, failure = await in_thread(self._look, self._checks.whole)
        if failure is None and state.mode is ServiceMode.OFFLINE:
            failure = state.mode.sentence
        if failure is None:
            return text("ok\n")
        return text(f"{failure}\n", status=503, headers={"retry-after": _SOON_SECONDS})

    def _describing(self, parts: Sequence[Part]) -> Callable[[Request], Awaitable[Response]]:
        async def capabilities(request: Request) -> Response:
            return document(capabilities_document(request, parts, self._addresses, self._door))

        return capabilities

    def _look(self, check: Callable[[], None]) -> tuple[ServiceState, str | None]:
        """The state, and why the service can't work; None if it can."""
        try:
            check()
        except Exception as error:  # noqa: BLE001 - whatever is wrong is the answer
            return self._states.current(), (
                f"{type(error).__name__}: the service can't work now"
            )
        return self._states.current(), None
