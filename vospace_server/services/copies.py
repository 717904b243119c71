"""CopyService: a node, or a whole tree, once more (copyNode, VOSpace 2.1, 6.2.3).

No bytes move: the copies refer to the same stored contents. A tree is built aside, where no
path leads, some hundred nodes to a transaction, and is attached at the end by one row: it
appears whole or not at all. Each step saves its place with itself, so a copy that was
interrupted goes on with the next step; one that was aborted is taken apart by the collector.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import takewhile
from typing import Final, Protocol

from vospace_model.faults import DuplicateNode, NodeNotFound, TransferFailed
from vospace_model.uris import NodePath
from vospace_server.database.changes import Operation
from vospace_server.database.schema import TRASH_ID
from vospace_server.database.trash import TrashedTree, aside_name
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.access import Action, require
from vospace_server.domain.copy_place import CopyFrame, CopyPlace
from vospace_server.domain.identity import OPERATOR_USER_ID, Caller
from vospace_server.domain.node_record import NodeRecord
from vospace_server.domain.places import Found, landlord_below
from vospace_server.services.copied_nodes import copy_nodes, require_readable
from vospace_server.services.destinations import Destination, Destinations, check_descent
from vospace_server.services.new_nodes import log_change, reread
from vospace_server.services.quota import reserve, settle
from vospace_server.services.sizes import record_change, told_by
from vospace_server.services.tree import Tree, actor_id

COPY_BATCH: Final = 500
"""Rows made in one transaction: some tens of milliseconds, in which nobody else can write."""

# A copy that makes no step for so long has died; its bytes are charged anew if it goes on.
_RESERVED_NS: Final = 300 * 1_000_000_000


class CopyKeeper(Protocol):
    """Whoever has a copy made, and keeps how far it has come. Each method may raise."""

    def hold(self, unit: UnitOfWork) -> None:
        """At the beginning of a step: see that it is ours, and stays so to the end."""

    def save(self, unit: UnitOfWork, place: CopyPlace) -> None:
        """At the end of a step, in its transaction: keep where to go on."""

    def may_clean_up(self, unit: UnitOfWork) -> bool:
        """Whether nobody else goes on with the copy."""


class CopyService:
    """Copies nodes in three parts, each a transaction: begin, any number of steps, finish."""

    def __init__(self, *, tree: Tree, batch: int = COPY_BATCH) -> None:
        self._tree = tree
        self._destinations = Destinations(tree=tree)
        self._batch = batch

    def check_source(self, caller: Caller, source: NodePath) -> None:
        """Raise what `begin` raises about the source alone: for a copy that goes nowhere."""
        caller = self._tree.informed(caller, source)
        with self._tree.database.read() as unit:
            self._source(unit, caller, source)

    def informed(self, caller: Caller, place: CopyPlace) -> Caller:
        """The caller with the memberships in other services that the source asks for.

        To be called before a number of steps: it looks at the whole tree.
        """
        return self._tree.informed_of_tree(caller, place.source_id)

    def begin(
        self,
        caller: Caller,
        source: NodePath,
        destination: NodePath,
        *,
        job_id: str,
        keeper: CopyKeeper,
    ) -> CopyPlace:
        """Reserve what the copy will need, and make its top, aside.

        Needs read permission on the source and on all below it, write permission on the
        container that the copy goes to. Raises the faults of walking, DuplicateNode,
        PermissionDenied, InvalidArgument for a container that would go into itself, and
        QuotaExceeded.
        """
        caller = self._tree.informed(caller, source, destination)

        def work(unit: UnitOfWork) -> CopyPlace:
            keeper.hold(unit)
            unit.allocations.share_tree()
            found, goal = self._ends(unit, caller, source, destination)
            now_ns = self._tree.clock()
            place = _start(unit, caller, found, goal, job_id, now_ns)
            keeper.save(unit, place)
            return place

        return self._tree.database.retrying(work, durable=False)

    def step(self, caller: Caller, place: CopyPlace, *, keeper: CopyKeeper) -> CopyPlace:
        """Copy some more; there is more to do while the place that is returned has frames.

        Raises PermissionDenied for a node that the caller may not read.
        """

        def work(unit: UnitOfWork) -> CopyPlace:
            keeper.hold(unit)
            now_ns = self._tree.clock()
            if place.reservation_id is not None:
                unit.allocations.renew(
                    place.reservation_id, more_bytes=0, expires_ns=now_ns + _RESERVED_NS
                )
            reached = _Step(unit, caller, place, now_ns, self._batch).run()
            keeper.save(unit, reached)
            return reached

        return self._tree.database.retrying(work, durable=False)

    def finish(
        self,
        caller: Caller,
        source: NodePath,
        destination: NodePath,
        place: CopyPlace,
        *,
        also: Callable[[UnitOfWork, NodePath], None],
    ) -> NodePath:
        """Let the copy appear, and return its path.

        Everything is decided again, as it may have changed meanwhile; raises as `begin`, and
        NodeNotFound if the source has been replaced. The quota is charged with what was really
        copied. `also` is done in the same transaction.
        """
        caller = self._tree.informed(caller, source, destination)

        def work(unit: UnitOfWork) -> NodePath:
            unit.allocations.share_tree()
            found, goal = self._ends(unit, caller, source, destination)
            if found.node.node_id != place.source_id:
                raise NodeNotFound(f"{source} was replaced while it was copied")
            attached = _attach(unit, caller, goal, place, self._tree.clock())
            also(unit, attached.path)
            return attached.path

        return self._tree.database.retrying(work)

    def abandon(self, place: CopyPlace, *, keeper: CopyKeeper) -> None:
        """Give up a copy that has not appeared; harmless if it has, or to repeat."""

        def work(unit: UnitOfWork) -> None:
            if not keeper.may_clean_up(unit):
                return
            settle(unit, place.reservation_id, None, size_bytes=0, files=0)
            self._throw_away(unit, place.top_id)

        self._tree.database.retrying(work, durable=False)

    def sweep(self, limit: int = 100) -> int:
        """Give up copies whose jobs are over or gone; says how many."""
        with self._tree.database.read() as unit:
            tops = unit.trash.built_aside(limit)
            stale = [top_id for job_id, top_id in tops.items() if _is_over(unit, job_id)]

        def work(unit: UnitOfWork) -> None:
            for top_id in stale:
                self._throw_away(unit, top_id)

        if stale:
            self._tree.database.retrying(work, durable=False)
        return len(stale)

    def _ends(
        self, unit: UnitOfWork, caller: Caller, source: NodePath, destination: NodePath
    ) -> tuple[Found, Destination]:
        """Where the copy is made from and where it goes, authorised."""
        found = self._source(unit, caller, source)
        name = "" if found.path.is_root else found.path.name
        goal = self._destinations.find(unit, caller, name, destination)
        check_descent(found, goal, "copy")
        if goal.occupant is not None:
            raise DuplicateNode(str(goal.path))
        require(caller, goal.parent, Action.WRITE)
        return found, goal

    def _source(self, unit: UnitOfWork, caller: Caller, source: NodePath) -> Found:
        found = self._tree.walker(unit).get(caller, source)
        require(caller, found, Action.READ)
        return found

    def _throw_away(self, unit: UnitOfWork, top_id: int) -> None:
        """Leave a tree that was built aside to the collector, uncharged as it is."""
        top = unit.nodes.by_id(top_id)
        if top is None or top.parent_id != TRASH_ID or unit.trash.get(top_id) is not None:
            return
        tree = TrashedTree(
            node_id=unit.nodes.lock(top).node_id,
            allocation_id=None,
            released_bytes=0,
            released_files=0,
            found_bytes=0,
            found_files=0,
        )
        unit.trash.cut_off(tree, deleted_ns=self._tree.clock(), actor_id=OPERATOR_USER_ID)


def _start(
    unit: UnitOfWork, caller: Caller, found: Found, goal: Destination, job_id: str, now_ns: int
) -> CopyPlace:
    node = found.node
    size_bytes, files = _weight(unit, node)
    reservation_id = None
    if goal.parent.allocation_id is not None:
        reservation_id = reserve(
            unit,
            goal.parent.allocation_id,
            size_bytes=size_bytes,
            files=files,
            expires_ns=now_ns + _RESERVED_NS,
        ).reservation_id
    hidden = replace(node, name=aside_name(job_id))
    [top_id] = copy_nodes(unit, caller, [hidden], parent_id=TRASH_ID, now_ns=now_ns)
    frame = CopyFrame(source_id=node.node_id, copy_id=top_id, landlord_id=found.landlord_id)
    return CopyPlace(
        source_id=node.node_id,
        top_id=top_id,
        reservation_id=reservation_id,
        frames=(frame,) if node.is_container else (),
        nodes=1,
        size_bytes=0 if node.is_container else size_bytes,
        files=0 if node.is_container else files,
        expected_files=files,
    )


def _weight(unit: UnitOfWork, node: NodeRecord) -> tuple[int, int]:
    """Bytes and files of a node with all below it."""
    if node.is_container:
        return unit.sizes.exact(node.node_id)
    return (node.length, 1) if node.has_bytes else (0, 0)


class _Step:
    """One transaction of a copy: some hundred nodes, the tree walked depth first."""

    def __init__(
        self, unit: UnitOfWork, caller: Caller, place: CopyPlace, now_ns: int, limit: int
    ) -> None:
        self._unit = unit
        self._caller = caller
        self._place = place
        self._now_ns = now_ns
        self._limit = limit
        self._frames = list(place.frames)
        # Children read but not copied yet, by the container they are in.
        self._pages: dict[int, list[NodeRecord]] = {}

    def run(self) -> CopyPlace:
        """The place after it."""
        before = self._place.nodes
        while self._frames and self._place.nodes - before < self._limit:
            frame = self._frames[-1]
            page = self._pages.get(frame.source_id) or self._read(frame)
            if not page:
                self._frames.pop()
                continue
            leaves = list(takewhile(lambda child: not child.is_container, page))
            copied = leaves or page[:1]
            self._pages[frame.source_id] = page[len(copied) :]
            self._copy(frame, copied)
        return self._place.with_frames(tuple(self._frames))

    def _read(self, frame: CopyFrame) -> list[NodeRecord]:
        path = self._unit.nodes.path_of(frame.source_id)
        if path is None:
            # It was deleted meanwhile: what is in it is going to be nothing.
            return []
        children = self._unit.nodes.children(
            frame.source_id, after=frame.after, limit=self._limit
        )
        require_readable(self._caller, path, children, frame.landlord_id)
        return children

    def _copy(self, frame: CopyFrame, sources: list[NodeRecord]) -> None:
        """Copy either any number of nodes that are no containers, or one container."""
        ids = copy_nodes(
            self._unit, self._caller, sources, parent_id=frame.copy_id, now_ns=self._now_ns
        )
        self._frames[-1] = replace(frame, after=sources[-1].name)
        first = sources[0]
        if first.is_container:
            self._frames.append(
                CopyFrame(
                    source_id=first.node_id,
                    copy_id=ids[0],
                    landlord_id=landlord_below(first, frame.landlord_id),
                )
            )
            self._place = self._place.counted(nodes=1, size_bytes=0, files=0)
            return
        files = [source for source in sources if source.has_bytes]
        size_bytes = sum(source.length for source in files)
        record_change(
            self._unit, frame.copy_id, size_bytes=size_bytes, files=len(files), now_ns=0
        )
        self._place = self._place.counted(
            nodes=len(sources), size_bytes=size_bytes, files=len(files)
        )


def _attach(
    unit: UnitOfWork, caller: Caller, goal: Destination, place: CopyPlace, now_ns: int
) -> Found:
    """Give the hidden tree its place: one row, and all that counts it."""
    parent = goal.parent
    unit.nodes.hold(parent.node)
    top = unit.nodes.by_id(place.top_id)
    if top is None or top.parent_id != TRASH_ID:
        raise TransferFailed("what was copied is gone")
    top = unit.nodes.lock(top)
    settle(
        unit,
        place.reservation_id,
        parent.allocation_id,
        size_bytes=place.size_bytes,
        files=place.files,
    )
    arrived = replace(
        top, parent_id=parent.node.node_id, name=goal.name, owner_id=actor_id(caller)
    )
    unit.nodes.relocate(arrived, now_ns)
    if top.is_container:
        told_bytes, told_files = told_by(unit, top.node_id)
    else:
        told_bytes, told_files = place.size_bytes, place.files
    record_change(
        unit, parent.node.node_id, size_bytes=told_bytes, files=told_files, now_ns=now_ns
    )
    found = reread(unit, Found(path=goal.path, records=(*parent.records, arrived)))
    log_change(unit, caller, Operation.CREATE, found, now_ns)
    return found


def _is_over(unit: UnitOfWork, job_id: str) -> bool:
    found = unit.jobs.phase(job_id)
    return found is None or found[0].is_final
