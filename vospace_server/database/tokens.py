"""TokenRepository: access tokens, of which only a digest is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from vospace_server.database.generations import USERS, raise_generation
from vospace_server.database.schema import token
from vospace_server.domain.account import Token
from vospace_server.domain.token_scope import TokenScope


class TokenRepository:
    """Tokens in one transaction; revoking one makes cached identities stale everywhere."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, new: Token, *, digest: str) -> int:
        """Keeps a new token (whose `token_id` is ignored) under the digest of its text."""
        values = {
            "user_id": new.user_id,
            "digest": digest,
            "scope": new.scope.label,
            "label": new.label,
            "created_at": new.created,
            "expires_at": new.expires,
        }
        query = insert(token).values(values).returning(token.c.id)
        token_id: int = self._connection.execute(query).scalar_one()
        return token_id

    def by_digest(self, digest: str) -> Token | None:
        """The token whose text has this digest, usable or not."""
        row = self._connection.execute(
            select(token).where(token.c.digest == digest)
        ).one_or_none()
        return None if row is None else _token(row)

    def of_user(self, user_id: int) -> list[Token]:
        """All tokens of an account, oldest first."""
        query = select(token).where(token.c.user_id == user_id).order_by(token.c.id)
        return [_token(row) for row in self._connection.execute(query)]

    def revoke(self, token_id: int, *, at: datetime) -> None:
        """Ends a token; one that has ended already keeps its time."""
        self._connection.execute(
            update(token)
            .where(token.c.id == token_id, token.c.revoked_at.is_(None))
            .values(revoked_at=at)
        )
        raise_generation(self._connection, USERS)

    def forget_expired(self, user_id: int, *, before: datetime) -> None:
        """Deletes tokens of the account that ended by themselves before a time."""
        self._connection.execute(
            delete(token).where(token.c.user_id == user_id, token.c.expires_at < before)
        )

    def set_last_used(self, token_id: int, at: datetime) -> None:
        """Records a use. Does not make identities stale: it changes nobody's rights."""
        self._connection.execute(
            update(token).where(token.c.id == token_id).values(last_used_at=at)
        )


def _token(row: Row[Any]) -> Token:
    return Token(
        token_id=row.id,
        user_id=row.user_id,
        scope=TokenScope.decode(row.scope),
        label=row.label,
        created=row.created_at,
        expires=row.expires_at,
        revoked=row.revoked_at is not None,
        last_used=row.last_used_at,
    )
