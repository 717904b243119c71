"""Tables of people: users, their identities and tokens, groups, and the audit log."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from vospace_server.database.columns import BigId, ExactText, UtcTime, metadata

# Named app_user because "user" is a reserved word in PostgreSQL.
app_user = Table(
    "app_user",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("name", ExactText, nullable=False, unique=True),
    # An argon2 string; null: no login by password.
    Column("password_hash", Text),
    Column("email", Text),
    Column("is_admin", Boolean, nullable=False),
    # Users are never deleted, since nodes name them as their owners; null: enabled.
    Column("disabled_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)

# By what else a user is known.
identity = Table(
    "identity",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("user_id", BigInteger, ForeignKey("app_user.id"), nullable=False),
    # 'X500' (value: normalised DN), 'OIDC' (value: issuer, space, subject), ...
    Column("kind", Text, nullable=False),
    Column("value", ExactText, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("kind", "value", name="identity_by_value"),
    Index("identity_by_user", "user_id"),
    sqlite_autoincrement=True,
)

token = Table(
    "token",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("user_id", BigInteger, ForeignKey("app_user.id"), nullable=False),
    # SHA-256 of the token in hexadecimal: a stolen database opens no door.
    Column("digest", Text, nullable=False, unique=True),
    Column("scope", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    # null: never.
    Column("expires_at", UtcTime),
    Column("revoked_at", UtcTime),
    # Kept to the minute at best; null: never used.
    Column("last_used_at", UtcTime),
    Index("token_by_user", "user_id"),
    sqlite_autoincrement=True,
)

# Logins of browsers.
session = Table(
    "session",
    metadata,
    # SHA-256 of the cookie in hexadecimal.
    Column("digest", Text, primary_key=True),
    Column("user_id", BigInteger, ForeignKey("app_user.id"), nullable=False),
    Column("csrf_secret", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("last_seen_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index("session_by_user", "user_id"),
    Index("session_by_expiry", "expires_at"),
)

user_group = Table(
    "user_group",
    metadata,
    Column("id", BigId, primary_key=True),
    # Names of deleted groups stay taken: nodes may still name them (GMS 1.0).
    Column("name", ExactText, nullable=False, unique=True),
    Column("owner_id", BigInteger, ForeignKey("app_user.id"), nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("modified_at", UtcTime, nullable=False),
    # null: it exists.
    Column("deleted_at", UtcTime),
    Index("user_group_by_owner", "owner_id"),
    sqlite_autoincrement=True,
)

group_property = Table(
    "group_property",
    metadata,
    Column("group_id", BigInteger, ForeignKey("user_group.id"), primary_key=True),
    Column("key", ExactText, primary_key=True),
    # 'String' or 'Integer'.
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("read_only", Boolean, nullable=False),
)

# A member is whoever this line describes, known to us yet or not.
group_member = Table(
    "group_member",
    metadata,
    Column("group_id", BigInteger, ForeignKey("user_group.id"), primary_key=True),
    # 'user' (value: app_user.id as text), 'dn', 'email', 'group' (value: group URI).
    Column("kind", Text, primary_key=True),
    Column("value", ExactText, primary_key=True),
    Column("added_by", BigInteger, nullable=False),
    Column("added_at", UtcTime, nullable=False),
    # null: never.
    Column("expires_at", UtcTime),
    Index("group_member_by_value", "kind", "value"),
)

group_admin = Table(
    "group_admin",
    metadata,
    Column("group_id", BigInteger, ForeignKey("user_group.id"), primary_key=True),
    # As in group_member.
    Column("kind", Text, primary_key=True),
    Column("value", ExactText, primary_key=True),
    Column("added_by", BigInteger, nullable=False),
    Column("added_at", UtcTime, nullable=False),
    Index("group_admin_by_value", "kind", "value"),
)

group_invitation = Table(
    "group_invitation",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("group_id", BigInteger, ForeignKey("user_group.id"), nullable=False),
    # SHA-256 of the secret in the link.
    Column("digest", Text, nullable=False, unique=True),
    Column("email", Text),
    # 'member' or 'admin'.
    Column("role", Text, nullable=False),
    Column("invited_by", BigInteger, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    # null: open.
    Column("answered_at", UtcTime),
    Column("accepted_by", BigInteger),
    Column("membership_expires_at", UtcTime),
    Index("group_invitation_by_group", "group_id"),
    sqlite_autoincrement=True,
)

# Counters that caches compare: 'groups' is raised by every change of memberships, 'users' by
# every change of users, identities or tokens.
generation = Table(
    "generation",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

# Keys that sign tickets and sessions. The newest unretired key of a name signs; all that are
# not yet retired verify.
secret = Table(
    "secret",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("name", Text, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    # From this time on it no longer verifies; null: in use.
    Column("retired_at", UtcTime),
    Index("secret_by_name", "name"),
    sqlite_autoincrement=True,
)

audit_event = Table(
    "audit_event",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("at", UtcTime, nullable=False),
    # app_user.id, and the name as it was; 0 and '' for nobody.
    Column("actor_id", BigInteger, nullable=False),
    Column("actor_name", Text, nullable=False),
    # 'login', 'token-made', 'group-member-added', 'owner-changed', ...
    Column("action", Text, nullable=False),
    # What it was done to: a path, group URI or user name.
    Column("subject", Text, nullable=False),
    # JSON with what else is worth knowing; never a secret.
    Column("detail", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Index("audit_event_by_time", "at"),
    Index("audit_event_by_subject", "subject"),
    sqlite_autoincrement=True,
)
