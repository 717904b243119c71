"""Names that only the kernel and libfuse know: of open files that have lost their path.

libfuse names an inode by its path. An open file whose path was removed, replaced or given to
another version still has to answer fstat(2), so its inode gets a name of this kind instead:
`.fuse_hidden…` is libfuse's own, `.vofs-detached-…` is ours. The service never hears of them.
"""

import itertools
import re
import threading
from collections.abc import Callable
from typing import Final

from vofs.filesystem.kernel_versions import VersionReplaced
from vospace_model.api import Entry
from vospace_model.faults import NodeNotFound
from vospace_model.uris import NodePath

_PATTERN: Final = re.compile(r"\.(fuse_hidden[0-9a-f]{16}|vofs-detached-[0-9]+)")
_DETACHED: Final = ".vofs-detached-"

EntryOf = Callable[[], Entry | None]


def is_alias(name: str) -> bool:
    """Whether a name is reserved for this; asked for every call."""
    return name.startswith(".") and _PATTERN.fullmatch(name) is not None


class Aliases:
    """The names in use and what is behind them. The lock guards the table."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._entries: dict[NodePath, EntryOf] = {}
        self._last_given = 0

    def new_name(self) -> str:
        """A name for an inode that is to be detached."""
        return f"{_DETACHED}{next(self._numbers)}"

    def give(self, alias: NodePath, entry_of: EntryOf) -> None:
        """The inode has this name now; `entry_of` tells what is behind it, None once closed."""
        with self._lock:
            self._entries[alias] = entry_of
            self._last_given = max(self._last_given, _number_of(alias))

    def drop(self, alias: NodePath) -> None:
        """The name is not needed any more."""
        with self._lock:
            self._entries.pop(alias, None)

    def sweep(self) -> None:
        """Drop the names of files that are closed."""
        with self._lock:
            closed = [alias for alias, entry_of in self._entries.items() if entry_of() is None]
            for alias in closed:
                del self._entries[alias]

    def entry(self, alias: NodePath) -> Entry:
        """What is behind a name.

        Raises NodeNotFound for a name that was never given, and VersionReplaced for one whose
        file is closed: a call that is late by a moment is then made again with the true path.
        """
        with self._lock:
            entry_of = self._entries.get(alias)
            was_given = 0 < _number_of(alias) <= self._last_given
        entry = None if entry_of is None else entry_of()
        if entry is not None:
            return entry
        if entry_of is None and not was_given:
            raise NodeNotFound(str(alias))
        raise VersionReplaced(str(alias))


def _number_of(alias: NodePath) -> int:
    """The number of one of our own names; 0 of one of libfuse's."""
    number = alias.name.removeprefix(_DETACHED)
    return int(number) if number.isdigit() else 0
