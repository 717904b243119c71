"""VOSI documents: the capabilities and the availability of a service (contract 1.8, 2.2)."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from lxml import etree

from vospace_model.faults import InvalidArgument
from vospace_model.protocols import SecurityMethod
from vospace_model.timestamps import format_date_time, parse_timestamp
from vospace_model.vosi import Availability, Interface, ServiceCapability, UrlUse
from vospace_model.xml.elements import Children, boolean_of, check_root, text_of, token_of
from vospace_model.xml.markup import attribute, boolean, document, element, escape, wrap
from vospace_model.xml.namespaces import (
    VO_DATA_SERVICE,
    VO_RESOURCE,
    VOSI_AVAILABILITY,
    VOSI_CAPABILITIES,
    XSI,
)
from vospace_model.xml.parser import parse_document

MAX_CAPABILITIES_BYTES: Final = 1024 * 1024
"""Largest capabilities document that a client of ours reads."""

# The prefixes vs and vr are compared literally, and xsi must be declared at the root.
_CAPABILITIES_ATTRIBUTES: Final = (
    attribute("xmlns:vosi", VOSI_CAPABILITIES)
    + attribute("xmlns:vr", VO_RESOURCE)
    + attribute("xmlns:vs", VO_DATA_SERVICE)
    + attribute("xmlns:xsi", XSI)
)
_AVAILABILITY_PARTS: Final = frozenset({"available", "upSince", "downAt", "backAt", "note"})
_URL_USES: Final = {use.value: use for use in UrlUse}


def write_capabilities(capabilities: Iterable[ServiceCapability]) -> bytes:
    """The capabilities document; its elements below the root have no namespace."""
    markup = wrap("vosi:capabilities", map(_capability, capabilities), _CAPABILITIES_ATTRIBUTES)
    return document(markup)


def read_capabilities(
    data: bytes, *, max_bytes: int = MAX_CAPABILITIES_BYTES
) -> tuple[ServiceCapability, ...]:
    """What a service says it offers.

    Services differ in the namespaces of the inner elements, so those are not looked at;
    capabilities without a standardID are left out.
    """
    root = parse_document(data, max_bytes=max_bytes)
    check_root(root, VOSI_CAPABILITIES, "capabilities")
    return tuple(
        ServiceCapability(
            standard_id=source.get("standardID", ""),
            interfaces=tuple(map(_read_interface, _named(source, "interface"))),
        )
        for source in _named(root, "capability")
        if source.get("standardID")
    )


def write_availability(availability: Availability) -> bytes:
    """The availability document."""
    parts = [
        _client_comment(availability.client_address),
        element("vosi:available", boolean(availability.available)),
        _moment("vosi:upSince", availability.up_since),
        _moment("vosi:downAt", availability.down_at),
        _moment("vosi:backAt", availability.back_at),
        *(element("vosi:note", note) for note in availability.notes),
    ]
    attributes = attribute("xmlns:vosi", VOSI_AVAILABILITY)
    return document(wrap("vosi:availability", parts, attributes))


def read_availability(data: bytes) -> Availability:
    """What a service says of its state; InvalidArgument if it says nothing of the kind."""
    root = parse_document(data)
    check_root(root, VOSI_AVAILABILITY, "availability")
    parts = Children(root, VOSI_AVAILABILITY, _AVAILABILITY_PARTS)
    available = parts.required("available")
    return Availability(
        available=boolean_of(available, token_of(available)),
        up_since=_read_moment(parts.text("upSince")),
        down_at=_read_moment(parts.text("downAt")),
        back_at=_read_moment(parts.text("backAt")),
        notes=tuple(map(text_of, parts.every("note"))),
    )


def _capability(capability: ServiceCapability) -> str:
    interfaces = map(_interface, capability.interfaces)
    return (
        wrap("capability", interfaces, attribute("standardID", capability.standard_id)) + "\n"
    )


def _interface(interface: Interface) -> str:
    attributes = ' xsi:type="vs:ParamHTTP"'
    attributes += attribute("role", interface.role) + attribute("version", interface.version)
    parts = [element("accessURL", interface.access_url, attribute("use", interface.use.value))]
    parts += map(_security_method, interface.security_methods)
    return wrap("interface", parts, attributes)


def _security_method(method: SecurityMethod) -> str:
    attributes = "" if method.uri is None else attribute("standardID", method.uri)
    return wrap("securityMethod", (), attributes)


def _client_comment(address: str | None) -> str:
    if address is None:
        return ""
    # Two hyphens would end the comment; no address has them.
    return f"<!--<clientip>{escape(address).replace('--', '')}</clientip>-->"


def _moment(name: str, moment: datetime | None) -> str:
    return "" if moment is None else element(name, format_date_time(moment))


def _named(parent: etree._Element, name: str) -> Iterator[etree._Element]:
    return parent.iterchildren(f"{{*}}{name}")


def _read_interface(source: etree._Element) -> Interface:
    url = next(_named(source, "accessURL"), None)
    if url is None:
        raise InvalidArgument(f"line {source.sourceline}: an interface has no accessURL")
    methods = (
        SecurityMethod(uri=each.get("standardID")) for each in _named(source, "securityMethod")
    )
    return Interface(
        access_url=token_of(url),
        security_methods=tuple(methods),
        use=_URL_USES.get(url.get("use", ""), UrlUse.FULL),
        role=source.get("role", ""),
        version=source.get("version", ""),
    )


def _read_moment(text: str | None) -> datetime | None:
    return parse_timestamp(text) if text else None
