"""The node types of VOSpace 2.1, section 3.1."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import ClassVar, Final, Self

from vospace_model.capabilities import Capability
from vospace_model.faults import TypeNotSupported
from vospace_model.properties import Property, PropertyChange
from vospace_model.uris import VosUri
from vospace_model.views import View


class NodeType(Enum):
    """What a node is. The value is its name in our JSON and database."""

    CONTAINER = "container"
    DATA = "data"
    UNSTRUCTURED = "unstructured"
    STRUCTURED = "structured"
    LINK = "link"

    @property
    def wire(self) -> str:
        """The name of the type in the schema, without a prefix."""
        return _WIRE_NAMES[self]

    @property
    def has_bytes(self) -> bool:
        """Whether a node of this type holds data."""
        return self not in {NodeType.CONTAINER, NodeType.LINK}

    @classmethod
    def from_wire(cls, name: str) -> Self:
        """The type that the schema calls `name`; else TypeNotSupported."""
        for node_type in cls:
            if node_type.wire == name:
                return node_type
        raise TypeNotSupported(f"{name[:80]!r} is not a node type of VOSpace")


_WIRE_NAMES: Final[Mapping[NodeType, str]] = MappingProxyType(
    {
        NodeType.CONTAINER: "ContainerNode",
        NodeType.DATA: "DataNode",
        NodeType.UNSTRUCTURED: "UnstructuredDataNode",
        NodeType.STRUCTURED: "StructuredDataNode",
        NodeType.LINK: "LinkNode",
    }
)


class Detail(Enum):
    """How much of a node a document shows (getNode, parameter `detail`)."""

    MIN = "min"
    PROPERTIES = "properties"
    MAX = "max"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What all nodes have. Never instantiated itself: code matches on the leaves."""

    node_type: ClassVar[NodeType]

    uri: VosUri
    properties: tuple[Property, ...] = ()

    def value_of(self, property_uri: str) -> str | None:
        """The value of a property, or None if the node does not have it."""
        for candidate in self.properties:
            if candidate.uri == property_uri:
                return candidate.value
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataNode(Node):
    """A node that holds bytes."""

    node_type: ClassVar[NodeType] = NodeType.DATA

    busy: bool = False
    accepts: tuple[View, ...] = ()
    provides: tuple[View, ...] = ()
    capabilities: tuple[Capability, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnstructuredDataNode(DataNode):
    """Bytes that the service does not interpret."""

    node_type: ClassVar[NodeType] = NodeType.UNSTRUCTURED


@dataclass(frozen=True, slots=True, kw_only=True)
class StructuredDataNode(DataNode):
    """Bytes of a format that the service understands."""

    node_type: ClassVar[NodeType] = NodeType.STRUCTURED


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerNode(Node):
    """A folder. The schema derives it from DataNode; here it is none, for it has no bytes."""

    node_type: ClassVar[NodeType] = NodeType.CONTAINER

    nodes: tuple[Node, ...] = ()
    accepts: tuple[View, ...] = ()
    provides: tuple[View, ...] = ()
    capabilities: tuple[Capability, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkNode(Node):
    """A pointer to a node or to any other URI; the target is kept as written."""

    node_type: ClassVar[NodeType] = NodeType.LINK

    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeUpdate:
    """What a posted node document asks for: only what it mentions changes.

    `node_type` is None for the standard's generic `Node`, which every node is.
    """

    uri: VosUri
    node_type: NodeType | None
    changes: tuple[PropertyChange, ...] = ()
    target: str | None = None
