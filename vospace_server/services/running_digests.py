"""Digests of bytes that come in several requests: carried on in memory, else computed again.

No library can store the state of a hash, so it lives as long as the process that has computed
it. A segment that reaches another process, or the same after a restart, costs one reading of
what came before; clients keep their connection, so this is seldom (decision 0008).
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

# Some hundred bytes each.
_KEPT: Final = 256


def _md5() -> "hashlib._Hash":
    return hashlib.md5(usedforsecurity=False)


@dataclass(slots=True, kw_only=True)
class RunningDigests:
    """The digests of all bytes so far. Used by one thread at a time."""

    length: int = 0
    md5: "hashlib._Hash" = field(default_factory=_md5)
    sha256: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def update(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.length += len(chunk)
        self.md5.update(chunk)
        self.sha256.update(chunk)

    def copy(self) -> "RunningDigests":
        """The same state, which goes its own way."""
        return RunningDigests(
            length=self.length, md5=self.md5.copy(), sha256=self.sha256.copy()
        )


class DigestMemory:
    """The states that this process knows, the longest unused forgotten first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, int], RunningDigests] = OrderedDict()

    def keep(self, upload_id: str, digests: RunningDigests) -> None:
        """Remember the state after so many bytes of an upload."""
        key = (upload_id, digests.length)
        with self._lock:
            self._known[key] = digests.copy()
            self._known.move_to_end(key)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)

    def after(
        self, upload_id: str, length: int, read: Callable[[], Iterator[bytes]]
    ) -> RunningDigests:
        """The state after so many bytes; `read` gives them, if they must be read again."""
        with self._lock:
            known = self._known.get((upload_id, length))
            if known is not None:
                return known.copy()
        digests = RunningDigests()
        if length:
            for chunk in read():
                digests.update(chunk)
            self.keep(upload_id, digests)
        return digests
