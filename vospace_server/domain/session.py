"""Sessions: a browser that has logged in. The cookie is a secret; only its digest is kept."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One login of a browser.

    `csrf_secret` is what the pages of this session, and nobody else, can put into a request.
    """

    digest: str
    user_id: int
    user_name: str
    csrf_secret: str = field(repr=False)
    created: datetime
    last_seen: datetime
    expires: datetime

    def holds(self, now: datetime, idle: timedelta) -> bool:
        """Whether it is still good: neither over nor unused for too long."""
        return now < self.expires and now - self.last_seen < idle


def new_secret() -> str:
    """256 random bits, safe in cookies, headers and forms."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def cookie_digest(cookie: str) -> str:
    """What is stored: SHA-256 in hex; 256 random bits need nothing slower."""
    return hashlib.sha256(cookie.encode("utf-8", "surrogateescape")).hexdigest()
