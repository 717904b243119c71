"""Allocations: a quota on a container, how full it is, and how it is shared out to slots."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vospace_model.byte_sizes import format_size
from vospace_model.uris import NodePath

SLOTS: Final = 16
"""Rows over which the use of an allocation is spread, so that writers don't queue for one."""

WARNING_PERCENTS: Final = (100, 90, 80)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How full an allocation is. None as a quota: no limit.

    `used_bytes` and `used_files` include what running uploads have reserved.
    """

    used_bytes: int
    used_files: int
    quota_bytes: int | None
    quota_files: int | None

    @property
    def available_bytes(self) -> int | None:
        """Bytes that still fit; never negative, None without a limit."""
        if self.quota_bytes is None:
            return None
        return max(0, self.quota_bytes - self.used_bytes)

    @property
    def available_files(self) -> int | None:
        """Files that still fit; never negative, None without a limit."""
        if self.quota_files is None:
            return None
        return max(0, self.quota_files - self.used_files)

    @property
    def warning_percent(self) -> int | None:
        """The highest of 80, 90 and 100 per cent that bytes or files have reached."""
        for percent in WARNING_PERCENTS:
            if _reaches(self.used_bytes, self.quota_bytes, percent) or _reaches(
                self.used_files, self.quota_files, percent
            ):
                return percent
        return None

    def refusal(self, wanted_bytes: int) -> str:
        """The sentence for somebody whose bytes or files did not fit."""
        left = self.available_bytes
        if self.quota_bytes is not None and left is not None and wanted_bytes > left:
            return (
                f"the quota is {format_size(self.quota_bytes)} ({self.quota_bytes} bytes), "
                f"{left} bytes are left, {wanted_bytes} more are needed"
            )
        return f"the quota is {self.quota_files} files, {self.available_files} are left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """A container with a quota, which everything below it is charged to."""

    allocation_id: int
    node_id: int
    path: NodePath
    owner_name: str
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Bytes and files held for an upload; counted as used until settled or expired."""

    reservation_id: str
    allocation_id: int
    size_bytes: int
    files: int
    expires_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One share of an allocation's use and quota; `used` alone may be negative."""

    slot: int
    used_bytes: int
    used_files: int
    cap_bytes: int | None
    cap_files: int | None


def total_usage(slots: Sequence[Slot]) -> Usage:
    """The allocation's use and quota: the sums over its slots."""
    caps_bytes = [slot.cap_bytes for slot in slots if slot.cap_bytes is not None]
    caps_files = [slot.cap_files for slot in slots if slot.cap_files is not None]
    return Usage(
        used_bytes=sum(slot.used_bytes for slot in slots),
        used_files=sum(slot.used_files for slot in slots),
        quota_bytes=sum(caps_bytes) if caps_bytes else None,
        quota_files=sum(caps_files) if caps_files else None,
    )


def fits(usage: Usage, size_bytes: int, files: int) -> bool:
    """Whether so much more may be used. What is not asked for always fits."""
    return _has_room(usage.available_bytes, size_bytes) and _has_room(
        usage.available_files, files
    )


def share_out(
    quota: int | None, used: Sequence[int], *, first: int = 0, wanted: int = 0
) -> list[int | None]:
    """Caps for slots that use so much: they add up to the quota exactly.

    Slot number `first` gets room for `wanted` more; what is free beyond that is dealt out
    evenly. A quota below what is used gives every slot a cap below its use, so nothing more
    fits anywhere.
    """
    if quota is None:
        return [None] * len(used)
    free = quota - sum(used) - wanted
    share = free // len(used)
    caps: list[int | None] = [each + share for each in used]
    caps[first] = used[first] + wanted + free - share * (len(used) - 1)
    return caps


def _reaches(used: int, quota: int | None, percent: int) -> bool:
    return quota is not None and used * 100 >= quota * percent


def _has_room(available: int | None, wanted: int) -> bool:
    return wanted <= 0 or available is None or wanted <= available
