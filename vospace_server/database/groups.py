"""GroupRepository: groups, their members, and who is a member of what."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from vospace_server.database.generations import GROUPS, raise_generation
from vospace_server.database.schema import app_user, group_member, user_group
from vospace_server.domain.account import AlreadyExistsError
from vospace_server.domain.group import Group, Member, MemberKind

_GROUPS = select(user_group, app_user.c.name.label("owner")).join(
    app_user, app_user.c.id == user_group.c.owner_id
)


class GroupRepository:
    """Groups in one transaction; every change makes cached memberships stale everywhere.

    The value of a member of kind USER is a user id as text here, so that it survives a new
    name; services turn it into the name.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

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

    def by_name(self, name: str) -> Group | None:
        """The group of this name with all its members, also those whose time is over."""
        query = _GROUPS.where(user_group.c.name == name, user_group.c.deleted_at.is_(None))
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        members = self._connection.execute(
            select(group_member)
            .where(group_member.c.group_id == row.id)
            .order_by(group_member.c.kind, group_member.c.value)
        )
        return _group(row, tuple(_member(member) for member in members))

    def all(self) -> list[Group]:
        """Every group by name, without its members."""
        query = _GROUPS.where(user_group.c.deleted_at.is_(None)).order_by(user_group.c.name)
        return [_group(row, ()) for row in self._connection.execute(query)]

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
        values: dict[MemberKind, list[str]] = {}
        for member in members:
            values.setdefault(member.kind, []).append(member.value)
        if not values:
            return []
        described = or_(
            *(
                and_(group_member.c.kind == kind.value, group_member.c.value.in_(texts))
                for kind, texts in values.items()
            )
        )
        valid = or_(group_member.c.expires_at.is_(None), group_member.c.expires_at > now)
        query = (
            select(user_group.c.name, group_member.c.expires_at)
            .join(group_member, group_member.c.group_id == user_group.c.id)
            .where(described, valid, user_group.c.deleted_at.is_(None))
        )
        return [(row.name, row.expires_at) for row in self._connection.execute(query)]

    def _delete_member(self, group_id: int, member: Member) -> bool:
        result = self._connection.execute(
            delete(group_member).where(
                group_member.c.group_id == group_id,
                group_member.c.kind == member.kind.value,
                group_member.c.value == member.value,
            )
        )
        return result.rowcount > 0

    def _touch(self, group_id: int, at: datetime) -> None:
        self._connection.execute(
            update(user_group).where(user_group.c.id == group_id).values(modified_at=at)
        )
        self._changed()

    def _changed(self) -> None:
        raise_generation(self._connection, GROUPS)


def _group(row: Row[Any], members: tuple[Member, ...]) -> Group:
    return Group(
        group_id=row.id,
        name=row.name,
        owner=row.owner,
        description=row.description,
        created=row.created_at,
        modified=row.modified_at,
        members=members,
    )


def _member(row: Row[Any]) -> Member:
    return Member(kind=MemberKind(row.kind), value=row.value, expires=row.expires_at)
