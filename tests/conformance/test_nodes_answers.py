"""What answers a created and a changed node, and the corners of createNode and setNode."""

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.conformance.test_nodes_operations import assert_fault, make, post
from tests.vospace_server.http.documents import children_of, container, data, link, node

TAR = '<vos:view uri="ivo://ivoa.net/vospace/core#tar" original="true"/>'


@pytest.mark.parametrize(
    ("kind", "extensions"),
    [
        ("container", ("<vos:accepts>", TAR, "<vos:provides>", "<vos:capabilities>")),
        ("data", ("<vos:accepts>", "core#anyview")),
        ("link", ("<vos:target>http://example.org/</vos:target>",)),
    ],
)
def test_the_full_record_answers_a_created_and_a_changed_node(
    owner: httpx.Client, folder: str, kind: str, extensions: tuple[str, ...]
) -> None:
    """VOSpace 2.1 6.2.1 and 6.3.2: accepts is filled in, with all extensions of the type."""
    path = f"{folder}/x"
    document = {
        "container": container(path),
        "data": data(path),
        "link": link(path, "http://example.org/"),
    }[kind]

    made, changed = make(owner, path, document), post(owner, path, document)

    assert (made.status_code, changed.status_code) == (201, 200)
    for part in extensions:
        assert part in made.text
        assert part in changed.text
    shown = owner.get(f"/vault/nodes/{path}").text.replace("\n", "")
    # The listing of a container without children is written in pieces.
    shown = shown.replace("<vos:nodes></vos:nodes>", "<vos:nodes/>")
    assert shown == changed.text.replace("\n", "")


def test_a_missing_ancestor_of_a_changed_node_is_a_missing_container(
    owner: httpx.Client, folder: str
) -> None:
    """VOSpace 2.1 6.3.2: setNode below what is missing or no container."""
    make(owner, f"{folder}/f", data(f"{folder}/f")).raise_for_status()

    for path in (f"{folder}/no/x", f"{folder}/f/x"):
        assert_fault(post(owner, path, data(path)), 404, "ContainerNotFound")
    assert_fault(post(owner, f"{folder}/no", data(f"{folder}/no")), 404, "NodeNotFound")


@pytest.mark.parametrize("stated", [' xsi:type="vos:Node"', ""])
def test_a_node_of_no_special_type_becomes_a_data_node(
    owner: httpx.Client, folder: str, stated: str
) -> None:
    """VOSpace 2.1 6.2.1: without xsi:type a Node is meant, which a subtype may stand for."""
    generic = data(f"{folder}/x").replace(' xsi:type="vos:DataNode"', stated)

    made = make(owner, f"{folder}/x", generic)
    changed = post(owner, f"{folder}/x", generic)
    container_too = post(owner, folder, generic.replace(f"{folder}/x", folder))

    assert (made.status_code, changed.status_code) == (201, 200)
    assert 'xsi:type="vos:DataNode"' in made.text
    assert container_too.status_code == 200, container_too.text


@pytest.mark.parametrize("kind", ["DataNode", "ContainerNode"])
def test_a_name_is_invented_for_a_node_that_is_made_as_auto(
    owner: httpx.Client, folder: str, kind: str
) -> None:
    """VOSpace 2.1 6.2.1: createNode of .auto makes a node of a new name each time."""
    asked = f"{folder}/.auto"

    made = [make(owner, asked, node(asked, kind)) for _ in range(2)]

    assert [answer.status_code for answer in made] == [201, 201]
    names = {
        child.rpartition("/")[2]
        for child in re.findall(r'node [^>]*uri="([^"]*)', "".join(a.text for a in made))
    }
    assert len(names) == 2
    listed = owner.get(f"/vault/nodes/{folder}").text
    assert {child.rpartition("/")[2] for child in children_of(listed)} == names
    assert ".auto" not in names
    assert_fault(owner.get(f"/vault/nodes/{asked}"), 404, "NodeNotFound")


@pytest.mark.parametrize("name", [".auto", ".null"])
def test_nothing_is_called_by_a_reserved_name(
    owner: httpx.Client, folder: str, name: str
) -> None:
    """VOSpace 2.1 3.1: the two names are reserved, whichever way a node would get them."""
    path = f"{folder}/{name}"
    make(owner, f"{folder}/f", data(f"{folder}/f")).raise_for_status()
    wanted = {"source": f"/{folder}/f", "destination": f"/{path}"}

    assert_fault(owner.put(f"/vault/files/{path}", content=b"x"), 400, "InvalidURI")
    assert_fault(owner.put(f"/vault/files/{path}", content=_chunks()), 400, "InvalidURI")
    assert_fault(owner.post("/api/v1/move", json=wanted), 400, "InvalidURI")
    if name == ".null":
        assert_fault(make(owner, path, container(path)), 400, "InvalidURI")
    assert children_of(owner.get(f"/vault/nodes/{folder}").text) == ["f"]


def _chunks() -> Iterator[bytes]:
    yield b"of a length that is not said"


@pytest.mark.parametrize("form", ["text/xml", "application/json"])
def test_head_of_a_node_tells_the_form_and_no_length_that_get_does_not_have(
    owner: httpx.Client, folder: str, form: str
) -> None:
    """RFC 9110, 9.3.2: the headers are those that GET would send, or are left out."""
    address, asked = f"/vault/nodes/{folder}", {"Accept": form}

    head, got = owner.head(address, headers=asked), owner.get(address, headers=asked)

    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "vary"):
        assert head.headers.get(name) == got.headers.get(name), name
    assert head.headers.get("content-length") in {None, got.headers.get("content-length")}
