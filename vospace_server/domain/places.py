"""Places: what a path of the space leads to: a node, or a name that is free."""

from collections.abc import Iterator
from dataclasses import dataclass

from vospace_model.uris import NodePath
from vospace_server.domain.node_record import NodeRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A node and all that stands above it.

    `path` has no links left in it; `records` begins with the root and ends with the node.
    """

    path: NodePath
    records: tuple[NodeRecord, ...]

    @property
    def node(self) -> NodeRecord:
        """The node itself."""
        return self.records[-1]

    @property
    def allocation_id(self) -> int | None:
        """The allocation that the node lies in or is the top of; None outside of all."""
        for record in self.records:
            if record.allocation_id is not None:
                return record.allocation_id
        return None

    @property
    def landlord_id(self) -> int | None:
        """User id of the owner of that allocation."""
        landlord_id = None
        for record in self.records:
            landlord_id = landlord_below(record, landlord_id)
        return landlord_id

    def way(self) -> Iterator["Found"]:
        """The nodes from the root down to this one."""
        for depth in range(len(self.records)):
            yield Found(
                path=NodePath(self.path.names[:depth]), records=self.records[: depth + 1]
            )

    def child(self, record: NodeRecord) -> "Found":
        """A node in this container."""
        return Found(path=self.path.child(record.name), records=(*self.records, record))

    def parent(self) -> "Found":
        """The container; must not be asked of the root."""
        return Found(path=self.path.parent, records=self.records[:-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A name that is free, in a container that exists."""

    parent: Found
    name: str
    # Whether a link of the last name led here, that is: the link is broken.
    by_link: bool

    @property
    def path(self) -> NodePath:
        """Where the node would be."""
        return self.parent.path.child(self.name)


def landlord_below(record: NodeRecord, landlord_id: int | None) -> int | None:
    """The landlord of a node whose container has this one."""
    return landlord_id if record.allocation_id is None else record.owner_id
