"""Whether all bytes of a complete content are those that its digest describes.

Each granule has a crc32 that was made when it came; this finds what came wrong.
"""

import hashlib
import logging
import os
from typing import Final

from vofs.cache.cache_directory import WHOLE_CONTENT
from vofs.cache.cache_parts import CacheParts
from vofs.cache.content_identity import ContentIdentity
from vofs.cache.content_store import ContentStore

_STEP_BYTES: Final = 1024 * 1024
_STEP_GRANULES: Final = 64

logger = logging.getLogger(__name__)


class DigestCheck:
    """Checks one content once, by one process; what is wrong is dropped."""

    def __init__(self, *, parts: CacheParts, identity: ContentIdentity) -> None:
        self._parts = parts
        self._identity = identity

    def is_due(self, store: ContentStore) -> bool:
        """Whether there is a digest that was not compared with the whole content yet."""
        identity = self._identity
        return (
            identity.md5 is not None and not identity.is_packed and not store.is_marked_whole()
        )

    def run(self, store: ContentStore) -> None:
        """Read everything and compare; the store must stay open meanwhile."""
        parts, identity = self._parts, self._identity
        whole = parts.directory.fetching(identity, WHOLE_CONTENT, WHOLE_CONTENT + 1)
        with whole as is_mine:
            if not is_mine or store.is_marked_whole():
                return
            is_right = self._is_right(store)
            if is_right:
                store.mark_whole()
                parts.wrong.clear(identity.key)
            elif is_right is not None:
                self._drop()

    def _is_right(self, store: ContentStore) -> bool | None:
        """Compare the MD5 of the stored bytes; None when they are not all there any more.

        A granule that the disk damaged says nothing of the service: it counts as not there.
        """
        granules = self._identity.granules
        for first in range(0, granules, _STEP_GRANULES):
            if 0 in store.verified(first, min(first + _STEP_GRANULES, granules)):
                return None
        digest = hashlib.md5(usedforsecurity=False)
        buffer = memoryview(bytearray(_STEP_BYTES))
        position = 0
        while position < self._identity.length:
            read = os.preadv(store.descriptor, (buffer,), store.base + position)
            if read == 0:
                return None
            digest.update(buffer[:read])
            position += read
        if 0 in store.presence(0, granules):
            return None
        return digest.digest() == self._identity.md5

    def _drop(self) -> None:
        logger.warning(
            "cache: content %s does not match its digest; it is fetched again",
            self._identity.content_id,
        )
        self._parts.counters.add("damaged_contents")
        self._parts.wrong.add(self._identity.key)
        self._parts.space.evict_content(self._identity.key)
