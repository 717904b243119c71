"""Between the permissions of a node and the nine bits of a mode.

The owner's bits stand for what an owner may, the group's for the node's groups, the others'
for "public". A VOSpace has no execute bit; a folder shows one wherever it is readable.
"""

import stat
from dataclasses import dataclass
from typing import Final

from vospace_model.api import Entry
from vospace_model.nodes import NodeType

LINK_MODE: Final = stat.S_IFLNK | 0o777
_OWNER_READ: Final = stat.S_IRUSR
_OWNER_WRITE: Final = stat.S_IWUSR


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChange:
    """What a chmod asks of a node; None leaves a part as it is."""

    public: bool | None = None
    read_groups: tuple[str, ...] | None = None
    write_groups: tuple[str, ...] | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether the node is as asked for already."""
        return self == AccessChange()


def mode_of(entry: Entry) -> int:
    """The `st_mode` of a node: its type and what its permissions amount to."""
    if entry.type is NodeType.LINK:
        return LINK_MODE
    bits = _OWNER_READ | (0 if entry.locked else _OWNER_WRITE)
    if entry.read_groups or entry.write_groups:
        bits |= stat.S_IRGRP
    if entry.write_groups and not entry.locked:
        bits |= stat.S_IWGRP
    if entry.public:
        bits |= stat.S_IRGRP | stat.S_IROTH
    if entry.type is NodeType.CONTAINER:
        # Reading a folder and passing through it are one right: x goes with r.
        return stat.S_IFDIR | bits | ((bits & 0o444) >> 2)
    return stat.S_IFREG | bits


def access_change(entry: Entry, mode: int) -> AccessChange:
    """The change of permissions that brings the node closest to the mode.

    Others may read: public. The group loses a right: its groups lose it. The group gains the
    right to write: the groups that may read may write. Rights for a group that the node
    doesn't have can't be given by a mode, nor can execution.
    """
    public = bool(mode & stat.S_IROTH)
    read_groups, write_groups = _groups_for(entry, mode, public=public)
    return AccessChange(
        public=public if public != entry.public else None,
        read_groups=read_groups if read_groups != tuple(entry.read_groups) else None,
        write_groups=write_groups if write_groups != tuple(entry.write_groups) else None,
    )


def _groups_for(
    entry: Entry, mode: int, *, public: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    read_groups, write_groups = tuple(entry.read_groups), tuple(entry.write_groups)
    if mode & stat.S_IWGRP:
        return (read_groups, write_groups) if write_groups else ((), read_groups)
    readers = tuple(dict.fromkeys((*read_groups, *write_groups)))
    # A public node is readable by its group whatever the group's bit says.
    if mode & stat.S_IRGRP or public:
        return (readers if write_groups else read_groups), ()
    return (), ()
