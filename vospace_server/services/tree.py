"""Tree: what all services on nodes share: walking for a caller, and showing what was found."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from vospace_model.faults import InvalidURI
from vospace_model.uris import NodePath, VosUri
from vospace_server.database.engine import Database
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.access import reading_verdict, writing_verdict
from vospace_server.domain.allocation import Usage
from vospace_server.domain.group import GroupNaming
from vospace_server.domain.identity import OPERATOR_USER_ID, Anonymous, Caller
from vospace_server.domain.node_record import NodeRecord
from vospace_server.domain.node_view import NodeView
from vospace_server.domain.path_walk import Found, PathWalker


class Tree:
    """One space: its database, its name, and the choices of the standard that it has made.

    `authority` is that of its URIs, `localhost~vault`. `clock` gives nanoseconds since 1970.
    """

    def __init__(
        self,
        *,
        database: Database,
        authority: str,
        naming: GroupNaming,
        strict_links: bool = False,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.database = database
        self.naming = naming
        self.clock = clock
        self._authority = authority.replace("!", "~")
        self._strict_links = strict_links

    @property
    def name(self) -> str:
        """The space's own name, for what the root has none: `vault`."""
        return self._authority.rpartition("~")[2]

    def uri(self, path: NodePath) -> VosUri:
        """The URI of the node at a path."""
        return VosUri(self._authority, path)

    def own_path(self, uri: VosUri) -> NodePath:
        """The path that a URI means here; InvalidURI if it names another service."""
        if uri.authority != self._authority:
            raise InvalidURI(f"{uri} is not in this service, vos://{self._authority}")
        return uri.path

    def walker(self, unit: UnitOfWork) -> PathWalker:
        """Walks paths in one transaction."""
        return PathWalker(
            walk=unit.nodes.walk, authority=self._authority, strict_links=self._strict_links
        )

    def view(self, unit: UnitOfWork, caller: Caller, found: Found) -> NodeView:
        """A node with all that can be shown of it, its size to the last delta."""
        record = found.node
        if record.is_container:
            record = _with_pending(unit, record)
        view = self._bare_view(caller, found.path, record, found.landlord_id)
        own = unit.properties.of_node(record.node_id) if record.has_properties else {}
        usage = None
        if record.allocation_id is not None:
            usage = usage_of(unit, record.allocation_id)
        return replace(view, own_properties=own, usage=usage) if own or usage else view

    def child_views(
        self, unit: UnitOfWork, caller: Caller, parent: Found, children: Sequence[NodeRecord]
    ) -> list[NodeView]:
        """The same for children of one container, their sizes as last folded."""
        landlord_id = parent.landlord_id
        own = unit.properties.of_nodes(
            [child.node_id for child in children if child.has_properties]
        )
        views: list[NodeView] = []
        for child in children:
            path = parent.path.child(child.name)
            view = self._bare_view(
                caller,
                path,
                child,
                landlord_id if child.allocation_id is None else child.owner_id,
            )
            if child.node_id in own:
                view = replace(view, own_properties=own[child.node_id])
            if child.allocation_id is not None:
                view = replace(view, usage=usage_of(unit, child.allocation_id))
            views.append(view)
        return views

    def _bare_view(
        self, caller: Caller, path: NodePath, record: NodeRecord, landlord_id: int | None
    ) -> NodeView:
        return NodeView(
            path=path,
            record=record,
            readable=reading_verdict(caller, record, landlord_id).allowed,
            writable=writing_verdict(caller, record, landlord_id).allowed,
            busy=record.busy_until_ns is not None and record.is_busy(self.clock()),
        )


def usage_of(unit: UnitOfWork, allocation_id: int) -> Usage | None:
    """How full an allocation is; None if it has been removed."""
    row = unit.allocations.by_id(allocation_id)
    if row is None:
        return None
    used_bytes, used_files = unit.allocations.used(allocation_id)
    return Usage(
        used_bytes=used_bytes,
        used_files=used_files,
        quota_bytes=row.quota_bytes,
        quota_files=row.quota_files,
    )


def actor_id(caller: Caller) -> int:
    """Whom the log of changes names; 0 for nobody and for the operator."""
    return OPERATOR_USER_ID if isinstance(caller, Anonymous) else caller.user_id


def _with_pending(unit: UnitOfWork, record: NodeRecord) -> NodeRecord:
    pending = unit.sizes.pending(record.node_id)
    if not (pending.size_bytes or pending.files or pending.entries_changed_ns):
        return record
    return replace(
        record,
        length=record.length + pending.size_bytes,
        files=record.files + pending.files,
        modified_ns=max(record.modified_ns, pending.entries_changed_ns),
    )
