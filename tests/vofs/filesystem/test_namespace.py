"""Nodes and listings of a real server: few questions, fresh answers, own changes at once."""

import io
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.proxy import TRUTH, Falsehood, running_proxy
from tests.support.space import Space
from tests.support.store import Store
from tests.vofs.entries import entry_of
from vofs.cache.node_cache import NodeCache, NodeCacheConfig
from vofs.client.connection import Connection, ConnectionConfig
from vofs.client.credentials import BearerToken
from vofs.client.errors import TimedOut, Unreachable
from vofs.client.retrying_transport import RetryConfig
from vofs.client.service import read_endpoints
from vofs.client.uploads import Upload
from vofs.client.vospace_client import VOSpaceClient
from vofs.filesystem.availability import Availability, AvailabilityConfig
from vofs.filesystem.errors import NotAContainer
from vofs.filesystem.namespace import Namespace, NamespaceConfig, folders_of
from vofs.filesystem.tree_walks import TreeWalks, WalkConfig
from vospace_model.api import Entry
from vospace_model.faults import NodeNotFound
from vospace_model.nodes import NodeType
from vospace_model.uris import NodePath

TIMEOUT = 0.5


class World:
    """A namespace, the client below it, and how often that asked."""

    def __init__(self, space: Space, folder: str, service: str | None = None) -> None:
        retry = RetryConfig(operation_seconds=3, attempts=2, unreachable_seconds=1)
        connection = Connection(
            config=ConnectionConfig(retry=retry),
            credentials=BearerToken(token=space.owner.token, source="test"),
        )
        url = service or space.server.url
        endpoints = read_endpoints(connection, url, authority="localhost~vault")
        self.client = VOSpaceClient(connection, endpoints)
        self.replaced: list[tuple[str, ...]] = []
        self.availability = Availability(AvailabilityConfig(first_pause_seconds=0.2))
        self.namespace = Namespace(
            client=self.client,
            cache=NodeCache[Entry](),
            config=NamespaceConfig(
                attr_timeout_seconds=TIMEOUT,
                negative_timeout_seconds=TIMEOUT,
                open_timeout_seconds=TIMEOUT,
            ),
            availability=self.availability,
            walks=TreeWalks(WalkConfig(max_nodes=1000)),
            on_replaced=self.replaced.append,
        )
        self.place = NodePath.parse(folder)

    @property
    def requests(self) -> int:
        """How many requests went out."""
        return self.client.traffic.report().requests


@pytest.fixture
def world(shared_space: Space, folder: str) -> Iterator[World]:
    """A namespace over an empty folder of the shared space."""
    made = World(shared_space, folder)
    yield made
    made.client.close()


@pytest.fixture
def store(shared_space: Space) -> Iterator[Store]:
    """The space past the client."""
    opened = Store(shared_space, shared_space.owner)
    yield opened
    opened.close()


def _names(world: World) -> list[str]:
    return [entry.name for entry in world.namespace.children(world.place)]


def test_listing_answers_for_children_and_for_missing_names(
    world: World, store: Store, folder: str
) -> None:
    for name in ("a", "b"):
        store.put(f"{folder}/{name}", b"x")
    assert _names(world) == ["a", "b"]
    before = world.requests
    assert world.namespace.entry(world.place.child("a")).length == 1
    with pytest.raises(NodeNotFound):
        world.namespace.entry(world.place.child("missing"))
    assert world.requests == before


def test_answers_are_asked_for_again_when_they_are_old(
    world: World, store: Store, folder: str
) -> None:
    store.put(f"{folder}/a", b"x")
    assert world.namespace.entry(world.place.child("a")).length == 1
    store.put(f"{folder}/a", b"longer")
    assert world.namespace.entry(world.place.child("a")).length == 1
    time.sleep(TIMEOUT * 1.2)
    assert world.namespace.entry(world.place.child("a")).length == 6
    assert world.replaced == [world.place.child("a").names]


def test_missing_node_is_believed_for_a_time_only(
    world: World, store: Store, folder: str
) -> None:
    path = world.place.child("late")
    with pytest.raises(NodeNotFound):
        world.namespace.entry(path)
    before = world.requests
    with pytest.raises(NodeNotFound):
        world.namespace.entry(path)
    assert world.requests == before
    store.put(f"{folder}/late", b"x")
    time.sleep(TIMEOUT * 1.2)
    assert world.namespace.entry(path).length == 1


def test_many_who_want_the_same_ask_once(world: World, store: Store, folder: str) -> None:
    store.put(f"{folder}/a", b"x")
    before = world.requests
    with ThreadPoolExecutor(16) as threads:
        listed = list(threads.map(lambda _n: _names(world), range(16)))
    assert listed == [["a"]] * 16
    assert world.requests == before + 1


def test_old_lookups_in_a_listed_folder_renew_it_as_a_whole(
    world: World, store: Store, folder: str
) -> None:
    for number in range(10):
        store.put(f"{folder}/f{number}", b"x")
    _names(world)
    time.sleep(TIMEOUT * 1.2)
    before = world.requests
    for number in range(10):
        assert world.namespace.entry(world.place.child(f"f{number}")).length == 1
    assert world.requests - before <= 2


def test_own_changes_are_seen_at_once(world: World, store: Store, folder: str) -> None:
    store.put(f"{folder}/a", b"x")
    assert _names(world) == ["a"]
    entry = world.client.upload(
        world.place.child("b"), Upload(file=io.BytesIO(b"yy"), length=2)
    )
    world.namespace.put(world.place.child("b"), entry)
    assert _names(world) == ["a", "b"]
    world.namespace.removed(world.place.child("a"))
    assert _names(world) == ["b"]
    with pytest.raises(NodeNotFound):
        world.namespace.entry(world.place.child("a"))
    world.namespace.moved(world.place.child("b"), world.place.child("c"), entry)
    assert world.namespace.entry(world.place.child("c")).length == 2
    with pytest.raises(NodeNotFound):
        world.namespace.entry(world.place.child("b"))


def test_answer_from_before_our_own_change_does_not_undo_it() -> None:
    cache: NodeCache[str] = NodeCache()
    epoch = cache.epoch()
    cache.put(("d", "new"), "ours")
    cache.keep_listing(("d",), {"old": "theirs"}, asked_at=time.monotonic(), epoch=epoch)
    cache.keep(("d", "new"), None, asked_at=time.monotonic(), epoch=epoch)
    found = cache.find(("d", "new"))
    assert found is not None
    assert found.value == "ours"
    assert cache.listing(("d",)) is None


def test_folder_larger_than_everything_allowed_is_kept_whole() -> None:
    cache: NodeCache[int] = NodeCache(NodeCacheConfig(max_listed=10))
    children = {f"f{number}": number for number in range(1000)}
    cache.keep_listing(("d",), children, asked_at=time.monotonic(), epoch=0)
    found = cache.listing(("d",))
    assert found is not None
    assert found.children == children


def test_file_is_no_folder(world: World, store: Store, folder: str) -> None:
    store.put(f"{folder}/a", b"x")
    with pytest.raises(NotAContainer):
        world.namespace.children(world.place.child("a"))


def test_walk_through_siblings_is_answered_by_one_deep_listing(
    world: World, store: Store, folder: str
) -> None:
    for number in range(20):
        world.client.create_container(world.place.child(f"d{number:02}"))
    for number in range(20):
        store.put(f"{folder}/d{number:02}/f", b"x")
    assert len(_names(world)) == 20
    before = world.requests
    for number in range(20):
        inside = world.namespace.children(world.place.child(f"d{number:02}"))
        assert [entry.name for entry in inside] == ["f"]
    assert world.requests - before <= 3


def test_last_answer_is_served_while_the_service_is_away(
    own_space: Space,
) -> None:
    world = World(own_space, "durand")
    own = Store(own_space, own_space.owner)
    own.put("durand/known", b"x")
    assert _names(world) == ["known"]
    own_space.server.kill()
    time.sleep(TIMEOUT * 1.2)
    started = time.monotonic()
    assert _names(world) == ["known"]
    assert world.namespace.entry(world.place.child("known")).length == 1
    assert time.monotonic() - started < 10
    assert world.availability.report().away_since is not None
    for _ in range(3):
        # An error must not become "no such file", however often it is asked.
        with pytest.raises((Unreachable, TimedOut)):
            world.namespace.entry(world.place.child("unknown"))
    own_space.server.start()
    own.put("durand/new", b"y")
    time.sleep(1)
    assert _names(world) == ["known", "new"]
    assert world.availability.report().away_since is None
    world.client.close()
    own.close()


def _entry(path: str, kind: NodeType = NodeType.DATA, *, listed: bool | None = None) -> Entry:
    return entry_of(path.rpartition("/")[2], type=kind, path=path, listed=listed)


WALK = [
    _entry("a", NodeType.CONTAINER, listed=True),
    _entry("a/b", NodeType.CONTAINER, listed=True),
    _entry("a/b/f"),
    _entry("c", NodeType.CONTAINER, listed=False),
    _entry("d", NodeType.CONTAINER, listed=True),
    _entry("d/g"),
]


def test_walk_is_split_into_its_folders() -> None:
    folders = folders_of(("r",), WALK, complete=True)
    assert {place: sorted(children) for place, children in folders.items()} == {
        ("r",): ["a", "c", "d"],
        ("r", "a"): ["b"],
        ("r", "a", "b"): ["f"],
        ("r", "d"): ["g"],
    }


def test_folders_that_a_cut_walk_did_not_finish_are_left_out() -> None:
    folders = folders_of(("r",), WALK, complete=False)
    assert set(folders) == {("r", "a"), ("r", "a", "b")}


def test_walks_are_noticed_at_the_second_sibling() -> None:
    walks = TreeWalks(WalkConfig())
    assert walks.root_of(()) is None
    assert walks.root_of(("r", "a")) is None
    assert walks.root_of(("r", "a")) is None
    assert walks.root_of(("r", "b")) == ("r",)
    walks.proved_too_large(("r",))
    assert walks.root_of(("r", "c")) == ("r", "c")
    walks.proved_too_large(("r", "d"))
    assert walks.root_of(("r", "d")) is None


def test_listing_that_breaks_off_is_asked_for_again(
    shared_space: Space, store: Store, folder: str
) -> None:
    store.put(f"{folder}/a", b"x")
    with running_proxy(shared_space.server.port) as proxy:
        torn = [Falsehood(send_only=100)]
        proxy.liar = lambda _method, path: (
            torn.pop() if torn and "/children/" in path else TRUTH
        )
        world = World(shared_space, folder, service=proxy.url)
        assert _names(world) == ["a"]
        assert torn == []
        world.client.close()
