"""CertificateService: certificates by which users log in without a password.

The authority that signs them is made when it is first asked for and kept with the other keys
of the database, so every process has the same one.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from vospace_model.faults import InvalidArgument, NotAuthenticated
from vospace_server.database.engine import Database
from vospace_server.database.unit_of_work import UnitOfWork
from vospace_server.domain.identity import Identity
from vospace_server.domain.proxy_certificate import (
    Authority,
    make_authority,
    make_proxy,
    read_authority,
)

_SECRET_NAME: Final = "certificate-authority"  # noqa: S105 - the name of a key, not a key
_USUAL_DAYS: Final = 10


def _now() -> datetime:
    return datetime.now(UTC)


class CertificateService:
    """Issues proxy certificates; shared by all threads of a process."""

    def __init__(
        self,
        *,
        database: Database,
        organization: str,
        longest: timedelta,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._database = database
        self._organization = organization
        self._longest = longest
        self._clock = clock
        # Guards the making of _authorities, which are read once: they live for ten years.
        self._lock = threading.Lock()
        self._authorities: Sequence[Authority] = ()

    def authorities(self) -> Sequence[Authority]:
        """Ours, the one that signs first; made now if there is none yet."""
        with self._lock:
            if not self._authorities:
                kept = self._database.retrying(self._read_or_make)
                self._authorities = [read_authority(each) for each in kept]
            return self._authorities

    def encoded(self) -> frozenset[bytes]:
        """The certificates of our authorities in DER."""
        return frozenset(each.der for each in self.authorities())

    def pem(self) -> str:
        """The certificates of our authorities, for servers that shall believe in them."""
        return "".join(each.pem for each in self.authorities())

    def issue(self, caller: Identity, days: int | None) -> str:
        """Certificate, key and chain in PEM, for the caller, no wider than they came.

        Where no life is asked for, it is ten days or the longest. It ends no later than the
        credential with which it was asked for. Raises InvalidArgument for a life longer than
        the longest, and NotAuthenticated when the credential has just ended.
        """
        if days is None:
            days = min(_USUAL_DAYS, self._longest.days)
        if not 1 <= days <= self._longest.days:
            raise InvalidArgument(f"daysValid must be from 1 to {self._longest.days}")
        now = self._clock()
        until = now + timedelta(days=days)
        if caller.expires is not None:
            until = min(until, caller.expires)
        if until <= now:
            raise NotAuthenticated("the credential has just expired")
        text = make_proxy(
            self.authorities()[0], caller.name, caller.scope, now=now, until=until
        )
        with self._database.write() as unit:
            detail: dict[str, object] = {
                "scope": caller.scope.label,
                "until": f"{until:%Y-%m-%dT%H:%M:%SZ}",
            }
            unit.audit.record("certificate-made", caller.name, by=caller, at=now, detail=detail)
        return text

    def _read_or_make(self, unit: UnitOfWork) -> Sequence[bytes]:
        now = self._clock()
        unit.secrets.claim(_SECRET_NAME)
        kept = unit.secrets.in_use(_SECRET_NAME, now=now)
        if kept:
            return kept
        made = make_authority(self._organization, now=now).to_secret()
        unit.secrets.add(_SECRET_NAME, made, now=now)
        return [made]
