"""From what services found to what documents show: NodeView to Node, NodeView to Entry."""

from collections.abc import Mapping
from typing import Final

from vospace_model.api import Entry
from vospace_model.capabilities import Capability
from vospace_model.nodes import (
    ContainerNode,
    DataNode,
    Detail,
    LinkNode,
    Node,
    NodeType,
    StructuredDataNode,
    UnstructuredDataNode,
)
from vospace_model.properties import Property
from vospace_model.uris import VosUri
from vospace_model.views import View, ViewUri
from vospace_server.domain.node_view import NodeView, properties_of
from vospace_server.services.archive_views import ACCEPTED_ARCHIVES, PROVIDED_ARCHIVES

_DATA_NODES: Final[Mapping[NodeType, type[DataNode]]] = {
    leaf.node_type: leaf for leaf in (DataNode, UnstructuredDataNode, StructuredDataNode)
}
_ACCEPTS: Final = (View(uri=ViewUri.ANY), View(uri=ViewUri.BINARY))
_PROVIDES: Final = (View(uri=ViewUri.DEFAULT), View(uri=ViewUri.BINARY))
# Containers have bytes as archives only.
_CONTAINER_ACCEPTS: Final = tuple(View(uri=uri) for uri in ACCEPTED_ARCHIVES)
_CONTAINER_PROVIDES: Final = tuple(View(uri=uri) for uri in PROVIDED_ARCHIVES)


def node_of(
    view: NodeView,
    authority: str,
    *,
    detail: Detail,
    with_access: bool,
    capabilities: tuple[Capability, ...] = (),
) -> Node:
    """The node of a document, without children.

    `with_access` adds what the caller may do, which clients ask for with detail=max;
    `capabilities` are those of containers.
    """
    uri = VosUri(authority, view.path)
    properties: tuple[Property, ...] = ()
    if detail is not Detail.MIN:
        properties = properties_of(view, with_access=with_access)
    record = view.record
    if record.kind is NodeType.CONTAINER:
        return ContainerNode(
            uri=uri,
            properties=properties,
            accepts=_CONTAINER_ACCEPTS,
            provides=_CONTAINER_PROVIDES,
            capabilities=capabilities,
        )
    if record.kind is NodeType.LINK:
        return LinkNode(uri=uri, properties=properties, target=record.target or "")
    return _DATA_NODES[record.kind](
        uri=uri,
        properties=properties,
        busy=view.busy,
        accepts=_ACCEPTS,
        provides=_PROVIDES if record.content_id is not None else (),
    )


def entry_of(view: NodeView, *, path: str | None = None, listed: bool | None = None) -> Entry:
    """The node as our own JSON has it; `path` and `listed` are for listings."""
    record = view.record
    return Entry(
        name=record.name,
        type=record.kind,
        id=record.node_id,
        content=record.content_id,
        length=record.length,
        files=record.files if record.is_container else None,
        mtime_ns=record.shown_mtime_ns,
        ctime_ns=record.changed_ns,
        owner=record.owner_name,
        public=record.public,
        read_groups=record.read_groups,
        write_groups=record.write_groups,
        inherit=record.inherit,
        locked=record.locked,
        readable=view.readable,
        writable=view.writable,
        target=record.target,
        md5=record.md5,
        media_type=record.media_type,
        version=record.version,
        path=path,
        listed=listed,
    )
