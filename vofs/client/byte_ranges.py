"""Reads ranges of one version of a file, and believes no answer that isn't exactly that.

A cache above keeps what comes out of here for ever, so each answer is checked: the range that
was asked for, of the length and version that were opened, and not a byte less or more.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus

from vofs.client.connection import Connection
from vofs.client.deadline import Deadline
from vofs.client.errors import ContentChanged, MalformedAnswer, TimedOut, Unreachable
from vofs.client.range_transport import ChosenRanges, RangeAnswer, RangeTransport
from vospace_model.api import Entry
from vospace_model.faults import (
    Fault,
    NodeNotFound,
    NotAuthenticated,
    PermissionDenied,
    PreconditionFailed,
    RangeNotSatisfiable,
    ServiceBusy,
)
from vospace_model.uris import NodePath

_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")
_PAUSE_SECONDS = 0.2
_MAX_PAUSE_SECONDS = 3.0
# A service that gives a little and breaks off, again and again, isn't making progress.
_PROGRESS_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedContent:
    """One version of a file and where its bytes are.

    `etag` is what every answer must carry if it carries any; None when the service gave none.
    `expires_ns` is when the address stops to work, None when that isn't known.
    """

    path: NodePath
    entry: Entry
    data_url: str
    etag: str | None = None
    expires_ns: int | None = None


class ByteRanges:
    """Streams [start, stop) of an opened content, resuming where an answer breaks off."""

    def __init__(
        self, connection: Connection, *, reopen: Callable[[OpenedContent], OpenedContent]
    ) -> None:
        self._connection = connection
        self._transports = ChosenRanges(connection)
        self._reopen = reopen

    def close(self) -> None:
        """Close the connections that are idle."""
        self._transports.close()

    def read(self, opened: OpenedContent, start: int, stop: int) -> Iterator[bytes]:
        """Exactly the bytes of the range, in pieces.

        Raises ContentChanged when this version can't be had any more, Unreachable or TimedOut
        when the service stays away for the time an operation may take, MalformedAnswer when
        it answers something else, or the fault that it names.
        """
        position = start
        progress = _Progress(self._connection)
        while position < stop:
            try:
                for piece in self._one_answer(opened, position, stop, progress.deadline):
                    position += len(piece)
                    yield piece
                    progress.moved(len(piece))
            except (Unreachable, TimedOut) as error:
                progress.wait_or_raise(error)
            except ServiceBusy as error:
                progress.wait_or_raise(error, asked=error.retry_after_seconds or 0)
            except (NotAuthenticated, PermissionDenied, NodeNotFound) as error:
                # The address was signed for a while; a new one tells whether we still may.
                opened = progress.renew(opened, self._reopen, error)

    def _one_answer(
        self, opened: OpenedContent, start: int, stop: int, deadline: Deadline
    ) -> Iterator[bytes]:
        headers = {"Range": f"bytes={start}-{stop - 1}"}
        if opened.etag is not None:
            headers["If-Match"] = opened.etag
        try:
            with self._transport(opened).get(opened.data_url, headers, deadline) as answer:
                skip = _check_answer(answer, opened, start, stop)
                yield from _exactly(answer.pieces, skip=skip, wanted=stop - start)
        except (PreconditionFailed, RangeNotSatisfiable) as error:
            raise ContentChanged(f"{opened.entry.name} was replaced: {error}") from error

    def _transport(self, opened: OpenedContent) -> RangeTransport:
        is_signed = opened.expires_ns is not None
        return self._transports.for_address(opened.data_url, is_signed=is_signed)


class _Progress:
    """Bounds how long nothing much comes, how often an answer breaks, and renewals."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._failures = 0
        self._renewed = False
        self._moved_bytes = 0
        self.deadline = connection.deadline()

    def moved(self, count: int) -> None:
        """Bytes came. When they are enough to speak of, the clock starts again."""
        self._moved_bytes += count
        if self._moved_bytes >= _PROGRESS_BYTES:
            self._moved_bytes = 0
            self._failures = 0
            self.deadline = self._connection.deadline()

    def wait_or_raise(self, error: Exception, *, asked: float = 0.0) -> None:
        """Pause before the next attempt, or give up with the error of the last one."""
        self._failures += 1
        grown = min(_PAUSE_SECONDS * 2**self._failures, _MAX_PAUSE_SECONDS)
        pause = max(asked, grown)
        enough = self._failures >= self._connection.config.retry.attempts
        if enough or pause >= self.deadline.remaining:
            raise error
        time.sleep(pause)

    def renew(
        self,
        opened: OpenedContent,
        reopen: Callable[[OpenedContent], OpenedContent],
        error: Fault,
    ) -> OpenedContent:
        """The same version at a new address; raises when that was tried already."""
        if not self._renewed:
            self._renewed = True
            return reopen(opened)
        if isinstance(error, NodeNotFound):
            raise ContentChanged(f"the bytes of {opened.path} are gone") from error
        raise error


def _check_answer(answer: RangeAnswer, opened: OpenedContent, start: int, stop: int) -> int:
    """How many bytes of the body stand before the range; MalformedAnswer if it isn't ours."""
    headers = answer.headers
    encoding = headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise MalformedAnswer(f"asked for plain bytes, got Content-Encoding: {encoding}")
    etag = headers.get("etag")
    if opened.etag is not None and etag is not None and etag != opened.etag:
        raise ContentChanged(f"{opened.entry.name} was replaced: {etag} is there now")
    if answer.status == HTTPStatus.PARTIAL_CONTENT:
        _check_content_range(headers.get("content-range", ""), opened, start, stop)
        return 0
    if answer.status == HTTPStatus.OK:
        # The service ignores ranges. The whole file will do if it is provably this one.
        if headers.get("content-length") != str(opened.entry.length):
            raise MalformedAnswer("asked for a range, got something of another length")
        return start
    raise MalformedAnswer(f"asked for a range, got status {answer.status}")


def _check_content_range(value: str, opened: OpenedContent, start: int, stop: int) -> None:
    match = _CONTENT_RANGE.fullmatch(value)
    if match is None or (int(match[1]), int(match[2])) != (start, stop - 1):
        raise MalformedAnswer(
            f"asked for bytes {start}-{stop - 1}, got {value or 'no range'!r}"
        )
    if match[3] != "*" and int(match[3]) != opened.entry.length:
        raise ContentChanged(
            f"{opened.entry.name} has {match[3]} bytes now, {opened.entry.length} when opened"
        )


def _exactly(pieces: Iterator[bytes], *, skip: int, wanted: int) -> Iterator[bytes]:
    """The `wanted` bytes after the first `skip`; Unreachable when the body ends before."""
    for piece in pieces:
        if skip >= len(piece):
            skip -= len(piece)
            continue
        part = piece[skip : skip + wanted] if skip or len(piece) > wanted else piece
        skip = 0
        wanted -= len(part)
        yield part
        if wanted == 0:
            return
    raise Unreachable(f"the answer ended {wanted} bytes too soon")
