"""What goes into a package: a walk over its targets, written to a file entry by entry.

The walk goes from each container to its children level by level. The containers that are still
to be listed wait in a file as well. So memory holds one page of children (1000) and at most
10,000 places that links may lead to, however large the trees are, and the disk some 200 bytes
for each entry. Measured: 11 MiB more memory for 100,000 files than for none.
"""

import json
import posixpath
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vospace_model.faults import Fault, InvalidArgument
from vospace_model.uris import NodePath
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.access import Action, authorize, reading_verdict
from vospace_server.domain.archive_entries import ArchiveEntry, EntryKind, safe_name, unlike
from vospace_server.domain.identity import Caller
from vospace_server.domain.node_record import NodeRecord
from vospace_server.domain.places import Found, landlord_below
from vospace_server.services.tree import Tree

# Children read in one short transaction: what is in memory at a time.
PAGE: Final = 1000
MAX_ENTRIES: Final = 1_000_000
"""An archive with more entries is refused: no one extracts it, and its list fills a disk."""

MAX_ROOTS: Final = 10_000
"""Targets, and containers that links lead to; each costs memory while the plan is made."""

_NANOSECONDS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedEntry:
    """An entry, and the key under which the store has its bytes; '' if there are none."""

    entry: ArchiveEntry
    object_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Folder:
    """A container whose children are still to be listed."""

    node_id: int
    path: NodePath
    place: str
    landlord_id: int | None


class PackagePlan:
    """The entries of a package, in files without names that are gone when it is closed."""

    def __init__(self) -> None:
        self._entries = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        # The containers among them, which are still to be listed or have been.
        self._folders = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self.count = 0

    def entries(self) -> Iterator[PlannedEntry]:
        """All entries, containers before what is in them; nothing may be added meanwhile."""
        self._entries.seek(0)
        for line in self._entries:
            yield _planned(json.loads(line))

    def folders(self) -> Iterator[_Folder]:
        """The containers, those that are added meanwhile as well."""
        offset = 0
        while True:
            self._folders.seek(offset)
            line = self._folders.readline()
            if not line:
                return
            offset += len(line)
            node_id, path, place, landlord_id = json.loads(line)
            yield _Folder(
                node_id=node_id,
                path=NodePath(tuple(path)),
                place=place,
                landlord_id=landlord_id,
            )

    def add(self, planned: PlannedEntry, folder: _Folder | None = None) -> None:
        """One more entry. Raises InvalidArgument when there are too many."""
        self.count += 1
        if self.count > MAX_ENTRIES:
            raise InvalidArgument(
                f"a package holds at most {MAX_ENTRIES} nodes; ask for its parts one by one"
            )
        entry = planned.entry
        line = [
            entry.kind.value, entry.name, entry.mtime, entry.length, entry.target,
            planned.object_key,
        ]  # fmt: skip
        self._entries.write(_encode(line))
        if folder is not None:
            self._folders.seek(0, 2)
            self._folders.write(_encode(_folder_values(folder)))

    def close(self) -> None:
        """Give the files back; harmless when repeated."""
        self._entries.close()
        self._folders.close()


class PackagePlanner:
    """Decides what of some targets the caller gets, each node authorised by itself."""

    def __init__(self, *, tree: Tree) -> None:
        self._tree = tree

    def plan(self, caller: Caller, targets: Sequence[NodePath]) -> PackagePlan:
        """The entries for these targets; what is missing or may not be read is left out.

        Links among the targets are followed. Below them, a link to something in the package is
        a relative symbolic link; any other is replaced by what it leads to, if the caller may
        read it, and left out if not.
        """
        caller = self._tree.informed_of_trees(caller)
        plan = PackagePlan()
        walk = _Walk(self._tree, caller, plan)
        try:
            with self._tree.database.read() as unit:
                walk.begin(unit, targets)
            for folder in plan.folders():
                self._list(walk, folder)
        except BaseException:
            plan.close()
            raise
        return plan

    def _list(self, walk: "_Walk", folder: _Folder) -> None:
        after = ""
        while True:
            with self._tree.database.read() as unit:
                children = unit.nodes.children(folder.node_id, after=after, limit=PAGE)
                walk.add_children(unit, folder, children)
            if len(children) < PAGE:
                return
            after = children[-1].name


class _Walk:
    """One walk of one caller."""

    def __init__(self, tree: Tree, caller: Caller, plan: PackagePlan) -> None:
        self._tree = tree
        self._caller = caller
        self._plan = plan
        # Where in the archive everything is that was packed for itself: links to it and into
        # it stay links.
        self._roots: dict[tuple[str, ...], str] = {}

    def begin(self, unit: UnitOfWork, targets: Sequence[NodePath]) -> None:
        """Add the targets. All are known before the first link is looked at."""
        taken: set[str] = set()
        reached: list[tuple[Found, str]] = []
        for target in dict.fromkeys(targets):
            found = self._readable(unit, target)
            if found is None:
                continue
            # A link gives its own name to what it leads to.
            name = unlike(safe_name(target.name or self._tree.name), taken)
            taken.add(name)
            reached.append((found, name))
            self._roots.setdefault(found.path.names, name)
        keys = _object_keys(unit, [found.node for found, _ in reached])
        for found, name in reached:
            self._add(found.node, found.path, name, found.landlord_id, keys)

    def add_children(
        self, unit: UnitOfWork, folder: _Folder, children: Sequence[NodeRecord]
    ) -> None:
        """Add those of a container's children that the caller may read."""
        keys = _object_keys(unit, children)
        for child in children:
            path = folder.path.child(child.name)
            place = f"{folder.place}/{safe_name(child.name)}"
            if child.is_link:
                self._add_link(unit, child, path, place)
                continue
            landlord_id = landlord_below(child, folder.landlord_id)
            if reading_verdict(self._caller, path, child, landlord_id).allowed:
                self._add(child, path, place, landlord_id, keys)

    def _add_link(self, unit: UnitOfWork, link: NodeRecord, path: NodePath, place: str) -> None:
        found = self._readable(unit, path)
        if found is None:
            return
        inside = self._place_of(found.path)
        if inside is not None:
            target = posixpath.relpath(inside, posixpath.dirname(place) or ".")
            entry = ArchiveEntry(
                kind=EntryKind.LINK, name=place, mtime=_mtime(link), target=target
            )
            self._plan.add(PlannedEntry(entry=entry))
            return
        if found.node.is_container:
            # From here on it is in the package, so that a link back to it ends the walk.
            self._roots[found.path.names] = place
            if len(self._roots) > MAX_ROOTS:
                raise InvalidArgument(
                    f"links in these nodes lead to more than {MAX_ROOTS} containers outside"
                )
        keys = _object_keys(unit, [found.node])
        self._add(found.node, found.path, place, found.landlord_id, keys)

    def _add(
        self,
        node: NodeRecord,
        path: NodePath,
        place: str,
        landlord_id: int | None,
        keys: dict[str, str],
    ) -> None:
        if not node.is_container:
            entry = ArchiveEntry(
                kind=EntryKind.FILE, name=place, mtime=_mtime(node), length=node.length
            )
            key = keys.get(node.content_id or "", "")
            self._plan.add(PlannedEntry(entry=entry, object_key=key))
            return
        folder = _Folder(node_id=node.node_id, path=path, place=place, landlord_id=landlord_id)
        entry = ArchiveEntry(kind=EntryKind.FOLDER, name=place, mtime=_mtime(node))
        self._plan.add(PlannedEntry(entry=entry), folder)

    def _readable(self, unit: UnitOfWork, path: NodePath) -> Found | None:
        """What stands at a path, links followed, if the caller may read it."""
        try:
            found = self._tree.walker(unit).get(self._caller, path, follow_leaf=True)
        except Fault:
            return None
        return found if authorize(self._caller, found, Action.READ).allowed else None

    def _place_of(self, path: NodePath) -> str | None:
        """Where a node is in the package; None if it is not in it."""
        for depth in range(len(path) + 1):
            place = self._roots.get(path.names[:depth])
            if place is not None:
                return "/".join((place, *map(safe_name, path.names[depth:])))
        return None


def _object_keys(unit: UnitOfWork, nodes: Sequence[NodeRecord]) -> dict[str, str]:
    return unit.blobs.keys_of([node.content_id for node in nodes if node.content_id])


def _mtime(node: NodeRecord) -> int:
    return node.shown_mtime_ns // _NANOSECONDS


def _folder_values(folder: _Folder) -> list[object]:
    return [folder.node_id, folder.path.names, folder.place, folder.landlord_id]


def _encode(values: Sequence[object]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"


def _planned(line: list[Any]) -> PlannedEntry:
    kind, name, mtime, length, target, object_key = line
    entry = ArchiveEntry(
        kind=EntryKind(kind), name=name, mtime=mtime, length=length, target=target
    )
    return PlannedEntry(entry=entry, object_key=object_key)
