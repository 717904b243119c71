"""Walking a path: what is found, what is missing, and where links lead (contract 1.4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from vospace_model.faults import (
    ContainerNotFound,
    Fault,
    InvalidArgument,
    InvalidURI,
    LinkFound,
    NodeNotFound,
    UnreadableLinkTarget,
)
from vospace_model.uris import NodePath, VosUri
from vospace_server.domain.access import passing_verdict, refuse, require_reach
from vospace_server.domain.identity import Caller
from vospace_server.domain.node_record import NodeRecord
from vospace_server.domain.places import Absent, Found, landlord_below

MAX_LINKS: Final = 20
"""Links that are followed for one path; the next one makes it an UnreadableLinkTarget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathWalker:
    """Walks paths for one service.

    `walk` reads the nodes on a path: from the root as far as there are any. `authority` is the
    service's own; links to other services and schemes are not followed. With `strict_links`,
    no link in the middle of a path is followed at all (LinkFound).
    """

    walk: Callable[[NodePath], tuple[NodeRecord, ...]]
    authority: str
    strict_links: bool = False

    def find(
        self,
        caller: Caller,
        path: NodePath,
        *,
        follow_leaf: bool = False,
        missing_parent: type[Fault] = NodeNotFound,
    ) -> Found | Absent:
        """What stands at `path` for this caller, who is authorised on every node on the way.

        Links in the middle are followed, one at the end with `follow_leaf` only. Raises
        PermissionDenied or NotAuthenticated for an unreadable ancestor, and for a path, or one
        that a link leads to, at which the caller's credential is good for nothing;
        `missing_parent` for an ancestor that is missing or no container, UnreadableLinkTarget
        for links that lead nowhere, in a circle or where the caller may not read,
        InvalidArgument for those that lead away.
        """
        # How many names of the path at hand were written in the link that led to it; -1: none
        # did.
        target_names = -1
        asked = path
        for _ in range(MAX_LINKS + 1):
            # Before anything is read: nothing is told of what the credential is not for.
            require_reach(caller, path)
            records = self.walk(path)
            reached = len(records) - 1
            self._check_reachable(caller, records, path, target_names)
            at_leaf = reached == len(path)
            if records[-1].is_link and (follow_leaf or not at_leaf):
                target = self._target_of(caller, records, path)
                path = NodePath(target.names + path.names[reached:])
                target_names = len(target)
                continue
            if at_leaf:
                return Found(path=path, records=records)
            return _absent(path, records, target_names, missing_parent)
        raise UnreadableLinkTarget(f"{asked} leads through more than {MAX_LINKS} links")

    def get(
        self,
        caller: Caller,
        path: NodePath,
        *,
        follow_leaf: bool = False,
        missing_parent: type[Fault] = NodeNotFound,
    ) -> Found:
        """The node at `path`; as `find`, and raises NodeNotFound if there is none."""
        found = self.find(caller, path, follow_leaf=follow_leaf, missing_parent=missing_parent)
        if isinstance(found, Found):
            return found
        if found.by_link:
            raise UnreadableLinkTarget(f"{path} is a link to {found.path}, which is missing")
        raise NodeNotFound(str(path))

    def get_container(self, caller: Caller, path: NodePath) -> Found:
        """The container at `path`, through links; else ContainerNotFound."""
        try:
            found = self.find(caller, path, follow_leaf=True, missing_parent=ContainerNotFound)
        except UnreadableLinkTarget as error:
            raise ContainerNotFound(error.detail) from error
        if isinstance(found, Absent):
            raise ContainerNotFound(str(path))
        if not found.node.is_container:
            raise ContainerNotFound(f"{path} is not a container")
        return found

    def _check_reachable(
        self,
        caller: Caller,
        records: Sequence[NodeRecord],
        path: NodePath,
        target_names: int,
    ) -> None:
        """Everything above the last name of the path must be readable."""
        landlord_id = None
        for depth, record in enumerate(records[: len(path)]):
            landlord_id = landlord_below(record, landlord_id)
            verdict = passing_verdict(caller, record, landlord_id)
            if verdict.allowed:
                continue
            place = NodePath(path.names[:depth])
            if depth <= target_names:
                raise UnreadableLinkTarget(f"a link leads to {place}, which can't be read")
            refuse(caller, verdict, f"read {place}")

    def _target_of(
        self, caller: Caller, records: Sequence[NodeRecord], path: NodePath
    ) -> NodePath:
        """Where the link that ends `records` leads."""
        link = records[-1]
        place = NodePath(path.names[: len(records) - 1])
        if self.strict_links and len(place) < len(path):
            raise LinkFound(f"{place} is a link")
        landlord_id = Found(path=place, records=tuple(records)).landlord_id
        verdict = passing_verdict(caller, link, landlord_id)
        if not verdict.allowed:
            refuse(caller, verdict, f"follow {place}")
        try:
            uri = VosUri.parse(link.target or "")
        except InvalidURI as error:
            raise InvalidArgument(_external(place, link)) from error
        if not uri.is_of(self.authority):
            raise InvalidArgument(_external(place, link))
        return uri.path


def _external(place: NodePath, link: NodeRecord) -> str:
    return f"cannot navigate external link {place} -> {link.target}"


def _absent(
    path: NodePath,
    records: tuple[NodeRecord, ...],
    target_names: int,
    missing_parent: type[Fault],
) -> Absent:
    """The verdict on a path that goes on where the nodes end."""
    reached = len(records) - 1
    is_parent = reached == len(path) - 1 and records[-1].is_container
    by_link = reached < target_names
    if is_parent:
        parent = Found(path=path.parent, records=records)
        return Absent(parent=parent, name=path.name, by_link=by_link)
    place = NodePath(path.names[:reached])
    if records[-1].is_container:
        place = place.child(path.names[reached])
        reason = f"{place} does not exist"
    else:
        reason = f"{place} is not a container"
    if by_link:
        raise UnreadableLinkTarget(f"a link leads to {path}, but {reason}")
    raise missing_parent(reason)
