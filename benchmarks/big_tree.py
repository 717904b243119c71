"""Fills the database of a space with many nodes at once, past the server to be measured.

The rows are those that as many requests would have left, sizes and use included; the files
have no bytes.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, create_engine, func, insert, select, text, update

from vospace_server.database.schema import container_size, node, quota_slot

FILES_PER_FOLDER: Final = 1000
_BATCH: Final = 5000
_CONTAINER: Final = 0
_DATA: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BigTree:
    """Containers `/durand/NAME/0` … with `FILES_PER_FOLDER` files `0` … each."""

    name: str
    folders: int
    files_per_folder: int = FILES_PER_FOLDER

    @property
    def nodes(self) -> int:
        """How many nodes there are below the tree's own container."""
        return self.folders * (self.files_per_folder + 1)


def fill(url: str, owner: str, tree: BigTree) -> None:
    """Insert the tree below the container of the allocation `/owner`."""
    engine = create_engine(url)
    with engine.begin() as connection:
        top = connection.execute(
            select(node.c.id, node.c.owner_id, node.c.allocation_id).where(node.c.name == owner)
        ).one()
        first = (connection.scalar(select(func.max(node.c.id))) or 0) + 1
        rows = _Rows(owner_id=top.owner_id, now_ns=time.time_ns())
        container_ids = range(first + 1, first + 1 + tree.folders)
        containers = itertools.chain(
            [rows.node(first, top.id, tree.name, _CONTAINER)],
            (
                rows.node(each, first, str(n), _CONTAINER)
                for n, each in enumerate(container_ids)
            ),
        )
        _insert(connection, node, containers)
        _insert(connection, node, _files(rows, container_ids, tree))
        files = tree.folders * tree.files_per_folder
        sizes = [rows.size(each, tree.files_per_folder) for each in container_ids]
        _insert(connection, container_size, iter([rows.size(first, files), *sizes]))
        _add_files(connection, top.id, top.allocation_id, files)
        if connection.dialect.name == "postgresql":
            # The server's next node must not get a number that is taken.
            connection.execute(
                text("SELECT setval(pg_get_serial_sequence('node', 'id'), max(id)) FROM node")
            )
    engine.dispose()


def _files(rows: _Rows, container_ids: range, tree: BigTree) -> Iterator[dict[str, Any]]:
    numbers = itertools.count(container_ids.stop)
    for container_id in container_ids:
        for n in range(tree.files_per_folder):
            yield rows.node(next(numbers), container_id, str(n), _DATA)


def _add_files(connection: Connection, top: int, allocation_id: int, files: int) -> None:
    """The files count in the allocation's container, in the root, and against the quota."""
    for node_id in (top, 1):
        connection.execute(
            update(container_size)
            .where(container_size.c.node_id == node_id)
            .values(
                total_files=container_size.c.total_files + files,
                pushed_files=container_size.c.pushed_files + (files if node_id != 1 else 0),
            )
        )
    connection.execute(
        update(quota_slot)
        .where(quota_slot.c.allocation_id == allocation_id, quota_slot.c.slot == 0)
        .values(used_files=quota_slot.c.used_files + files)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    owner_id: int
    now_ns: int

    def node(self, node_id: int, parent_id: int, name: str, kind: int) -> dict[str, Any]:
        return {
            "id": node_id,
            "parent_id": parent_id,
            "name": name,
            "kind": kind,
            "owner_id": self.owner_id,
            "public": False,
            "inherit": False,
            "locked": False,
            "immutable": False,
            "read_groups": "",
            "write_groups": "",
            "length": 0,
            "created_ns": self.now_ns,
            "modified_ns": self.now_ns,
            "changed_ns": self.now_ns,
            "has_properties": False,
            "version": 1,
        }

    def size(self, node_id: int, files: int) -> dict[str, Any]:
        return {
            "node_id": node_id,
            "total_bytes": 0,
            "total_files": files,
            "pushed_bytes": 0,
            "pushed_files": files,
            "entries_changed_ns": self.now_ns,
        }


def _insert(connection: Connection, table: Any, rows: Iterator[dict[str, Any]]) -> None:
    while batch := list(itertools.islice(rows, _BATCH)):
        connection.execute(insert(table), batch)
