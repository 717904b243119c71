"""From paths to nodes: asks as seldom as promised, and knows our own changes at once.

Three promises (docs/semantics.md): an answer is at most `attr_timeout` old; "no such node" is
said only when the service said it; and when the service is away, the last that it said is
served, however old.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from vofs.cache.node_cache import Known, NodeCache
from vofs.client.byte_ranges import OpenedContent
from vofs.client.deadline import limited
from vofs.client.errors import BrokenOff, TimedOut, Unreachable
from vofs.client.vospace_client import VOSpaceClient
from vofs.filesystem.availability import Availability
from vofs.filesystem.errors import NotAContainer
from vofs.filesystem.keyed_locks import KeyedLocks
from vofs.filesystem.tree_walks import Names, TreeWalks
from vospace_model.api import Entry
from vospace_model.faults import ContainerNotFound, NodeNotFound, ServiceBusy
from vospace_model.nodes import NodeType
from vospace_model.uris import NodePath

Answer = TypeVar("Answer")

# Errors that say nothing about the node; never remembered.
AWAY: Final = (Unreachable, TimedOut, ServiceBusy)
# A large listing may be used for this many times as long as it took to come, and for so long
# per child: a program that walks it must not outlive it, or each step asks again.
_LIFETIME_FACTOR: Final = 3.0
_LIFETIME_PER_CHILD_SECONDS: Final = 0.002
_LONGEST_LIFETIME_SECONDS: Final = 15.0
# So many lookups of old names in one folder, one after the other, renew it as a whole.
_LOOKUPS_TO_RENEW: Final = 2
_MANY_FOLDERS: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceConfig:
    """How long answers are good for."""

    # Of getattr and listings. The kernel's own timeout is the same.
    attr_timeout_seconds: float = 1.0
    # Of "no such node".
    negative_timeout_seconds: float = 1.0
    # Of open: close-to-open means that a file is looked at again when it is opened.
    open_timeout_seconds: float = 1.0


class Namespace:
    """Nodes and listings. Safe for any number of threads; one asks, the others wait for it."""

    def __init__(
        self,
        *,
        client: VOSpaceClient,
        cache: NodeCache[Entry],
        config: NamespaceConfig,
        availability: Availability,
        walks: TreeWalks,
        on_replaced: Callable[[Names], None],
    ) -> None:
        self._client = client
        self._cache = cache
        self._config = config
        self._availability = availability
        self._walks = walks
        self._on_replaced = on_replaced
        self._asking = KeyedLocks()
        self._old_lookups: dict[Names, int] = {}

    def entry(self, path: NodePath) -> Entry:
        """The node, not older than the attribute timeout; raises NodeNotFound."""
        return self._entry(path.names, self._config.attr_timeout_seconds)

    def entry_to_open(self, path: NodePath) -> Entry:
        """The node, not older than close-to-open allows."""
        return self._entry(path.names, self._config.open_timeout_seconds)

    def peek(self, path: NodePath) -> Entry | None:
        """The last that was known of a node, however old; asks nobody."""
        known = self._cache.find(path.names)
        return None if known is None else known.value

    def open_content(self, path: NodePath) -> OpenedContent:
        """Where the bytes of a file are, and its entry of now, which is remembered."""
        asked_at, epoch = time.monotonic(), self._cache.epoch()
        opened = self._ask(lambda: self._client.open_content(path))
        self._keep(path.names, opened.entry, asked_at=asked_at, epoch=epoch)
        return opened

    def epoch(self) -> int:
        """To be noted before asking for what is then told to `confirm`."""
        return self._cache.epoch()

    def confirm(self, path: NodePath, entry: Entry, *, asked_at: float, epoch: int) -> None:
        """The service has just said, in passing, that the node is still this."""
        self._cache.keep(path.names, entry, asked_at=asked_at, epoch=epoch)

    def children(self, path: NodePath) -> list[Entry]:
        """The children of a folder, not older than the attribute timeout."""
        names = path.names
        if not self._listing_is_fresh(names):
            with self._asking.held(("list", names)):
                self._renew_listing(names)
        found = self._cache.listing(names)
        if found is None:
            # Dropped at once by our own change: ask for it past the cache.
            return [entry for name, entry in self._list_one(names)[1].items() if name]
        return list(found.children.values())

    def siblings_after(self, path: NodePath, count: int) -> list[tuple[NodePath, Entry]]:
        """The files that follow one in its folder's listing, if that is known."""
        following = self._cache.names_after(path.names[:-1], path.name, count)
        return [(path.parent.child(name), entry) for name, entry in following]

    def put(self, path: NodePath, entry: Entry) -> None:
        """Our own change: the node is this now."""
        self._cache.put(path.names, entry)

    def made_container(self, path: NodePath, entry: Entry) -> None:
        """Our own change: there is a new folder, and nothing is in it."""
        self._cache.put(path.names, entry)
        self._cache.keep_listing(
            path.names, {}, asked_at=time.monotonic(), epoch=self._cache.epoch()
        )

    def has_children(self, path: NodePath) -> bool:
        """Whether a folder has children at this moment; always asks the service."""
        entries = self._ask(lambda: list(itertools.islice(self._client.list(path), 2)))
        return len(entries) > 1

    def removed(self, path: NodePath, *, with_tree: bool = False) -> None:
        """Our own change: the node is gone."""
        self._cache.remove(path.names, with_tree=with_tree)

    def moved(self, old: NodePath, new: NodePath, entry: Entry) -> None:
        """Our own change: the node is elsewhere."""
        self._cache.move(old.names, new.names, entry)

    def doubt(self, path: NodePath) -> None:
        """What is known of the node may be wrong: ask again before it is used."""
        self._cache.doubt(path.names)

    def forget_all(self) -> None:
        """Ask for everything again."""
        self._cache.clear()

    def _entry(self, names: Names, limit_seconds: float) -> Entry:
        known = self._cache.find(names)
        if known is not None and self._is_fresh(names, known, limit_seconds):
            return _value_of(names, known)
        with self._asking.held(("node", names)):
            known = self._cache.find(names)
            if known is not None and self._is_fresh(names, known, limit_seconds):
                return _value_of(names, known)
            if known is not None and self._should_renew_folder(names):
                return self._entry_from_folder(names)
            return self._ask_entry(names, known)

    def _is_fresh(self, names: Names, known: Known[Entry], limit_seconds: float) -> bool:
        if known.value is None:
            limit_seconds = min(limit_seconds, self._config.negative_timeout_seconds)
        limit_seconds = max(limit_seconds, self._cache.lifetime(names))
        return time.monotonic() - known.since < limit_seconds

    def _should_renew_folder(self, names: Names) -> bool:
        """Whether enough old names of one listed folder were looked up to list it again."""
        folder = names[:-1]
        if not names or self._cache.listing_age(folder) is None:
            return False
        count = self._old_lookups.get(folder, 0) + 1
        if len(self._old_lookups) > _MANY_FOLDERS:
            self._old_lookups.clear()
        self._old_lookups[folder] = count
        return count >= _LOOKUPS_TO_RENEW

    def _entry_from_folder(self, names: Names) -> Entry:
        self._old_lookups.pop(names[:-1], None)
        folder = names[:-1]
        if not self._listing_is_fresh(folder):
            with self._asking.held(("list", folder)):
                self._renew_listing(folder)
        known = self._cache.find(names)
        if known is None or (known.value is None and not self._listing_is_fresh(folder)):
            # An old listing that couldn't be renewed is no proof that there is no such node.
            return self._ask_entry(names, None)
        return _value_of(names, known)

    def _ask_entry(self, names: Names, known: Known[Entry] | None) -> Entry:
        fallback = None if known is None else known.value
        if fallback is not None and not self._availability.should_ask:
            self._availability.served_stale()
            return fallback
        asked_at, epoch = time.monotonic(), self._cache.epoch()
        path = NodePath(names)
        try:
            entry = self._ask(lambda: self._client.get_node(path), hurry=fallback is not None)
        except (NodeNotFound, ContainerNotFound):
            self._cache.keep(names, None, asked_at=asked_at, epoch=epoch)
            raise
        except AWAY:
            if fallback is None:
                raise
            self._availability.served_stale()
            return fallback
        self._keep(names, entry, asked_at=asked_at, epoch=epoch)
        return entry

    def _keep(self, names: Names, entry: Entry, *, asked_at: float, epoch: int) -> None:
        """Remember a node; whoever holds an older version of its bytes is told."""
        old = self._cache.find(names)
        if not self._cache.keep(names, entry, asked_at=asked_at, epoch=epoch):
            return
        if old is not None and old.value is not None and old.value.content != entry.content:
            self._on_replaced(names)

    def _keep_folder(
        self, folder: Names, children: dict[str, Entry], *, asked_at: float, epoch: int
    ) -> None:
        """Remember a listing; whoever holds older versions of its files is told."""
        old = self._cache.listing(folder)
        lifetime = _lifetime_since(asked_at, len(children))
        kept = self._cache.keep_listing(
            folder, children, asked_at=asked_at, epoch=epoch, lifetime=lifetime
        )
        if not kept or old is None:
            return
        for name, entry in children.items():
            before = old.children.get(name)
            if before is not None and before.content != entry.content:
                self._on_replaced((*folder, name))

    def _listing_is_fresh(self, names: Names) -> bool:
        age = self._cache.listing_age(names)
        if age is None:
            return False
        since, lifetime = age
        return time.monotonic() - since < max(lifetime, self._config.attr_timeout_seconds)

    def _renew_listing(self, names: Names) -> None:
        """List the folder, or the tree that is being walked; keep the old when we can't."""
        if self._listing_is_fresh(names):
            return
        have_old = self._cache.listing_age(names) is not None
        if have_old and not self._availability.should_ask:
            self._availability.served_stale()
            return
        root = self._walks.root_of(names) if self._client.is_extended else None
        try:
            if root is None or not self._list_tree(root, needed=names):
                self._list_folder(names, hurry=have_old)
        except AWAY:
            if not have_old:
                raise
            self._availability.served_stale()

    def _list_folder(self, names: Names, *, hurry: bool) -> None:
        asked_at, epoch = time.monotonic(), self._cache.epoch()
        container, children = self._ask(lambda: self._list_one(names), hurry=hurry)
        if names:
            self._cache.keep(names, container, asked_at=asked_at, epoch=epoch)
        self._keep_folder(names, children, asked_at=asked_at, epoch=epoch)

    def _list_one(self, names: Names) -> tuple[Entry, dict[str, Entry]]:
        entries = self._client.list(NodePath(names))
        container = next(entries)
        if container.type is not NodeType.CONTAINER:
            raise NotAContainer(f"{NodePath(names)} is not a folder")
        children: dict[str, Entry] = {}
        for entry in entries:
            children.setdefault(entry.name, entry)
        return container, children

    def _list_tree(self, root: Names, *, needed: Names) -> bool:
        """List everything below `root`; whether the folder that is needed was among it."""
        asked_at, epoch = time.monotonic(), self._cache.epoch()
        limit = self._walks.config.max_nodes
        entries = self._ask(lambda: list(self._first_of_tree(root, limit + 1)))
        folders = folders_of(root, entries, complete=len(entries) <= limit)
        if len(entries) > limit:
            self._walks.proved_too_large(root)
        for folder, children in folders.items():
            self._keep_folder(folder, children, asked_at=asked_at, epoch=epoch)
        return needed in folders

    def _first_of_tree(self, root: Names, count: int) -> Iterator[Entry]:
        entries = self._client.list(NodePath(root), deep=True)
        next(entries)
        return itertools.islice(entries, count)

    def _ask(self, question: Callable[[], Answer], *, hurry: bool = False) -> Answer:
        """Put a question to the service and note whether it was there to answer.

        In a hurry, because an old answer would do or the last question went unanswered, it
        may take less time.
        """
        is_hasty = hurry or self._availability.is_away
        seconds = self._availability.config.fallback_seconds if is_hasty else None
        try:
            with limited(seconds):
                answer = _asked_twice(question)
        except AWAY:
            self._availability.failed()
            raise
        except Exception:
            self._availability.answered()
            raise
        self._availability.answered()
        return answer


def folders_of(
    root: Names, entries: list[Entry], *, complete: bool
) -> dict[Names, dict[str, Entry]]:
    """The listings that a walk in preorder holds, by folder.

    When the walk was cut off, the folders on the way to its last entry are incomplete and are
    left out; so are folders whose children the service didn't list.
    """
    folders: dict[Names, dict[str, Entry]] = {root: {}}
    last: Names = ()
    for entry in entries:
        place = (*root, *(entry.path or entry.name).split("/"))
        folders.setdefault(place[:-1], {})[place[-1]] = entry
        if entry.type is NodeType.CONTAINER and entry.listed is not False:
            folders.setdefault(place, {})
        last = place
    if not complete:
        for depth in range(len(root), len(last) + 1):
            folders.pop(last[:depth], None)
    return folders


def _asked_twice(question: Callable[[], Answer]) -> Answer:
    """Put a question, and once more when its answer broke off: a stream isn't retried below."""
    try:
        return question()
    except BrokenOff:
        return question()


def _value_of(names: Names, known: Known[Entry]) -> Entry:
    if known.value is None:
        raise NodeNotFound(str(NodePath(names)))
    return known.value


def _lifetime_since(asked_at: float, children: int) -> float:
    took = time.monotonic() - asked_at
    lifetime = took * _LIFETIME_FACTOR + children * _LIFETIME_PER_CHILD_SECONDS
    return min(lifetime, _LONGEST_LIFETIME_SECONDS)
