"""Documents as clients write them, and what tests read out of answers."""

import re
from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

AUTHORITY = "localhost~vault"
CORE = "ivo://ivoa.net/vospace/core#"
_NAMESPACES = (
    'xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)


def uri(path: str, authority: str = AUTHORITY) -> str:
    """The URI of a path that is written without a leading slash."""
    return f"vos://{authority}/{path}"


def node(
    path: str,
    kind: str,
    *,
    properties: Mapping[str, str] | None = None,
    inner: str = "",
    authority: str = AUTHORITY,
) -> str:
    """A node document."""
    shown = "".join(
        f"<vos:property uri={quoteattr(name)}>{escape(value)}</vos:property>"
        for name, value in (properties or {}).items()
    )
    return (
        f"<vos:node {_NAMESPACES} uri={quoteattr(uri(path, authority))} "
        f'xsi:type="vos:{kind}" version="2.1">'
        f"<vos:properties>{shown}</vos:properties>{inner}</vos:node>"
    )


def container(path: str, **properties: str) -> str:
    """A ContainerNode; keywords are properties of the core namespace."""
    named = {CORE + name: value for name, value in properties.items()}
    return node(path, "ContainerNode", properties=named, inner="<vos:nodes/>")


def data(path: str, **properties: str) -> str:
    """A DataNode."""
    named = {CORE + name: value for name, value in properties.items()}
    return node(path, "DataNode", properties=named)


def link(path: str, target: str) -> str:
    """A LinkNode."""
    return node(path, "LinkNode", inner=f"<vos:target>{escape(target)}</vos:target>")


def transfer(
    path: str,
    direction: str,
    *,
    protocols: tuple[str, ...] = (),
    view: str | None = None,
    params: Mapping[str, str] | None = None,
) -> str:
    """A transfer document, written with `!` as the `vos` client does."""
    target = uri(path, "localhost!vault")
    shown_view = "" if view is None else f'<vos:view uri="{view}"/>'
    offered = "".join(f'<vos:protocol uri="{CORE}{name}"/>' for name in protocols)
    given = "".join(
        f'<vos:param uri="{name}">{value}</vos:param>' for name, value in (params or {}).items()
    )
    return (
        f'<vos:transfer {_NAMESPACES} version="2.1"><vos:target>{escape(target)}</vos:target>'
        f"<vos:direction>{escape(direction)}</vos:direction>{shown_view}{offered}{given}"
        "</vos:transfer>"
    )


def move(source: str, destination: str) -> str:
    """The transfer document of a move."""
    return (
        f'<vos:transfer {_NAMESPACES} version="2.1">'
        f"<vos:target>{uri(source)}</vos:target>"
        f"<vos:direction>{uri(destination)}</vos:direction>"
        "<vos:keepBytes>false</vos:keepBytes></vos:transfer>"
    )


def children_of(document: str) -> list[str]:
    """The names of the nodes inside a container's document, in order."""
    below = document.partition("<vos:nodes>")[2]
    found = re.findall(r'<vos:node uri="([^"]*)"', below)
    return [each.rpartition("/")[2] for each in found]


def property_of(document: str, name: str) -> str | None:
    """The value of a core property of the outermost node."""
    head = document.partition("<vos:nodes>")[0]
    found = re.search(
        rf'<vos:property uri="{re.escape(CORE + name)}"[^>]*>([^<]*)</vos:property>', head
    )
    return None if found is None else found[1]


def endpoints_of(document: str) -> list[str]:
    """The endpoints in a transfer's details."""
    return re.findall(r"<vos:endpoint>([^<]*)</vos:endpoint>", document)
