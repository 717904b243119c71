"""Open files: what a read, a write or a close of a handle means."""

from collections.abc import Callable

from vofs.filesystem.aliases import Aliases, is_alias
from vofs.filesystem.contents import Contents
from vofs.filesystem.errors import BadHandle, IsAContainer, ReadOnlyMount
from vofs.filesystem.kernel_versions import KernelVersions, VersionReplaced
from vofs.filesystem.namespace import Namespace
from vofs.filesystem.open_files import (
    OpenContainer,
    Opened,
    OpenFiles,
    OpenMode,
    OpenReader,
    OpenWriter,
)
from vofs.filesystem.removals import Removals
from vofs.filesystem.write_back import WriteBack
from vofs.filesystem.writers import SharedWriter, Writers, new_file_model
from vospace_model.api import Entry
from vospace_model.faults import (
    ContainerNotFound,
    DuplicateNode,
    NodeLocked,
    NodeNotFound,
    PermissionDenied,
)
from vospace_model.nodes import NodeType
from vospace_model.uris import NodePath


class FileAccess:
    """The calls that work on bytes. Safe for any number of threads."""

    def __init__(  # noqa: PLR0913 -- the parts that an open file touches
        self,
        *,
        namespace: Namespace,
        contents: Contents,
        versions: KernelVersions,
        files: OpenFiles,
        writers: Writers,
        write_back: WriteBack,
        aliases: Aliases,
        removals: Removals,
        is_running: Callable[[int], bool],
        read_only: bool,
        owner: str,
    ) -> None:
        self._namespace = namespace
        self._contents = contents
        self._versions = versions
        self._files = files
        self._writers = writers
        self._write_back = write_back
        self._aliases = aliases
        self._removals = removals
        self._is_running = is_running
        self._read_only = read_only
        self._owner = owner

    def open(self, path: NodePath, mode: OpenMode) -> Opened:
        """Open a file that exists. Raises VersionReplaced when it is to be looked up again."""
        if is_alias(path.name):
            raise VersionReplaced(str(path))
        if mode.writable or mode.truncate:
            return self._open_to_write(path, mode)
        writer = self._writers.find(path)
        if writer is not None:
            return self._opened_writer(self._writers.open(path, None, writer.model), mode)
        version = self._contents.current(path)
        use = self._versions.opening(path, version.entry)
        file = self._contents.open(version)
        handle = self._files.add(OpenReader(path=path, entry=version.entry, file=file))
        return Opened(handle=handle, keep_cache=use.keep_cache, direct_io=use.direct_io)

    def create(self, path: NodePath, mode: OpenMode) -> Opened:
        """Make a file, or open the one that somebody else made just now.

        The service hears of it when it is first closed or synced, in one request.
        """
        self._check_writable_mount()
        self._removals.settle(path)
        if self._exists(path):
            if mode.exclusive:
                raise DuplicateNode(str(path))
            return self._open_to_write(path, mode)
        path.check_not_reserved()
        container = self._container_of(path)
        if not container.writable:
            raise PermissionDenied(f"may not write in {path.parent}")
        model = new_file_model(path.name, container, self._owner)
        return self._opened_writer(self._writers.open(path, None, model), mode)

    def read_into(self, handle: int, buffer: memoryview, offset: int) -> int:
        """Fill the buffer from an offset on; less only at the end of the file."""
        thing = self._files.get(handle)
        if isinstance(thing, OpenReader):
            if not self._writers.is_empty() and thing.path is not None:
                writer = self._writers.find(thing.path)
                if writer is not None:
                    return writer.file.read_into(buffer, offset)
            return thing.file.read_into(buffer, offset)
        if isinstance(thing, OpenWriter):
            return thing.writer.file.read_into(buffer, offset)
        raise BadHandle(f"handle {handle} is a folder")

    def write(self, handle: int, data: memoryview, offset: int) -> int:
        """Write the bytes, all or as many as there is room for."""
        writer = self._files.writer(handle).writer
        written = writer.file.write(data, offset)
        writer.touched()
        return written

    def truncate(self, path: NodePath | None, length: int, handle: int | None) -> None:
        """Give a file a length: of an open one by its handle, of any other by its path."""
        if handle is not None:
            writer = self._files.writer(handle).writer
            writer.file.truncate(length)
            writer.touched()
            return
        if path is None:
            raise NodeNotFound("the file to truncate was removed")
        opened = self._open_to_write(path, OpenMode(readable=False, writable=True))
        try:
            self.truncate(path, length, opened.handle)
            self.settle(opened.handle)
        finally:
            self.release(opened.handle)

    def flush(self, handle: int) -> None:
        """Have the service hold what was written, or raise why it doesn't."""
        thing = self._files.get(handle)
        if isinstance(thing, OpenWriter) and thing.mode.writable:
            self._write_back.flush(thing.writer)

    def settle(self, handle: int) -> None:
        """What a close does: send what was written, or with `-o writeback` keep it safe."""
        self._write_back.settle(self._files.writer(handle).writer)

    def closing(self, handle: int, *, by: Callable[[], int]) -> None:
        """One descriptor is closed, by the process that `by` tells.

        Its opener, or whoever is left when the opener has ended, waits until the service has
        the bytes, or with `-o writeback` until they are safe here. Another process only drops
        what it inherited, and the file goes on.
        """
        thing = self._files.get(handle)
        if not isinstance(thing, OpenWriter) or not thing.mode.writable:
            return
        process, opener = by(), thing.mode.opener
        if 0 in {process, opener} or process == opener or not self._is_running(opener):
            self._write_back.settle(thing.writer)

    def release(self, handle: int) -> None:
        """The handle is closed for good."""
        thing = self._files.remove(handle)
        if isinstance(thing, OpenWriter):
            if thing.mode.writable:
                self._write_back.settle_last(thing.writer)
            self._writers.close(thing.writer)
        elif isinstance(thing, OpenReader):
            if thing.path is not None:
                self._versions.closed(thing.path, thing.entry)
            thing.close()
            if thing.path is None:
                self._aliases.sweep()

    def entry_of_handle(self, handle: int) -> Entry:
        """The node behind an open file, whatever its path is by now."""
        thing = self._files.get(handle)
        if isinstance(thing, OpenWriter):
            if thing.writer.is_as_on_service:
                return self._namespace.entry(thing.writer.path)
            return thing.writer.entry()
        if isinstance(thing, OpenContainer):
            return self._namespace.entry(thing.path)
        writer = None if thing.path is None else self._writers.find(thing.path)
        return thing.entry if writer is None else writer.entry()

    def uploaded(self, path: NodePath, entry: Entry) -> None:
        """The service has what we wrote: everybody here sees it from now on."""
        self._namespace.put(path, entry)
        self._versions.written(path, entry)
        for reader in self._files.readers_of(path):
            reader.go_on_to(entry, self._contents.readable(path, entry))

    def resent(self, path: NodePath, entry: Entry) -> None:
        """The service has what an earlier mount wrote, which the kernel here has never seen."""
        self._namespace.put(path, entry)
        self._versions.replaced(path.names)

    def _open_to_write(self, path: NodePath, mode: OpenMode) -> Opened:
        self._check_writable_mount()
        writer = self._writers.find(path)
        entry = writer.entry() if writer is not None else self._namespace.entry_to_open(path)
        if entry.type is NodeType.CONTAINER:
            raise IsAContainer(f"{path} is a folder")
        if entry.locked:
            raise NodeLocked(str(path))
        if not entry.writable:
            raise PermissionDenied(f"may not write {path}")
        opened = self._opened_writer(self._writers.open(path, entry, entry), mode)
        if mode.truncate:
            self.truncate(path, 0, opened.handle)
        return opened

    def _opened_writer(self, writer: SharedWriter, mode: OpenMode) -> Opened:
        return Opened(handle=self._files.add(OpenWriter(writer=writer, mode=mode)))

    def _check_writable_mount(self) -> None:
        if self._read_only:
            raise ReadOnlyMount("the mount is read-only")

    def _exists(self, path: NodePath) -> bool:
        if self._writers.find(path) is not None:
            return True
        try:
            self._namespace.entry(path)
        except (NodeNotFound, ContainerNotFound):
            return False
        return True

    def _container_of(self, path: NodePath) -> Entry:
        return self._namespace.entry(path.parent)
