"""TransferService: negotiation, by which a client learns where it may read or write bytes.

pushToVoSpace and pullFromVoSpace end in a ticket for one node (VOSpace 2.1, section 6.4).
"""

import enum
import re
from dataclasses import dataclass
from typing import Final

from vospace_model.faults import (
    Fault,
    InvalidArgument,
    NotAuthenticated,
    OperationNotSupported,
    ProtocolNotSupported,
    ViewNotSupported,
)
from vospace_model.properties import Core
from vospace_model.protocols import ProtocolUri, RequestedProtocol
from vospace_model.transfers import Direction, ExternalTransfer
from vospace_model.uris import NodePath, VosUri
from vospace_model.views import ViewUri
from vospace_server.domain.identity import ANONYMOUS, Anonymous, Caller, Identity
from vospace_server.domain.reserved_names import invented
from vospace_server.domain.token_scope import TokenScope
from vospace_server.services.archive_transfers import ArchiveTransfers
from vospace_server.services.archive_views import is_archive
from vospace_server.services.data import DataService
from vospace_server.services.part_views import PART_VIEWS, part_of
from vospace_server.services.reading import ReadingService
from vospace_server.services.tickets import PackageTicket, TicketService, WriteTicket
from vospace_server.services.tree import Tree

_READ_PROTOCOLS: Final = (ProtocolUri.HTTP_GET, ProtocolUri.HTTPS_GET)
_WRITE_PROTOCOLS: Final = (ProtocolUri.HTTP_PUT, ProtocolUri.HTTPS_PUT)
SERVED_PROTOCOLS: Final = (*_READ_PROTOCOLS, *_WRITE_PROTOCOLS, ProtocolUri.PUBLIC_SHARE)
"""Every protocol that negotiation can end in. Which of http and https an endpoint really is,
is the server's address's business: clients ask for one and take what they get."""

# As many digits as a length in a database can have.
_LENGTH: Final = re.compile("[0-9]{1,19}")
_PLAIN_VIEWS: Final = {
    ViewUri.ANY,
    ViewUri.BINARY,
    ViewUri.DEFAULT,
    ViewUri.CADC_DATA,
}


class Door(enum.Enum):
    """Where the bytes of a transfer go in or out."""

    BYTES = "data"
    PACKAGE = "pkg"
    UNPACK = "unpack"


def check_plain_view(transfer: ExternalTransfer) -> None:
    """Raise ViewNotSupported unless a transfer is about the bytes as they are.

    For reading, it may be about those of a part.
    """
    reading = transfer.direction is Direction.PULL_FROM_VOSPACE
    known = _PLAIN_VIEWS | PART_VIEWS if reading else _PLAIN_VIEWS
    if transfer.view is not None and transfer.view.uri not in known:
        raise ViewNotSupported(transfer.view.uri)


@dataclass(frozen=True, slots=True, kw_only=True)
class Negotiation:
    """A signed ticket, the name of the file it is for, and the protocols it is good for.

    `expires` is in seconds since 1970. `node` is the node that the bytes come from or go to,
    links resolved. `part` are the parameters of the address that ask for a part of the file.
    """

    ticket: str
    expires: int
    name: str
    node: VosUri
    protocols: tuple[RequestedProtocol, ...]
    door: Door = Door.BYTES
    part: tuple[tuple[str, str], ...] = ()


class TransferService:
    """Decides whether a transfer may be, and signs the tickets for it."""

    def __init__(
        self,
        *,
        tree: Tree,
        reading: ReadingService,
        data: DataService,
        tickets: TicketService,
        archives: ArchiveTransfers,
    ) -> None:
        self._tree = tree
        self._reading = reading
        self._data = data
        self._tickets = tickets
        self._archives = archives

    def negotiate(
        self, caller: Caller, transfer: ExternalTransfer, *, job_id: str
    ) -> Negotiation:
        """What a client may use; `job_id` is the job that ends when the bytes have come.

        Raises OperationNotSupported, ViewNotSupported, ProtocolNotSupported, and all that
        reading or writing the node raises.
        """
        if not transfer.direction.is_client_initiated:
            raise OperationNotSupported(f"{transfer.direction.value} is not offered here")
        if is_archive(transfer.view):
            return self._archive(caller, transfer, job_id)
        check_plain_view(transfer)
        path = invented(self._tree.own_path(transfer.target), job_id)
        try:
            if transfer.direction is Direction.PULL_FROM_VOSPACE:
                return self._read(caller, path, transfer)
            return self._write(caller, path, transfer, job_id)
        except InvalidArgument as fault:
            raise self._archives.explained(caller, path, transfer.direction, fault) from fault

    def _archive(self, caller: Caller, transfer: ExternalTransfer, job_id: str) -> Negotiation:
        """An address at which a container is one stream of bytes."""
        if transfer.direction.writes:
            return self._unpack(caller, transfer, job_id)
        protocols = _usable(transfer, _READ_PROTOCOLS)
        name = self._archives.check_reading(caller, transfer)
        scope = caller.scope if isinstance(caller, Identity) else TokenScope.READ
        ticket = PackageTicket(job_id=job_id, scope=scope.label, expires=self._tickets.expiry())
        return Negotiation(
            ticket=self._tickets.sign(ticket),
            expires=ticket.expires,
            name=name,
            # Of several, the first.
            node=transfer.targets[0],
            protocols=protocols,
            door=Door.PACKAGE,
        )

    def _unpack(self, caller: Caller, transfer: ExternalTransfer, job_id: str) -> Negotiation:
        protocols = _usable(transfer, _WRITE_PROTOCOLS)
        path = self._archives.check_writing(caller, transfer)
        return self._signed(caller, path, job_id, protocols, Door.UNPACK)

    def _read(self, caller: Caller, path: NodePath, transfer: ExternalTransfer) -> Negotiation:
        part = part_of(transfer.view)
        protocols = _usable(transfer, self._read_protocols(path, transfer))
        opened = self._reading.open(caller, path)
        return Negotiation(
            ticket=opened.signed,
            expires=opened.ticket.expires,
            name=path.name,
            node=self._tree.uri(opened.path),
            protocols=protocols,
            part=part,
        )

    def _read_protocols(self, path: NodePath, transfer: ExternalTransfer) -> tuple[str, ...]:
        """The protocols to read by: the public share only for what everybody may read."""
        if all(each.uri != ProtocolUri.PUBLIC_SHARE for each in transfer.protocols):
            return _READ_PROTOCOLS
        try:
            self._reading.open(ANONYMOUS, path)
        except Fault:
            return _READ_PROTOCOLS
        return (*_READ_PROTOCOLS, ProtocolUri.PUBLIC_SHARE)

    def _write(
        self,
        caller: Caller,
        path: NodePath,
        transfer: ExternalTransfer,
        job_id: str,
    ) -> Negotiation:
        protocols = _usable(transfer, _WRITE_PROTOCOLS)
        if isinstance(caller, Anonymous):
            raise NotAuthenticated(f"log in to write {path}")
        target = self._data.check(caller, path, length=_announced_length(transfer))
        return self._signed(caller, target, job_id, protocols, Door.BYTES)

    def _signed(
        self,
        caller: Caller,
        target: NodePath,
        job_id: str,
        protocols: tuple[RequestedProtocol, ...],
        door: Door,
    ) -> Negotiation:
        if isinstance(caller, Anonymous):
            raise NotAuthenticated(f"log in to write {target}")
        ticket = WriteTicket(
            path=str(target),
            user=caller.name,
            scope=caller.scope.label,
            job_id=job_id,
            expires=self._tickets.expiry(),
        )
        signed = self._tickets.sign(ticket)
        return Negotiation(
            ticket=signed,
            expires=ticket.expires,
            name=target.name or self._tree.name,
            node=self._tree.uri(target),
            protocols=protocols,
            door=door,
        )


def _usable(
    transfer: ExternalTransfer, offered: tuple[str, ...]
) -> tuple[RequestedProtocol, ...]:
    """Those of the protocols asked for that there are, each once, in the client's order."""
    asked = dict.fromkeys(
        RequestedProtocol(uri=each.uri, security_methods=each.security_methods)
        for each in transfer.protocols
        if each.uri in offered
    )
    if not asked:
        named = ", ".join(each.uri for each in transfer.protocols) or "none"
        raise ProtocolNotSupported(f"{named}; offered are {', '.join(offered)}")
    return tuple(asked)


def _announced_length(transfer: ExternalTransfer) -> int | None:
    """The length that a client announces with the parameter core#length."""
    for param in transfer.params:
        if param.uri == Core.LENGTH:
            if _LENGTH.fullmatch(param.value) is None:
                raise InvalidArgument(f"the announced length {param.value[:40]!r} is no number")
            return int(param.value)
    return None
