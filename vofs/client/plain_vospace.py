"""The dialect that every VOSpace 2.1 service speaks: node documents and transfers."""

from collections.abc import Iterator, Sequence
from typing import Final

import httpx

from vofs.client.bundles import BundleItem
from vofs.client.byte_ranges import OpenedContent
from vofs.client.connection import Connection
from vofs.client.errors import MalformedAnswer
from vofs.client.node_entries import entry_of
from vofs.client.plain_transfers import PlainTransfers
from vofs.client.service import ServiceEndpoints
from vospace_model.api import AttributeChange, Entry, QuotaReport
from vospace_model.faults import Fault, InternalFault, OptionNotSupported
from vospace_model.nodes import (
    ContainerNode,
    LinkNode,
    Node,
    NodeType,
    NodeUpdate,
)
from vospace_model.properties import (
    Cadc,
    Core,
    Property,
    PropertyChange,
    RemoveProperty,
    SetProperty,
    format_groups,
)
from vospace_model.timestamps import format_node_date, moment_of
from vospace_model.transfers import Direction
from vospace_model.uris import NodePath, VosUri
from vospace_model.xml.nodes import read_node, write_node, write_node_update
from vospace_model.xml.parser import MAX_RESPONSE_BYTES

_XML: Final = {"Content-Type": "text/xml"}
_PAGE: Final = 1000


class PlainVospace:
    """Node documents for everything; what they can't do in one step is done in several."""

    def __init__(self, connection: Connection, endpoints: ServiceEndpoints) -> None:
        self._connection = connection
        self._endpoints = endpoints
        self._transfers = PlainTransfers(connection, endpoints)

    def get_node(self, path: NodePath) -> Entry:
        """The node; a link is the link itself."""
        return entry_of(self._node(path))

    def open_content(self, path: NodePath) -> OpenedContent:
        """The node's version of now and where its bytes are."""
        entry = self.get_node(path)
        if entry.content is None:
            return OpenedContent(path=path, entry=entry, data_url="")
        url = self._transfers.data_url(self._uri(path))
        etag = self._etag(url, entry)
        return OpenedContent(path=path, entry=entry, data_url=url, etag=etag)

    def list(self, path: NodePath, *, deep: bool) -> Iterator[Entry]:
        """The container and its children; plain VOSpace lists one level at a time."""
        container = self._node(path, limit=str(_PAGE))
        if not isinstance(container, ContainerNode):
            yield entry_of(container, path="")
            return
        yield entry_of(container, path="")
        for child in self._children(path, container):
            entry = entry_of(child, path=child.uri.name)
            yield entry
            if deep and entry.type is NodeType.CONTAINER:
                yield from self._below(path.child(entry.name), prefix=entry.name)

    def create_container(self, path: NodePath) -> Entry:
        """Make an empty folder."""
        return self._create(ContainerNode(uri=self._uri(path)))

    def create_link(self, path: NodePath, target: str) -> Entry:
        """Make a link; the target need not exist."""
        return self._create(LinkNode(uri=self._uri(path), target=target))

    def delete(self, path: NodePath) -> None:
        """Remove a node. The caller has made sure that a container is empty."""
        self._connection.request("DELETE", self._url(path))

    def move(self, source: NodePath, destination: NodePath, *, overwrite: bool) -> Entry:
        """A move job; over an existing node it takes a deletion first, which isn't atomic."""
        if overwrite:
            self._clear(destination)
        self._transfers.move(self._uri(source), self._uri(destination))
        return self.get_node(destination)

    def set_attributes(self, path: NodePath, change: AttributeChange) -> Entry:
        """Change what is mentioned."""
        self.set_properties(path, [*_property_changes(change), *change.properties])
        return self.get_node(path)

    def quota(self, path: NodePath) -> QuotaReport:
        """The room at a place, from the nearest folder above that has a quota."""
        place = path
        while True:
            node = self._node(place, limit="0")
            quota = node.value_of(Core.QUOTA)
            if quota is not None and quota.isdigit():
                used = entry_of(node).length
                return QuotaReport(
                    quota=int(quota),
                    used=used,
                    available=max(0, int(quota) - used),
                    files=0,
                    allocation=place,
                )
            if place.is_root:
                return QuotaReport(quota=None, used=0, available=None, files=0)
            place = place.parent

    def properties(self, path: NodePath) -> Sequence[Property]:
        """All properties of a node."""
        return self._node(path).properties

    def properties_of_children(
        self, path: NodePath
    ) -> Iterator[tuple[str, Sequence[Property]]]:
        """All properties of all children of a folder, by name."""
        container = self._node(path, limit=str(_PAGE))
        if isinstance(container, ContainerNode):
            for child in self._children(path, container):
                yield child.uri.name, child.properties

    def set_properties(self, path: NodePath, changes: Sequence[PropertyChange]) -> None:
        """Change the properties that are mentioned."""
        if not changes:
            return
        node_type = self._node(path).node_type
        update = NodeUpdate(uri=self._uri(path), node_type=node_type, changes=tuple(changes))
        self._connection.request(
            "POST", self._url(path), headers=_XML, content=write_node_update(update)
        )

    def upload_url(self, path: NodePath, length: int) -> str:
        """Where the bytes are to be PUT: negotiated, as the standard has no other way."""
        return self._transfers.endpoint(
            self._uri(path), Direction.PUSH_TO_VOSPACE, length=length
        )

    def bundle(self, paths: Sequence[NodePath]) -> Iterator[BundleItem]:
        """Nothing: plain VOSpace gives one file at a time."""
        del paths
        return iter(())

    def _node(self, path: NodePath, *, limit: str = "0", start: VosUri | None = None) -> Node:
        params = {"limit": limit, "detail": "max"}
        if start is not None:
            params["uri"] = str(start)
        response = self._connection.request("GET", self._url(path), params=params)
        return _read(response)

    def _children(self, path: NodePath, first: ContainerNode) -> Iterator[Node]:
        """All children, a page at a time; the first page is there already."""
        page = first.nodes
        yield from page
        # A service that ignores `limit` has answered everything at once.
        while len(page) == _PAGE:
            last = page[-1].uri
            try:
                node = self._node(path, limit=str(_PAGE), start=last)
            except OptionNotSupported:
                yield from self._rest_without_pages(path, seen=len(first.nodes))
                return
            if not isinstance(node, ContainerNode):
                raise MalformedAnswer(f"{path} stopped being a folder while it was listed")
            # `uri` is inclusive (contract 1.4).
            page = node.nodes
            yield from (child for child in page if child.uri != last)

    def _rest_without_pages(self, path: NodePath, *, seen: int) -> Iterator[Node]:
        node = _read(self._connection.request("GET", self._url(path)))
        if isinstance(node, ContainerNode):
            yield from node.nodes[seen:]

    def _below(self, path: NodePath, *, prefix: str) -> Iterator[Entry]:
        entries = self.list(path, deep=True)
        next(entries)
        for entry in entries:
            yield _with_path(entry, f"{prefix}/{entry.path}")

    def _create(self, node: Node) -> Entry:
        response = self._connection.request(
            "PUT", self._url(node.uri.path), headers=_XML, content=write_node(node)
        )
        return entry_of(_read(response))

    def _clear(self, path: NodePath) -> None:
        try:
            self.delete(path)
        except Fault as fault:
            if fault.name not in {"NodeNotFound", "ContainerNotFound"}:
                raise

    def _etag(self, url: str, entry: Entry) -> str | None:
        """The tag that answers for this version will carry; checks the length on the way."""
        response = self._connection.request("HEAD", url)
        length = response.headers.get("content-length")
        if length is not None and length != str(entry.length):
            raise MalformedAnswer(f"{entry.name} has {entry.length} bytes, its data {length}")
        etag = response.headers.get("etag")
        return None if etag is None or etag.startswith("W/") else etag

    def _url(self, path: NodePath) -> str:
        return self._endpoints.nodes + path.quoted().removesuffix("/")

    def _uri(self, path: NodePath) -> VosUri:
        return VosUri(self._endpoints.authority, path)


def _read(response: httpx.Response) -> Node:
    try:
        return read_node(response.content, max_bytes=MAX_RESPONSE_BYTES)
    except InternalFault:
        raise
    except Fault as fault:
        # Inside an answer, "invalid argument" is the service's mistake and not the caller's.
        raise MalformedAnswer(f"the node document can't be read: {fault.detail}") from fault


def _with_path(entry: Entry, path: str) -> Entry:
    fields = {name: getattr(entry, name) for name in Entry.__slots__}
    return Entry(**{**fields, "path": path})


def _property_changes(change: AttributeChange) -> list[PropertyChange]:
    """The attributes of our extension as the properties that stand for them."""
    texts: list[tuple[str, str | None]] = []
    if change.mtime_ns is not None:
        texts.append((Core.MTIME, format_node_date(moment_of(change.mtime_ns))))
    for uri, flag in (
        (Core.ISPUBLIC, change.public),
        (Cadc.INHERIT, change.inherit),
        (Cadc.ISLOCKED, change.locked),
    ):
        if flag is not None:
            texts.append((uri, "true" if flag else "false"))
    for uri, groups in (
        (Core.GROUPREAD, change.read_groups),
        (Core.GROUPWRITE, change.write_groups),
    ):
        if groups is not None:
            texts.append((uri, format_groups(groups) or None))
    return [
        RemoveProperty(uri=uri) if text is None else SetProperty(uri=uri, value=text)
        for uri, text in texts
    ]
