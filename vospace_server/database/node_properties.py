"""PropertyRepository: properties that have no column of their own."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, insert, select

from vospace_server.database.schema import node_property

_OF_NODE: Final = (
    select(node_property.c.uri, node_property.c.value)
    .where(node_property.c.node_id == bindparam("of_node"))
    .order_by(node_property.c.uri)
)
_OF_NODES: Final = (
    select(node_property.c.node_id, node_property.c.uri, node_property.c.value)
    .where(node_property.c.node_id.in_(bindparam("ids", expanding=True)))
    .order_by(node_property.c.node_id, node_property.c.uri)
)
_IN_USE: Final = select(node_property.c.uri).distinct().order_by(node_property.c.uri)


class PropertyRepository:
    """Rows of `property` in one transaction. Values are text; '' is the empty string."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_node(self, node_id: int) -> dict[str, str]:
        """The node's properties by URI, in the order of their URIs."""
        rows = self._connection.execute(_OF_NODE, {"of_node": node_id})
        return {row.uri: row.value for row in rows}

    def of_nodes(self, node_ids: Sequence[int]) -> dict[int, dict[str, str]]:
        """The same for many nodes; those without properties are left out."""
        found: dict[int, dict[str, str]] = {}
        if not node_ids:
            return found
        for node_id, uri, value in self._connection.execute(_OF_NODES, {"ids": node_ids}):
            found.setdefault(node_id, {})[uri] = value
        return found

    def uris_in_use(self) -> list[str]:
        """Every URI that some node has a value for (getProperties, `contains`)."""
        return list(self._connection.scalars(_IN_USE))

    def replace(self, node_id: int, changes: Mapping[str, str | None]) -> None:
        """Set properties, and remove those whose new value is None."""
        self._connection.execute(
            delete(node_property).where(
                node_property.c.node_id == node_id, node_property.c.uri.in_(list(changes))
            )
        )
        rows: list[dict[str, Any]] = [
            {"node_id": node_id, "uri": uri, "value": value}
            for uri, value in changes.items()
            if value is not None
        ]
        if rows:
            self._connection.execute(insert(node_property), rows)

    def copy(self, copies: Mapping[int, int]) -> None:
        """Give nodes without properties those of others; `copies` by the number of these."""
        rows = [
            {"node_id": copies[node_id], "uri": uri, "value": value}
            for node_id, values in self.of_nodes(list(copies)).items()
            for uri, value in values.items()
        ]
        if rows:
            self._connection.execute(insert(node_property), rows)

    def remove_all(self, node_ids: Sequence[int]) -> None:
        """Delete every property of these nodes."""
        self._connection.execute(
            delete(node_property).where(node_property.c.node_id.in_(node_ids))
        )
