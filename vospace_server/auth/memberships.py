"""Memberships: every group a user belongs to, directly or through other groups."""

from collections.abc import Iterable
from datetime import datetime

from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.account import User
from vospace_server.domain.group import (
    Expansion,
    GroupNaming,
    Member,
    MemberKind,
    Membership,
    descriptions_of,
    expand,
)


class Memberships:
    """Expands memberships from the database, one query for each level of nesting."""

    def __init__(self, *, naming: GroupNaming) -> None:
        self._naming = naming

    def of(self, user: User, unit: UnitOfWork, *, now: datetime) -> Expansion:
        """The groups of the user as of now.

        The user is a member by account, by any of the account's distinguished names, and by
        its e-mail address.
        """

        def groups_with(members: Iterable[Member]) -> list[Membership]:
            found = unit.groups.memberships(members, now=now)
            return [Membership(group_uri=self._naming.uri(n), expires=end) for n, end in found]

        def containing(group_uris: frozenset[str]) -> list[Membership]:
            return groups_with(Member(kind=MemberKind.GROUP, value=u) for u in group_uris)

        return expand(groups_with(descriptions_of(user)), containing)
