"""A space with bytes and without HTTP: the services of data on a tree and a store."""

from datetime import UTC, datetime, timedelta

from tests.vospace_server.services.tree_space import TreeSpace, at
from vospace_model.uris import NodePath
from vospace_server.domain.content import Content
from vospace_server.domain.digests import Digests
from vospace_server.domain.identity import Caller
from vospace_server.services.data import DataService, Upload
from vospace_server.services.fsck import Damage, FsckService
from vospace_server.services.garbage import GarbageReport, GarbageService
from vospace_server.services.put_transactions import PutTransactionService
from vospace_server.services.reading import ReadingService
from vospace_server.services.running_digests import DigestMemory
from vospace_server.services.segments import SegmentLimits
from vospace_server.services.tickets import TicketService
from vospace_server.services.transaction_book import TransactionBook
from vospace_server.services.transaction_ends import TransactionEnds
from vospace_server.services.upload_conditions import UploadConditions
from vospace_server.services.upload_orders import Stored, UploadOrder
from vospace_server.storage.object_store import ObjectKey, ObjectStore

GRACE = timedelta(hours=24)
TRANSACTION_LIFE = timedelta(hours=6)


class ByteSpace:
    """Alice's allocation at /alice (1,000,000 bytes), and a store."""

    def __init__(self, url: str, store: ObjectStore) -> None:
        self.tree = TreeSpace(url)
        self.store = store
        self.now = datetime.now(UTC)
        self.tickets = TicketService(
            database=self.tree.database, lifetime=timedelta(minutes=10)
        )
        self.reading = ReadingService(tree=self.tree.tree, store=store, tickets=self.tickets)
        self.data = DataService(
            tree=self.tree.tree, uploads=self.tree.uploads, reading=self.reading, store=store
        )
        book = TransactionBook(
            tree=self.tree.tree,
            uploads=self.tree.uploads,
            lifetime=TRANSACTION_LIFE,
            clock=lambda: self.now,
        )
        self.book = book
        self.transactions, self.ends = self.process()
        self.garbage = GarbageService(
            database=self.tree.database, store=store, grace=GRACE, clock=lambda: self.now
        )
        self.fsck = FsckService(
            database=self.tree.database,
            store=store,
            sizes=self.tree.sizes,
            clock=lambda: self.now,
        )

    def process(self) -> tuple[PutTransactionService, TransactionEnds]:
        """What another process, or this one after a restart, has for transactions."""
        memory, tree, uploads = DigestMemory(), self.tree.tree, self.tree.uploads
        return PutTransactionService(
            book=self.book,
            tree=tree,
            uploads=uploads,
            data=self.data,
            store=self.store,
            memory=memory,
            limits=SegmentLimits(min_bytes=10, max_bytes=100),
        ), TransactionEnds(
            book=self.book, tree=tree, uploads=uploads, store=self.store, memory=memory
        )

    @property
    def alice(self) -> Caller:
        return self.tree.alice

    def begin(self, path: str, length: int | None = None, md5: str | None = None) -> Upload:
        """An upload of alice's that has begun."""
        return self.data.begin(self.alice, _order(path, length, md5))

    def put_at_once(self, path: str, content: bytes, md5: str | None = None) -> Stored:
        """The same for a small file that has come already."""
        return self.data.store_whole(self.alice, _order(path, len(content), md5), content)

    def put(self, path: str, content: bytes) -> Stored:
        """A whole upload of alice's."""
        upload = self.begin(path, len(content))
        upload.write(content)
        return upload.commit()

    def read(self, path: str) -> bytes:
        """All bytes at a path."""
        return self.read_content(self.content(path))

    def content(self, path: str) -> Content:
        found = self.reading.describe(self.alice, at(path)).content
        assert found is not None
        return found

    def read_content(self, content: Content) -> bytes:
        reader = self.store.open(ObjectKey(content.object_key))
        try:
            return reader.read_at(0, content.length)
        finally:
            reader.close()

    def tree_path(self, path: str) -> NodePath:
        return at(path)

    def delete(self, path: str) -> None:
        self.tree.deletions.delete(self.alice, at(path))

    def used(self) -> int:
        """Bytes that the allocation counts, reservations included."""
        allocation = self.tree.allocations.lookup(self.alice, at("/alice"))
        assert allocation is not None
        return allocation.usage.used_bytes

    def objects(self) -> int:
        return len(list(self.store.list()))

    def collect(self, after: timedelta = timedelta(0)) -> GarbageReport:
        """Let time pass and collect."""
        self.now += after
        return self.garbage.collect()

    def check(self, *, repair: bool = False) -> list[Damage]:
        self.tree.sizes.fold_all()
        return list(self.fsck.check(repair=repair))

    def close(self) -> None:
        self.data.close()
        self.store.close()
        self.tree.close()


def _order(path: str, length: int | None, md5: str | None) -> UploadOrder:
    return UploadOrder(
        path=at(path),
        declared_length=length,
        announced=Digests(md5=md5),
        conditions=UploadConditions(),
        media_type=None,
        mtime_ns=None,
    )
