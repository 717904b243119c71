"""What an archive that was sent to us would make, checked before anything is made.

Nothing in it may lead out of the container that it is unpacked into, on any system; nothing
may be what a space can't hold; and it may not be a bomb.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from vospace_model.faults import InvalidData, InvalidURI
from vospace_model.uris import RESERVED_NAMES, NodePath
from vospace_server.domain.archive_entries import EntryKind

MAX_MEMBERS: Final = 100_000
MAX_DEPTH: Final = 64
MAX_RATIO: Final = 200
"""How many times larger than the archive its content may be..."""
RATIO_COUNTS_FROM: Final = 64 << 20
"""...if it is larger than this: small text compresses well."""

_DRIVE: Final = re.compile("[A-Za-z]:")
_SHOWN: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveMember:
    """One entry as it stands in an archive; `ordinal` counts them from 0.

    `kind` is None for what is no folder, file or symbolic link; `oddity` says what it is.
    """

    ordinal: int
    kind: EntryKind | None
    name: str
    length: int = 0
    mtime: int | None = None
    target: str = ""
    oddity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNode:
    """A node that is to be made from a member; paths are below the container."""

    kind: EntryKind
    names: tuple[str, ...]
    length: int = 0
    mtime: int | None = None
    target: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """The nodes to be made by the ordinals of their members, and what they come to."""

    nodes: Mapping[int, PlannedNode]
    size_bytes: int
    files: int


@dataclass(slots=True, kw_only=True)
class InventoryTaker:
    """Takes stock of an archive of `packed_bytes`, member by member.

    Raises InvalidData with a sentence for the first thing that must not be.
    """

    packed_bytes: int
    _kinds: dict[tuple[str, ...], EntryKind] = field(default_factory=dict)
    _ordinals: dict[tuple[str, ...], int] = field(default_factory=dict)
    _nodes: dict[int, PlannedNode] = field(default_factory=dict)
    _seen: int = 0
    _size_bytes: int = 0

    def add(self, member: ArchiveMember) -> None:
        """Look at the next member, before its bytes are."""
        self._seen += 1
        if self._seen > MAX_MEMBERS:
            raise InvalidData(f"the archive has more than {MAX_MEMBERS} entries")
        if member.kind is None:
            raise InvalidData(f"{_shown(member.name)} is {member.oddity}; a space holds none")
        names = member_names(member.name)
        if not names:
            return
        self._count(member.length)
        self._settle(names, member.kind)
        # The later of two entries of one name counts, as it does for `tar`.
        earlier = self._ordinals.get(names)
        if earlier is not None:
            self._size_bytes -= self._nodes.pop(earlier).length
        self._ordinals[names] = member.ordinal
        target = link_names(names, member.target) if member.kind is EntryKind.LINK else ()
        self._nodes[member.ordinal] = PlannedNode(
            kind=member.kind,
            names=names,
            length=member.length,
            mtime=member.mtime,
            target=target,
        )

    def result(self) -> Inventory:
        """All that is to be made."""
        files = sum(node.kind is EntryKind.FILE for node in self._nodes.values())
        return Inventory(nodes=self._nodes, size_bytes=self._size_bytes, files=files)

    def _count(self, length: int) -> None:
        self._size_bytes += length
        limit = max(RATIO_COUNTS_FROM, MAX_RATIO * self.packed_bytes)
        if self._size_bytes > limit:
            raise InvalidData(
                f"the archive's content is more than {MAX_RATIO} times as large as the archive"
            )

    def _settle(self, names: tuple[str, ...], kind: EntryKind) -> None:
        """Each name is one thing, and what holds others is a folder."""
        for depth in range(1, len(names)):
            self._be(names[:depth], EntryKind.FOLDER)
        self._be(names, kind)

    def _be(self, names: tuple[str, ...], kind: EntryKind) -> None:
        if self._kinds.setdefault(names, kind) is not kind:
            raise InvalidData(f"{_shown('/'.join(names))} is two different things")


def member_names(name: str) -> tuple[str, ...]:
    """The names that lead from the container to a member; none for the container itself.

    Raises InvalidData for a name that leads elsewhere on any system, or that no node can have.
    """
    if name.startswith("/"):
        raise InvalidData(f"{_shown(name)} is an absolute path; names in an archive are not")
    if "\\" in name:
        raise InvalidData(f"{_shown(name)} has a backslash, which is a separator elsewhere")
    if _DRIVE.match(name):
        raise InvalidData(f"{_shown(name)} begins like a drive")
    names = tuple(part for part in name.split("/") if part not in {"", "."})
    if ".." in names:
        raise InvalidData(f"{_shown(name)} leads out of the archive")
    return _checked(names, name)


def link_names(names: tuple[str, ...], target: str) -> tuple[str, ...]:
    """Where a symbolic link leads, from the container on. Raises InvalidData if out of it."""
    if not target or target.startswith("/") or "\\" in target or _DRIVE.match(target):
        raise InvalidData(
            f"the link {_shown('/'.join(names))} leads to {_shown(target)}, out of the archive"
        )
    place = list(names[:-1])
    for part in target.split("/"):
        if part == "..":
            if not place:
                raise InvalidData(
                    f"the link {_shown('/'.join(names))} leads out of the archive"
                )
            place.pop()
        elif part not in {"", "."}:
            place.append(part)
    return _checked(tuple(place), target)


def _checked(names: tuple[str, ...], text: str) -> tuple[str, ...]:
    if len(names) > MAX_DEPTH:
        raise InvalidData(f"{_shown(text)} is more than {MAX_DEPTH} folders deep")
    if RESERVED_NAMES.intersection(names):
        raise InvalidData(f"{_shown(text)} has a name that VOSpace reserves")
    try:
        return NodePath.parse("/".join(names)).names
    except InvalidURI as fault:
        raise InvalidData(fault.detail) from fault


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
