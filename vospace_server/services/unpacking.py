"""UnpackService: an archive that was sent to a container becomes nodes in it.

First the whole archive is looked through and refused if anything in it must not be (see
domain/archive_inventory.py) or if it can't fit into the quota; until then nothing is made. Then
its nodes are made one by one, each by itself and for good: unpacking is not atomic, as one
transaction over a hundred thousand files would keep everybody else from writing. It ends with
the first node that can't be made, and says exactly how many were.

Containers that exist are used, files that exist get the new content, everything else that is in
the way ends it. Nothing is made outside of the container, not even through links in it.
"""

import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import IO, Final

from vospace_model.faults import (
    ContainerNotFound,
    DuplicateNode,
    Fault,
    InvalidData,
    QuotaExceeded,
    ServiceBusy,
    TransferFailed,
    ViewNotSupported,
)
from vospace_model.nodes import ContainerNode, LinkNode, NodeType
from vospace_model.uris import NodePath
from vospace_server.domain.access import Action, require
from vospace_server.domain.archive_entries import EntryKind
from vospace_server.domain.archive_inventory import Inventory, InventoryTaker, PlannedNode
from vospace_server.domain.digests import Digests
from vospace_server.domain.identity import Caller
from vospace_server.services.archive_reading import Opener, damage_is_a_fault, members
from vospace_server.services.data import DataService, Upload
from vospace_server.services.nodes import NodeService
from vospace_server.services.tree import Tree, usage_of
from vospace_server.services.upload_conditions import UploadConditions
from vospace_server.services.upload_orders import UploadOrder
from vospace_server.storage.object_store import StoreError

_CHUNK_BYTES: Final = 1 << 20
_AT_A_TIME: Final = 2
_NANOSECONDS: Final = 1_000_000_000


def _nothing() -> None:
    """Nobody wants to hear that the work goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """What was made: nodes that are new and files that have new content."""

    files: int = 0
    containers: int = 0
    links: int = 0
    size_bytes: int = 0

    @property
    def nodes(self) -> int:
        """All of them."""
        return self.files + self.containers + self.links


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackOrder:
    """An archive of `length` bytes that is to be unpacked at `path`.

    `beat` is called often while that goes on.
    """

    path: NodePath
    view_uri: str
    archive: IO[bytes]
    length: int
    beat: Callable[[], None] = _nothing


class UnpackingStoppedError(Exception):
    """Unpacking ended before its end; `done` had been made by then, and `fault` is why."""

    def __init__(self, done: Unpacked, fault: Fault) -> None:
        super().__init__(str(fault))
        self.done = done
        self.fault = fault


class UnpackService:
    """Looks through archives and unpacks them."""

    def __init__(self, *, tree: Tree, nodes: NodeService, data: DataService) -> None:
        self._tree = tree
        self._nodes = nodes
        self._data = data
        self._places = threading.BoundedSemaphore(_AT_A_TIME)

    def check(self, caller: Caller, path: NodePath, *, size_bytes: int = 0) -> NodePath:
        """The container that a path means, if the caller may unpack so many bytes into it.

        Raises ContainerNotFound, ViewNotSupported for other nodes, PermissionDenied,
        QuotaExceeded.
        """
        caller = self._tree.informed(caller, path)
        with self._tree.database.read() as unit:
            found = self._tree.walker(unit).get(
                caller, path, follow_leaf=True, missing_parent=ContainerNotFound
            )
            if not found.node.is_container:
                raise ViewNotSupported(
                    f"{found.path} is no container; nothing is unpacked there"
                )
            require(caller, found, Action.WRITE)
            usage = None
            if found.allocation_id is not None:
                usage = usage_of(unit, found.allocation_id)
            # What is replaced makes room; more than is there can't be.
            present, _ = unit.sizes.exact(found.node.node_id)
        available = None if usage is None else usage.available_bytes
        if usage is not None and available is not None and size_bytes - present > available:
            raise QuotaExceeded(usage.refusal(size_bytes))
        return found.path

    def unpack(self, caller: Caller, order: UnpackOrder) -> Unpacked:
        """Unpack an archive into a container.

        Raises ServiceBusy when others are being unpacked, InvalidData for an archive that is
        damaged or must not be, and what `check` raises, all before anything is made; then
        UnpackingStoppedError.
        """
        if not self._places.acquire(blocking=False):
            raise ServiceBusy("other archives are being unpacked; try again later", 10)
        try:
            inventory = _take_stock(order)
            place = self.check(caller, order.path, size_bytes=inventory.size_bytes)
            work = _Unpacking(
                tree=self._tree,
                nodes=self._nodes,
                data=self._data,
                caller=caller,
                place=place,
                beat=order.beat,
            )
            _make_all(work, order, inventory)
            return work.done
        finally:
            self._places.release()


def _make_all(work: "_Unpacking", order: UnpackOrder, inventory: Inventory) -> None:
    try:
        with damage_is_a_fault():
            for member, opener in members(order.view_uri, order.archive):
                planned = inventory.nodes.get(member.ordinal)
                if planned is not None:
                    work.make(planned, opener)
    except (Fault, StoreError) as error:
        fault = error if isinstance(error, Fault) else TransferFailed(str(error))
        raise UnpackingStoppedError(work.done, fault) from error


def _take_stock(order: UnpackOrder) -> Inventory:
    taker = InventoryTaker(packed_bytes=order.length)
    with damage_is_a_fault():
        for member, _ in members(order.view_uri, order.archive):
            order.beat()
            taker.add(member)
    return taker.result()


class _Unpacking:
    """One archive while its nodes are made."""

    def __init__(
        self,
        *,
        tree: Tree,
        nodes: NodeService,
        data: DataService,
        caller: Caller,
        place: NodePath,
        beat: Callable[[], None],
    ) -> None:
        self.done = Unpacked()
        self._tree = tree
        self._nodes = nodes
        self._data = data
        self._caller = caller
        self._place = place
        self._beat = beat
        self._containers: set[tuple[str, ...]] = {()}

    def make(self, planned: PlannedNode, opener: Opener) -> None:
        """Make one node, and the containers that it is in."""
        self._beat()
        folders = planned.names if planned.kind is EntryKind.FOLDER else planned.names[:-1]
        for depth in range(1, len(folders) + 1):
            self._be_container(folders[:depth])
        if planned.kind is EntryKind.FILE:
            self._store(planned, opener)
        elif planned.kind is EntryKind.LINK:
            self._link(planned)

    def _be_container(self, names: tuple[str, ...]) -> None:
        if names in self._containers:
            return
        path = self._path(names)
        try:
            self._nodes.create(self._caller, ContainerNode(uri=self._tree.uri(path)))
        except DuplicateNode:
            present = self._nodes.get(self._caller, path).record
            if not present.is_container:
                raise DuplicateNode(f"{path} is a {present.kind.wire}, no container") from None
        else:
            self.done = replace(self.done, containers=self.done.containers + 1)
        self._containers.add(names)

    def _link(self, planned: PlannedNode) -> None:
        path = self._path(planned.names)
        target = str(self._tree.uri(self._path(planned.target)))
        try:
            self._nodes.create(self._caller, LinkNode(uri=self._tree.uri(path), target=target))
        except DuplicateNode:
            present = self._nodes.get(self._caller, path).record
            if present.kind is not NodeType.LINK or present.target != target:
                raise
            return
        self.done = replace(self.done, links=self.done.links + 1)

    def _store(self, planned: PlannedNode, opener: Opener) -> None:
        path = self._path(planned.names)
        order = UploadOrder(
            path=path,
            declared_length=planned.length,
            announced=Digests(),
            conditions=UploadConditions(),
            media_type=None,
            mtime_ns=None if planned.mtime is None else planned.mtime * _NANOSECONDS,
        )
        upload = self._data.begin(self._caller, order)
        assert isinstance(upload, Upload), "reserved names are refused beforehand"
        try:
            if upload.path != path:
                raise DuplicateNode(f"{path} is a link that leads to {upload.path}")
            with closing(opener()) as part:
                self._copy(part, upload, planned.length)
            upload.commit()
        except BaseException:
            upload.abandon()
            raise
        self.done = replace(
            self.done,
            files=self.done.files + 1,
            size_bytes=self.done.size_bytes + planned.length,
        )

    def _copy(self, part: IO[bytes], upload: Upload, length: int) -> None:
        """All bytes of a member, exactly as many as its header says."""
        left = length
        while left > 0:
            chunk = part.read(min(_CHUNK_BYTES, left))
            if not chunk:
                raise InvalidData("the archive is cut off")
            upload.write(chunk)
            self._beat()
            left -= len(chunk)
        # A checksum at the end is looked at by reading on.
        if part.read(1):
            raise InvalidData("a file in the archive is longer than it says")

    def _path(self, names: tuple[str, ...]) -> NodePath:
        return NodePath((*self._place.names, *names))
