"""PropertyRepository: properties that have no column of their own."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    select,
)

from vospace_model.nodes import NodeType
from vospace_model.properties import Cadc, Core
from vospace_server.database.node_rows import KIND_CODES
from vospace_server.database.schema import node, node_property

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
_REMOVE: Final = delete(node_property).where(
    node_property.c.node_id.in_(bindparam("ids", expanding=True)),
    node_property.c.uri.in_(bindparam("uris", expanding=True)),
)
_IN_USE: Final = select(node_property.c.uri).distinct().order_by(node_property.c.uri)


# One pass over all nodes: whether any of them has a value in the column of a property.
_COLUMNS: Final[dict[str, ColumnElement[bool]]] = {
    Core.LENGTH: node.c.kind != KIND_CODES[NodeType.LINK],
    Core.ISPUBLIC: node.c.public.is_not(None),
    Core.MD5: node.c.md5.is_not(None),
    Core.CONTENT_DATE: node.c.md5.is_not(None),
    Core.TYPE: node.c.media_type.is_not(None),
    Core.ENCODING: node.c.encoding.is_not(None),
    Core.MTIME: node.c.mtime_ns.is_not(None),
    Core.GROUPREAD: node.c.read_groups != literal(""),
    Core.GROUPWRITE: node.c.write_groups != literal(""),
    Core.QUOTA: node.c.allocation_id.is_not(None),
    Core.IMMUTABLE: node.c.immutable,
    Cadc.ISLOCKED: node.c.locked,
    Cadc.INHERIT: node.c.inherit,
}
_COLUMNS_IN_USE: Final = select(
    *(
        func.max(case((has_value, 1), else_=0)).label(f"column_{number}")
        for number, has_value in enumerate(_COLUMNS.values())
    )
)


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

    def columns_in_use(self) -> list[str]:
        """The same for the properties that have columns of their own."""
        row = self._connection.execute(_COLUMNS_IN_USE).one()
        return [uri for uri, in_use in zip(_COLUMNS, row, strict=True) if in_use]

    def replace(self, changes: Mapping[int, Mapping[str, str | None]]) -> None:
        """Set properties of nodes, and remove those whose new value is None.

        One statement removes what is replaced of all nodes that are given the same ones.
        """
        alike: dict[tuple[str, ...], list[int]] = {}
        for node_id, values in changes.items():
            alike.setdefault(tuple(values), []).append(node_id)
        for uris, node_ids in alike.items():
            self._connection.execute(_REMOVE, {"ids": node_ids, "uris": uris})
        rows = [
            {"node_id": node_id, "uri": uri, "value": value}
            for node_id, values in changes.items()
            for uri, value in values.items()
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
