"""ArchiveTransfers: negotiation of transfers in which a container is one stream of bytes."""

from vospace_model.faults import Fault, NotAuthenticated, ViewNotSupported
from vospace_model.transfers import Direction, ExternalTransfer
from vospace_model.uris import NodePath
from vospace_server.domain.access import Action, require
from vospace_server.domain.identity import Anonymous, Caller
from vospace_server.services.archive_views import (
    ACCEPTED_ARCHIVES,
    PROVIDED_ARCHIVES,
    is_package,
    provided_format,
)
from vospace_server.services.packages import archive_file_name
from vospace_server.services.tree import Tree
from vospace_server.services.unpacking import UnpackService


class ArchiveTransfers:
    """Says what may be read or written as an archive."""

    def __init__(self, *, tree: Tree, unpacking: UnpackService) -> None:
        self._tree = tree
        self._unpacking = unpacking

    def check_reading(self, caller: Caller, transfer: ExternalTransfer) -> str:
        """Return the name of the archive's file if a transfer may be.

        A package of CADC's may name anything: what is not there or may not be read is not in
        it. Of the other views the one target must be a container that the caller may read.
        Raises ViewNotSupported, InvalidArgument, and the faults of walking.
        """
        assert transfer.view is not None, "asked for archives alone"
        archive = provided_format(transfer.view)
        paths = [self._tree.own_path(target) for target in transfer.targets]
        if not is_package(transfer.view):
            self._check_container(
                caller, self._tree.own_path(transfer.target), transfer.view.uri
            )
        return archive_file_name(paths, archive)

    def check_writing(self, caller: Caller, transfer: ExternalTransfer) -> NodePath:
        """Return the container that an archive would be unpacked into, if the caller may.

        Raises NotAuthenticated, ViewNotSupported, and what UnpackService.check raises.
        """
        assert transfer.view is not None, "asked for archives alone"
        if transfer.view.uri not in ACCEPTED_ARCHIVES:
            raise ViewNotSupported(
                f"{transfer.view.uri}; containers take {', '.join(ACCEPTED_ARCHIVES)}"
            )
        path = self._tree.own_path(transfer.target)
        if isinstance(caller, Anonymous):
            raise NotAuthenticated(f"log in to write {path}")
        return self._unpacking.check(caller, path)

    def explained(
        self, caller: Caller, path: NodePath, direction: Direction, fault: Fault
    ) -> Fault:
        """Why bytes can't be moved to or from a path: the fault, or that it is a container."""
        caller = self._tree.informed(caller, path)
        try:
            with self._tree.database.read() as unit:
                found = self._tree.walker(unit).get(caller, path, follow_leaf=True)
        except Fault:
            return fault
        if not found.node.is_container:
            return fault
        views = ACCEPTED_ARCHIVES if direction.writes else PROVIDED_ARCHIVES
        return ViewNotSupported(
            f"{path} is a container; its bytes travel as one of {', '.join(views)}"
        )

    def _check_container(self, caller: Caller, path: NodePath, view_uri: str) -> None:
        caller = self._tree.informed(caller, path)
        with self._tree.database.read() as unit:
            found = self._tree.walker(unit).get(caller, path, follow_leaf=True)
        if not found.node.is_container:
            raise ViewNotSupported(f"{view_uri}; {path} is no container")
        require(caller, found, Action.READ)
