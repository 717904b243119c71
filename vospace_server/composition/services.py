"""The services, over one database and one object store."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from vospace_server.composition.foreign_groups import build_foreign_groups
from vospace_server.composition.naming import group_naming
from vospace_server.config import ServerConfig
from vospace_server.database.engine import Database
from vospace_server.fits.process import FitsWorkers
from vospace_server.services.allocations import AllocationService
from vospace_server.services.copies import CopyService
from vospace_server.services.cutouts import CutoutService
from vospace_server.services.data import DataService
from vospace_server.services.deletions import DeletionService
from vospace_server.services.foreign_groups import ForeignGroups
from vospace_server.services.group_queries import GroupQueries
from vospace_server.services.groups import GroupService
from vospace_server.services.listing import ListingService
from vospace_server.services.moves import MoveService
from vospace_server.services.nodes import NodeService
from vospace_server.services.package_plan import PackagePlanner
from vospace_server.services.packages import PackageService
from vospace_server.services.put_transactions import PutTransactionService
from vospace_server.services.quota import QuotaService
from vospace_server.services.reading import ReadingService
from vospace_server.services.recursive_properties import RecursiveProperties
from vospace_server.services.running_digests import DigestMemory
from vospace_server.services.tickets import TicketService
from vospace_server.services.transaction_book import TransactionBook
from vospace_server.services.transaction_ends import TransactionEnds
from vospace_server.services.tree import Tree
from vospace_server.services.unpacking import UnpackService
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
    copies: CopyService
    allocations: AllocationService
    tickets: TicketService
    reading: ReadingService
    data: DataService
    quota: QuotaService
    packages: PackageService
    transactions: PutTransactionService
    cutouts: CutoutService
    transaction_ends: TransactionEnds
    groups: GroupService
    group_queries: GroupQueries
    foreign_groups: ForeignGroups | None
    unpacking: UnpackService
    recursive_properties: RecursiveProperties


def build_services(config: ServerConfig, database: Database, store: ObjectStore) -> Services:
    """The services of one space."""
    foreign_groups = build_foreign_groups(config)
    tree = _build_tree(config, database, foreign_groups)
    quota = QuotaService(database=database)
    tickets = TicketService(database=database, lifetime=TICKET_LIFE)
    reading = ReadingService(tree=tree, store=store, tickets=tickets)
    uploads = UploadService(tree=tree, quota=quota)
    nodes = NodeService(tree=tree)
    data = DataService(tree=tree, uploads=uploads, reading=reading, store=store)
    book = TransactionBook(tree=tree, uploads=uploads, lifetime=TRANSACTION_LIFE)
    memory = DigestMemory()
    groups = GroupService(
        database=database, naming=tree.naming, informed_of=tree.informed_of_groups
    )
    return Services(
        tree=tree,
        nodes=nodes,
        listing=ListingService(tree=tree),
        deletions=DeletionService(tree=tree),
        moves=MoveService(tree=tree),
        copies=CopyService(tree=tree),
        allocations=AllocationService(tree=tree),
        tickets=tickets,
        reading=reading,
        data=data,
        unpacking=UnpackService(tree=tree, nodes=nodes, data=data),
        quota=quota,
        recursive_properties=RecursiveProperties(tree=tree),
        packages=PackageService(planner=PackagePlanner(tree=tree), store=store),
        cutouts=CutoutService(reading=reading, workers=FitsWorkers()),
        transactions=PutTransactionService(
            book=book, tree=tree, uploads=uploads, data=data, store=store, memory=memory
        ),
        transaction_ends=TransactionEnds(
            book=book, tree=tree, uploads=uploads, store=store, memory=memory
        ),
        groups=groups,
        group_queries=GroupQueries(tree=tree, groups=groups),
        foreign_groups=foreign_groups,
    )


def _build_tree(
    config: ServerConfig, database: Database, foreign_groups: ForeignGroups | None
) -> Tree:
    return Tree(
        database=database,
        authority=config.vos_authority,
        naming=group_naming(config),
        strict_links=config.service.strict_links,
        foreign_groups=foreign_groups,
    )
