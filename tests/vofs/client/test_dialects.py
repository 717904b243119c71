"""Both dialects against a real server: ours with its extension, and as plain VOSpace."""

import dataclasses
import io
from collections.abc import Iterator

import pytest

from tests.support.content import md5, noise
from tests.support.space import Space
from tests.support.store import Store
from vofs.client.connection import Connection, ConnectionConfig
from vofs.client.credentials import BearerToken
from vofs.client.service import read_endpoints
from vofs.client.uploads import Upload
from vofs.client.vospace_client import VOSpaceClient
from vospace_model.api import AttributeChange
from vospace_model.faults import DuplicateNode, Fault, NodeNotFound
from vospace_model.nodes import NodeType
from vospace_model.properties import Core, RemoveProperty, SetProperty
from vospace_model.uris import NodePath


@pytest.fixture(params=["extended", "plain"])
def client(request: pytest.FixtureRequest, shared_space: Space) -> Iterator[VOSpaceClient]:
    """A client of the shared space, in one of the two dialects."""
    credentials = BearerToken(token=shared_space.owner.token, source="test")
    connection = Connection(config=ConnectionConfig(), credentials=credentials)
    endpoints = read_endpoints(connection, shared_space.server.url, authority="localhost~vault")
    if request.param == "plain":
        endpoints = dataclasses.replace(endpoints, api=None)
    made = VOSpaceClient(connection, endpoints)
    assert made.is_extended == (request.param == "extended")
    yield made
    made.close()


@pytest.fixture
def place(folder: str) -> NodePath:
    """An empty folder of the owner."""
    return NodePath.parse(folder)


@pytest.fixture
def store(shared_space: Space) -> Iterator[Store]:
    """The space past the client."""
    opened = Store(shared_space, shared_space.owner)
    yield opened
    opened.close()


def _put(client: VOSpaceClient, path: NodePath, data: bytes) -> None:
    client.upload(path, Upload(file=io.BytesIO(data), length=len(data)))


def test_upload_then_read_any_range(client: VOSpaceClient, place: NodePath) -> None:
    data = noise(300_000)
    path = place.child("drk.fits")
    _put(client, path, data)
    opened = client.open_content(path)
    assert (opened.entry.length, opened.entry.md5) == (len(data), md5(data))
    for start, stop in ((0, 2880), (0, len(data)), (299_999, 300_000), (1000, 70_000)):
        assert b"".join(client.read_range(opened, start, stop)) == data[start:stop]


def test_replacing_content_gives_another_content_id(
    client: VOSpaceClient, place: NodePath
) -> None:
    path = place.child("f")
    _put(client, path, b"first")
    first = client.get_node(path)
    _put(client, path, b"other")
    assert client.get_node(path).content != first.content
    assert first.content is not None


def test_listing_has_all_children_in_name_order(
    client: VOSpaceClient, place: NodePath, store: Store
) -> None:
    names = [f"f{number:02}" for number in range(25)]
    for name in names:
        store.put(f"{place}/{name}".lstrip("/"), name.encode())
    client.create_container(place.child("sub"))
    listed = list(client.list(place))
    assert listed[0].type is NodeType.CONTAINER
    assert [entry.name for entry in listed[1:]] == [*names, "sub"]
    assert [entry.length for entry in listed[1:4]] == [3, 3, 3]


def test_deep_listing_is_a_walk_in_preorder(client: VOSpaceClient, place: NodePath) -> None:
    client.create_container(place.child("a"))
    client.create_container(place.child("a").child("b"))
    _put(client, place.child("a").child("b").child("f"), b"1")
    _put(client, place.child("z"), b"2")
    paths = [entry.path for entry in client.list(place, deep=True)]
    assert paths[1:] == ["a", "a/b", "a/b/f", "z"]


def test_folders_and_links_are_made_and_removed(client: VOSpaceClient, place: NodePath) -> None:
    client.create_container(place.child("sub"))
    target = f"vos://localhost~vault{place.child('sub')}"
    link = client.create_link(place.child("link"), target)
    assert (link.type, link.target) == (NodeType.LINK, target)
    assert client.get_node(place.child("link")).target == target
    client.delete(place.child("link"))
    client.delete(place.child("sub"))
    with pytest.raises(NodeNotFound):
        client.get_node(place.child("sub"))
    with pytest.raises(Fault):
        client.create_container(place.child("missing").child("sub"))


def test_move_gives_exactly_the_path_asked_for(client: VOSpaceClient, place: NodePath) -> None:
    _put(client, place.child("old"), b"content")
    client.move(place.child("old"), place.child("new"), overwrite=False)
    assert client.get_node(place.child("new")).length == 7
    with pytest.raises(NodeNotFound):
        client.get_node(place.child("old"))


def test_move_over_a_file_only_when_asked(client: VOSpaceClient, place: NodePath) -> None:
    _put(client, place.child("a"), b"a")
    _put(client, place.child("b"), b"bb")
    with pytest.raises(DuplicateNode):
        client.move(place.child("a"), place.child("b"), overwrite=False)
    client.move(place.child("a"), place.child("b"), overwrite=True)
    assert client.get_node(place.child("b")).length == 1


def test_attributes_and_properties_are_changed_as_asked(
    client: VOSpaceClient, place: NodePath
) -> None:
    path = place.child("f")
    _put(client, path, b"x")
    group = "ivo://localhost/gms?HST-RO"
    changed = client.set_attributes(path, AttributeChange(public=True, read_groups=(group,)))
    assert (changed.public, changed.read_groups) == (True, (group,))
    client.set_properties(path, [SetProperty(uri=Core.TITLE, value="Ünïcode & <markup>")])
    values = {item.uri: item.value for item in client.properties(path)}
    assert values[Core.TITLE] == "Ünïcode & <markup>"
    client.set_properties(path, [RemoveProperty(uri=Core.TITLE)])
    assert Core.TITLE not in {item.uri for item in client.properties(path)}
    again = client.get_node(path)
    assert (again.public, again.read_groups) == (True, (group,))


def test_time_of_modification_is_kept(client: VOSpaceClient, place: NodePath) -> None:
    path = place.child("f")
    _put(client, path, b"x")
    moment = 1_600_000_000_123_000_000
    client.set_attributes(path, AttributeChange(mtime_ns=moment))
    assert client.get_node(path).mtime_ns == moment


def test_quota_of_the_allocation_is_reported(client: VOSpaceClient, place: NodePath) -> None:
    report = client.quota(place)
    assert report.quota is None or report.quota >= report.used


def test_names_that_need_quoting_go_both_ways(client: VOSpaceClient, place: NodePath) -> None:
    name = "a b%41?#&é'\"<>[];=+$,@"
    path = place.child(name)
    _put(client, path, b"odd")
    assert [entry.name for entry in client.list(place)][1:] == [name]
    opened = client.open_content(path)
    assert b"".join(client.read_range(opened, 0, 3)) == b"odd"
    client.move(path, place.child("%2e%2e"), overwrite=False)
    assert client.get_node(place.child("%2e%2e")).length == 3


def test_empty_file_has_no_bytes_to_ask_for(client: VOSpaceClient, place: NodePath) -> None:
    path = place.child("empty")
    _put(client, path, b"")
    opened = client.open_content(path)
    assert opened.entry.length == 0
    assert b"".join(client.read_range(opened, 0, 0)) == b""


def test_missing_node_is_not_found(client: VOSpaceClient, place: NodePath) -> None:
    for call in (client.get_node, client.open_content, client.delete):
        with pytest.raises(NodeNotFound):
            call(place.child("missing"))
