"""The kernel's page cache: what was read before is otherwise read from memory."""

from __future__ import annotations

import os
from pathlib import Path

DROP_CACHES = Path("/proc/sys/vm/drop_caches")


def can_drop_page_cache() -> bool:
    """Whether this process may empty the page cache (root only)."""
    return os.access(DROP_CACHES, os.W_OK)


def drop_page_cache() -> None:
    """Empties the page cache, after bringing what is dirty to the disk."""
    os.sync()
    DROP_CACHES.write_text("3", encoding="ascii")
