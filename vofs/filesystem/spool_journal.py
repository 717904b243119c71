"""What a journal says about changes that the server does not have yet.

One line of JSON names the file; each further line is one change, appended after its bytes
were written, so that a process may die at any moment: a line that is not whole is not there.

```
w OFFSET LENGTH    bytes were written
t LENGTH           the file was cut or made longer
p "PATH"           the file was renamed
m NANOSECONDS      its time was set, until the next change
u "CONTENT"        the server has it
e "REASON"         the server did not take it, for this reason
```
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Self

from vofs.filesystem.written_ranges import WrittenRanges

_FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalHead:
    """What is known before the first change: which file, and what it is a change of."""

    service: str
    path: str
    created: datetime
    base_content_id: str | None = None
    base_length: int = 0

    def line(self) -> bytes:
        """The first line of a journal."""
        values = {
            "format": _FORMAT,
            "service": self.service,
            "path": self.path,
            "created": self.created.isoformat(),
            "base_content_id": self.base_content_id,
            "base_length": self.base_length,
        }
        return json.dumps(values).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Self | None:
        """The head that a line means; None when it is not one of ours."""
        try:
            values = json.loads(line)
            if values["format"] != _FORMAT:
                return None
            return cls(
                service=str(values["service"]),
                path=str(values["path"]),
                created=datetime.fromisoformat(values["created"]),
                base_content_id=values["base_content_id"],
                base_length=int(values["base_length"]),
            )
        except (ValueError, TypeError, KeyError):
            return None


@dataclass(slots=True, kw_only=True)
class Changes:
    """What was done to a file over its base: the sum of a journal."""

    length: int
    # The part of the base that still shows through where nothing was written.
    base_visible: int
    written: WrittenRanges = field(default_factory=WrittenRanges)

    def write(self, offset: int, size: int) -> None:
        """Bytes were written."""
        self.written.add(offset, offset + size)
        self.length = max(self.length, offset + size)

    def truncate(self, length: int) -> None:
        """The file has this length now; what was behind it is gone for ever."""
        self.base_visible = min(self.base_visible, length)
        self.written.cut(length)
        self.length = length

    def base_gaps(self) -> list[tuple[int, int]]:
        """The ranges whose bytes only the base has."""
        return self.written.gaps(0, self.base_visible)


@dataclass(slots=True, kw_only=True)
class JournalStory:
    """A journal, read to its end."""

    head: JournalHead
    changes: Changes
    path: str
    # Where the last whole line ends; what follows was torn.
    whole_bytes: int
    mtime_ns: int | None = None
    is_uploaded: bool = False
    reason: str | None = None

    def apply(self, line: bytes) -> None:
        """Follow one line; raises ValueError when it makes no sense."""
        kind, _, rest = line.partition(b" ")
        match kind:
            case b"w":
                offset, _, size = rest.partition(b" ")
                self.changes.write(int(offset), int(size))
                self.mtime_ns = None
            case b"t":
                self.changes.truncate(int(rest))
                self.mtime_ns = None
            case b"p":
                self.path = str(json.loads(rest))
            case b"m":
                self.mtime_ns = int(rest)
            case b"u":
                self.is_uploaded = True
            case b"e":
                self.reason = str(json.loads(rest))
            case _:
                raise ValueError(f"unknown change {line[:20]!r}")


def read_journal(content: bytes) -> JournalStory | None:
    """The story of a journal as far as it is whole; None when its head is not."""
    *lines, _ = content.split(b"\n")
    head = JournalHead.read(lines[0]) if lines else None
    if head is None:
        return None
    changes = Changes(length=head.base_length, base_visible=head.base_length)
    whole = len(lines[0]) + 1
    story = JournalStory(head=head, changes=changes, path=head.path, whole_bytes=whole)
    for line in lines[1:]:
        try:
            story.apply(line)
        except ValueError:
            break
        story.whole_bytes += len(line) + 1
    return story


def now() -> datetime:
    """The time that a journal notes."""
    return datetime.now(UTC)
