"""Node documents, both ways (contract 1.3).

The published schema has no global element `node`; the examples of the standard and all
implementations write one, and so do we, with the prefix that clients compare literally.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, TypedDict

from lxml import etree

from vospace_model.capabilities import Capability
from vospace_model.faults import InvalidArgument
from vospace_model.nodes import (
    ContainerNode,
    DataNode,
    Detail,
    LinkNode,
    Node,
    NodeType,
    NodeUpdate,
    StructuredDataNode,
    UnstructuredDataNode,
)
from vospace_model.properties import Property, PropertyChange, RemoveProperty, SetProperty
from vospace_model.uris import VosUri
from vospace_model.views import View
from vospace_model.xml import fragments
from vospace_model.xml.elements import (
    Children,
    boolean_of,
    check_root,
    describe,
    is_nil,
    required_token,
    text_of,
    token_of,
    type_of,
)
from vospace_model.xml.markup import (
    DECLARATION,
    NIL,
    attribute,
    boolean,
    document,
    element,
    escape,
    wrap,
)
from vospace_model.xml.namespaces import VOSPACE, VOSPACE_VERSION, XSI
from vospace_model.xml.parser import MAX_DOCUMENT_BYTES, parse_document

MAX_PROPERTIES: Final = 1000
"""Most properties that a node in a document may have."""

_CHUNK_CHARACTERS: Final = 64 * 1024
_ROOT_ATTRIBUTES: Final = (
    attribute("xmlns:vos", VOSPACE)
    + attribute("xmlns:xsi", XSI)
    + attribute("version", VOSPACE_VERSION)
)
# What a document without a type is about, too (VOSpace 2.1, 6.2.1).
_GENERIC: Final = "Node"
_PARTS: Final = frozenset(
    {"properties", "accepts", "provides", "capabilities", "nodes", "target"}
)
_DATA_NODES: Final[dict[NodeType, type[DataNode]]] = {
    leaf.node_type: leaf for leaf in (DataNode, UnstructuredDataNode, StructuredDataNode)
}


def write_node(node: Node, *, detail: Detail = Detail.MAX) -> bytes:
    """The document of a node and, for a container, of the children it holds.

    `detail` says how much: MIN leaves out the properties, PROPERTIES leaves out views and
    capabilities. Children, and the targets of links, are always there.
    """
    return document(_node(node, detail, _ROOT_ATTRIBUTES))


def iter_node_document(
    container: ContainerNode, children: Iterable[Node], *, detail: Detail = Detail.MAX
) -> Iterator[bytes]:
    """The same document in pieces of some 64 KiB, for a listing of any length.

    The children are taken from `children` as they are written, not from the container; the
    first piece comes before the first child is asked for.
    """
    head = _start(container, detail, _ROOT_ATTRIBUTES)
    yield f"{DECLARATION}{head}<vos:nodes>\n".encode()
    pending: list[str] = []
    size = 0
    for child in children:
        text = _node(child, detail) + "\n"
        pending.append(text)
        size += len(text)
        if size >= _CHUNK_CHARACTERS:
            yield "".join(pending).encode()
            pending.clear()
            size = 0
    pending.append("</vos:nodes></vos:node>\n")
    yield "".join(pending).encode()


def write_node_update(update: NodeUpdate) -> bytes:
    """The document that asks for these changes of properties."""
    parts = [wrap("vos:properties", map(_change, update.changes))]
    if update.target is not None:
        parts.append(element("vos:target", update.target))
    if update.node_type is NodeType.CONTAINER:
        parts.append("<vos:nodes/>")
    wire = _GENERIC if update.node_type is None else update.node_type.wire
    attributes = _ROOT_ATTRIBUTES + _identity(update.uri, wire)
    return document(wrap("vos:node", parts, attributes))


def read_node(data: bytes, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> Node:
    """The node that a document describes; properties marked nil are left out.

    The standard's generic `Node` is read as the DataNode that a service may make of it. Raises
    InvalidArgument, InvalidURI, TypeNotSupported or RequestEntityTooLarge. The URIs of
    properties are not judged here: what a foreign service says is read as it is.
    """
    root = parse_document(data, max_bytes=max_bytes)
    check_root(root, VOSPACE, "node")
    fragments.check_version(root)
    return _read_node(root)


def read_node_update(data: bytes, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> NodeUpdate:
    """The changes that a posted document asks for; `xsi:nil` removes a property.

    Children, views and capabilities in it are ignored; the generic `Node` is no type at all.
    Raises as `read_node`.
    """
    root = parse_document(data, max_bytes=max_bytes)
    check_root(root, VOSPACE, "node")
    fragments.check_version(root)
    parts = Children(root, VOSPACE, _PARTS)
    return NodeUpdate(
        uri=_read_uri(root),
        node_type=_read_type(root),
        changes=_read_changes(parts),
        target=parts.text("target"),
    )


def _identity(uri: VosUri, wire_type: str) -> str:
    return f'{attribute("uri", str(uri))} xsi:type="vos:{wire_type}"'


def _start(node: Node, detail: Detail, root_attributes: str = "") -> str:
    """The start tag and all that comes before target and children."""
    busy = attribute("busy", boolean(node.busy)) if isinstance(node, DataNode) else ""
    opening = f"<vos:node{root_attributes}{_identity(node.uri, node.node_type.wire)}{busy}>"
    if detail is Detail.MIN:
        return opening + "<vos:properties/>"
    properties = opening + wrap("vos:properties", map(_property, node.properties))
    if detail is Detail.MAX and isinstance(node, DataNode | ContainerNode):
        return properties + _offers(node)
    return properties


def _offers(node: DataNode | ContainerNode) -> str:
    parts = []
    if node.accepts:
        parts.append(fragments.write_views("vos:accepts", node.accepts))
    if node.provides:
        parts.append(fragments.write_views("vos:provides", node.provides))
    if node.capabilities:
        parts.append(fragments.write_capabilities(node.capabilities))
    return "".join(parts)


def _node(node: Node, detail: Detail, root_attributes: str = "") -> str:
    start = _start(node, detail, root_attributes)
    if isinstance(node, ContainerNode):
        children = wrap("vos:nodes", (_node(child, detail) + "\n" for child in node.nodes))
        return f"{start}{children}</vos:node>"
    if isinstance(node, LinkNode):
        return f"{start}{element('vos:target', node.target)}</vos:node>"
    return f"{start}</vos:node>"


def _property(item: Property) -> str:
    return f"{_property_tag(item.uri, item.read_only)}{escape(item.value)}</vos:property>"


# The same few in all nodes of a listing.
@lru_cache(maxsize=256)
def _property_tag(uri: str, read_only: bool) -> str:  # noqa: FBT001 - as above
    attributes = attribute("uri", uri) + (' readOnly="true"' if read_only else "")
    return f"<vos:property{attributes}>"


def _change(change: PropertyChange) -> str:
    uri = attribute("uri", change.uri)
    if isinstance(change, RemoveProperty):
        return f"<vos:property{uri} {NIL}/>"
    return element("vos:property", change.value, uri)


class _Offers(TypedDict):
    accepts: tuple[View, ...]
    provides: tuple[View, ...]
    capabilities: tuple[Capability, ...]


def _read_node(source: etree._Element) -> Node:
    parts = Children(source, VOSPACE, _PARTS)
    uri = _read_uri(source)
    node_type = _read_type(source) or NodeType.DATA
    properties = _read_properties(parts)
    if node_type is NodeType.LINK:
        return LinkNode(
            uri=uri, properties=properties, target=token_of(parts.required("target"))
        )
    offers = _read_offers(parts)
    if node_type is NodeType.CONTAINER:
        nodes = tuple(map(_read_node, parts.within("nodes", "node", VOSPACE)))
        return ContainerNode(uri=uri, properties=properties, nodes=nodes, **offers)
    busy = boolean_of(source, source.get("busy", "false"))
    return _DATA_NODES[node_type](uri=uri, properties=properties, busy=busy, **offers)


def _read_uri(source: etree._Element) -> VosUri:
    return VosUri.parse(required_token(source, "uri"))


def _read_type(source: etree._Element) -> NodeType | None:
    """The type, None for the generic one. Raises TypeNotSupported, InvalidArgument."""
    name = type_of(source, VOSPACE)
    return None if name is None or name == _GENERIC else NodeType.from_wire(name)


def _read_offers(parts: Children) -> _Offers:
    return {
        "accepts": tuple(map(fragments.read_view, parts.within("accepts", "view", VOSPACE))),
        "provides": tuple(map(fragments.read_view, parts.within("provides", "view", VOSPACE))),
        "capabilities": tuple(
            map(fragments.read_capability, parts.within("capabilities", "capability", VOSPACE))
        ),
    }


def _property_elements(parts: Children) -> list[tuple[str, etree._Element]]:
    """The property elements with their URIs, each of which may stand once."""
    found: dict[str, etree._Element] = {}
    for source in parts.within("properties", "property", VOSPACE):
        uri = required_token(source, "uri")
        if uri in found:
            raise InvalidArgument(f"{describe(source)} {uri[:80]} is given twice")
        found[uri] = source
    if len(found) > MAX_PROPERTIES:
        raise InvalidArgument(
            f"the node has {len(found)} properties, more than {MAX_PROPERTIES}"
        )
    return list(found.items())


def _read_properties(parts: Children) -> tuple[Property, ...]:
    return tuple(
        Property(
            uri=uri,
            value=text_of(source),
            read_only=boolean_of(source, source.get("readOnly", "false")),
        )
        for uri, source in _property_elements(parts)
        if not is_nil(source)
    )


def _read_changes(parts: Children) -> tuple[PropertyChange, ...]:
    return tuple(
        RemoveProperty(uri=uri)
        if is_nil(source)
        else SetProperty(uri=uri, value=text_of(source))
        for uri, source in _property_elements(parts)
    )
