"""What a journal says about changes that the server does not have yet.

One line of JSON names the file; each further line is one change, appended after its bytes
were written, so that a process may die at any moment: a line that is not whole is not there.

```
w OFFSET LENGTH    bytes were written
t LENGTH           the file was cut or made longer
p "PATH"           the file was renamed
m NANOSECONDS      its time was set, until the next change
c LENGTH CRC32 NS  it was closed, whole, at this time: the program was told that it is safe
b "CONTENT"        the version that it replaces is this now
a {"public": …}    permissions that it shall have once it is on the server
u "CONTENT"        the server has it
e "REASON"         the server did not take it, for this reason
```
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Self

from vofs.filesystem.written_ranges import WrittenRanges
from vospace_model.api import AttributeChange
from vospace_model.faults import InvalidData

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What a program was told to be safe: so many bytes with this checksum, and since when.

    The checksum proves them after a power cut: the lines of a journal may reach the disk
    before the bytes that they tell of.
    """

    length: int
    crc32: int
    closed_ns: int

    def line(self) -> bytes:
        """The line in the journal."""
        return b"c %d %d %d\n" % (self.length, self.crc32, self.closed_ns)


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
    closing: Closing | None = None
    # The version that the changes replace; that of the head until another was noted.
    base_content_id: str | None = None
    attributes: AttributeChange = field(default_factory=AttributeChange)

    def apply(self, line: bytes) -> None:
        """Follow one line; raises ValueError when it makes no sense."""
        kind, _, rest = line.partition(b" ")
        match kind:
            case b"w":
                self.changes.write(*_numbers(rest, 2))
                self.mtime_ns, self.closing = None, None
            case b"t":
                self.changes.truncate(*_numbers(rest, 1))
                self.mtime_ns, self.closing = None, None
            case b"m":
                self.mtime_ns = int(rest)
            case b"c":
                length, crc32, closed_ns = _numbers(rest, 3)
                self.closing = Closing(length=length, crc32=crc32, closed_ns=closed_ns)
            case b"u":
                self.is_uploaded = True
            case _:
                self._apply_text(kind, json.loads(rest))

    def _apply_text(self, kind: bytes, value: object) -> None:
        match kind:
            case b"p":
                self.path = str(value)
            case b"b":
                self.base_content_id = str(value)
            case b"a":
                try:
                    self.attributes = AttributeChange.from_json(value)
                except InvalidData as error:
                    raise ValueError(str(error)) from error
            case b"e":
                self.reason = str(value)
            case _:
                raise ValueError(f"unknown change {kind[:20]!r}")


def _numbers(text: bytes, count: int) -> list[int]:
    """So many numbers, none below zero; raises ValueError."""
    numbers = [int(word) for word in text.split(b" ")]
    if len(numbers) != count or min(numbers) < 0:
        raise ValueError(f"not {count} numbers: {text[:20]!r}")
    return numbers


def read_journal(content: bytes) -> JournalStory | None:
    """The story of a journal as far as it is whole; None when its head is not."""
    *lines, _ = content.split(b"\n")
    head = JournalHead.read(lines[0]) if lines else None
    if head is None:
        return None
    changes = Changes(length=head.base_length, base_visible=head.base_length)
    whole = len(lines[0]) + 1
    story = JournalStory(
        head=head,
        changes=changes,
        path=head.path,
        whole_bytes=whole,
        base_content_id=head.base_content_id,
    )
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
