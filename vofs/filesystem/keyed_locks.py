"""A lock per key, so that many who want the same thing ask for it once."""

import contextlib
import threading
from collections.abc import Hashable, Iterator


class KeyedLocks:
    """`with locks.held(key)`: one thread at a time per key; keys nobody holds cost nothing.

    The inner lock guards the table of locks and is never held over a wait.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[Hashable, tuple[threading.Lock, int]] = {}

    @contextlib.contextmanager
    def held(self, key: Hashable) -> Iterator[None]:
        """Wait for the key and hold it."""
        with self._guard:
            lock, users = self._locks.get(key, (threading.Lock(), 0))
            self._locks[key] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._guard:
                lock, users = self._locks[key]
                if users == 1:
                    del self._locks[key]
                else:
                    self._locks[key] = (lock, users - 1)
