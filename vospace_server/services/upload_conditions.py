"""What must be so for an upload to count, said by the client in headers of its request."""

from dataclasses import dataclass

from vospace_model.faults import NodeBusy, PreconditionFailed
from vospace_server.domain.places import Absent, Found


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadConditions:
    """What must be so for an upload to count (If-Match, If-None-Match); content ids.

    `if_match`: the present content must be one of these. `must_exist` (`*`): there must be a
    node. `if_none_match`: it must be none of these. `must_not_exist` (`*`): there must be no
    node. `exclusive`: no other upload to the node may be running (NodeBusy).
    """

    if_match: frozenset[str] | None = None
    must_exist: bool = False
    if_none_match: frozenset[str] = frozenset()
    must_not_exist: bool = False
    exclusive: bool = False


def check_conditions(place: Found | Absent, conditions: UploadConditions, now_ns: int) -> None:
    """Raise PreconditionFailed or NodeBusy if an upload may not go on."""
    if isinstance(place, Absent):
        if conditions.must_exist or conditions.if_match is not None:
            raise PreconditionFailed(f"{place.path} does not exist")
        return
    present = place.node.content_id or ""
    if conditions.must_not_exist:
        raise PreconditionFailed(f"{place.path} exists")
    if conditions.if_match is not None and present not in conditions.if_match:
        raise PreconditionFailed(f"{place.path} has other content by now: {present or 'none'}")
    if present in conditions.if_none_match:
        raise PreconditionFailed(f"{place.path} has this content already: {present}")
    if conditions.exclusive and place.node.is_busy(now_ns):
        raise NodeBusy(f"{place.path} is being written")
