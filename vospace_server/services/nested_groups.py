"""Groups of others inside our own: which there are, and what a member of one is a member of."""

from collections.abc import Iterable
from datetime import datetime

from vospace_model.faults import InvalidURI
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.group import (
    GroupNaming,
    Membership,
    expand,
    lines_through,
)


def well_written(naming: GroupNaming, group_uris: Iterable[str]) -> set[str]:
    """Those that can be read; in the properties of a group programs write what they like."""

    def can_be_read(uri: str) -> bool:
        try:
            naming.own_name(uri)
        except InvalidURI:
            return False
        return True

    return {uri for uri in group_uris if can_be_read(uri)}


def foreign_groups_inside(
    unit: UnitOfWork, naming: GroupNaming, group_uris: Iterable[str], *, now: datetime
) -> set[str]:
    """The groups of other services among these groups and in them, at any depth."""
    foreign: set[str] = set()
    seen: set[str] = set()
    frontier = set(group_uris)
    while frontier:
        names = {uri: naming.own_name(uri) for uri in frontier}
        foreign |= {uri for uri, name in names.items() if name is None}
        own = {name for name in names.values() if name is not None} - seen
        seen |= own
        frontier = set(unit.groups.groups_in(own, now=now)) if own else set()
    return foreign


def groups_around(
    unit: UnitOfWork, naming: GroupNaming, group_uris: Iterable[str], *, now: datetime
) -> frozenset[str]:
    """These groups, and all of ours in which they are members, at any depth."""

    def containing(uris: frozenset[str]) -> list[Membership]:
        found = unit.groups.memberships(lines_through(uris), now=now)
        return [Membership(group_uri=naming.uri(name), expires=end) for name, end in found]

    direct = [Membership(group_uri=uri, expires=None) for uri in group_uris]
    return expand(direct, containing).group_uris


def foreign_members(unit: UnitOfWork, naming: GroupNaming, *, now: datetime) -> set[str]:
    """The groups of other services that are members of any group of ours."""
    return {uri for uri in unit.groups.groups_in(None, now=now) if naming.own_name(uri) is None}
