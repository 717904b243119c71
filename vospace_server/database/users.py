"""UserRepository: accounts and what else they are known by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from vospace_server.database.generations import (
    GROUPS,
    USERS,
    raise_generation,
    read_generations,
)
from vospace_server.database.schema import app_user, identity
from vospace_server.domain.account import AlreadyExistsError, IdentityKind, User


class UserRepository:
    """Accounts in one transaction; every change makes cached identities stale everywhere."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def generations(self) -> tuple[int, ...]:
        """The counters of users and of groups: equal means that nothing here has changed."""
        return read_generations(self._connection, USERS, GROUPS)

    def add(
        self,
        *,
        name: str,
        password_hash: str | None,
        email: str | None,
        is_admin: bool,
        created: datetime,
        disabled: datetime | None = None,
    ) -> int:
        """A new account; its id. Raises AlreadyExistsError when the name is taken."""
        values = {
            "name": name,
            "password_hash": password_hash,
            "email": email,
            "is_admin": is_admin,
            "disabled_at": disabled,
            "created_at": created,
        }
        try:
            query = insert(app_user).values(values).returning(app_user.c.id)
            user_id: int = self._connection.execute(query).scalar_one()
        except IntegrityError as error:
            raise AlreadyExistsError(f"there is a user {name!r} already") from error
        self._changed()
        return user_id

    def add_distinguished_name(self, user_id: int, name: str, *, created: datetime) -> None:
        """Lets a certificate of this (normalised) name log in as the user.

        Raises AlreadyExistsError when it is somebody's already.
        """
        self.add_identity(user_id, IdentityKind.X500, name, created=created)

    def add_identity(
        self, user_id: int, kind: IdentityKind, value: str, *, created: datetime
    ) -> None:
        """Lets a user be known by this as well.

        Raises AlreadyExistsError when it is somebody's already.
        """
        values = {
            "user_id": user_id,
            "kind": kind.value,
            "value": value,
            "created_at": created,
        }
        try:
            self._connection.execute(insert(identity).values(values))
        except IntegrityError as error:
            raise AlreadyExistsError(f"{value!r} belongs to a user already") from error
        self._changed()

    def remove_identity(self, user_id: int, kind: IdentityKind, value: str) -> bool:
        """The user is known by this no longer; whether they were."""
        removed = self._connection.execute(
            delete(identity).where(
                identity.c.user_id == user_id,
                identity.c.kind == kind.value,
                identity.c.value == value,
            )
        ).rowcount
        self._changed()
        return bool(removed)

    def by_name(self, name: str) -> User | None:
        """The account of this name, disabled or not."""
        return self._one(select(app_user).where(app_user.c.name == name))

    def by_id(self, user_id: int) -> User | None:
        """The account of this id, disabled or not."""
        return self._one(select(app_user).where(app_user.c.id == user_id))

    def by_identity(self, kind: IdentityKind, value: str) -> User | None:
        """The account that is known by this, disabled or not."""
        known = select(identity.c.user_id).where(
            identity.c.kind == kind.value, identity.c.value == value
        )
        return self._one(select(app_user).where(app_user.c.id == known.scalar_subquery()))

    def all(self) -> list[User]:
        """Every account, by name."""
        rows = self._connection.execute(select(app_user).order_by(app_user.c.name)).all()
        known = self._known_as(select(identity))
        return [_user(row, known[row.id]) for row in rows]

    def by_ids(self, user_ids: Iterable[int]) -> list[User]:
        """Those of the ids that are accounts, by name."""
        wanted = set(user_ids)
        rows = self._connection.execute(
            select(app_user).where(app_user.c.id.in_(wanted)).order_by(app_user.c.name)
        ).all()
        known = self._known_as(select(identity).where(identity.c.user_id.in_(wanted)))
        return [_user(row, known[row.id]) for row in rows]

    def names(self, user_ids: Iterable[int]) -> dict[int, str]:
        """The names of those of the ids that are accounts."""
        query = select(app_user.c.id, app_user.c.name).where(app_user.c.id.in_(set(user_ids)))
        return {row.id: row.name for row in self._connection.execute(query)}

    def set_password(self, user_id: int, password_hash: str) -> None:
        """Replaces the password."""
        self._update(user_id, password_hash=password_hash)

    def set_disabled(self, user_id: int, at: datetime | None) -> None:
        """Shuts the account from a time on, or opens it again (None)."""
        self._update(user_id, disabled_at=at)

    def _update(self, user_id: int, **values: object) -> None:
        self._connection.execute(
            update(app_user).where(app_user.c.id == user_id).values(**values)
        )
        self._changed()

    def _changed(self) -> None:
        raise_generation(self._connection, USERS)

    def _one(self, query: Any) -> User | None:
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        of_user = select(identity).where(identity.c.user_id == row.id)
        return _user(row, self._known_as(of_user)[row.id])

    def _known_as(self, query: Any) -> dict[int, list[Row[Any]]]:
        known: dict[int, list[Row[Any]]] = defaultdict(list)
        for row in self._connection.execute(query.order_by(identity.c.id)):
            known[row.user_id].append(row)
        return known


def _user(row: Row[Any], known_as: list[Row[Any]]) -> User:
    return User(
        user_id=row.id,
        name=row.name,
        is_admin=row.is_admin,
        disabled=row.disabled_at is not None,
        # Shut from the moment of its making on: nobody has opened it yet.
        waiting=row.disabled_at is not None and row.disabled_at == row.created_at,
        email=row.email,
        created=row.created_at,
        password_hash=row.password_hash,
        distinguished_names=_values(known_as, IdentityKind.X500),
        issued_names=_values(known_as, IdentityKind.OIDC),
    )


def _values(known_as: list[Row[Any]], kind: IdentityKind) -> tuple[str, ...]:
    return tuple(each.value for each in known_as if each.kind == kind.value)
