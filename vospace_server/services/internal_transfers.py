"""InternalTransferService: a node to another place, as a transfer document asks for it."""

from vospace_model.faults import OperationNotSupported
from vospace_model.transfers import InternalTransfer
from vospace_model.uris import VosUri
from vospace_server.domain.identity import Caller
from vospace_server.services.moves import MoveService
from vospace_server.services.tree import Tree


class InternalTransferService:
    """moveNode (VOSpace 2.1, section 6.3). copyNode is refused as OperationNotSupported."""

    def __init__(self, *, tree: Tree, moves: MoveService) -> None:
        self._tree = tree
        self._moves = moves

    def move(self, caller: Caller, transfer: InternalTransfer) -> VosUri:
        """Move a node, and return its new URI; raises what MoveService.move does."""
        if transfer.keep_bytes:
            raise OperationNotSupported("copying within the space is not offered")
        source = self._tree.own_path(transfer.source)
        destination = self._tree.own_path(transfer.destination)
        return self._tree.uri(self._moves.move(caller, source, destination).path)
