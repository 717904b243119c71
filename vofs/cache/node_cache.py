"""What is known of nodes, and for how long; knows no VOSpace and asks nobody.

Listings are kept as one unit: an `ls -l` that looks at the children in order must not push
out each just before it is asked for. Nothing is dropped for being old: an old answer is still
what is served when the service is away. How old is too old is the caller's to say.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from cachetools import LRUCache

Key = tuple[str, ...]
Value = TypeVar("Value")

_NEVER: Final = -1e9


@dataclass(frozen=True, slots=True)
class Known(Generic[Value]):
    """A value or, as None, the knowledge that there is nothing; and since when."""

    value: Value | None
    since: float


@dataclass(slots=True)
class Listing(Generic[Value]):
    """All children of a folder by name. Changed in place by our own changes only."""

    children: dict[str, Value]
    since: float
    # Answers as long as the caller's own limit or as this, whichever is longer: taking a
    # large listing takes time, and it must outlive its own use.
    lifetime: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCacheConfig:
    """How much is kept."""

    # Children in all listings; the listing in use is kept however large it is.
    max_listed: int = 400_000
    # Nodes known without their folder's listing.
    max_single: int = 50_000


@dataclass(slots=True)
class NodeCache(Generic[Value]):
    """Nodes by the names of their path. One lock guards all; it is never held over a wait."""

    config: NodeCacheConfig = field(default_factory=NodeCacheConfig)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _epoch: int = 0
    _changed_in: dict[Key, int] = field(default_factory=dict)
    _single: "LRUCache[Key, Known[Value]]" = field(init=False)
    _listings: "LRUCache[Key, Listing[Value]]" = field(init=False)

    def __post_init__(self) -> None:
        """Make the two stores."""
        self._single = LRUCache(self.config.max_single)
        self._listings = LRUCache(self.config.max_listed, getsizeof=_size_of)

    def find(self, key: Key) -> Known[Value] | None:
        """The newest that is known of a node; None when nothing is."""
        with self._lock:
            single = self._single.get(key)
            listing = self._listings.get(key[:-1]) if key else None
            if listing is None:
                return single
            if single is not None and single.since > listing.since:
                return single
            return Known(listing.children.get(key[-1]), listing.since)

    def lifetime(self, key: Key) -> float:
        """The least time for which what is known of the node's folder answers."""
        with self._lock:
            listing = self._listings.get(key[:-1]) if key else None
            return 0.0 if listing is None else listing.lifetime

    def listing(self, key: Key) -> Listing[Value] | None:
        """The children of a folder, as a copy that later changes don't touch."""
        with self._lock:
            found = self._listings.get(key)
            if found is None:
                return None
            return Listing(dict(found.children), found.since, found.lifetime)

    def listing_age(self, key: Key) -> tuple[float, float] | None:
        """Since when a listing is known, and its lifetime; None when it isn't."""
        with self._lock:
            found = self._listings.get(key)
            return None if found is None else (found.since, found.lifetime)

    def names_after(self, key: Key, name: str, count: int) -> list[tuple[str, Value]]:
        """Up to `count` children that follow `name` in the order of the listing."""
        with self._lock:
            found = self._listings.get(key)
            if found is None or name not in found.children:
                return []
            result: list[tuple[str, Value]] = []
            passed = False
            for child, value in found.children.items():
                if passed:
                    result.append((child, value))
                    if len(result) == count:
                        break
                passed = passed or child == name
            return result

    def epoch(self) -> int:
        """A number that grows with each change of our own; noted before asking the service.

        An answer from before a change must not undo it here.
        """
        with self._lock:
            return self._epoch

    def keep(self, key: Key, value: Value | None, *, asked_at: float, epoch: int) -> bool:
        """Remember what the service said of a node, unless we changed its folder meanwhile."""
        with self._lock:
            if self._changed_in.get(key[:-1], 0) > epoch:
                return False
            self._single[key] = Known(value, asked_at)
            return True

    def keep_listing(
        self,
        key: Key,
        children: Mapping[str, Value],
        *,
        asked_at: float,
        epoch: int,
        lifetime: float = 0.0,
    ) -> bool:
        """Remember a whole folder, unless we changed something in it meanwhile."""
        with self._lock:
            if self._changed_in.get(key, 0) > epoch:
                return False
            listing = Listing(dict(children), asked_at, lifetime)
            self._make_room(_size_of(listing))
            self._listings[key] = listing
            return True

    def put(self, key: Key, value: Value) -> None:
        """A change of our own: the node is there and is this."""
        with self._lock:
            self._changed(key)
            if key:
                self._put_in_listing(key, value)
            self._single[key] = Known(value, time.monotonic())

    def remove(self, key: Key, *, with_tree: bool) -> None:
        """A change of our own: the node is gone and, `with_tree`, what is known below it."""
        with self._lock:
            self._changed(key)
            if with_tree:
                self._drop_below(key)
            listing = self._listings.get(key[:-1]) if key else None
            if listing is not None:
                listing.children.pop(key[-1], None)
            self._single[key] = Known(None, time.monotonic())

    def move(self, old: Key, new: Key, value: Value) -> None:
        """A change of our own: a node is elsewhere; what was below it is asked for again."""
        with self._lock:
            self.remove(old, with_tree=True)
            self._drop_below(new)
            self.put(new, value)

    def doubt(self, key: Key) -> None:
        """What is known of the node is to be asked for again, though it may still serve."""
        with self._lock:
            self._changed(key)
            single = self._single.get(key)
            if single is not None:
                self._single[key] = Known(single.value, _NEVER)
            for place in (key[:-1], key):
                listing = self._listings.get(place)
                if listing is not None:
                    listing.since, listing.lifetime = _NEVER, 0.0

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._single.clear()
            self._listings.clear()

    def sizes(self) -> tuple[int, int]:
        """How many nodes are known singly, and how many in listings."""
        with self._lock:
            return len(self._single), int(self._listings.currsize)

    def _changed(self, key: Key) -> None:
        self._epoch += 1
        self._changed_in[key[:-1]] = self._epoch

    def _put_in_listing(self, key: Key, value: Value) -> None:
        listing = self._listings.get(key[:-1])
        if listing is not None:
            listing.children[key[-1]] = value

    def _drop_below(self, key: Key) -> None:
        depth = len(key)
        for known in [place for place in self._single if place[:depth] == key]:
            del self._single[known]
        for known in [place for place in self._listings if place[:depth] == key]:
            del self._listings[known]

    def _make_room(self, size: int) -> None:
        """A folder larger than everything allowed is kept all the same, alone."""
        if size > self._listings.maxsize:
            grown: LRUCache[Key, Listing[Value]] = LRUCache(size, getsizeof=_size_of)
            self._listings = grown


def _size_of(listing: Listing[Value]) -> int:
    return len(listing.children) + 1
