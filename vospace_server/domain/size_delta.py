"""Sizes of containers as they travel: what is to be added, and what has been told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeDelta:
    """To be added to a container: bytes and files, either of which may be negative.

    `entries_changed_ns` says when an entry of the container itself changed; 0 for what only
    passes through on its way up.
    """

    container_id: int
    size_bytes: int
    files: int
    entries_changed_ns: int = 0

    def plus(self, other: "SizeDelta") -> "SizeDelta":
        """Both in one, for the same container."""
        return SizeDelta(
            container_id=self.container_id,
            size_bytes=self.size_bytes + other.size_bytes,
            files=self.files + other.files,
            entries_changed_ns=max(self.entries_changed_ns, other.entries_changed_ns),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSize:
    """A container's totals as folded, and what of them its parent has been told (`pushed`)."""

    container_id: int
    total_bytes: int
    total_files: int
    pushed_bytes: int
    pushed_files: int


def summed(deltas: list[SizeDelta]) -> dict[int, SizeDelta]:
    """One delta for each container."""
    sums: dict[int, SizeDelta] = {}
    for delta in deltas:
        known = sums.get(delta.container_id)
        sums[delta.container_id] = delta if known is None else known.plus(delta)
    return sums
