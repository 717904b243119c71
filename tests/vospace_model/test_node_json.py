"""Node documents as JSON: the same tree as the XML."""

import json
from collections.abc import Callable

import pytest

from vospace_model import (
    Capability,
    ContainerNode,
    DataNode,
    Detail,
    LinkNode,
    Node,
    Param,
    Property,
    UnstructuredDataNode,
    View,
    ViewUri,
    VosUri,
    iter_node_json,
    write_node_json,
)

FOLDER = VosUri.parse("vos://localhost~vault/durand/x")
CHILDREN: tuple[Node, ...] = (
    DataNode(
        uri=FOLDER.child('f "1" é'),
        busy=True,
        properties=(
            Property(uri="custom:title", value='007 <"&\n'),
            Property(uri="custom:flag", value="true", read_only=True),
        ),
        accepts=(View(uri=ViewUri.ANY, params=(Param(uri="urn:p", value="1"),)),),
        provides=(View(uri=ViewUri.BINARY, original=False),),
        capabilities=(Capability(uri="urn:c", endpoint="http://localhost/c"),),
    ),
    LinkNode(uri=FOLDER.child("l"), target="vos://localhost~vault/durand"),
    ContainerNode(uri=FOLDER.child("sub")),
    UnstructuredDataNode(uri=FOLDER.child("u")),
)
CONTAINER = ContainerNode(
    uri=FOLDER,
    properties=(Property(uri="custom:a", value=""),),
    accepts=(View(uri=ViewUri.ANY),),
    nodes=CHILDREN,
)


@pytest.mark.parametrize("detail", Detail)
def test_a_container_is_written_as_reviewed(
    golden: Callable[[str, bytes], None], detail: Detail
) -> None:
    golden(f"container-{detail.value}.json", write_node_json(CONTAINER, detail=detail))


@pytest.mark.parametrize("detail", Detail)
@pytest.mark.parametrize("repeated", [0, 1, 1000])
def test_a_listing_in_pieces_is_the_same_document(detail: Detail, repeated: int) -> None:
    children = CHILDREN * repeated
    whole = write_node_json(
        ContainerNode(
            uri=FOLDER,
            properties=CONTAINER.properties,
            accepts=CONTAINER.accepts,
            nodes=children,
        ),
        detail=detail,
    )

    pieces = list(iter_node_json(CONTAINER, children, detail=detail))

    assert json.loads(b"".join(pieces)) == json.loads(whole)
    assert len(pieces) == 2 or repeated == 1000


def test_the_first_piece_comes_before_the_first_child_is_asked_for() -> None:
    def children() -> list[Node]:
        raise AssertionError("asked for too early")

    pieces = iter_node_json(CONTAINER, (child for _ in (1,) for child in children()))

    assert next(pieces).startswith(b'{"vos:node":{')


def test_the_text_of_a_property_is_always_a_string() -> None:
    [shown] = json.loads(write_node_json(CHILDREN[0]))["vos:node"]["vos:properties"]["$"][:1]

    assert shown == {"@uri": "custom:title", "@readOnly": False, "$": '007 <"&\n'}
