"""AllocationService: containers with a quota, and how full they are."""

from dataclasses import replace

from vospace_model.faults import (
    ContainerNotFound,
    DuplicateNode,
    InvalidArgument,
    PermissionDenied,
)
from vospace_model.nodes import NodeType
from vospace_model.uris import NodePath
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.allocation import Allocation, Usage
from vospace_server.domain.identity import OPERATOR_USER_ID, Caller
from vospace_server.domain.node_record import NewNode
from vospace_server.domain.places import Absent, Found
from vospace_server.domain.property_changes import QuotaChange
from vospace_server.services.new_nodes import make_node
from vospace_server.services.quota import charge, resize
from vospace_server.services.tree import Tree, usage_of


class AllocationService:
    """Allocations, for their administrators and for those who ask what is left."""

    def __init__(self, *, tree: Tree) -> None:
        self._tree = tree

    def add(
        self,
        caller: Caller,
        path: NodePath,
        *,
        owner_id: int,
        quota_bytes: int | None,
        quota_files: int | None = None,
    ) -> Allocation:
        """Give a container to somebody, with a quota; makes it, and containers above it.

        Only for administrators (PermissionDenied). DuplicateNode if it is an allocation
        already, InvalidArgument if it lies in one, holds one or is the root; QuotaExceeded if
        it holds more than the quota. What is in it already counts from now on. Containers that
        had to be made above it are public and belong to nobody, so that everybody may pass.
        """
        _check_admin(caller, "make an allocation")

        def work(unit: UnitOfWork) -> Allocation:
            unit.allocations.own_tree()
            found = self._container(unit, caller, path)
            unit.nodes.lock(found.node)
            if found.node.owner_id != owner_id:
                owned = replace(found.node, owner_id=owner_id)
                unit.node_batches.save([(found.node, owned)])
            allocation_id = make_allocation(
                unit, found, quota_bytes=quota_bytes, quota_files=quota_files
            )
            return _described(unit, allocation_id)

        return self._tree.database.retrying(work)

    def set(
        self,
        caller: Caller,
        path: NodePath,
        *,
        quota_bytes: int | None,
        quota_files: int | None = None,
    ) -> Allocation:
        """Change a quota; None lifts it. What is in use stays, even if it is more.

        Only for administrators (PermissionDenied); InvalidArgument if the path is not the top
        of an allocation.
        """
        _check_admin(caller, "change a quota")

        def work(unit: UnitOfWork) -> Allocation:
            found = self._tree.walker(unit).get_container(caller, path)
            allocation_id = found.node.allocation_id
            if allocation_id is None:
                raise InvalidArgument(f"{path} is not an allocation")
            resize(unit, allocation_id, quota_bytes=quota_bytes, quota_files=quota_files)
            return _described(unit, allocation_id)

        return self._tree.database.retrying(work)

    def list(self) -> list[Allocation]:
        """Every allocation, in the order of their paths."""
        with self._tree.database.read() as unit:
            rows = unit.allocations.all()
            known = [_described(unit, row.allocation_id) for row in rows]
        return sorted(known, key=lambda allocation: allocation.path.names)

    def lookup(self, caller: Caller, path: NodePath) -> Allocation | None:
        """The allocation that a node lies in, or that a missing one would; None outside of all.

        Raises what walking the path does for this caller.
        """
        caller = self._tree.informed(caller, path)
        with self._tree.database.read() as unit:
            found = self._tree.walker(unit).find(caller, path, follow_leaf=True)
            place = found.parent if isinstance(found, Absent) else found
            if place.allocation_id is None:
                return None
            return _described(unit, place.allocation_id)

    def usage(self, allocation_id: int) -> Usage | None:
        """How full an allocation is at this moment."""
        with self._tree.database.read() as unit:
            return usage_of(unit, allocation_id)

    def _container(self, unit: UnitOfWork, caller: Caller, path: NodePath) -> Found:
        """The container at a path, with those above it, made where they are missing."""
        found = self._tree.walker(unit).get_container(caller, NodePath.root())
        for depth in range(1, len(path) + 1):
            place = self._tree.walker(unit).find(caller, NodePath(path.names[:depth]))
            if isinstance(place, Absent):
                place = self._make(unit, caller, place, public=depth < len(path))
            if not place.node.is_container:
                raise ContainerNotFound(f"{place.path} is not a container")
            found = place
        return found

    def _make(self, unit: UnitOfWork, caller: Caller, place: Absent, *, public: bool) -> Found:
        new = NewNode(
            parent_id=place.parent.node.node_id,
            name=place.name,
            kind=NodeType.CONTAINER,
            owner_id=OPERATOR_USER_ID,
            public=public,
        )
        return make_node(unit, caller, place, new, self._tree.clock())


def make_allocation(
    unit: UnitOfWork, found: Found, *, quota_bytes: int | None, quota_files: int | None
) -> int:
    """Turn a container into the top of an allocation that is charged with what it holds.

    The transaction must own the tree (`own_tree`). Raises as `AllocationService.add` does.
    """
    node = found.node
    if len(found.records) == 1:
        raise InvalidArgument("the root can't be an allocation")
    if not node.is_container:
        raise InvalidArgument(f"{found.path} is not a container")
    if node.allocation_id is not None:
        raise DuplicateNode(f"{found.path} is an allocation already")
    if found.allocation_id is not None:
        raise InvalidArgument(f"{found.path} lies in an allocation")
    if unit.allocations.any_below(node.node_id):
        raise InvalidArgument(f"{found.path} holds allocations")
    allocation_id = unit.allocations.add(
        node.node_id, quota_bytes=quota_bytes, quota_files=quota_files
    )
    resize(unit, allocation_id, quota_bytes=quota_bytes, quota_files=quota_files)
    size_bytes, files = unit.sizes.exact(node.node_id)
    charge(unit, allocation_id, size_bytes, files)
    unit.nodes.set_allocation(node.node_id, allocation_id)
    return allocation_id


def set_node_quota(unit: UnitOfWork, found: Found, quota: QuotaChange) -> None:
    """What an administrator does by setting core#quota on a container.

    On the top of an allocation it changes the quota; on another container it makes one.
    """
    allocation_id = found.node.allocation_id
    if allocation_id is None:
        unit.allocations.own_tree()
        make_allocation(unit, found, quota_bytes=quota.quota_bytes, quota_files=None)
        return
    row = unit.allocations.by_id(allocation_id)
    files = None if row is None else row.quota_files
    resize(unit, allocation_id, quota_bytes=quota.quota_bytes, quota_files=files)


def _check_admin(caller: Caller, deed: str) -> None:
    if not caller.acts_as_admin:
        raise PermissionDenied(f"only an administrator can {deed}")


def _described(unit: UnitOfWork, allocation_id: int) -> Allocation:
    row = unit.allocations.by_id(allocation_id)
    usage = usage_of(unit, allocation_id)
    assert row is not None, "asked for an allocation that this transaction has seen"
    assert usage is not None, "as above"
    node = unit.nodes.by_id(row.node_id)
    path = unit.nodes.path_of(row.node_id)
    assert node is not None, "an allocation ends with its container"
    return Allocation(
        allocation_id=allocation_id,
        node_id=row.node_id,
        path=path or NodePath.root(),
        owner_name=node.owner_name,
        usage=usage,
    )
