"""What a service says of itself (VOSI 1.1): its capabilities and its availability."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from vospace_model.protocols import SecurityMethod


class StandardId:
    """The identifiers under which clients look for the parts of a service (contract 1.2)."""

    CAPABILITIES: Final = "ivo://ivoa.net/std/VOSI#capabilities"
    AVAILABILITY: Final = "ivo://ivoa.net/std/VOSI#availability"
    PROPERTIES: Final = "ivo://ivoa.net/std/VOSpace/v2.0#properties"
    VIEWS: Final = "ivo://ivoa.net/std/VOSpace/v2.0#views"
    PROTOCOLS: Final = "ivo://ivoa.net/std/VOSpace/v2.0#protocols"
    NODES: Final = "ivo://ivoa.net/std/VOSpace/v2.0#nodes"
    TRANSFERS: Final = "ivo://ivoa.net/std/VOSpace/v2.0#transfers"
    SYNC: Final = "ivo://ivoa.net/std/VOSpace/v2.0#sync"
    SYNC_2_1: Final = "ivo://ivoa.net/std/VOSpace#sync-2.1"
    FILES: Final = "ivo://ivoa.net/std/VOSpace#files-proto"
    RECURSIVE_DELETE: Final = "ivo://ivoa.net/std/VOSpace#recursive-delete-proto"
    RECURSIVE_PROPERTIES: Final = "ivo://ivoa.net/std/VOSpace#recursive-nodeprops-proto"
    PACKAGE: Final = "vos://cadc.nrc.ca~vospace/CADC/std/Pkg-1.0"
    # The standard spells it in lower case, registries and clients do not.
    GROUP_SEARCH: Final = "ivo://ivoa.net/std/GMS#search-1.0"
    GROUP_SEARCH_AS_SPECIFIED: Final = "ivo://ivoa.net/std/gms#search-1.0"
    GROUPS: Final = "ivo://ivoa.net/std/GMS#groups-0.1"
    LOGIN: Final = "ivo://ivoa.net/std/UMS#login-0.1"
    WHOAMI: Final = "ivo://ivoa.net/std/UMS#whoami-0.1"
    USERS: Final = "ivo://ivoa.net/std/UMS#users-0.1"
    PROXY: Final = "ivo://ivoa.net/std/CDP#proxy-1.0"


class UrlUse(Enum):
    """Whether an access URL is complete or a base to be appended to."""

    FULL = "full"
    BASE = "base"
    DIRECTORY = "dir"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """An address of a capability. Without a security method, it is anonymous only.

    Write the anonymous method, `SecurityMethod()`, first: the `vos` client looks at the
    first one alone (contract 2.2).
    """

    access_url: str
    security_methods: tuple[SecurityMethod, ...] = (SecurityMethod(),)
    use: UrlUse = UrlUse.FULL
    role: str = "std"
    version: str = "2.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCapability:
    """A part of the service under the identifier of the standard that describes it."""

    standard_id: str
    interfaces: tuple[Interface, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Whether the service works. `client_address` becomes the comment CADC's suite wants."""

    available: bool
    up_since: datetime | None = None
    down_at: datetime | None = None
    back_at: datetime | None = None
    notes: tuple[str, ...] = ()
    client_address: str | None = None
