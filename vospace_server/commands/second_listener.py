"""A second port for the same application, with TLS, beside the first one without."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override


class _Beside(uvicorn.Server):
    """A server whose process belongs to another one, which answers to the signals."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Says when it listens."""
        await super().startup(sockets)
        self.listening.set()

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signals alone."""
        yield


class SecondListener:
    """The application; while it lives, it answers at `listener` as well.

    `config_of` makes the settings of that listener for an application. It runs in the loop of
    the first one, from when the application has started until it is told to stop.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        config_of: Callable[[ASGIApp], uvicorn.Config],
        listener: socket.socket,
    ) -> None:
        self._app = app
        self._server = _Beside(config_of(app))
        self._listener = listener
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request of the first listener, or its lifespan."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def watching_send(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                await self._begin()
            await send(message)

        async def watching_receive() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._end()
            return message

        await self._app(scope, watching_receive, watching_send)

    async def _begin(self) -> None:
        running = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        listening = asyncio.create_task(self._server.listening.wait())
        await asyncio.wait({running, listening}, return_when=asyncio.FIRST_COMPLETED)
        listening.cancel()
        if running.done():
            running.result()
        self._running = running

    async def _end(self) -> None:
        self._server.should_exit = True
        if self._running is not None:
            await self._running
