"""The folder of changes that the server does not have yet, and what is left of a crash.

Nothing here is synced while a file is written: until `close` or `fsync` returns, a program
has been promised nothing, as on any disk. A process may be killed at any moment, though: the
next one finds what was written. What had been closed with `-o writeback` it sends by itself
(write_back.py); the rest it names, and sends when told to.
"""

import contextlib
import itertools
import os
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from vofs.cache.block_cache import BlockCache
from vofs.cache.content_identity import PACKED_BYTES
from vofs.filesystem.errors import FileSystemError
from vofs.filesystem.spool_file import JOURNAL_SUFFIX, SpoolFile
from vofs.filesystem.spool_journal import JournalHead, JournalStory, now
from vospace_model.api import AttributeChange, Entry

# Files that were emptied and wait for the next change: making files is what costs most when
# thousands of small ones are written.
_FREE_FILES: Final = 8
# An empty journal this old was left by a process that died; a younger one is in the making.
_EMPTY_SECONDS: Final = 60.0


class OrphanInUse(FileSystemError):  # noqa: N818 -- named like its neighbours in errors.py
    """The change is being worked on by a mount, or is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """Changes that no running mount works on: left by one that died, or refused by the server.

    `length` is that of the file with the changes, `changed_bytes` what was written of it. The
    path is empty when the journal can't be read; then all that can be done is to discard it.
    """

    stem: Path
    service: str
    path: str
    created: datetime
    base_content_id: str | None
    length: int
    changed_bytes: int
    needs_base: bool
    mtime_ns: int | None
    reason: str | None
    # When it was closed, and a program told that it is safe; None for what was being written.
    closed_ns: int | None = None
    attributes: AttributeChange = field(default_factory=AttributeChange)


class ClosingBroken(FileSystemError):  # noqa: N818 -- as above
    """The bytes on the disk are not those that were closed: the machine stopped too early."""


class Spool:
    """Makes, finds and removes the files in one spool directory."""

    def __init__(self, *, directory: Path, service: str, cache: BlockCache) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._service = service
        self._cache = cache
        self._numbers = itertools.count()
        # Guards the two below.
        self._lock = threading.Lock()
        # Files that can be used again.
        self._free: list[SpoolFile] = []
        # By its file with the bytes, what a closed version takes the place of once it is on
        # the disk: until then, a power cut would cost both.
        self._superseded: dict[Path, SpoolFile] = {}

    @property
    def directory(self) -> Path:
        """Where the files are."""
        return self._directory

    @property
    def service(self) -> str:
        """Whose changes are made here."""
        return self._service

    def begin(self, path: str, base: Entry | None) -> SpoolFile:
        """Files for the changes to one file, noted in a journal; OSError without room."""
        head = JournalHead(
            service=self._service,
            path=path,
            created=now(),
            base_content_id=base.content if base is not None else None,
            base_length=base.length if base is not None else 0,
        )
        file = self._take()
        try:
            file.begin(head)
        except BaseException:
            file.remove()
            raise
        return file

    def supersede(self, before: SpoolFile, after: SpoolFile) -> None:
        """Discard a closed version when the one after it is on the disk (`release`)."""
        with self._lock:
            self._superseded[after.data_path] = before

    def release(self, data_path: Path) -> None:
        """Discard what a version takes the place of; nothing if there is nothing."""
        with self._lock:
            before = self._superseded.pop(data_path, None)
        if before is not None:
            self.discard(before)

    def discard(self, file: SpoolFile) -> None:
        """Forget changes that nobody needs any more."""
        self.release(file.data_path)
        with self._lock:
            has_room = len(self._free) < _FREE_FILES
        if not has_room or not file.clear():
            file.remove()
            return
        with self._lock:
            self._free.append(file)

    def hand_over(self, file: SpoolFile, entry: Entry) -> None:
        """Make bytes that the server has now a content of the cache: nobody fetches them."""
        with contextlib.suppress(OSError):
            file.note_text("u", entry.content or "")
        length = file.changes.length
        if entry.content is None or entry.length != length:
            self.discard(file)
        elif length <= PACKED_BYTES:
            # Copied, so that the file can be used again.
            data = os.pread(file.descriptor, length, 0)
            self._cache.put_whole(entry.content, data, entry.md5)
            self.discard(file)
        else:
            self.release(file.data_path)
            self._cache.adopt(entry.content, entry.md5, file.data_path)
            file.remove()

    def orphans(self) -> list[Orphan]:
        """Every change that nobody works on, the oldest first."""
        found = [self._examine(path) for path in self._directory.glob(f"*{JOURNAL_SUFFIX}")]
        return sorted(
            (orphan for orphan in found if orphan is not None), key=lambda one: one.created
        )

    def reopen(self, orphan: Orphan) -> SpoolFile:
        """Work on an orphan's files.

        OrphanInUse when somebody else does or did; ClosingBroken when they were closed with
        other bytes than are there now.
        """
        file = self._taken(orphan)
        try:
            story = file.story()
            if story is not None:
                file.take_over(story)
            if file.closing is not None and not file.is_as_closed():
                reason = (
                    f"the bytes in {file.data_path} are not those that were closed: the "
                    "machine stopped before they were on its disk"
                )
                file.note_text("e", reason)
                raise ClosingBroken(reason)
        except BaseException:
            file.close()
            raise
        return file

    def discard_orphan(self, orphan: Orphan) -> None:
        """Forget the changes; OrphanInUse when somebody works on them."""
        self._taken(orphan).remove()

    def _taken(self, orphan: Orphan) -> SpoolFile:
        file = SpoolFile.reopen(orphan.stem, self._cache.make_room)
        if file is None:
            raise OrphanInUse(f"the changes to {orphan.path} are not there, or in use")
        return file

    def close(self) -> None:
        """Remove the files that wait for use."""
        with self._lock:
            free, self._free = self._free, []
        for file in free:
            file.remove()

    def _take(self) -> SpoolFile:
        with self._lock:
            if self._free:
                return self._free.pop()
        stem = self._directory / f"{os.getpid()}-{time.time_ns()}-{next(self._numbers)}"
        return SpoolFile.create(stem, self._cache.make_room)

    def _examine(self, journal: Path) -> Orphan | None:
        """The orphan that a journal tells of, if one; what is empty or done is removed."""
        stem = journal.with_name(journal.name.removesuffix(JOURNAL_SUFFIX))
        try:
            file = SpoolFile.reopen(stem, self._cache.make_room)
        except OSError:
            return None
        if file is None:
            return None
        empty_seconds = file.unused_seconds()
        story = file.story()
        if story is not None and not story.is_uploaded:
            file.close()
            return _describe(stem, story)
        if empty_seconds is None and story is None:
            file.close()
            return _unreadable(stem, self._service)
        if story is not None or (empty_seconds or 0.0) > _EMPTY_SECONDS:
            file.remove()
        else:
            file.close()
        return None


def _describe(stem: Path, story: JournalStory) -> Orphan:
    changes = story.changes
    return Orphan(
        stem=stem,
        service=story.head.service,
        path=story.path,
        created=story.head.created,
        base_content_id=story.base_content_id,
        length=changes.length,
        changed_bytes=sum(stop - start for start, stop in changes.written),
        needs_base=bool(changes.base_gaps()),
        mtime_ns=story.mtime_ns,
        reason=story.reason,
        closed_ns=None if story.closing is None else story.closing.closed_ns,
        attributes=story.attributes,
    )


def _unreadable(stem: Path, service: str) -> Orphan:
    return Orphan(
        stem=stem,
        service=service,
        path="",
        created=now(),
        base_content_id=None,
        length=0,
        changed_bytes=0,
        needs_base=False,
        mtime_ns=None,
        reason="its journal can't be read",
    )
