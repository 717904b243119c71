"""GroupQueries: what a caller may know of groups, their members, their use and their past."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from vospace_model.faults import PermissionDenied
from vospace_model.nodes import NodeType
from vospace_model.uris import NodePath
from vospace_server.database.audit import AuditEntry
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.access import Action, authorize
from vospace_server.domain.account import User
from vospace_server.domain.group import (
    Grant,
    GrantMode,
    Group,
    GroupNaming,
    GroupRole,
    MemberKind,
    descriptions_of,
    lines_through,
)
from vospace_server.domain.group_access import ADMITTED, is_public, keys_that_admit, readers_of
from vospace_server.domain.identity import Identity
from vospace_server.domain.places import Found
from vospace_server.services.groups import GroupService, with_names
from vospace_server.services.tree import Tree

MOST_ENTRIES: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """A group, its users by name, and what the caller is to it.

    `people` are the accounts of its owner and of all users among its members and
    administrators, by name. `changeable` and `deletable` say what the caller may do.
    """

    group: Group
    uri: str
    roles: frozenset[GroupRole]
    people: Mapping[str, User]
    changeable: bool
    deletable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupUse:
    """A node that grants a group something."""

    path: NodePath
    node_type: NodeType
    mode: GrantMode


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupUses:
    """Some of the nodes that name a group.

    `hidden` counts those that the caller may not see; `next_after` is where to go on, None at
    the end.
    """

    uses: tuple[GroupUse, ...]
    hidden: int
    next_after: int | None


class GroupQueries:
    """Reads groups for a caller, who learns of those that they have a part in and of no others.

    A group is visible to its owner, its administrators, its members, whomever it lets look
    into it (domain/group_access.py), and administrators of the service.
    """

    def __init__(self, *, tree: Tree, groups: GroupService) -> None:
        self._tree = tree
        self._groups = groups

    @property
    def naming(self) -> GroupNaming:
        """How groups are named here."""
        return self._tree.naming

    def informed(self, caller: Identity) -> Identity:
        """The caller with all memberships in other services that give a part in ours.

        They are asked, which takes a while. Methods that are told the name of a group ask by
        themselves; lists take the caller as given.
        """
        return self._tree.informed_of_groups(caller)

    def get(self, caller: Identity, name: str) -> GroupView:
        """A group with its members; NoSuchGroupError, or PermissionDenied if not visible."""
        caller = self._groups.informed(caller, name)
        with self._tree.database.read() as unit:
            group, roles = self._visible(unit, caller, name)
            return self._view(unit, caller, group, roles)

    def memberships(self, caller: Identity) -> list[str]:
        """The names of our groups that the caller belongs to, in order."""
        names = (self.naming.own_name(uri) for uri in caller.groups)
        return sorted(name for name in names if name is not None)

    def with_role(self, caller: Identity, role: GroupRole) -> list[Group]:
        """The groups to which the caller is this, by name, without their members."""
        with self._tree.database.read() as unit:
            return self._with_role(unit, caller, role)

    def visible(self, caller: Identity, text: str = "") -> list[Group]:
        """Every group that is visible to the caller, by name, without their members.

        With `text`, those that have it in their name or description, in any case of letters.
        """
        with self._tree.database.read() as unit:
            if caller.acts_as_admin:
                found = unit.groups.all()
            else:
                each_role = [self._with_role(unit, caller, role) for role in GroupRole]
                open_ones = unit.groups.with_properties(
                    keys_that_admit(caller.groups), ADMITTED
                )
                by_name = {
                    group.name: group for groups in (*each_role, open_ones) for group in groups
                }
                found = [by_name[name] for name in sorted(by_name)]
        wanted = text.casefold()
        return [
            group
            for group in found
            if wanted in group.name.casefold() or wanted in group.description.casefold()
        ]

    def where_used(
        self, caller: Identity, name: str, *, after: int = 0, limit: int = MOST_ENTRIES
    ) -> GroupUses:
        """Which nodes grant the group what, for whoever may change it.

        Of nodes that the caller may not see there is only the number. What lies in the trash
        grants nothing while it is there, and is left out; put back, it grants it again.
        """
        limit = min(limit, MOST_ENTRIES)
        caller = self._groups.informed(caller, name)
        with self._tree.database.read() as unit:
            group, roles = self._visible(unit, caller, name)
            _require_change(caller, group, roles)
            uri = self.naming.uri(group.name)
            grants = unit.node_groups.grants(uri, after_node_id=after, limit=limit + 1)
            page = _whole_nodes(grants, limit)
            paths = [(grant, unit.nodes.path_of(grant.node_id)) for grant in page]
            uses = [
                self._use(unit, caller, path, grant.mode)
                for grant, path in paths
                if path is not None
            ]
        shown = tuple(use for use in uses if use is not None)
        return GroupUses(
            uses=shown,
            hidden=len(uses) - len(shown),
            next_after=page[-1].node_id if len(grants) > limit else None,
        )

    def history(
        self,
        caller: Identity,
        name: str,
        *,
        before: int | None = None,
        limit: int = MOST_ENTRIES,
    ) -> list[AuditEntry]:
        """Who changed the group and its members when, the latest first.

        For whoever may change it. Users stand under their names in the details, as far as
        there are such accounts.
        """
        caller = self._groups.informed(caller, name)
        with self._tree.database.read() as unit:
            group, roles = self._visible(unit, caller, name)
            _require_change(caller, group, roles)
            uri = self.naming.uri(group.name)
            entries = unit.audit.about(uri, limit=min(limit, MOST_ENTRIES), before_id=before)
            return _with_names(unit, entries)

    def _with_role(self, unit: UnitOfWork, caller: Identity, role: GroupRole) -> list[Group]:
        if role is GroupRole.OWNER:
            return unit.groups.owned_by(caller.user_id)
        if role is GroupRole.MEMBER:
            return unit.groups.by_names(self.memberships(caller))
        user = unit.users.by_id(caller.user_id)
        means_caller = lines_through(caller.groups) + (descriptions_of(user) if user else [])
        return unit.groups.administered_by(means_caller)

    def _visible(
        self, unit: UnitOfWork, caller: Identity, name: str
    ) -> tuple[Group, frozenset[GroupRole]]:
        group = self._groups.existing(unit, name)
        roles = self._groups.roles(unit, group, caller)
        admitted = is_public(group) or not caller.groups.isdisjoint(readers_of(group))
        if not roles and not admitted and not caller.acts_as_admin:
            raise PermissionDenied(f"can't look into the group {group.name}")
        return group, roles

    def _view(
        self, unit: UnitOfWork, caller: Identity, group: Group, roles: frozenset[GroupRole]
    ) -> GroupView:
        lines = (*group.members, *group.admins)
        ids = [int(line.value) for line in lines if line.kind is MemberKind.USER]
        people = unit.users.by_ids([group.owner_id, *ids])
        may = caller.may_write_everywhere
        return GroupView(
            group=with_names(unit, group),
            uri=self.naming.uri(group.name),
            roles=roles,
            people={user.name: user for user in people},
            changeable=may and _may_change(caller, roles),
            deletable=may and (GroupRole.OWNER in roles or caller.acts_as_admin),
        )

    @staticmethod
    def _use(
        unit: UnitOfWork, caller: Identity, path: NodePath, mode: GrantMode
    ) -> GroupUse | None:
        records = unit.nodes.walk(path)
        found = Found(path=path, records=records)
        if len(records) <= len(path) or not authorize(caller, found, Action.SEE).allowed:
            return None
        return GroupUse(path=path, node_type=records[-1].kind, mode=mode)


def _with_names(unit: UnitOfWork, entries: list[AuditEntry]) -> list[AuditEntry]:
    """The log names users by number, which survives a new name; people read names."""
    numbers = {
        str(entry.detail["member"])
        for entry in entries
        if entry.detail.get("kind") == MemberKind.USER.value
    }
    names = {str(n): name for n, name in unit.users.names(map(int, numbers)).items()}
    return [
        replace(entry, detail={**entry.detail, "member": names[str(entry.detail["member"])]})
        if entry.detail.get("kind") == MemberKind.USER.value and entry.detail["member"] in names
        else entry
        for entry in entries
    ]


def _may_change(caller: Identity, roles: frozenset[GroupRole]) -> bool:
    return caller.acts_as_admin or bool(roles & {GroupRole.OWNER, GroupRole.ADMIN})


def _require_change(caller: Identity, group: Group, roles: frozenset[GroupRole]) -> None:
    if not _may_change(caller, roles):
        raise PermissionDenied(f"only owners and administrators see this of {group.name}")


def _whole_nodes(grants: list[Grant], limit: int) -> list[Grant]:
    """At most `limit` of them, so that the next page begins with a node of its own."""
    if len(grants) <= limit:
        return grants
    beyond = grants[limit].node_id
    page = [grant for grant in grants[:limit] if grant.node_id != beyond]
    return page or grants[:limit]
