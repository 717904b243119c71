"""What posted properties do to a node: the rules of setNode and createNode (contract 1.4)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from vospace_model.byte_sizes import MAX_SIZE
from vospace_model.faults import InvalidArgument, InvalidURI, PermissionDenied
from vospace_model.properties import (
    Cadc,
    Core,
    PropertyChange,
    RemoveProperty,
    check_property_uri,
    check_property_value,
    is_administered,
    is_read_only,
    parse_groups,
)
from vospace_model.timestamps import nanoseconds_of, parse_timestamp

MAX_PROPERTIES: Final = 900
"""Most properties of a node; a document may have 1000, with those that the service adds."""

# On a container these change by themselves at any moment, so a document that is posted back
# whole would often be a little behind.
_RESTLESS: Final = frozenset({Core.LENGTH, Core.DATE, Core.CTIME, Core.AVAILABLESPACE})
# These go into headers of responses.
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]{0,255}")
_DIGITS: Final = re.compile("[0-9]{1,19}")
# What the database can hold, and file systems as well.
_MAX_NANOSECONDS: Final = (1 << 63) - 1
_BOOLEANS: Final = {"true": True, "false": False, "1": True, "0": False, "": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedChange:
    """What a request changes, sorted by where it is kept.

    `fields` are those of the record, `own` the properties without a field (None: remove),
    `owner_name` and `quota` what an administrator sets; None where nothing was asked.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, str | None] = field(default_factory=dict)
    owner_name: str | None = None
    quota: "QuotaChange | None" = None


@dataclass(frozen=True, slots=True)
class QuotaChange:
    """A new quota in bytes; None lifts it."""

    quota_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyRules:
    """How to read the changes of one request.

    `shown` are the node's present properties as documents show them: empty for a new node,
    whose read-only properties are ignored, as clients copy whole documents. `normalise` gives
    each spelling of a group its one URI.
    """

    normalise: Callable[[str], str]
    is_admin: bool
    is_container: bool
    is_new: bool
    shown: Mapping[str, str] = field(default_factory=dict)

    def read(self, changes: Sequence[PropertyChange]) -> RequestedChange:
        """The changes, checked and sorted; the last of several for one property counts.

        Raises InvalidArgument for what can't be a property or its value, PermissionDenied for
        a read-only property whose value is not the present one. InvalidArgument, too, for
        more properties than a node can have.
        """
        fields: dict[str, Any] = {}
        own: dict[str, str | None] = {}
        owner_name: str | None = None
        quota: QuotaChange | None = None
        for uri, value in self._effective(changes).items():
            if uri == Core.CREATOR:
                owner_name = value
            elif uri == Core.QUOTA:
                quota = QuotaChange(None if value is None else _size(value))
            elif uri in _FIELDS:
                name, read = _FIELDS[uri]
                fields[name] = self._field(uri, value, read)
            else:
                own[uri] = value
        self._check_number(own)
        return RequestedChange(fields=fields, own=own, owner_name=owner_name, quota=quota)

    def _check_number(self, own: Mapping[str, str | None]) -> None:
        stated = {uri for uri, value in own.items() if value is not None}
        after = (self.shown.keys() - own.keys()) | stated
        if len(after) > max(MAX_PROPERTIES, len(self.shown)):
            raise InvalidArgument(
                f"a node has {MAX_PROPERTIES} properties at most; this would make {len(after)}"
            )

    def _effective(self, changes: Sequence[PropertyChange]) -> dict[str, str | None]:
        """The changes that would change something; None stands for removal."""
        wanted: dict[str, str | None] = {}
        for change in changes:
            uri = check_property_uri(change.uri)
            if isinstance(change, RemoveProperty):
                value = None
            else:
                value = check_property_value(uri, change.value)
            if self._is_settable(uri, value):
                wanted[uri] = value
        return wanted

    def _is_settable(self, uri: str, value: str | None) -> bool:
        """Whether to go on with this change: False if it says nothing new."""
        if self.shown.get(uri) == value:
            return False
        if not is_read_only(uri) and (self.is_admin or not is_administered(uri)):
            return True
        if self.is_new or (self.is_container and uri in _RESTLESS):
            return False
        raise PermissionDenied(f"{uri} is read-only")

    def _field(self, uri: str, value: str | None, read: "_Reader") -> object:
        if uri == Cadc.INHERIT and not self.is_container:
            raise InvalidArgument(f"{uri} is for containers")
        return read(uri, value, self.normalise)


_Reader = Callable[[str, str | None, Callable[[str], str]], object]


def _flag(uri: str, value: str | None, _normalise: Callable[[str], str]) -> bool:
    text = (value or "").strip().lower()
    if text not in _BOOLEANS:
        raise InvalidArgument(f"{value!r} is not a value of {uri}; it is true or false")
    return _BOOLEANS[text]


def _groups(uri: str, value: str | None, normalise: Callable[[str], str]) -> tuple[str, ...]:
    try:
        named = [normalise(group) for group in parse_groups(value or "")]
    except InvalidURI as error:
        raise InvalidArgument(f"{uri}: {error.detail}") from error
    return tuple(dict.fromkeys(named))


def _header_value(uri: str, value: str | None, _normalise: Callable[[str], str]) -> str | None:
    if value is not None and _HEADER_VALUE.fullmatch(value) is None:
        raise InvalidArgument(f"the value of {uri} must be at most 255 printable characters")
    return value or None


def _time(_uri: str, value: str | None, _normalise: Callable[[str], str]) -> int | None:
    if not value:
        return None
    nanoseconds = nanoseconds_of(parse_timestamp(value))
    if abs(nanoseconds) > _MAX_NANOSECONDS:
        raise InvalidArgument(f"{value[:40]!r} is not between the years 1678 and 2262")
    return nanoseconds


def _size(value: str) -> int:
    if _DIGITS.fullmatch(value) is None or int(value) > MAX_SIZE:
        raise InvalidArgument(f"{value[:40]!r} is not a quota; it is a number of bytes")
    return int(value)


# Properties that are fields of the record.
_FIELDS: Final[Mapping[str, tuple[str, _Reader]]] = {
    Core.ISPUBLIC: ("public", _flag),
    Core.PUBLICREAD: ("public", _flag),
    Core.GROUPREAD: ("read_groups", _groups),
    Core.GROUPWRITE: ("write_groups", _groups),
    Core.IMMUTABLE: ("immutable", _flag),
    Core.TYPE: ("media_type", _header_value),
    Core.ENCODING: ("encoding", _header_value),
    Core.MTIME: ("mtime_ns", _time),
    Cadc.ISLOCKED: ("locked", _flag),
    Cadc.INHERIT: ("inherit", _flag),
}
