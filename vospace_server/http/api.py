"""/api/v1: our own extension, in JSON (types in vospace_model.api).

Listings and bundles are streams of lines; one that lacks its last line is broken, which is how
a client tells a long answer from one that was cut off.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from vospace_model.api import (
    JSON_MEDIA_TYPE,
    LISTING_MEDIA_TYPE,
    AttributeChange,
    Entry,
    ListingEnd,
    MoveRequest,
    QuotaReport,
    decode_json,
    encode_json,
    encode_line,
)
from vospace_model.faults import InvalidArgument
from vospace_model.uris import NodePath, VosUri
from vospace_server.domain.node_view import NodeView
from vospace_server.http.addresses import Addresses
from vospace_server.http.attribute_changes import update_of
from vospace_server.http.authentication import caller_of
from vospace_server.http.node_documents import entry_of
from vospace_server.http.parameters import Parameters, query_parameters
from vospace_server.http.request_bodies import read_document
from vospace_server.http.responses import document, listed
from vospace_server.http.routing import rest_of_path
from vospace_server.http.threads import Hop, in_thread
from vospace_server.services.allocations import AllocationService
from vospace_server.services.listing import Descendant, ListingService
from vospace_server.services.moves import MoveService
from vospace_server.services.nodes import NodeService
from vospace_server.services.reading import ReadingService

_MAX_DOCUMENT_BYTES: Final = 64 * 1024
_NANOSECONDS: Final = 1_000_000_000


class ApiEndpoints:
    """Nodes, children, moves and quotas; `read` is how to hop into what reads the database."""

    def __init__(  # noqa: PLR0913 - what the operations need, one argument each
        self,
        *,
        nodes: NodeService,
        listing: ListingService,
        moves: MoveService,
        allocations: AllocationService,
        reading: ReadingService,
        addresses: Addresses,
        authority: str,
        read: Hop = in_thread,
    ) -> None:
        self._nodes = nodes
        self._listing = listing
        self._moves = moves
        self._allocations = allocations
        self._reading = reading
        self._addresses = addresses
        self._authority = authority
        self._read = read

    async def get_node(self, request: Request) -> Response:
        """The node, a link itself; with ticket=true also where its bytes are."""
        path = _path_of(request)
        wants_ticket = _flag(query_parameters(request), "ticket")
        # The first ticket of all makes the key that signs them.
        hop = in_thread if wants_ticket else self._read
        entry = await hop(self._entry, request, path, wants_ticket=wants_ticket)
        return _json(entry)

    async def change_node(self, request: Request) -> Response:
        """Change what the body mentions, and nothing else."""
        change = AttributeChange.from_json(await _body(request))
        view = await in_thread(self._change, request, _path_of(request), change)
        return _json(entry_of(view))

    async def list_children(self, request: Request) -> Response:
        """The container and what is in it, line by line."""
        parameters = query_parameters(request)
        path, depth, after = _path_of(request), _depth(parameters), parameters.get("after")
        limit = parameters.integer("limit", minimum=0)

        def answer() -> Response:
            lines = self._listing.descendants(
                caller_of(request), path, depth=depth, after=after, limit=limit
            )
            return listed(_listing_lines(lines), headers={"content-type": LISTING_MEDIA_TYPE})

        # A line of a deep listing may take many rows.
        hop = self._read if depth == 1 else in_thread
        return await hop(answer)

    async def move(self, request: Request) -> Response:
        """Rename a node to exactly the path given, over what is there if POSIX would."""
        wanted = MoveRequest.from_json(await _body(request))
        view = await in_thread(
            self._moves.move,
            caller_of(request),
            wanted.source,
            wanted.destination,
            exact=True,
            overwrite=wanted.overwrite,
        )
        return _json(entry_of(view))

    async def quota(self, request: Request) -> Response:
        """How full the allocation is that a node lies in, or would."""
        report = await in_thread(self._quota, request, _path_of(request))
        return document(encode_json(report.to_json()), JSON_MEDIA_TYPE)

    def _entry(self, request: Request, path: NodePath, *, wants_ticket: bool) -> Entry:
        if not wants_ticket:
            return entry_of(self._nodes.get(caller_of(request), path))
        seen = self._reading.look(caller_of(request), path)
        if seen.signed is None:
            return entry_of(seen.view)
        name = NodePath((path.name,)).quoted()
        return replace(
            entry_of(seen.view),
            data=f"{self._addresses.data}/{seen.signed}{name}",
            expires_ns=seen.expires * _NANOSECONDS,
        )

    def _change(self, request: Request, path: NodePath, change: AttributeChange) -> NodeView:
        caller = caller_of(request)
        present = self._nodes.get(caller, path)
        update = update_of(VosUri(self._authority, path), present.record.kind, change)
        return self._nodes.set(caller, update, mtime_ns=change.mtime_ns)

    def _quota(self, request: Request, path: NodePath) -> QuotaReport:
        allocation = self._allocations.lookup(caller_of(request), path)
        if allocation is None:
            return QuotaReport(quota=None, used=0, available=None, files=0, allocation=None)
        usage = allocation.usage
        return QuotaReport(
            quota=usage.quota_bytes,
            used=usage.used_bytes,
            available=usage.available_bytes,
            files=usage.used_files,
            allocation=allocation.path,
        )


def _listing_lines(descendants: Iterator[Descendant]) -> Iterator[bytes]:
    """One line for each node; the container itself comes first and is not counted."""
    count = -1
    for descendant in descendants:
        is_container = descendant.view.record.is_container
        entry = entry_of(
            descendant.view,
            path="/".join(descendant.names),
            listed=descendant.listed if is_container else None,
        )
        yield encode_line(entry.to_json())
        count += 1
    yield encode_line(ListingEnd(count=count).to_json())


def _path_of(request: Request) -> NodePath:
    return NodePath.from_raw(rest_of_path(request))


async def _body(request: Request) -> object:
    return decode_json(await read_document(request, _MAX_DOCUMENT_BYTES))


def _json(entry: Entry) -> Response:
    return document(encode_json(entry.to_json()), JSON_MEDIA_TYPE)


def _flag(parameters: Parameters, name: str) -> bool:
    value = (parameters.get(name) or "false").lower()
    if value not in {"true", "false"}:
        raise InvalidArgument(f"{name} is true or false, not {value[:40]!r}")
    return value == "true"


def _depth(parameters: Parameters) -> int | None:
    """How many levels to list; None for all."""
    if (parameters.get("depth") or "").lower() == "all":
        return None
    depth = parameters.integer("depth", minimum=1)
    return 1 if depth is None else depth
