"""Many small files in one answer (our server's extension)."""

from collections.abc import Iterator
from dataclasses import dataclass

from vofs.client.errors import MalformedAnswer, Unreachable
from vospace_model.api import BundledFault, BundledFile, BundleEnd, read_bundle_line
from vospace_model.faults import Fault, InvalidData

_MAX_LINE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledContent:
    """A whole small file: its content id and its bytes."""

    path: str
    content: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingFromBundle:
    """A file that the service can't or won't give, and why."""

    path: str
    fault: Fault


BundleItem = BundledContent | MissingFromBundle


def read_bundle(pieces: Iterator[bytes]) -> Iterator[BundleItem]:
    """The files of a bundle as it arrives.

    Raises Unreachable when it breaks off and MalformedAnswer when it isn't one; what was
    yielded before is good.
    """
    reader = _Reader(pieces)
    count = 0
    while True:
        try:
            frame = read_bundle_line(reader.line())
        except InvalidData as error:
            raise MalformedAnswer(f"the bundle can't be read: {error}") from error
        match frame:
            case BundleEnd():
                if frame.count != count:
                    raise MalformedAnswer(f"a bundle of {frame.count} files has {count}")
                return
            case BundledFault():
                yield MissingFromBundle(path=str(frame.path), fault=frame.fault)
            case BundledFile():
                data = reader.exactly(frame.length)
                if reader.exactly(1) != b"\n":
                    raise MalformedAnswer("a file in the bundle is longer than it says")
                yield BundledContent(path=str(frame.path), content=frame.content, data=data)
        count += 1


class _Reader:
    """Lines and counted bytes out of pieces of any size."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._buffer = bytearray()

    def line(self) -> bytes:
        """Up to and without the next line end."""
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > _MAX_LINE_BYTES:
                raise MalformedAnswer("a line of the bundle is too long")
            self._more()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def exactly(self, count: int) -> bytes:
        """The next `count` bytes."""
        while len(self._buffer) < count:
            self._more()
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def _more(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            raise Unreachable("the bundle broke off")
        self._buffer += piece
