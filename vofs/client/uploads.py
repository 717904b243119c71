"""Sends a whole file, and knows afterwards whether the service has it."""

import base64
import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import httpx

from vofs.client.connection import Connection
from vofs.client.deadline import Deadline
from vofs.client.errors import MalformedAnswer, TimedOut, Unreachable
from vospace_model.api import MTIME_HEADER, Entry, decode_json
from vospace_model.faults import Fault, InvalidData, PreconditionFailed, ServiceBusy

_CHUNK_BYTES: Final = 1024 * 1024
# A line slower than this is counted as broken.
_SLOWEST_BYTES_PER_SECOND: Final = 64 * 1024
_PAUSE_SECONDS: Final = 0.5


class SeekableBytes(Protocol):
    """What an upload reads from."""

    def seek(self, offset: int, /) -> object:
        """Go to a position."""

    def read(self, size: int, /) -> bytes | None:
        """Up to so many bytes; none at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file to send: `length` bytes of `file` from its beginning.

    `if_match` is the content id that must still be there, `create_only` says that nothing
    may be there; the service answers PreconditionFailed otherwise.
    """

    file: SeekableBytes
    length: int
    md5: str | None = None
    if_match: str | None = None
    create_only: bool = False
    mtime_ns: int | None = None


class _Body:
    """The bytes of an upload, hashed as they leave; may be sent several times."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self.md5 = ""

    def __iter__(self) -> Iterator[bytes]:
        digest = hashlib.md5(usedforsecurity=False)
        self._upload.file.seek(0)
        left = self._upload.length
        while left:
            chunk = self._upload.file.read(min(_CHUNK_BYTES, left))
            if not chunk:
                raise MalformedAnswer("the file became shorter while it was sent")
            digest.update(chunk)
            left -= len(chunk)
            yield chunk
        self.md5 = digest.hexdigest()


class Uploads:
    """PUTs files and repeats what broke, until the service has the bytes or says no."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, url: str, upload: Upload) -> Entry | None:
        """Send the file; the new entry when the service tells it.

        Acknowledged means that the service has exactly these bytes: the digest that it
        answers is compared with what was sent. Raises the service's Fault, Unreachable or
        TimedOut; then it may or may not have them.
        """
        budget = self._connection.config.retry.operation_seconds
        deadline = Deadline(budget + upload.length / _SLOWEST_BYTES_PER_SECOND)
        attempt = 0
        while True:
            attempt += 1
            body = _Body(upload)
            try:
                response = self._send(url, upload, body, deadline)
            except (Unreachable, TimedOut, ServiceBusy) as error:
                self._pause(attempt, deadline, error)
                continue
            _check_digest(response, body.md5)
            return _entry_in(response)

    def _send(
        self, url: str, upload: Upload, body: _Body, deadline: Deadline
    ) -> httpx.Response:
        return self._connection.request(
            "PUT", url, headers=_headers(upload), content=body, deadline=deadline
        )

    def _pause(self, attempt: int, deadline: Deadline, error: Exception) -> None:
        pause = _PAUSE_SECONDS * 2 ** (attempt - 1)
        if attempt >= self._connection.config.retry.attempts or pause >= deadline.remaining:
            raise error
        time.sleep(pause)


def md5_of(upload: Upload) -> str:
    """The MD5 of the file in hexadecimal, known or read."""
    if upload.md5 is not None:
        return upload.md5
    body = _Body(upload)
    for _ in body:
        pass
    return body.md5


def is_refusal_of_our_own(error: PreconditionFailed, upload: Upload, found: Entry) -> bool:
    """Whether a condition failed only because an earlier attempt had succeeded after all."""
    del error
    return found.length == upload.length and found.md5 == md5_of(upload)


def _headers(upload: Upload) -> dict[str, str]:
    headers = {"Content-Length": str(upload.length), "Accept": "application/json"}
    if upload.md5 is not None:
        digest = base64.b64encode(bytes.fromhex(upload.md5)).decode("ascii")
        headers["Digest"] = f"md5={digest}"
    if upload.if_match is not None:
        headers["If-Match"] = f'"{upload.if_match}"'
    if upload.create_only:
        headers["If-None-Match"] = "*"
    if upload.mtime_ns is not None:
        headers[MTIME_HEADER] = str(upload.mtime_ns)
    return headers


def _check_digest(response: httpx.Response, sent_md5: str) -> None:
    """MalformedAnswer when the service stored something else than what was sent."""
    for item in response.headers.get("digest", "").split(","):
        name, _, value = item.strip().partition("=")
        if name.lower() != "md5" or not sent_md5:
            continue
        try:
            stored = base64.b64decode(value, validate=True).hex()
        except ValueError as error:
            raise MalformedAnswer(f"the digest {value!r} can't be read") from error
        if stored != sent_md5:
            raise MalformedAnswer("the service stored other bytes than those that were sent")


def _entry_in(response: httpx.Response) -> Entry | None:
    if not response.headers.get("content-type", "").startswith("application/json"):
        return None
    try:
        return Entry.from_json(decode_json(response.content))
    except (InvalidData, Fault):
        # The bytes are safe; what they are called now will be asked for again.
        return None
