"""What a file that is written asks of whoever sends it."""

from dataclasses import dataclass
from typing import Protocol

from vofs.filesystem.readable_file import ReadableFile
from vospace_model.api import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRequest:
    """A whole file to send: `length` bytes of `descriptor` from its beginning.

    `base_content_id` is the version that was changed, None for a new file. The descriptor
    stays ours; whoever sends reads it by position or sets the position first.
    """

    path: str
    descriptor: int
    length: int
    base_content_id: str | None
    mtime_ns: int | None


class Uploader(Protocol):
    """The way to the server, as a writable file needs it. Every wait inside is bounded."""

    def upload(self, request: UploadRequest) -> Entry:
        """Create or atomically replace the file; returns what is there now, or raises."""
        ...  # pragma: no cover

    def open_content(self, entry: Entry) -> ReadableFile:
        """Open the bytes of a version; raises where they can't be had any more."""
        ...  # pragma: no cover
