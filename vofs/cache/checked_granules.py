"""What was found right in contents that are closed by now.

Opened again, it need not be checked again. In memory only: after a restart, everything is
checked once more.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

_LIMIT_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The ready granules of a content, up to an epoch, in files that looked like this."""

    ready: bytes
    epoch: bytes
    fingerprint: tuple[int, int]


class CheckedGranules:
    """The latest of them, by key, up to a limit of memory."""

    def __init__(self) -> None:
        # Guards the two below; held for one look or one change.
        self._lock = threading.Lock()
        self._by_key: OrderedDict[str, Checked] = OrderedDict()
        self._bytes = 0

    def put(self, key: str, checked: Checked) -> None:
        """Remember what is known of a content that is closed now."""
        with self._lock:
            self._drop(key)
            self._by_key[key] = checked
            self._bytes += len(checked.ready)
            while self._bytes > _LIMIT_BYTES:
                self._drop(next(iter(self._by_key)))

    def take(self, key: str, fingerprint: tuple[int, int]) -> Checked | None:
        """What is known of a content that is opened, if its files are the same as then."""
        with self._lock:
            checked = self._drop(key)
        return checked if checked is not None and checked.fingerprint == fingerprint else None

    def _drop(self, key: str) -> Checked | None:
        checked = self._by_key.pop(key, None)
        self._bytes -= len(checked.ready) if checked is not None else 0
        return checked
