"""Middleware: what a service does not do while it only reads or rests (contract 1.8)."""

from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from vospace_server.domain.service_state import ServiceMode
from vospace_server.http.threads import in_thread
from vospace_server.services.service_states import ServiceStateService, refuse

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_ALWAYS: Final = (b"/healthz", b"/readyz", b"/metrics", b"/reg/resource-caps")
_MODE: Final = "vospace.mode"
_VOSI: Final = (b"/capabilities", b"/availability")


def refuse_writing(request: Request) -> None:
    """Raise ServiceBusy while the service only reads, for what an address alone doesn't say."""
    refuse(request.scope.get(_MODE, ServiceMode.READ_WRITE), writing=True)


class ServiceGate:
    """Raises ServiceBusy (503) for what the state of the service does not allow.

    While it only reads, requests of other methods than GET and HEAD are refused but for those
    below `reading`, which ask a question or log in. While it rests, nothing is answered but
    what the service says of itself below `roots`, the probes, and what is below `open_to_all`:
    the pages by which an administrator changes the state.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        states: ServiceStateService,
        roots: Sequence[str],
        reading: Sequence[str],
        open_to_all: Sequence[str] = (),
    ) -> None:
        self._app = app
        self._states = states
        self._always = frozenset(
            (*_ALWAYS, *(root.encode("ascii") + name for root in roots for name in _VOSI))
        )
        self._open = tuple(prefix.encode("ascii") for prefix in open_to_all)
        self._reading = tuple(prefix.encode("ascii") for prefix in reading)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, if there is service."""
        if scope["type"] == "http" and not self._is_open(scope["raw_path"]):
            state = self._states.remembered()
            if state is None:
                state = await in_thread(self._states.current)
            scope[_MODE] = state.mode
            refuse(state.mode, writing=self._writes(scope))
        await self._app(scope, receive, send)

    def _is_open(self, raw_path: bytes) -> bool:
        return raw_path.rstrip(b"/") in self._always or any(
            _is_below(raw_path, prefix) for prefix in self._open
        )

    def _writes(self, scope: Scope) -> bool:
        return scope["method"] not in _SAFE_METHODS and not any(
            _is_below(scope["raw_path"], prefix) for prefix in self._reading
        )


def _is_below(raw_path: bytes, prefix: bytes) -> bool:
    return raw_path == prefix or raw_path.startswith(prefix + b"/")
