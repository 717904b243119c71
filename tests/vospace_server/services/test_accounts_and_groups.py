"""Accounts and groups on both database engines: what is kept, and what is refused whole."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from vospace_server.database.engine import Database
from vospace_server.domain.account import AlreadyExistsError, NoSuchUserError
from vospace_server.domain.group import GroupNaming, Member, MemberKind
from vospace_server.domain.identity import OPERATOR
from vospace_server.domain.token_scope import TokenScope
from vospace_server.services.accounts import AccountService, NewUser
from vospace_server.services.groups import GroupService

NAMING = GroupNaming(service_id="ivo://localhost/gms")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    database.upgrade()
    yield database
    database.close()


@pytest.fixture
def accounts(database: Database) -> AccountService:
    return AccountService(database=database, hash_password=lambda password: f"hash {password}")


@pytest.fixture
def groups(database: Database) -> GroupService:
    return GroupService(database=database, naming=NAMING)


def generations(database: Database) -> tuple[int, ...]:
    with database.read() as unit:
        return unit.users.generations()


def test_a_user_is_kept_as_given(accounts: AccountService) -> None:
    new = NewUser(
        name="ann",
        password="secret-12",
        email="ann@example.org",
        is_admin=True,
        distinguished_names=["/C=CA/CN=Ann", "CN=Ann,C=CA", "/C=CA/CN=Ann 2"],
    )

    added = accounts.add(new, by=OPERATOR)

    assert added == accounts.get("ann") == accounts.all()[0]
    assert (added.password_hash, added.email) == ("hash secret-12", "ann@example.org")
    assert (added.is_admin, added.disabled) == (True, False)
    assert added.distinguished_names == ("cn=ann,c=ca", "cn=ann 2,c=ca")


def test_names_of_users_are_taken_byte_for_byte(accounts: AccountService) -> None:
    accounts.add(NewUser(name="ann"), by=OPERATOR)
    accounts.add(NewUser(name="Ann"), by=OPERATOR)

    with pytest.raises(AlreadyExistsError, match="there is a user 'ann' already"):
        accounts.add(NewUser(name="ann"), by=OPERATOR)

    assert [user.name for user in accounts.all()] == ["Ann", "ann"]


def test_a_certificate_of_somebody_else_makes_no_half_a_user(accounts: AccountService) -> None:
    accounts.add(NewUser(name="ann", distinguished_names=["/C=CA/CN=Ann"]), by=OPERATOR)

    with pytest.raises(AlreadyExistsError, match="'cn=ann,c=ca' belongs to a user already"):
        accounts.add(NewUser(name="bob", distinguished_names=["CN=ann,C=CA"]), by=OPERATOR)

    with pytest.raises(NoSuchUserError):
        accounts.get("bob")


def test_expired_tokens_are_forgotten_after_a_month(database: Database) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    accounts = AccountService(database=database, hash_password=str, clock=lambda: now)
    accounts.add(NewUser(name="ann"), by=OPERATOR)

    def make_token(days: float | None) -> None:
        lifetime = None if days is None else timedelta(days=days)
        accounts.make_token(
            "ann", scope=TokenScope.READ, lifetime=lifetime, label=f"{days}", by=OPERATOR
        )

    for days in (1, 20, None):
        make_token(days)
    now += timedelta(days=40)
    make_token(1)

    assert [token.label for token in accounts.tokens("ann")] == ["20", "None", "1"]


def test_a_group_keeps_its_members_by_what_they_are(
    accounts: AccountService, groups: GroupService
) -> None:
    accounts.add(NewUser(name="ann"), by=OPERATOR)
    groups.add("g1", owner="ann", description="first", by=OPERATOR)
    groups.add("g2", owner="ann", description="", by=OPERATOR)
    for member in ("ann", "Bob@Example.org", "/C=CA/CN=Cy", "group:g2"):
        groups.add_member("g1", member, expires=None, by=OPERATOR)

    group = groups.get("ivo://localhost/gms?g1")

    assert (group.owner, group.description) == ("ann", "first")
    assert group.members == (
        Member(kind=MemberKind.DN, value="cn=cy,c=ca"),
        Member(kind=MemberKind.EMAIL, value="bob@example.org"),
        Member(kind=MemberKind.GROUP, value="ivo://localhost/gms?g2"),
        Member(kind=MemberKind.USER, value="ann"),
    )


def test_a_second_membership_changes_only_the_end_of_the_first(
    accounts: AccountService, groups: GroupService
) -> None:
    accounts.add(NewUser(name="ann"), by=OPERATOR)
    groups.add("g1", owner="ann", description="", by=OPERATOR)
    end = datetime(2100, 1, 1, tzinfo=UTC)
    groups.add_member("g1", "ann", expires=None, by=OPERATOR)

    groups.add_member("g1", "ann", expires=end, by=OPERATOR)
    with pytest.raises(AlreadyExistsError):
        groups.add_member("g1", "user:ann", expires=end, by=OPERATOR)

    assert groups.get("g1").members == (Member(kind=MemberKind.USER, value="ann", expires=end),)


def test_every_change_raises_a_generation_and_looking_raises_none(
    database: Database, accounts: AccountService, groups: GroupService
) -> None:
    seen = [generations(database)]

    def note() -> None:
        seen.append(generations(database))

    accounts.add(NewUser(name="ann"), by=OPERATOR)
    note()
    accounts.set_password("ann", "secret-12", by=OPERATOR)
    note()
    accounts.set_disabled("ann", disabled=True, by=OPERATOR)
    note()
    groups.add("g1", owner="ann", description="", by=OPERATOR)
    note()
    groups.add_member("g1", "ann", expires=None, by=OPERATOR)
    note()
    groups.remove_member("g1", "ann", by=OPERATOR)
    note()

    assert len(set(seen)) == 7
    groups.get("g1")
    accounts.all()
    assert generations(database) == seen[-1]


def test_every_change_is_in_the_audit_log_without_secrets(
    database: Database, accounts: AccountService, groups: GroupService
) -> None:
    accounts.add(NewUser(name="ann", password="secret-12"), by=OPERATOR)
    ann = accounts.get("ann")
    token = accounts.make_token(
        "ann", scope=TokenScope.READ, lifetime=None, label="", by=OPERATOR
    )
    groups.add("g1", owner="ann", description="", by=OPERATOR)
    groups.add_member("g1", "ann", expires=None, by=OPERATOR)

    with database.read() as unit:
        rows = unit.audit._connection.exec_driver_sql(
            "SELECT actor_name, action, subject, detail FROM audit_event ORDER BY id"
        ).all()

    assert [tuple(row)[:3] for row in rows] == [
        ("operator", "user-added", "ann"),
        ("operator", "token-made", "ann"),
        ("operator", "group-added", "ivo://localhost/gms?g1"),
        ("operator", "group-member-added", "ivo://localhost/gms?g1"),
    ]
    assert rows[3].detail == f'{{"expires": null, "kind": "user", "member": "{ann.user_id}"}}'
    assert token not in repr(rows)
    assert "secret-12" not in repr(rows)
