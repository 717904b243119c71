"""JobLineService: jobs of every kind on one list, all of somebody's or those about a node."""

from typing import Final

from vospace_model.uris import NodePath
from vospace_server.domain.identity import Identity
from vospace_server.domain.job_line import JobLine
from vospace_server.services.tree import Tree

MOST_LINES: Final = 200
MOST_LINES_OF_A_NODE: Final = 20


class JobLineService:
    """Reads jobs for their owners; JobService acts on one."""

    def __init__(self, *, tree: Tree) -> None:
        self._tree = tree

    def mine(self, caller: Identity) -> list[JobLine]:
        """The newest of the caller's jobs."""
        with self._tree.database.read() as unit:
            return unit.job_lines.of_owner(caller.user_id, limit=MOST_LINES)

    def about(self, caller: Identity, path: NodePath) -> list[JobLine]:
        """The newest of the caller's jobs that named this path or a container above it.

        Nothing is asked of the node: whoever asks learns what they have asked for themselves,
        also of what is gone since. Direct transfers are left out.
        """
        on_the_way = (NodePath(path.names[:depth]) for depth in range(len(path) + 1))
        places = [str(self._tree.uri(each)) for each in on_the_way]
        with self._tree.database.read() as unit:
            return unit.job_lines.about(caller.user_id, places, limit=MOST_LINES_OF_A_NODE)
