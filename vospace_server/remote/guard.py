"""Guard: which addresses on the network the server may be made to speak to.

Whoever can start a pullToVoSpace could otherwise read what only this machine can reach. A URL
is judged by the addresses that its host has at this moment, and the connection goes to one of
exactly those: nothing is looked up a second time, so an answer that changes in between
(DNS rebinding) changes nothing.
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, urlsplit

from vospace_model.faults import InvalidArgument, TransferFailed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Sequence[str]]
"""The addresses of a host name, as text; raises OSError when there are none."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_MAX_URL_CHARACTERS: Final = 8000
# What no address in a URL may hold: parsers disagree about it.
_UNCLEAN: Final = re.compile(r"[\x00-\x20\x7f-\U0010ffff\\]")
_HOST: Final = re.compile(r"[A-Za-z0-9._:-]{1,253}")

# Python counts these as global, or they lead to an IPv4 address that must be judged by
# whoever translates it: NAT64 (RFC 6052, RFC 8215), 6to4, Teredo, IPv4-compatible.
_TRANSLATED: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
)


def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def is_public(address: Address) -> bool:
    """Whether an address belongs to a host of the open internet.

    Not: private, loopback, link-local, shared (CGNAT), multicast, reserved, documentation,
    unspecified, and IPv6 addresses that stand for IPv4 ones in any way.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None or address.ipv4_mapped is not None:
            return False
        if any(address in network for network in _TRANSLATED):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedUrl:
    """A URL that may be asked for, and the addresses to ask, which were checked."""

    url: str
    scheme: str
    host: str
    port: int
    addresses: tuple[str, ...]

    @property
    def host_header(self) -> str:
        """The host as the request names it."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        is_default = self.port == _DEFAULT_PORTS[self.scheme]
        return shown if is_default else f"{shown}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The rules of one server.

    `allowed_networks` and `allowed_hosts` are the operator's own, where everything is allowed,
    every port too; elsewhere only `ports`.
    """

    allowed_networks: tuple[Network, ...] = ()
    allowed_hosts: frozenset[str] = frozenset()
    ports: frozenset[int] = frozenset({80, 443})
    resolve: Resolve = field(default=resolve)

    @classmethod
    def of_settings(
        cls, networks: Sequence[str], hosts: Sequence[str], ports: Sequence[str]
    ) -> "Guard":
        """The guard that settings describe; ValueError with a sentence for impossible ones."""
        try:
            return cls(
                allowed_networks=tuple(ipaddress.ip_network(text) for text in networks),
                allowed_hosts=frozenset(_normal(host) for host in hosts),
                ports=frozenset(int(port) for port in ports),
            )
        except ValueError as error:
            message = f"remote.allowed_networks or remote.ports: {error}"
            raise ValueError(message) from None

    def check(self, url: str) -> CheckedUrl:
        """The URL with the addresses to use, looked up now.

        Raises InvalidArgument for one that must not be asked for, TransferFailed for a host
        without an address.
        """
        parts = _split(url)
        host, port = _normal(parts.hostname or ""), _port_of(parts)
        try:
            texts = self.resolve(host, port)
            addresses = [ipaddress.ip_address(text) for text in texts]
        except (OSError, ValueError, UnicodeError) as error:
            raise TransferFailed(f"the host {host!r} has no address") from error
        own = host in self.allowed_hosts or self._all_allowed(addresses)
        if not own and not all(map(is_public, addresses)):
            raise InvalidArgument(f"{host!r} is not a host of the open internet")
        if not addresses:
            raise TransferFailed(f"the host {host!r} has no address")
        if not own and port not in self.ports:
            named = ", ".join(str(each) for each in sorted(self.ports))
            raise InvalidArgument(f"port {port} of {host!r} is not allowed, only {named}")
        return CheckedUrl(
            url=url,
            scheme=parts.scheme,
            host=host,
            port=port,
            addresses=tuple(str(each) for each in addresses),
        )

    def _all_allowed(self, addresses: Sequence[Address]) -> bool:
        return bool(addresses) and all(
            any(address in network for network in self.allowed_networks)
            for address in addresses
        )


def _split(url: str) -> SplitResult:
    """The parts of a URL of ours to use; InvalidArgument for everything unusual."""
    if len(url) > _MAX_URL_CHARACTERS or _UNCLEAN.search(url):
        raise InvalidArgument("the endpoint is not a URL: ASCII without blanks, please")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise InvalidArgument(f"the endpoint is not a URL: {error}") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise InvalidArgument(f"the endpoint's scheme is {parts.scheme!r}, not http or https")
    if parts.username is not None or parts.password is not None:
        raise InvalidArgument("the endpoint must not hold a user name or password")
    if _HOST.fullmatch(parts.hostname or "") is None:
        raise InvalidArgument(f"the endpoint's host is {(parts.hostname or '')[:80]!r}")
    return parts


def _port_of(parts: SplitResult) -> int:
    return _DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port


def _normal(host: str) -> str:
    return host.lower().rstrip(".")
