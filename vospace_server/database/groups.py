"""GroupRepository: groups, their members, and who is a member of what."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    and_,
    delete,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from vospace_server.database.generations import GROUPS, raise_generation
from vospace_server.database.node_statements import groups_below_statement
from vospace_server.database.schema import (
    app_user,
    group_admin,
    group_member,
    group_property,
    user_group,
)
from vospace_server.domain.account import AlreadyExistsError
from vospace_server.domain.group import (
    Group,
    GroupProperty,
    Member,
    MemberKind,
    PropertyKind,
)
from vospace_server.domain.group_access import ADMITTED, READER_KEY

# Those that exist; names of deleted ones stay in the table.
_GROUPS = (
    select(user_group, app_user.c.name.label("owner"))
    .join(app_user, app_user.c.id == user_group.c.owner_id)
    .where(user_group.c.deleted_at.is_(None))
)


_NAMED_BELOW: Final = groups_below_statement()


class GroupRepository:
    """Groups in one transaction; every change makes cached memberships stale everywhere.

    The value of a member of kind USER is a user id as text here, so that it survives a new
    name; services turn it into the name.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def named_below(self, top_id: int) -> set[str]:
        """Every group that a node or one below it names."""
        return set(self._connection.scalars(_NAMED_BELOW, {"top_id": top_id}))

    def add(self, *, name: str, owner_id: int, description: str, created: datetime) -> int:
        """A new, empty group. Raises AlreadyExistsError, for names of deleted groups too."""
        values = {
            "name": name,
            "owner_id": owner_id,
            "description": description,
            "created_at": created,
            "modified_at": created,
            "deleted_at": None,
        }
        try:
            query = insert(user_group).values(values).returning(user_group.c.id)
            group_id: int = self._connection.execute(query).scalar_one()
        except IntegrityError as error:
            raise AlreadyExistsError(f"there is (or was) a group {name!r} already") from error
        self._changed()
        return group_id

    def change_description(self, group_id: int, description: str, *, at: datetime) -> None:
        """Gives the group another description."""
        self._connection.execute(
            update(user_group)
            .where(user_group.c.id == group_id)
            .values(description=description, modified_at=at)
        )

    def delete(self, group_id: int, *, at: datetime) -> None:
        """Ends the group and all memberships in it; its name stays taken."""
        for table in (group_member, group_admin, group_property):
            self._connection.execute(delete(table).where(table.c.group_id == group_id))
        self._connection.execute(
            update(user_group)
            .where(user_group.c.id == group_id)
            .values(deleted_at=at, modified_at=at)
        )
        self._changed()

    # ------------------------------------------------------------------ finding

    def by_name(self, name: str, *, for_change: bool = False) -> Group | None:
        """The group of this name, whole, also with those members whose time is over.

        `for_change` keeps everybody else from changing it until the transaction ends.
        """
        query = _GROUPS.where(user_group.c.name == name)
        if for_change:
            query = query.with_for_update(of=user_group)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        return replace(
            _group(row),
            members=self._members(row.id),
            admins=self._admins(row.id),
            properties=self._properties(row.id),
        )

    def all(self) -> list[Group]:
        """Every group by name, as a row: without members, administrators and properties."""
        return self._rows(_GROUPS)

    def by_names(self, names: Collection[str]) -> list[Group]:
        """Those of the groups that exist, by name, as rows."""
        return self._rows(_GROUPS.where(user_group.c.name.in_(names)))

    def owned_by(self, user_id: int) -> list[Group]:
        """The groups of an owner by name, as rows."""
        return self._rows(_GROUPS.where(user_group.c.owner_id == user_id))

    def administered_by(self, admins: Iterable[Member]) -> list[Group]:
        """The groups that any of these administers, by name, as rows."""
        described = _any_of(group_admin, admins)
        if described is None:
            return []
        administered = select(group_admin.c.group_id).where(described)
        return self._rows(_GROUPS.where(user_group.c.id.in_(administered)))

    def with_properties(self, keys: Collection[str], value: str) -> list[Group]:
        """The groups that have a property of any of these keys, by name, as rows."""
        having = select(group_property.c.group_id).where(
            group_property.c.key.in_(keys), group_property.c.value == value
        )
        return self._rows(_GROUPS.where(user_group.c.id.in_(having)))

    # ------------------------------------------------------------------ members

    def add_member(self, group_id: int, member: Member, *, added_by: int, at: datetime) -> None:
        """Adds a member, or gives the one that is there its new time of expiry."""
        self._delete_member(group_id, member)
        values = {
            "group_id": group_id,
            "kind": member.kind.value,
            "value": member.value,
            "added_by": added_by,
            "added_at": at,
            "expires_at": member.expires,
        }
        self._connection.execute(insert(group_member).values(values))
        self._touch(group_id, at)

    def remove_member(self, group_id: int, member: Member, *, at: datetime) -> bool:
        """Removes a member; False when there was none such."""
        if not self._delete_member(group_id, member):
            return False
        self._touch(group_id, at)
        return True

    def memberships(
        self, members: Iterable[Member], *, now: datetime
    ) -> list[tuple[str, datetime | None]]:
        """Names of the groups that hold any of the members now, and until when."""
        described = _any_of(group_member, members)
        if described is None:
            return []
        query = (
            select(user_group.c.name, group_member.c.expires_at)
            .join(group_member, group_member.c.group_id == user_group.c.id)
            .where(described, _holds(now))
        )
        return [(row.name, row.expires_at) for row in self._connection.execute(query)]

    def groups_in(self, names: Collection[str] | None, *, now: datetime) -> list[str]:
        """The URIs of all groups that are members of any of these groups (None: of any) now."""
        query = (
            select(group_member.c.value)
            .join(user_group, group_member.c.group_id == user_group.c.id)
            .where(group_member.c.kind == MemberKind.GROUP.value, _holds(now))
            .distinct()
        )
        if names is not None:
            query = query.where(user_group.c.name.in_(names))
        return list(self._connection.scalars(query))

    def groups_with_a_part(self, *, now: datetime) -> set[str]:
        """The URIs of all groups that are members of any group, administer it or may see it."""
        administering = (
            select(group_admin.c.value)
            .join(user_group, group_admin.c.group_id == user_group.c.id)
            .where(
                group_admin.c.kind == MemberKind.GROUP.value, user_group.c.deleted_at.is_(None)
            )
        )
        reading = (
            select(group_property.c.key)
            .join(user_group, group_property.c.group_id == user_group.c.id)
            .where(
                group_property.c.key.startswith(READER_KEY, autoescape=True),
                group_property.c.value == ADMITTED,
                user_group.c.deleted_at.is_(None),
            )
        )
        readers = (key.removeprefix(READER_KEY) for key in self._connection.scalars(reading))
        administrators = self._connection.scalars(administering)
        return {*self.groups_in(None, now=now), *administrators, *readers}

    # ------------------------------------------------------------------ administrators

    def add_admin(self, group_id: int, admin: Member, *, added_by: int, at: datetime) -> None:
        """Makes somebody an administrator, who must not be one yet."""
        values = {
            "group_id": group_id,
            "kind": admin.kind.value,
            "value": admin.value,
            "added_by": added_by,
            "added_at": at,
        }
        self._connection.execute(insert(group_admin).values(values))
        self._touch(group_id, at)

    def remove_admin(self, group_id: int, admin: Member, *, at: datetime) -> bool:
        """Removes an administrator; False when there was none such."""
        result = self._connection.execute(
            delete(group_admin).where(_is_line(group_admin, group_id, admin))
        )
        if not result.rowcount:
            return False
        self._touch(group_id, at)
        return True

    # ------------------------------------------------------------------ properties

    def replace_properties(
        self, group_id: int, properties: Iterable[GroupProperty], *, at: datetime
    ) -> None:
        """Keeps exactly these properties with the group."""
        self._connection.execute(
            delete(group_property).where(group_property.c.group_id == group_id)
        )
        rows = [
            {
                "group_id": group_id,
                "key": each.key,
                "kind": each.kind.value,
                "value": each.value,
                "read_only": each.read_only,
            }
            for each in properties
        ]
        if rows:
            self._connection.execute(insert(group_property), rows)
        self._touch(group_id, at)

    # ------------------------------------------------------------------ rows

    def _rows(self, query: Select[Any]) -> list[Group]:
        rows = self._connection.execute(query.order_by(user_group.c.name))
        return [_group(row) for row in rows]

    def _members(self, group_id: int) -> tuple[Member, ...]:
        query = select(group_member).where(group_member.c.group_id == group_id)
        rows = self._connection.execute(
            query.order_by(group_member.c.kind, group_member.c.value)
        )
        return tuple(
            Member(kind=MemberKind(row.kind), value=row.value, expires=row.expires_at)
            for row in rows
        )

    def _admins(self, group_id: int) -> tuple[Member, ...]:
        query = select(group_admin).where(group_admin.c.group_id == group_id)
        rows = self._connection.execute(query.order_by(group_admin.c.kind, group_admin.c.value))
        return tuple(Member(kind=MemberKind(row.kind), value=row.value) for row in rows)

    def _properties(self, group_id: int) -> tuple[GroupProperty, ...]:
        query = select(group_property).where(group_property.c.group_id == group_id)
        rows = self._connection.execute(query.order_by(group_property.c.key))
        return tuple(
            GroupProperty(
                key=row.key,
                value=row.value,
                kind=PropertyKind(row.kind),
                read_only=row.read_only,
            )
            for row in rows
        )

    def _delete_member(self, group_id: int, member: Member) -> bool:
        result = self._connection.execute(
            delete(group_member).where(_is_line(group_member, group_id, member))
        )
        return result.rowcount > 0

    def _touch(self, group_id: int, at: datetime) -> None:
        self._connection.execute(
            update(user_group).where(user_group.c.id == group_id).values(modified_at=at)
        )
        self._changed()

    def _changed(self) -> None:
        raise_generation(self._connection, GROUPS)


def _holds(now: datetime) -> ColumnElement[bool]:
    """Memberships that have not ended, in groups that have not either."""
    valid = or_(group_member.c.expires_at.is_(None), group_member.c.expires_at > now)
    return and_(valid, user_group.c.deleted_at.is_(None))


def _is_line(table: Table, group_id: int, member: Member) -> ColumnElement[bool]:
    """The line of a member or administrator."""
    return and_(
        table.c.group_id == group_id,
        table.c.kind == member.kind.value,
        table.c.value == member.value,
    )


def _any_of(table: Table, members: Iterable[Member]) -> ColumnElement[bool] | None:
    """The lines of any of the members; None if there are no members."""
    values: dict[MemberKind, list[str]] = {}
    for member in members:
        values.setdefault(member.kind, []).append(member.value)
    if not values:
        return None
    return or_(
        *(
            and_(table.c.kind == kind.value, table.c.value.in_(texts))
            for kind, texts in values.items()
        )
    )


def _group(row: Row[Any]) -> Group:
    return Group(
        group_id=row.id,
        name=row.name,
        owner_id=row.owner_id,
        owner=row.owner,
        description=row.description,
        created=row.created_at,
        modified=row.modified_at,
    )
