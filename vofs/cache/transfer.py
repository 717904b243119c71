"""Moves granules of one content from its source to its store, or to memory when it must."""

import hashlib
import logging
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Final

from vofs.cache.cache_parts import CacheParts
from vofs.cache.content_identity import ContentIdentity
from vofs.cache.content_source import ContentSource
from vofs.cache.content_store import ContentStore
from vofs.cache.errors import CorruptContent, IncompleteFetch
from vofs.cache.granule_table import Fetch, GranuleTable
from vofs.cache.index_record import IDENTITY_BYTES
from vofs.cache.space import rounded

# So much is gathered before it is stored: readers wait for it, and each store costs two writes.
_BATCH_BYTES: Final = 256 * 1024
# What a reader who can't use the disk may have in memory of one fetch.
_KEPT_BYTES: Final = 1024 * 1024
_SMALL_ATTEMPTS: Final = 2

logger = logging.getLogger(__name__)


class Transfer:
    """Runs fetches of one content; several may run at once on disjoint granules."""

    def __init__(
        self,
        *,
        parts: CacheParts,
        identity: ContentIdentity,
        store: ContentStore | None,
        table: GranuleTable,
    ) -> None:
        self._parts = parts
        self._identity = identity
        self._store = store
        self._table = table
        # Set when nobody has the content open: what nobody waits for is given up.
        self.abandoned = False

    def run(self, fetch: Fetch, source: ContentSource) -> bool:
        """Do what the fetch says; its failure is kept in it for those who wait.

        False when another thread does it or did it: a fetch may be queued twice.
        """
        table = self._table
        with table.changed:
            if fetch.started:
                return False
            fetch.started = True
        try:
            self._run(fetch, source)
        except Exception as error:  # noqa: BLE001 -- raised again in every reader that waits
            fetch.error = error
            self._parts.counters.add("errors")
        finally:
            with table.changed:
                table.fetches.remove(fetch)
                fetch.done = True
                table.changed.notify_all()
        return True

    def _run(self, fetch: Fetch, source: ContentSource) -> None:
        with self._held(fetch) as (is_mine, store):
            if not is_mine:
                fetch.elsewhere = True
                return
            for first, stop in list(self._absent_runs(fetch, store)):
                if self._identity.is_packed:
                    self._fetch_small(fetch, store, source)
                else:
                    self._fetch_run(fetch, (first, stop), store, source)

    @contextmanager
    def _held(self, fetch: Fetch) -> Iterator[tuple[bool, ContentStore | None]]:
        """Hold the granules against other processes; without a usable disk, just go on."""
        if self._store is None or not self._parts.health.may_store():
            yield True, None
            return
        holding = self._parts.directory.fetching(self._identity, fetch.first, fetch.stop)
        with holding as is_mine:
            yield is_mine, self._store

    def _absent_runs(
        self, fetch: Fetch, store: ContentStore | None
    ) -> Iterator[tuple[int, int]]:
        """What to ask for: not what another process stored since the reader looked."""
        if store is None:
            yield fetch.first, fetch.stop
            return
        presence = store.presence(fetch.first, fetch.stop)
        position = presence.find(0)
        while position >= 0:
            end = position
            while end < len(presence) and presence[end] == 0:
                end += 1
            yield fetch.first + position, fetch.first + end
            position = presence.find(0, end)

    def _fetch_small(
        self, fetch: Fetch, store: ContentStore | None, source: ContentSource
    ) -> None:
        """Fetch a whole small content and check its digest before anybody sees it."""
        identity = self._identity
        for _ in range(_SMALL_ATTEMPTS):
            with closing(self._pieces(source, 0, identity.length)) as pieces:
                data = b"".join(pieces)
            if len(data) != identity.length:
                raise IncompleteFetch(f"{len(data)} of {identity.length} bytes came")
            digest = hashlib.md5(data, usedforsecurity=False).digest()
            if identity.md5 in {None, digest}:
                self._deliver_small(fetch, data, store)
                return
            logger.warning(
                "cache: the service gave content %s with a wrong digest", identity.content_id
            )
        raise CorruptContent(f"content {identity.content_id} never matches its digest")

    def _deliver_small(self, fetch: Fetch, data: bytes, store: ContentStore | None) -> None:
        size = rounded(len(data) + IDENTITY_BYTES)
        with self._parts.space.reserved(size) as room:
            usable = store if room.is_granted else None
            if self._deliver(fetch, 0, memoryview(data), usable) is not None:
                room.stored_bytes = size

    def _fetch_run(
        self,
        fetch: Fetch,
        run: tuple[int, int],
        store: ContentStore | None,
        source: ContentSource,
    ) -> None:
        """Fetch one run by one request, storing as it comes."""
        start = run[0] << self._identity.granule_shift
        end = self._identity.end_of(run[1])
        if store is None:
            self._fetch_bytes(fetch, (start, end), None, source)
            return
        with self._parts.space.reserved(end - start) as room:
            usable = store if room.is_granted else None
            try:
                self._fetch_bytes(fetch, (start, end), usable, source)
            finally:
                room.stored_bytes = self._identity.end_of(fetch.stored_to) - start

    def _fetch_bytes(
        self,
        fetch: Fetch,
        span: tuple[int, int],
        store: ContentStore | None,
        source: ContentSource,
    ) -> None:
        start, end = span
        fetch.stored_to = position = start >> self._identity.granule_shift
        if store is None and not fetch.demanded:
            return
        step = self._identity.granule_bytes
        came = start
        with closing(self._pieces(source, start, end)) as pieces:
            for batch in _batches(pieces, step):
                came += len(batch)
                is_torn = len(batch) % step != 0 and came < self._identity.length
                if came > end or is_torn:
                    break
                store = self._deliver(fetch, position, batch, store)
                position += -(-len(batch) // step)
                fetch.stored_to = position if store is not None else fetch.stored_to
                if self._is_enough(fetch, is_stored=store is not None):
                    return
        if came != end:
            raise IncompleteFetch(f"{came - start} of {end - start} bytes came")

    def _is_enough(self, fetch: Fetch, *, is_stored: bool) -> bool:
        """Whether to stop before the end: memory is full, or nobody will read it."""
        if not is_stored:
            return len(fetch.kept) << self._identity.granule_shift >= _KEPT_BYTES
        return self.abandoned and not fetch.demanded

    def _pieces(
        self, source: ContentSource, start: int, end: int
    ) -> Generator[bytes, None, None]:
        """The pieces of one request, counted; the request ends with this iterator."""
        counters = self._parts.counters
        counters.add("requests")
        pieces = source.fetch(start, end)
        try:
            for piece in pieces:
                counters.add("wire_bytes", len(piece))
                yield piece
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()

    def _deliver(
        self, fetch: Fetch, first: int, data: memoryview, store: ContentStore | None
    ) -> ContentStore | None:
        """Store granules, or keep them; wake the readers; returns the store if still usable."""
        if store is not None:
            try:
                store.write(first, data)
            except OSError as error:
                self._parts.health.report(error)
                store = None
        if store is None:
            self._keep(fetch, first, data)
        with self._table.changed:
            if store is not None:
                stop = first + -(-len(data) >> self._identity.granule_shift)
                self._table.mark_ready(first, stop)
            fetch.moved = True
            self._table.changed.notify_all()
        return store

    def _keep(self, fetch: Fetch, first: int, data: memoryview) -> None:
        step = self._identity.granule_bytes
        for number, at in enumerate(range(0, len(data), step)):
            granule = bytes(data[at : at + step])
            fetch.kept[first + number] = granule
            self._parts.kept.put(self._identity.key, first + number, granule)


def _batches(pieces: Iterator[bytes], step: int) -> Iterator[memoryview]:
    """The pieces in batches of whole granules of `step` bytes; the last is what is left.

    Only what must be joined is copied. A batch is good until the next one is asked for.
    """
    rest = bytearray()
    for piece in pieces:
        batch = memoryview(piece)
        if rest or len(piece) < _BATCH_BYTES:
            rest += piece
            if len(rest) < _BATCH_BYTES:
                continue
            batch, rest = memoryview(rest), bytearray()
        size = len(batch) - len(batch) % step
        if size:
            yield batch[:size]
        rest += batch[size:]
    if rest:
        yield memoryview(rest)
