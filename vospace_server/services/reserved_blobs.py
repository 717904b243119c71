"""Rows for objects to come, made many at a time.

No object may be in the store without a row that says so, else nobody would find it after a
crash. For small files a transaction to make that row would cost as much as the file: so one
transaction makes the rows of many, before it is known what they will hold. What is never used
is withdrawn at the end, or else expires like the row of any upload that died.
"""

import threading
from datetime import UTC, datetime, timedelta
from typing import Final

from vospace_server.database.blobs import NewBlob
from vospace_server.database.engine import Database
from vospace_server.domain.content import new_content_id
from vospace_server.storage.object_store import ObjectStore

# A server that stores little keeps few rows; one that stores much asks seldom.
_MOST: Final = 64
# Rows are handed out while the collector will leave them alone for long enough.
_ROW_LIFE: Final = timedelta(hours=2)
_USABLE_FOR: Final = timedelta(hours=1)


class ReservedBlobs:
    """The rows that one process has in reserve. Safe for any number of threads."""

    def __init__(self, *, database: Database, store: ObjectStore) -> None:
        self._database = database
        self._store = store
        # Guards the reserve; held while rows are made, so that they are made once.
        self._lock = threading.Lock()
        self._ready: list[NewBlob] = []
        self._made = datetime.min.replace(tzinfo=UTC)
        self._next_count = 1

    def take(self) -> NewBlob:
        """A content id and an object key that the database knows of, for one upload."""
        with self._lock:
            now = datetime.now(UTC)
            if now - self._made > _USABLE_FOR:
                self._ready = []
            if not self._ready:
                self._ready = self._make(self._next_count, now)
                self._made = now
                self._next_count = min(2 * self._next_count, _MOST)
            return self._ready.pop()

    def close(self) -> None:
        """Withdraw what was not used."""
        with self._lock:
            unused, self._ready = self._ready, []
        if unused:
            self._database.retrying(
                lambda unit: unit.blobs.withdraw([blob.content_id for blob in unused]),
                durable=False,
            )

    def _make(self, count: int, now: datetime) -> list[NewBlob]:
        new = [
            NewBlob(content_id=new_content_id(), object_key=self._store.new_key())
            for _ in range(count)
        ]
        # Nobody is told of them; a loss of power takes them together with their objects' use.
        self._database.retrying(
            lambda unit: unit.blobs.begin(new, now=now, writing_until=now + _ROW_LIFE),
            durable=False,
        )
        return new
