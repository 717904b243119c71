"""Protocols that move bytes (VOSpace 2.1, section 3.5), and how one proves who one is.

A requested protocol has no endpoint and a negotiated one always has: two types, so that no
code asks whether an endpoint is there.
"""

from dataclasses import dataclass
from typing import Final

from vospace_model.views import Param


class ProtocolUri:
    """The URIs of protocols that are known by name."""

    HTTP_GET: Final = "ivo://ivoa.net/vospace/core#httpget"
    HTTP_PUT: Final = "ivo://ivoa.net/vospace/core#httpput"
    HTTPS_GET: Final = "ivo://ivoa.net/vospace/core#httpsget"
    HTTPS_PUT: Final = "ivo://ivoa.net/vospace/core#httpsput"
    PUBLIC_SHARE: Final = "http://wiki.ivoa.net/twiki/bin/view/IVOA/VOSpacePublicShare"
    SSHFS: Final = "ivo://cadc.nrc.ca/vospace#SSHFS"


class SecurityMethodUri:
    """The URIs of the SSO standard that clients look for."""

    ANONYMOUS: Final = "ivo://ivoa.net/sso#anon"
    BASIC: Final = "ivo://ivoa.net/sso#BasicAA"
    CERTIFICATE: Final = "ivo://ivoa.net/sso#tls-with-certificate"
    COOKIE: Final = "ivo://ivoa.net/sso#cookie"
    TOKEN: Final = "ivo://ivoa.net/sso#token"  # noqa: S105 - a public identifier
    OPENID: Final = "ivo://ivoa.net/sso#OpenID"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityMethod:
    """A way to authenticate, named by its URI; None is the empty element, anonymous."""

    uri: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedProtocol:
    """A protocol a client can speak, or a service can offer."""

    uri: str
    security_methods: tuple[SecurityMethod, ...] = ()
    params: tuple[Param, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NegotiatedProtocol:
    """A protocol together with the address at which it is spoken."""

    uri: str
    endpoint: str
    security_methods: tuple[SecurityMethod, ...] = ()
    params: tuple[Param, ...] = ()
