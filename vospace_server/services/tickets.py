"""Tickets: signed permissions to move the bytes of one node or job, for a limited time.

A ticket is part of an address that negotiation hands out, so whoever holds it needs no other
credential (a pre-authorised URL). It is signed with HMAC-SHA256 and bound to what may be done,
to which content or place, and to a time. It holds no secret but the signature.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from vospace_model.faults import PermissionDenied, ServiceBusy
from vospace_server.database.engine import Database
from vospace_server.domain.content import Content

_SECRET_NAME: Final = "ticket"  # noqa: S105 - the name of a key, not a key
_SECRET_BYTES: Final = 32
RELOAD_SECONDS: Final = 30
"""Another process may have added a key or retired one; all have seen it after this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTicket:
    """May read this content; holds all that serving it needs, so no database is asked."""

    node_id: int
    content: Content | None
    """None: nothing has been written to the node yet."""
    media_type: str | None
    modified_ns: int
    public: bool
    expires: int
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteTicket:
    """May write the data node at this path once, as this user, for this job."""

    path: str
    user: str
    scope: str
    """A TokenScope: the most that the credential allowed with which this was negotiated."""
    job_id: str
    expires: int
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageTicket:
    """May read the archive of this job: what the job's owner may read when it is used."""

    job_id: str
    scope: str
    """A TokenScope: the most that the credential allowed with which this was negotiated."""
    expires: int
    """Seconds since 1970."""


Ticket = ReadTicket | WriteTicket | PackageTicket

_encoder: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False)
_READ: Final = "r"
_WRITE: Final = "w"
_PACKAGE: Final = "p"
_KINDS: Final = {ReadTicket: _READ, WriteTicket: _WRITE, PackageTicket: _PACKAGE}


def _now() -> datetime:
    return datetime.now(UTC)


class TicketService:
    """Signs tickets and checks them. All processes on one database share the keys."""

    def __init__(
        self,
        *,
        database: Database,
        lifetime: timedelta,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self._database = database
        self._lifetime = lifetime
        self._clock = clock
        # Guards the two fields below: keys are loaded by one thread while others wait.
        self._lock = threading.Lock()
        self._keys: Sequence[bytes] = ()
        self._loaded = datetime.min.replace(tzinfo=UTC)

    def prepare(self) -> None:
        """Make the key that signs, if there is none: then reading needs no room on the disk."""
        self._current_keys()

    def rotate(self, *, at_once: bool = False) -> None:
        """Sign with a new key from now on.

        What was signed before is good to its end, and the processes that don't know of the new
        key yet may go on signing with the old one until they look again. `at_once`, for a key
        that has become known: nothing that it signed is good any more, here from now on and in
        other processes when they have looked again.
        """
        now = self._clock()
        patience = self._lifetime + timedelta(seconds=RELOAD_SECONDS)
        retired = now if at_once else now + patience
        with self._database.write() as unit:
            unit.secrets.retire(_SECRET_NAME, at=retired)
            unit.secrets.add(_SECRET_NAME, secrets.token_bytes(_SECRET_BYTES), now=now)
        with self._lock:
            self._load()

    def expiry(self) -> int:
        """When a ticket made now ends, in seconds since 1970."""
        return int((self._clock() + self._lifetime).timestamp())

    def sign(self, ticket: Ticket) -> str:
        """The ticket as text of the characters A-Z a-z 0-9 - _ and one full stop."""
        payload = _encoder.encode([_KINDS[type(ticket)], *_values(ticket)]).encode()
        key = self._current_keys()[0]
        return f"{_encode(payload)}.{_encode(_signature(key, payload))}"

    def open(self, text: str, *, may_have_expired: bool = False) -> Ticket:
        """The ticket that a text is.

        Raises PermissionDenied when it was not made here, was changed, or has expired. Never
        raises anything else, whatever the text. `may_have_expired` lets a ticket to write pass
        whose time is over; what it may still do is then bound by something else.
        """
        payload = self._verified_payload(text)
        ticket = _decode_ticket(payload)
        if may_have_expired and isinstance(ticket, WriteTicket):
            return ticket
        if ticket.expires <= self._clock().timestamp():
            ended = datetime.fromtimestamp(ticket.expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            raise PermissionDenied(
                f"this address for bytes expired at {ended}; ask for a new one"
            )
        return ticket

    def _verified_payload(self, text: str) -> bytes:
        encoded_payload, _, encoded_signature = text.partition(".")
        try:
            payload, signature = _decode(encoded_payload), _decode(encoded_signature)
        except (binascii.Error, ValueError):
            raise _not_ours() from None
        for key in self._current_keys():
            if hmac.compare_digest(_signature(key, payload), signature):
                return payload
        raise _not_ours()

    def _current_keys(self) -> Sequence[bytes]:
        """The keys in use, not older than some seconds unless the database is away."""
        with self._lock:
            if self._clock() - self._loaded > timedelta(seconds=RELOAD_SECONDS):
                try:
                    self._load()
                except ServiceBusy:
                    if not self._keys:
                        raise
            return self._keys

    def _load(self) -> None:
        """Take the keys from the database, and make the first one when there is none."""
        now = self._clock()
        with self._database.read() as unit:
            keys = unit.secrets.in_use(_SECRET_NAME, now=now)
        if not keys:
            with self._database.write() as unit:
                keys = unit.secrets.in_use(_SECRET_NAME, now=now)
                if not keys:
                    unit.secrets.add(_SECRET_NAME, secrets.token_bytes(_SECRET_BYTES), now=now)
                    keys = unit.secrets.in_use(_SECRET_NAME, now=now)
        self._keys, self._loaded = keys, now


def _decode_ticket(payload: bytes) -> Ticket:
    """The ticket in a payload that we signed, so its shape is not in doubt."""
    kind, *values = json.loads(payload)
    if kind == _WRITE:
        return WriteTicket(**_named(WriteTicket, values))
    if kind == _PACKAGE:
        return PackageTicket(**_named(PackageTicket, values))
    named = _named(ReadTicket, values)
    if named["content"] is not None:
        named["content"] = Content(**_named(Content, named["content"]))
    return ReadTicket(**named)


def _values(record: Ticket | Content) -> list[object]:
    """The values of a dataclass in the order of its fields, those within it as lists."""
    values = (getattr(record, field.name) for field in fields(record))
    return [_values(value) if isinstance(value, Content) else value for value in values]


def _named(kind: type, values: Sequence[Any]) -> dict[str, Any]:
    """The values of a dataclass by the names of its fields; addresses are kept short."""
    names = (field.name for field in fields(kind))
    return dict(zip(names, values, strict=True))


def _signature(key: bytes, payload: bytes) -> bytes:
    return hmac.new(key, payload, hashlib.sha256).digest()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return base64.b64decode(
        text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True
    )


def _not_ours() -> PermissionDenied:
    return PermissionDenied("this address for bytes was not made by this service")
