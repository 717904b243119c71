"""Records to decide about, with everything unsaid as plain as can be."""

from typing import Any

from vospace_model.nodes import NodeType
from vospace_server.domain.identity import Identity
from vospace_server.domain.node_record import NodeRecord
from vospace_server.domain.token_scope import TokenScope

_PLAIN: dict[str, Any] = {
    "parent_id": 1,
    "owner_id": 0,
    "owner_name": "",
    "public": False,
    "inherit": False,
    "locked": False,
    "immutable": False,
    "read_groups": (),
    "write_groups": (),
    "allocation_id": None,
    "target": None,
    "content_id": None,
    "length": 0,
    "files": 0,
    "md5": None,
    "media_type": None,
    "encoding": None,
    "created_ns": 0,
    "modified_ns": 0,
    "changed_ns": 0,
    "mtime_ns": None,
    "busy_until_ns": None,
    "has_properties": False,
    "version": 1,
}


def record(
    node_id: int, name: str, kind: NodeType = NodeType.CONTAINER, **known: Any
) -> NodeRecord:
    """A node that is private and nobody's, except for what is said."""
    return NodeRecord(**{**_PLAIN, "node_id": node_id, "name": name, "kind": kind, **known})


ROOT = record(1, "", public=True, parent_id=0)


def user(
    user_id: int, *groups: str, is_admin: bool = False, scope: TokenScope = TokenScope.ADMIN
) -> Identity:
    """Somebody who is logged in."""
    return Identity(
        user_id=user_id,
        name=f"user{user_id}",
        groups=frozenset(groups),
        is_admin=is_admin,
        scope=scope,
    )
