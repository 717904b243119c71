"""A file open for writing: changes go to the spool, and to the server when flushed.

All who have a path open for writing share one object. Reads see the changes over the base,
which is fetched only where it is read or must be sent. A flush sends the file whole; writes
that come meanwhile go to a new set of changes, so nobody waits for the line but the flush.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Self

from vofs.client.errors import ContentChanged
from vofs.filesystem.readable_file import ReadableFile
from vofs.filesystem.spool import Orphan, Spool
from vofs.filesystem.spool_file import SpoolFile
from vofs.filesystem.uploader import Uploader, UploadRequest
from vospace_model.api import AttributeChange, Entry

_FILL_BYTES: Final = 1024 * 1024

logger = logging.getLogger(__name__)


class WritableFile:
    """Changes to one file, shared by its handles. A new file (base None) is dirty at once.

    Every method may be called from any thread. Those that wait for the server are `flush`,
    `fsync`, `rename`, `unlink` and the last `close`, and reads of what only the base has.
    """

    def __init__(
        self,
        *,
        path: str,
        base: Entry | None,
        spool: Spool,
        uploader: Uploader,
        changes: SpoolFile | None = None,
    ) -> None:
        self._spool = spool
        self._uploader = uploader
        # One flush, rename or removal at a time; held while the server is asked. Taken before
        # the lock below, never after.
        self._flushing = threading.RLock()
        # Guards everything below; held for local reads and writes, never for the server.
        self._lock = threading.Lock()
        self._path = path
        self._entry = base
        self._base: ReadableFile | None = None
        # Bases of earlier versions, which a read may still use; closed at the end.
        self._retired: list[ReadableFile] = []
        # The changes since the last flush or close, those that were accepted and wait, and
        # those that a flush is sending; each began as a copy of the one behind it.
        self._changes = changes
        self._waiting: SpoolFile | None = None
        self._sealed: SpoolFile | None = None
        # What was accepted before that which a flush is sending, and comes back if that fails.
        self._superseded: SpoolFile | None = None
        # The changes that the server refused, to not send them again at the last close.
        self._refused: SpoolFile | None = None
        # The version at a path that a file took over by a rename before it was sent.
        self._replaces: str | None = None
        # Permissions that it shall have once it was sent.
        self._attributes: AttributeChange | None = None
        self._handles = 1
        self._is_linked = True
        if base is None and changes is None:
            self._changes = spool.begin(path, None)

    @classmethod
    def resume(
        cls, orphan: Orphan, *, base: Entry | None, spool: Spool, uploader: Uploader
    ) -> Self:
        """Go on with the changes that were left behind, over what is there now.

        When that is not the version that was changed, they are sent as a new file, which an
        uploader that minds can refuse. Raises ContentChanged when they need bytes of a version
        that is not there any more, and OrphanInUse when they are not there themselves.
        """
        found = base.content if base is not None else None
        if orphan.needs_base and found != orphan.base_content_id:
            raise ContentChanged(f"{orphan.path} was changed on the server since")
        return cls(
            path=orphan.path,
            base=base if found == orphan.base_content_id else None,
            spool=spool,
            uploader=uploader,
            changes=spool.reopen(orphan),
        )

    @classmethod
    def resume_accepted(cls, orphan: Orphan, *, spool: Spool, uploader: Uploader) -> Self:
        """Go on with what was closed; what is on the server now is not known yet.

        Raises OrphanInUse and ClosingBroken.
        """
        changes = spool.reopen(orphan)
        file = cls(path=orphan.path, base=None, spool=spool, uploader=uploader, changes=changes)
        file._changes, file._waiting = None, changes
        file._replaces = orphan.base_content_id
        if orphan.attributes != AttributeChange():
            file._attributes = orphan.attributes
        return file

    @property
    def path(self) -> str:
        """Where the file is in the space."""
        return self._path

    @property
    def length(self) -> int:
        """Its length with all changes."""
        with self._lock:
            return self._length()

    @property
    def mtime_ns(self) -> int | None:
        """The time that was set and not sent yet."""
        with self._lock:
            local = self._newest()
            return None if local is None else local.mtime_ns

    @property
    def entry(self) -> Entry | None:
        """The version on the server that the changes are on top of."""
        return self._entry

    @property
    def replaced_content_id(self) -> str | None:
        """The version on the server that an upload would replace, as far as is known."""
        return self._replaces if self._entry is None else self._entry.content

    @property
    def is_dirty(self) -> bool:
        """Whether there is something that the server does not have yet."""
        with self._lock:
            return self._is_linked and self._newest() is not None

    @property
    def has_changes(self) -> bool:
        """Whether there are changes that were not accepted, refused or not."""
        with self._lock:
            return self._is_linked and self._changes is not None

    @property
    def has_accepted(self) -> bool:
        """Whether something that was accepted waits to be sent."""
        with self._lock:
            return self._is_linked and self._waiting is not None

    @property
    def has_news(self) -> bool:
        """Whether there are changes that were neither accepted nor refused."""
        with self._lock:
            return self._changes is not None and self._changes is not self._refused

    def spool_paths(self) -> tuple[Path, ...]:
        """The files that hold what waits to be sent."""
        with self._lock:
            waiting = self._waiting
            return () if waiting is None else (waiting.data_path, waiting.journal_path)

    def acquire(self) -> None:
        """Count one more handle."""
        with self._lock:
            self._handles += 1

    def read_into(self, buffer: memoryview, offset: int) -> int:
        """Fill the buffer (of format "B") from an offset on; less only at the end."""
        with self._lock:
            size = max(0, min(len(buffer), self._length() - offset))
            local = self._newest()
            missing = [(offset, offset + size)] if size else []
            if local is not None:
                missing = local.read_into(buffer[:size], offset)
        base = self._open_base() if missing else None
        for start, stop in missing:
            target = buffer[start - offset : stop - offset]
            read = base.read_into(target, start) if base is not None else 0
            target[read:] = bytes(len(target) - read)
        return size

    def write(self, data: bytes | memoryview, offset: int) -> int:
        """Write bytes, all or as many as there is room for; OSError when there is none."""
        with self._lock:
            return self._changing().write(data, offset) if data else 0

    def truncate(self, length: int) -> None:
        """Cut the file or make it longer with zeros."""
        with self._lock:
            if length != self._length():
                self._changing(keep=length > 0).truncate(length)

    def set_mtime(self, nanoseconds: int) -> bool:
        """Have the changes sent with this time; False when there are none to send.

        A later change sets the time anew, as on any disk. Waits for a flush under way.
        """
        with self._flushing, self._lock:
            local = self._newest()
            if local is None or not self._is_linked:
                return False
            local.set_mtime(nanoseconds)
            return True

    def note_attributes(self, change: AttributeChange) -> None:
        """Note permissions that the file shall have once it was sent; a kill keeps them."""
        with self._lock:
            self._attributes = change
            local = self._newest()
            if local is not None:
                local.note_attributes(change)

    def accept(self, mtime_ns: int) -> bool:
        """Make all changes until now safe from a kill; they wait for `send_accepted`.

        False when there are none. What only the base has is fetched first. Raises what keeps
        them from being whole, or from being noted; then they are changes like before.
        """
        return self._complete(lambda whole: self._accept(whole, mtime_ns)) is not None

    def send_accepted(self) -> None:
        """Have the server hold what was accepted last, or raise what keeps it from that."""
        with self._flushing:
            self._send(self._take_accepted())

    def flush(self) -> None:
        """Have the server hold all changes made before, or raise what keeps it from that.

        Without changes this does nothing, so it may be called any number of times, by several
        threads at once. What was refused stays, and is sent again by the next flush.
        """
        with self._flushing:
            self._flush()

    @contextlib.contextmanager
    def between_flushes(self) -> Iterator[None]:
        """Hold flushes off, to change on the server what they would send to; waits for one.

        `rename` and `unlink` may be called inside, by the same thread.
        """
        with self._flushing:
            yield

    def rename(self, path: str, *, replaces: str | None = None) -> None:
        """Note that the file is elsewhere from now on; waits for a flush under way.

        `replaces` is the version that the server has there, where it was not told yet.
        """
        with self._flushing, self._lock:
            self._path = path
            self._replaces = replaces or self._replaces
            for changes in (self._waiting, self._changes):
                if changes is None:
                    continue
                self._spool.release(changes.data_path)
                if replaces is not None:
                    changes.note_text("b", replaces)
                if changes.closing is not None:
                    changes.note_closed(path)
                else:
                    changes.note_text("p", path)

    def unlink(self) -> None:
        """Note that the file is removed: it can be used, but nothing is sent any more.

        Waits for a flush under way, so that it can't bring the file back afterwards.
        """
        with self._flushing, self._lock:
            self._is_linked = False
            for changes in (self._waiting, self._changes):
                if changes is not None:
                    self._spool.release(changes.data_path)
                    changes.forget()

    def close(self) -> None:
        """Count one handle less. The last sends what no flush has tried to send.

        Never raises for the server's sake: what can't be sent stays in the spool as an orphan.
        """
        with self._lock:
            self._handles -= 1
            if self._handles:
                return
        try:
            if self.has_news:
                self.flush()
        except Exception as error:  # noqa: BLE001 -- nobody waits any more who could be told
            logger.warning(
                "%s: kept in the spool, not sent at its close: %s", self._path, error
            )
        finally:
            self._let_go()

    def drop(self) -> None:
        """Count one handle less, of one who knows that others are left."""
        with self._lock:
            self._handles -= 1

    def _newest(self) -> SpoolFile | None:
        """The changes that a reader sees."""
        return self._changes or self._waiting or self._sealed

    def _length(self) -> int:
        local = self._newest()
        if local is not None:
            return local.changes.length
        return self._entry.length if self._entry is not None else 0

    def _changing(self, *, keep: bool = True) -> SpoolFile:
        """The changes to add to; they begin here, with the bytes of before if kept."""
        if self._changes is None:
            self._changes = self._begin(keep=keep)
        self._refused = None
        return self._changes

    def _begin(self, *, keep: bool) -> SpoolFile:
        """New changes, over the base or over what is being sent just now."""
        changes = self._spool.begin(self._path, self._entry)
        try:
            if not self._is_linked:
                changes.forget()
            self._note_inherited(changes)
            copied = self._waiting or self._sealed
            if copied is not None and keep:
                changes.copy_from(copied)
        except BaseException:
            self._spool.discard(changes)
            raise
        return changes

    def _note_inherited(self, changes: SpoolFile) -> None:
        """Note what earlier changes had noted, as they may be sent without them."""
        if self._entry is None and self._replaces is not None:
            changes.note_text("b", self._replaces)
        if self._attributes is not None:
            changes.note_attributes(self._attributes)

    def _open_base(self) -> ReadableFile | None:
        """The base's bytes, opened when they are first needed."""
        with self._lock:
            entry, base = self._entry, self._base
        if base is not None or entry is None or not entry.length:
            return base
        opened = self._uploader.open_content(entry)
        with self._lock:
            if self._base is None and self._entry is entry:
                self._base = opened
            else:
                self._retired.append(opened)
        return opened

    def _flush(self) -> None:
        self._send(self._complete(self._seal) or self._take_accepted())

    def _send(self, sealed: SpoolFile | None) -> None:
        if sealed is None:
            return
        try:
            entry = self._uploader.upload(
                UploadRequest(
                    path=self._path,
                    descriptor=sealed.descriptor,
                    length=sealed.changes.length,
                    base_content_id=self.replaced_content_id,
                    mtime_ns=sealed.mtime_ns,
                )
            )
        except BaseException as error:
            self._unseal(sealed, error)
            raise
        self._settle(sealed, entry)

    def _complete(self, use: Callable[[SpoolFile], None]) -> SpoolFile | None:
        """Complete the changes from the base and use them, under the lock; None without any."""
        try:
            return self._completed(use)
        except BaseException as error:
            with self._lock:
                self._note_refusal(error)
            raise

    def _completed(self, use: Callable[[SpoolFile], None]) -> SpoolFile | None:
        while True:
            with self._lock:
                changes = self._changes
                if changes is None or not self._is_linked:
                    return None
                gaps = changes.changes.base_gaps()
                if not gaps:
                    changes.make_whole()
                    use(changes)
                    return changes
            for start, stop in gaps:
                self._fill(changes, start, stop)

    def _seal(self, changes: SpoolFile) -> None:
        """Set the changes apart for sending."""
        self._sealed, self._changes = changes, None
        self._superseded, self._waiting = self._waiting, None

    def _accept(self, changes: SpoolFile, mtime_ns: int) -> None:
        """Have the changes wait, in place of those that waited before."""
        if changes.mtime_ns is None:
            changes.set_mtime(mtime_ns)
        changes.note_closed()
        before, self._waiting, self._changes = self._waiting, changes, None
        if before is not None:
            self._spool.supersede(before, changes)

    def _take_accepted(self) -> SpoolFile | None:
        """Set apart for sending what was accepted, as long as it is wanted."""
        with self._lock:
            if self._waiting is None or not self._is_linked:
                return None
            self._sealed, self._waiting = self._waiting, None
            return self._sealed

    def _fill(self, changes: SpoolFile, start: int, stop: int) -> None:
        base = self._open_base()
        if base is None:
            raise ContentChanged(f"{self._path}: the version that was changed is gone")
        buffer = memoryview(bytearray(min(_FILL_BYTES, stop - start)))
        while start < stop:
            read = base.read_into(buffer[: stop - start], start)
            if not read:
                raise ContentChanged(f"{self._path}: the version that was changed is shorter")
            with self._lock:
                changes.fill(buffer[:read], start)
            start += read

    def _unseal(self, sealed: SpoolFile, error: BaseException) -> None:
        """The server did not take them: they are what they were before."""
        with self._lock:
            self._sealed = None
            before, self._superseded = self._superseded, None
            if self._waiting is None:
                self._waiting, before = before, None
            if before is not None:
                self._spool.discard(before)
            if sealed.closing is not None and self._waiting is None:
                self._waiting = sealed
                sealed.note_error(error)
            elif sealed.closing is None and self._changes is None:
                self._changes = sealed
                self._note_refusal(error)
            else:
                # Newer changes began as a copy of these.
                self._spool.discard(sealed)

    def _note_refusal(self, error: BaseException) -> None:
        """Remember, here and in the journal, that these changes could not be sent."""
        self._refused = self._changes
        if self._changes is not None:
            self._changes.note_error(error)

    def _settle(self, sealed: SpoolFile, entry: Entry) -> None:
        """The server took them: they are the base of what comes."""
        with self._lock:
            self._sealed = None
            if self._base is not None:
                self._retired.append(self._base)
                self._base = None
            self._entry, self._attributes = entry, None
            before, self._superseded = self._superseded, None
            if before is not None:
                self._spool.discard(before)
            for newer in (self._waiting, self._changes):
                if newer is not None and entry.content is not None:
                    with contextlib.suppress(OSError):
                        newer.note_text("b", entry.content)
            # Under the lock, because from here on the cache may give these bytes up.
            self._spool.hand_over(sealed, entry)

    def _let_go(self) -> None:
        with self._lock:
            for changes in (self._changes, self._waiting):
                if changes is not None and self._is_linked:
                    changes.close()
                elif changes is not None:
                    self._spool.discard(changes)
            self._changes = self._waiting = None
            bases = [*self._retired, *([self._base] if self._base is not None else [])]
            self._retired, self._base = [], None
        for base in bases:
            base.close()
