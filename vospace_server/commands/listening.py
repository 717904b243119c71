"""The sockets of `vospace-server serve`, which take connections before "ready" is printed."""

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Final

from vospace_server.commands.failures import CommandError
from vospace_server.config import ServerConfig

BACKLOG: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """The first port and, where TLS has one of its own, the second."""

    first: socket.socket
    second: socket.socket | None = None

    def addresses(self, config: ServerConfig) -> list[str]:
        """The URLs of the service at each of them."""
        tls = config.server.tls_cert is not None
        found = [(self.first, "https" if tls and self.second is None else "http")]
        if self.second is not None:
            found.append((self.second, "https"))
        return [f"{_url(each, scheme)}/{config.service.name}" for each, scheme in found]


@contextmanager
def listening(config: ServerConfig) -> Iterator[tuple[ServerConfig, Listeners]]:
    """Sockets that take connections already, and the configuration with their ports."""
    server = config.server
    with ExitStack() as stack:
        first = stack.enter_context(_listener(server.host, server.port, "--port"))
        second = None
        if server.tls_port is not None:
            second = stack.enter_context(_listener(server.host, server.tls_port, "--tls-port"))
            server = replace(server, tls_port=second.getsockname()[1])
        yield replace(config, server=server), Listeners(first=first, second=second)


def _listener(host: str, port: int, option: str) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise CommandError(_why_not(host, port, option, error)) from error
    listener.set_inheritable(True)
    return listener


def _why_not(host: str, port: int, option: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use; choose another with {option}"
    if error.errno == errno.EACCES:
        return f"port {port} needs the rights of root; choose one above 1023 with {option}"
    return f"can't listen on {host} port {port}: {error.strerror or error}"


def _url(listener: socket.socket, scheme: str) -> str:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{port}"
