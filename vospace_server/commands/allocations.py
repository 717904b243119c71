"""`vospace-server allocation …`."""

import argparse

from vospace_model.byte_sizes import format_size, parse_size
from vospace_model.uris import NodePath, VosUri
from vospace_server.commands.failures import MISUSED, CommandError
from vospace_server.commands.opening import OpenSpace, open_space
from vospace_server.commands.tables import print_table
from vospace_server.database.engine import Database
from vospace_server.domain.account import NoSuchUserError
from vospace_server.domain.allocation import Allocation
from vospace_server.domain.identity import OPERATOR
from vospace_server.domain.places import Absent
from vospace_server.services.allocations import AllocationService
from vospace_server.services.tree import Tree

_UNLIMITED = "none"


def _tree(space: OpenSpace) -> Tree:
    return Tree(
        database=space.database,
        authority=space.config.vos_authority,
        naming=space.group_naming,
        strict_links=space.config.service.strict_links,
    )


def add(arguments: argparse.Namespace) -> int:
    """Adds a container with a quota, and the containers above it that are missing."""
    quota_bytes = _read_quota(arguments.quota)
    with open_space(arguments) as space:
        tree = _tree(space)
        path = _read_path(arguments.path, tree)
        owner_id = _user_id(space.database, arguments.owner)
        missing = _missing_above(tree, path)
        allocation = AllocationService(tree=tree).add(
            OPERATOR, path, owner_id=owner_id, quota_bytes=quota_bytes
        )
    for parent in missing:
        print(f"made {parent}, a public container that belongs to nobody")
    print(f"added allocation {_described(allocation)}")
    return 0


def show_all(arguments: argparse.Namespace) -> int:
    """Lists the allocations and how full they are."""
    with open_space(arguments) as space:
        allocations = AllocationService(tree=_tree(space)).list()
    print_table(
        ("PATH", "OWNER", "QUOTA", "USED", "FILES"),
        [
            (
                str(each.path),
                each.owner_name,
                _shown_quota(each),
                _shown_use(each),
                str(each.usage.used_files),
            )
            for each in allocations
        ],
    )
    return 0


def set_quota(arguments: argparse.Namespace) -> int:
    """Changes the quota of an allocation."""
    quota_bytes = _read_quota(arguments.quota)
    with open_space(arguments) as space:
        tree = _tree(space)
        path = _read_path(arguments.path, tree)
        allocation = AllocationService(tree=tree).set(OPERATOR, path, quota_bytes=quota_bytes)
    print(f"allocation {_described(allocation)}")
    return 0


def _read_path(text: str, tree: Tree) -> NodePath:
    """A path, or the URI of a node of this space."""
    path = tree.own_path(VosUri.parse(text)) if "://" in text else NodePath.parse(text)
    if path.is_root:
        raise CommandError("the root can't be an allocation; name a container", status=MISUSED)
    return path


def _read_quota(text: str) -> int | None:
    if text.lower() == _UNLIMITED:
        return None
    try:
        return parse_size(text)
    except ValueError as error:
        raise CommandError(str(error), status=MISUSED) from error


def _user_id(database: Database, name: str) -> int:
    with database.read() as unit:
        user = unit.users.by_name(name)
    if user is None:
        raise NoSuchUserError(name)
    return user.user_id


def _missing_above(tree: Tree, path: NodePath) -> list[NodePath]:
    """The containers above a path that are not there yet."""
    above = [NodePath(path.names[:depth]) for depth in range(1, len(path))]
    with tree.database.read() as unit:
        walker = tree.walker(unit)
        for index, parent in enumerate(above):
            if isinstance(walker.find(OPERATOR, parent), Absent):
                return above[index:]
    return []


def _described(allocation: Allocation) -> str:
    return (
        f"{allocation.path}: owner {allocation.owner_name}, quota {_shown_quota(allocation)}, "
        f"used {_shown_use(allocation)}"
    )


def _shown_quota(allocation: Allocation) -> str:
    quota = allocation.usage.quota_bytes
    return _UNLIMITED if quota is None else format_size(quota)


def _shown_use(allocation: Allocation) -> str:
    used = format_size(allocation.usage.used_bytes)
    percent = allocation.usage.warning_percent
    return used if percent is None else f"{used} ({percent} % reached)"
