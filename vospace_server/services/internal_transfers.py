"""InternalTransferService: a node to another place, as a transfer document asks for it."""

from collections.abc import Callable

from vospace_model.faults import OperationNotSupported
from vospace_model.transfers import InternalTransfer
from vospace_model.uris import VosUri
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.identity import Caller
from vospace_server.services.moves import MoveService
from vospace_server.services.tree import Tree


def _nothing(_unit: UnitOfWork, _uri: VosUri) -> None:
    """The default for what else happens in the transaction."""


class InternalTransferService:
    """moveNode (VOSpace 2.1, section 6.3). copyNode is the business of CopyService."""

    def __init__(self, *, tree: Tree, moves: MoveService) -> None:
        self._tree = tree
        self._moves = moves

    def move(
        self,
        caller: Caller,
        transfer: InternalTransfer,
        *,
        also: Callable[[UnitOfWork, VosUri], None] = _nothing,
    ) -> VosUri:
        """Move a node, and return its new URI; raises what MoveService.move does.

        `also` is done in the same transaction.
        """
        if transfer.keep_bytes:
            raise OperationNotSupported("a copy takes its time: ask for it at /transfers")
        source = self._tree.own_path(transfer.source)
        destination = self._tree.own_path(transfer.destination)
        moved = self._moves.move(
            caller,
            source,
            destination,
            also=lambda unit, path: also(unit, self._tree.uri(path)),
        )
        return self._tree.uri(moved.path)
