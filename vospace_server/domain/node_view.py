"""NodeView: a node as one caller sees it, and the properties that documents show of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from vospace_model.nodes import NodeType
from vospace_model.properties import (
    ADMINISTERED_PROPERTIES,
    READ_ONLY_PROPERTIES,
    Cadc,
    Core,
    Property,
    format_groups,
)
from vospace_model.timestamps import format_node_date, moment_of
from vospace_model.uris import NodePath
from vospace_server.domain.allocation import Usage
from vospace_server.domain.node_record import NodeRecord

_SET_BY_OTHERS: Final = READ_ONLY_PROPERTIES | ADMINISTERED_PROPERTIES
_NANOSECONDS_PER_SECOND: Final = 1_000_000_000
_NANOSECONDS_PER_MILLISECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """A node, where it is, and what the caller may do with it.

    `path` is the one without links that leads to the node. `readable` says whether its bytes
    may be read or its children listed, `writable` whether its bytes or children may be changed;
    both are False for what a lock or a missing permission forbids. `usage` is set on the top
    container of an allocation.
    """

    path: NodePath
    record: NodeRecord
    readable: bool
    writable: bool
    busy: bool = False
    own_properties: Mapping[str, str] = field(default_factory=dict)
    usage: Usage | None = None


def properties_of(view: NodeView, *, with_access: bool = False) -> tuple[Property, ...]:
    """Everything that a node document shows, in a stable order.

    `with_access` adds `readable` and `writable` (contract 1.4: with an explicit `detail=max`).
    Dates are those of `format_node_date`. `ispublic` is shown, `publicread` is only understood:
    a document that is posted back should not contradict itself.
    """
    shown = shown_values(view) if with_access else _without_access(view)
    return tuple(
        [
            Property(uri=uri, value=value, read_only=uri in _SET_BY_OTHERS)
            for uri, value in shown.items()
        ]
    )


def shown_values(view: NodeView) -> dict[str, str]:
    """The same as a dictionary, with every property that may be shown at all."""
    access = {Cadc.READABLE: _text(view.readable), Cadc.WRITABLE: _text(view.writable)}
    return _without_access(view) | access


def _without_access(view: NodeView) -> dict[str, str]:
    shown = _times(view.record) | _permissions(view.record) | _content(view.record)
    return shown | _quota(view) | dict(view.own_properties)


def _times(record: NodeRecord) -> dict[str, str]:
    shown = {
        Core.DATE: _date(record.modified_ns),
        Core.BTIME: _date(record.created_ns),
        Core.CTIME: _date(record.changed_ns),
    }
    if record.mtime_ns is not None:
        shown[Core.MTIME] = _date(record.mtime_ns)
    return shown


def _permissions(record: NodeRecord) -> dict[str, str]:
    shown = {Core.CREATOR: record.owner_name, Core.ISPUBLIC: _text(record.public)}
    if record.read_groups:
        shown[Core.GROUPREAD] = format_groups(record.read_groups)
    if record.write_groups:
        shown[Core.GROUPWRITE] = format_groups(record.write_groups)
    for uri, flag in (
        (Cadc.ISLOCKED, record.locked),
        (Cadc.INHERIT, record.inherit),
        (Core.IMMUTABLE, record.immutable),
    ):
        if flag:
            shown[uri] = _text(flag)
    return shown


def _content(record: NodeRecord) -> dict[str, str]:
    shown: dict[str, str] = {}
    if record.kind is not NodeType.LINK:
        shown[Core.LENGTH] = str(record.length)
    if record.md5 is not None:
        shown[Core.MD5] = record.md5
        shown[Core.CONTENT_DATE] = _date(record.modified_ns)
    if record.media_type is not None:
        shown[Core.TYPE] = record.media_type
    if record.encoding is not None:
        shown[Core.ENCODING] = record.encoding
    return shown


def _quota(view: NodeView) -> dict[str, str]:
    usage = view.usage
    if usage is None or usage.quota_bytes is None:
        return {}
    return {
        Core.QUOTA: str(usage.quota_bytes),
        Core.AVAILABLESPACE: str(usage.available_bytes),
    }


def _date(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, _NANOSECONDS_PER_SECOND)
    return f"{_second(seconds)}{rest // _NANOSECONDS_PER_MILLISECOND:03d}"


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    """All of a date before its milliseconds; nodes that came together share it."""
    return format_node_date(moment_of(seconds * _NANOSECONDS_PER_SECOND)).removesuffix("000")


def _text(flag: bool) -> str:  # noqa: FBT001 - the flag is the subject
    return "true" if flag else "false"
