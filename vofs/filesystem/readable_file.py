"""A file open for reading: one version of its bytes, for as long as it is open."""

import threading

from vofs.cache.cached_content import CachedContent
from vofs.cache.content_source import ContentSource


class ReadableFile:
    """Reads one content through the cache; owns the content that it was given."""

    __slots__ = ("_content", "_is_open", "_lock", "_source")

    def __init__(self, *, content: CachedContent, source: ContentSource) -> None:
        self._content = content
        self._source = source
        # Guards the flag, so that the content is closed once.
        self._lock = threading.Lock()
        self._is_open = True

    @property
    def length(self) -> int:
        """Bytes of this version."""
        return self._content.length

    @property
    def content_id(self) -> str:
        """Which version this is."""
        return self._content.content_id

    def read_into(self, buffer: memoryview, offset: int) -> int:
        """Fill the buffer (of format "B") from an offset on; less only at the end.

        Raises what the source raises, and the errors of the cache (cache/errors.py).
        """
        return self._content.read_into(buffer, offset, self._source)

    def close(self) -> None:
        """Let go of the content; no read may be under way. Closing again does nothing."""
        with self._lock:
            was_open, self._is_open = self._is_open, False
        if was_open:
            self._content.close()
