"""ReadingService: from a path to the bytes behind it, in two steps with a ticket between.

The first step asks the database and authorises the caller; the second needs the ticket alone,
so that serving bytes costs no transaction however many ranges are read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from vospace_model.faults import Fault, InternalFault, InvalidArgument, NodeNotFound
from vospace_model.uris import NodePath
from vospace_server.database.blobs import BlobRecord
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.access import Action, require
from vospace_server.domain.content import Content
from vospace_server.domain.identity import Caller
from vospace_server.domain.node_record import NodeRecord
from vospace_server.domain.node_view import NodeView
from vospace_server.domain.places import Found
from vospace_server.services.tickets import ReadTicket, TicketService
from vospace_server.services.tree import Tree
from vospace_server.storage.object_store import (
    ObjectKey,
    ObjectNotFoundError,
    ObjectReader,
    ObjectStore,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A node with bytes, and the ticket to read them with."""

    node: NodeRecord
    path: NodePath
    ticket: ReadTicket
    signed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A node and, when it has bytes that the caller may read, a ticket for them.

    `expires` is in seconds since 1970.
    """

    view: NodeView
    signed: str | None = None
    expires: int = 0


class ReadingService:
    """Finds data nodes for reading. Links are followed everywhere, the last one too."""

    def __init__(
        self,
        *,
        tree: Tree,
        store: ObjectStore,
        tickets: TicketService,
    ) -> None:
        self._tree = tree
        self._store = store
        self._tickets = tickets

    def describe(self, caller: Caller, path: NodePath) -> ReadTicket:
        """A data node for HEAD: it must be reachable, not readable (contract 1.4).

        The ticket is not signed and only tells of the content.
        """
        caller = self._tree.informed(caller, path)
        with self._tree.database.read() as unit:
            found = self._data_node(unit, caller, path)
            return self._ticket(unit, found.node)

    def open(self, caller: Caller, path: NodePath) -> Opened:
        """A data node with a ticket to read its bytes.

        Raises NodeNotFound, PermissionDenied or NotAuthenticated, InvalidArgument for a node
        that is no data node or a link that leads out of the space, UnreadableLinkTarget.
        """
        caller = self._tree.informed(caller, path)
        with self._tree.database.read() as unit:
            found = self._data_node(unit, caller, path)
            require(caller, found, Action.READ)
            ticket = self._ticket(unit, found.node)
        signed = self._tickets.sign(ticket)
        return Opened(node=found.node, path=found.path, ticket=ticket, signed=signed)

    def open_many(self, caller: Caller, paths: Sequence[NodePath]) -> list[ReadTicket | Fault]:
        """For each path what `open` would give or raise; one transaction for all.

        Files of one folder cost it one walk, and two queries together. Tickets are not signed.
        """
        with self._tree.database.read() as unit:
            found: list[Found | Fault] = []
            for _, siblings in groupby(paths, key=lambda path: path.names[:-1]):
                found += self._open_siblings(unit, caller, list(siblings))
            opened = [each for each in found if isinstance(each, Found)]
            blobs = unit.blobs.get_all(
                [one.node.content_id for one in opened if one.node.content_id is not None]
            )
            return [
                each
                if isinstance(each, Fault)
                else self._ticket_of(each.node, _stored(each.node, blobs))
                for each in found
            ]

    def look(self, caller: Caller, path: NodePath) -> Look:
        """A node of any type, a link itself, with a ticket if the caller may read its bytes."""
        caller = self._tree.informed(caller, path)
        with self._tree.database.read() as unit:
            found = self._tree.walker(unit).get(caller, path)
            view = self._tree.view(unit, caller, found)
            if not view.readable or found.node.content_id is None:
                return Look(view=view)
            ticket = self._ticket(unit, found.node)
        return Look(view=view, signed=self._tickets.sign(ticket), expires=ticket.expires)

    def open_object(self, ticket: ReadTicket) -> ObjectReader:
        """The bytes of a ticket. Raises NodeNotFound when there are none (any more)."""
        if ticket.content is None:
            raise NodeNotFound("nothing has been written to this node")
        try:
            return self._store.open(ObjectKey(ticket.content.object_key))
        except ObjectNotFoundError as error:
            raise NodeNotFound("this content was replaced or deleted") from error

    def check(self) -> None:
        """Raises when the database or the object store does not answer."""
        self.check_database()
        self._store.check()

    def check_database(self) -> None:
        """Raises when the database does not answer."""
        with self._tree.database.read() as unit:
            unit.nodes.walk(NodePath.root())

    def _data_node(self, unit: UnitOfWork, caller: Caller, path: NodePath) -> Found:
        return _with_bytes(self._tree.walker(unit).get(caller, path, follow_leaf=True))

    def _open_siblings(
        self, unit: UnitOfWork, caller: Caller, paths: Sequence[NodePath]
    ) -> list[Found | Fault]:
        """Nodes of one folder that the caller may read, or why not.

        The first that is found shows the way to the folder, with all links on it resolved and
        all that stands above authorised; the others are looked up beside it. A credential that
        is not for the folder is asked about each of them.
        """
        found: list[Found | Fault] = []
        folder: Found | None = None
        beside: dict[str, NodeRecord] = {}
        for number, path in enumerate(paths):
            try:
                record = beside.get(path.name) if folder is not None else None
                if folder is None or record is None:
                    one = self._tree.walker(unit).get(caller, path)
                else:
                    one = folder.child(record)
                if folder is None and _may_look_beside(caller, one.path):
                    folder = one.parent()
                    names = [other.name for other in paths[number + 1 :]]
                    beside = unit.nodes.children_named(folder.node.node_id, names)
                if one.node.is_link:
                    one = self._data_node(unit, caller, path)
                require(caller, _with_bytes(one), Action.READ)
                found.append(one)
            except Fault as fault:
                found.append(fault)
        return found

    def _ticket(self, unit: UnitOfWork, node: NodeRecord) -> ReadTicket:
        return self._ticket_of(node, _content(unit, node))

    def _ticket_of(self, node: NodeRecord, content: Content | None) -> ReadTicket:
        return ReadTicket(
            node_id=node.node_id,
            content=content,
            media_type=node.media_type,
            modified_ns=node.modified_ns,
            public=node.public,
            expires=self._tickets.expiry(),
        )


def _may_look_beside(caller: Caller, path: NodePath) -> bool:
    return not path.is_root and caller.reaches(path.parent)


def _with_bytes(found: Found) -> Found:
    if not found.node.has_bytes:
        raise InvalidArgument(f"{found.path} is a {found.node.kind.value}, it has no bytes")
    return found


def _content(unit: UnitOfWork, node: NodeRecord) -> Content | None:
    if node.content_id is None:
        return None
    blob = unit.blobs.get(node.content_id)
    return _stored(node, {} if blob is None else {blob.content_id: blob})


def _stored(node: NodeRecord, blobs: Mapping[str, BlobRecord]) -> Content | None:
    if node.content_id is None:
        return None
    blob = blobs.get(node.content_id)
    if blob is None or blob.md5 is None or blob.sha256 is None:
        raise InternalFault(f"the content of node {node.node_id} is not in the list of blobs")
    return Content(
        content_id=blob.content_id,
        object_key=blob.object_key,
        length=node.length,
        md5=blob.md5,
        sha256=blob.sha256,
    )
