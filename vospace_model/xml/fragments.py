"""Views, protocols and their like, the parts that several documents share; both ways."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from lxml import etree

from vospace_model.capabilities import Capability
from vospace_model.faults import InvalidArgument
from vospace_model.protocols import NegotiatedProtocol, RequestedProtocol, SecurityMethod
from vospace_model.views import Param, View
from vospace_model.xml.elements import (
    Children,
    boolean_of,
    describe,
    required_attribute,
    text_of,
)
from vospace_model.xml.markup import attribute, boolean, element, wrap
from vospace_model.xml.namespaces import VOSPACE

_VIEW_PARTS: Final = frozenset({"param"})
_PROTOCOL_PARTS: Final = frozenset({"endpoint", "param", "securityMethod"})
_MAJOR_VERSION: Final = "2"


def check_version(root: etree._Element) -> None:
    """Refuse a document that says it is of another VOSpace than 2."""
    version = root.get("version", _MAJOR_VERSION)
    if version.partition(".")[0] != _MAJOR_VERSION:
        raise InvalidArgument(f"{describe(root)} has the VOSpace version {version[:20]!r}")


def write_param(param: Param) -> str:
    """A parameter of a view, protocol, capability or transfer."""
    return element("vos:param", param.value, attribute("uri", param.uri))


def read_param(source: etree._Element) -> Param:
    """The inverse of `write_param`."""
    return Param(uri=required_attribute(source, "uri"), value=text_of(source))


def write_view(view: View) -> str:
    """A view, alone or in a list."""
    attributes = attribute("uri", view.uri) + attribute("original", boolean(view.original))
    return wrap("vos:view", map(write_param, view.params), attributes)


def read_view(source: etree._Element) -> View:
    """The inverse of `write_view`; `original` is true unless the document says otherwise."""
    parts = Children(source, VOSPACE, _VIEW_PARTS)
    return View(
        uri=required_attribute(source, "uri"),
        original=boolean_of(source, source.get("original", "true")),
        params=tuple(map(read_param, parts.every("param"))),
    )


# The views of a service are few, and the same stand at every node of a listing.
@lru_cache(maxsize=64)
def write_views(name: str, views: tuple[View, ...]) -> str:
    """A list of views as the element `name`."""
    return wrap(name, map(write_view, views))


def write_capability(capability: Capability) -> str:
    """A capability of a node."""
    parts = (
        [] if capability.endpoint is None else [element("vos:endpoint", capability.endpoint)]
    )
    parts += map(write_param, capability.params)
    return wrap("vos:capability", parts, attribute("uri", capability.uri))


def read_capability(source: etree._Element) -> Capability:
    """The inverse of `write_capability`."""
    parts = Children(source, VOSPACE, _PROTOCOL_PARTS)
    return Capability(
        uri=required_attribute(source, "uri"),
        endpoint=parts.text("endpoint"),
        params=tuple(map(read_param, parts.every("param"))),
    )


@lru_cache(maxsize=64)
def write_capabilities(capabilities: tuple[Capability, ...]) -> str:
    """The capabilities of a node."""
    return wrap("vos:capabilities", map(write_capability, capabilities))


def write_protocol(protocol: RequestedProtocol | NegotiatedProtocol) -> str:
    """A protocol: endpoint, then parameters, then security methods."""
    parts = []
    if isinstance(protocol, NegotiatedProtocol):
        parts.append(element("vos:endpoint", protocol.endpoint))
    parts += map(write_param, protocol.params)
    parts += map(_write_security_method, protocol.security_methods)
    return wrap("vos:protocol", parts, attribute("uri", protocol.uri))


def read_protocol(source: etree._Element) -> RequestedProtocol | NegotiatedProtocol:
    """The inverse of `write_protocol`; an empty endpoint is none."""
    parts = Children(source, VOSPACE, _PROTOCOL_PARTS)
    uri = required_attribute(source, "uri")
    params = tuple(map(read_param, parts.every("param")))
    methods = tuple(
        SecurityMethod(uri=each.get("uri")) for each in parts.every("securityMethod")
    )
    endpoint = parts.text("endpoint")
    if endpoint:
        return NegotiatedProtocol(
            uri=uri, endpoint=endpoint, security_methods=methods, params=params
        )
    return RequestedProtocol(uri=uri, security_methods=methods, params=params)


def write_protocols(
    name: str, protocols: Iterable[RequestedProtocol | NegotiatedProtocol]
) -> str:
    """A list of protocols as the element `name`."""
    return wrap(name, map(write_protocol, protocols))


def _write_security_method(method: SecurityMethod) -> str:
    attributes = "" if method.uri is None else attribute("uri", method.uri)
    return wrap("vos:securityMethod", (), attributes)
