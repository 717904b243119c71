"""IssuerKeys: the public keys of an issuer, remembered, and read again when they change."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey

from vospace_model.faults import NotAuthenticated, ServiceBusy
from vospace_server.remote.issuer_documents import IssuerUnreachableError

_LOG = logging.getLogger(__name__)

# Whoever invents names of keys makes the issuer be asked no more often than this.
_PAUSE_SECONDS: Final = 10.0
# While the issuer is away, its last keys go on for this long.
_STALE_SECONDS: Final = 24 * 3600.0
_RETRY_AFTER_SECONDS: Final = 30
# Two documents, each with its own bound.
_LONGEST_WAIT_SECONDS: Final = 20.0

_PUBLIC_KINDS: Final = frozenset({"RSA", "EC", "OKP"})

PublicKey = RSAKey | ECKey | OKPKey


class KeySource(Protocol):
    """Where the keys come from."""

    def keys(self) -> Sequence[Mapping[str, Any]]:
        """The keys of now; raises IssuerUnreachableError."""


class IssuerKeys:
    """Keys by their names (kid); shared by all threads of a process."""

    def __init__(
        self,
        source: KeySource,
        *,
        fresh_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._fresh_seconds = fresh_seconds
        self._clock = clock
        # Held while the issuer is asked: who needs its answer waits, nobody else does.
        self._asking = threading.Lock()
        # Replaced as a whole, under _asking; read without a lock.
        self._keys: Mapping[str, PublicKey] = {}
        self._read_at: float | None = None
        self._asked_at: float | None = None

    def find(self, name: str | None) -> PublicKey:
        """The key of this name; without a name, the only one that there is.

        Raises NotAuthenticated when the issuer has no such key, and ServiceBusy when it can't
        be asked whether it has.
        """
        if self._age() <= self._fresh_seconds:
            known = self._known(name)
            if known is not None:
                return known
        answered = self._ask_again()
        known = self._known(name)
        if known is not None and self._age() <= _STALE_SECONDS:
            return known
        if not answered:
            raise ServiceBusy(
                "the issuer of the token can't be asked for its keys now",
                retry_after_seconds=_RETRY_AFTER_SECONDS,
            )
        raise NotAuthenticated("the token is signed with a key that its issuer does not have")

    def _known(self, name: str | None) -> PublicKey | None:
        keys = self._keys
        if name is not None:
            return keys.get(name)
        return next(iter(keys.values())) if len(keys) == 1 else None

    def _age(self) -> float:
        return float("inf") if self._read_at is None else self._clock() - self._read_at

    def _ask_again(self) -> bool:
        """Reads the keys unless that was tried a moment ago; whether they are of now."""
        if not self._asking.acquire(timeout=_LONGEST_WAIT_SECONDS):
            return False
        try:
            now = self._clock()
            if self._asked_at is not None and now - self._asked_at < _PAUSE_SECONDS:
                return self._read_at == self._asked_at
            self._asked_at = now
            try:
                self._keys = _usable(self._source.keys())
            except IssuerUnreachableError as error:
                _LOG.info("the keys of the issuer can't be read: %s", error)
                return False
            self._read_at = now
            return True
        finally:
            self._asking.release()


def _usable(documents: Sequence[Mapping[str, Any]]) -> dict[str, PublicKey]:
    """The public keys for signatures among them, by name; what else there is, is left out."""
    keys: dict[str, PublicKey] = {}
    for number, document in enumerate(documents):
        if document.get("use", "sig") != "sig" or document.get("kty") not in _PUBLIC_KINDS:
            continue
        try:
            key = JWKRegistry.import_key(dict(document))
        except (JoseError, ValueError, TypeError, KeyError) as error:
            _LOG.info("a key of the issuer can't be used: %s", error)
            continue
        if isinstance(key, RSAKey | ECKey | OKPKey):
            keys[str(document.get("kid", f"#{number}"))] = key
    return keys
