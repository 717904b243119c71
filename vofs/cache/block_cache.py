"""The block cache: bytes of contents on disk, shared by all mounts on one directory.

It knows contents, not nodes or paths: a content id names bytes that never change, so nothing
here can be stale. What is not there is fetched once, however many ask.
"""

import contextlib
import hashlib
import logging
import os
import threading
from pathlib import Path
from typing import Final

from vofs.cache.cache_config import CacheConfig
from vofs.cache.cache_directory import CacheDirectory
from vofs.cache.cache_parts import CacheParts, KeptGranules, WrongContents
from vofs.cache.cached_content import CachedContent
from vofs.cache.checked_granules import CheckedGranules
from vofs.cache.content_identity import ContentIdentity, identify, key_of
from vofs.cache.content_store import ContentStore
from vofs.cache.disk_health import DiskHealth
from vofs.cache.fetch_pool import FetchPool
from vofs.cache.hang_guard import HangGuard
from vofs.cache.housekeeping import Housekeeper
from vofs.cache.index_record import IDENTITY_BYTES
from vofs.cache.packed_store import PackedStore, write_pack
from vofs.cache.space import Space, rounded
from vofs.cache.sparse_store import SparseStore
from vofs.cache.statistics import CacheStatistics, Counters

_ADOPT_STEP_BYTES: Final = 1024 * 1024
_CLOSE_SECONDS: Final = 5.0

logger = logging.getLogger(__name__)


class BlockCache:
    """Opens contents. Starts no thread before the first read, so a process may fork after.

    Raises OSError when the directory can't be made or used at all; after that, a disk that
    fails costs hits, never reads.
    """

    def __init__(self, config: CacheConfig) -> None:
        directory = CacheDirectory(config.directory)
        health = DiskHealth(config.directory)
        counters = Counters()
        space = Space(config=config, directory=directory, health=health, counters=counters)
        self._parts = CacheParts(
            config=config,
            directory=directory,
            space=space,
            pool=FetchPool(config.workers),
            health=health,
            guard=HangGuard(config.directory, health),
            counters=counters,
            housekeeper=Housekeeper(),
            kept=KeptGranules(config.kept_bytes),
            wrong=WrongContents(),
            checked=CheckedGranules(),
        )
        space.on_high = lambda: self._parts.housekeeper.submit(space.trim)
        # Guards the two below; held for a look or a change, never for I/O.
        self._lock = threading.Lock()
        self._open: dict[str, CachedContent] = {}
        self._is_started = False

    @property
    def spool_directory(self) -> Path:
        """Where changes that are not on the server yet are kept, on the same disk."""
        return self._parts.directory.spool

    def open(self, content_id: str, length: int, md5_hex: str | None) -> CachedContent:
        """Open a content, to be closed by its `close`; the bytes are fetched when read.

        Never fails for the sake of the disk: such a content is read from its source.
        """
        self._start()
        identity = identify(content_id, length, md5_hex)
        opened = self._acquire(identity)
        if opened is not None:
            return opened
        made = CachedContent(
            parts=self._parts,
            identity=identity,
            store=self._store(identity),
            on_closed=self._forget,
        )
        made.acquire()
        made.recall()
        with self._lock:
            current = self._open.get(identity.key)
            if current is None or current.identity.length != length or not current.acquire():
                self._open[identity.key] = current = made
        if current is not made:
            made.close()
            return current
        made.check_when_complete()
        return made

    def has(self, content_id: str, length: int) -> bool:
        """Whether a content can be read without its source, unless it turns out damaged."""
        identity = identify(content_id, length, None)
        kind = "pack" if identity.is_packed else "index"
        path = self._parts.directory.path(identity.key, kind)
        if not length:
            return True
        if self._parts.health.stalled or not os.path.exists(path):  # noqa: PTH110 -- asked for every entry of a folder
            return False
        if identity.is_packed:
            return True
        content = self.open(content_id, length, None)
        try:
            return content.is_complete()
        except OSError:
            return False
        finally:
            content.close()

    def put_whole(self, content_id: str, data: bytes, md5_hex: str | None) -> None:
        """Store a content that came in one piece, unless it is wrong or there is no room."""
        identity = identify(content_id, len(data), md5_hex)
        digest = hashlib.md5(data, usedforsecurity=False).digest() if identity.md5 else None
        if not data or identity.md5 != digest or not self._parts.health.may_store():
            return
        try:
            if identity.is_packed:
                self._put_packed(identity, data)
            else:
                self._put_sparse(identity, data)
        except OSError as error:
            self._parts.health.report(error)

    def adopt(self, content_id: str, md5_hex: str | None, path: Path) -> None:
        """Take a file over as a content; the file is gone afterwards, stored or not."""
        try:
            self._adopt(identify(content_id, path.stat().st_size, md5_hex), path)
        except OSError as error:
            self._parts.health.report(error)
        finally:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def make_room(self, size: int) -> bool:
        """Free so much of the disk for something that is not cache; False if there was less."""
        return self._parts.space.make_room(size) >= size

    def pin(self, content_id: str) -> None:
        """Keep a content from eviction, over restarts; its bytes still come when read."""
        self._parts.directory.pin(content_id)

    def unpin(self, content_id: str) -> None:
        """Let a content be evicted again."""
        self._parts.directory.unpin(content_id)

    def pinned(self) -> frozenset[str]:
        """The ids of all pinned contents."""
        return self._parts.directory.pinned_ids()

    def evict(self, content_id: str) -> int:
        """Give the bytes of one content back, also when it is pinned or open: how many."""
        return self._parts.space.evict_content(key_of(content_id))

    def statistics(self) -> CacheStatistics:
        """The numbers of this moment."""
        with self._lock:
            contents = list(self._open.values())
        counters, health = self._parts.counters, self._parts.health
        return CacheStatistics(
            hits=counters.closed_hits + sum(content.hits for content in contents),
            misses=counters.misses,
            requests=counters.requests,
            wire_bytes=counters.wire_bytes,
            evicted_bytes=counters.evicted_bytes,
            errors=counters.errors,
            damaged_contents=counters.damaged_contents,
            open_contents=len(contents),
            stored_bytes=self._parts.directory.state.used,
            limit_bytes=self._parts.config.limit_bytes,
            is_degraded=not health.may_store(),
        )

    def close(self) -> None:
        """Stop the threads, waiting a few seconds for what they do; no content may be open."""
        self._parts.health.close()
        self._parts.pool.close()
        self._parts.housekeeper.close(_CLOSE_SECONDS)

    def _start(self) -> None:
        """Start what needs threads, with the first content that is opened."""
        with self._lock:
            if self._is_started:
                return
            self._is_started = True
        self._parts.health.start()
        self._parts.housekeeper.submit(self._parts.space.recount)

    def _acquire(self, identity: ContentIdentity) -> CachedContent | None:
        with self._lock:
            current = self._open.get(identity.key)
            if current is None or current.identity.length != identity.length:
                return None
            return current if current.acquire() else None

    def _forget(self, content: CachedContent) -> None:
        """A content was closed for good."""
        self._parts.counters.add("closed_hits", content.hits)
        with self._lock:
            if self._open.get(content.identity.key) is content:
                del self._open[content.identity.key]

    def _store(self, identity: ContentIdentity) -> ContentStore | None:
        if not identity.length or self._parts.health.stalled:
            return None
        if identity.is_packed:
            return PackedStore(self._parts.directory, identity)
        try:
            return self._parts.guard.run(
                lambda: SparseStore.open(self._parts.directory, identity)
            )
        except OSError as error:
            self._parts.health.report(error)
            return None

    def _put_packed(self, identity: ContentIdentity, data: bytes) -> None:
        path = self._parts.directory.path(identity.key, "pack")
        if os.path.exists(path):  # noqa: PTH110 -- once for every small file
            return
        size = rounded(len(data) + IDENTITY_BYTES)
        with self._parts.space.reserved(size) as room:
            if room.is_granted:
                os.close(write_pack(self._parts.directory, identity, data))
                room.stored_bytes = size

    def _copy(self, identity: ContentIdentity, path: Path) -> int:
        """Store the bytes of a file where none are stored yet; returns how many were."""
        store = SparseStore.open(self._parts.directory, identity)
        try:
            with self._parts.directory.fetching(identity, 0, identity.granules) as is_mine:
                if not is_mine or any(store.presence(0, identity.granules)):
                    return 0
                return store.copy_in(path, _ADOPT_STEP_BYTES)
        finally:
            store.close()

    def _put_sparse(self, identity: ContentIdentity, data: bytes) -> None:
        store = SparseStore.open(self._parts.directory, identity)
        try:
            with self._parts.directory.fetching(identity, 0, identity.granules) as is_mine:
                if not is_mine or 0 not in store.presence(0, identity.granules):
                    return
                with self._parts.space.reserved(len(data)) as room:
                    if room.is_granted:
                        store.write(0, memoryview(data))
                        room.stored_bytes = len(data)
        finally:
            store.close()

    def _adopt(self, identity: ContentIdentity, path: Path) -> None:
        if identity.is_packed:
            self.put_whole(identity.content_id, path.read_bytes(), None)
            return
        with self._parts.space.reserved(identity.length) as room:
            if not room.is_granted:
                return
            store = SparseStore.take_over(self._parts.directory, identity, path)
            if store is None:
                # Somebody opened the content before its bytes were here.
                room.stored_bytes = self._copy(identity, path)
                return
            room.stored_bytes = identity.length
        try:
            with self._parts.directory.fetching(identity, 0, identity.granules) as is_mine:
                if is_mine:
                    store.claim_all(_ADOPT_STEP_BYTES)
        finally:
            store.close()
