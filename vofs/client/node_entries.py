"""From the nodes of plain VOSpace to the entries that the file system works with."""

import hashlib
from typing import Final

from vospace_model.api import Entry
from vospace_model.faults import Fault
from vospace_model.nodes import ContainerNode, LinkNode, Node
from vospace_model.properties import Cadc, Core, parse_groups
from vospace_model.timestamps import nanoseconds_of, parse_timestamp

_TRUE: Final = "true"


def entry_of(node: Node, *, path: str | None = None) -> Entry:
    """The entry of a node; what plain VOSpace doesn't say gets the likeliest value.

    The content id is made of what changes when the bytes do: digest, length and dates.
    """
    date = _nanoseconds(node, Core.DATE)
    mtime = _nanoseconds(node, Core.MTIME)
    length = _integer(node, Core.LENGTH)
    md5 = node.value_of(Core.MD5) or None
    return Entry(
        name=node.uri.name,
        type=node.node_type,
        id=0,
        content=_content_id(node, length, md5),
        length=length,
        mtime_ns=mtime if mtime is not None else date or 0,
        ctime_ns=_nanoseconds(node, Core.CTIME) or date or 0,
        owner=node.value_of(Core.CREATOR) or "",
        public=_boolean(node, Core.ISPUBLIC) or _boolean(node, Core.PUBLICREAD),
        read_groups=_groups(node, Core.GROUPREAD),
        write_groups=_groups(node, Core.GROUPWRITE),
        inherit=_boolean(node, Cadc.INHERIT),
        locked=_boolean(node, Cadc.ISLOCKED),
        # Services that don't say are asked by trying.
        readable=node.value_of(Cadc.READABLE) != "false",
        writable=node.value_of(Cadc.WRITABLE) != "false",
        target=node.target if isinstance(node, LinkNode) else None,
        md5=md5,
        media_type=node.value_of(Core.TYPE),
        path=path,
        version=0,
    )


def _content_id(node: Node, length: int, md5: str | None) -> str | None:
    if isinstance(node, ContainerNode | LinkNode) or (length == 0 and md5 is None):
        return None
    changed = node.value_of(Core.CONTENT_DATE) or node.value_of(Core.DATE) or ""
    # An MD5 says it all; without one, the date and the length have to.
    text = f"{md5}/{length}" if md5 else f"{node.uri}/{length}/{changed}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _integer(node: Node, uri: str) -> int:
    text = node.value_of(uri) or "0"
    return int(text) if text.isascii() and text.isdigit() else 0


def _boolean(node: Node, uri: str) -> bool:
    return (node.value_of(uri) or "").strip().lower() == _TRUE


def _groups(node: Node, uri: str) -> tuple[str, ...]:
    try:
        return parse_groups(node.value_of(uri) or "")
    except Fault:
        # A foreign service's idea of a group must not make its files unreadable.
        return ()


def _nanoseconds(node: Node, uri: str) -> int | None:
    text = node.value_of(uri)
    if text is None:
        return None
    try:
        return nanoseconds_of(parse_timestamp(text))
    except Fault:
        return None
