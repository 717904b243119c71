"""What each system call means for the nodes of a space.

Bytes are FileAccess's; names, attributes and folders are here. Everything raises faults of the
standard, errors of the client and of filesystem/errors.py; nobody here knows an errno.
"""

import dataclasses
import time
from collections.abc import Sequence
from typing import Final

from vofs.client.vospace_client import VOSpaceClient
from vofs.filesystem.aliases import Aliases, is_alias
from vofs.filesystem.errors import (
    ContainerNotEmpty,
    IsAContainer,
    NotAContainer,
    NotALink,
    ReadOnlyMount,
)
from vofs.filesystem.file_access import FileAccess
from vofs.filesystem.kernel_versions import KernelVersions
from vofs.filesystem.links import shown_target, stored_target
from vofs.filesystem.mode_bits import access_change
from vofs.filesystem.namespace import AWAY, Namespace
from vofs.filesystem.open_files import OpenContainer, OpenFiles, OpenReader
from vofs.filesystem.removals import Purpose, Removals
from vofs.filesystem.write_back import WriteBack
from vofs.filesystem.writers import SharedWriter, Writers, with_change
from vofs.filesystem.xattrs import ExtendedAttributes
from vospace_model.api import AttributeChange, Entry, QuotaReport
from vospace_model.faults import (
    ContainerNotFound,
    InvalidArgument,
    NodeNotFound,
    PermissionDenied,
)
from vospace_model.nodes import NodeType
from vospace_model.uris import NodePath

_NO_REPLACE: Final = 1
_ROOM_SECONDS: Final = 5.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MountedPlace:
    """What is mounted where."""

    root: NodePath
    mountpoint: str
    read_only: bool


class FileSystem:
    """The calls on names. Safe for any number of threads; all waits are bounded."""

    def __init__(  # noqa: PLR0913 -- the parts of a file system
        self,
        *,
        place: MountedPlace,
        client: VOSpaceClient,
        namespace: Namespace,
        versions: KernelVersions,
        files: OpenFiles,
        writers: Writers,
        write_back: WriteBack,
        aliases: Aliases,
        removals: Removals,
        access: FileAccess,
        xattrs: ExtendedAttributes,
    ) -> None:
        self.access = access
        self.xattrs = xattrs
        self._place = place
        self._client = client
        self._namespace = namespace
        self._versions = versions
        self._files = files
        self._writers = writers
        self._write_back = write_back
        self._aliases = aliases
        self._removals = removals
        # The last report of room, its place and its time: df asks for it several times.
        self._room: tuple[NodePath, float, QuotaReport] | None = None

    @property
    def read_only(self) -> bool:
        """Whether every change is refused."""
        return self._place.read_only

    def entry(self, path: NodePath) -> Entry:
        """The node at a path, with our own changes."""
        if is_alias(path.name):
            return self._aliases.entry(path)
        if self._removals.is_pending(path):
            raise NodeNotFound(str(path))
        if not self._writers.is_empty():
            writer = self._writers.find(path)
            if writer is not None and not writer.is_as_on_service:
                return writer.entry()
        return self._versions.shown(path, self._namespace.entry(path))

    def link_target(self, path: NodePath) -> str:
        """What a link points to, as a path in the mount where it can be."""
        entry = self._namespace.entry(path)
        if entry.type is not NodeType.LINK or entry.target is None:
            raise NotALink(str(path))
        return self.shown_target(path, entry)

    def shown_target(self, path: NodePath, entry: Entry) -> str:
        """The same of a link that is known already; OutsideMount when it has no name here."""
        return shown_target(
            path, entry.target or "", authority=self._client.authority, root=self._place.root
        )

    def open_container(self, path: NodePath) -> int:
        """A handle on a folder; it is listed when it is first read."""
        return self._files.add(OpenContainer(path=path))

    def listing(self, handle: int, *, renew: bool) -> Sequence[Entry]:
        """The children of an open folder, with our own changes."""
        container = self._files.container(handle)
        if renew:
            container.entries = self._with_our_changes(container.path)
        return container.entries

    def path_of_handle(self, handle: int) -> NodePath:
        """Where the folder behind a handle is."""
        return self._files.container(handle).path

    def container_of_handle(self, handle: int) -> Entry:
        """The folder behind a handle."""
        return self._namespace.entry(self._files.container(handle).path)

    def close_container(self, handle: int) -> None:
        """The handle on a folder is closed."""
        self._files.remove(handle)

    def make_container(self, path: NodePath) -> None:
        """Make an empty folder."""
        self._check_writable()
        path.check_not_reserved()
        self._removals.settle(path)
        entry = self._client.create_container(path)
        self._namespace.made_container(path, entry)

    def remove_container(self, path: NodePath) -> None:
        """Remove a folder that is empty, and only then: a service may delete a whole tree."""
        self._check_writable()
        if self._namespace.entry(path).type is not NodeType.CONTAINER:
            raise NotAContainer(str(path))
        if self._writers.in_container(path) or self._namespace.has_children(path):
            # What keeps it may be somebody else's, and not known here yet.
            self._namespace.doubt(path)
            raise ContainerNotEmpty(str(path))
        self._client.delete(path)
        self._namespace.removed(path, with_tree=True)
        self._versions.detached(path)

    def remove(self, path: NodePath) -> None:
        """Remove a file or a link that nobody here has open, or the alias of one."""
        if is_alias(path.name):
            self._aliases.drop(path)
            return
        self._check_writable()
        # As for a rename: what is removed must not be sent afterwards.
        with self._writers.between_uploads(path):
            self._writers.ask_for_node(path)
            writer = self._writers.find(path)
            if writer is None and self._namespace.entry(path).type is NodeType.CONTAINER:
                raise IsAContainer(str(path))
            if writer is None or writer.is_on_service:
                self._client.delete(path)
            self._writers.unlink(path)
            self._gone(path)

    def hide(self, path: NodePath, alias: NodePath, purpose: Purpose) -> None:
        """Remove a file that is open, or make way for a rename over it; it goes on as an alias.

        To be replaced, the node stays until the rename that follows. When nobody knows what
        follows, the service hears of a removal a moment later (removals.py).
        """
        self._check_writable()
        if purpose is Purpose.REPLACE:
            self.detached(path, alias)
            return
        with self._writers.between_uploads(path):
            self._writers.ask_for_node(path)
            writer = self._writers.find(path)
            if writer is None or writer.is_on_service:
                self._remove_hidden(path, purpose)
            self._give_alias(path, alias)
            self._writers.unlink(path)
            self._gone(path)

    def _remove_hidden(self, path: NodePath, purpose: Purpose) -> None:
        if purpose is Purpose.REMOVE:
            self._client.delete(path)
            return
        if not self._namespace.entry(path.parent).writable:
            raise PermissionDenied(f"may not remove {path}")
        self._removals.schedule(path)

    def detached(self, path: NodePath, alias: NodePath) -> None:
        """The inode of a path has an alias, and the path will get a new one."""
        self._give_alias(path, alias)
        self._files.detach_readers(path)
        self._versions.detached(path)

    def rename(self, old: NodePath, new: NodePath, *, flags: int) -> None:
        """Give a node another path, over what is there as POSIX has it; one operation."""
        self._check_writable()
        new.check_not_reserved()
        if flags & ~_NO_REPLACE:
            raise InvalidArgument("names can't be exchanged in a VOSpace")
        if old == new:
            return
        self._removals.settle(old)
        self._removals.take_over(new)
        # An upload that began before would bring the old path back after it was moved.
        with self._writers.between_uploads(old, new):
            self._rename(old, new, flags=flags)

    def _rename(self, old: NodePath, new: NodePath, *, flags: int) -> None:
        self._writers.ask_for_node(old)
        self._writers.ask_for_node(new)
        writer = self._writers.find(old)
        if writer is not None and not writer.is_on_service:
            self._rename_unsent(old, new, replace=not flags)
            return
        moved = self._client.move(old, new, overwrite=not flags)
        self._gone(new)
        self._writers.rename(old, new)
        self._files.rename(old, new)
        self._versions.moved(old, new)
        self._namespace.moved(old, new, moved)

    def make_link(self, path: NodePath, target: str) -> None:
        """Make a link to a node of the space or to a URI."""
        self._check_writable()
        path.check_not_reserved()
        stored = stored_target(
            path,
            target,
            authority=self._client.authority,
            root=self._place.root,
            mountpoint=self._place.mountpoint,
        )
        self._removals.settle(path)
        self._namespace.put(path, self._client.create_link(path, stored))

    def change_mode(self, path: NodePath, mode: int) -> None:
        """Change what of the mode a VOSpace can hold: public, and its groups' rights."""
        self._check_writable()
        if is_alias(path.name):
            return
        self._writers.ask_for_node(path)
        writer = self._writers.find(path)
        entry = self.entry(path)
        change = access_change(entry, mode)
        if change.is_nothing:
            return
        wanted = AttributeChange(
            public=change.public,
            read_groups=change.read_groups,
            write_groups=change.write_groups,
        )
        if writer is not None and not writer.is_on_service:
            writer.uploader.change_afterwards = wanted
            writer.file.note_attributes(wanted)
            writer.model = with_change(writer.model, wanted)
            return
        changed = self._client.set_attributes(path, wanted)
        self._namespace.put(path, changed)
        if writer is not None:
            writer.model = changed

    def set_mtime(self, path: NodePath, mtime_ns: int) -> None:
        """Set the time of modification; of a file that isn't sent yet, when it is sent."""
        self._check_writable()
        if is_alias(path.name):
            return
        writer = self._writers.find(path)
        # False when what was dirty has been sent just now, without the time.
        if writer is not None and writer.file.is_dirty and writer.file.set_mtime(mtime_ns):
            return
        changed = self._client.set_attributes(path, AttributeChange(mtime_ns=mtime_ns))
        self._namespace.put(path, changed)
        self._versions.written(path, changed)

    def room(self, path: NodePath) -> QuotaReport:
        """The quota at a place; when the service is away, the last that it said."""
        known = self._room
        if known is not None and known[0] != path:
            known = None
        if known is not None and time.monotonic() - known[1] < _ROOM_SECONDS:
            return known[2]
        try:
            report = self._client.quota(path)
        except AWAY:
            if known is None:
                raise
            return known[2]
        self._room = (path, time.monotonic(), report)
        return report

    def flush_all(self, seconds: float) -> list[str]:
        """Send everything that is written and not sent; what failed, a sentence each.

        What was closed with `-o writeback` may take so many seconds; the rest of it is kept.
        """
        failures = []
        self._removals.settle_all()
        for writer in self._writers.all():
            if not writer.file.has_changes:
                continue
            try:
                self._write_back.flush(writer)
            except Exception as error:  # noqa: BLE001 -- the next file may still be saved
                failures.append(f"{writer.path}: {error}")
        return failures + self._write_back.drain(seconds)

    def discard_unsent(self, path: NodePath) -> int:
        """Give up what was closed or left behind at a path and not sent; how many versions.

        The path leads to the service's file again. Who has the other open keeps it.
        """
        count = 0
        with self._writers.between_uploads(path):
            writer = self._writers.find(path)
            if writer is not None and self._write_back.holds(writer):
                self._writers.unlink(path)
                count += 1
        for orphan in self._writers.orphans():
            if orphan.path == str(path):
                self._writers.discard_orphan(orphan)
                count += 1
        self._namespace.doubt(path)
        self._versions.replaced(path.names)
        return count

    def _with_our_changes(self, path: NodePath) -> list[Entry]:
        # Looked at before the service is asked, too: a file that is sent meanwhile would be
        # missing in its answer, and not be ours any more.
        before = self._changed_in(path)
        entries = self._namespace.children(path)
        if not self._removals.is_idle():
            entries = [e for e in entries if not self._removals.is_pending(path.child(e.name))]
        writers = [*before, *self._changed_in(path)]
        if not writers:
            return entries
        here = [w for w in writers if w.is_linked and w.path.parent == path]
        ours = {w.path.name: w.entry() for w in here}
        merged = [ours.pop(entry.name, entry) for entry in entries]
        return [*merged, *(ours[name] for name in sorted(ours))]

    def _changed_in(self, path: NodePath) -> list[SharedWriter]:
        """The files in a folder of which we know more than the service."""
        return [w for w in self._writers.in_container(path) if not w.is_as_on_service]

    def _rename_unsent(self, old: NodePath, new: NodePath, *, replace: bool) -> None:
        """Rename a file that only we have: the service will hear of it by its new name."""
        if not replace or self._is_container(new):
            self._refuse_existing(new)
        is_over_node, replaces = self._node_on_service(new)
        self._gone(new)
        self._writers.rename_unsent(old, new, is_over_node=is_over_node, replaces=replaces)
        self._versions.moved(old, new)

    def _node_on_service(self, path: NodePath) -> tuple[bool, str | None]:
        """Whether the service has a node at a path, and its version."""
        writer = self._writers.find(path)
        if writer is not None:
            return writer.is_on_service, writer.file.replaced_content_id
        try:
            return True, self._namespace.entry(path).content
        except (NodeNotFound, ContainerNotFound):
            return False, None

    def _refuse_existing(self, path: NodePath) -> None:
        try:
            self.entry(path)
        except (NodeNotFound, ContainerNotFound):
            return
        raise IsAContainer(str(path))

    def _is_container(self, path: NodePath) -> bool:
        try:
            return self.entry(path).type is NodeType.CONTAINER
        except (NodeNotFound, ContainerNotFound):
            return False

    def _give_alias(self, path: NodePath, alias: NodePath) -> None:
        """The open file at a path answers under the alias, for as long as it is open."""
        writer = self._writers.find(path)
        if writer is not None:
            self._aliases.give(alias, writer.entry)
            return
        readers = self._files.readers_of(path)
        self._aliases.give(alias, lambda: _entry_of_open(readers))

    def _gone(self, path: NodePath) -> None:
        """Nothing is at the path any more; who has it open keeps it."""
        self._files.detach_readers(path)
        self._versions.detached(path)
        self._namespace.removed(path)

    def _check_writable(self) -> None:
        if self._place.read_only:
            raise ReadOnlyMount("the mount is read-only")


def _entry_of_open(readers: Sequence[OpenReader]) -> Entry | None:
    """The node of the first reader that still is open."""
    return next((reader.entry for reader in readers if reader.is_open), None)
