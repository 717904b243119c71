"""What of `-o writeback` is set, kept for each file, and told."""

import time
from dataclasses import dataclass, field

from vofs.filesystem.writers import SharedWriter


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBackConfig:
    """When closed files are sent, and how many may wait."""

    enabled: bool = False
    # A close waits until the bytes are on the disk, not only safe from the end of the process.
    durable: bool = False
    # A close beyond these sends the file itself, and takes as long as that takes.
    limit_bytes: int = 10 * 1024**3
    limit_files: int = 4096
    # Files of this size are worth a question whether the quota has room for them.
    ask_for_room_bytes: int = 8 * 1024**2
    ask_for_room_seconds: float = 3.0
    threads: int = 4
    # Sending begins when nothing was closed for so long…
    quiet_seconds: float = 0.25
    # …or the first has waited for so long, or there is so much.
    longest_quiet_seconds: float = 5.0
    early_bytes: int = 64 * 1024**2
    # Between attempts while the service is away, doubled each time.
    first_pause_seconds: float = 1.0
    longest_pause_seconds: float = 30.0
    # Between attempts for a file whose refusal may pass.
    refused_pause_seconds: float = 60.0
    sync_pause_seconds: float = 0.2
    # How long the end of a mount may take for sending.
    finish_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A file that the service did not take; it is kept until it is told to try again."""

    path: str
    length: int
    since: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBackReport:
    """For `vofs status`: what was closed and is not on the service."""

    enabled: bool
    files: int
    bytes: int
    oldest_seconds: float
    uploading: int
    sent: int
    last_error: str | None
    refused: tuple[Refusal, ...]


@dataclass(slots=True, kw_only=True)
class Pending:
    """A file that was closed and is not on the service."""

    writer: SharedWriter
    length: int
    since: float = field(default_factory=time.time)
    # Counts the closes: a refusal of an earlier one says nothing about the last.
    closes: int = 1
    reason: str = ""
    # When a refused file is tried again by itself.
    try_again_at: float | None = None


def refusal(item: Pending) -> Refusal:
    """What is told of a file that the service did not take."""
    return Refusal(
        path=str(item.writer.path), length=item.length, since=item.since, reason=item.reason
    )
