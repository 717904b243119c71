"""Who may see and change groups, on both engines; where they are used and what was done."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.vospace_server.services.tree_space import TreeSpace, at
from vospace_model.faults import PermissionDenied
from vospace_server.domain.account import (
    AlreadyExistsError,
    InvalidValueError,
    NoSuchGroupError,
    NotAMemberError,
)
from vospace_server.domain.group import (
    GrantMode,
    GroupChange,
    GroupProperty,
    GroupRole,
    Member,
    MemberKind,
    PropertyKind,
)
from vospace_server.domain.identity import OPERATOR, Identity
from vospace_server.domain.token_scope import TokenScope
from vospace_server.services.accounts import AccountService, NewUser
from vospace_server.services.group_queries import GroupQueries
from vospace_server.services.groups import GroupService
from vospace_server.services.nested_groups import (
    foreign_groups_inside,
    foreign_members,
    groups_around,
)


class Club:
    """Accounts ann, bob, cy, dee; services; and identities with the groups of now."""

    def __init__(self, space: TreeSpace) -> None:
        self.space = space
        self.database = space.database
        self.groups = GroupService(database=space.database, naming=space.tree.naming)
        self.queries = GroupQueries(tree=space.tree, groups=self.groups)
        accounts = AccountService(database=space.database, hash_password=str)
        for name in ("ann", "bob", "cy", "dee"):
            accounts.add(
                NewUser(
                    name=name,
                    email=f"{name}@example.org",
                    distinguished_names=[f"/C=CA/CN={name}"],
                ),
                by=OPERATOR,
            )
        self.ids = {user.name: user.user_id for user in accounts.all()}

    def known(self, name: str, *groups: str, scope: TokenScope = TokenScope.WRITE) -> Identity:
        """Somebody in these groups."""
        return Identity(
            user_id=self.ids[name],
            name=name,
            groups=frozenset(self.space.tree.naming.uri(group) for group in groups),
            is_admin=False,
            scope=scope,
        )


@pytest.fixture
def club(each_space: TreeSpace) -> Club:
    club = Club(each_space)
    ann = club.known("ann")
    club.groups.add("staff", owner="ann", description="All staff", by=ann)
    return club


def test_a_group_is_made_for_oneself_and_by_administrators_for_others(club: Club) -> None:
    with pytest.raises(PermissionDenied):
        club.groups.add("x", owner="ann", description="", by=club.known("bob"))
    reader = club.known("ann", scope=TokenScope.READ)
    with pytest.raises(PermissionDenied):
        club.groups.add("x", owner="ann", description="", by=reader)

    made = club.groups.add("x", owner="bob", description="", by=OPERATOR)

    assert (made.owner, made.members, made.admins) == ("bob", (), ())


def test_owner_and_administrators_change_a_group_and_others_do_not(club: Club) -> None:
    ann, bob = club.known("ann"), club.known("bob")
    attempts: list[Callable[[Identity], object]] = [
        lambda by: club.groups.add_member("staff", "dee", expires=None, by=by),
        lambda by: club.groups.remove_member("staff", "dee", by=by),
        lambda by: club.groups.add_admin("staff", "dee", by=by),
        lambda by: club.groups.remove_admin("staff", "dee", by=by),
        lambda by: club.groups.change("staff", GroupChange(description="new"), by=by),
    ]
    for attempt in attempts:
        with pytest.raises(PermissionDenied):
            attempt(bob)
        with pytest.raises(PermissionDenied):
            attempt(club.known("ann", scope=TokenScope.READ))

    club.groups.add_admin("staff", "bob", by=ann)
    for attempt in attempts:
        attempt(bob)


@pytest.mark.parametrize("line", ["cy", "CN=cy,C=CA", "CY@example.org", "group:leads"])
def test_administrators_are_known_by_all_that_members_are(club: Club, line: str) -> None:
    ann = club.known("ann")
    club.groups.add("leads", owner="ann", description="", by=ann)

    club.groups.add_admin("staff", line, by=ann)

    cy = club.known("cy", "leads")
    assert club.queries.get(cy, "staff").roles == {GroupRole.ADMIN}
    assert [group.name for group in club.queries.with_role(cy, GroupRole.ADMIN)] == ["staff"]
    with pytest.raises(AlreadyExistsError):
        club.groups.add_admin("staff", line, by=cy)
    club.groups.remove_admin("staff", line, by=cy)
    with pytest.raises(NotAMemberError):
        club.groups.remove_admin("staff", line, by=ann)


def test_only_the_owner_deletes_and_the_name_stays_taken(club: Club) -> None:
    ann, bob = club.known("ann"), club.known("bob")
    club.groups.add_admin("staff", "bob", by=ann)
    with pytest.raises(PermissionDenied, match="only its owners may"):
        club.groups.delete("staff", by=bob)

    club.groups.delete("staff", by=ann)

    for look in (club.groups.get, lambda name: club.queries.get(ann, name)):
        with pytest.raises(NoSuchGroupError):
            look("staff")
    assert club.queries.visible(club.known("bob", "staff")) == []
    with pytest.raises(AlreadyExistsError, match="there is"):
        club.groups.add("staff", owner="ann", description="", by=ann)


def test_a_change_is_whole_or_not_at_all(club: Club) -> None:
    """Nothing of it stays when one member does not exist."""
    ann = club.known("ann")
    club.groups.add_member("staff", "bob", expires=None, by=ann)
    before = club.groups.get("staff")

    for broken in (
        GroupChange(description="new", members=("cy", "nobody-known@")),
        GroupChange(description="new", properties=(GroupProperty(key="", value=""),)),
        GroupChange(
            members=(),
            properties=(GroupProperty(key="n", value="x", kind=PropertyKind.INTEGER),),
        ),
    ):
        with pytest.raises(InvalidValueError):
            club.groups.change("staff", broken, by=ann)

    assert club.groups.get("staff") == before


def test_a_change_says_what_a_group_is_from_now_on(club: Club) -> None:
    ann = club.known("ann")
    club.groups.add_member("staff", "bob", expires=None, by=ann)
    remark = GroupProperty(key="n", value="3", kind=PropertyKind.INTEGER, read_only=True)

    club.groups.change(
        "staff",
        GroupChange(
            description="new",
            members=("cy", "dee@example.org"),
            admins=("dee",),
            properties=(remark,),
        ),
        by=ann,
    )

    group = club.groups.get("staff")
    assert group.description == "new"
    assert group.members == (
        Member(kind=MemberKind.EMAIL, value="dee@example.org"),
        Member(kind=MemberKind.USER, value="cy"),
    )
    assert group.admins == (Member(kind=MemberKind.USER, value="dee"),)
    assert group.properties == (remark,)


def test_a_group_is_seen_by_those_who_have_a_part_in_it(club: Club) -> None:
    ann = club.known("ann")
    club.groups.add_member("staff", "bob", expires=None, by=ann)
    club.groups.add("other", owner="cy", description="of cy", by=club.known("cy"))

    view = club.queries.get(club.known("bob", "staff"), "ivo://localhost/gms?staff")

    assert view.roles == {GroupRole.MEMBER}
    assert not view.changeable
    assert not view.deletable
    assert set(view.people) == {"ann", "bob"}
    assert club.queries.get(ann, "staff").deletable
    assert club.queries.get(OPERATOR, "staff").changeable
    with pytest.raises(PermissionDenied):
        club.queries.get(club.known("cy"), "staff")
    assert [group.name for group in club.queries.visible(ann)] == ["staff"]
    assert [group.name for group in club.queries.visible(OPERATOR)] == ["other", "staff"]
    assert [group.name for group in club.queries.visible(OPERATOR, "OF CY")] == ["other"]


def test_what_was_done_to_a_group_is_told_to_those_who_run_it(club: Club) -> None:
    ann, bob = club.known("ann"), club.known("bob", "staff")
    club.groups.add_member("staff", "bob", expires=None, by=ann)
    club.groups.remove_member("staff", "bob", by=ann)

    history = club.queries.history(ann, "staff")

    assert [(entry.actor, entry.action, entry.detail.get("member")) for entry in history] == [
        ("ann", "group-member-removed", "bob"),
        ("ann", "group-member-added", "bob"),
        ("ann", "group-added", None),
    ]
    assert club.queries.history(ann, "staff", before=history[0].entry_id) == history[1:]
    for ask in (club.queries.history, club.queries.where_used):
        with pytest.raises(PermissionDenied):
            ask(bob, "staff")


def test_a_group_knows_the_nodes_that_grant_it_something(club: Club) -> None:
    """Nodes that the asking owner may not see are counted only; pages share no node."""
    ann, space = club.known("ann"), club.space
    uri = space.tree.naming.uri("staff")
    for name in ("one", "two"):
        space.mkdir(f"/alice/{name}", groupread=uri, groupwrite=uri)

    everything = club.queries.where_used(OPERATOR, "staff")
    hidden = club.queries.where_used(ann, "staff")
    first = club.queries.where_used(OPERATOR, "staff", limit=3)

    assert [(use.path, use.mode) for use in everything.uses] == [
        (at("/alice/one"), GrantMode.READ),
        (at("/alice/one"), GrantMode.READ_WRITE),
        (at("/alice/two"), GrantMode.READ),
        (at("/alice/two"), GrantMode.READ_WRITE),
    ]
    assert (hidden.uses, hidden.hidden) == ((), 4)
    assert first.uses == everything.uses[:2]
    assert first.next_after is not None
    rest = club.queries.where_used(OPERATOR, "staff", after=first.next_after)
    assert (rest.uses, rest.next_after) == (everything.uses[2:], None)


def test_groups_of_others_are_found_inside_ours_and_ours_around_them(club: Club) -> None:
    """To any depth, through circles, and only while the membership lasts."""
    ann, naming, theirs = club.known("ann"), club.space.tree.naming, "ivo://example.org/gms?t"
    for name in ("a", "b", "ended"):
        club.groups.add(name, owner="ann", description="", by=ann)
    end = datetime.now(UTC) + timedelta(hours=1)
    for group, member, expires in (
        ("a", "group:b", None),
        ("b", "group:a", None),
        ("b", theirs, None),
        ("ended", theirs, end),
    ):
        club.groups.add_member(group, member, expires=expires, by=ann)
    later = end + timedelta(seconds=1)
    ours = {name: naming.uri(name) for name in ("a", "b", "staff", "ended")}

    with club.database.read() as unit:
        inside = {
            name: foreign_groups_inside(unit, naming, [uri], now=later)
            for name, uri in ours.items()
        }
        around = groups_around(unit, naming, [theirs], now=later)
        everywhere = foreign_members(unit, naming, now=later)

    assert inside == {"a": {theirs}, "b": {theirs}, "staff": set(), "ended": set()}
    assert around == {theirs, ours["a"], ours["b"]}
    assert everywhere == {theirs}
