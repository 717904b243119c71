"""Node types and nodes."""

import dataclasses

import pytest

from vospace_model import (
    ContainerNode,
    Core,
    DataNode,
    LinkNode,
    NodeType,
    Property,
    StructuredDataNode,
    TypeNotSupported,
    UnstructuredDataNode,
    VosUri,
)

URI = VosUri.parse("vos://a~s/x")


@pytest.mark.parametrize(
    ("node_type", "wire", "has_bytes"),
    [
        (NodeType.CONTAINER, "ContainerNode", False),
        (NodeType.DATA, "DataNode", True),
        (NodeType.UNSTRUCTURED, "UnstructuredDataNode", True),
        (NodeType.STRUCTURED, "StructuredDataNode", True),
        (NodeType.LINK, "LinkNode", False),
    ],
)
def test_node_type_has_the_name_of_the_schema(
    node_type: NodeType, wire: str, has_bytes: bool
) -> None:
    assert node_type.wire == wire
    assert NodeType.from_wire(wire) is node_type
    assert node_type.has_bytes is has_bytes


def test_unknown_node_type_is_not_supported() -> None:
    with pytest.raises(TypeNotSupported, match="'NetNode' is not a node type of VOSpace"):
        NodeType.from_wire("NetNode")


def test_leaves_know_their_types() -> None:
    assert DataNode(uri=URI).node_type is NodeType.DATA
    assert UnstructuredDataNode(uri=URI).node_type is NodeType.UNSTRUCTURED
    assert StructuredDataNode(uri=URI).node_type is NodeType.STRUCTURED
    assert ContainerNode(uri=URI).node_type is NodeType.CONTAINER
    assert LinkNode(uri=URI, target="http://x").node_type is NodeType.LINK
    assert not isinstance(ContainerNode(uri=URI), DataNode)


def test_value_of_a_property_is_found_by_its_uri() -> None:
    node = DataNode(uri=URI, properties=(Property(uri=Core.TITLE, value=""),))

    assert node.value_of(Core.TITLE) == ""
    assert node.value_of(Core.LENGTH) is None


def test_nodes_are_values_that_cannot_change() -> None:
    node = DataNode(uri=URI)

    assert node == DataNode(uri=URI)
    assert hash(node) == hash(DataNode(uri=URI))
    assert not hasattr(node, "__dict__")
    with pytest.raises(dataclasses.FrozenInstanceError):
        node.busy = True  # type: ignore[misc]
