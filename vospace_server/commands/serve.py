"""`vospace-server serve`."""

import argparse
import functools
import gc
import importlib.metadata
import logging
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from typing import Literal

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.supervisors import Multiprocess

from vospace_server.app import create_app
from vospace_server.commands.failures import CommandError
from vospace_server.commands.listening import BACKLOG, listening
from vospace_server.commands.opening import load, prepare_data_dir
from vospace_server.commands.second_listener import SecondListener
from vospace_server.commands.server_logging import set_up_logging
from vospace_server.commands.tls import make_context
from vospace_server.composition.access import build_certificates
from vospace_server.composition.storing import open_storage
from vospace_server.config import ConfigError, ServerConfig
from vospace_server.database.engine import Database
from vospace_server.http.connection import connection_type

_logger = logging.getLogger(__name__)

_STARTUP_FAILED = 3
# A worker answers its supervisor once it has imported everything, which takes a busy host
# longer than uvicorn's 5 s: it would be killed and started again, for ever.
_WORKER_SECONDS = 60


def serve(arguments: argparse.Namespace) -> int:
    """Serves until SIGTERM or Ctrl-C, then lets running requests finish."""
    config = load(arguments).config
    prepare_data_dir(config, create=True)
    set_up_logging(config.logging)
    authorities = _check_parts(config)
    with listening(config) as (config, listeners):
        print(_introduction(config), flush=True)
        ready = (
            f"ready at {' and '.join(listeners.addresses(config))} "
            f"(stop it with Ctrl-C or kill {os.getpid()})"
        )
        announce = functools.partial(print, ready, flush=True)
        serving = Serving(config=config, second=listeners.second, authorities=authorities)
        if config.server.workers == 1:
            _serve_here(serving, listeners.first, announce)
        else:
            _serve_in_workers(serving, listeners.first, announce)
    print("stopped", flush=True)
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What is served, and its second port if it has one; goes to the workers as it is.

    `authorities` are those of our own client certificates (PEM), '' without TLS.
    """

    config: ServerConfig
    second: socket.socket | None
    authorities: str


def _serve_here(
    serving: Serving, listener: socket.socket, announce: Callable[[], None]
) -> None:
    app = functools.partial(_make_app, serving, announce)
    server = uvicorn.Server(_first_config(serving, app))
    # uvicorn repeats the signal that stopped it when all is done; asked to stop, and stopped,
    # is no failure.
    signal.signal(signal.SIGTERM, _stop_quietly)
    signal.signal(signal.SIGINT, _stop_quietly)
    try:
        server.run(sockets=[listener])
    except SystemExit as error:
        raise CommandError("the server did not start; the reason stands above") from error


def _serve_in_workers(
    serving: Serving, listener: socket.socket, announce: Callable[[], None]
) -> None:
    ready = multiprocessing.get_context("spawn").Event()
    app = functools.partial(_make_worker_app, serving, ready)
    supervisor = Multiprocess(_first_config(serving, app), sockets=[listener])
    waiting = threading.Thread(target=_announce_when, args=(ready, announce), daemon=True)
    waiting.start()
    supervisor.run()
    if any(worker.exitcode == _STARTUP_FAILED for worker in supervisor.processes):
        raise CommandError("the workers did not start; the reason stands above")


def _announce_when(ready: Event, announce: Callable[[], None]) -> None:
    ready.wait()
    announce()


def _stop_quietly(_signal: int, _frame: object) -> None:
    """Nothing is left to do."""


def _make_worker_app(serving: Serving, ready: Event) -> ASGIApp:
    """The application in a process of its own, which has inherited nothing but the socket."""
    set_up_logging(serving.config.logging)
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    try:
        return _make_app(serving, ready.set)
    except Exception as error:
        _logger.exception("the worker can't start")
        # With this status the supervisor gives up; with any other it would try for ever.
        raise SystemExit(_STARTUP_FAILED) from error


def _stop_with_parent() -> None:
    """Ends this worker when its supervisor was killed, so that none is left over."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _make_app(serving: Serving, announce: Callable[[], None]) -> ASGIApp:
    app: ASGIApp = create_app(serving.config)
    if serving.second is not None:
        config_of = functools.partial(_second_config, serving)
        app = SecondListener(app, config_of=config_of, listener=serving.second)
    return _announcing(app, announce)


def _announcing(app: ASGIApp, announce: Callable[[], None]) -> ASGIApp:
    """The application; calls `announce` when it has started, for the socket listens already."""

    async def announcing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return

        async def watching_send(message: Message) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                # What was made until now stays; looking for garbage in it would only hold
                # requests up.
                gc.collect()
                gc.freeze()
                announce()

        await app(scope, receive, watching_send)

    return announcing


def _first_config(serving: Serving, app: Callable[[], ASGIApp]) -> uvicorn.Config:
    alone = serving.second is None
    return _uvicorn_config(serving, app, factory=True, lifespan="on", tls=alone)


def _second_config(serving: Serving, app: ASGIApp) -> uvicorn.Config:
    return _uvicorn_config(serving, app, factory=False, lifespan="off", tls=True)


def _uvicorn_config(
    serving: Serving,
    app: ASGIApp | Callable[[], ASGIApp],
    *,
    factory: bool,
    lifespan: Literal["on", "off"],
    tls: bool,
) -> uvicorn.Config:
    server = serving.config.server
    context = None
    if tls and server.tls_cert is not None:
        context = functools.partial(make_context, server, serving.authorities)
    return uvicorn.Config(
        app,
        factory=factory,
        http=connection_type(send_seconds=server.send_timeout_seconds),
        ws="none",
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        # CADC's clients take words such as "ac" in it for products whose version they know.
        server_header=False,
        workers=server.workers,
        timeout_worker_healthcheck=_WORKER_SECONDS,
        proxy_headers=bool(server.trusted_proxies),
        forwarded_allow_ips=list(server.trusted_proxies),
        limit_concurrency=server.max_connections,
        backlog=BACKLOG,
        timeout_keep_alive=server.keep_alive_seconds,
        timeout_graceful_shutdown=server.shutdown_seconds,
        ssl_context_factory=context,
    )


def _check_parts(config: ServerConfig) -> str:
    """Opens everything once, so that what is wrong is said before anything listens.

    Returns the authorities of our own client certificates.
    """
    database = Database(config.database_url)
    authorities = ""
    try:
        database.upgrade()
        if config.server.tls_cert is not None:
            authorities = build_certificates(config, database).pem()
            make_context(config.server, authorities)
    finally:
        database.close()
    with open_storage(config) as store:
        if config.server.workers > 1 and not store.properties.shared:
            raise ConfigError("this object store serves one process; set server.workers to 1")
    return authorities


def _introduction(config: ServerConfig) -> str:
    version = importlib.metadata.version("vospace")
    place = config.data_dir.absolute() if config.data_dir else "elsewhere"
    return f"vospace-server {version} serves vos://{config.vos_authority} from {place}"
