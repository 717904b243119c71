"""Whether all bytes of a complete content are those that its digest describes."""

import hashlib
import os
from typing import Final

from vofs.cache.content_identity import ContentIdentity
from vofs.cache.content_store import ContentStore

_STEP_BYTES: Final = 1024 * 1024


def digest_is_right(store: ContentStore, identity: ContentIdentity) -> bool | None:
    """Compare the MD5 of the stored bytes; None when they are not all there any more."""
    digest = hashlib.md5(usedforsecurity=False)
    buffer = memoryview(bytearray(_STEP_BYTES))
    position = 0
    while position < identity.length:
        read = os.preadv(store.descriptor, (buffer,), store.base + position)
        if read == 0:
            return None
        digest.update(buffer[:read])
        position += read
    if 0 in store.presence(0, identity.granules):
        return None
    return digest.digest() == identity.md5
