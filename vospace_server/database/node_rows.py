"""How rows of `node` become NodeRecords: columns, their order, and the conversion."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import ColumnElement, Text, case, func, literal_column

from vospace_model.nodes import NodeType
from vospace_server.database.columns import constant
from vospace_server.database.schema import app_user, container_size, node
from vospace_server.domain.node_record import NodeRecord

KINDS: Final = (
    NodeType.CONTAINER,
    NodeType.DATA,
    NodeType.UNSTRUCTURED,
    NodeType.STRUCTURED,
    NodeType.LINK,
)
"""Node types by the number that stands for them in `node.kind`."""

KIND_CODES: Final[Mapping[NodeType, int]] = MappingProxyType(
    {kind: code for code, kind in enumerate(KINDS)}
)

_CONTAINER_CODE: Final = constant(KIND_CODES[NodeType.CONTAINER])
_NO_NAME: Final[ColumnElement[str]] = literal_column("''", Text)
_ZERO: Final = constant(0)

LENGTH: Final[ColumnElement[int]] = case(
    (node.c.kind == _CONTAINER_CODE, func.coalesce(container_size.c.total_bytes, _ZERO)),
    else_=node.c.length,
)
"""What a listing sorts by: bytes of a data node, recursive bytes of a container."""

_ENTRIES_CHANGED: Final = func.coalesce(container_size.c.entries_changed_ns, _ZERO)

MODIFIED: Final[ColumnElement[int]] = case(
    (node.c.modified_ns < _ENTRIES_CHANGED, _ENTRIES_CHANGED), else_=node.c.modified_ns
)

# Exactly the order of `record_of`.
RECORD_COLUMNS: Final[tuple[ColumnElement[Any], ...]] = (
    node.c.id,
    node.c.parent_id,
    node.c.name,
    node.c.kind,
    node.c.owner_id,
    func.coalesce(app_user.c.name, _NO_NAME).label("owner_name"),
    node.c.public,
    node.c.inherit,
    node.c.locked,
    node.c.immutable,
    node.c.read_groups,
    node.c.write_groups,
    node.c.allocation_id,
    node.c.target,
    node.c.content_id,
    LENGTH.label("shown_length"),
    func.coalesce(container_size.c.total_files, _ZERO).label("files"),
    node.c.md5,
    node.c.media_type,
    node.c.encoding,
    node.c.created_ns,
    MODIFIED.label("shown_modified_ns"),
    node.c.changed_ns,
    node.c.mtime_ns,
    node.c.busy_until_ns,
    node.c.has_properties,
    node.c.version,
)

RECORD_SOURCE: Final = node.outerjoin(
    container_size, container_size.c.node_id == node.c.id
).outerjoin(app_user, app_user.c.id == node.c.owner_id)


def record_of(row: Sequence[Any]) -> NodeRecord:
    """The record that a row of RECORD_COLUMNS holds; its booleans may be 0 and 1."""
    (
        node_id, parent_id, name, kind, owner_id, owner_name, public, inherit, locked,
        immutable, read_groups, write_groups, allocation_id, target, content_id, length,
        files, md5, media_type, encoding, created_ns, modified_ns, changed_ns, mtime_ns,
        busy_until_ns, has_properties, version,
    ) = row  # fmt: skip
    return NodeRecord(
        node_id=node_id,
        parent_id=parent_id,
        name=name,
        kind=KINDS[kind],
        owner_id=owner_id,
        owner_name=owner_name,
        public=bool(public),
        inherit=bool(inherit),
        locked=bool(locked),
        immutable=bool(immutable),
        read_groups=tuple(read_groups.split()) if read_groups else (),
        write_groups=tuple(write_groups.split()) if write_groups else (),
        allocation_id=allocation_id,
        target=target,
        content_id=content_id,
        length=length,
        files=files,
        md5=md5,
        media_type=media_type,
        encoding=encoding,
        created_ns=created_ns,
        modified_ns=modified_ns,
        changed_ns=changed_ns,
        mtime_ns=mtime_ns,
        busy_until_ns=busy_until_ns,
        has_properties=bool(has_properties),
        version=version,
    )
