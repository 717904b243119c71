"""Files that are being changed: one object for each, however many have it open."""

import contextlib
import dataclasses
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from vofs.client.uploads import Upload
from vofs.client.vospace_client import VOSpaceClient
from vofs.filesystem.contents import Contents
from vofs.filesystem.readable_file import ReadableFile
from vofs.filesystem.spool import Orphan, Spool
from vofs.filesystem.uploader import UploadRequest
from vofs.filesystem.writable_file import WritableFile
from vospace_model.api import AttributeChange, Entry
from vospace_model.faults import ContainerNotFound, NodeNotFound
from vospace_model.nodes import NodeType
from vospace_model.uris import NodePath

Uploaded = Callable[[NodePath, Entry], None]


class FileUploader:
    """The way of one file to the service. `path` follows the file when it is renamed."""

    def __init__(
        self,
        *,
        path: NodePath,
        client: VOSpaceClient,
        contents: Contents,
        strict: bool,
        on_uploaded: Uploaded,
    ) -> None:
        self.path = path
        self._client = client
        self._contents = contents
        self._strict = strict
        self._on_uploaded = on_uploaded
        # Asked for before the file was on the service; guarded by the file's own flush lock.
        self.change_afterwards = AttributeChange()

    def upload(self, request: UploadRequest) -> Entry:
        """Create or atomically replace the file; returns what is there now, or raises."""
        with os.fdopen(os.dup(request.descriptor), "rb", buffering=0) as file:
            upload = Upload(
                file=file,
                length=request.length,
                if_match=request.base_content_id if self._strict else None,
                create_only=self._strict and request.base_content_id is None,
                mtime_ns=request.mtime_ns,
            )
            entry = self._client.upload(self.path, upload)
        if self.change_afterwards != AttributeChange():
            entry = self._client.set_attributes(self.path, self.change_afterwards)
            self.change_afterwards = AttributeChange()
        self._on_uploaded(self.path, entry)
        return entry

    def open_content(self, entry: Entry) -> ReadableFile:
        """Open the bytes of a version of this file."""
        return self._contents.readable(self.path, entry)


@dataclass(slots=True, kw_only=True)
class SharedWriter:
    """A file that is being changed, and how many descriptors share it."""

    path: NodePath
    file: WritableFile
    uploader: FileUploader
    # What the node would look like without changes of its bytes; its permissions are of now.
    model: Entry
    changed_ns: int = field(default_factory=time.time_ns)
    users: int = 1
    is_linked: bool = True
    # Whether the service has a node at the path, although we have not sent one; None where
    # that has to be asked, because the file was resumed.
    is_over_node: bool | None = False

    @property
    def is_on_service(self) -> bool:
        """Whether the service has any version of it."""
        return self.file.entry is not None or bool(self.is_over_node)

    @property
    def is_as_on_service(self) -> bool:
        """Whether the service knows all about it, and may know more than we."""
        return self.is_linked and self.is_on_service and not self.file.is_dirty

    def touched(self) -> None:
        """A byte was changed just now."""
        self.changed_ns = time.time_ns()

    def entry(self) -> Entry:
        """The node as the program that writes it should see it."""
        if not self.file.is_dirty and self.file.entry is not None:
            return self.file.entry
        moment = self.file.mtime_ns
        return dataclasses.replace(
            self.file.entry or self.model,
            name=self.path.name,
            public=self.model.public,
            read_groups=self.model.read_groups,
            write_groups=self.model.write_groups,
            length=self.file.length,
            mtime_ns=self.changed_ns if moment is None else moment,
            ctime_ns=self.changed_ns,
        )


class Writers:
    """The files being changed, by path. The lock guards the table, never a wait."""

    def __init__(
        self,
        *,
        client: VOSpaceClient,
        contents: Contents,
        spool: Spool,
        strict: bool,
        on_uploaded: Uploaded,
        on_resent: Uploaded,
    ) -> None:
        self._client = client
        self._contents = contents
        self._spool = spool
        self._strict = strict
        self._on_uploaded = on_uploaded
        # An earlier mount's changes did not go through the pages that the kernel has now.
        self._on_resent = on_resent
        self._lock = threading.Lock()
        self._by_path: dict[tuple[str, ...], SharedWriter] = {}

    def find(self, path: NodePath) -> SharedWriter | None:
        """The file being changed at a path."""
        return self._by_path.get(path.names)

    def unsent(self, path: NodePath) -> SharedWriter | None:
        """The file at a path, if the service knows no node there."""
        writer = self._by_path.get(path.names)
        return None if writer is None or writer.is_on_service else writer

    def is_empty(self) -> bool:
        """Whether nothing is being changed; asked for every look-up."""
        return not self._by_path

    def open(self, path: NodePath, base: Entry | None, model: Entry) -> SharedWriter:
        """The file at a path, shared with those who have it open already."""
        with self._lock:
            writer = self._by_path.get(path.names)
            if writer is not None:
                writer.users += 1
                writer.file.acquire()
                return writer
            uploader = self._uploader(path, strict=self._strict, on_uploaded=self._on_uploaded)
            file = WritableFile(path=str(path), base=base, spool=self._spool, uploader=uploader)
            writer = SharedWriter(path=path, file=file, uploader=uploader, model=model)
            self._by_path[path.names] = writer
            return writer

    def hold(self, writer: SharedWriter) -> None:
        """One user more, of a file that is open."""
        with self._lock:
            writer.users += 1
            writer.file.acquire()

    def close(self, writer: SharedWriter) -> None:
        """One descriptor less."""
        with self._lock:
            if writer.users > 1:
                writer.users -= 1
                writer.file.drop()
                return
            if not writer.file.has_news:
                # Out of the table before it is closed: who comes now begins anew.
                self._remove(writer)
        try:
            writer.file.close()
        finally:
            with self._lock:
                writer.users -= 1
                if writer.users == 0:
                    self._remove(writer)

    def _remove(self, writer: SharedWriter) -> None:
        if self._by_path.get(writer.path.names) is writer:
            del self._by_path[writer.path.names]

    def _uploader(self, path: NodePath, *, strict: bool, on_uploaded: Uploaded) -> FileUploader:
        return FileUploader(
            path=path,
            client=self._client,
            contents=self._contents,
            strict=strict,
            on_uploaded=on_uploaded,
        )

    @contextlib.contextmanager
    def between_uploads(self, *paths: NodePath) -> Iterator[None]:
        """Hold back, after waiting for them, the uploads of files at or below the paths.

        Always in the order of the paths: two who hold several can't block each other.
        """
        with self._lock:
            held = [
                writer
                for writer in self._by_path.values()
                if any(writer.path.is_within(path) for path in paths)
            ]
        with contextlib.ExitStack() as stack:
            for writer in sorted(held, key=lambda one: one.path.names):
                stack.enter_context(writer.file.between_flushes())
            yield

    def unlink(self, path: NodePath) -> bool:
        """The file is removed: nothing of it is sent; whether one was being changed there."""
        with self._lock:
            writer = self._by_path.pop(path.names, None)
        if writer is None:
            return False
        writer.is_linked = False
        writer.file.unlink()
        return True

    def ask_for_node(self, path: NodePath) -> None:
        """Find out whether the service has a node where a file was resumed without asking."""
        writer = self._by_path.get(path.names)
        if writer is None or writer.is_over_node is not None:
            return
        try:
            self._client.get_node(path)
        except (NodeNotFound, ContainerNotFound):
            writer.is_over_node = False
        else:
            writer.is_over_node = True

    def rename(self, old: NodePath, new: NodePath) -> None:
        """Files at or below a path are elsewhere now; one that was at the new path is gone."""
        for writer in self._moving(old, new):
            writer.file.rename(str(writer.path))

    def rename_unsent(
        self, old: NodePath, new: NodePath, *, is_over_node: bool, replaces: str | None
    ) -> None:
        """The same of a file that the service has not been told of.

        `replaces` is the version of the node that the service has at the new path.
        """
        for writer in self._moving(old, new):
            writer.is_over_node = is_over_node
            writer.file.rename(str(writer.path), replaces=replaces)

    def _moving(self, old: NodePath, new: NodePath) -> Iterator[SharedWriter]:
        """Change the table; yields the files, which are still to be told."""
        with self._lock:
            replaced = self._by_path.pop(new.names, None)
            moved = [w for w in self._by_path.values() if w.path.is_within(old)]
            for writer in moved:
                del self._by_path[writer.path.names]
                writer.path = NodePath((*new.names, *writer.path.relative_to(old)))
                writer.uploader.path = writer.path
                self._by_path[writer.path.names] = writer
        yield from moved
        # Last, so that a kill in between leaves one of the two, never neither.
        if replaced is not None:
            replaced.is_linked = False
            replaced.file.unlink()

    def in_container(self, path: NodePath) -> list[SharedWriter]:
        """The files being changed in a folder."""
        with self._lock:
            return [w for w in self._by_path.values() if w.path.parent == path]

    def all(self) -> list[SharedWriter]:
        """Every file being changed."""
        with self._lock:
            return list(self._by_path.values())

    def orphans(self) -> list[Orphan]:
        """Changes to this service in the spool that nobody works on."""
        return [one for one in self._spool.orphans() if one.service == self._spool.service]

    def discard_orphan(self, orphan: Orphan) -> None:
        """Forget changes that nobody works on."""
        self._spool.discard_orphan(orphan)

    def resume(self, orphan: Orphan, owner: str) -> SharedWriter:
        """Have a file that was closed before be one of ours; it has one user.

        It is sent as with `-o strict`: what others wrote since is not overwritten. Raises what
        keeps it from being resumed; it stays in the spool then.
        """
        path = NodePath.parse(orphan.path)
        uploader = self._uploader(path, strict=True, on_uploaded=self._on_uploaded)
        uploader.change_afterwards = orphan.attributes
        file = WritableFile.resume_accepted(orphan, spool=self._spool, uploader=uploader)
        model = with_change(new_file_model(path.name, None, owner), orphan.attributes)
        writer = SharedWriter(
            path=path,
            file=file,
            uploader=uploader,
            model=model,
            changed_ns=orphan.closed_ns or time.time_ns(),
            is_over_node=None,
        )
        with self._lock:
            self._by_path[path.names] = writer
        return writer

    def resend(self, orphan: Orphan, base: Entry | None) -> None:
        """Send what was left behind, unless the file was changed elsewhere since.

        Raises what keeps it from being sent; it stays in the spool then.
        """
        path = NodePath.parse(orphan.path)
        uploader = self._uploader(path, strict=True, on_uploaded=self._on_resent)
        uploader.change_afterwards = orphan.attributes
        file = WritableFile.resume(orphan, base=base, spool=self._spool, uploader=uploader)
        try:
            file.flush()
        finally:
            file.close()


def new_file_model(name: str, container: Entry | None, owner: str) -> Entry:
    """What a file that isn't on the service yet looks like: as private as its folder says."""
    now = time.time_ns()
    inherits = container is not None and container.inherit
    return Entry(
        name=name,
        type=NodeType.DATA,
        id=0,
        length=0,
        mtime_ns=now,
        ctime_ns=now,
        owner=owner,
        public=inherits and container is not None and container.public,
        readable=True,
        writable=True,
        version=0,
        read_groups=container.read_groups if inherits and container is not None else (),
        write_groups=container.write_groups if inherits and container is not None else (),
    )


def with_change(entry: Entry, change: AttributeChange) -> Entry:
    """The entry as it will be after a change of permissions."""
    read_groups, write_groups = change.read_groups, change.write_groups
    return dataclasses.replace(
        entry,
        public=entry.public if change.public is None else change.public,
        read_groups=entry.read_groups if read_groups is None else read_groups,
        write_groups=entry.write_groups if write_groups is None else write_groups,
    )
