"""InternalTransferService: a node to another place, as a transfer document asks for it."""

from collections.abc import Callable

from vospace_model.faults import OperationNotSupported
from vospace_model.transfers import InternalTransfer
from vospace_model.uris import VosUri
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.identity import Caller
from vospace_server.domain.reserved_names import invented, is_null
from vospace_server.services.deletions import DeletionService
from vospace_server.services.moves import MoveService
from vospace_server.services.tree import Tree


def _nothing(_unit: UnitOfWork, _uri: VosUri | None) -> None:
    """The default for what else happens in the transaction."""


class InternalTransferService:
    """moveNode (VOSpace 2.1, section 6.3). copyNode is the business of CopyService."""

    def __init__(self, *, tree: Tree, moves: MoveService) -> None:
        self._tree = tree
        self._moves = moves
        self._deletions = DeletionService(tree=tree)

    def move(
        self,
        caller: Caller,
        transfer: InternalTransfer,
        *,
        job_id: str,
        also: Callable[[UnitOfWork, VosUri | None], None] = _nothing,
    ) -> VosUri | None:
        """Move a node, and return its new URI; raises what MoveService.move does.

        A destination `.auto` is a new name that the job invents; `.null` deletes the node with
        all below it (VOSpace 2.1, 6.2.4), and there is no URI then. `also` is done in the same
        transaction.
        """
        if transfer.keep_bytes:
            raise OperationNotSupported("a copy takes its time: ask for it at /transfers")
        source = self._tree.own_path(transfer.source)
        destination = invented(self._tree.own_path(transfer.destination), job_id)
        if is_null(destination):
            self._deletions.delete(
                caller, source, recursive=True, also=lambda unit: also(unit, None)
            )
            return None
        moved = self._moves.move(
            caller,
            source,
            destination,
            also=lambda unit, path: also(unit, self._tree.uri(path)),
        )
        return self._tree.uri(moved.path)
