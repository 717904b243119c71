"""What a job on a whole tree has to do and by whose leave, as JSON: how it is kept."""

import json
from dataclasses import dataclass
from typing import Any

from vospace_model.nodes import NodeType, NodeUpdate
from vospace_model.properties import PropertyChange, RemoveProperty, SetProperty
from vospace_model.uris import VosUri
from vospace_server.domain.token_scope import TokenScope


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeDeletion:
    """Delete a node and everything below it."""

    target: VosUri


TreeRequest = TreeDeletion | NodeUpdate
"""A deletion, or changes of properties to be made to a node and everything below it."""


def encode_tree_request(request: TreeRequest, scope: TokenScope) -> str:
    """JSON text that decode_tree_request reads back; `scope` is the caller's."""
    if isinstance(request, TreeDeletion):
        return _encode({"scope": scope.label, "target": str(request.target)})
    changes = [
        [change.uri, change.value if isinstance(change, SetProperty) else None]
        for change in request.changes
    ]
    return _encode(
        {
            "scope": scope.label,
            "target": str(request.uri),
            "type": None if request.node_type is None else request.node_type.value,
            "changes": changes,
        }
    )


def decode_tree_request(text: str) -> TreeRequest:
    """The request that encode_tree_request wrote."""
    content: dict[str, Any] = json.loads(text)
    target = VosUri.parse(content["target"])
    if "changes" not in content:
        return TreeDeletion(target=target)
    kind = content["type"]
    return NodeUpdate(
        uri=target,
        node_type=None if kind is None else NodeType(kind),
        changes=tuple(_change(uri, value) for uri, value in content["changes"]),
    )


def _encode(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _change(uri: str, value: str | None) -> PropertyChange:
    return RemoveProperty(uri=uri) if value is None else SetProperty(uri=uri, value=value)
