"""The capabilities documents: which parts our services have, and how one logs in to each.

A new part of a service is one line in the table of that service below.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from vospace_model.api import API_PATH, API_STANDARD_ID
from vospace_model.protocols import SecurityMethod, SecurityMethodUri
from vospace_model.vosi import Interface, ServiceCapability, StandardId, UrlUse
from vospace_model.xml.vosi import write_capabilities
from vospace_server.http.addresses import Addresses
from vospace_server.http.challenges import (
    LOGIN_PATH,
    LOGIN_STANDARD_ID,
    PROXY_PATH,
    TOKEN_PATH,
)

GROUPS_ROOT: Final = "/gms"
USERS_ROOT: Final = "/ac"
CERTIFICATES_ROOT: Final = "/cred"

# Anonymous first: clients look at the first one alone (contract 2.2).
_ANONYMOUS: Final = (SecurityMethod(),)
_SECRETS: Final = (
    SecurityMethod(uri=SecurityMethodUri.BASIC),
    SecurityMethod(uri=SecurityMethodUri.TOKEN),
    SecurityMethod(uri=SecurityMethodUri.COOKIE),
)
# A path or the id of a job is appended to the URLs of these (VOResource, use="base").
_EXTENDED: Final = {StandardId.NODES, StandardId.FILES, StandardId.TRANSFERS, StandardId.GROUPS}
_CERTIFICATE: Final = (SecurityMethod(uri=SecurityMethodUri.CERTIFICATE),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a service.

    `anonymous` says that it serves those who do not log in, `identified` that logging in makes
    a difference.
    """

    standard_id: str
    path: str
    anonymous: bool = True
    identified: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SecureDoor:
    """Where client certificates are taken: on the listener itself, or on a port beside it.

    `port` is that of a second listener, with TLS beside one without; None if there is none.
    """

    certificates: bool = False
    port: int | None = None


def vault_parts(addresses: Addresses) -> tuple[Part, ...]:
    """The parts of the VOSpace service."""
    root = addresses.root
    return (
        *_described(root),
        Part(standard_id=StandardId.PROPERTIES, path=f"{root}/properties"),
        Part(standard_id=StandardId.VIEWS, path=f"{root}/views"),
        Part(standard_id=StandardId.PROTOCOLS, path=f"{root}/protocols"),
        Part(standard_id=StandardId.NODES, path=addresses.nodes),
        Part(standard_id=StandardId.FILES, path=addresses.files),
        Part(standard_id=StandardId.TRANSFERS, path=addresses.transfers),
        Part(standard_id=StandardId.SYNC, path=addresses.synctrans),
        Part(standard_id=StandardId.SYNC_2_1, path=addresses.synctrans),
        Part(standard_id=StandardId.PACKAGE, path=addresses.packages),
        Part(standard_id=StandardId.RECURSIVE_DELETE, path=addresses.deletions),
        Part(standard_id=StandardId.RECURSIVE_PROPERTIES, path=addresses.property_changes),
        Part(standard_id=API_STANDARD_ID, path=API_PATH),
        Part(standard_id=LOGIN_STANDARD_ID, path=LOGIN_PATH, identified=False),
    )


def groups_parts() -> tuple[Part, ...]:
    """The parts of the group service; search under both spellings of its identifier."""
    search = f"{GROUPS_ROOT}/search"
    return (
        *_described(GROUPS_ROOT),
        Part(standard_id=StandardId.GROUP_SEARCH, path=search, anonymous=False),
        Part(standard_id=StandardId.GROUP_SEARCH_AS_SPECIFIED, path=search, anonymous=False),
        Part(standard_id=StandardId.GROUPS, path=f"{GROUPS_ROOT}/groups", anonymous=False),
        Part(standard_id=LOGIN_STANDARD_ID, path=LOGIN_PATH, identified=False),
        Part(standard_id=StandardId.LOGIN, path=LOGIN_PATH, identified=False),
    )


def users_parts(whoami_path: str, users_path: str) -> tuple[Part, ...]:
    """The parts of the login service (CADC's UMS)."""
    return (
        *_described(USERS_ROOT),
        Part(standard_id=LOGIN_STANDARD_ID, path=LOGIN_PATH, identified=False),
        Part(standard_id=StandardId.LOGIN, path=LOGIN_PATH, identified=False),
        Part(standard_id=SecurityMethodUri.CERTIFICATE, path=TOKEN_PATH, anonymous=False),
        Part(standard_id=StandardId.WHOAMI, path=whoami_path, anonymous=False),
        Part(standard_id=StandardId.USERS, path=users_path, anonymous=False),
    )


def certificates_parts() -> tuple[Part, ...]:
    """The parts of the service of certificates (CADC's CDP)."""
    return (
        *_described(CERTIFICATES_ROOT),
        Part(standard_id=StandardId.PROXY, path=PROXY_PATH, anonymous=False),
    )


def capabilities_document(
    request: Request, parts: Sequence[Part], addresses: Addresses, door: SecureDoor
) -> bytes:
    """The document about these parts, with addresses as the client sees the server."""
    base = addresses.base(request)
    return write_capabilities(
        ServiceCapability(
            standard_id=part.standard_id, interfaces=tuple(_interfaces(part, base, door))
        )
        for part in parts
    )


def _described(root: str) -> tuple[Part, ...]:
    return (
        Part(
            standard_id=StandardId.CAPABILITIES, path=f"{root}/capabilities", identified=False
        ),
        Part(
            standard_id=StandardId.AVAILABILITY, path=f"{root}/availability", identified=False
        ),
    )


def _interfaces(part: Part, base: str, door: SecureDoor) -> Iterator[Interface]:
    """One interface; a second one where certificates have a port of their own.

    That one has no other method: clients prefer it, where it has theirs, for its https.
    """
    secure = base.startswith("https:")
    methods: tuple[SecurityMethod, ...] = _ANONYMOUS if part.anonymous else ()
    if part.identified:
        methods += _SECRETS
        if door.certificates and secure:
            methods += _CERTIFICATE
    use = UrlUse.BASE if part.standard_id in _EXTENDED else UrlUse.FULL
    yield Interface(access_url=base + part.path, security_methods=methods, use=use)
    if part.identified and door.certificates and door.port is not None and not secure:
        host = urlsplit(base).hostname or ""
        shown = f"[{host}]" if ":" in host else host
        yield Interface(
            access_url=f"https://{shown}:{door.port}{part.path}",
            security_methods=_CERTIFICATE,
            use=use,
        )
