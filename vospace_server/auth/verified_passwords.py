"""Remembers, for a minute, that a password was right, so that Basic on every request is cheap.

What is kept is a keyed digest under a key that lives only in this process's memory; neither
the password nor anything that helps to guess it faster than argon2 survives in a core dump of
another process or on disk. An entry belongs to the stored hash it was verified against, so a
changed password makes it worthless at once.
"""

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

_MOST_ENTRIES = 10_000


class VerifiedPasswords:
    """A bounded set of (stored hash, password) pairs that matched not long ago."""

    def __init__(
        self, *, lifetime_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lifetime_seconds = lifetime_seconds
        self._clock = clock
        self._key = secrets.token_bytes(32)
        # Guards _expiries.
        self._lock = threading.Lock()
        # In order of expiry, because every entry lives equally long.
        self._expiries: OrderedDict[bytes, float] = OrderedDict()

    def remember(self, password_hash: str, password: str) -> None:
        """Records that this password was verified against this stored hash now."""
        digest = self._digest(password_hash, password)
        with self._lock:
            self._expiries[digest] = self._clock() + self._lifetime_seconds
            self._expiries.move_to_end(digest)
            while len(self._expiries) > _MOST_ENTRIES:
                self._expiries.popitem(last=False)

    def holds(self, password_hash: str, password: str) -> bool:
        """Whether the pair was verified within the lifetime."""
        digest = self._digest(password_hash, password)
        with self._lock:
            expiry = self._expiries.get(digest)
            if expiry is not None and expiry <= self._clock():
                del self._expiries[digest]
                return False
            return expiry is not None

    def _digest(self, password_hash: str, password: str) -> bytes:
        text = f"{password_hash}\0{password}".encode("utf-8", "surrogateescape")
        return hashlib.blake2b(text, key=self._key, digest_size=32).digest()
