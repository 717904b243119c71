"""The two files in the spool that hold the changes to one file."""

import contextlib
import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, Self

from vofs.cache.checksum import crc32
from vofs.cache.file_ranges import lock_file
from vofs.filesystem.errors import named
from vofs.filesystem.spool_journal import (
    Changes,
    Closing,
    JournalHead,
    JournalStory,
    read_journal,
)
from vospace_model.api import AttributeChange

DATA_SUFFIX: Final = ".data"
JOURNAL_SUFFIX: Final = ".journal"
_COPY_BYTES: Final = 1024 * 1024
_LOCK_SECONDS: Final = 1.0
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


class SpoolFile:
    """Changes to one file, on disk: a sparse file with the bytes and a journal beside it.

    The journal is locked by the process that works on it; one that can be locked belongs to
    nobody. An empty journal means nothing and may be used again. Not thread-safe: guarded by
    the lock of the WritableFile.
    """

    def __init__(
        self, *, stem: Path, journal: int, data: int, make_room: Callable[[int], bool]
    ) -> None:
        self.stem = stem
        self.descriptor = data
        self._journal = journal
        self._make_room = make_room
        self.changes = Changes(length=0, base_visible=0)
        # The time that the file shall have, unless it is changed once more.
        self.mtime_ns: int | None = None
        # Set while the bytes are those that a program was told to be safe.
        self.closing: Closing | None = None
        self._is_noted = True

    @classmethod
    def create(cls, stem: Path, make_room: Callable[[int], bool]) -> Self:
        """Make both files, empty."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        journal = os.open(f"{stem}{JOURNAL_SUFFIX}", flags, 0o600)
        try:
            # Somebody who looks for orphans may hold it, for a moment.
            lock_file(journal, fcntl.LOCK_EX, _LOCK_SECONDS)
            data = _open_data(stem)
        except BaseException:
            os.close(journal)
            raise
        return cls(stem=stem, journal=journal, data=data, make_room=make_room)

    @classmethod
    def reopen(cls, stem: Path, make_room: Callable[[int], bool]) -> Self | None:
        """Open what another process left; None when it is gone or somebody works on it."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            journal = os.open(f"{stem}{JOURNAL_SUFFIX}", flags)
        except FileNotFoundError:
            return None
        try:
            is_free = _is_ours(journal) and lock_file(journal, fcntl.LOCK_EX, 0.0)
            if not is_free or not os.fstat(journal).st_nlink:
                os.close(journal)
                return None
            data = _open_data(stem)
        except BaseException:
            os.close(journal)
            raise
        return cls(stem=stem, journal=journal, data=data, make_room=make_room)

    def story(self) -> JournalStory | None:
        """What the journal tells; None when it can't be read."""
        size = os.fstat(self._journal).st_size
        return read_journal(os.pread(self._journal, size, 0))

    def unused_seconds(self) -> float | None:
        """For how long the journal has been empty; None when it is not."""
        status = os.fstat(self._journal)
        return None if status.st_size else time.time() - status.st_mtime

    @property
    def data_path(self) -> Path:
        """The file with the bytes."""
        return Path(f"{self.stem}{DATA_SUFFIX}")

    @property
    def journal_path(self) -> Path:
        """The file with the journal."""
        return Path(f"{self.stem}{JOURNAL_SUFFIX}")

    def begin(self, head: JournalHead) -> None:
        """Note which file is about to be changed; before this nothing may be written."""
        self.changes = Changes(length=head.base_length, base_visible=head.base_length)
        self.mtime_ns, self.closing = None, None
        self._is_noted = True
        self._with_room(len(head.line()), lambda: self._append(head.line()))

    def take_over(self, story: JournalStory) -> None:
        """Go on where a journal that was read ends; what was torn after it is cut off."""
        os.ftruncate(self._journal, story.whole_bytes)
        self.changes = story.changes
        self.mtime_ns, self.closing = story.mtime_ns, story.closing

    def write(self, data: bytes | memoryview, offset: int) -> int:
        """Write bytes, all or as many as there is room for; OSError when there is none."""
        done = self._with_room(len(data), lambda: os.pwrite(self.descriptor, data, offset))
        # Counted even if the journal can't be told: the bytes are in the file.
        self.changes.write(offset, done)
        self.mtime_ns, self.closing = None, None
        self.note(b"w %d %d\n" % (offset, done))
        return done

    def truncate(self, length: int) -> None:
        """Cut the file or make it longer with zeros."""
        self.note(b"t %d\n" % length)
        if os.fstat(self.descriptor).st_size > length:
            os.ftruncate(self.descriptor, length)
        self.changes.truncate(length)
        self.mtime_ns, self.closing = None, None

    def read_into(self, buffer: memoryview, offset: int) -> list[tuple[int, int]]:
        """Fill what is known here, written bytes and zeros; returns what only the base has."""
        stop = offset + len(buffer)
        missing: list[tuple[int, int]] = []
        for start, end, is_written in self.changes.written.pieces(offset, stop):
            target = buffer[start - offset : end - offset]
            if is_written:
                read = os.preadv(self.descriptor, (target,), start)
                target[read:] = bytes(len(target) - read)
                continue
            from_base = max(0, min(end, self.changes.base_visible) - start)
            target[from_base:] = bytes(len(target) - from_base)
            if from_base:
                missing.append((start, start + from_base))
        return missing

    def fill(self, data: memoryview, offset: int) -> None:
        """Put bytes of the base where nothing was written meanwhile."""
        stop = min(offset + len(data), self.changes.base_visible)
        for start, end in self.changes.written.gaps(offset, stop):
            done = start
            while done < end:
                done += self.write(data[done - offset : end - offset], done)

    def make_whole(self) -> None:
        """Give the data file the length of the file; all of the base must be filled in."""
        os.ftruncate(self.descriptor, self.changes.length)

    def copy_from(self, other: "SpoolFile") -> None:
        """Become the same as another one, which is whole."""
        self.truncate(0)
        position = 0
        while position < other.changes.length:
            position += self.write(os.pread(other.descriptor, _COPY_BYTES, position), position)

    def set_mtime(self, nanoseconds: int) -> None:
        """Have the file sent with this time, unless it is changed again."""
        self.mtime_ns = nanoseconds
        self.note(b"m %d\n" % nanoseconds)

    def note_closed(self, path: str | None = None) -> None:
        """Note that the bytes of now, which are whole, are safe (and at another path)."""
        now_ns = time.time_ns()
        if self.closing is None:
            length = self.changes.length
            closing = Closing(length=length, crc32=self.crc32(), closed_ns=now_ns)
        else:
            # Of two journals of one path, the later closed is the one that counts.
            closing = replace(self.closing, closed_ns=now_ns)
        renamed = b"" if path is None else f"p {json.dumps(path)}\n".encode()
        self.note(renamed + closing.line())
        self.closing = closing

    def crc32(self) -> int:
        """The checksum of the data file, up to the length of the file."""
        value, position = 0, 0
        while position < self.changes.length:
            wanted = min(_COPY_BYTES, self.changes.length - position)
            data = os.pread(self.descriptor, wanted, position)
            if not data:
                break
            value = crc32(data, value)
            position += len(data)
        return value

    def is_as_closed(self) -> bool:
        """Whether the bytes on the disk are those that a program was told to be safe."""
        closing = self.closing
        return (
            closing is not None
            and closing.length == self.changes.length
            and os.fstat(self.descriptor).st_size >= closing.length
            and self.crc32() == closing.crc32
        )

    def note(self, lines: bytes) -> None:
        """Add lines to the journal."""
        if self._is_noted:
            self._with_room(len(lines), lambda: self._append(lines))

    def note_text(self, kind: str, text: str) -> None:
        """Add a line with a text to the journal."""
        self.note(f"{kind} {json.dumps(text)}\n".encode())

    def note_attributes(self, change: AttributeChange) -> None:
        """Note permissions that the file shall have once it was sent."""
        self.note(b"a %s\n" % json.dumps(change.to_json()).encode())

    def note_error(self, error: BaseException) -> None:
        """Note why the file could not be sent, if there is room for that."""
        with contextlib.suppress(OSError):
            self.note_text("e", named(error))

    def forget(self) -> None:
        """Tell nobody of these changes any more; they can be read and added to."""
        self._is_noted = False
        os.ftruncate(self._journal, 0)

    def clear(self) -> bool:
        """Forget all changes; False when the files can't be used again."""
        try:
            os.ftruncate(self._journal, 0)
            os.ftruncate(self.descriptor, 0)
        except OSError:
            return False
        return True

    def remove(self) -> None:
        """Remove both files."""
        for path in (self.journal_path, self.data_path):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Leave the files to whoever finds them."""
        os.close(self.descriptor)
        os.close(self._journal)

    def _append(self, lines: bytes) -> int:
        written = os.write(self._journal, lines)
        if written < len(lines):
            # Half a line would make what follows unreadable.
            os.ftruncate(self._journal, os.fstat(self._journal).st_size - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return written

    def _with_room(self, size: int, write: Callable[[], int]) -> int:
        """Write, and once more after the cache gave up bytes when the disk was full."""
        try:
            return write()
        except OSError as error:
            if error.errno not in _FULL or not self._make_room(size):
                raise
            return write()


def _open_data(stem: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    data = os.open(f"{stem}{DATA_SUFFIX}", flags, 0o600)
    if not _is_ours(data):
        os.close(data)
        raise OSError(errno.EINVAL, "not an ordinary file", f"{stem}{DATA_SUFFIX}")
    return data


def _is_ours(descriptor: int) -> bool:
    """Whether it is an ordinary file: whatever else may lie in the folder is none of ours."""
    return stat.S_ISREG(os.fstat(descriptor).st_mode)
