"""Handle numbers to open files and folders."""

import itertools
import threading
from dataclasses import dataclass, field

from vofs.filesystem.errors import BadHandle
from vofs.filesystem.readable_file import ReadableFile
from vofs.filesystem.writers import SharedWriter
from vospace_model.api import Entry
from vospace_model.uris import NodePath


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMode:
    """How a program opens a file."""

    readable: bool
    writable: bool
    truncate: bool = False
    exclusive: bool = False
    # The process that opens, 0 when that isn't known.
    opener: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What the kernel is answered: a handle, and what to do with its page cache."""

    handle: int
    keep_cache: bool = False
    direct_io: bool = False


@dataclass(slots=True, kw_only=True)
class OpenReader:
    """A file open for reading one version.

    `path` is None once that path leads to another file. When we write the file ourselves, the
    reader goes on to the new version; the old ones are closed with it, as a read may be under
    way.
    """

    path: NodePath | None
    entry: Entry
    file: ReadableFile
    past_versions: list[ReadableFile] = field(default_factory=list)
    is_open: bool = True

    def go_on_to(self, entry: Entry, file: ReadableFile) -> None:
        """Read another version from now on."""
        self.past_versions.append(self.file)
        self.entry, self.file = entry, file

    def close(self) -> None:
        """Close all versions; no read may be under way."""
        self.is_open = False
        for file in (*self.past_versions, self.file):
            file.close()


@dataclass(slots=True, kw_only=True)
class OpenWriter:
    """A descriptor on a file that is being changed, shared with all others on it."""

    writer: SharedWriter
    mode: OpenMode


@dataclass(slots=True, kw_only=True)
class OpenContainer:
    """A folder that is being read, with the listing it was first read with."""

    path: NodePath
    entries: list[Entry] = field(default_factory=list)


OpenThing = OpenReader | OpenWriter | OpenContainer


class OpenFiles:
    """The table. The lock guards it and is held for one look; files have locks of their own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._open: dict[int, OpenThing] = {}

    def add(self, thing: OpenThing) -> int:
        """A new handle."""
        with self._lock:
            handle = next(self._numbers)
            self._open[handle] = thing
            return handle

    def get(self, handle: int) -> OpenThing:
        """What is open under the handle; raises BadHandle."""
        # Looking up one key needs no lock, and this is done for every read.
        thing = self._open.get(handle)
        if thing is None:
            raise BadHandle(f"nothing is open under handle {handle}")
        return thing

    def container(self, handle: int) -> OpenContainer:
        """The folder that is open under the handle; raises BadHandle."""
        thing = self.get(handle)
        if not isinstance(thing, OpenContainer):
            raise BadHandle(f"handle {handle} is not a folder")
        return thing

    def writer(self, handle: int) -> OpenWriter:
        """The file open for writing under the handle; raises BadHandle."""
        thing = self.get(handle)
        if not isinstance(thing, OpenWriter) or not thing.mode.writable:
            raise BadHandle(f"handle {handle} is not open for writing")
        return thing

    def remove(self, handle: int) -> OpenThing | None:
        """Forget the handle; None when nothing was open under it."""
        with self._lock:
            return self._open.pop(handle, None)

    def readers_of(self, path: NodePath) -> list[OpenReader]:
        """All readers of the file that a path leads to."""
        with self._lock:
            things = list(self._open.values())
        return [t for t in things if isinstance(t, OpenReader) and t.path == path]

    def detach_readers(self, path: NodePath) -> None:
        """The path leads elsewhere from now on: its readers keep what they read."""
        for reader in self.readers_of(path):
            reader.path = None

    def rename(self, old: NodePath, new: NodePath) -> None:
        """What is open at or below a path is elsewhere now."""
        with self._lock:
            for thing in self._open.values():
                if isinstance(thing, OpenWriter) or thing.path is None:
                    continue
                if thing.path.is_within(old):
                    thing.path = NodePath((*new.names, *thing.path.relative_to(old)))

    def count(self) -> int:
        """How many handles are open."""
        with self._lock:
            return len(self._open)
