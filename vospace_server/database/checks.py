"""CheckRepository: the questions that only a check of the whole space asks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, or_, select

from vospace_server.database.blobs import BlobState
from vospace_server.database.node_statements import climb_statement
from vospace_server.database.schema import TRASH_ID, blob, container_size, node, trash

_CLIMB: Final = climb_statement()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A data node with content, and what the list of blobs says of that content.

    `state` None: there is no such blob.
    """

    node_id: int
    content_id: str
    node_length: int
    node_md5: str | None
    state: str | None
    blob_length: int | None
    blob_md5: str | None


class CheckRepository:
    """Reads only; pages are in the order of ids, so that a check can go on where it was."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def broken_references(self, after_node_id: int, limit: int) -> Sequence[Reference]:
        """Nodes whose content is no stored blob, or differs from it in length or digest."""
        query = (
            select(
                node.c.id,
                node.c.content_id,
                node.c.length,
                node.c.md5,
                blob.c.state,
                blob.c.length.label("blob_length"),
                blob.c.md5.label("blob_md5"),
            )
            .select_from(node.outerjoin(blob, blob.c.content_id == node.c.content_id))
            .where(node.c.id > after_node_id, node.c.content_id.is_not(None))
            .where(
                or_(
                    blob.c.state.is_distinct_from(BlobState.STORED),
                    blob.c.length.is_distinct_from(node.c.length),
                    blob.c.md5.is_distinct_from(node.c.md5),
                )
            )
            .order_by(node.c.id)
            .limit(limit)
        )
        return [
            Reference(
                node_id=row.id,
                content_id=row.content_id,
                node_length=row.length,
                node_md5=row.md5,
                state=row.state,
                blob_length=row.blob_length,
                blob_md5=row.blob_md5,
            )
            for row in self._connection.execute(query)
        ]

    def containers(self, after_node_id: int, limit: int) -> Sequence[int]:
        """Ids of containers behind `after_node_id`."""
        query = select(container_size.c.node_id).where(container_size.c.node_id > after_node_id)
        return list(
            self._connection.scalars(query.order_by(container_size.c.node_id).limit(limit))
        )

    def node_of_content(self, content_id: str) -> int | None:
        """Some node that refers to a content, to be named in a report."""
        query = select(node.c.id).where(node.c.content_id == content_id).limit(1)
        found: int | None = self._connection.scalar(query)
        return found

    def unknown_keys(self, object_keys: Collection[str]) -> set[str]:
        """Those of the keys that no blob has."""
        query = select(blob.c.object_key).where(blob.c.object_key.in_(object_keys))
        return set(object_keys) - set(self._connection.scalars(query))

    def has_trash_of(self, allocation_id: int, now_ns: int) -> bool:
        """Whether deleted trees of an allocation are being taken apart; kept ones are not."""
        query = (
            select(trash.c.node_id)
            .where(trash.c.allocation_id == allocation_id, trash.c.kept_until_ns <= now_ns)
            .limit(1)
        )
        return self._connection.execute(query).first() is not None

    def is_taken_apart(self, node_id: int, now_ns: int) -> bool:
        """Whether a node is gone, or in a deleted tree that nobody can put back."""
        rows = self._connection.execute(_CLIMB, {"node_id": node_id}).all()
        if not rows:
            return True
        top = rows[0]
        # The top of a deleted tree is named after its own number (TrashRepository).
        if top.parent_id != TRASH_ID or not top.name.isdecimal():
            return False
        query = select(trash.c.kept_until_ns).where(trash.c.node_id == int(top.name))
        kept_until_ns: int | None = self._connection.scalar(query)
        return kept_until_ns is None or kept_until_ns <= now_ns
