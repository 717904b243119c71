"""One open content: reads come from the page cache or the disk, else are fetched once.

The way of a hit takes no lock: one look at a table of bytes, one read into the reader's own
buffer, one comparison that proves that nothing was evicted meanwhile. Everything else is
`_read_absent`: look again at the disk, join what is on its way, ask for the rest, wait.
"""

import functools
import os
import time
from collections.abc import Callable
from typing import Final

from vofs.cache.cache_parts import CacheParts
from vofs.cache.content_identity import GROUP_BYTES, ContentIdentity
from vofs.cache.content_source import ContentSource
from vofs.cache.content_store import ContentStore
from vofs.cache.digest_check import DigestCheck
from vofs.cache.errors import CorruptContent, IncompleteFetch, ReadStalled
from vofs.cache.fetch_planner import FetchPlanner
from vofs.cache.granule_table import Fetch, GranuleTable
from vofs.cache.hang_guard import DiskHangs
from vofs.cache.stored_granules import StoredGranules
from vofs.cache.transfer import Transfer

_MARKER: Final = 2
_GROUP_SHIFT: Final = GROUP_BYTES.bit_length() - 1
# While another process fetches, we look again after this long, at first and at last.
_LOOK_SECONDS: Final = 0.001
_MAX_LOOK_SECONDS: Final = 0.02
# A wait is cut into slices, to notice a disk that hangs.
_SLICE_SECONDS: Final = 0.5
# A request that broke after it gave some of its bytes is tried again this often.
_RETRIES: Final = 3


class CachedContent:
    """One content, shared by all who have it open in this process; made by BlockCache."""

    def __init__(
        self,
        *,
        parts: CacheParts,
        identity: ContentIdentity,
        store: ContentStore | None,
        on_closed: Callable[["CachedContent"], None],
    ) -> None:
        self.identity = identity
        self.hits = 0
        self._parts = parts
        self._store = store
        self._state = parts.directory.state
        self._table = GranuleTable(identity.granules)
        self._stored = StoredGranules(
            parts=parts, identity=identity, store=store, table=self._table
        )
        self._planner = FetchPlanner(identity=identity, table=self._table, config=parts.config)
        self._transfer = Transfer(
            parts=parts, identity=identity, store=store, table=self._table
        )
        self._check = DigestCheck(parts=parts, identity=identity)
        self._on_closed = on_closed
        # Opens, fetches and checks that use this object; guarded by the table's condition.
        self._users = 0
        self._handles = 0
        self._is_closed = False
        self._group = -1

    @property
    def content_id(self) -> str:
        """Which content this is."""
        return self.identity.content_id

    @property
    def length(self) -> int:
        """Its length in bytes."""
        return self.identity.length

    def acquire(self) -> bool:
        """Count one more who has it open; False when it was closed for good."""
        with self._table.changed:
            if self._is_closed:
                return False
            self._users += 1
            self._handles += 1
            self._transfer.abandoned = False
            return True

    def close(self) -> None:
        """Count one less. What was fetched ahead for nobody stops."""
        with self._table.changed:
            self._handles -= 1
            self._transfer.abandoned = self._handles == 0
        self._release()

    def is_complete(self) -> bool:
        """Whether all bytes are on the disk; OSError when the disk can't tell."""
        return self._stored.is_complete()

    def read_into(self, buffer: memoryview, offset: int, source: ContentSource) -> int:
        """Fill the buffer from an offset on; fewer bytes only at the end of the content.

        Raises what the source raises, CorruptContent, IncompleteFetch or ReadStalled.
        """
        if self._parts.guard.is_needed:
            return self._read_guarded(buffer, offset, source)
        return self._read_into(buffer, offset, source)

    def _read_guarded(self, buffer: memoryview, offset: int, source: ContentSource) -> int:
        """Read where the disk may hang: into memory that the hanging thread may keep."""
        scratch = memoryview(bytearray(min(len(buffer), max(0, self.length - offset))))
        try:
            self._parts.guard.run(lambda: self._read_into(scratch, offset, source))
        except DiskHangs:
            _read_directly(scratch, offset, source)
        buffer[: len(scratch)] = scratch
        return len(scratch)

    def _read_into(self, buffer: memoryview, offset: int, source: ContentSource) -> int:
        size = min(len(buffer), self.identity.length - offset)
        if size <= 0:
            return 0
        if size != len(buffer):
            buffer = buffer[:size]
        shift = self.identity.granule_shift
        first, stop = offset >> shift, ((offset + size - 1) >> shift) + 1
        # Taken before the look at the table, see _read_stored.
        epoch = self._stored.epoch
        ready = self._table.ready
        if (
            ready.find(0, first, stop) < 0
            and not self._parts.health.stalled
            and self._read_stored(buffer, offset, epoch)
        ):
            self.hits += 1
            if ready.find(_MARKER, first, stop) >= 0:
                self._fetch_ahead(offset, size, source)
        else:
            self._read_absent(buffer, offset, source)
        group = offset >> _GROUP_SHIFT
        if group != self._group:
            self._group = group
            self._stored.touch(group)
        return size

    def _read_stored(self, buffer: memoryview, offset: int, epoch: bytes) -> bool:
        """Read what the table said was there; False when it may not have been.

        `epoch` is our own of before the look at the table: when it is still the shared one
        after the read, no eviction began in between. Our own of after the read proves nothing,
        for another reader may have caught up with an eviction meanwhile.
        """
        store = self._store
        if store is None:
            return False
        try:
            read = os.preadv(store.descriptor, (buffer,), store.base + offset)
        except OSError as error:
            self._parts.health.report(error)
            return False
        return read == len(buffer) and self._state.epoch() == epoch

    def _read_absent(self, buffer: memoryview, offset: int, source: ContentSource) -> None:
        """Fill the whole buffer, fetching what must be."""
        self._parts.counters.add("misses")
        if self._parts.wrong.is_hopeless(self.identity.key):
            raise CorruptContent(f"content {self.content_id} never matches its digest")
        end = time.monotonic() + self._parts.config.read_seconds
        look = _LOOK_SECONDS
        patience = self._parts.config.patience_seconds
        retries = _RETRIES
        is_first = True
        while not self._parts.health.stalled:
            self._stored.look(*self.identity.granules_of(offset, len(buffer)))
            fetches = self._claim(offset, len(buffer), source, looks_ahead=is_first)
            is_first = False
            self._wait(fetches, offset, len(buffer), end)
            if self._copy(buffer, offset, fetches):
                return
            if time.monotonic() >= end:
                seconds = self._parts.config.read_seconds
                raise ReadStalled(f"the bytes did not come within {seconds:g} s")
            retries -= _failures(fetches, may_retry=retries > 0)
            if not any(fetch.elsewhere for fetch in fetches):
                patience = self._parts.config.patience_seconds
            elif patience <= 0:
                break
            else:
                time.sleep(look)
                patience -= look
                look = min(2 * look, _MAX_LOOK_SECONDS)
        _read_directly(buffer, offset, source)

    def _claim(
        self, offset: int, size: int, source: ContentSource, *, looks_ahead: bool
    ) -> list[Fetch]:
        """Join what is on its way and ask for the rest; returns what to wait for."""
        first, stop = self.identity.granules_of(offset, size)
        with self._table.changed:
            joined, new = self._planner.claim(self._missing_runs(first, stop))
            ahead: list[Fetch] = []
            if looks_ahead:
                ahead_stop = self._planner.look_ahead(offset, size)
                last = new[-1] if new else None
                ahead = self._planner.claim_ahead(stop, ahead_stop, last)
            self._users += len(new) + len(ahead)
        for fetch in joined:
            # Read-ahead that a reader now waits for need not wait for other read-ahead.
            if not fetch.started and fetch.work is not None:
                self._parts.pool.submit(fetch.work)
        self._start(new, ahead, source)
        return joined + new

    def _fetch_ahead(self, offset: int, size: int, source: ContentSource) -> None:
        """A reader came to a marker: ask for what follows."""
        first, stop = self.identity.granules_of(offset, size)
        with self._table.changed:
            if not self._table.take_marker(first, stop):
                return
            ahead_stop = self._planner.look_ahead(offset, size)
            ahead = self._planner.claim_ahead(stop, ahead_stop, None)
            self._users += len(ahead)
        self._start([], ahead, source)

    def _start(self, demanded: list[Fetch], ahead: list[Fetch], source: ContentSource) -> None:
        for fetch in demanded:
            fetch.work = functools.partial(self._run, fetch, source)
            self._parts.pool.submit(fetch.work)
        for fetch in ahead:
            fetch.work = functools.partial(self._run, fetch, source)
            if not self._parts.pool.submit_ahead(fetch.work):
                self._give_up(fetch)

    def _give_up(self, fetch: Fetch) -> None:
        """Nobody has time for this read-ahead, unless a reader has joined and started it."""
        with self._table.changed:
            if fetch.started:
                return
            fetch.started = True
            self._planner.give_up(fetch)
        self._release()

    def _run(self, fetch: Fetch, source: ContentSource) -> None:
        """What a thread of the pool does for one fetch."""
        start, end = (
            fetch.first << self.identity.granule_shift,
            self.identity.end_of(fetch.stop),
        )
        for group in range(start >> _GROUP_SHIFT, ((end - 1) >> _GROUP_SHIFT) + 1):
            # What was fetched and not read yet must not be the first to be evicted.
            self._stored.touch(group, is_fetch=True)
        if not self._transfer.run(fetch, source):
            return
        if not fetch.moved and not fetch.demanded:
            with self._table.changed:
                self._planner.withdraw(fetch)
        try:
            self.check_when_complete()
        finally:
            self._release()

    def _wait(self, fetches: list[Fetch], offset: int, size: int, end: float) -> None:
        """Wait until the bytes are there or a fetch ended, at most for a slice of time."""
        if not fetches:
            return
        first, stop = self.identity.granules_of(offset, size)
        with self._table.changed:
            self._table.changed.wait_for(
                lambda: (
                    any(fetch.done for fetch in fetches) or not self._missing_runs(first, stop)
                ),
                timeout=min(_SLICE_SECONDS, max(0.0, end - time.monotonic())),
            )

    def _missing_runs(self, first: int, stop: int) -> list[tuple[int, int]]:
        """The runs that are neither on the disk nor in memory; the table's lock is held."""
        runs = list(self._table.absent_runs(first, stop))
        if not runs or self._parts.kept.is_empty:
            return runs
        return [
            (granule, granule + 1)
            for start, end in runs
            for granule in range(start, end)
            if self._parts.kept.get(self.identity.key, granule) is None
        ]

    def _copy(self, buffer: memoryview, offset: int, fetches: list[Fetch]) -> bool:
        """Fill the buffer from what is there now; False when something of it is not."""
        first, stop = self.identity.granules_of(offset, len(buffer))
        epoch = self._stored.epoch
        if self._table.ready.find(0, first, stop) >= 0:
            return self._copy_pieces(buffer, offset, fetches)
        if self._read_stored(buffer, offset, epoch):
            return True
        if self._state.epoch() == epoch:
            # Claimed, but the file is too short or can't be read: look at it anew.
            with self._table.changed:
                self._table.mark_absent(first, stop)
        return False

    def _copy_pieces(self, buffer: memoryview, offset: int, fetches: list[Fetch]) -> bool:
        """Fill the buffer granule by granule, from memory where they could not be stored."""
        shift = self.identity.granule_shift
        first, stop = self.identity.granules_of(offset, len(buffer))
        epoch = self._stored.epoch
        for granule in range(first, stop):
            start = max(offset, granule << shift)
            end = min(offset + len(buffer), (granule + 1) << shift)
            target = buffer[start - offset : end - offset]
            data = self._kept(granule, fetches)
            if data is not None:
                base = granule << shift
                target[:] = data[start - base : end - base]
            elif not (self._table.ready[granule] and self._read_stored(target, start, epoch)):
                return False
        return True

    def _kept(self, granule: int, fetches: list[Fetch]) -> bytes | None:
        for fetch in fetches:
            data = fetch.kept.get(granule)
            if data is not None:
                return data
        return self._parts.kept.get(self.identity.key, granule)

    def recall(self) -> None:
        """Begin with what was found right when the content was open before.

        To be called before anybody else can read from it.
        """
        if not self._parts.guard.is_needed:
            self._stored.recall()

    def check_when_complete(self) -> None:
        """Have the digest of the whole checked, once all bytes are on the disk."""
        store = self._store
        try:
            if store is None or not self._check.is_due(store) or not self.is_complete():
                return
        except OSError as error:
            self._parts.health.report(error)
            return
        with self._table.changed:
            self._users += 1
        # A digest costs as much of the processor as the reader does who just came to the end,
        # and who may read it all again.
        self._parts.housekeeper.submit(
            functools.partial(self._check_digest, store),
            after_seconds=self._parts.config.check_delay_seconds,
        )

    def _check_digest(self, store: ContentStore) -> None:
        try:
            self._check.run(store)
        finally:
            self._release()

    def _release(self) -> None:
        """One user less; the last one closes the files."""
        with self._table.changed:
            self._users -= 1
            if self._users:
                return
            self._is_closed = True
        if self._parts.guard.is_needed:
            # Closing may wait for the disk; nobody waits for the housekeeper.
            self._parts.housekeeper.submit(self._close_files)
        else:
            self._close_files()
        self._on_closed(self)

    def _close_files(self) -> None:
        self._stored.remember()
        if self._store is not None:
            self._store.close()


def _failures(fetches: list[Fetch], *, may_retry: bool) -> int:
    """How many fetches that we waited for failed; raises what must not be tried again.

    What failed before its first granule fails again, its source having tried what can be.
    The failure of read-ahead concerns nobody: a reader asks again for what it needs.
    """
    failed = [fetch for fetch in fetches if fetch.demanded and fetch.error is not None]
    for fetch in failed:
        if fetch.error is not None and not (fetch.moved and may_retry):
            raise fetch.error.with_traceback(None)
    return len(failed)


def _read_directly(buffer: memoryview, offset: int, source: ContentSource) -> None:
    """Fill the buffer from the source alone: the disk, or another process, hangs."""
    position = 0
    for piece in source.fetch(offset, offset + len(buffer)):
        taken = memoryview(piece)[: len(buffer) - position]
        buffer[position : position + len(taken)] = taken
        position += len(taken)
    if position != len(buffer):
        raise IncompleteFetch(f"{position} of {len(buffer)} bytes came")
