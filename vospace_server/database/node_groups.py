"""NodeGroupRepository: which nodes grant a group what."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, exists, select

from vospace_server.database.schema import node_group
from vospace_server.domain.group import Grant, GrantMode

# A group URI is the identifier of its service, a question mark, and the name: all groups of a
# service lie between the question mark and the character after it.
_FIRST: Final = "?"
_BEYOND: Final = "@"


class NodeGroupRepository:
    """Reads the groups that nodes name; NodeRepository writes them with the nodes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def grants(self, group_uri: str, *, after_node_id: int, limit: int) -> list[Grant]:
        """What nodes grant a group, by the number of the node.

        `limit` bounds the lines; one node may have two.
        """
        query = (
            select(node_group.c.node_id, node_group.c.mode)
            .where(node_group.c.group_uri == group_uri, node_group.c.node_id > after_node_id)
            .order_by(node_group.c.node_id, node_group.c.mode)
            .limit(limit)
        )
        return [
            Grant(node_id=row.node_id, mode=GrantMode(row.mode))
            for row in self._connection.execute(query)
        ]

    def names_groups_of(self, service_id: str) -> bool:
        """Whether any node names a group of this group service."""
        query = select(
            exists().where(
                node_group.c.group_uri >= service_id + _FIRST,
                node_group.c.group_uri < service_id + _BEYOND,
            )
        )
        return bool(self._connection.scalar(query))
