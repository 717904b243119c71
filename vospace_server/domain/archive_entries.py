"""What stands in an archive: formats, entries, and names that no program extracts elsewhere."""

import enum
import re
from dataclasses import dataclass
from typing import Final

from vospace_model.faults import InvalidArgument

# A name with a backslash, or one that begins like a drive, leads somewhere else on Windows.
_UNSAFE: Final = re.compile(r"\\|^[A-Za-z]:")
# A name that looks as if it had been escaped must be escaped too, or two names could meet.
_LOOKS_ESCAPED: Final = re.compile("%(?:5C|25|3A)")
_ESCAPES: Final = str.maketrans({"\\": "%5C", "%": "%25", ":": "%3A"})


class ArchiveFormat(enum.Enum):
    """A kind of archive that is made here; the value is its media type."""

    TAR = "application/x-tar"
    ZIP = "application/zip"

    @property
    def extension(self) -> str:
        """How the name of such a file ends."""
        return self.name.lower()

    @classmethod
    def named(cls, text: str | None) -> "ArchiveFormat":
        """The format of a media type or a short name, tar if None. Raises InvalidArgument."""
        wanted = "tar" if text is None else text.strip().lower()
        for known in cls:
            if wanted in {known.value, known.extension, f"application/{known.extension}"}:
                return known
        raise InvalidArgument(
            f"packages are application/x-tar or application/zip, not {wanted[:40]!r}"
        )


class EntryKind(enum.Enum):
    """What an entry is."""

    FOLDER = "d"
    FILE = "f"
    LINK = "l"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveEntry:
    """One entry. `name` is its path in the archive, without slashes at its ends.

    `length` is that of a file; `target` is where a symbolic link leads, relative to the folder
    that the link is in. `mtime` is in seconds since 1970.
    """

    kind: EntryKind
    name: str
    mtime: int
    length: int = 0
    target: str = ""


def safe_name(name: str) -> str:
    """The name of a node as a name in an archive: one step down wherever it is extracted.

    Different names stay different. What a node's name can't hold (slashes, `..`, control
    characters) needs no care; what only Windows reads as a way out is escaped like in a URL.
    """
    if _UNSAFE.search(name) or _LOOKS_ESCAPED.search(name):
        return name.translate(_ESCAPES)
    return name


def unlike(name: str, taken: set[str]) -> str:
    """The name, or if it is taken, one with a number behind it: `o4sp040b0 (2)`."""
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name} ({number})"
    return candidate
