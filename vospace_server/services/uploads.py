"""UploadService: what happens around an upload, before its first byte and after its last.

`begin_upload` authorises, checks conditions and reserves quota; bytes then flow without any
transaction; `commit_upload` does it all again and makes the node point at the bytes, in one
transaction. Until then nothing has changed but the reservation and a busy mark, both of which
expire by themselves, so an upload that fails in whatever way leaves the node as it was.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from vospace_model.faults import (
    ContainerNotFound,
    InvalidArgument,
)
from vospace_model.nodes import NodeType
from vospace_model.uris import NodePath
from vospace_server.database.changes import Operation
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.access import Action, require
from vospace_server.domain.content import Content
from vospace_server.domain.identity import Caller
from vospace_server.domain.node_record import NewNode, NodeRecord
from vospace_server.domain.node_view import NodeView
from vospace_server.domain.places import Absent, Found
from vospace_server.services.new_nodes import inherited_by, log_change, make_node, reread
from vospace_server.services.quota import QuotaService, reserve, settle
from vospace_server.services.sizes import record_change
from vospace_server.services.tree import Tree, actor_id
from vospace_server.services.upload_conditions import UploadConditions, check_conditions

# An upload that is not renewed for this long is taken for dead: its reservation is swept and
# its node is no longer busy. If it lives after all, its commit charges the quota anew.
UPLOAD_LIFE_NS: Final = 300 * 1_000_000_000
# An upload of unknown length reserves at least so much at a time.
GROW_STEP_BYTES: Final = 16 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedContent:
    """Bytes that are in the store, and what is known about them.

    `media_type` None: as the node has it. `mtime_ns` is what the user says the time of the file
    is; None: the time of the upload.
    """

    content: Content
    media_type: str | None = None
    encoding: str | None = None
    mtime_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadTicket:
    """An upload that has begun. `path` is where it goes, links resolved.

    `allowed_bytes` is how long it may become before `grow` must be called; None: it is outside
    of all allocations or takes no more than is paid for, so any length up to the declared one
    will do.
    """

    upload_id: str
    caller: Caller
    path: NodePath
    conditions: UploadConditions
    declared_length: int | None
    allowed_bytes: int | None
    reservation_id: str | None = field(repr=False)
    allocation_id: int | None
    node_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedUpload:
    """The node as it is now, and whether the upload has made it."""

    view: NodeView
    created: bool


def _nothing(_unit: UnitOfWork) -> None:
    """The default for what else happens in the transaction."""


class UploadService:
    """Begins and ends uploads; the bytes are the business of others."""

    def __init__(self, *, tree: Tree, quota: QuotaService) -> None:
        self._tree = tree
        self._quota = quota

    def begin_upload(
        self,
        caller: Caller,
        path: NodePath,
        *,
        declared_length: int | None,
        conditions: UploadConditions | None = None,
        also: Callable[[UnitOfWork], None] = _nothing,
    ) -> UploadTicket:
        """Let an upload begin, or refuse it before its first byte.

        Links are followed, the last one too; if that is broken, its target will be made. Needs
        write permission on a node that exists, else on its container. Raises the faults of
        walking (ContainerNotFound for a missing parent), InvalidArgument if the path is a
        container, PreconditionFailed, NodeBusy, and QuotaExceeded for the declared length.
        `also` is done in the same transaction (the store notes what it is about to write).
        """
        caller = self._tree.informed(caller, path)

        def work(unit: UnitOfWork) -> UploadTicket:
            unit.allocations.share_tree()
            place = self.place(unit, caller, path)
            check_conditions(place, conditions or UploadConditions(), self._tree.clock())
            ticket = self._reserved(
                unit,
                UploadTicket(
                    upload_id=secrets.token_hex(16),
                    caller=caller,
                    path=place.path,
                    conditions=conditions or UploadConditions(),
                    declared_length=declared_length,
                    allowed_bytes=None,
                    reservation_id=None,
                    allocation_id=_allocation_id(place),
                    node_id=None if isinstance(place, Absent) else place.node.node_id,
                ),
                place,
            )
            also(unit)
            return ticket

        # Nobody is told that anything has been kept; a loss of power ends the upload anyway.
        return self._tree.database.retrying(work, durable=False)

    def admit_upload(
        self, caller: Caller, path: NodePath, *, length: int, conditions: UploadConditions
    ) -> UploadTicket:
        """What `begin_upload` checks, for bytes that have all come: nothing is reserved.

        Whether there is room for them `commit_upload` finds out, and charges it.
        """
        caller = self._tree.informed(caller, path)
        with self._tree.database.read() as unit:
            place = self.place(unit, caller, path)
            check_conditions(place, conditions, self._tree.clock())
        return UploadTicket(
            upload_id="",
            caller=caller,
            path=place.path,
            conditions=conditions,
            declared_length=length,
            allowed_bytes=None,
            reservation_id=None,
            allocation_id=None,
            node_id=None,
        )

    def grow(self, ticket: UploadTicket, needed_bytes: int) -> UploadTicket:
        """The ticket with room for that many bytes in all; QuotaExceeded if there isn't.

        Reserves in steps, so that a stream of unknown length doesn't ask for every block; the
        last step is exactly what is needed.
        """
        allowed = ticket.allowed_bytes
        if allowed is None or needed_bytes <= allowed:
            return ticket
        if ticket.reservation_id is None or ticket.allocation_id is None:
            return ticket
        until_ns = self._tree.clock() + UPLOAD_LIFE_NS
        granted = self._quota.grow(
            ticket.reservation_id,
            ticket.allocation_id,
            wanted_bytes=max(needed_bytes - allowed, GROW_STEP_BYTES),
            needed_bytes=needed_bytes - allowed,
            until_ns=until_ns,
        )
        return replace(ticket, allowed_bytes=allowed + granted)

    def renew(self, ticket: UploadTicket) -> None:
        """Say that the upload is alive; to be called more often than UPLOAD_LIFE_NS."""
        until_ns = self._tree.clock() + UPLOAD_LIFE_NS

        def work(unit: UnitOfWork) -> None:
            if ticket.reservation_id is not None:
                unit.allocations.renew(ticket.reservation_id, more_bytes=0, expires_ns=until_ns)
            if ticket.node_id is not None:
                unit.nodes.renew_busy(ticket.node_id, ticket.upload_id, until_ns)

        self._tree.database.retrying(work, durable=False)

    def commit_upload(
        self,
        ticket: UploadTicket,
        uploaded: UploadedContent,
        *,
        also: Callable[[UnitOfWork], None] = _nothing,
    ) -> CommittedUpload:
        """Make the node point at the bytes; everything happens, or nothing.

        Authorises and checks the conditions again, makes the node if there is none, settles the
        reservation against the real length, adds to the sizes, and logs the change. `also` is
        done in the same transaction. Durable on return. The later of two uploads wins whole.
        After a fault, call `abandon_upload`.
        """

        def work(unit: UnitOfWork) -> CommittedUpload:
            unit.allocations.share_tree()
            now_ns = self._tree.clock()
            place = self.place(unit, ticket.caller, ticket.path)
            if isinstance(place, Found):
                place = _locked(unit, place)
            conditions = replace(ticket.conditions, exclusive=False)
            check_conditions(place, conditions, now_ns)
            also(unit)
            if isinstance(place, Absent):
                found = _made(unit, ticket, place, uploaded, now_ns)
            else:
                found = _replaced(unit, ticket, place, uploaded, now_ns)
            view = self._tree.view(unit, ticket.caller, found)
            return CommittedUpload(view=view, created=isinstance(place, Absent))

        return self._tree.database.retrying(work)

    def abandon_upload(self, ticket: UploadTicket) -> None:
        """Give up: return the reservation, take the busy mark away. Harmless to repeat."""

        def work(unit: UnitOfWork) -> None:
            settle(unit, ticket.reservation_id, None, size_bytes=0, files=0)
            if ticket.node_id is not None:
                unit.nodes.clear_busy(ticket.node_id, ticket.upload_id)

        if ticket.reservation_id is not None or ticket.node_id is not None:
            self._tree.database.retrying(work, durable=False)

    # ------------------------------------------------------------------ beginning

    def place(self, unit: UnitOfWork, caller: Caller, path: NodePath) -> Found | Absent:
        """Where the bytes would go, if the caller may write there."""
        place = self._tree.walker(unit).find(
            caller, path, follow_leaf=True, missing_parent=ContainerNotFound
        )
        if isinstance(place, Absent):
            require(caller, place.parent, Action.WRITE)
            return place
        if place.node.is_container:
            raise InvalidArgument(f"{place.path} is a container; it can't hold bytes")
        require(caller, place, Action.WRITE)
        return place

    def _reserved(
        self, unit: UnitOfWork, ticket: UploadTicket, place: Found | Absent
    ) -> UploadTicket:
        """Reserve what the upload adds, and mark a node that exists as busy."""
        until_ns = self._tree.clock() + UPLOAD_LIFE_NS
        if isinstance(place, Found):
            unit.nodes.mark_busy(place.node.node_id, ticket.upload_id, until_ns)
        if ticket.allocation_id is None:
            return ticket
        present = 0 if isinstance(place, Absent) else place.node.length
        declared = ticket.declared_length or 0
        # Replacing costs the difference; what is there already is paid for.
        size_bytes = max(0, declared - present)
        files = 1 if isinstance(place, Absent) else 0
        if ticket.declared_length is not None and not (size_bytes or files):
            return ticket
        reservation = reserve(
            unit, ticket.allocation_id, size_bytes=size_bytes, files=files, expires_ns=until_ns
        )
        return replace(
            ticket,
            reservation_id=reservation.reservation_id,
            allowed_bytes=max(declared, present),
        )


def _locked(unit: UnitOfWork, found: Found) -> Found:
    return Found(path=found.path, records=(*found.records[:-1], unit.nodes.lock(found.node)))


def _made(
    unit: UnitOfWork,
    ticket: UploadTicket,
    place: Absent,
    uploaded: UploadedContent,
    now_ns: int,
) -> Found:
    """The data node that had been missing, with its bytes."""
    parent, content = place.parent, uploaded.content
    unit.nodes.hold(parent.node)
    settle(
        unit, ticket.reservation_id, parent.allocation_id, size_bytes=content.length, files=1
    )
    new = NewNode(
        parent_id=parent.node.node_id,
        name=place.name,
        kind=NodeType.DATA,
        owner_id=actor_id(ticket.caller),
        media_type=uploaded.media_type,
        encoding=uploaded.encoding,
        mtime_ns=uploaded.mtime_ns,
        content=content,
    )
    inherited = inherited_by(new, parent.node)
    return make_node(unit, ticket.caller, place, inherited, now_ns)


def _replaced(
    unit: UnitOfWork, ticket: UploadTicket, found: Found, uploaded: UploadedContent, now_ns: int
) -> Found:
    """The node with the new bytes instead of the old; it must be locked."""
    node, content = found.node, uploaded.content
    growth = content.length - node.length
    settle(unit, ticket.reservation_id, found.allocation_id, size_bytes=growth, files=0)
    unit.nodes.set_content(_updated(node, uploaded, now_ns), content)
    unit.nodes.clear_busy(node.node_id, ticket.upload_id)
    if growth:
        # New bytes in an entry don't change the set of entries, so no time is noted.
        record_change(unit, node.parent_id, size_bytes=growth, files=0, now_ns=0)
    changed = reread(unit, found)
    log_change(unit, ticket.caller, Operation.CONTENT, changed, now_ns)
    return changed


def _updated(node: NodeRecord, uploaded: UploadedContent, now_ns: int) -> NodeRecord:
    return replace(
        node,
        media_type=uploaded.media_type or node.media_type,
        # Of the bytes, not of the node: what is not said of the new ones is not so.
        encoding=uploaded.encoding,
        modified_ns=now_ns,
        changed_ns=now_ns,
        mtime_ns=uploaded.mtime_ns,
    )


def _allocation_id(place: Found | Absent) -> int | None:
    return place.parent.allocation_id if isinstance(place, Absent) else place.allocation_id
