"""The headers that describe stored bytes, the same wherever bytes are answered for."""

import re
from typing import Final

from vospace_model.timestamps import moment_of
from vospace_server.domain.digests import Digests
from vospace_server.http.content_disposition import attachment
from vospace_server.http.digests import digest_headers
from vospace_server.http.ranges import Validators
from vospace_server.services.tickets import ReadTicket

_DEFAULT_TYPE: Final = "application/octet-stream"
_TYPE: Final = re.compile(
    r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}(?:[ \t]*;[\x20-\x7e]{0,200})?"
)
# Bytes are never shown inside our own origin: not as a page, not as a script, not as a guess.
_SAFETY: Final = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox",
    "referrer-policy": "no-referrer",
}
_PUBLIC_SECONDS: Final = 300


def validators_of(ticket: ReadTicket) -> Validators:
    """What conditions are compared with."""
    return Validators(
        tag=None if ticket.content is None else ticket.content.content_id,
        modified=moment_of(ticket.modified_ns),
    )


def content_headers(ticket: ReadTicket, name: str, *, whole: bool = True) -> dict[str, str]:
    """Type, validators, digests, caching and safety; not the length, which a range changes.

    `name` is what a download is saved as. Content-MD5 is left out unless all bytes are sent.
    """
    content = ticket.content
    digests = Digests() if content is None else Digests(md5=content.md5, sha256=content.sha256)
    return {
        "content-type": _media_type(ticket.media_type),
        "accept-ranges": "bytes",
        "content-disposition": attachment(name),
        "cache-control": _caching(ticket),
        **validators_of(ticket).headers,
        **digest_headers(digests, whole=whole),
        **_SAFETY,
    }


def _caching(ticket: ReadTicket) -> str:
    """Public bytes may be kept for a while by anybody; others by nobody."""
    return f"public, max-age={_PUBLIC_SECONDS}" if ticket.public else "private, no-store"


def _media_type(stated: str | None) -> str:
    """What the owner stated, if a header can hold it."""
    if stated is None or _TYPE.fullmatch(stated) is None:
        return _DEFAULT_TYPE
    return stated
