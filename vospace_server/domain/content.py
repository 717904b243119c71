"""Content: bytes that were stored once and never change, and parts of them."""

import re
import secrets
from dataclasses import dataclass
from typing import Final, Self

from vospace_model.faults import RangeNotSatisfiable

_RANGE: Final = re.compile(r"bytes=\s*(\d{0,19})\s*-\s*(\d{0,19})\s*", re.ASCII | re.IGNORECASE)


def new_content_id() -> str:
    """32 hexadecimal digits that nobody can guess and that occur once."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Stored bytes: which they are, where they lie, and what they must hash to.

    `content_id` is the ETag; `md5` and `sha256` are lower-case hexadecimal.
    """

    content_id: str
    object_key: str
    length: int
    md5: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes from `start` up to, not including, `stop`."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def is_empty(self) -> bool:
        """Whether there are no bytes in it."""
        return self.start >= self.stop

    @classmethod
    def parse(cls, header: str, length: int) -> Self | None:
        """The one range that a `Range` header asks for of content of that length.

        None where the header is to be ignored (RFC 9110, 14.2): another unit, several ranges,
        a form that is not valid. Raises RangeNotSatisfiable for a range behind the end.
        """
        found = _RANGE.fullmatch(header.strip())
        if found is None or not (found[1] or found[2]):
            return None
        if not found[1]:
            start, stop = max(0, length - int(found[2])), length
        else:
            start = int(found[1])
            stop = min(int(found[2]) + 1, length) if found[2] else length
            if found[2] and int(found[2]) < start:
                return None
        if start >= stop:
            raise RangeNotSatisfiable(f"{header.strip()} of content of {length} bytes")
        return cls(start, stop)
