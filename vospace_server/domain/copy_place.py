"""CopyPlace: how far the copy of a tree has come, small enough to be saved with every step."""

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyFrame:
    """A container under way: its children up to the name `after` have been copied.

    `landlord_id` is the owner of the allocation that the source lies in, None outside of all.
    """

    source_id: int
    copy_id: int
    landlord_id: int | None
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPlace:
    """Where to go on: the containers from the top down to the one under way, and counts.

    `source_id` and `top_id` are the tops of both trees. The frames are as many as the tree is
    deep, whatever its size.
    """

    source_id: int
    top_id: int
    reservation_id: str | None
    frames: tuple[CopyFrame, ...] = ()
    nodes: int = 0
    size_bytes: int = 0
    files: int = 0
    expected_files: int = 0

    @property
    def progress(self) -> float:
        """About how much is done, by the files that the source had at the start."""
        return min(self.files / self.expected_files, 1.0) if self.expected_files else 0.0

    def with_frames(self, frames: tuple[CopyFrame, ...]) -> "CopyPlace":
        """The same with other containers under way."""
        return replace(self, frames=frames)

    def counted(self, *, nodes: int, size_bytes: int, files: int) -> "CopyPlace":
        """The same with so much more done."""
        return replace(
            self,
            nodes=self.nodes + nodes,
            size_bytes=self.size_bytes + size_bytes,
            files=self.files + files,
        )

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads back."""
        return {
            "source": self.source_id,
            "top": self.top_id,
            "reservation": self.reservation_id,
            "frames": [[f.source_id, f.copy_id, f.landlord_id, f.after] for f in self.frames],
            "counts": [self.nodes, self.size_bytes, self.files, self.expected_files],
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "CopyPlace":
        """The place that `to_json` wrote."""
        nodes, size_bytes, files, expected_files = content["counts"]
        return cls(
            source_id=content["source"],
            top_id=content["top"],
            reservation_id=content["reservation"],
            frames=tuple(
                CopyFrame(source_id=source, copy_id=copy, landlord_id=landlord, after=after)
                for source, copy, landlord, after in content["frames"]
            ),
            nodes=nodes,
            size_bytes=size_bytes,
            files=files,
            expected_files=expected_files,
        )
