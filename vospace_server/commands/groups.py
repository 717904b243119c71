"""`vospace-server group …`."""

import argparse
from datetime import UTC, datetime, timedelta

from vospace_server.commands.failures import MISUSED, CommandError
from vospace_server.commands.opening import OpenSpace, open_space
from vospace_server.commands.tables import print_table, shown_time
from vospace_server.domain.identity import OPERATOR
from vospace_server.services.groups import GroupService


def _groups(space: OpenSpace) -> GroupService:
    return GroupService(database=space.database, naming=space.group_naming)


def add(arguments: argparse.Namespace) -> int:
    """Adds a group."""
    with open_space(arguments) as space:
        group = _groups(space).add(
            arguments.name,
            owner=arguments.owner,
            description=arguments.description,
            by=OPERATOR,
        )
        uri = space.group_naming.uri(group.name)
    print(f"added group {uri}")
    return 0


def show_all(arguments: argparse.Namespace) -> int:
    """Lists the groups."""
    with open_space(arguments) as space:
        groups = _groups(space).all()
    print_table(
        ("NAME", "OWNER", "DESCRIPTION"),
        [(group.name, group.owner, group.description) for group in groups],
    )
    return 0


def show(arguments: argparse.Namespace) -> int:
    """Shows a group and its members."""
    with open_space(arguments) as space:
        group = _groups(space).get(arguments.name)
        uri = space.group_naming.uri(group.name)
    print(uri)
    print(f"owner {group.owner}, changed {shown_time(group.modified)}")
    if group.description:
        print(group.description)
    print_table(
        ("KIND", "MEMBER", "UNTIL"),
        [(m.kind.value, m.value, shown_time(m.expires, never="-")) for m in group.members],
    )
    if group.admins:
        print_table(("KIND", "ADMINISTRATOR"), [(m.kind.value, m.value) for m in group.admins])
    return 0


def delete(arguments: argparse.Namespace) -> int:
    """Ends a group."""
    with open_space(arguments) as space:
        _groups(space).delete(arguments.name, by=OPERATOR)
    print(f"deleted {arguments.name}; its name stays taken")
    return 0


def add_member(arguments: argparse.Namespace) -> int:
    """Adds a member."""
    expires = None if arguments.days is None else _end(arguments.days)
    with open_space(arguments) as space:
        _groups(space).add_member(
            arguments.name, arguments.member, expires=expires, by=OPERATOR
        )
    until = "" if expires is None else f" until {shown_time(expires)}"
    print(f"added {arguments.member} to {arguments.name}{until}")
    return 0


def remove_member(arguments: argparse.Namespace) -> int:
    """Removes a member."""
    with open_space(arguments) as space:
        _groups(space).remove_member(arguments.name, arguments.member, by=OPERATOR)
    print(f"removed {arguments.member} from {arguments.name}")
    return 0


def add_admin(arguments: argparse.Namespace) -> int:
    """Lets somebody administer a group."""
    with open_space(arguments) as space:
        _groups(space).add_admin(arguments.name, arguments.member, by=OPERATOR)
    print(f"{arguments.member} administers {arguments.name} now")
    return 0


def remove_admin(arguments: argparse.Namespace) -> int:
    """Lets somebody no longer administer a group."""
    with open_space(arguments) as space:
        _groups(space).remove_admin(arguments.name, arguments.member, by=OPERATOR)
    print(f"{arguments.member} does not administer {arguments.name} any more")
    return 0


def _end(days: float) -> datetime:
    try:
        return datetime.now(UTC) + timedelta(days=days)
    except (OverflowError, ValueError) as error:
        raise CommandError(f"--days {days} is no usable time", status=MISUSED) from error
