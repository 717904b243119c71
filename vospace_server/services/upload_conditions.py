"""What must be so for an upload to count, said by the client in headers of its request."""

from dataclasses import dataclass
from typing import Final

from vospace_model.faults import NodeBusy, PreconditionFailed
from vospace_server.domain.places import Absent, Found

_SECOND: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadConditions:
    """What must be so for an upload to count (conditions of HTTP); content ids.

    `if_match`: the present content must be one of these. `must_exist` (`*`): there must be a
    node. `if_none_match`: it must be none of these. `must_not_exist` (`*`): there must be no
    node. `unmodified_since_ns`: the content must not be of a later second. `exclusive`: no
    other upload to the node may be running (NodeBusy).
    """

    if_match: frozenset[str] | None = None
    must_exist: bool = False
    if_none_match: frozenset[str] = frozenset()
    must_not_exist: bool = False
    unmodified_since_ns: int | None = None
    exclusive: bool = False


def check_conditions(place: Found | Absent, conditions: UploadConditions, now_ns: int) -> None:
    """Raise PreconditionFailed or NodeBusy if an upload may not go on.

    InvalidURI for a new node whose name is reserved.
    """
    if isinstance(place, Absent):
        place.path.check_not_reserved()
        if conditions.must_exist or conditions.if_match is not None:
            raise PreconditionFailed(f"{place.path} does not exist")
        return
    present = place.node.content_id or ""
    if conditions.must_not_exist:
        raise PreconditionFailed(f"{place.path} exists")
    if conditions.if_match is not None and present not in conditions.if_match:
        raise PreconditionFailed(f"{place.path} has other content by now: {present or 'none'}")
    if _is_later(place.node.modified_ns, conditions.unmodified_since_ns):
        raise PreconditionFailed(f"{place.path} has been modified since")
    if present in conditions.if_none_match:
        raise PreconditionFailed(f"{place.path} has this content already: {present}")
    if conditions.exclusive and place.node.is_busy(now_ns):
        raise NodeBusy(f"{place.path} is being written")


def _is_later(moment_ns: int, than_ns: int | None) -> bool:
    """Whether a moment lies in a later second; dates of HTTP have no parts of one."""
    return than_ns is not None and moment_ns // _SECOND > than_ns // _SECOND
