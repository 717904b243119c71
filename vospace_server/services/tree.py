"""Tree: what all services on nodes share: walking for a caller, and showing what was found."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from vospace_model.faults import Fault, InvalidURI
from vospace_model.uris import NodePath, VosUri
from vospace_server.database.engine import Database
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.access import (
    full_access,
    passing_verdict,
    reading_verdict,
    writing_verdict,
)
from vospace_server.domain.allocation import Usage
from vospace_server.domain.group import GroupNaming
from vospace_server.domain.identity import OPERATOR_USER_ID, Anonymous, Caller, Identity
from vospace_server.domain.node_record import NodeRecord
from vospace_server.domain.node_view import NodeView
from vospace_server.domain.path_walk import MAX_LINKS, PathWalker
from vospace_server.domain.places import Found, landlord_below
from vospace_server.services.foreign_groups import ForeignGroups
from vospace_server.services.nested_groups import (
    foreign_groups_inside,
    foreign_members,
    groups_around,
    well_written,
)


class Tree:
    """One space: its database, its name, and the choices of the standard that it has made.

    `authority` is that of its URIs, `localhost~vault`. `clock` gives nanoseconds since 1970.
    `foreign_groups` knows memberships in groups of other authorities, if any are configured.
    """

    def __init__(
        self,
        *,
        database: Database,
        authority: str,
        naming: GroupNaming,
        strict_links: bool = False,
        clock: Callable[[], int] = time.time_ns,
        foreign_groups: ForeignGroups | None = None,
    ) -> None:
        self.database = database
        self.naming = naming
        self.clock = clock
        self._authority = authority.replace("!", "~")
        self._strict_links = strict_links
        self._foreign_groups = foreign_groups

    @property
    def name(self) -> str:
        """The space's own name, for what the root has none: `vault`."""
        return self._authority.rpartition("~")[2]

    def uri(self, path: NodePath) -> VosUri:
        """The URI of the node at a path."""
        return VosUri(self._authority, path)

    def is_own(self, uri: VosUri) -> bool:
        """Whether a URI names a node of this space."""
        return uri.is_of(self._authority)

    def own_path(self, uri: VosUri) -> NodePath:
        """The path that a URI means here; InvalidURI if it names another service."""
        if not self.is_own(uri):
            raise InvalidURI(f"{uri} is not in this service, vos://{self._authority}")
        return uri.path

    def walker(self, unit: UnitOfWork) -> PathWalker:
        """Walks paths in one transaction."""
        return PathWalker(
            walk=unit.nodes.walk, authority=self._authority, strict_links=self._strict_links
        )

    def informed(self, caller: Caller, *paths: NodePath) -> Caller:
        """The caller with the memberships that nodes on these paths, and on links, ask for.

        Every service calls this before the transaction in which it authorises, for it may ask
        other group services. Without such services it does nothing at all.
        """
        if self._foreign_groups is None or not isinstance(caller, Identity):
            return caller
        with self.database.read() as unit:
            named = {
                group
                for path in paths
                for lineage in self._lineages(unit, path)
                for record, landlord_id in _with_landlords(lineage)
                for group in _undecided(caller, record, landlord_id)
            }
        return self._informed_of(caller, named)

    def informed_below(
        self, caller: Caller, parent: Found, records: Iterable[NodeRecord]
    ) -> Caller:
        """The same for nodes below a container that have been read already."""
        if self._foreign_groups is None or not isinstance(caller, Identity):
            return caller
        above = parent.landlord_id
        named = {
            group
            for record in records
            for group in _undecided(caller, record, landlord_below(record, above))
        }
        return self._informed_of(caller, named)

    def informed_of_tree(self, caller: Caller, top_id: int) -> Caller:
        """The same for a node and all below it, looked at in one pass."""
        if self._foreign_groups is None or not isinstance(caller, Identity):
            return caller
        with self.database.read() as unit:
            named = unit.groups.named_below(top_id)
        return self._informed_of(caller, named)

    def informed_of_groups(
        self, caller: Identity, group_uris: Collection[str] | None = None
    ) -> Identity:
        """The caller with those memberships that these groups, or groups in them, ask for.

        Without naming any: with all that could give the caller a part in a group of ours.
        """
        if self._foreign_groups is None:
            return caller
        if group_uris is None:
            with self.database.read() as unit:
                group_uris = unit.groups.groups_with_a_part(now=datetime.now(UTC))
        return self._informed_of(caller, well_written(self.naming, group_uris))

    def informed_of_trees(self, caller: Caller) -> Caller:
        """The same for work on whole trees, in which any node may ask for anything.

        A service is asked if some node or some group of ours names a group of it at all.
        """
        foreign_groups = self._foreign_groups
        if foreign_groups is None or not isinstance(caller, Identity):
            return caller
        with self.database.read() as unit:
            named = foreign_members(unit, self.naming, now=datetime.now(UTC))
            named |= {
                f"{service_id}?"
                for service_id in foreign_groups.service_ids
                if unit.node_groups.names_groups_of(service_id)
            }
        return self._asked(caller, named)

    def _informed_of(self, caller: Identity, group_uris: set[str]) -> Identity:
        """What other services say of these groups, and what follows for groups around them."""
        named = group_uris - caller.groups
        if not named:
            return caller
        with self.database.read() as unit:
            now = datetime.now(UTC)
            foreign = foreign_groups_inside(unit, self.naming, named, now=now)
        return self._asked(caller, foreign)

    def _asked(self, caller: Identity, foreign: set[str]) -> Identity:
        """The caller with their groups in the services of these, and ours around them."""
        if self._foreign_groups is None or not foreign:
            return caller
        found = self._foreign_groups.memberships(caller, foreign)
        if found <= caller.groups:
            return caller
        with self.database.read() as unit:
            around = groups_around(unit, self.naming, found, now=datetime.now(UTC))
        return replace(caller, groups=caller.groups | around)

    def _lineages(self, unit: UnitOfWork, path: NodePath) -> Iterator[tuple[NodeRecord, ...]]:
        """The nodes on a path, then on the path to which links lead; nothing is authorised."""
        for _ in range(MAX_LINKS + 1):
            records = unit.nodes.walk(path)
            yield records
            if not records[-1].is_link:
                return
            try:
                target = self.own_path(VosUri.parse(records[-1].target or ""))
                path = NodePath(target.names + path.names[len(records) - 1 :])
            except Fault:
                return

    def view(
        self, unit: UnitOfWork, caller: Caller, found: Found, *, is_new: bool = False
    ) -> NodeView:
        """A node with all that can be shown of it, its size to the last delta.

        One that is new in this transaction has none.
        """
        record = found.node
        if record.is_container and not is_new:
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
                landlord_below(child, landlord_id),
            )
            if child.node_id in own:
                view = replace(view, own_properties=own[child.node_id])
            if child.allocation_id is not None:
                view = replace(view, usage=usage_of(unit, child.allocation_id))
            views.append(view)
        return views

    def judged(self, caller: Caller, parent: Found, view: NodeView) -> NodeView:
        """A view of a child once more, for a caller of whom more is known now."""
        record = view.record
        landlord_id = landlord_below(record, parent.landlord_id)
        return replace(
            view,
            readable=reading_verdict(caller, view.path, record, landlord_id).allowed,
            writable=writing_verdict(caller, view.path, record, landlord_id).allowed,
        )

    def _bare_view(
        self, caller: Caller, path: NodePath, record: NodeRecord, landlord_id: int | None
    ) -> NodeView:
        return NodeView(
            path=path,
            record=record,
            readable=reading_verdict(caller, path, record, landlord_id).allowed,
            writable=writing_verdict(caller, path, record, landlord_id).allowed,
            busy=record.busy_until_ns is not None and record.is_busy(self.clock()),
        )


def _undecided(
    caller: Identity, record: NodeRecord, landlord_id: int | None
) -> tuple[str, ...]:
    """The groups that could give a caller more than they have got already."""
    if full_access(caller, record, landlord_id) is not None:
        return ()
    if not caller.may_write and passing_verdict(caller, record, landlord_id).allowed:
        return ()
    return (*record.write_groups, *record.read_groups)


def _with_landlords(
    lineage: Iterable[NodeRecord],
) -> Iterator[tuple[NodeRecord, int | None]]:
    landlord_id = None
    for record in lineage:
        landlord_id = landlord_below(record, landlord_id)
        yield record, landlord_id


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
