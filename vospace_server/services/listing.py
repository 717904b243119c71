"""ListingService: the children of a container, streamed, and whole trees (contract 1.4)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from vospace_model.faults import InvalidURI
from vospace_model.uris import NodePath
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.identity import Caller
from vospace_server.domain.node_record import NodeRecord, SortKey
from vospace_server.domain.node_view import NodeView
from vospace_server.domain.places import Found
from vospace_server.services.tree import Tree

# Children read in one short transaction; what a listing holds in memory.
PAGE_ROWS: Final = 1000
# The first page is small, so that the first byte leaves early.
_FIRST_PAGE_ROWS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordering:
    """How a listing is ordered; names decide between equals."""

    key: SortKey = SortKey.NAME
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A container and its children, which are read while they are iterated over.

    Without read permission on the container there are none (`container.readable` tells).
    """

    container: NodeView
    children: Iterator[NodeView]


@dataclass(frozen=True, slots=True, kw_only=True)
class Descendant:
    """A node below the container that is listed, by the names that lead to it from there.

    `listed` is False for a container whose children are not in this listing: it is too deep,
    or the caller may not read it.
    """

    names: tuple[str, ...]
    view: NodeView
    listed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """Some children in the order of names; `is_last` if there are none after them."""

    views: Sequence[NodeView]
    is_last: bool


class ListingService:
    """Lists containers.

    Pages are read in transactions of their own, so a long listing keeps nobody waiting, and
    shows changes that happen behind the place it has come to.
    """

    def __init__(self, *, tree: Tree) -> None:
        self._tree = tree

    def children(
        self,
        caller: Caller,
        path: NodePath,
        *,
        start: str | None = None,
        limit: int | None = None,
        ordering: Ordering | None = None,
    ) -> Listing:
        """A node and its children: all of them, or at most `limit`, from `start` on.

        `start` is the name of a child, which comes first (InvalidURI if it is none). Nothing is
        capped. What is no container has no children. Raises the faults of NodeService.get at
        once, none while iterating.
        """
        caller = self._tree.informed(caller, path)
        with self._tree.database.read() as unit:
            found = self._tree.walker(unit).get(caller, path)
            view = self._tree.view(unit, caller, found)
            if start is not None and unit.nodes.child(found.node.node_id, start) is None:
                raise InvalidURI(f"{start!r} is not a child of {path}")
            if not found.node.is_container or not view.readable:
                return Listing(container=view, children=iter(()))
            is_by_name = ordering in {None, Ordering()}
            page = None
            if is_by_name and start is None and limit != 0:
                page = self._first_page(unit, caller, found, limit=limit)
        if ordering is None or is_by_name:
            views = self._by_name(caller, found, start=start, page=page, limit=limit)
        else:
            views = self._sorted(caller, found, ordering, start=start, limit=limit)
        return Listing(container=view, children=views)

    def descendants(
        self,
        caller: Caller,
        path: NodePath,
        *,
        depth: int | None = 1,
        after: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Descendant]:
        """A node (with no names) and what lies below it, down to `depth` levels; None for all.

        Containers come before what is in them, everything else in the order of names. `after`
        skips the direct children up to that name, `limit` bounds the number of descendants.
        Raises the faults of NodeService.get at once. Links are not followed.
        """
        caller = self._tree.informed(caller, path)
        with self._tree.database.read() as unit:
            found = self._tree.walker(unit).get(caller, path)
            view = self._tree.view(unit, caller, found)
            page = None
            if _is_listed(view, 0, depth) and limit != 0:
                page = self._first_page(unit, caller, found, after=after or "", limit=limit)
        return self._tree_lines(caller, found, view, page, depth=depth, limit=limit)

    # ------------------------------------------------------------------ one container

    def _by_name(
        self,
        caller: Caller,
        parent: Found,
        *,
        start: str | None = None,
        page: "_Page | None" = None,
        limit: int | None,
    ) -> Iterator[NodeView]:
        """At most `limit` children, from `start` on; `page` are the first if they are read."""
        left, after = limit, ""
        if start is not None and left != 0:
            yield from self._starting(caller, parent, start)
            after, left = start, None if left is None else left - 1
        rows = _FIRST_PAGE_ROWS
        while left is None or left > 0:
            if page is None:
                with self._tree.database.read() as unit:
                    page = self._page(
                        unit, caller, parent, after=after, wanted=_least(rows, left)
                    )
            yield from self._judged(caller, parent, page.views)
            if page.is_last:
                return
            after, left = (
                page.views[-1].record.name,
                None if left is None else left - len(page.views),
            )
            page, rows = None, PAGE_ROWS

    def _first_page(
        self,
        unit: UnitOfWork,
        caller: Caller,
        parent: Found,
        *,
        after: str = "",
        limit: int | None,
    ) -> "_Page":
        """Read with the container itself: most containers have no second page."""
        return self._page(
            unit, caller, parent, after=after, wanted=_least(_FIRST_PAGE_ROWS, limit)
        )

    def _page(
        self, unit: UnitOfWork, caller: Caller, parent: Found, *, after: str, wanted: int
    ) -> "_Page":
        records = unit.nodes.children(parent.node.node_id, after=after, limit=wanted)
        views = self._tree.child_views(unit, caller, parent, records)
        return _Page(views=views, is_last=len(records) < wanted)

    def _starting(self, caller: Caller, parent: Found, name: str) -> Iterator[NodeView]:
        with self._tree.database.read() as unit:
            first = unit.nodes.child(parent.node.node_id, name)
            records: list[NodeRecord] = [] if first is None else [first]
            views = self._tree.child_views(unit, caller, parent, records)
        yield from self._judged(caller, parent, views)

    def _sorted(
        self,
        caller: Caller,
        parent: Found,
        ordering: Ordering,
        *,
        start: str | None,
        limit: int | None,
    ) -> Iterator[NodeView]:
        with self._tree.database.read() as unit:
            ids = unit.nodes.sorted_child_ids(
                parent.node.node_id, ordering.key, descending=ordering.descending
            )
            first = None if start is None else unit.nodes.child(parent.node.node_id, start)
        begin = ids.index(first.node_id) if first is not None and first.node_id in ids else 0
        end = len(ids) if limit is None else min(len(ids), begin + limit)
        for at in range(begin, end, PAGE_ROWS):
            with self._tree.database.read() as unit:
                page = unit.nodes.by_ids(ids[at : min(at + PAGE_ROWS, end)].tolist())
                here = [each for each in page if each.parent_id == parent.node.node_id]
                views = self._tree.child_views(unit, caller, parent, here)
            yield from self._judged(caller, parent, views)

    def _judged(
        self, caller: Caller, parent: Found, views: Sequence[NodeView]
    ) -> Sequence[NodeView]:
        """The views as they are when other group services have been asked, if need be."""
        informed = self._tree.informed_below(caller, parent, [each.record for each in views])
        if informed is caller:
            return views
        return [self._tree.judged(informed, parent, view) for view in views]

    # ------------------------------------------------------------------ whole trees

    def _tree_lines(
        self,
        caller: Caller,
        top: Found,
        view: NodeView,
        page: "_Page | None",
        *,
        depth: int | None,
        limit: int | None,
    ) -> Iterator[Descendant]:
        listed = _is_listed(view, 0, depth)
        yield Descendant(names=(), view=view, listed=listed)
        left = limit
        levels = [(top, self._by_name(caller, top, page=page, limit=left))]
        levels = levels if listed else []
        while levels and left != 0:
            parent, siblings = levels[-1]
            child = next(siblings, None)
            if child is None:
                levels.pop()
                continue
            listed = _is_listed(child, len(levels), depth)
            names = child.path.relative_to(top.path)
            yield Descendant(names=names, view=child, listed=listed)
            left = None if left is None else left - 1
            if listed:
                below = Found(path=child.path, records=(*parent.records, child.record))
                levels.append((below, self._by_name(caller, below, limit=left)))


def _least(rows: int, limit: int | None) -> int:
    return rows if limit is None else min(rows, limit)


def _is_listed(view: NodeView, level: int, depth: int | None) -> bool:
    return view.record.is_container and view.readable and (depth is None or level < depth)
