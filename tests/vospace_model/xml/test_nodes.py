"""Node documents."""

import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from lxml import etree

from tests.vospace_model.schemas import Schemas
from tests.vospace_model.strategies import changes, nodes, vos_uris
from vospace_model import (
    Capability,
    ContainerNode,
    Core,
    DataNode,
    Detail,
    Fault,
    InvalidArgument,
    InvalidData,
    InvalidURI,
    LinkNode,
    Node,
    NodePath,
    NodeType,
    NodeUpdate,
    Param,
    Property,
    PropertyChange,
    RemoveProperty,
    RequestEntityTooLarge,
    SetProperty,
    StructuredDataNode,
    TypeNotSupported,
    UnstructuredDataNode,
    View,
    ViewUri,
    VosUri,
)
from vospace_model.xml import (
    MAX_RESPONSE_BYTES,
    iter_node_document,
    read_node,
    read_node_update,
    write_node,
    write_node_update,
)

VOSPACE = "http://www.ivoa.net/xml/VOSpace/v2.0"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
FOLDER = VosUri.parse("vos://localhost~vault/durand/data")

FILE = DataNode(
    uri=FOLDER.child('R&D "é" 50%.fits'),
    properties=(
        Property(uri=Core.DATE, value="2026-01-02T03:04:05.000", read_only=True),
        Property(uri=Core.LENGTH, value="8640", read_only=True),
        Property(uri=Core.TITLE, value="a < b &\n c"),
    ),
    accepts=(View(uri=ViewUri.ANY),),
    provides=(
        View(uri=ViewUri.DEFAULT),
        View(uri="ivo://x/v#cutout", original=False, params=(Param(uri="urn:p", value="q"),)),
    ),
    capabilities=(
        Capability(uri="ivo://ivoa.net/vospace/core#vospace-2.1", endpoint="http://x/y"),
    ),
)
CONTAINER = ContainerNode(
    uri=FOLDER,
    properties=(
        Property(uri=Core.DATE, value="2026-01-02T03:04:05.000", read_only=True),
        Property(uri=Core.LENGTH, value="8640", read_only=True),
    ),
    accepts=(View(uri=ViewUri.ANY),),
    nodes=(
        FILE,
        LinkNode(uri=FOLDER.child("latest"), target="vos://localhost~vault/durand/x"),
        ContainerNode(uri=FOLDER.child("sub")),
        UnstructuredDataNode(uri=FOLDER.child("u"), busy=True),
        StructuredDataNode(uri=FOLDER.child("s")),
    ),
)


def node_document(content: str = "", attributes: str = "") -> bytes:
    """A data node with this content, in the way of a careful client."""
    return (
        f'<vos:node xmlns:vos="{VOSPACE}" xmlns:xsi="{XSI}" uri="vos://a~s/f" '
        f'xsi:type="vos:DataNode"{attributes}>{content}</vos:node>'
    ).encode()


def properties_document(items: str) -> bytes:
    """A data node with these property elements."""
    return node_document(f"<vos:properties>{items}</vos:properties>")


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("container-min.xml", Detail.MIN),
        ("container-properties.xml", Detail.PROPERTIES),
        ("container-max.xml", Detail.MAX),
    ],
)
def test_container_is_written_as_reviewed(
    name: str, detail: Detail, golden: Callable[[str, bytes], None], schemas: Schemas
) -> None:
    document = write_node(CONTAINER, detail=detail)

    schemas.check(document)
    golden(name, document)


def test_types_carry_the_literal_prefix_that_clients_compare() -> None:
    document = write_node(CONTAINER)

    assert document.count(b"<vos:node ") == 6
    for name in ("Container", "Link", "UnstructuredData", "StructuredData", "Data"):
        assert f' xsi:type="vos:{name}Node"'.encode() in document


def test_least_detail_has_no_properties_but_all_children_and_targets(schemas: Schemas) -> None:
    root = schemas.check(write_node(CONTAINER, detail=Detail.MIN))

    assert root.findall(f".//{{{VOSPACE}}}property") == []
    assert len(root.findall(f"{{{VOSPACE}}}nodes/{{{VOSPACE}}}node")) == 5
    assert root.findtext(f".//{{{VOSPACE}}}target") == "vos://localhost~vault/durand/x"


def test_properties_only_leave_out_views_and_capabilities(schemas: Schemas) -> None:
    root = schemas.check(write_node(CONTAINER, detail=Detail.PROPERTIES))

    assert len(root.findall(f".//{{{VOSPACE}}}property")) == 5
    for name in ("accepts", "provides", "capabilities", "view", "capability"):
        assert root.findall(f".//{{{VOSPACE}}}{name}") == []


@given(nodes)
def test_every_node_survives_its_document(schemas: Schemas, node: Node) -> None:
    document = write_node(node)

    schemas.check(document)
    assert read_node(document, max_bytes=MAX_RESPONSE_BYTES) == node


def test_listing_in_pieces_is_the_document_of_the_container(schemas: Schemas) -> None:
    bare = ContainerNode(
        uri=CONTAINER.uri, properties=CONTAINER.properties, accepts=CONTAINER.accepts
    )

    document = b"".join(iter_node_document(bare, iter(CONTAINER.nodes)))

    schemas.check(document)
    assert read_node(document) == CONTAINER


def test_empty_listing_is_an_empty_container(schemas: Schemas) -> None:
    bare = ContainerNode(uri=FOLDER)

    document = b"".join(iter_node_document(bare, ()))

    schemas.check(document)
    assert read_node(document) == bare


def test_listing_begins_before_the_first_child_is_asked_for() -> None:
    asked: list[int] = []

    def children() -> Iterator[Node]:
        asked.append(1)
        yield FILE

    pieces = iter_node_document(CONTAINER, children())

    assert next(pieces).startswith(b"<?xml")
    assert asked == []
    assert next(pieces).count(b"</vos:node>") == 2
    assert asked == [1]


def listing_of(count: int) -> Iterator[Node]:
    """Files as a server lists them."""
    for number in range(count):
        yield DataNode(
            uri=FOLDER.child(f"file {number:06d} é&.fits"),
            properties=(
                Property(uri=Core.DATE, value="2026-01-02T03:04:05.000", read_only=True),
                Property(uri=Core.LENGTH, value=str(number), read_only=True),
                Property(uri=Core.CREATOR, value="durand"),
                Property(uri=Core.MD5, value="d41d8cd98f00b204e9800998ecf8427e"),
                Property(uri=Core.TYPE, value="application/fits"),
                Property(uri=Core.ISPUBLIC, value="true"),
            ),
        )


def test_listing_comes_in_pieces_of_bounded_size_and_is_what_was_listed() -> None:
    pieces = list(iter_node_document(ContainerNode(uri=FOLDER), listing_of(2000)))

    assert len(pieces) > 10
    assert max(map(len, pieces)) < 128 * 1024
    parsed = read_node(b"".join(pieces), max_bytes=MAX_RESPONSE_BYTES)
    assert isinstance(parsed, ContainerNode)
    assert parsed.nodes == tuple(listing_of(2000))


def test_listing_is_written_fast() -> None:
    before = time.process_time()

    for _ in iter_node_document(ContainerNode(uri=FOLDER), listing_of(10_000)):
        pass

    # The target is 20,000 nodes a second; a busy machine gets four times as long.
    assert time.process_time() - before < 2.0


def test_value_that_xml_cannot_hold_is_refused_when_written() -> None:
    node = DataNode(uri=FOLDER, properties=(Property(uri="custom:a", value="\x00"),))

    with pytest.raises(InvalidData, match=r"U\+0000"):
        write_node(node)


def test_name_that_xml_cannot_hold_is_written_and_read_back() -> None:
    node = DataNode(uri=VosUri("a~s", NodePath(("\uffff",))))

    assert read_node(write_node(node)) == node


def test_documents_of_other_services_are_read(received: Callable[[str], bytes]) -> None:
    root = VosUri.parse("vos://example.org~vospace/d")

    assert read_node(received("other-service-container.xml")) == ContainerNode(
        uri=root,
        properties=(Property(uri=Core.DATE, value="2026-01-02T03:04:05.000", read_only=True),),
        nodes=(
            UnstructuredDataNode(
                uri=root.child("f"),
                properties=(Property(uri=Core.TITLE, value="an image"),),
                busy=True,
                provides=(
                    View(
                        uri=ViewUri.BINARY,
                        original=False,
                        params=(Param(uri="urn:p", value="q"),),
                    ),
                ),
                capabilities=(
                    Capability(
                        uri="ivo://ivoa.net/vospace/core#vospace-2.1",
                        endpoint="http://example.org/f",
                    ),
                ),
            ),
            ContainerNode(uri=root.child("sub")),
        ),
    )


def test_new_node_of_the_vos_client_is_read(received: Callable[[str], bytes]) -> None:
    node = read_node(received("vos-client-create.xml"))

    assert isinstance(node, DataNode)
    assert str(node.uri) == "vos://cadc.nrc.ca~vault/durand/empty.txt"
    assert node.properties == (Property(uri=Core.TYPE, value="text/plain"),)
    assert [view.uri for view in node.provides] == [ViewUri.DEFAULT, ViewUri.CADC_DATA]


def test_link_of_the_vos_client_is_read(received: Callable[[str], bytes]) -> None:
    assert read_node(received("vos-client-link.xml")) == LinkNode(
        uri=VosUri.parse("vos://cadc.nrc.ca~vault/durand/latest"),
        target="vos://cadc.nrc.ca!vault/durand/data",
    )


def test_whole_document_posted_back_by_the_vos_client_is_a_list_of_changes(
    received: Callable[[str], bytes],
) -> None:
    assert read_node_update(received("vos-client-unlock.xml")) == NodeUpdate(
        uri=VosUri.parse("vos://cadc.nrc.ca~vault/durand/f"),
        node_type=NodeType.DATA,
        changes=(
            SetProperty(uri=Core.LENGTH, value="10"),
            SetProperty(uri=Core.TITLE, value="A  title "),
            SetProperty(uri=Core.DESCRIPTION, value=""),
            RemoveProperty(uri="ivo://cadc.nrc.ca/vospace/core#islocked"),
            SetProperty(uri="colour", value="blue"),
        ),
    )


@given(vos_uris, changes)
def test_every_update_survives_its_document(
    schemas: Schemas, uri: VosUri, wanted: tuple[PropertyChange, ...]
) -> None:
    for node_type, target in (
        (NodeType.CONTAINER, None),
        (NodeType.DATA, None),
        (NodeType.LINK, "http://example.org/?a&b"),
    ):
        update = NodeUpdate(uri=uri, node_type=node_type, changes=wanted, target=target)
        document = write_node_update(update)

        schemas.check(document)
        assert read_node_update(document, max_bytes=MAX_RESPONSE_BYTES) == update


def test_update_is_written_as_reviewed(
    golden: Callable[[str, bytes], None], schemas: Schemas
) -> None:
    document = write_node_update(
        NodeUpdate(
            uri=FOLDER,
            node_type=NodeType.CONTAINER,
            changes=(
                SetProperty(uri=Core.ISPUBLIC, value="true"),
                RemoveProperty(uri="colour"),
            ),
        )
    )

    schemas.check(document)
    golden("node-update.xml", document)


@pytest.mark.parametrize(
    ("document", "fault", "reason"),
    [
        (
            b"<node/>",
            InvalidArgument,
            f"line 1: node is of no namespace; it belongs to {VOSPACE}",
        ),
        (
            b"<node xmlns='urn:other'/>",
            InvalidArgument,
            f"line 1: node is of urn:other; it belongs to {VOSPACE}",
        ),
        (
            f"<transfer xmlns='{VOSPACE}'/>".encode(),
            InvalidArgument,
            "the document is a transfer, not a node",
        ),
        (
            node_document().replace(b"DataNode", b""),
            TypeNotSupported,
            "'' is not a node type of VOSpace",
        ),
        (
            node_document().replace(b"DataNode", b"NetNode"),
            TypeNotSupported,
            "'NetNode' is not a node type of VOSpace",
        ),
        (
            node_document().replace(b"vos:DataNode", b"xsi:DataNode"),
            InvalidArgument,
            f"line 1: node has a type of the namespace {XSI}",
        ),
        (
            node_document().replace(b'uri="vos://a~s/f"', b""),
            InvalidArgument,
            "line 1: node has no attribute uri",
        ),
        (
            node_document().replace(b"vos://", b"ivo://"),
            InvalidURI,
            "'ivo://a~s/f' is not a VOSpace URI (vos://authority~service/path)",
        ),
        (
            node_document(attributes=' version="3.0"'),
            InvalidArgument,
            "line 1: node has the VOSpace version '3.0'",
        ),
        (
            node_document(attributes=' busy="maybe"'),
            InvalidArgument,
            "line 1: node has 'maybe' instead of true or false",
        ),
        (
            node_document("<properties/>"),
            InvalidArgument,
            f"line 1: properties is of no namespace; it belongs to {VOSPACE}",
        ),
        (
            node_document("<vos:properties/>\n<vos:properties/>"),
            InvalidArgument,
            "line 1: node has more than one properties",
        ),
        (
            properties_document("\n<vos:property/>"),
            InvalidArgument,
            "line 2: property has no attribute uri",
        ),
        (
            properties_document("<vos:property uri='a'><b/></vos:property>"),
            InvalidArgument,
            "line 1: property holds elements where text belongs",
        ),
        (
            properties_document("<vos:property uri='a'/><vos:property uri=' a '/>"),
            InvalidArgument,
            "line 1: property a is given twice",
        ),
        (
            properties_document("<vos:property uri='a' xsi:nil='x'/>"),
            InvalidArgument,
            "line 1: property has 'x' instead of true or false",
        ),
        (
            node_document().replace(b"DataNode", b"LinkNode"),
            InvalidArgument,
            "line 1: node has no target",
        ),
    ],
)
def test_wrong_node_document_is_refused_with_the_reason(
    document: bytes, fault: type[Fault], reason: str
) -> None:
    with pytest.raises(fault) as refused:
        read_node(document)

    assert refused.value.detail == reason


@pytest.mark.parametrize("version", ["2.0", "2.1", "2"])
def test_versions_two_are_read(version: str) -> None:
    assert read_node(node_document(attributes=f' version="{version}"')) == DataNode(
        uri=VosUri.parse("vos://a~s/f")
    )


def test_type_without_a_prefix_is_of_the_default_namespace() -> None:
    document = (
        f"<node xmlns='{VOSPACE}' xmlns:x='{XSI}' x:type=' DataNode ' uri='vos://a~s/f'/>"
    )

    assert read_node(document.encode()) == DataNode(uri=VosUri.parse("vos://a~s/f"))


def test_explicit_false_nil_is_a_value() -> None:
    document = properties_document("<vos:property uri='a' xsi:nil='false'>1</vos:property>")

    update = read_node_update(document)

    assert update.changes == (SetProperty(uri="a", value="1"),)


def test_number_of_properties_is_bounded() -> None:
    def content(count: int) -> bytes:
        items = (f"<vos:property uri='a{number}'/>" for number in range(count))
        return properties_document("".join(items))

    assert len(read_node(content(1000), max_bytes=10**6).properties) == 1000
    with pytest.raises(InvalidArgument, match="the node has 1001 properties, more than 1000"):
        read_node(content(1001), max_bytes=10**6)


def test_document_of_more_than_32_kib_is_too_large() -> None:
    document = node_document("<!--" + "x" * 40 * 1024 + "-->")

    with pytest.raises(RequestEntityTooLarge):
        read_node(document)
    with pytest.raises(RequestEntityTooLarge):
        read_node_update(document)


def test_writers_use_no_other_prefix_than_those_of_the_standard() -> None:
    root = etree.fromstring(write_node(CONTAINER))

    assert root.nsmap == {"vos": VOSPACE, "xsi": XSI}
    assert root.get("version") == "2.1"
