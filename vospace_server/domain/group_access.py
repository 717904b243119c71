"""Who may look into a group besides its own people: everybody, or the members of some groups.

Kept among the properties of the group, where other programs see it and carry it along. Those
who may change a group are its administrators, which groups can be as well.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from vospace_server.domain.group import Group, GroupProperty

_PUBLIC: Final = "public-read"
READER_KEY: Final = "read-group:"
ADMITTED: Final = "true"


def is_public(group: Group) -> bool:
    """Whether everybody who is logged in may look into it."""
    return any(each.key == _PUBLIC and each.value == ADMITTED for each in group.properties)


def readers_of(group: Group) -> tuple[str, ...]:
    """The URIs of the groups whose members may look into it."""
    return tuple(
        each.key.removeprefix(READER_KEY)
        for each in group.properties
        if each.key.startswith(READER_KEY)
    )


def with_access(
    properties: Iterable[GroupProperty], *, public: bool, readers: Sequence[str]
) -> tuple[GroupProperty, ...]:
    """The properties with exactly this access in place of what they said before."""
    others = [p for p in properties if p.key != _PUBLIC and not p.key.startswith(READER_KEY)]
    keys = ([_PUBLIC] if public else []) + [READER_KEY + uri for uri in dict.fromkeys(readers)]
    return (*others, *(GroupProperty(key=key, value=ADMITTED, read_only=True) for key in keys))


def keys_that_admit(group_uris: Iterable[str]) -> list[str]:
    """The keys of properties by which members of these groups may look into another."""
    return [_PUBLIC, *(READER_KEY + uri for uri in group_uris)]
