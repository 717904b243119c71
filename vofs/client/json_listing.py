"""Reads the listings of our server's extension, line by line as they arrive."""

from collections.abc import Iterator

from vofs.client.errors import BrokenOff, MalformedAnswer
from vospace_model.api import Entry, ListingEnd, read_listing_line
from vospace_model.faults import InvalidData


def read_listing(pieces: Iterator[bytes]) -> Iterator[Entry]:
    """The entries of a listing, the container itself first.

    Raises BrokenOff when the last line is missing: a listing that broke off must not look
    like a short folder. Raises MalformedAnswer when a line or the count is wrong.
    """
    for count, line in enumerate(_lines(pieces)):
        try:
            item = read_listing_line(line)
        except InvalidData as error:
            raise MalformedAnswer(f"the listing can't be read: {error}") from error
        if isinstance(item, ListingEnd):
            # The container, which comes first, is not counted.
            if item.count != count - 1:
                raise MalformedAnswer(f"a listing of {item.count} nodes has {count - 1}")
            return
        yield item
    raise BrokenOff("the listing broke off")


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        yield from lines
    if rest:
        yield rest
