"""BrowsingService: a folder as people look at it, in one step: children, number, room."""

from collections.abc import Mapping
from dataclasses import dataclass

from vospace_model.faults import Fault, InvalidArgument, InvalidURI
from vospace_model.uris import NodePath, VosUri
from vospace_server.domain.access import (
    Action,
    Verdict,
    authorize,
    passing_verdict,
    require,
)
from vospace_server.domain.allocation import Allocation
from vospace_server.domain.identity import ANONYMOUS, Caller
from vospace_server.domain.node_record import NodeRecord
from vospace_server.domain.node_view import NodeView
from vospace_server.domain.token_scope import TokenScope
from vospace_server.services.allocations import AllocationService
from vospace_server.services.job_execution import Identify
from vospace_server.services.listing import ListingService, Ordering
from vospace_server.services.tree import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A container, some of its children, and the name that the next ones begin with.

    `count` is the number of all children, 0 when the caller may not list them.
    """

    container: NodeView
    children: tuple[NodeView, ...]
    next_start: str | None
    count: int
    allocation: Allocation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """Where a link leads for the caller.

    `view` is what is there; with `problem`, nothing that the caller can reach. Neither: it
    leads out of this service, which is not looked at.
    """

    view: NodeView | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A node on the way, and whether the person in question may pass it."""

    record: NodeRecord
    passes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessReport:
    """What one person may do to a node, and by which rule.

    `steps` lead there from the root, or from where the caller's credential begins to reach;
    `landlord` is the owner of the allocation, '' outside of all.
    """

    path: NodePath
    landlord: str
    verdicts: Mapping[Action, Verdict]
    steps: tuple[Step, ...]


class BrowsingService:
    """Reads for the pages of the storage browser."""

    def __init__(
        self,
        *,
        tree: Tree,
        listing: ListingService,
        allocations: AllocationService,
        identify: Identify,
    ) -> None:
        self._tree = tree
        self._listing = listing
        self._allocations = allocations
        self._identify = identify

    def follow(self, caller: Caller, path: NodePath) -> NodeView:
        """The node that a path leads to, links followed. Raises as NodeService.get does."""
        caller = self._tree.informed(caller, path)
        with self._tree.database.read() as unit:
            found = self._tree.walker(unit).get(caller, path, follow_leaf=True)
            return self._tree.view(unit, caller, found)

    def folder(
        self,
        caller: Caller,
        path: NodePath,
        *,
        start: str | None = None,
        limit: int,
        ordering: Ordering | None = None,
    ) -> Folder:
        """One page of a container. A `start` that is there no more begins again.

        Raises as NodeService.get does.
        """
        try:
            page = self._listing.children(
                caller, path, start=start, limit=limit + 1, ordering=ordering
            )
        except InvalidURI:
            page = self._listing.children(caller, path, limit=limit + 1, ordering=ordering)
        children = tuple(page.children)
        with self._tree.database.read() as unit:
            count = 0
            if page.container.readable:
                count = unit.sizes.entries(page.container.record.node_id)
        # How full a space is belongs to those who may look into it.
        allocation = None
        if page.container.readable:
            allocation = self._allocations.lookup(caller, page.container.path)
        return Folder(
            container=page.container,
            children=children[:limit],
            next_start=children[limit].record.name if len(children) > limit else None,
            count=count,
            allocation=allocation,
        )

    def link_state(self, caller: Caller, view: NodeView) -> LinkState | None:
        """Where a link leads; None for a node that is none."""
        target = view.record.target
        if target is None:
            return None
        if not self._is_own(target):
            return LinkState()
        try:
            return LinkState(view=self.follow(caller, view.path))
        except Fault as fault:
            return LinkState(problem=fault.detail or fault.name)

    def explain(
        self, caller: Caller, path: NodePath, *, subject: str | None = None
    ) -> AccessReport:
        """What the caller may do to a node, or with `subject` somebody else ('' for anybody).

        Others are explained to whoever may change the node's permissions (PermissionDenied).
        InvalidArgument for a subject without an account.
        """
        caller = self._tree.informed(caller, path)
        with self._tree.database.read() as unit:
            found = self._tree.walker(unit).get(caller, path)
            landlord_id = found.landlord_id
            names = {} if landlord_id is None else unit.users.names([landlord_id])
        person = caller
        if subject is not None:
            require(caller, found, Action.SET)
            person = self._tree.informed(self._person(subject), path)
        return AccessReport(
            path=found.path,
            landlord="" if landlord_id is None else names.get(landlord_id, ""),
            verdicts={action: authorize(person, found, action) for action in Action},
            steps=tuple(
                Step(
                    record=each.node,
                    passes=passing_verdict(person, each.node, each.landlord_id).allowed,
                )
                for each in found.way()
                if caller.reaches(each.path)
            ),
        )

    def _person(self, name: str) -> Caller:
        if not name:
            return ANONYMOUS
        try:
            return self._identify(name, TokenScope.ADMIN)
        except Fault:
            raise InvalidArgument(
                f"there is no open account of the name {name[:80]!r}"
            ) from None

    def _is_own(self, target: str) -> bool:
        if not target.lower().startswith("vos:"):
            return False
        try:
            return self._tree.is_own(VosUri.parse(target))
        except InvalidURI:
            return False
