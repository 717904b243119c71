"""The services, over one database and one object store."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from vospace_server.composition.naming import group_naming
from vospace_server.config import ServerConfig
from vospace_server.database.engine import Database
from vospace_server.fits.process import FitsWorkers
from vospace_server.services.allocations import AllocationService
from vospace_server.services.cutouts import CutoutService
from vospace_server.services.data import DataService
from vospace_server.services.deletions import DeletionService
from vospace_server.services.listing import ListingService
from vospace_server.services.moves import MoveService
from vospace_server.services.nodes import NodeService
from vospace_server.services.put_transactions import PutTransactionService
from vospace_server.services.quota import QuotaService
from vospace_server.services.reading import ReadingService
from vospace_server.services.running_digests import DigestMemory
from vospace_server.services.tickets import TicketService
from vospace_server.services.transaction_book import TransactionBook
from vospace_server.services.transaction_ends import TransactionEnds
from vospace_server.services.tree import Tree
from vospace_server.services.uploads import UploadService
from vospace_server.storage.object_store import ObjectStore

TICKET_LIFE: Final = timedelta(hours=1)
# An upload in several requests of which nothing more is heard is given up after this time.
TRANSACTION_LIFE: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the endpoints call."""

    tree: Tree
    nodes: NodeService
    listing: ListingService
    deletions: DeletionService
    moves: MoveService
    allocations: AllocationService
    tickets: TicketService
    reading: ReadingService
    data: DataService
    quota: QuotaService
    transactions: PutTransactionService
    cutouts: CutoutService
    transaction_ends: TransactionEnds


def build_services(config: ServerConfig, database: Database, store: ObjectStore) -> Services:
    """The services of one space."""
    tree = Tree(
        database=database,
        authority=config.vos_authority,
        naming=group_naming(config),
        strict_links=config.service.strict_links,
    )
    quota = QuotaService(database=database)
    tickets = TicketService(database=database, lifetime=TICKET_LIFE)
    reading = ReadingService(tree=tree, store=store, tickets=tickets)
    uploads = UploadService(tree=tree, quota=quota)
    data = DataService(tree=tree, uploads=uploads, reading=reading, store=store)
    book = TransactionBook(tree=tree, uploads=uploads, lifetime=TRANSACTION_LIFE)
    memory = DigestMemory()
    return Services(
        tree=tree,
        nodes=NodeService(tree=tree),
        listing=ListingService(tree=tree),
        deletions=DeletionService(tree=tree),
        moves=MoveService(tree=tree),
        allocations=AllocationService(tree=tree),
        tickets=tickets,
        reading=reading,
        data=data,
        quota=quota,
        cutouts=CutoutService(reading=reading, workers=FitsWorkers()),
        transactions=PutTransactionService(
            book=book, tree=tree, uploads=uploads, data=data, store=store, memory=memory
        ),
        transaction_ends=TransactionEnds(
            book=book, tree=tree, uploads=uploads, store=store, memory=memory
        ),
    )
