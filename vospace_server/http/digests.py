"""Digests in headers: `Digest` (RFC 3230), `Repr-Digest` (RFC 9530) and `Content-MD5`."""

import base64
import binascii
import re

from starlette.datastructures import Headers

from vospace_model.faults import InvalidArgument
from vospace_server.domain.digests import Digests

_BYTES = {"md5": 16, "sha-256": 32}
# A byte sequence of RFC 9651, as the newer headers have it.
_ENCLOSED = re.compile(":(.*):")


def announced_digests(headers: Headers) -> Digests:
    """The digests that an upload announces, hexadecimal; unknown algorithms are ignored.

    Raises InvalidArgument for a digest of the wrong length or two that differ.
    """
    found: dict[str, str] = {}
    for algorithm, value in _announced(headers):
        digest = _hexadecimal(algorithm, value)
        if found.setdefault(algorithm, digest) != digest:
            raise InvalidArgument(f"the request announces two different {algorithm} digests")
    return Digests(md5=found.get("md5"), sha256=found.get("sha-256"))


def _announced(headers: Headers) -> list[tuple[str, str]]:
    announced = [("md5", value) for value in headers.getlist("content-md5")]
    for name in ("digest", "repr-digest", "content-digest"):
        for value in headers.getlist(name):
            announced += [_member(member) for member in value.split(",")]
    return [(algorithm, value) for algorithm, value in announced if algorithm in _BYTES]


def _member(member: str) -> tuple[str, str]:
    """`md5=VALUE` or `md5=:VALUE:`; whether it is a digest is not looked at."""
    algorithm, _, value = member.strip().partition("=")
    enclosed = _ENCLOSED.fullmatch(value)
    return algorithm.strip().lower(), value if enclosed is None else enclosed[1]


def _hexadecimal(algorithm: str, value: str) -> str:
    """Base64 as the standards have it; vos and others also send hexadecimal digits."""
    size = _BYTES[algorithm]
    try:
        if len(value) == 2 * size:
            return bytes.fromhex(value).hex()
        decoded = base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        decoded = b""
    if len(decoded) != size:
        raise InvalidArgument(f"{value[:80]!r} is not a {algorithm} digest in base64")
    return decoded.hex()


def digest_headers(digests: Digests, *, whole: bool = True) -> dict[str, str]:
    """The headers for known digests; Content-MD5 only when the whole content is sent.

    `Digest` holds md5 alone: clients of VOSpace take everything behind `md5=` for its value.
    """
    headers: dict[str, str] = {}
    if digests.md5 is not None:
        headers["digest"] = f"md5={_base64(digests.md5)}"
        if whole:
            headers["content-md5"] = _base64(digests.md5)
    if digests.sha256 is not None:
        headers["repr-digest"] = f"sha-256=:{_base64(digests.sha256)}:"
    return headers


def _base64(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode("ascii")
