"""Passwords: argon2id with the parameters that OWASP recommends.

One check takes about 18 ms of a core and 19 MiB. Without a bound, a burst of logins would be
a way to take the memory of the host, so only a few run at a time and the rest wait in line.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from vospace_model.faults import ServiceBusy

_MEMORY_KIB = 19 * 1024
_ITERATIONS = 2
_LANES = 1
# A client gives up after some seconds anyway; a line longer than this helps nobody.
_LONGEST_WAIT_SECONDS = 10.0


class Passwords:
    """Hashes and checks passwords; shared by all threads of a process."""

    def __init__(self, *, concurrent_checks: int) -> None:
        self._hasher = PasswordHasher(
            time_cost=_ITERATIONS, memory_cost=_MEMORY_KIB, parallelism=_LANES, type=Type.ID
        )
        # Guards memory: as many argon2 runs as there are permits.
        self._permits = threading.BoundedSemaphore(concurrent_checks)
        self._nobodys_hash = self._hasher.hash("the password of no account")

    def hash(self, password: str) -> str:
        """The text to keep; it holds the salt and the parameters."""
        with self._permit():
            return self._hasher.hash(_as_bytes(password))

    def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is the one hashed; never for None, but in the same time.

        So that the time of an answer does not tell which accounts exist. Raises ServiceBusy
        when too many checks are waiting.
        """
        with self._permit():
            try:
                self._hasher.verify(password_hash or self._nobodys_hash, _as_bytes(password))
            except (VerificationError, InvalidHashError):
                return False
        return password_hash is not None

    @contextmanager
    def _permit(self) -> Iterator[None]:
        if not self._permits.acquire(timeout=_LONGEST_WAIT_SECONDS):
            raise ServiceBusy("too many logins at this moment", retry_after_seconds=5)
        try:
            yield
        finally:
            self._permits.release()


def _as_bytes(password: str) -> bytes:
    # A command line can deliver bytes that are no UTF-8; they are a password like any other.
    return password.encode("utf-8", "surrogateescape")
