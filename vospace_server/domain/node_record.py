"""NodeRecord: a node as we keep it, in one flat and immutable piece."""

import enum
from dataclasses import dataclass

from vospace_model.nodes import NodeType
from vospace_server.domain.content import Content


class SortKey(enum.Enum):
    """By what a listing is ordered."""

    NAME = "name"
    LENGTH = "length"
    DATE = "date"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRecord:
    """One row of the tree, with the name of its owner and, for containers, their sizes.

    Times are nanoseconds since 1970 (UTC). `length` and `files` of a container are recursive,
    as last folded: current within a second (see services/sizes.py).
    """

    node_id: int
    parent_id: int
    name: str
    kind: NodeType
    owner_id: int
    # '' if the owner is nobody, as that of a new root.
    owner_name: str
    public: bool
    # Children take over groups and publicity unless their creator states them.
    inherit: bool
    locked: bool
    immutable: bool
    # Normalised group URIs; those who may write may read as well.
    read_groups: tuple[str, ...]
    write_groups: tuple[str, ...]
    # Set on the top container of an allocation alone.
    allocation_id: int | None
    target: str | None
    content_id: str | None
    length: int
    # Number of data nodes below a container; 0 for other kinds.
    files: int
    md5: str | None
    media_type: str | None
    encoding: str | None
    created_ns: int
    # Last change of the content; of a container also of the set of its entries.
    modified_ns: int
    # Last change of anything.
    changed_ns: int
    # core#mtime where a user has set one.
    mtime_ns: int | None
    # Until when an upload to this node may be running.
    busy_until_ns: int | None
    # False: there are surely no properties without a field of their own.
    has_properties: bool
    version: int

    @property
    def is_container(self) -> bool:
        """Whether this node can have children."""
        return self.kind is NodeType.CONTAINER

    @property
    def is_link(self) -> bool:
        """Whether this node points elsewhere."""
        return self.kind is NodeType.LINK

    @property
    def has_bytes(self) -> bool:
        """Whether this is a data node, of any type, written or not."""
        return self.kind.has_bytes

    @property
    def shown_mtime_ns(self) -> int:
        """What `ls -l` shows: the time that a user has set, else the last change."""
        return self.modified_ns if self.mtime_ns is None else self.mtime_ns

    def is_busy(self, now_ns: int) -> bool:
        """Whether an upload to this node may be running."""
        return self.busy_until_ns is not None and self.busy_until_ns > now_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNode:
    """A node that is about to be: what its creator, its parent and the defaults decided."""

    parent_id: int
    name: str
    kind: NodeType
    owner_id: int
    public: bool = False
    inherit: bool = False
    locked: bool = False
    immutable: bool = False
    read_groups: tuple[str, ...] = ()
    write_groups: tuple[str, ...] = ()
    target: str | None = None
    media_type: str | None = None
    encoding: str | None = None
    mtime_ns: int | None = None
    has_properties: bool = False
    # Bytes that are stored already; None: the node is made without.
    content: Content | None = None

    def record(self, node_id: int, *, owner_name: str, now_ns: int) -> NodeRecord:
        """The row that it became at that time."""
        content = self.content
        return NodeRecord(
            node_id=node_id,
            parent_id=self.parent_id,
            name=self.name,
            kind=self.kind,
            owner_id=self.owner_id,
            owner_name=owner_name,
            public=self.public,
            inherit=self.inherit,
            locked=self.locked,
            immutable=self.immutable,
            read_groups=self.read_groups,
            write_groups=self.write_groups,
            allocation_id=None,
            target=self.target,
            content_id=None if content is None else content.content_id,
            length=0 if content is None else content.length,
            files=0,
            md5=None if content is None else content.md5,
            media_type=self.media_type,
            encoding=self.encoding,
            created_ns=now_ns,
            modified_ns=now_ns,
            changed_ns=now_ns,
            mtime_ns=self.mtime_ns,
            busy_until_ns=None,
            has_properties=self.has_properties,
            version=1,
        )
