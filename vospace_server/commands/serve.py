"""`vospace-server serve`."""

import argparse
import errno
import functools
import gc
import importlib.metadata
import logging
import multiprocessing
import os
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.supervisors import Multiprocess

from vospace_server.app import create_app
from vospace_server.commands.failures import CommandError
from vospace_server.commands.opening import load, open_storage, prepare_data_dir
from vospace_server.commands.server_logging import set_up_logging
from vospace_server.config import ConfigError, ServerConfig
from vospace_server.database.engine import Database
from vospace_server.http.connection import BoundedConnection

_logger = logging.getLogger(__name__)

_BACKLOG = 2048
_STARTUP_FAILED = 3


def serve(arguments: argparse.Namespace) -> int:
    """Serves until SIGTERM or Ctrl-C, then lets running requests finish."""
    config = load(arguments).config
    prepare_data_dir(config, create=True)
    set_up_logging(config.logging)
    _check_parts(config)
    with _listening(config) as listener:
        print(_introduction(config), flush=True)
        address = f"{_address(config, listener)}/{config.service.name}"
        ready = f"ready at {address} (stop it with Ctrl-C or kill {os.getpid()})"
        announce = functools.partial(print, ready, flush=True)
        if config.server.workers == 1:
            _serve_here(config, listener, announce)
        else:
            _serve_in_workers(config, listener, announce)
    print("stopped", flush=True)
    return 0


def _serve_here(
    config: ServerConfig, listener: socket.socket, announce: Callable[[], None]
) -> None:
    app = functools.partial(_make_app, config, announce)
    server = uvicorn.Server(_uvicorn_config(config, app))
    # uvicorn repeats the signal that stopped it when all is done; asked to stop, and stopped,
    # is no failure.
    signal.signal(signal.SIGTERM, _stop_quietly)
    signal.signal(signal.SIGINT, _stop_quietly)
    try:
        server.run(sockets=[listener])
    except SystemExit as error:
        raise CommandError("the server did not start; the reason stands above") from error


def _serve_in_workers(
    config: ServerConfig, listener: socket.socket, announce: Callable[[], None]
) -> None:
    ready = multiprocessing.get_context("spawn").Event()
    app = functools.partial(_make_worker_app, config, ready)
    supervisor = Multiprocess(_uvicorn_config(config, app), sockets=[listener])
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


def _make_worker_app(config: ServerConfig, ready: Event) -> ASGIApp:
    """The application in a process of its own, which has inherited nothing but the socket."""
    set_up_logging(config.logging)
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    try:
        return _make_app(config, ready.set)
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


def _make_app(config: ServerConfig, announce: Callable[[], None]) -> ASGIApp:
    return _announcing(create_app(config), announce)


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


def _uvicorn_config(config: ServerConfig, app: Callable[[], ASGIApp]) -> uvicorn.Config:
    server = config.server
    return uvicorn.Config(
        app,
        factory=True,
        http=BoundedConnection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        # CADC's clients take words such as "ac" in it for products whose version they know.
        server_header=False,
        workers=server.workers,
        proxy_headers=bool(server.trusted_proxies),
        forwarded_allow_ips=list(server.trusted_proxies),
        limit_concurrency=server.max_connections,
        backlog=_BACKLOG,
        timeout_keep_alive=server.keep_alive_seconds,
        timeout_graceful_shutdown=server.shutdown_seconds,
        ssl_certfile=server.tls_cert,
        ssl_keyfile=server.tls_key,
    )


def _check_parts(config: ServerConfig) -> None:
    """Opens everything once, so that what is wrong is said before anything listens."""
    database = Database(config.database_url)
    try:
        database.upgrade()
    finally:
        database.close()
    with open_storage(config) as store:
        if config.server.workers > 1 and not store.properties.shared:
            raise ConfigError("this object store serves one process; set server.workers to 1")
    if config.server.tls_cert is not None:
        _check_tls(config)


def _check_tls(config: ServerConfig) -> None:
    cert, key = config.server.tls_cert, config.server.tls_key
    assert cert is not None
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key)
    except OSError as error:
        reason = error.strerror or error
        raise CommandError(f"can't use {cert} with {key}: {reason}") from error


@contextmanager
def _listening(config: ServerConfig) -> Iterator[socket.socket]:
    """A socket that takes connections already, so that "ready" is true when it is printed."""
    host, port = config.server.host, config.server.port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise CommandError(_why_not_listening(host, port, error)) from error
    listener.set_inheritable(True)
    with listener:
        yield listener


def _why_not_listening(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use; choose another with --port"
    if error.errno == errno.EACCES:
        return f"port {port} needs the rights of root; choose one above 1023 with --port"
    return f"can't listen on {host} port {port}: {error.strerror or error}"


def _introduction(config: ServerConfig) -> str:
    version = importlib.metadata.version("vospace")
    place = config.data_dir.absolute() if config.data_dir else "elsewhere"
    return f"vospace-server {version} serves vos://{config.vos_authority} from {place}"


def _address(config: ServerConfig, listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if config.server.tls_cert else 'http'}://{shown}:{port}"
