"""Where the bytes of a content come from, as the cache sees it."""

from collections.abc import Iterator
from typing import Protocol


class ContentSource(Protocol):
    """The far side of one content: an immutable sequence of bytes, had by ranges."""

    def fetch(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield exactly the bytes of [start, stop), in pieces of any size, and raise otherwise.

        One call is one request on the wire. The caller may stop early by closing the iterator.
        Every wait inside is bounded. May be called from several threads at once.
        """
        ...  # pragma: no cover
