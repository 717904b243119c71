"""/nodes: node documents (VOSpace 2.1, section 6.2; contract 1.4)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.capabilities import Capability, CapabilityUri
from vospace_model.faults import InvalidArgument, InvalidURI, OptionNotSupported
from vospace_model.node_json import iter_node_json, write_node_json
from vospace_model.nodes import ContainerNode, Detail, Node
from vospace_model.properties import Core
from vospace_model.uris import NodePath, VosUri
from vospace_model.xml.nodes import iter_node_document, read_node, read_node_update, write_node
from vospace_model.xml.parser import MAX_DOCUMENT_BYTES
from vospace_model.xml.service_metadata import asks_for_protocols, write_protocols_document
from vospace_server.domain.identity import Caller, Identity
from vospace_server.domain.node_record import SortKey
from vospace_server.domain.node_view import NodeView
from vospace_server.http.accepted_types import wants_json
from vospace_server.http.addresses import Addresses
from vospace_server.http.authentication import caller_of, refuse_hidden
from vospace_server.http.gathering import Gathering
from vospace_server.http.node_documents import node_of
from vospace_server.http.parameters import Parameters, query_parameters
from vospace_server.http.request_bodies import read_document
from vospace_server.http.responses import (
    JSON,
    XML,
    document,
    empty,
    headers_alone,
    listed,
    see_other,
)
from vospace_server.http.routing import rest_of_path
from vospace_server.http.threads import Hop, in_thread
from vospace_server.services.deletions import DeletionService
from vospace_server.services.listing import Listing, ListingService, Ordering
from vospace_server.services.node_protocols import protocols_of
from vospace_server.services.nodes import NodeService

# Whoever keeps answers must not give one of the two forms to who wants the other.
_VARY: Final = {"vary": "accept"}
_SORT_KEYS: Final = {
    Core.TITLE: SortKey.NAME,
    Core.LENGTH: SortKey.LENGTH,
    Core.DATE: SortKey.DATE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """How much of a node is shown, and in which of the two forms."""

    detail: Detail
    with_access: bool
    as_json: bool
    capabilities: tuple[Capability, ...] = ()

    @property
    def media_type(self) -> str:
        return JSON if self.as_json else XML

    def document(self, node: Node, *, status: int = 200) -> Response:
        write = write_node_json if self.as_json else write_node
        content = write(node, detail=self.detail)
        return document(content, self.media_type, status=status, headers=_VARY)

    def iterate(self, node: ContainerNode, children: Iterator[Node]) -> Iterator[bytes]:
        write = iter_node_json if self.as_json else iter_node_document
        return write(node, children, detail=self.detail)


class NodeEndpoints:
    """`/nodes/PATH`: GET, PUT, POST and DELETE of the node itself, never of a link's target.

    `authority` is that of our URIs. `delete_non_empty` is the operator's choice between the
    standard, which deletes trees, and CADC, which refuses them. `read` is how to hop into what
    reads the database.
    """

    def __init__(  # noqa: PLR0913 - what the operations need, one argument each
        self,
        *,
        nodes: NodeService,
        listing: ListingService,
        deletions: DeletionService,
        addresses: Addresses,
        authority: str,
        read: Hop = in_thread,
        delete_non_empty: bool,
    ) -> None:
        self._nodes = nodes
        # What one caller makes in one container at one time.
        self._created: Gathering[tuple[Caller, str | None, NodePath], Node, NodeView] = (
            Gathering(lambda key, made: nodes.create_all(key[0], made))
        )
        self._listing = listing
        self._deletions = deletions
        self._addresses = addresses
        self._authority = authority
        self._read = read
        self._delete_non_empty = delete_non_empty

    async def get(self, request: Request) -> Response:
        """The node's document, with its children; view=data redirects to its bytes."""
        path = _path_of(request)
        parameters = query_parameters(request)
        if parameters.get("view") is not None:
            return self._view(request, path, parameters)
        detail, explicit = _detail(parameters)
        start = self._start(parameters)
        ordering, limit = _ordering(parameters), parameters.integer("limit", minimum=0)
        shape = _Shape(
            detail=detail,
            with_access=explicit and detail is Detail.MAX,
            as_json=wants_json(request, parameters),
            capabilities=self._capabilities(request),
        )

        def answer() -> Response:
            listing = self._listing.children(
                caller_of(request),
                path,
                start=None if start is None else start.name,
                limit=limit,
                ordering=ordering,
            )
            refuse_hidden(request, readable=listing.container.readable)
            if start is not None and start.path.parent not in {path, listing.container.path}:
                raise InvalidURI(f"uri={start} is not a child of {path}")
            return self._document(listing, shape)

        # One hop: most containers fit into the first batch of their listing. To sort one takes
        # all of its children.
        hop = self._read if ordering is None else in_thread
        return await hop(answer)

    async def head(self, request: Request) -> Response:
        """Whether the node is there; its children are not looked at."""
        await self._read(self._nodes.get, caller_of(request), _path_of(request))
        as_json = wants_json(request, query_parameters(request))
        # The length of the whole is known only when it has been made.
        return headers_alone({"content-type": JSON if as_json else XML, **_VARY})

    async def put(self, request: Request) -> Response:
        """Create the node that the document describes: 201 with the node as it is then."""
        path = _path_of(request)
        node = read_node(await read_document(request, MAX_DOCUMENT_BYTES))
        self._check_uri(node.uri, path)
        caller = caller_of(request)
        # What other services say of somebody depends on the token that they are shown.
        bearer = caller.bearer if isinstance(caller, Identity) else None
        view = await self._created.ask((caller, bearer, path.parent), node)
        return self._written(request, view, status=201)

    async def post(self, request: Request) -> Response:
        """Set the properties in the document, whatever content type it is declared as.

        A document `protocols` instead asks by which protocols the node can be had.
        """
        path = _path_of(request)
        body = await read_document(request, MAX_DOCUMENT_BYTES)
        if asks_for_protocols(body):
            return await self._protocols(request, path)
        update = read_node_update(body)
        self._check_uri(update.uri, path)
        view = await in_thread(self._nodes.set, caller_of(request), update)
        return self._written(request, view)

    async def delete(self, request: Request) -> Response:
        """Delete the node: 200 without a body (contract 0.3)."""
        await in_thread(
            self._deletions.delete,
            caller_of(request),
            _path_of(request),
            recursive=self._delete_non_empty,
        )
        return empty(200)

    async def _protocols(self, request: Request, path: NodePath) -> Response:
        view = await in_thread(self._nodes.get, caller_of(request), path, follow=True)
        return document(write_protocols_document(accepts=(), provides=protocols_of(view)))

    def _document(self, listing: Listing, shape: "_Shape") -> Response:
        node = self._shown(listing.container, shape)
        if not isinstance(node, ContainerNode):
            return shape.document(node)
        children = (self._shown(child, shape) for child in listing.children)
        chunks = shape.iterate(node, children)
        return listed(chunks, headers={"content-type": shape.media_type, **_VARY})

    def _shown(self, view: NodeView, shape: "_Shape") -> Node:
        return node_of(
            view,
            self._authority,
            detail=shape.detail,
            with_access=shape.with_access,
            capabilities=shape.capabilities,
        )

    def _capabilities(self, request: Request) -> tuple[Capability, ...]:
        """What containers offer besides: what is in them, by the standard's own interface."""
        endpoint = f"{self._addresses.base(request)}{self._addresses.root}"
        return (Capability(uri=CapabilityUri.VOSPACE_2_1, endpoint=endpoint),)

    def _written(self, request: Request, view: NodeView, *, status: int = 200) -> Response:
        """The full record that answers a change (VOSpace 2.1, 6.2.1 and 6.3.2); no children."""
        shape = _Shape(
            detail=Detail.MAX,
            with_access=False,
            as_json=wants_json(request, query_parameters(request)),
            capabilities=self._capabilities(request),
        )
        return shape.document(self._shown(view, shape), status=status)

    def _view(self, request: Request, path: NodePath, parameters: Parameters) -> Response:
        # Deprecated since VOSpace 2.1; clients of 2.0 still ask so for bytes.
        if parameters.get("view") != "data":
            raise OptionNotSupported("the only view that is offered here is view=data")
        return see_other(self._addresses.files_of(request, path))

    def _start(self, parameters: Parameters) -> VosUri | None:
        """The child at which the listing is to begin (parameter uri)."""
        text = parameters.get("uri")
        if text is None:
            return None
        uri = VosUri.parse(text)
        if not uri.is_of(self._own_authority) or uri.path.is_root:
            raise InvalidURI(f"uri={uri} is not a child of anything here")
        return uri

    def _check_uri(self, uri: VosUri, path: NodePath) -> None:
        if not uri.is_of(self._own_authority) or uri.path != path:
            raise InvalidURI(f"the document says {uri}, the address says {path}")

    @property
    def _own_authority(self) -> str:
        return VosUri(self._authority).authority


def _path_of(request: Request) -> NodePath:
    return NodePath.from_raw(rest_of_path(request))


def _detail(parameters: Parameters) -> tuple[Detail, bool]:
    """How much to show, and whether that was said. Raises InvalidArgument."""
    word = parameters.get("detail")
    if word is None:
        return Detail.MAX, False
    for detail in Detail:
        if detail.value == word.lower():
            return detail, True
    raise InvalidArgument(f"detail is min, max or properties, not {word[:40]!r}")


def _ordering(parameters: Parameters) -> Ordering | None:
    """By which property to sort, and which way (parameters sort and order of CADC)."""
    sort, order = parameters.get("sort"), parameters.get("order")
    if sort is None and order is None:
        return None
    if sort is not None and sort not in _SORT_KEYS:
        raise OptionNotSupported(f"sorting options not supported: {sort[:200]}")
    if order is not None and order.lower() not in {"asc", "desc"}:
        raise InvalidArgument(f"order is asc or desc, not {order[:40]!r}")
    key = SortKey.NAME if sort is None else _SORT_KEYS[sort]
    return Ordering(key=key, descending=order is not None and order.lower() == "desc")
