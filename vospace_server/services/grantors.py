"""GrantorService: whom somebody who was refused can ask for access."""

from vospace_model.uris import NodePath
from vospace_server.database.engine import Database
from vospace_server.domain.access import passing_verdict
from vospace_server.domain.identity import OPERATOR_USER_ID, Identity
from vospace_server.domain.places import Found


class GrantorService:
    """Names owners to people who are logged in, where the operator allows it.

    Of a place below a folder that the caller may not read, the owner of that folder is named:
    nothing is learned of what is in it, not even whether it is there.
    """

    def __init__(self, *, database: Database) -> None:
        self._database = database

    def of_node(self, caller: Identity, path: NodePath) -> str | None:
        """The owner of the node that stands in the way; None for one of nobody's.

        None also where the caller's credential is in the way: no owner can change that.
        """
        if not caller.reaches(path):
            return None
        with self._database.read() as unit:
            lineage = unit.nodes.walk(path)
        if not lineage:
            return None
        reached = Found(path=NodePath(path.names[: len(lineage) - 1]), records=lineage)
        for each in reached.way():
            if not passing_verdict(caller, each.node, each.landlord_id).allowed:
                reached = each
                break
        record = reached.node
        return record.owner_name if record.owner_id != OPERATOR_USER_ID else None

    def of_group(self, name: str) -> str | None:
        """The owner of a group of ours; None when there is none such."""
        with self._database.read() as unit:
            group = unit.groups.by_name(name)
        return None if group is None else group.owner
